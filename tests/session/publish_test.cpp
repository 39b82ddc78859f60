// The sender's half of QoS 0, 1 and 2 on one link.
#include "support/session_peer.hpp"

namespace culex::session {
namespace {

using namespace culex::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr QoS q0 = QoS::at_most_once;
constexpr QoS q1 = QoS::at_least_once;
constexpr QoS q2 = QoS::exactly_once;

class PublishTest : public SessionTest {
protected:
    PublishTest() { peer.connect(); }
};
INSTANTIATE_TEST_SUITE_P(Versions, PublishTest, both_versions(), version_name);

// --- QoS 0

TEST_P(PublishTest, sends_qos_0_once_without_identifier_and_is_done) { // [MQTT-4.3.1-1] [MQTT-2.2.1-2]
    EXPECT_EQ(peer.publish("a", "x", q0).outcome, "ok");
    EXPECT_EQ(hex_of(peer->output().bytes()),
              hex_of(v5() ? hex("30 05 00 01 'a' 00 'x'") : hex("30 04 00 01 'a' 'x'")));
    EXPECT_EQ(peer->outstanding(), 0u);
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH q0 a:x"));
    peer.reconnect({.session_present = true});
    EXPECT_THAT(peer.sent(), IsEmpty());
}

TEST_P(PublishTest, keeps_the_order_of_the_calls) {
    for (const QoS qos : {q0, q1, q2, q0, q2, q1}) peer.publish("a", "x", qos);
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH q0 a:x", "PUBLISH#1 q1 a:x", "PUBLISH#2 q2 a:x", "PUBLISH q0 a:x",
                                         "PUBLISH#3 q2 a:x", "PUBLISH#4 q1 a:x"));
}

TEST_P(PublishTest, sends_an_empty_payload_and_retain) {
    peer.publish("a", "", q1, true);
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#1 q1 retain a:"));
}

/// A message that was received and is passed on carries what only its broker could mean.
TEST_P(PublishTest, strips_what_a_client_may_not_send) { // [MQTT-3.3.1-3] [MQTT-3.3.4-6] [MQTT-3.2.2-18]
    const std::uint32_t identifiers[] = {5};
    for (const QoS qos : {q0, q1}) {
        Publish message{.topic = "a",
                        .qos = qos,
                        .dup = true,
                        .packet_id = 99,
                        .properties = {.topic_alias = 3, .subscription_identifiers = identifiers}};
        peer.publish(message);
    }
    EXPECT_EQ(hex_of(peer->output().bytes()), hex_of(v5() ? hex("30 04 00 01 'a' 00 32 06 00 01 'a' 00 01 00")
                                                          : hex("30 03 00 01 'a' 32 05 00 01 'a' 00 01")));
}

/// Acknowledgements that come one behind the other are taken in a run; whatever interrupts it must not be lost.
TEST_P(PublishTest, takes_many_acknowledgements_of_one_read_with_anything_between_them) {
    auto& first = peer.publish("a", "1", q1);
    auto& second = peer.publish("a", "2", q1);
    auto& third = peer.publish("a", "3", q2);
    auto& fourth = peer.publish("a", "4", q1);
    auto& fifth = peer.publish("a", "5", q1);
    (void)peer.sent();
    peer.receive_hex("40 02 00 02"             // answered out of order
                     "40 02 00 01 40 02 00 63" // the second is of a message that we do not know
                     "50 02 00 03 D0 00 70 02 00 03"
                     "30 05 00 01 'a'" +
                     std::string(v5() ? " 00 'x'" : " 'x' 'x'") + " 40 02 00 04 40 02"); // and the last is cut
    EXPECT_EQ(first.outcome, "ok");
    EXPECT_EQ(second.outcome, "ok");
    EXPECT_EQ(third.outcome, "ok");
    EXPECT_EQ(fourth.outcome, "ok");
    EXPECT_EQ(fifth.outcome, "");
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREL#3"));
    peer.receive_hex("00 05");
    EXPECT_EQ(fifth.outcome, "ok");
    EXPECT_EQ(peer->outstanding(), 0u);
    Statistics now;
    peer->count_into(now);
    EXPECT_EQ(now.received.of(PacketType::puback).packets, 5u);
    EXPECT_EQ(now.received.of(PacketType::puback).bytes, 20u);
    EXPECT_EQ(now.received.of(PacketType::pubrec).packets, 1u);
    EXPECT_EQ(now.received.of(PacketType::pubcomp).packets, 1u);
    EXPECT_EQ(now.puback.count(), 4u);
}

