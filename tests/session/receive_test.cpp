// The receiver's half of QoS 0, 1 and 2 on one link, a QoS 2 message being handed on with its PUBLISH.
#include "session/message_block.hpp"
#include "support/session_peer.hpp"

namespace culex::session {
namespace {

using namespace culex::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr QoS q0 = QoS::at_most_once;
constexpr QoS q1 = QoS::at_least_once;
constexpr QoS q2 = QoS::exactly_once;

class ReceiveTest : public SessionTest {
protected:
    ReceiveTest() {
        peer.connect();
        peer.events();
    }
    void expect_failure(Errc code, ReasonCode reason) {
        EXPECT_EQ(peer->failure(), code);
        EXPECT_EQ(peer->failure().reason_code(), reason);
        EXPECT_EQ(peer.sent(), v5() ? Lines{"DISCONNECT " + brief(reason)} : Lines{});
    }
};
INSTANTIATE_TEST_SUITE_P(Versions, ReceiveTest, both_versions(), version_name);

// --- what the application sees

TEST_P(ReceiveTest, hands_messages_on_in_the_order_of_arrival) {
    peer.receive_message("a", "1", q0);
    peer.receive_message("b", "2", q2, 5);
    peer.receive_message("c", "3", q1, 5'000);
    EXPECT_THAT(peer.events(), ElementsAre("PUBLISH q0 a:1", "PUBLISH#5 q2 b:2", "PUBLISH#5000 q1 c:3"));
    ASSERT_EQ(peer.messages.size(), 3u);
    EXPECT_EQ(peer.messages[0].mid(), 0);
    EXPECT_EQ(peer.messages[2].mid(), 5'000);
    EXPECT_EQ(peer.messages[2].topic(), "c");
    EXPECT_EQ(peer.messages[2].text(), "3");
}

TEST_P(ReceiveTest, takes_many_packets_of_one_read_and_one_packet_of_many_reads) {
    Buffer bytes;
    for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(wire::encode(bytes, Publish{.topic = "a", .payload = as_bytes("payload")}, GetParam()));
    }
    peer.receive_bytes(bytes.bytes());
    EXPECT_EQ(peer.events().size(), 100u);
    for (const std::byte byte : bytes.bytes()) peer.receive_bytes({&byte, 1});
    EXPECT_EQ(peer.events().size(), 100u);
}

TEST_P(ReceiveTest, gives_flags_as_they_came) {
    peer.receive(Publish{.topic = "a", .qos = q1, .retain = true, .dup = true, .packet_id = 1});
    EXPECT_THAT(peer.events(), ElementsAre("PUBLISH#1 q1 dup retain a:"));
    EXPECT_TRUE(peer.messages[0].retain());
    EXPECT_TRUE(peer.messages[0].dup());
    EXPECT_TRUE(peer.messages[0].payload().empty());
}

TEST(Receive5, gives_all_properties_and_keeps_them_with_the_message) {
    SessionPeer peer{Version::v5};
    peer.connect();
    const UserProperty users[] = {{"k", "1"}, {"k", "2"}};
    const std::uint32_t identifiers[] = {7, 268'435'455};
    const std::string correlation = "correlate";
    peer.receive(Publish{.topic = "a/b",
                         .payload = as_bytes("payload"),
                         .properties = {.payload_format_indicator = 1,
                                        .message_expiry_interval = 60,
                                        .response_topic = "r",
                                        .correlation_data = as_bytes(correlation),
                                        .subscription_identifiers = identifiers,
                                        .content_type = "text/plain",
                                        .user_properties = users}});
    ASSERT_EQ(peer.messages.size(), 1u);
    const Message copy = peer.messages[0];
    peer.messages.clear();
    const PublishProperties& properties = copy.properties();
    EXPECT_EQ(properties.payload_format_indicator, 1);
    EXPECT_EQ(properties.message_expiry_interval, 60u);
    EXPECT_EQ(properties.response_topic, "r");
    EXPECT_EQ(as_text(*properties.correlation_data), correlation);
    EXPECT_EQ(properties.content_type, "text/plain");
    EXPECT_THAT(properties.subscription_identifiers, ElementsAre(7u, 268'435'455u));
    EXPECT_THAT(properties.user_properties, ElementsAre(users[0], users[1]));
    EXPECT_EQ(copy.topic(), "a/b");
    EXPECT_EQ(copy.text(), "payload");
}

TEST_P(ReceiveTest, hands_on_messages_that_no_subscription_asked_for) { // [MQTT-3.3.2-3] [MQTT-4.5.0-2]
    peer.receive_message("nobody/asked", "x", q1, 3);
    EXPECT_EQ(peer.events().size(), 1u);
    peer.acknowledge();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBACK#3"));
}

TEST_P(ReceiveTest, messages_may_outlive_their_session) {
    Message kept;
    {
        SessionPeer other{GetParam()};
        other.connect();
        other.receive_message("a", "x", q2, 1);
        kept = other.messages[0];
    }
    EXPECT_EQ(kept.text(), "x");
}

// --- acknowledgements

TEST_P(ReceiveTest, acknowledges_qos_1_when_its_consumer_is_done) { // [MQTT-3.3.4-1] [MQTT-4.3.2-4]
    peer.receive_message("a", "x", q1, 7);
    EXPECT_THAT(peer.sent(), IsEmpty());
    EXPECT_EQ(peer->unacknowledged(), 1u);
    peer.acknowledge();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBACK#7"));
    EXPECT_EQ(peer->unacknowledged(), 0u);
}

TEST_P(ReceiveTest, answers_qos_0_with_nothing) {
    peer.receive_message("a", "x", q0);
    peer->acknowledge({});
    EXPECT_THAT(peer.sent(), IsEmpty());
    EXPECT_THAT(peer.deliveries, IsEmpty());
}

TEST_P(ReceiveTest, finishes_qos_2_in_four_steps) { // [MQTT-4.3.3-8] [MQTT-4.3.3-11]
    peer.receive_message("a", "x", q2, 7);
    EXPECT_THAT(peer.events(), ElementsAre("PUBLISH#7 q2 a:x"));
    EXPECT_THAT(peer.sent(), IsEmpty());
    peer.acknowledge();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREC#7"));
    EXPECT_EQ(peer->unacknowledged(), 1u);
    peer.receive(Pubrel{.packet_id = 7});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBCOMP#7"));
    EXPECT_EQ(peer->unacknowledged(), 0u);
    EXPECT_THAT(peer.events(), IsEmpty());
}

TEST_P(ReceiveTest, acknowledges_in_the_order_of_arrival_whoever_is_done_first) { // [MQTT-4.6.0-2] [MQTT-4.6.0-3]
    for (const PacketId id : {PacketId{1}, PacketId{2}, PacketId{3}, PacketId{4}}) {
        peer.receive_message("a", "x", id % 2 ? q1 : q2, id);
    }
    const auto done = [this](std::size_t at) { peer->acknowledge(peer.deliveries[at]); };
    done(3);
    done(1);
    EXPECT_THAT(peer.sent(), IsEmpty());
    done(0);
    EXPECT_THAT(peer.sent(), ElementsAre("PUBACK#1", "PUBREC#2"));
    done(2);
    EXPECT_THAT(peer.sent(), ElementsAre("PUBACK#3", "PUBREC#4"));
}

TEST_P(ReceiveTest, does_not_let_a_slow_consumer_hold_pubcomp_back) {
    peer.receive_message("a", "1", q2, 1);
    peer.acknowledge();
    peer.receive_message("a", "2", q1, 2);
    peer.receive(Pubrel{.packet_id = 1});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREC#1", "PUBCOMP#1"));
}

TEST_P(ReceiveTest, takes_each_acknowledgement_once) {
    peer.receive_message("a", "x", q1, 7);
    peer.receive_message("a", "x", q2, 8);
    for (int i = 0; i < 3; ++i) {
        for (const Delivery& delivery : peer.deliveries) peer->acknowledge(delivery);
    }
    EXPECT_THAT(peer.sent(), ElementsAre("PUBACK#7", "PUBREC#8"));
    EXPECT_EQ(peer->unacknowledged(), 1u);
}

TEST_P(ReceiveTest, takes_each_acknowledgement_once_also_while_an_older_one_is_missing) {
    peer.receive_message("a", "old", q1, 1);
    peer.receive_message("a", "x", q1, 2);
    peer.receive_message("a", "y", q1, 3);
    for (int i = 0; i < 2; ++i) peer->acknowledge(peer.deliveries[1], ReasonCode::success);
    peer->acknowledge(peer.deliveries[1], ReasonCode::not_authorized); // too late
    EXPECT_THAT(peer.sent(), IsEmpty());
    peer.acknowledge();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBACK#1", "PUBACK#2"));
    EXPECT_EQ(peer->unacknowledged(), 1u);
}

TEST_P(ReceiveTest, a_message_with_an_acknowledged_identifier_is_a_new_one) { // [MQTT-4.3.2-5] [MQTT-4.3.3-12]
    for (int i = 0; i < 2; ++i) {
        peer.receive_message("a", "x", q1, 7, i == 1);
        peer.acknowledge();
    }
    EXPECT_EQ(peer.events().size(), 2u);
    EXPECT_THAT(peer.sent(), ElementsAre("PUBACK#7", "PUBACK#7"));
    for (int i = 0; i < 2; ++i) {
        peer.receive_message("a", "x", q2, 7);
        peer.acknowledge();
        peer.receive(Pubrel{.packet_id = 7});
    }
    EXPECT_EQ(peer.events().size(), 2u);
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREC#7", "PUBCOMP#7", "PUBREC#7", "PUBCOMP#7"));
}

TEST_P(ReceiveTest, answers_a_repeated_qos_2_message_and_hands_it_on_once) { // [MQTT-4.3.3-10]
    peer.receive_message("a", "x", q2, 7);
    peer.acknowledge();
    peer.receive_message("a", "x", q2, 7, true);
    peer.receive_message("a", "x", q2, 7, false); // DUP says nothing
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREC#7", "PUBREC#7", "PUBREC#7"));
    EXPECT_EQ(peer.events().size(), 1u);
    EXPECT_EQ(peer->unacknowledged(), 1u);
}

TEST_P(ReceiveTest, one_answer_does_for_what_is_repeated_before_it) {
    peer.receive_message("a", "x", q2, 7);
    for (int i = 0; i < 5; ++i) peer.receive_message("a", "x", q2, 7, true);
    EXPECT_THAT(peer.sent(), IsEmpty());
    peer.acknowledge();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREC#7"));
    peer.receive(Pubrel{.packet_id = 7});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBCOMP#7"));
    EXPECT_EQ(peer.events().size(), 1u);
}

TEST_P(ReceiveTest, an_answer_that_waited_never_acknowledges_the_next_message_of_its_identifier) { // [MQTT-4.3.3-12]
    peer.receive_message("a", "old", q2, 7);
    peer.acknowledge();
    peer.receive_message("a", "slow", q1, 8);
    peer.receive_message("a", "old", q2, 7, true); // it has not seen PUBREC yet; the second one waits behind PUBACK
    peer.receive(Pubrel{.packet_id = 7});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREC#7", "PUBCOMP#7"));
    peer.receive_message("a", "new", q2, 7);
    EXPECT_THAT(peer.events(), ElementsAre("PUBLISH#7 q2 a:old", "PUBLISH#8 q1 a:slow", "PUBLISH#7 q2 a:new"));
    peer.acknowledge();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBACK#8"));
    EXPECT_EQ(peer->unacknowledged(), 1u);
    peer.acknowledge();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREC#7"));
}

TEST_P(ReceiveTest, an_answer_that_is_not_needed_any_more_holds_no_other_back) {
    peer.receive_message("a", "x", q2, 7);
    peer.acknowledge();
    peer.receive_message("a", "slow", q1, 8);
    peer.receive_message("a", "x", q2, 7, true);
    peer.receive_message("a", "y", q1, 9);
    peer.receive(Pubrel{.packet_id = 7});
    peer.sent();
    peer->acknowledge(peer.deliveries[1]);
    EXPECT_THAT(peer.sent(), IsEmpty());
    peer.acknowledge();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBACK#8", "PUBACK#9"));
    EXPECT_EQ(peer->unacknowledged(), 0u);
}

TEST_P(ReceiveTest, answers_a_pubrel_of_nothing_with_pubcomp) { // [MQTT-4.3.3-11] [MQTT-3.7.2-1]
    peer.receive_message("a", "slow", q1, 1);
    peer.receive(Pubrel{.packet_id = 9});
    EXPECT_EQ(peer.sent(), Lines{v5() ? "PUBCOMP#9 0x92" : "PUBCOMP#9"});
    EXPECT_EQ(peer->unacknowledged(), 1u); // of the message
    EXPECT_FALSE(peer->failure());
}

TEST_P(ReceiveTest, refuses_a_pubrel_before_its_pubrec) {
    peer.receive_message("a", "x", q2, 7);
    peer.receive(Pubrel{.packet_id = 7});
    expect_failure(Errc::protocol_error, ReasonCode::protocol_error);
}

TEST_P(ReceiveTest, keeps_identifiers_of_both_directions_apart) {
    peer.publish("a", "out", q2);
    peer.receive_message("a", "in", q2, 1);
    peer.acknowledge();
    peer.receive(Pubrec{.packet_id = 1});
    peer.receive(Pubrel{.packet_id = 1});
    peer.receive(Pubcomp{.packet_id = 1});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#1 q2 a:out", "PUBREC#1", "PUBREL#1", "PUBCOMP#1"));
    EXPECT_EQ(peer->outstanding(), 0u);
}

/// A broker may say that it takes three bytes at most; then it gets no answer, rather than one that it forbids.
TEST(Receive5, ends_a_link_on_which_no_answer_may_be_sent) { // [MQTT-3.2.2-15]
    SessionPeer peer{Version::v5};
    peer.connect({.properties = {.maximum_packet_size = 3}});
    peer.receive_message("a", "x", q1, 7);
    peer.acknowledge();
    EXPECT_EQ(peer->failure(), Errc::packet_too_large);
    EXPECT_THAT(peer.sent(), IsEmpty());
}

// --- codes of acknowledgements

TEST(Receive5, tells_why_a_message_was_not_taken) { // [MQTT-3.4.2-1] [MQTT-3.5.2-1] [MQTT-4.3.3-9]
    SessionPeer peer{Version::v5};
    peer.connect();
    peer.events();
    peer.receive_message("a", "x", q1, 1);
    peer.acknowledge(ReasonCode::not_authorized);
    peer.receive_message("a", "x", q2, 2);
    peer.acknowledge(ReasonCode::quota_exceeded);
    EXPECT_THAT(peer.sent(), ElementsAre("PUBACK#1 0x87", "PUBREC#2 0x97"));
    EXPECT_EQ(peer->unacknowledged(), 0u); // the identifier is free again
    peer.receive_message("a", "y", q2, 2);
    EXPECT_THAT(peer.events(), ElementsAre("PUBLISH#1 q1 a:x", "PUBLISH#2 q2 a:x", "PUBLISH#2 q2 a:y"));
}

TEST_P(ReceiveTest, says_no_code_that_an_acknowledgement_cannot_carry) {
    const ReasonCode codes[] = {ReasonCode::server_moved, ReasonCode::granted_qos_1};
    PacketId id = 1;
    for (const ReasonCode code : codes) {
        for (const QoS qos : {q1, q2}) {
            peer.receive_message("a", "x", qos, id++);
            peer.acknowledge(code);
        }
    }
    EXPECT_EQ(peer.sent(), v5() ? (Lines{"PUBACK#1 0x80", "PUBREC#2 0x80", "PUBACK#3", "PUBREC#4"})
                                : (Lines{"PUBACK#1", "PUBREC#2", "PUBACK#3", "PUBREC#4"}));
    EXPECT_FALSE(peer->failure());
}

/// There PUBREC has no code, and so the broker goes on with PUBREL.
TEST(Receive311, goes_on_with_qos_2_though_the_consumer_refused) {
    SessionPeer peer{Version::v3_1_1};
    peer.connect();
    peer.events();
    peer.receive_message("a", "x", q2, 1);
    peer.acknowledge(ReasonCode::not_authorized);
    peer.receive_message("a", "x", q2, 1, true);
    peer.receive(Pubrel{.packet_id = 1});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREC#1", "PUBREC#1", "PUBCOMP#1"));
    EXPECT_EQ(peer.events().size(), 1u);
}

// --- our Receive Maximum

class ReceiveMaximumTest : public SessionTest {
protected:
    ReceiveMaximumTest() : peer(GetParam(), {.receive_maximum = 2}) { peer.connect(); }
    SessionPeer peer;
};
INSTANTIATE_TEST_SUITE_P(Versions, ReceiveMaximumTest, both_versions(), version_name);

TEST_P(ReceiveMaximumTest, binds_the_broker_where_it_could_be_told) { // [MQTT-3.3.4-9]
    peer.receive_message("a", "1", q1, 1);
    peer.receive_message("a", "2", q2, 2);
    peer.receive_message("a", "0", q0); // does not count
    EXPECT_FALSE(peer->failure());
    peer.events();
    peer.receive_message("a", "3", q1, 3);
    EXPECT_EQ(peer->failure().reason_code(), v5() ? ReasonCode::receive_maximum_exceeded : ReasonCode::success);
    EXPECT_EQ(peer.sent(), v5() ? Lines{"DISCONNECT 0x93"} : Lines{});
    EXPECT_EQ(peer.events().size(), v5() ? 0u : 1u);
}

TEST_P(ReceiveMaximumTest, counts_qos_1_until_puback_and_qos_2_until_pubcomp) {
    for (PacketId id = 1; id < 100; ++id) {
        peer.receive_message("a", "1", q1, id);
        peer.acknowledge();
        peer.receive_message("a", "2", q2, id);
        peer.acknowledge();
        EXPECT_EQ(peer->unacknowledged(), 1u);
        peer.receive_message("a", "3", q1, id);
        peer.acknowledge();
        peer.receive(Pubrel{.packet_id = id});
        EXPECT_EQ(peer->unacknowledged(), 0u);
        ASSERT_FALSE(peer->failure());
    }
}

TEST_P(ReceiveMaximumTest, does_not_count_what_is_repeated) {
    peer.receive_message("a", "1", q2, 1);
    peer.receive_message("a", "2", q2, 2);
    peer.receive_message("a", "1", q2, 1, true);
    EXPECT_FALSE(peer->failure());
    EXPECT_EQ(peer->unacknowledged(), 2u);
}

TEST_P(ReceiveMaximumTest, counts_anew_on_each_link) {
    peer.receive_message("a", "1", q2, 1);
    peer.acknowledge();
    peer.receive_message("a", "2", q2, 2);
    peer.reconnect({.session_present = true});
    EXPECT_EQ(peer->unacknowledged(), 0u);
    peer.receive(Pubrel{.packet_id = 1}); // of the earlier link: counts neither before nor after
    EXPECT_EQ(peer->unacknowledged(), 0u);
    peer.receive_message("a", "2", q2, 2, true);
    EXPECT_EQ(peer->unacknowledged(), 1u);
    peer.receive_message("a", "3", q1, 3);
    EXPECT_EQ(peer->unacknowledged(), 2u);
    peer.receive(Pubrel{.packet_id = 99});
    EXPECT_EQ(peer->unacknowledged(), 2u);
    EXPECT_FALSE(peer->failure());
}

// --- topic aliases of the broker

class Alias5 : public ::testing::Test {
protected:
    Alias5() : peer(Version::v5, {.topic_alias_maximum = 3}) { peer.connect(); }
    void publish(std::string_view topic, std::optional<std::uint16_t> alias) {
        peer.receive(Publish{.topic = topic, .payload = as_bytes("x"), .properties = {.topic_alias = alias}});
    }
    SessionPeer peer;
};

TEST_F(Alias5, stand_for_the_topic_that_defined_them_last) { // [MQTT-3.3.2-10] [MQTT-3.3.2-12]
    publish("a", 1);
    publish("b", 3);
    publish("", 1);
    publish("", 3);
    publish("c", 1);
    publish("", 1);
    publish("d", std::nullopt);
    peer.events();
    Lines topics;
    for (const Message& message : peer.messages) topics.emplace_back(message.topic());
    EXPECT_THAT(topics, ElementsAre("a", "b", "a", "b", "c", "c", "d"));
    EXPECT_FALSE(peer.messages[0].properties().topic_alias); // it means nothing outside
}

TEST_F(Alias5, end_with_the_link) { // [MQTT-3.3.2-7]
    publish("a", 1);
    peer.reconnect({.session_present = true});
    publish("", 1);
    EXPECT_EQ(peer->failure().reason_code(), ReasonCode::protocol_error);
    EXPECT_EQ(peer.messages.size(), 1u);
}

TEST_F(Alias5, that_stand_for_nothing_are_refused) {
    publish("", 2);
    EXPECT_EQ(peer->failure(), Errc::protocol_error);
    EXPECT_THAT(peer.sent(), ElementsAre("DISCONNECT 0x82"));
}

TEST_F(Alias5, above_our_maximum_are_refused) {
    publish("a", 4);
    EXPECT_THAT(peer.sent(), ElementsAre("DISCONNECT 0x94"));
    EXPECT_TRUE(peer.messages.empty());
}

TEST_F(Alias5, are_refused_where_we_allowed_none) {
    SessionPeer other{Version::v5};
    other.connect();
    other.receive(Publish{.topic = "a", .properties = {.topic_alias = 1}});
    EXPECT_THAT(other.sent(), ElementsAre("DISCONNECT 0x94"));
}

TEST_F(Alias5, of_0_are_refused) {
    peer.receive_hex("30 07 00 01 'a' 03 23 00 00");
    EXPECT_THAT(peer.sent(), ElementsAre("DISCONNECT 0x94"));
}

} // namespace
} // namespace culex::session
