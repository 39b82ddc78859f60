// A CONNECT that was not answered: the broker may have lost the session and made a new one, whose CONNACK was lost. On the
// next link that session is present, and empty.
#include "support/session_peer.hpp"

namespace culex::session {
namespace {

using namespace culex::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class DoubtTest : public SessionTest {
protected:
    DoubtTest() {
        peer.connect();
        const ReasonCode granted = ReasonCode::granted_qos_2;
        peer.subscribe("a", QoS::exactly_once);
        peer.receive(Suback{.packet_id = 1, .reason_codes = std::span{&granted, 1}});
        peer.receive_message("a", "old", QoS::exactly_once, 7);
        peer.acknowledge();
        peer.sent();
        peer.end();
    }
    /// A link that ends before CONNACK; whether CONNECT left is the question.
    void knock(bool sent) {
        peer.open();
        if (sent) peer.flush();
        peer.end();
    }
    void connect_to_present_session() {
        peer.connect({.session_present = true});
        peer.events();
    }
};
INSTANTIATE_TEST_SUITE_P(Versions, DoubtTest, both_versions(), version_name);

TEST_P(DoubtTest, restores_subscriptions_once_though_the_session_is_present) {
    knock(true);
    connect_to_present_session();
    EXPECT_THAT(peer.sent(), ElementsAre("SUBSCRIBE#2 a:q2"));
    peer.end();
    connect_to_present_session();
    EXPECT_THAT(peer.sent(), ElementsAre("SUBSCRIBE#2 a:q2")); // the same again, since it was not answered
    const ReasonCode granted = ReasonCode::granted_qos_2;
    peer.receive(Suback{.packet_id = 2, .reason_codes = std::span{&granted, 1}});
    peer.end();
    connect_to_present_session();
    EXPECT_THAT(peer.sent(), IsEmpty());
}

TEST_P(DoubtTest, there_is_none_where_connect_never_left_or_was_refused) {
    knock(false);
    peer.open();
    peer.flush();
    peer.receive(Connack{.reason_code = ReasonCode::server_unavailable});
    peer.sent();
    peer.end();
    connect_to_present_session();
    EXPECT_THAT(peer.sent(), IsEmpty());
}

TEST_P(DoubtTest, a_message_under_an_identifier_of_the_lost_session_is_a_new_one) {
    knock(true);
    connect_to_present_session();
    peer.sent();
    peer.receive_message("a", "new", QoS::exactly_once, 7);
    EXPECT_THAT(peer.events(), ElementsAre("PUBLISH#7 q2 a:new"));
    peer.acknowledge();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREC#7"));
    peer.receive_message("a", "new", QoS::exactly_once, 7); // repeated on the same link, if without DUP
    EXPECT_THAT(peer.events(), IsEmpty());
}

TEST_P(DoubtTest, a_message_that_is_sent_again_is_not_handed_on_again) { // [MQTT-4.3.3-10]
    knock(true);
    connect_to_present_session();
    peer.sent();
    peer.receive_message("a", "old", QoS::exactly_once, 7, true);
    EXPECT_THAT(peer.events(), IsEmpty());
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREC#7"));
}

TEST_P(DoubtTest, lasts_until_an_identifier_was_used_again) {
    knock(true);
    connect_to_present_session();
    peer.end();
    connect_to_present_session();
    peer.sent();
    peer.receive_message("a", "new", QoS::exactly_once, 7);
    EXPECT_THAT(peer.events(), ElementsAre("PUBLISH#7 q2 a:new"));
}

TEST_P(DoubtTest, ends_when_the_broker_has_answered_and_sent_nothing_again) {
    knock(true);
    connect_to_present_session();
    const ReasonCode granted = ReasonCode::granted_qos_2;
    peer.receive(Suback{.packet_id = 2, .reason_codes = std::span{&granted, 1}});
    peer.end();
    connect_to_present_session();
    peer.sent();
    peer.receive_message("a", "new", QoS::exactly_once, 7, true); // its first PUBLISH was lost with the link
    EXPECT_THAT(peer.events(), ElementsAre("PUBLISH#7 q2 dup a:new"));
}

TEST_P(DoubtTest, ends_when_the_broker_sends_again_what_it_had_sent) { // [MQTT-4.3.3-10]
    knock(true);
    peer.connect({.session_present = true});
    peer.receive_message("a", "old", QoS::exactly_once, 7, true);
    peer.events();
    const ReasonCode granted = ReasonCode::granted_qos_2;
    peer.receive(Suback{.packet_id = 2, .reason_codes = std::span{&granted, 1}});
    peer.end();
    connect_to_present_session();
    peer.receive_message("a", "old", QoS::exactly_once, 7, true);
    EXPECT_THAT(peer.events(), IsEmpty());
}

TEST(Doubt5, asks_for_no_retained_messages_again) {
    SessionPeer peer{Version::v5};
    peer.connect();
    const ReasonCode granted = ReasonCode::granted_qos_0;
    peer.subscribe("a");
    peer.receive(Suback{.packet_id = 1, .reason_codes = std::span{&granted, 1}});
    peer.end();
    peer.open();
    peer.flush();
    peer.end();
    peer.connect({.session_present = true});
    Buffer expected;
    const TopicSubscription again{.filter = "a", .retain_handling = RetainHandling::send_if_new};
    const Subscribe packet{.packet_id = 2, .subscriptions = std::span{&again, 1}};
    ASSERT_TRUE(wire::encode(expected, packet, Version::v5));
    EXPECT_EQ(as_text(peer->output().bytes()), as_text(expected.bytes()));
}

/// Whatever it is, the broker may have made a session before it sent that.
TEST_P(DoubtTest, is_left_by_a_link_that_fails_behind_connect) {
    peer.open();
    peer.flush();
    peer.receive_hex("20 02 02 00"); // no CONNACK
    peer.end();
    peer.sent();
    connect_to_present_session();
    EXPECT_THAT(peer.sent(), ElementsAre("SUBSCRIBE#2 a:q2"));
    peer.receive_message("a", "new", QoS::exactly_once, 7);
    EXPECT_THAT(peer.events(), ElementsAre("PUBLISH#7 q2 a:new"));
}

TEST_P(DoubtTest, is_not_left_by_a_refusal) {
    peer.open();
    peer.flush();
    peer.receive(Connack{.reason_code = ReasonCode::server_unavailable});
    peer.end();
    peer.sent();
    connect_to_present_session();
    EXPECT_THAT(peer.sent(), IsEmpty());
}

TEST(Doubt5, is_left_by_a_broker_that_has_not_proved_itself) {
    SessionPeer peer{Version::v5, {.authenticates = true}};
    const Connect hello{.client_id = "c1",
                        .clean_start = false,
                        .properties = {.session_expiry_interval = 100, .authentication_method = "toy"}};
    const auto connack = [](bool present) {
        return Connack{.session_present = present, .properties = {.authentication_method = "toy"}};
    };
    peer.open(hello);
    peer.receive(connack(false));
    peer->accept(peer.now);
    const ReasonCode granted = ReasonCode::granted_qos_2;
    peer.subscribe("a", QoS::exactly_once);
    peer.receive(Suback{.packet_id = 1, .reason_codes = std::span{&granted, 1}});
    peer.sent();
    peer.end();
    peer.open(hello);
    peer.flush();
    peer.receive(connack(false)); // it has lost the session, and made a new one
    peer->reject_authentication(Failure(Errc::authentication_failed, "wrong proof"));
    peer.flush();
    peer.end();
    peer.sent();
    peer.open(hello);
    peer.flush();
    peer.receive(connack(true));
    peer->accept(peer.now);
    EXPECT_THAT(peer.sent(), ElementsAre("CONNECT", "SUBSCRIBE#2 a:q2"));
}

} // namespace
} // namespace culex::session
