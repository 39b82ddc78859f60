// What the random programs of tests/model have found in the client, each by itself.
#include "client/client_test.hpp"

namespace culex {
namespace {

class ModelFound : public ClientTest {};
CULEX_FOR_BOTH_VERSIONS(ModelFound);

Task<> connect(AsyncClient& client) { co_await client.connect("mqtt://broker"); }

Task<> leave_at_once(AsyncClient& client, DisconnectResult& report) {
    auto first = client.publish("t", "taken", {.qos = QoS::at_least_once});
    auto second = client.publish("t", "waits for room", {.qos = QoS::at_least_once});
    report = co_await client.disconnect({.drain = 0ms});
    EXPECT_ERROR(co_await second, Errc::closed);
    EXPECT_ERROR(co_await first, Errc::closed);
}

TEST_P(ModelFound, what_waits_for_room_when_the_drain_is_over_fails_with_closed_and_is_counted) {
    ClientOptions narrow = options();
    narrow.outbound = {.messages = 1, .when_full = WhenFull::wait};
    AsyncClient client(runtime, narrow);
    run(connect(client));
    broker.options().hold_acknowledgements = true;
    DisconnectResult report;
    run(leave_at_once(client, report));
    EXPECT_EQ(report.undelivered, 2u);
    EXPECT_EQ(report.messages, (std::array<std::size_t, 3>{0, 2, 0}));
}

Task<> leave_twice(AsyncClient& client) {
    auto first = client.publish("t", "taken", {.qos = QoS::at_least_once});
    auto second = client.publish("t", "waits for room", {.qos = QoS::at_least_once});
    auto at_once = client.disconnect({.drain = 0ms});
    co_await yield();
    auto later = client.disconnect({.drain = 10s});
    co_await later;
    EXPECT_TRUE(at_once.await_ready());
    EXPECT_ERROR(co_await second, Errc::closed);
    co_await first; // there was time for it
}

TEST_P(ModelFound, a_longer_drain_that_follows_a_short_one_does_not_wait_for_what_is_too_late) {
    ClientOptions narrow = options();
    narrow.clean_start = false;
    narrow.properties.session_expiry_interval = 3600;
    narrow.outbound = {.messages = 1, .when_full = WhenFull::wait};
    AsyncClient client(runtime, narrow);
    runtime.set_latency(1ms);
    run(connect(client));
    const TimePoint begin = runtime.now();
    run(leave_twice(client));
    EXPECT_LT(runtime.now() - begin, 5s);
}

Task<Subscription> subscribe(AsyncClient& client) { co_return co_await client.subscribe("t"); }

TEST_P(ModelFound, connack_in_pieces_is_read_to_its_end_while_streams_are_beyond_the_soft_limit) {
    ClientOptions bounded = options();
    bounded.clean_start = false;
    bounded.inbound.soft_messages = 1;
    AsyncClient client(runtime, bounded);
    run(connect(client));
    Subscription nobody_reads = run(subscribe(client));
    for (int i = 0; i < 3; ++i) broker.publish("t", "x");
    runtime.advance(1s);
    ASSERT_EQ(nobody_reads.size(), 3u);
    broker.inject({.sent = {.chunk_size = 1}});
    client.reconnect();
    runtime.advance(1s);
    EXPECT_EQ(client.state(), ConnectionState::connected);
    EXPECT_EQ(broker.accepted(), 2u);
}

} // namespace
} // namespace culex
