// Hooks of a connection: who runs them where several threads or none could, and how many are kept.
#include <atomic>

#include "facade/facade_test.hpp"
#include "facade/hooks.hpp"

namespace culex::facade {
namespace {

class Hooks : public FacadeTest {
protected:
    /// Once the I/O thread has heard of so many CONNACKs, and done what follows from the last.
    void wait_until_connected(Client& client, std::uint64_t times) {
        const TimePoint end = Clock::now() + patience;
        while (client.statistics().connections < times && Clock::now() < end) std::this_thread::yield();
        EXPECT_EQ(times, client.statistics().connections);
    }
};
CULEX_BOTH_VERSIONS(Hooks);

/// Each waits for room in the other, that for a connection, and that for a hook that only the waiting threads can run.
TEST_P(Hooks, rule_06_two_clients_that_publish_into_each_other_from_callbacks_let_their_hooks_run) {
    ClientSettings narrow = settings();
    narrow.outbound.messages = 1;
    Gate a_entered, b_entered, dropped;
    Box<std::string> done;
    Client a{"a", false, narrow};
    Client b{"b", false, narrow};
    const auto publish_into = [&](Client& other, Gate& entered) {
        return [&](Client&, const CallbackData&) {
            entered.open();
            EXPECT_TRUE(dropped.wait());
            done.put(fault_of([&] {
                for (int i = 0; i < 10; ++i) other.publish("x", "1", 1);
            }));
        };
    };
    connect(a, {.before_reconnect = [](Client&) {}});
    connect(b, {.before_reconnect = [](Client&) {}});
    a.loop();
    b.loop();
    subscribe(a, "to-a", 1);
    subscribe(b, "to-b", 1);
    a.on(PUBLISH, publish_into(b, a_entered));
    b.on(PUBLISH, publish_into(a, b_entered));
    publish("to-a", "go", QoS::at_least_once);
    publish("to-b", "go", QoS::at_least_once);
    ASSERT_TRUE(a_entered.wait());
    ASSERT_TRUE(b_entered.wait());
    drop_connections();
    dropped.open();
    EXPECT_THAT(done.take(2), ElementsAre("", ""));
    a.disconnect(); // callbacks that wait end with it, if they do not by themselves
    b.disconnect();
}

TEST_P(Hooks, a_hook_that_fell_due_at_the_end_of_a_loop_runs_in_the_next) {
    Gate reconnected, ended;
    Box<std::string> said;
    Client client{"c", true, settings()};
    connect(client);
    client.on(PUBACK, [&](Client& c, const CallbackData&) {
        open_at_thread_end(ended);
        c.disconnect(); // so this is the last callback
        connect(c, {.after_connect = [&](Client&) { said.put("after"); }});
        said.put("connected");
        drop_connections();
        EXPECT_TRUE(reconnected.wait());
    });
    client.loop();
    client.publish("a", "b", 1);
    EXPECT_THAT(said.take(2), ElementsAre("after", "connected"));
    wait_until_connected(client, 3);
    reconnected.open();
    ASSERT_TRUE(ended.wait());
    EXPECT_EQ(0u, said.size());
    client.loop();
    EXPECT_EQ("after", said.take());
}

TEST_P(Hooks, of_several_connections_that_nobody_could_be_told_of_only_the_last_is) {
    Gate entered, leave;
    Box<std::string> said;
    Client client{"c", true, settings()};
    connect(client, {.after_connect = [&](Client&) { said.put("after"); }});
    EXPECT_EQ("after", said.take());
    client.on(PUBACK, [&](Client&, const CallbackData&) {
        said.put("acknowledged");
        entered.open();
        EXPECT_TRUE(leave.wait());
    });
    client.loop();
    client.publish("a", "b", 1);
    ASSERT_TRUE(entered.wait());
    for (std::uint64_t times = 2; times < 6; ++times) {
        drop_connections();
        wait_until_connected(client, times);
    }
    client.publish("a", "b", 1);
    leave.open();
    EXPECT_THAT(said.take(3), ElementsAre("acknowledged", "after", "acknowledged"));
}

/// Without a loop nobody takes what is due.
TEST(HookQueueTest, holds_the_last_of_each_kind) {
    HookQueue hooks;
    auto functions = std::make_shared<HookFunctions>(
        HookFunctions{[](Client&) {}, [](Client&) {}, [](Client&, const Failure&, bool) {}});
    hooks.swap_functions(functions);
    for (std::uint64_t attempt = 1; attempt <= 5; ++attempt) {
        hooks.add({.kind = HookKind::on_disconnected});
        hooks.add({.kind = HookKind::before_reconnect, .attempt = attempt});
        hooks.add({.kind = HookKind::after_connect});
    }
    for (const HookKind kind : {HookKind::on_disconnected, HookKind::before_reconnect, HookKind::after_connect}) {
        const auto due = hooks.take();
        ASSERT_TRUE(due);
        EXPECT_EQ(kind, due->kind);
        EXPECT_EQ(kind == HookKind::before_reconnect ? 5u : 0u, due->attempt);
    }
    EXPECT_TRUE(hooks.empty());
}

} // namespace
} // namespace culex::facade
