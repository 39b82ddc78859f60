// The end: asked for, suspended, abandoned, or said by the broker.
#include "support/session_peer.hpp"

namespace culex::session {
namespace {

using namespace culex::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr QoS q0 = QoS::at_most_once;
constexpr QoS q1 = QoS::at_least_once;
constexpr QoS q2 = QoS::exactly_once;

class DisconnectTest : public SessionTest {
protected:
    DisconnectTest() { peer.connect({.session_present = true}); }
};
INSTANTIATE_TEST_SUITE_P(Versions, DisconnectTest, both_versions(), version_name);

// --- disconnect

TEST_P(DisconnectTest, says_goodbye_at_once_where_nothing_is_under_way) { // [MQTT-3.14.4-1] [MQTT-3.14.4-3]
    peer->disconnect();
    EXPECT_EQ(hex_of(peer->output().bytes()), "E0 00");
    EXPECT_TRUE(peer->finished());
    EXPECT_FALSE(peer->failure());
    EXPECT_FALSE(peer->connected());
}

TEST_P(DisconnectTest, says_goodbye_behind_everything_that_was_asked_for_before) {
    peer.publish("a", "0", q0);
    const auto& first = peer.publish("a", "1", q1);
    const auto& second = peer.publish("a", "2", q2);
    peer.subscribe("b");
    peer->disconnect();
    EXPECT_TRUE(peer->disconnecting());
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH q0 a:0", "PUBLISH#1 q1 a:1", "PUBLISH#2 q2 a:2", "SUBSCRIBE#3 b:q0"));
    peer.receive(Puback{.packet_id = 1});
    peer.receive(Pubrec{.packet_id = 2});
    const ReasonCode granted[] = {ReasonCode::success};
    peer.receive(Suback{.packet_id = 3, .reason_codes = granted});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREL#2"));
    EXPECT_FALSE(peer->finished());
    peer.receive(Pubcomp{.packet_id = 2});
    EXPECT_THAT(peer.sent(), ElementsAre("DISCONNECT"));
    EXPECT_TRUE(peer->finished());
    EXPECT_EQ(first.outcome + second.outcome, "okok");
}

TEST_P(DisconnectTest, says_goodbye_behind_what_it_owes_for_a_qos_2_message_of_an_earlier_link) { // [MQTT-4.3.3-10]
    peer.receive_message("a", "x", q2, 7);
    peer.end();
    peer.acknowledge(); // only we know
    peer->disconnect();
    peer.connect({.session_present = true});
    EXPECT_THAT(peer.sent(), IsEmpty());
    peer.receive_message("a", "x", q2, 7, true);
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREC#7", "DISCONNECT"));
    EXPECT_TRUE(peer->finished());
}

TEST_P(DisconnectTest, owes_nothing_to_a_broker_that_has_lost_the_session_or_heard_pubrec) {
    peer.receive_message("a", "x", q2, 7);
    peer.acknowledge();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREC#7"));
    peer.end();
    EXPECT_FALSE(peer->owes()) << "a message is not published again after PUBREC";
    peer.connect({.session_present = true});
    peer.receive_message("a", "y", q2, 8);
    peer.end();
    peer.acknowledge();
    EXPECT_TRUE(peer->owes());
    peer->disconnect();
    peer.connect({});
    EXPECT_THAT(peer.sent(), ElementsAre("DISCONNECT"));
}

TEST_P(DisconnectTest, does_not_wait_for_consumers) {
    peer.receive_message("a", "x", q2, 7);
    peer.receive_message("a", "y", q2, 8);
    peer->acknowledge(peer.deliveries.back()); // its turn comes behind the first
    EXPECT_FALSE(peer->owes());
    peer->disconnect();
    EXPECT_THAT(peer.sent(), ElementsAre("DISCONNECT"));
    EXPECT_EQ(peer->unanswered(), 2u);
}

TEST_P(DisconnectTest, sends_nothing_after_disconnect) { // [MQTT-3.14.4-1]
    peer.receive_message("a", "x", q1, 7);
    peer->disconnect();
    peer.acknowledge();
    peer.receive(Pubrec{.packet_id = 9});
    peer.receive(Pubrel{.packet_id = 9});
    peer.receive_message("a", "y", q1, 8);
    peer->handle_time(peer.now + std::chrono::hours(1));
    peer->disconnect();
    peer->disconnect_now();
    EXPECT_THAT(peer.sent(), ElementsAre("DISCONNECT"));
    EXPECT_EQ(peer->poll_deadline(), TimePoint::max());
}

TEST_P(DisconnectTest, takes_no_more_verbs_until_it_is_told_to) {
    peer.publish("a", "1");
    peer->disconnect();
    EXPECT_EQ(peer.publish("a", "2", q0).outcome, "refused: not connected");
    EXPECT_EQ(peer.publish("a", "2", q1).outcome, "refused: not connected");
    EXPECT_EQ(peer.subscribe("a").outcome, "refused: not connected");
    EXPECT_EQ(peer.unsubscribe({"a"}).outcome, "refused: not connected");
    Publish message{.topic = "a"};
    auto prepared = peer->prepare(message);
    ASSERT_TRUE(prepared);
    EXPECT_EQ(peer->submit(*prepared, nullptr).failure(), Errc::not_connected);
    peer->accept_verbs();
    EXPECT_EQ(peer.publish("a", "2", q0).outcome, "ok");
}

TEST_P(DisconnectTest, drains_over_a_reconnect) {
    peer.publish("a", "1");
    peer->disconnect();
    peer.sent();
    peer.reconnect({.session_present = true});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#1 q1 dup a:1"));
    peer.receive(Puback{.packet_id = 1});
    EXPECT_THAT(peer.sent(), ElementsAre("DISCONNECT"));
}

TEST_P(DisconnectTest, says_goodbye_after_connack_where_it_was_asked_for_before) {
    peer.end();
    peer->disconnect();
    peer.connect();
    EXPECT_THAT(peer.sent(), ElementsAre("DISCONNECT"));
}

TEST_P(DisconnectTest, drains_what_waits_for_the_transport) {
    SessionPeer other{GetParam(), {.output_high_water = 10}};
    other.connect();
    other.publish("a", "0123456789", q0);
    const auto& queued = other.publish("a", "last", q0);
    other->disconnect();
    EXPECT_EQ(queued.outcome, "");
    EXPECT_THAT(other.sent(), ElementsAre("PUBLISH q0 a:0123456789", "PUBLISH q0 a:last", "DISCONNECT"));
    EXPECT_EQ(queued.outcome, "ok");
}

TEST_P(DisconnectTest, can_leave_at_once) {
    const auto& operation = peer.publish("a", "1", q1);
    peer->disconnect_now();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#1 q1 a:1", "DISCONNECT"));
    EXPECT_TRUE(peer->finished());
    EXPECT_EQ(operation.outcome, ""); // for its owner to decide
    peer.reconnect({.session_present = true});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#1 q1 dup a:1"));
}

TEST_P(DisconnectTest, leaves_at_once_offline_without_a_word) {
    peer.end();
    peer->disconnect_now();
    EXPECT_FALSE(peer->finished());
    EXPECT_THAT(peer.sent(), IsEmpty());
}

TEST_P(DisconnectTest, leaves_without_a_word_where_the_word_would_discard_the_will) { // 3.1.1 has no code for it
    peer->disconnect(ReasonCode::disconnect_with_will);
    EXPECT_EQ(peer.sent(), v5() ? Lines{"DISCONNECT 0x04"} : Lines{});
    EXPECT_TRUE(peer->finished());
}

TEST(Disconnect5, tells_its_code_where_the_broker_takes_it) {
    SessionPeer peer{Version::v5};
    peer.connect({.properties = {.maximum_packet_size = 2}});
    peer->disconnect(ReasonCode::disconnect_with_will); // 3 bytes
    EXPECT_THAT(peer.sent(), IsEmpty());
    EXPECT_TRUE(peer->finished());
    EXPECT_FALSE(peer->failure());
}

// --- suspend and abandon

TEST_P(DisconnectTest, suspending_ends_the_waiting_and_keeps_the_messages) {
    const auto& first = peer.publish("a", "1", q1);
    const auto& second = peer.publish("a", "2", q2);
    peer.receive(Pubrec{.packet_id = 2});
    peer.end();
    const auto& third = peer.publish("a", "3", q0);
    const auto& fourth = peer.publish("a", "4", q1);
    const auto& fifth = peer.subscribe("b");
    EXPECT_EQ(peer->suspend(Failure(Errc::closed)), 5u);
    for (const auto* operation : {&first, &second, &third, &fourth, &fifth}) {
        EXPECT_EQ(operation->outcome, "the client is closed");
        EXPECT_EQ(operation->completions, 1);
    }
    EXPECT_EQ(peer->outstanding(), 3u); // what MQTT keeps of a session
    peer.connect({.session_present = true});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREL#2", "PUBLISH#1 q1 dup a:1", "PUBLISH#3 q1 a:4"));
    peer.receive(Puback{.packet_id = 1});
    EXPECT_EQ(first.completions, 1);
}

TEST_P(DisconnectTest, suspending_keeps_subscriptions_that_are_being_restored) {
    const ReasonCode granted[] = {ReasonCode::success};
    peer.receive(Suback{.packet_id = peer.subscribe("a").id, .reason_codes = granted});
    peer.reconnect({.session_present = false});
    peer.end();
    EXPECT_EQ(peer->suspend(Failure(Errc::closed)), 0u);
    peer.connect({.session_present = true});
    EXPECT_THAT(peer.sent(), ElementsAre("SUBSCRIBE#2 a:q0"));
}

TEST_P(DisconnectTest, abandoning_ends_everything) { // [MQTT-3.1.2-4]
    const auto& first = peer.publish("a", "1", q1);
    const auto& second = peer.publish("a", "2", q2);
    peer.receive(Pubrec{.packet_id = 2});
    const auto& third = peer.subscribe("b");
    peer.end();
    const auto& fourth = peer.publish("a", "3", q0);
    peer->abandon(Failure(Errc::session_lost));
    for (const auto* operation : {&first, &second, &third, &fourth}) {
        EXPECT_EQ(operation->outcome, "the broker has lost the session");
    }
    EXPECT_EQ(peer->outstanding(), 0u);
    EXPECT_EQ(peer->outstanding_bytes(), 0u);
    peer.connect();
    EXPECT_THAT(peer.sent(), IsEmpty());
    EXPECT_EQ(peer.publish("a", "x").id, 4); // identifiers go on rising
}

TEST_P(DisconnectTest, abandoning_a_live_link_leaves_it_usable) {
    peer.publish("a", "1", q1);
    peer->abandon(Failure(Errc::cancelled));
    peer.receive(Puback{.packet_id = 1});
    const auto& operation = peer.publish("a", "2", q1);
    peer.receive(Puback{.packet_id = 2});
    EXPECT_EQ(operation.outcome, "ok");
    EXPECT_FALSE(peer->failure());
}

// --- the broker's end

TEST(Disconnect5, fails_with_the_code_of_the_brokers_disconnect) {
    SessionPeer peer{Version::v5};
    peer.connect();
    peer.receive(Disconnect{.reason_code = ReasonCode::session_taken_over,
                            .properties = {.reason_string = "another one", .server_reference = "there"}});
    EXPECT_EQ(peer->failure(), Errc::disconnected);
    EXPECT_EQ(peer->failure().reason_code(), ReasonCode::session_taken_over);
    EXPECT_EQ(peer->failure().detail(), "another one; server reference: there");
    EXPECT_THAT(peer.sent(), IsEmpty());
}

TEST(Disconnect311, refuses_a_disconnect_of_the_broker) {
    SessionPeer peer{Version::v3_1_1};
    peer.connect();
    peer.receive_hex("E0 00");
    EXPECT_EQ(peer->failure(), Errc::protocol_error);
    EXPECT_THAT(peer.sent(), IsEmpty());
}

TEST(Disconnect5, refuses_a_disconnect_with_a_session_expiry) { // [MQTT-3.14.2-2]
    SessionPeer peer{Version::v5};
    peer.connect();
    peer.receive_hex("E0 07 00 05 11 00 00 00 01");
    EXPECT_THAT(peer.sent(), ElementsAre("DISCONNECT 0x82"));
}

} // namespace
} // namespace culex::session
