// What a session counts, and shows of its packets.
#include "support/session_peer.hpp"

namespace culex::session {
namespace {

using namespace culex::testing;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr QoS q0 = QoS::at_most_once;
constexpr QoS q1 = QoS::at_least_once;
constexpr QoS q2 = QoS::exactly_once;

Statistics statistics_of(SessionPeer& peer) {
    Statistics statistics;
    peer->count_into(statistics);
    return statistics;
}

/// What went over the wire, counted by somebody else.
class NotedPackets final : public PacketTap {
public:
    explicit NotedPackets(Version version) : version_(version) {}
    void on_received(const wire::Frame& packet) noexcept override { note(received, "> ", packet); }
    void on_sent(const wire::Frame& packet) noexcept override { note(sent, "< ", packet); }

    TrafficByType sent;
    TrafficByType received;
    Lines lines;

private:
    void note(TrafficByType& way, const char* arrow, const wire::Frame& frame) {
        std::size_t size = 2 + frame.body.size();
        for (std::size_t length = frame.body.size(); length >= 128; length /= 128) ++size;
        Counters::count(way, frame.type(), size);
        wire::Arena arena;
        const auto packet = wire::decode(frame, version_, arena);
        lines.push_back(arrow + (packet ? brief(*packet) : std::string("malformed")));
    }
    Version version_;
};

class StatisticsTest : public SessionTest {};
INSTANTIATE_TEST_SUITE_P(Versions, StatisticsTest, both_versions(), version_name);

TEST_P(StatisticsTest, packets_and_bytes_are_counted_by_type_and_direction) {
    peer.connect();
    peer.publish("a", "0", q0);
    peer.publish("a", "1", q1);
    peer.publish("a", std::string(200, 'x'), q2); // two bytes of Remaining Length
    peer.subscribe("b");
    peer.flush();
    peer.receive(Puback{.packet_id = 1});
    peer.receive(Pubrec{.packet_id = 2});
    peer.receive(Pubcomp{.packet_id = 2});
    peer.receive_message("b", "0");
    peer.receive_message("b", std::string(300, 'x'), q1, 9);
    peer.acknowledge();
    peer.flush();
    const std::uint64_t length = v5() ? 1 : 0; // of the properties
    const Statistics now = statistics_of(peer);
    EXPECT_EQ(now.sent.of(PacketType::connect).packets, 1u);
    EXPECT_EQ(now.sent.of(PacketType::connect).bytes, 16u + length);
    EXPECT_EQ(now.sent.of(PacketType::publish).packets, 3u);
    EXPECT_EQ(now.sent.of(PacketType::publish).bytes, 6 + 8 + 208 + 3 * length);
    EXPECT_THAT(now.sent.publishes, ElementsAre(1u, 1u, 1u));
    EXPECT_EQ(now.sent.of(PacketType::subscribe).packets, 1u);
    EXPECT_EQ(now.sent.of(PacketType::pubrel).packets, 1u);
    EXPECT_EQ(now.sent.of(PacketType::puback).packets, 1u);
    EXPECT_EQ(now.sent.of(PacketType::puback).bytes, 4u);
    EXPECT_EQ(now.sent.total().packets, 7u);
    EXPECT_EQ(now.received.of(PacketType::connack).packets, 1u);
    EXPECT_EQ(now.received.of(PacketType::publish).packets, 2u);
    EXPECT_EQ(now.received.of(PacketType::publish).bytes, 6 + 308 + 2 * length);
    EXPECT_EQ(now.received.published(q0), 1u);
    EXPECT_EQ(now.received.published(q1), 1u);
    EXPECT_EQ(now.received.published(q2), 0u);
    EXPECT_EQ(now.received.total().packets, 6u);
}

/// Every kind of packet that a session writes, and what was not handed over when a link ended.
TEST_P(StatisticsTest, counts_what_was_handed_to_the_transport_and_nothing_else) {
    NotedPackets noted(GetParam());
    peer->set_tap(&noted);
    peer.publish("a", "queued", q0);
    peer.publish("a", "queued", q2);
    peer.subscribe("early");
    peer.connect();
    peer.flush();
    peer.receive(Pubrec{.packet_id = 1});
    peer.receive(Pubrec{.packet_id = 77});
    peer.advance(60s); // PINGREQ
    peer.receive(Pingresp{});
    peer.receive(Pingreq{});
    peer.flush();
    peer.end();
    peer.connect({.session_present = true});
    peer.publish("a", std::string(20'000, 'x'), q1);
    peer.flush();
    peer.publish("a", "never leaves", q0);
    peer.publish("a", "nor this", q2);
    peer.unsubscribe({"early"});
    peer.end();
    peer.connect({.session_present = true});
    peer.flush();
    peer->disconnect_now();
    peer.flush();
    const Statistics now = statistics_of(peer);
    for (std::size_t type = 1; type < 16; ++type) {
        SCOPED_TRACE(to_string(static_cast<PacketType>(type)));
        EXPECT_EQ(now.sent.by_type[type].packets, noted.sent.by_type[type].packets);
        EXPECT_EQ(now.sent.by_type[type].bytes, noted.sent.by_type[type].bytes);
        EXPECT_EQ(now.received.by_type[type].packets, noted.received.by_type[type].packets);
        EXPECT_EQ(now.received.by_type[type].bytes, noted.received.by_type[type].bytes);
    }
    EXPECT_EQ(now.sent.of(PacketType::connect).packets, 3u);
    EXPECT_EQ(now.sent.of(PacketType::disconnect).packets, v5() ? 2u : 1u); // there a PINGREQ is a violation
    EXPECT_EQ(now.sent.publishes[0], 1u);
    EXPECT_EQ(now.sent.publishes[0] + now.sent.publishes[1] + now.sent.publishes[2],
              now.sent.of(PacketType::publish).packets);
}

TEST_P(StatisticsTest, an_owner_that_takes_output_in_parts_is_no_trouble) {
    peer.connect();
    for (std::size_t taken = 1; taken < 55; ++taken) {
        for (const QoS qos : {q0, q1, q2}) peer.publish("a/b", "0123456789", qos);
        peer->output().consume(taken);
        peer.end();
        const Statistics now = statistics_of(peer);
        ASSERT_LE(now.sent.published(q0), taken);
        for (const Traffic& traffic : now.sent.by_type)
            ASSERT_LT(traffic.packets, 100'000u); // below 0 is a great number
        ASSERT_LE(now.sent.of(PacketType::publish).bytes, now.sent.of(PacketType::publish).packets * 20);
        peer.connect({.session_present = true});
        peer.flush();
    }
}

TEST_P(StatisticsTest, latency_is_counted_from_the_flush_to_the_acknowledgement) {
    peer.connect();
    peer.publish("a", "1", q1);
    peer.now += 10s; // the transport has a backlog
    peer.flush();
    peer.now += 300us; // 256 to 511
    peer.receive(Puback{.packet_id = 1});
    peer.publish("a", "2", q2);
    peer.flush();
    peer.now += 1ms;
    peer.receive(Pubrec{.packet_id = 2});
    peer.flush();
    peer.now += 1ms;
    peer.receive(Pubcomp{.packet_id = 2});
    const Statistics now = statistics_of(peer);
    EXPECT_EQ(now.puback.count(), 1u);
    EXPECT_EQ(now.puback.buckets[9], 1u);
    EXPECT_EQ(now.puback.quantile(0.5), 512u);
    EXPECT_EQ(now.pubcomp.count(), 1u);
    EXPECT_EQ(now.pubcomp.buckets[11], 1u); // 1024 to 2047
}

TEST_P(StatisticsTest, a_resend_counts_from_itself_and_an_exchange_that_was_cut_not_at_all) {
    peer.connect();
    peer.publish("a", "1", q1);
    peer.publish("a", "2", q2);
    peer.flush();
    peer.receive(Pubrec{.packet_id = 2});
    peer.flush();
    peer.now += 1h;
    peer.reconnect({.session_present = true});
    peer.flush();
    peer.now += 5us;
    peer.receive(Puback{.packet_id = 1});
    peer.receive(Pubcomp{.packet_id = 2});
    const Statistics now = statistics_of(peer);
    EXPECT_EQ(now.puback.buckets[3], 1u); // 4 to 7
    EXPECT_EQ(now.puback.count(), 1u);
    EXPECT_EQ(now.pubcomp.count(), 0u);
    // An answer to what has not left yet is no measure either.
    peer.publish("a", "3", q1);
    peer.receive(Puback{.packet_id = 3});
    EXPECT_EQ(statistics_of(peer).puback.count(), 1u);
}

TEST(LatencyHistogram, has_a_bucket_for_every_time) {
    EXPECT_EQ(LatencyHistogram::bucket_of(0), 0u);
    EXPECT_EQ(LatencyHistogram::bucket_of(1), 1u);
    EXPECT_EQ(LatencyHistogram::bucket_of(2), 2u);
    EXPECT_EQ(LatencyHistogram::bucket_of(3), 2u);
    EXPECT_EQ(LatencyHistogram::bucket_of(4), 3u);
    EXPECT_EQ(LatencyHistogram::bucket_of((std::uint64_t{1} << 30) - 1), 30u);
    EXPECT_EQ(LatencyHistogram::bucket_of(std::uint64_t{1} << 30), 31u);
    EXPECT_EQ(LatencyHistogram::bucket_of(std::uint64_t{1} << 62), 31u);
    LatencyHistogram histogram;
    EXPECT_EQ(histogram.quantile(0.5), 0u);
    histogram.buckets[3] = 9;
    histogram.buckets[10] = 1;
    EXPECT_EQ(histogram.quantile(0.9), 8u);
    EXPECT_EQ(histogram.quantile(0.91), 1024u);
    EXPECT_EQ(histogram.count(), 10u);
}

TEST_P(StatisticsTest, the_last_round_trip_of_a_ping_is_known) {
    peer.connect();
    EXPECT_EQ(statistics_of(peer).ping_round_trip, Duration::zero());
    peer.advance(54s);
    EXPECT_THAT(peer.sent(), ElementsAre("PINGREQ"));
    peer.advance(40ms);
    peer.receive(Pingresp{});
    EXPECT_EQ(statistics_of(peer).ping_round_trip, 40ms);
    // Where reading was paused meanwhile, it tells of us and not of the network.
    peer.advance(54s);
    peer->handle_reading(false, peer.now);
    peer.advance(5s);
    peer->handle_reading(true, peer.now);
    peer.receive(Pingresp{});
    EXPECT_EQ(statistics_of(peer).ping_round_trip, 40ms);
}

TEST_P(StatisticsTest, depths_tell_what_is_queued_and_what_is_under_way) {
    peer.publish("a", "0", q0);
    peer.publish("a", "1", q1);
    peer.subscribe("b");
    Statistics now = statistics_of(peer);
    EXPECT_EQ(now.outbound.messages, 3u);
    EXPECT_EQ(now.outbound.bytes, peer->outstanding_bytes());
    EXPECT_EQ(now.outbound.queued, 2u);
    EXPECT_GT(now.outbound.queued_bytes, 0u);
    EXPECT_EQ(now.outbound.in_flight, 0u);
    EXPECT_EQ(now.outbound.waiting_for_quota, 0u);
    peer.connect();
    peer.flush();
    peer.receive_message("b", "x", q1, 4);
    now = statistics_of(peer);
    EXPECT_EQ(now.outbound.messages, 2u);
    EXPECT_EQ(now.outbound.queued, 0u);
    EXPECT_EQ(now.outbound.queued_bytes, 0u);
    EXPECT_EQ(now.outbound.in_flight, 1u);
    EXPECT_EQ(now.inbound.unacknowledged, 1u);
}

TEST(Statistics5, what_the_receive_maximum_holds_back_is_told_apart) {
    SessionPeer peer{Version::v5};
    peer.connect({.properties = {.receive_maximum = 1}});
    for (const QoS qos : {q1, q2, q1}) peer.publish("a", "x", qos);
    peer.flush();
    const Statistics now = statistics_of(peer);
    EXPECT_EQ(now.outbound.queued, 2u);
    EXPECT_EQ(now.outbound.waiting_for_quota, 2u);
    EXPECT_EQ(now.outbound.in_flight, 1u);
    peer.end();
    EXPECT_EQ(statistics_of(peer).outbound.waiting_for_quota, 0u);
}

// --- the tap

TEST_P(StatisticsTest, a_tap_sees_every_packet_in_the_order_of_the_wire) {
    NotedPackets noted(GetParam());
    peer->set_tap(&noted);
    peer.connect();
    peer.publish("a", "1", q1);
    peer.publish("a", "2", q0);
    peer.flush();
    peer.receive_message("b", "3", q1, 5);
    peer.acknowledge();
    peer.receive(Puback{.packet_id = 1});
    peer.flush();
    EXPECT_THAT(noted.lines, ElementsAre("< CONNECT", "> CONNACK", "< PUBLISH#1 q1 a:1", "< PUBLISH q0 a:2",
                                         "> PUBLISH#5 q1 b:3", "> PUBACK#1", "< PUBACK#5"));
    peer->set_tap(nullptr);
    peer.publish("a", "4", q0);
    peer.flush();
    EXPECT_EQ(noted.lines.size(), 7u);
}

TEST_P(StatisticsTest, a_tap_sees_the_packet_that_breaks_the_connection) {
    NotedPackets noted(GetParam());
    peer.connect();
    peer->set_tap(&noted);
    peer.receive_hex("40 02 00 00"); // PUBACK for no packet
    EXPECT_TRUE(peer->failure());
    EXPECT_THAT(noted.lines, ElementsAre("> malformed"));
}

} // namespace
} // namespace culex::session
