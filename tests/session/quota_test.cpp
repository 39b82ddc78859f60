// The send quota (MQTT 5, section 4.9), and output that the transport does not take.
#include "support/session_peer.hpp"

namespace culex::session {
namespace {

using namespace culex::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr QoS q0 = QoS::at_most_once;
constexpr QoS q1 = QoS::at_least_once;
constexpr QoS q2 = QoS::exactly_once;

Connack granting(std::uint16_t receive_maximum, bool session_present = true) {
    return {.session_present = session_present, .properties = {.receive_maximum = receive_maximum}};
}

class Quota5 : public ::testing::Test {
protected:
    SessionPeer peer{Version::v5};
};

TEST_F(Quota5, has_no_more_in_flight_than_the_broker_takes) { // [MQTT-3.3.4-7] [MQTT-4.9.0-1] [MQTT-4.9.0-2]
    for (const std::uint16_t maximum : {std::uint16_t{1}, std::uint16_t{2}, std::uint16_t{3}}) {
        SessionPeer other{Version::v5};
        other.connect(granting(maximum));
        for (int i = 0; i < 5; ++i) other.publish("a", "x", i % 2 ? q2 : q1);
        EXPECT_EQ(other.sent().size(), maximum);
        EXPECT_EQ(other->outstanding(), 5u);
    }
}

TEST_F(Quota5, goes_on_in_order_as_answers_come) {
    peer.connect(granting(2));
    for (const char* payload : {"1", "2", "3", "4", "5"}) peer.publish("a", payload);
    peer.sent();
    peer.receive(Puback{.packet_id = 2});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#3 q1 a:3"));
    peer.receive(Puback{.packet_id = 1});
    peer.receive(Puback{.packet_id = 3});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#4 q1 a:4", "PUBLISH#5 q1 a:5"));
}

TEST_F(Quota5, counts_qos_2_until_pubcomp) {
    peer.connect(granting(1));
    peer.publish("a", "1", q2);
    peer.publish("a", "2", q2);
    peer.receive(Pubrec{.packet_id = 1});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#1 q2 a:1", "PUBREL#1"));
    peer.receive(Pubcomp{.packet_id = 1});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#2 q2 a:2"));
}

TEST_F(Quota5, delays_nothing_but_qos_1_and_2) { // [MQTT-3.3.4-8] [MQTT-4.9.0-3]
    peer.connect(granting(1));
    peer.publish("a", "1", q1);
    peer.publish("a", "2", q1);
    peer.sent();
    EXPECT_EQ(peer.publish("a", "3", q0).outcome, "ok");
    peer.subscribe("b");
    peer.unsubscribe({"c"});
    peer.receive_message("b", "x", q1, 7);
    peer.acknowledge();
    peer.receive(Pubrel{.packet_id = 9});
    peer.receive(Pubrec{.packet_id = 99});
    peer.advance(std::chrono::seconds(60));
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH q0 a:3", "SUBSCRIBE#3 b:q0", "UNSUBSCRIBE#4 c", "PUBACK#7",
                                         "PUBCOMP#9 0x92", "PUBREL#99 0x92", "PINGREQ"));
}

TEST_F(Quota5, lets_queued_qos_0_pass_messages_that_lack_quota) {
    for (const QoS qos : {q1, q2, q0, q1, q0}) peer.publish("a", std::to_string(static_cast<int>(qos)), qos);
    peer.connect(granting(1));
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#1 q1 a:1", "PUBLISH q0 a:0", "PUBLISH q0 a:0"));
    peer.publish("a", "later", q1); // not before those that wait, though the quota comes back first
    peer.receive(Puback{.packet_id = 1});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#2 q2 a:2"));
    peer.receive(Pubrec{.packet_id = 2, .reason_code = ReasonCode::quota_exceeded});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#3 q1 a:1"));
    peer.receive(Puback{.packet_id = 3});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#4 q1 a:later"));
}

TEST_F(Quota5, shrinks_and_grows_with_each_link) { // [MQTT-4.9.0-1]
    peer.connect(granting(4));
    for (const char* payload : {"1", "2", "3", "4", "5"}) peer.publish("a", payload, q1);
    peer.sent();
    peer.reconnect(granting(2));
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#1 q1 dup a:1", "PUBLISH#2 q1 dup a:2")); // what is sent again counts
    peer.receive(Puback{.packet_id = 1});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#3 q1 dup a:3"));
    peer.reconnect(granting(10));
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#2 q1 dup a:2", "PUBLISH#3 q1 dup a:3", "PUBLISH#4 q1 dup a:4",
                                         "PUBLISH#5 q1 a:5"));
}

TEST_F(Quota5, is_not_taken_or_given_back_by_a_pubrel_of_an_earlier_link) {
    peer.connect(granting(2));
    peer.publish("a", "1", q2);
    peer.publish("a", "2", q2);
    peer.receive(Pubrec{.packet_id = 1});
    peer.receive(Pubrec{.packet_id = 2});
    peer.sent();
    peer.reconnect(granting(1));
    for (const char* payload : {"3", "4", "5"}) peer.publish("a", payload, q1);
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREL#1", "PUBREL#2", "PUBLISH#3 q1 a:3"));
    peer.receive(Pubcomp{.packet_id = 1});
    peer.receive(Pubcomp{.packet_id = 2});
    EXPECT_THAT(peer.sent(), IsEmpty()); // 3 is still the one in flight
    peer.receive(Puback{.packet_id = 3});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#4 q1 a:4"));
}

