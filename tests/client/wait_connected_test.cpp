// `wait_connected`, in every state.
#include <deque>

#include "client/connections.hpp"

namespace culex {
namespace {

class WaitConnected : public ConnectionTest {
protected:
    static Task<> wait(AsyncClient& client, std::chrono::milliseconds timeout) {
        co_await client.wait_connected(timeout);
    }
    /// One more who waits; has run until it waits.
    TaskRoot<>& waiter(std::chrono::milliseconds timeout = 0ms) {
        TaskRoot<>& root = waiters.emplace_back(wait(*client, timeout));
        root.start_on(runtime);
        runtime.run_until_idle();
        return root;
    }
    void lose_connection() {
        a.stop_listening();
        a.drop_all_connections();
        runtime.run_until_idle();
    }
    std::deque<TaskRoot<>> waiters;
};
CULEX_FOR_BOTH_VERSIONS(WaitConnected);

TEST_P(WaitConnected, is_done_at_once_while_connected) {
    start(options());
    ASSERT_EQ(connect({at("a")}), "ok");
    EXPECT_EQ(outcome(waiter()), "ok");
}

TEST_P(WaitConnected, waits_for_the_new_connection_where_one_was_asked_for) {
    start(options());
    ASSERT_EQ(connect({at("a")}), "ok");
    const auto renew = [](AsyncClient& own) -> Task<> {
        own.reconnect();
        co_await own.wait_connected();
    };
    run(renew(*client));
    EXPECT_EQ(a.accepted(), 2u);
    EXPECT_EQ(client->state(), ConnectionState::connected);
}

TEST_P(WaitConnected, fails_at_once_before_connect_and_after_disconnect) {
    start(options());
    EXPECT_EQ(outcome(waiter()), "not connected");
    ASSERT_EQ(connect({at("a")}), "ok");
    run(disconnect(*client));
    EXPECT_EQ(outcome(waiter()), "not connected");
}

TEST_P(WaitConnected, waits_while_connecting) {
    start(options());
    runtime.set_latency(1s);
    TaskRoot<> connecting(connect_to(*client, {at("a")}, {}));
    connecting.start_on(runtime);
    runtime.run_until_idle();
    ASSERT_EQ(client->state(), ConnectionState::connecting);
    TaskRoot<>& one = waiter();
    EXPECT_EQ(outcome(one), "not done");
    runtime.advance(10s);
    EXPECT_EQ(outcome(one), "ok");
}

TEST_P(WaitConnected, any_number_waits_while_backing_off) {
    start(options());
    ASSERT_EQ(connect({at("a")}), "ok");
    lose_connection();
    for (int i = 0; i < 100; ++i) waiter();
    ASSERT_EQ(client->state(), ConnectionState::backing_off);
    runtime.advance(10min);
    for (auto& each : waiters) ASSERT_EQ(outcome(each), "not done");
    a.listen();
    runtime.advance(1min);
    for (auto& each : waiters) ASSERT_EQ(outcome(each), "ok");
}

TEST_P(WaitConnected, fails_in_time_and_counts_its_time_alone) {
    start(options());
    ASSERT_EQ(connect({at("a")}), "ok");
    lose_connection();
    TaskRoot<>& soon = waiter(5s);
    TaskRoot<>& late = waiter(500s);
    runtime.advance(5s - 1ms);
    EXPECT_EQ(outcome(soon), "not done");
    runtime.advance(1ms);
    EXPECT_EQ(outcome(soon), "timed out");
    EXPECT_EQ(outcome(late), "not done");
    a.listen();
    runtime.advance(1min);
    EXPECT_EQ(outcome(late), "ok");
}

TEST_P(WaitConnected, fails_with_the_cause_when_the_client_gives_up_and_after_it_has) {
    start(quick());
    ASSERT_EQ(connect({at("a")}), "ok");
    a.options().refuse_connect = ReasonCode::not_authorized;
    runtime.advance(1min);
    a.drop_all_connections();
    runtime.run_until_idle();
    TaskRoot<>& before = waiter();
    runtime.advance(1min);
    EXPECT_EQ(outcome(before), "refused by the broker");
    EXPECT_EQ(outcome(waiter()), "refused by the broker");
}

TEST_P(WaitConnected, fails_when_a_first_connect_fails) {
    start(options());
    runtime.set_black_hole("hole");
    TaskRoot<> connecting(connect_to(*client, {at("hole")}, {}));
    connecting.start_on(runtime);
    runtime.run_until_idle();
    TaskRoot<>& one = waiter();
    runtime.advance(1min);
    EXPECT_EQ(outcome(one), "timed out");
    EXPECT_EQ(outcome(connecting), "timed out");
}

TEST_P(WaitConnected, ends_with_closed_when_the_client_disconnects_however_long_that_takes) {
    start(options());
    ASSERT_EQ(connect({at("a")}), "ok");
    lose_connection();
    TaskRoot<>& before = waiter();
    TaskRoot<> published(publish(*client, "t", "x", QoS::at_least_once)); // which it tries to deliver
    published.start_on(runtime);
    runtime.run_until_idle();
    TaskRoot<> disconnecting(disconnect(*client, {.drain = 1min}));
    disconnecting.start_on(runtime);
    runtime.run_until_idle();
    ASSERT_EQ(client->state(), ConnectionState::disconnecting);
    EXPECT_EQ(outcome(before), "the client is closed");
    EXPECT_EQ(outcome(waiter()), "the client is closed");
    runtime.advance(2min);
    EXPECT_EQ(outcome(disconnecting), "ok");
}

TEST_P(WaitConnected, ends_with_closed_when_the_client_is_destroyed) {
    start(options());
    ASSERT_EQ(connect({at("a")}), "ok");
    lose_connection();
    TaskRoot<>& one = waiter(1h);
    client.reset();
    runtime.advance(2h);
    EXPECT_EQ(outcome(one), "the client is closed");
}

TEST_P(WaitConnected, dropped_stops_waiting) {
    start(options());
    ASSERT_EQ(connect({at("a")}), "ok");
    lose_connection();
    waiter(1h);
    waiter();
    waiters.clear();
    a.listen();
    runtime.advance(2h);
    EXPECT_EQ(client->state(), ConnectionState::connected);
}

// --- a client that goes in the very turn in which an operation is done

TEST_P(WaitConnected, a_client_destroyed_between_the_end_of_an_operation_and_its_waiters_turn_is_not_touched) {
    const auto connect_then = [](AsyncClient& own) -> Task<bool> {
        const ConnectResult result = co_await own.connect("mqtt://a");
        co_return result.session_present;
    };
    const auto disconnect_then = [](AsyncClient& own) -> Task<std::size_t> {
        const DisconnectResult result = co_await own.disconnect();
        co_return result.undelivered;
    };
    ClientOptions persistent = options();
    persistent.clean_start = false;
    persistent.properties.session_expiry_interval = never_expires;
    for (int turns = 1; turns < 40; ++turns) { // one of them is the turn in question
        auto own = std::make_unique<AsyncClient>(runtime, persistent);
        TaskRoot<bool> connecting(connect_then(*own));
        connecting.start_on(runtime);
        for (int i = 0; i < turns; ++i) runtime.step();
        own.reset();
        runtime.advance(1min);
        ASSERT_TRUE(connecting.done());
        try {
            connecting.result();
        } catch (const Error& error) {
            EXPECT_TRUE(error.failure() == Errc::closed);
        }
    }
    for (int turns = 1; turns < 40; ++turns) {
        auto own = std::make_unique<AsyncClient>(runtime, persistent);
        TaskRoot<bool> connecting(connect_then(*own));
        connecting.start_on(runtime);
        runtime.advance(1s);
        ASSERT_TRUE(connecting.done());
        EXPECT_TRUE(connecting.result());
        TaskRoot<std::size_t> disconnecting(disconnect_then(*own));
        disconnecting.start_on(runtime);
        for (int i = 0; i < turns; ++i) runtime.step();
        own.reset();
        runtime.advance(1min);
        ASSERT_TRUE(disconnecting.done());
    }
}

} // namespace
} // namespace culex
