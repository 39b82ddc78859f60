// A broker that stays away: the client goes on trying, with bounded work and memory; and what it counts.
#include <malloc.h>

#include "client/connections.hpp"
#include "client/core.hpp"

namespace culex {
namespace {

class Offline : public ConnectionTest {
protected:
    /// Bytes that the program has from the heap. (Under AddressSanitizer the number says nothing, and does not change.)
    static std::size_t heap() { return mallinfo2().uordblks; }
    /// Lets time pass; how many turns of the loop that took.
    int turns_of(Duration duration) {
        int turns = 0;
        const TimePoint end = runtime.now() + duration;
        while (runtime.now() < end && runtime.step()) ++turns;
        return turns;
    }
    [[nodiscard]] std::uint64_t attempts() { return client->statistics().attempts; }
};
CULEX_FOR_BOTH_VERSIONS(Offline);

TEST_P(Offline, an_hour_offline_has_attempts_go_on_with_bounded_work_and_memory) {
    start(options());
    ASSERT_EQ(connect({at("a"), at("b")}), "ok");
    ConnectionEvents unread = client->connection_events();
    for (auto* each : {&a, &b}) each->stop_listening();
    a.drop_all_connections();
    turns_of(1h); // the delays have grown, the streams of events are full
    const std::size_t memory = heap();
    for (int hour = 0; hour < 24; ++hour) {
        const std::uint64_t before = attempts();
        const int turns = turns_of(1h);
        // A round of two attempts for each delay, which is a quarter of a minute as a mean.
        EXPECT_GT(attempts() - before, 300u);
        EXPECT_LT(attempts() - before, 800u);
        EXPECT_LT(turns, 10 * static_cast<int>(attempts() - before));
    }
    EXPECT_LT(heap(), memory + 16'384);
    EXPECT_EQ(unread.size(), 256u);
    EXPECT_GT(unread.dropped(), 10'000u);
    EXPECT_EQ(client->outstanding(), 0u);
    a.listen();
    turns_of(31s);
    EXPECT_EQ(client->state(), ConnectionState::connected);
}

TEST_P(Offline, what_waits_for_the_connection_costs_no_work_meanwhile) {
    start(options());
    ASSERT_EQ(connect({at("a")}), "ok");
    a.stop_listening();
    a.drop_all_connections();
    runtime.run_until_idle();
    const auto wait = [](AsyncClient& own) -> Task<> { co_await own.wait_connected(); };
    std::vector<std::unique_ptr<TaskRoot<>>> waiting;
    for (int i = 0; i < 1000; ++i) {
        waiting.push_back(std::make_unique<TaskRoot<>>(wait(*client)));
        waiting.back()->start_on(runtime);
        ASSERT_TRUE(client->try_publish("t", as_bytes("x"), {.qos = QoS::at_least_once}));
    }
    runtime.run_until_idle();
    const std::uint64_t before = attempts();
    const int turns = turns_of(1h);
    EXPECT_LT(turns, 10 * static_cast<int>(attempts() - before));
    a.listen();
    runtime.advance(1min);
    for (auto& each : waiting) ASSERT_EQ(outcome(*each), "ok");
    EXPECT_EQ(client->outstanding(), 0u);
    EXPECT_EQ(a.messages().size(), 1000u);
}

// --- counts, for the statistics

class Counts : public ConnectionTest {
protected:
    [[nodiscard]] Statistics counts() { return ConnectionTest::client->statistics(); }
    [[nodiscard]] std::uint64_t failed(EndCause cause) { return counts().failed_by(cause); }
    [[nodiscard]] std::uint64_t lost(EndCause cause) { return counts().lost_by(cause); }
};
CULEX_FOR_BOTH_VERSIONS(Counts);

TEST_P(Counts, attempts_and_connections_by_what_ended_them) {
    runtime.set_unresolvable("nowhere");
    runtime.set_black_hole("hole");
    b.options().refuse_connect = ReasonCode::server_unavailable;
    c.script(Script{}.expect(PacketType::connect).reply_bytes("FF FF"));
    ClientOptions own = quick();
    own.keep_alive = 10s;
    own.reconnect.reset_after = 10s; // so that it comes back to a
    start(own);
    const Endpoint wss(Transport::wss, "a", 443, "/mqtt");
    ASSERT_EQ(connect({at("nowhere"), at("hole"), Endpoint(Transport::tcp, "b", 9), at("b"), at("c"), wss, at("a")}),
              "ok");
    EXPECT_EQ(counts().attempts, 7u);
    EXPECT_EQ(counts().connections, 1u);
    for (const EndCause cause : {EndCause::resolve, EndCause::timed_out, EndCause::network, EndCause::refused,
                                 EndCause::protocol, EndCause::other}) {
        EXPECT_EQ(failed(cause), 1u) << static_cast<int>(cause);
    }
    const auto back = [&] {
        settle();
        EXPECT_EQ(ConnectionTest::client->state(), ConnectionState::connected);
        runtime.advance(1min);
    };
    runtime.advance(1min);
    ConnectionTest::client->reconnect();
    back();
    EXPECT_EQ(lost(EndCause::requested), 1u);
    a.drop_all_connections();
    back();
    EXPECT_EQ(lost(EndCause::end_of_stream), 1u);
    a.inject({.sent = {.stall_after = 8}});
    a.drop_all_connections();
    back(); // long enough for the stall to be noticed
    EXPECT_EQ(lost(EndCause::no_response), 1u);
    run(disconnect(*ConnectionTest::client));
    std::uint64_t all = 0;
    for (const std::uint64_t each : counts().lost) all += each;
    EXPECT_EQ(all, counts().connections - 1); // a wanted end does not count
}

} // namespace
} // namespace culex
