// Statements of the standards that no other suite of the session shows by itself (tests/conformance/statements.txt).
#include "support/session_peer.hpp"

namespace culex::session {
namespace {

using namespace culex::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Conformance : public SessionTest {
protected:
    Conformance() {
        peer.connect();
        peer.events();
    }
};
INSTANTIATE_TEST_SUITE_P(Versions, Conformance, both_versions(), version_name);

/// The receiver of a QoS 2 message goes on with it however long its consumer takes.
TEST(Conformance5, goes_on_with_a_qos_2_message_that_expired_while_it_waited) { // [MQTT-4.3.3-13]
    SessionPeer peer{Version::v5};
    peer.connect();
    peer.events();
    peer.receive(
        Publish{.topic = "a", .qos = QoS::exactly_once, .packet_id = 7, .properties = {.message_expiry_interval = 1}});
    EXPECT_THAT(peer.events(), ElementsAre("PUBLISH#7 q2 a:"));
    peer.advance(std::chrono::seconds(30));
    peer.sent();
    peer.acknowledge();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREC#7"));
    peer.advance(std::chrono::seconds(5));
    peer.receive(Pubrel{.packet_id = 7});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBCOMP#7"));
    EXPECT_FALSE(peer->failure());
}

/// M43: what comes is acknowledged by its own QoS, whatever SUBACK has granted.
TEST_P(Conformance, takes_a_message_above_the_granted_qos) {
    const ReasonCode granted[] = {ReasonCode::success};
    peer.subscribe("a", QoS::at_most_once);
    peer.sent();
    peer.receive(Suback{.packet_id = 1, .reason_codes = granted});
    peer.receive_message("a", "x", QoS::exactly_once, 5);
    peer.acknowledge();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREC#5"));
    EXPECT_THAT(peer.events(), ElementsAre("PUBLISH#5 q2 a:x"));
    EXPECT_FALSE(peer->failure());
}

/// What was under way when its filter was taken back is still finished.
TEST_P(Conformance, finishes_a_message_though_its_filter_is_taken_back) { // [MQTT-3.10.4-3]
    const ReasonCode codes[] = {ReasonCode::success};
    peer.receive_message("a", "x", QoS::exactly_once, 7);
    peer.unsubscribe({"a"});
    peer.sent();
    peer.receive(Unsuback{.packet_id = 1, .reason_codes = v5() ? std::span(codes) : std::span(codes).first(0)});
    peer.receive_message("a", "y", QoS::at_least_once, 8);
    EXPECT_THAT(peer.events(), ElementsAre("PUBLISH#7 q2 a:x", "PUBLISH#8 q1 a:y"));
    peer.acknowledge();
    peer.acknowledge();
    peer.receive(Pubrel{.packet_id = 7});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREC#7", "PUBACK#8", "PUBCOMP#7"));
}

/// M50 and M51: nothing of a packet that is cut off, or refused, is delivered or acknowledged, and its alias is not set.
TEST_P(Conformance, delivers_nothing_of_a_message_that_the_end_cuts) {
    peer.receive_hex(v5() ? "32 0A 00 01 'a' 00 01 00 'hal'" : "32 0A 00 01 'a' 00 01 'half'");
    peer.end();
    EXPECT_THAT(peer.events(), IsEmpty());
    peer.connect({.session_present = true});
    EXPECT_THAT(peer.sent(), IsEmpty());
    EXPECT_EQ(peer->unacknowledged(), 0u);
}

/// M44: the standard lets a receiver check a payload that says it is text; this one leaves that to the application.
TEST(Conformance5, hands_on_a_payload_that_says_it_is_text_and_is_not) {
    SessionPeer peer{Version::v5};
    peer.connect();
    peer.events();
    peer.receive_hex("30 08 00 01 'a' 02 01 01 FF FE");
    EXPECT_FALSE(peer->failure());
    ASSERT_EQ(peer.messages.size(), 1u);
    EXPECT_EQ(peer.messages[0].properties().payload_format_indicator, 1);
    EXPECT_EQ(peer.messages[0].payload().size(), 2u);
}

/// With its consumer away, or never there, a message is still acknowledged by its QoS, under an odd identifier.
TEST_P(Conformance, echoes_the_identifiers_of_the_broker) { // [MQTT-2.2.1-5], 3.1.1: [MQTT-2.3.1-6]
    for (const PacketId id : {PacketId{1}, PacketId{255}, PacketId{256}, PacketId{65'535}}) {
        peer.receive_message("a", "x", QoS::at_least_once, id);
        peer.acknowledge();
        EXPECT_THAT(peer.sent(), ElementsAre(fmt::format("PUBACK#{}", id)));
        peer.receive_message("a", "x", QoS::exactly_once, id);
        peer.acknowledge();
        peer.receive(Pubrel{.packet_id = id});
        EXPECT_THAT(peer.sent(), ElementsAre(fmt::format("PUBREC#{}", id), fmt::format("PUBCOMP#{}", id)));
    }
}

} // namespace
} // namespace culex::session