TEST_F(Quota5, starts_at_65535_where_the_broker_names_none) {
    peer.connect();
    for (int i = 0; i < 1'000; ++i) peer.publish("a", "x");
    EXPECT_EQ(peer.sent().size(), 1'000u);
}

// --- congestion: both versions

class CongestionTest : public SessionTest {
protected:
    CongestionTest() : peer(GetParam(), {.output_high_water = 100, .answer_limit = 1'000}) { peer.connect(); }
    /// Publishes until the output is full; nothing is flushed.
    void fill() {
        while (peer->output().size() < 100) peer.publish("a", "0123456789", q0);
    }
    SessionPeer peer;
};
INSTANTIATE_TEST_SUITE_P(Versions, CongestionTest, both_versions(), version_name);

TEST_P(CongestionTest, queues_at_the_high_water_mark_and_goes_on_when_output_has_left) {
    fill();
    const auto& first = peer.publish("a", "1", q0);
    const auto& second = peer.publish("a", "2", q1);
    const auto& third = peer.publish("a", "3", q0);
    EXPECT_LT(peer->output().size(), 120u);
    EXPECT_EQ(peer->outstanding(), 3u);
    EXPECT_EQ(first.outcome + second.outcome + third.outcome, "");
    const Lines lines = peer.sent();
    ASSERT_GE(lines.size(), 3u);
    EXPECT_THAT(Lines(lines.end() - 3, lines.end()),
                ElementsAre("PUBLISH q0 a:1", "PUBLISH#1 q1 a:2", "PUBLISH q0 a:3"));
    EXPECT_EQ(first.outcome + third.outcome, "okok"); // their bytes are in the output
    EXPECT_EQ(second.outcome, "");
    EXPECT_EQ(peer->outstanding(), 1u);
}

TEST_P(CongestionTest, never_completes_an_operation_inside_its_own_verb) {
    fill();
    const auto& queued = peer.publish("a", "1", q0);
    peer->output().clear(); // and the session is not told yet
    const auto& next = peer.publish("a", "2", q0);
    EXPECT_EQ(queued.completions + next.completions, 0);
    peer->handle_flushed(peer.now);
    EXPECT_EQ(queued.completions + next.completions, 2);
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH q0 a:1", "PUBLISH q0 a:2"));
}

TEST_P(CongestionTest, keeps_the_order_of_a_long_queue_that_leaves_in_pieces) {
    Lines expected;
    for (int i = 0; i < 200; ++i) {
        peer.publish("a", std::to_string(i), i % 3 ? q1 : q0);
        expected.push_back(":" + std::to_string(i));
    }
    EXPECT_LT(peer->output().size(), 120u);
    Lines lines;
    for (const std::string& line : peer.sent()) lines.push_back(line.substr(line.find(':')));
    EXPECT_EQ(lines, expected);
}

TEST_P(CongestionTest, goes_on_after_input_too_where_there_is_room) {
    fill();
    peer.publish("a", "1", q1);
    peer->output().clear(); // the owner took it, and flushes later
    peer.receive(Pingresp{});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#1 q1 a:1"));
}

TEST_P(CongestionTest, keeps_what_is_queued_when_the_link_ends) {
    fill();
    peer.publish("a", "1", q0);
    peer.publish("a", "2", q1);
    peer.reconnect({.session_present = true});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH q0 a:1", "PUBLISH#1 q1 a:2"));
}

TEST_P(CongestionTest, does_not_hold_back_requests_and_answers) {
    fill();
    peer.subscribe("b");
    peer.receive_message("b", "x", q1, 7);
    peer.acknowledge();
    const Lines lines = peer.sent();
    EXPECT_THAT(Lines(lines.end() - 2, lines.end()), ElementsAre("SUBSCRIBE#1 b:q0", "PUBACK#7"));
}

/// Otherwise a broker that sends and never reads would fill our memory with answers.
TEST_P(CongestionTest, fails_a_link_that_takes_no_answers) {
    for (int i = 0; i < 1'000 && !peer->failure(); ++i) peer.receive(Pubrec{.packet_id = 1});
    EXPECT_EQ(peer->failure(), Errc::connection_lost);
    EXPECT_LT(peer->output().size(), 1'020u);
}

TEST_P(CongestionTest, fails_a_link_that_takes_no_answers_in_the_middle_of_a_run) {
    constexpr std::size_t count = 300; // a PUBREL has four bytes: 250 of them are the limit
    std::string pubrecs;
    for (std::size_t i = 0; i < count; ++i) {
        const PacketId id = peer.publish("a", "x", q2).id;
        peer.flush();
        pubrecs += {'\x50', '\x02', static_cast<char>(id >> 8), static_cast<char>(id & 0xFF)};
    }
    peer.receive_bytes(as_bytes(pubrecs));
    EXPECT_EQ(peer->failure(), Errc::connection_lost);
    EXPECT_GE(peer->output().size(), 251 * wire::success_size);
    EXPECT_LE(peer->output().size(), 251 * wire::success_size); // not what 300 would take
    EXPECT_EQ(peer->outstanding(), count);
}

TEST_P(CongestionTest, answers_for_ever_where_they_are_taken) {
    for (int i = 0; i < 1'000; ++i) {
        peer.receive(Pubrec{.packet_id = 1});
        peer.flush();
    }
    EXPECT_FALSE(peer->failure());
}

} // namespace
} // namespace culex::session