TEST(Publish5, sends_the_properties_of_a_message_as_they_are_given) {
    SessionPeer peer{Version::v5};
    peer.connect();
    const UserProperty user[] = {{"k", "1"}, {"k", "2"}};
    Publish message{.topic = "a", .qos = q1, .properties = {.message_expiry_interval = 60, .user_properties = user}};
    peer.publish(message);
    EXPECT_EQ(hex_of(peer->output().bytes()),
              hex_of(hex("32 19 00 01 'a' 00 01 13 02 00 00 00 3C 26 00 01 'k' 00 01 '1' 26 00 01 'k' 00 01 '2'")));
}

// --- bad arguments

TEST_P(PublishTest, refuses_what_mqtt_does_not_allow_before_anything_is_sent) { // [MQTT-3.3.2-2] [MQTT-4.7.3-1]
    const std::string long_topic(65'536, 't');
    for (const bool connected : {true, false}) {
        if (!connected) peer.end();
        for (const auto topic :
             std::initializer_list<std::string_view>{"", "a/#", "+", "\xFF", {"a\0b", 3}, long_topic}) {
            EXPECT_EQ(peer.publish(topic, "x", q0).outcome, "refused: invalid argument") << topic;
            EXPECT_EQ(peer.publish(topic, "x", q1).outcome, "refused: invalid argument") << topic;
        }
        EXPECT_EQ(peer.publish("a", "x", static_cast<QoS>(3)).outcome, "refused: invalid argument"); // [MQTT-3.3.1-4]
        EXPECT_EQ(peer->outstanding(), 0u);
        EXPECT_THAT(peer.sent(), IsEmpty());
    }
}

TEST_P(PublishTest, takes_a_topic_of_65535_bytes) { // [MQTT-4.7.3-3]
    EXPECT_EQ(peer.publish(std::string(65'535, 't'), "x", q0).outcome, "ok");
}

TEST_P(PublishTest, refuses_a_packet_above_the_protocols_limit) {
    const std::vector<std::byte> payload(max_remaining_length);
    Publish message{.topic = "a", .payload = payload};
    EXPECT_EQ(peer.publish(message).outcome, "refused: packet too large");
    peer.end();
    EXPECT_EQ(peer.publish(message).outcome, "refused: packet too large");
}

// --- QoS 1

TEST_P(PublishTest, completes_qos_1_with_its_puback_only) { // [MQTT-4.3.2-1] to [MQTT-4.3.2-3]
    const auto& first = peer.publish("a", "1");
    const auto& second = peer.publish("a", "2");
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#1 q1 a:1", "PUBLISH#2 q1 a:2"));
    EXPECT_EQ(first.outcome, "");
    peer.receive(Puback{.packet_id = 2});
    EXPECT_EQ(first.outcome, "");
    EXPECT_EQ(second.outcome, "ok");
    EXPECT_EQ(peer->outstanding(), 1u);
    peer.receive(Puback{.packet_id = 1});
    EXPECT_EQ(first.outcome, "ok");
    EXPECT_EQ(peer->outstanding(), 0u);
    EXPECT_EQ(peer->outstanding_bytes(), 0u);
    EXPECT_THAT(peer.sent(), IsEmpty());
}

TEST(Publish5, tells_the_code_of_a_puback) { // [MQTT-4.4.0-2]
    SessionPeer peer{Version::v5};
    peer.connect();
    const auto& first = peer.publish("a", "1");
    const auto& second = peer.publish("a", "2");
    peer.receive(Puback{.packet_id = first.id, .reason_code = ReasonCode::no_matching_subscribers});
    peer.receive(Puback{.packet_id = second.id, .reason_code = ReasonCode::quota_exceeded});
    EXPECT_EQ(first.outcome, "0x10");
    EXPECT_EQ(second.outcome, "0x97");
    peer.sent();
    peer.reconnect({.session_present = true});
    EXPECT_THAT(peer.sent(), IsEmpty()); // a refusal is an acknowledgement
}

/// Repeating is for new links, whatever the broker does not say.
TEST_P(PublishTest, never_repeats_itself_on_a_live_link) { // [MQTT-4.4.0-1]
    peer.publish("a", "1", q1);
    peer.publish("a", "2", q2);
    peer.sent();
    peer.receive(Pubrec{.packet_id = 2});
    peer.sent();
    for (int minute = 0; minute < 60; ++minute) {
        peer.advance(std::chrono::minutes(1));
        peer.receive(Pingresp{});
    }
    for (const std::string& line : peer.sent()) EXPECT_EQ(line, "PINGREQ");
}

// --- QoS 2

TEST_P(PublishTest, completes_qos_2_in_four_steps) { // [MQTT-4.3.3-1] to [MQTT-4.3.3-5]
    const auto& operation = peer.publish("a", "x", q2);
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#1 q2 a:x"));
    peer.receive(Pubrec{.packet_id = 1});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREL#1"));
    EXPECT_EQ(operation.outcome, "");
    peer.receive(Pubcomp{.packet_id = 1});
    EXPECT_EQ(operation.outcome, "ok");
    EXPECT_EQ(peer->outstanding(), 0u);
    EXPECT_THAT(peer.sent(), IsEmpty());
}

TEST(Publish5, ends_qos_2_with_a_pubrec_that_refuses) { // [MQTT-4.3.3-4]
    SessionPeer peer{Version::v5};
    peer.connect({.properties = {.receive_maximum = 1}});
    const auto& operation = peer.publish("a", "x", q2);
    const auto& next = peer.publish("a", "y", q2);
    peer.receive(Pubrec{.packet_id = 1, .reason_code = ReasonCode::not_authorized});
    EXPECT_EQ(operation.outcome, "0x87");
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#1 q2 a:x", "PUBLISH#2 q2 a:y")); // no PUBREL, and the quota is back
    EXPECT_EQ(next.outcome, "");
}

/// As mosquitto answers with the code for packets that are too large. Sent again the message would be refused again, for ever.
TEST(Publish5, sends_nothing_again_that_was_refused_with_a_code_of_another_packet) {
    for (const QoS qos : {QoS::at_least_once, QoS::exactly_once}) {
        SessionPeer peer{Version::v5};
        peer.connect();
        const auto& refused = peer.publish("a", "1", qos);
        const auto& next = peer.publish("a", "2", qos);
        peer.sent();
        peer.receive_hex(qos == QoS::at_least_once ? "40 03 00 01 95" : "50 03 00 01 9A");
        EXPECT_EQ(refused.outcome, qos == QoS::at_least_once ? "0x95" : "0x9A");
        EXPECT_EQ(peer->failure(), Errc::protocol_error); // all the same
        EXPECT_EQ(next.outcome, "");
        peer.end();
        peer.sent();
        peer.connect({.session_present = true});
        EXPECT_EQ(peer.sent().size(), 1u);
        EXPECT_EQ(peer->outstanding(), 1u);
    }
}

TEST(Publish5, keeps_what_was_answered_with_a_code_that_tells_nothing) {
    SessionPeer peer{Version::v5};
    peer.connect();
    const auto& kept = peer.publish("a", "1", QoS::at_least_once);
    peer.sent();
    peer.receive_hex("40 03 00 01 92"); // none of PUBACK's
    EXPECT_EQ(peer->failure(), Errc::protocol_error);
    EXPECT_EQ(kept.outcome, "");
    EXPECT_EQ(peer->outstanding(), 1u);
}

TEST(Publish5, goes_on_with_qos_2_after_a_pubrec_with_a_success_code) {
    SessionPeer peer{Version::v5};
    peer.connect();
    const auto& operation = peer.publish("a", "x", q2);
    peer.receive(Pubrec{.packet_id = 1, .reason_code = ReasonCode::no_matching_subscribers});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#1 q2 a:x", "PUBREL#1"));
    peer.receive(Pubcomp{.packet_id = 1});
    EXPECT_EQ(operation.outcome, "ok");
}

/// The broker has lost its half, so it must have finished before.
TEST(Publish5, ends_qos_2_with_a_pubcomp_that_knows_nothing_of_it) {
    SessionPeer peer{Version::v5};
    peer.connect();
    const auto& operation = peer.publish("a", "x", q2);
    peer.receive(Pubrec{.packet_id = 1});
    peer.receive(Pubcomp{.packet_id = 1, .reason_code = ReasonCode::packet_identifier_not_found});
    EXPECT_EQ(operation.outcome, "0x92");
    EXPECT_FALSE(peer->failure());
}

TEST_P(PublishTest, answers_a_repeated_pubrec_with_pubrel) {
    peer.publish("a", "x", q2);
    peer.receive(Pubrec{.packet_id = 1});
    peer.receive(Pubrec{.packet_id = 1});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#1 q2 a:x", "PUBREL#1", "PUBREL#1"));
}

TEST_P(PublishTest, releases_in_the_order_of_the_pubrecs) { // [MQTT-4.6.0-4]
    for (int i = 0; i < 3; ++i) peer.publish("a", "x", q2);
    peer.sent();
    for (const PacketId id : {PacketId{3}, PacketId{1}, PacketId{2}}) peer.receive(Pubrec{.packet_id = id});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREL#3", "PUBREL#1", "PUBREL#2"));
}

/// RabbitMQ answers every QoS 2 message so. Taken for a violation it would be sent again for ever.
TEST_P(PublishTest, takes_a_puback_for_qos_2_as_its_end) {
    const auto& operation = peer.publish("a", "x", q2);
    peer.receive(Puback{.packet_id = 1});
    EXPECT_EQ(operation.outcome, "ok");
    EXPECT_FALSE(peer->failure());
}

// --- answers that answer nothing

TEST_P(PublishTest, ignores_acknowledgements_of_nothing) {
    peer.receive(Puback{.packet_id = 1});
    peer.receive(Pubcomp{.packet_id = 77});
    peer.publish("a", "x");
    peer.receive(Puback{.packet_id = 1});
    peer.receive(Puback{.packet_id = 1}); // twice
    EXPECT_FALSE(peer->failure());
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#1 q1 a:x"));
}

TEST_P(PublishTest, answers_a_pubrec_of_nothing_with_pubrel) { // [MQTT-3.6.2-1]
    peer.receive(Pubrec{.packet_id = 9});
    EXPECT_EQ(peer.sent(), Lines{v5() ? "PUBREL#9 0x92" : "PUBREL#9"});
    EXPECT_FALSE(peer->failure());
}

// --- packet identifiers

TEST_P(PublishTest, lets_identifiers_rise_and_shares_them_with_requests) { // [MQTT-2.2.1-3]
    EXPECT_EQ(peer.publish("a", "x").id, 1);
    EXPECT_EQ(peer.subscribe("b").id, 2);
    EXPECT_EQ(peer.publish("a", "x", q2).id, 3);
    EXPECT_EQ(peer.unsubscribe({"b"}).id, 4);
    EXPECT_EQ(peer.publish("a", "x", q0).id, 0);
    peer.receive(Puback{.packet_id = 1});
    EXPECT_EQ(peer.publish("a", "x").id, 5); // a freed one is not used again at once
}

TEST_P(PublishTest, skips_identifiers_in_use_and_0_when_they_wrap) { // [MQTT-2.2.1-3] [MQTT-2.2.1-4]
    EXPECT_EQ(peer.publish("a", "x", q1).id, 1);
    EXPECT_EQ(peer.publish("a", "x", q2).id, 2);
    peer.receive(Pubrec{.packet_id = 2}); // not free between PUBREC and PUBCOMP
    for (unsigned id = 3; id <= 65'535; ++id) {
        ASSERT_EQ(peer.publish("a", "x").id, id);
        peer.receive(Puback{.packet_id = static_cast<PacketId>(id)});
        peer->output().clear();
    }
    EXPECT_EQ(peer.publish("a", "x").id, 3);
    EXPECT_EQ(peer.subscribe("b").id, 4);
}

TEST_P(PublishTest, has_65535_in_flight_and_no_more) { // [MQTT-2.2.1-3]
    for (unsigned id = 1; id <= 65'535; ++id) {
        ASSERT_EQ(peer.publish("a", "x").id, id);
        peer->output().clear();
    }
    EXPECT_EQ(peer.publish("a", "x").outcome, "refused: all packet identifiers are in use");
    EXPECT_EQ(peer.subscribe("b").outcome, "refused: all packet identifiers are in use");
    EXPECT_EQ(peer.unsubscribe({"b"}).outcome, "refused: all packet identifiers are in use");
    EXPECT_EQ(peer.publish("a", "x", q0).outcome, "ok");
    EXPECT_EQ(peer->outstanding(), 65'535u);
    peer.receive(Puback{.packet_id = 4'711});
    EXPECT_EQ(peer.publish("a", "x").id, 4'711);
    EXPECT_EQ(peer.publish("a", "x").outcome, "refused: all packet identifiers are in use");
}

// --- what the broker grants

TEST(Publish5, sends_no_qos_above_the_granted_one) { // [MQTT-3.2.2-11]
    SessionPeer peer{Version::v5};
    peer.connect({.properties = {.maximum_qos = 1}});
    const auto& operation = peer.publish("a", "x", q2);
    EXPECT_EQ(operation.outcome, "refused: not supported");
    EXPECT_EQ(operation.reason_code, ReasonCode::qos_not_supported);
    EXPECT_EQ(peer.publish("a", "x", q1).outcome, "");
    peer.end();
    const auto& queued = peer.publish("a", "y", q2); // what the next link grants is not known yet
    EXPECT_EQ(queued.outcome, "");
    peer.connect({.properties = {.maximum_qos = 0}});
    EXPECT_EQ(queued.outcome, "not supported");
    EXPECT_THAT(peer.sent(), IsEmpty());
    EXPECT_EQ(peer->outstanding(), 0u);
}

TEST(Publish5, sends_no_retain_where_there_is_none) { // [MQTT-3.2.2-14]
    SessionPeer peer{Version::v5};
    const auto& queued = peer.publish("a", "x", q0, true);
    peer.connect({.properties = {.retain_available = 0}});
    EXPECT_EQ(queued.outcome, "not supported");
    for (const QoS qos : {q0, q1}) {
        const auto& operation = peer.publish("a", "x", qos, true);
        EXPECT_EQ(operation.outcome, "refused: not supported");
        EXPECT_EQ(operation.reason_code, ReasonCode::retain_not_supported);
    }
    EXPECT_THAT(peer.sent(), IsEmpty());
    EXPECT_EQ(peer.publish("a", "x", q1, false).outcome, "");
}

TEST(Publish5, sends_no_packet_above_the_granted_size) { // [MQTT-3.2.2-15]
    SessionPeer peer{Version::v5};
    const auto& queued = peer.publish("a", "0123456789ABCD");
    const auto& short_enough = peer.publish("a", "0123456789ABC");
    peer.connect({.properties = {.maximum_packet_size = 21}});
    EXPECT_EQ(queued.outcome, "packet too large");
    EXPECT_EQ(short_enough.outcome, "");
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#2 q1 a:0123456789ABC")); // 8 + 13 bytes
    EXPECT_EQ(peer.publish("a", "0123456789ABCD").outcome, "refused: packet too large");
    EXPECT_EQ(peer.publish("a", "0123456789ABCDEF", q0).outcome, "refused: packet too large");
    EXPECT_EQ(peer.publish("a", "0123456789ABCDE", q0).outcome, "ok");
    Publish large{.topic = "0123456789ABCDEFGH"};
    EXPECT_EQ(peer->prepare(large).failure(), Errc::packet_too_large);
    EXPECT_EQ(peer->outstanding(), 1u);
}

TEST_P(PublishTest, uses_no_topic_alias) { // [MQTT-3.2.2-17]
    peer.reconnect({.properties = {.topic_alias_maximum = 10}});
    peer.publish("a", "x", q0);
    peer.publish("a", "x", q0);
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH q0 a:x", "PUBLISH q0 a:x"));
}

} // namespace
} // namespace culex::session
