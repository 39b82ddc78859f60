// Messages whose links end while they are under way: exactly once at QoS 2, in both ways of handing them on.
#include "support/session_peer.hpp"

namespace culex::session {
namespace {

using namespace culex::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr QoS q1 = QoS::at_least_once;
constexpr QoS q2 = QoS::exactly_once;

/// Handed on with PUBLISH.
class ReceiveAgainTest : public SessionTest {
protected:
    ReceiveAgainTest() { connect(true); }
    void connect(bool session_present) {
        peer.end();
        peer.connect({.session_present = session_present});
        peer.events();
    }
};
INSTANTIATE_TEST_SUITE_P(Versions, ReceiveAgainTest, both_versions(), version_name);

TEST_P(ReceiveAgainTest, a_stale_delivery_never_acknowledges_another_message) {
    peer.receive_message("a", "old", q1, 7);
    connect(true);
    peer.receive_message("a", "new", q1, 7);
    peer.acknowledge(); // the old one
    EXPECT_THAT(peer.sent(), IsEmpty());
    peer.acknowledge();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBACK#7"));
}

TEST_P(ReceiveAgainTest, a_stale_qos_2_delivery_never_acknowledges_another_message) {
    peer.receive_message("a", "old", q2, 7);
    connect(false); // the broker has lost the session: 7 is a new message
    peer.receive_message("a", "new", q2, 7);
    EXPECT_THAT(peer.events(), ElementsAre("PUBLISH#7 q2 a:new"));
    peer.acknowledge();
    EXPECT_THAT(peer.sent(), IsEmpty());
    peer.acknowledge();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREC#7"));
}

TEST_P(ReceiveAgainTest, hands_a_qos_1_message_on_again) {
    peer.receive_message("a", "x", q1, 7);
    connect(true);
    peer.receive_message("a", "x", q1, 7, true);
    EXPECT_THAT(peer.events(), ElementsAre("PUBLISH#7 q1 dup a:x"));
}

TEST_P(ReceiveAgainTest, hands_a_qos_2_message_on_once_though_its_pubrec_was_lost) { // [MQTT-4.3.3-10]
    peer.receive_message("a", "x", q2, 7);
    peer.acknowledge();
    connect(true);
    peer.receive_message("a", "x", q2, 7, true);
    EXPECT_THAT(peer.events(), IsEmpty());
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREC#7"));
    peer.receive(Pubrel{.packet_id = 7});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBCOMP#7"));
}

TEST_P(ReceiveAgainTest, answers_a_repeated_qos_2_message_when_its_consumer_is_done) {
    peer.receive_message("a", "x", q2, 7);
    connect(true);
    peer.receive_message("a", "x", q2, 7, true);
    peer.receive_message("a", "y", q1, 8);
    EXPECT_THAT(peer.events(), ElementsAre("PUBLISH#8 q1 a:y"));
    EXPECT_THAT(peer.sent(), IsEmpty());
    peer.acknowledge();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREC#7"));
}

TEST_P(ReceiveAgainTest, remembers_a_consumer_that_was_done_between_two_links) {
    peer.receive_message("a", "x", q2, 7);
    peer.end();
    peer.acknowledge();
    peer.connect({.session_present = true});
    peer.events();
    peer.receive_message("a", "x", q2, 7, true);
    EXPECT_THAT(peer.events(), IsEmpty());
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREC#7"));
}

TEST_P(ReceiveAgainTest, hands_on_again_what_was_given_back_unseen) {
    peer.receive_message("a", "x", q2, 7);
    const Delivery delivery = peer.deliveries.front();
    peer->give_back(delivery);
    peer.receive_message("a", "x", q2, 7, true); // on the same link nothing was lost
    EXPECT_THAT(peer.events(), ElementsAre("PUBLISH#7 q2 a:x"));
    connect(true);
    peer.receive_message("a", "x", q2, 7, true);
    EXPECT_THAT(peer.events(), ElementsAre("PUBLISH#7 q2 dup a:x"));
    EXPECT_EQ(peer->unacknowledged(), 1u);
    peer->acknowledge(delivery); // of the first time
    EXPECT_THAT(peer.sent(), IsEmpty());
    peer->acknowledge(peer.deliveries.back());
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREC#7"));
}

TEST_P(ReceiveAgainTest, takes_nothing_back_that_was_acknowledged_or_is_another) {
    peer.receive_message("a", "x", q2, 7);
    const Delivery delivery = peer.deliveries.front();
    peer->give_back({delivery.sequence, 99, q2});
    peer->give_back({delivery.sequence + 1, 7, q2});
    peer->give_back({delivery.sequence, 7, q1});
    peer->acknowledge(delivery);
    peer->give_back(delivery);
    connect(true);
    peer.receive_message("a", "x", q2, 7, true);
    EXPECT_THAT(peer.events(), IsEmpty());
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREC#7"));
}

TEST(ReceiveAgain5, remembers_that_a_consumer_refused_between_two_links) {
    SessionPeer peer{Version::v5};
    peer.connect();
    peer.receive_message("a", "x", q2, 7);
    peer.end();
    peer.acknowledge(ReasonCode::not_authorized);
    peer.connect({.session_present = true});
    peer.receive_message("a", "x", q2, 7, true);
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREC#7 0x87"));
    EXPECT_EQ(peer->unacknowledged(), 0u);
}

TEST_P(ReceiveAgainTest, answers_a_pubrel_on_the_next_link) { // [MQTT-4.3.3-11]
    peer.receive_message("a", "x", q2, 7);
    peer.acknowledge();
    peer.sent();
    connect(true);
    peer.receive(Pubrel{.packet_id = 7});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBCOMP#7"));
    connect(true);
    peer.receive(Pubrel{.packet_id = 7}); // PUBCOMP was lost; the answer comes all the same
    EXPECT_EQ(peer.sent(), Lines{v5() ? "PUBCOMP#7 0x92" : "PUBCOMP#7"});
    EXPECT_THAT(peer.events(), IsEmpty());
}

TEST_P(ReceiveAgainTest, forgets_identifiers_with_a_lost_session) { // [MQTT-3.2.2-5]
    peer.receive_message("a", "old", q2, 7);
    peer.acknowledge();
    connect(false);
    peer.receive_message("a", "new", q2, 7);
    EXPECT_THAT(peer.events(), ElementsAre("PUBLISH#7 q2 a:new"));
    peer.end();
    peer->abandon(Failure(Errc::session_lost));
    peer.connect({});
    peer.events();
    peer.receive_message("a", "newer", q2, 7);
    EXPECT_THAT(peer.events(), ElementsAre("PUBLISH#7 q2 a:newer"));
}

TEST_P(ReceiveAgainTest, owes_no_answers_of_an_earlier_link) {
    peer.receive_message("a", "1", q1, 1);
    peer.receive_message("a", "2", q1, 2);
    peer->acknowledge(peer.deliveries[1]);
    connect(true);
    peer->acknowledge(peer.deliveries[0]);
    EXPECT_THAT(peer.sent(), IsEmpty());
    EXPECT_EQ(peer->unacknowledged(), 0u);
}

/// Handed on with PUBREL, as the documented client does it.
class OnPubrelTest : public SessionTest {
protected:
    OnPubrelTest() : peer(GetParam(), {.deliver_on_pubrel = true}) { connect(true); }
    void connect(bool session_present) {
        peer.end();
        peer.connect({.session_present = session_present});
        peer.events();
    }
    SessionPeer peer;
};
INSTANTIATE_TEST_SUITE_P(Versions, OnPubrelTest, both_versions(), version_name);

TEST_P(OnPubrelTest, hands_a_qos_2_message_on_with_its_pubrel) {
    peer.receive_message("a", "x", q2, 7);
    EXPECT_THAT(peer.events(), IsEmpty());
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREC#7"));
    peer.receive(Pubrel{.packet_id = 7});
    EXPECT_THAT(peer.events(), ElementsAre("PUBREL#7 q2 a:x"));
    EXPECT_THAT(peer.sent(), IsEmpty());
    EXPECT_EQ(peer->unacknowledged(), 1u);
    peer.acknowledge();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBCOMP#7"));
    EXPECT_EQ(peer->unacknowledged(), 0u);
}

TEST_P(OnPubrelTest, cannot_refuse_any_more) {
    peer.receive_message("a", "x", q2, 7);
    peer.receive(Pubrel{.packet_id = 7});
    peer.acknowledge(ReasonCode::not_authorized);
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREC#7", "PUBCOMP#7"));
    EXPECT_FALSE(peer->failure());
}

TEST_P(OnPubrelTest, finishes_in_the_order_of_the_pubrels) {
    for (const PacketId id : {PacketId{1}, PacketId{2}, PacketId{3}})
        peer.receive_message("a", std::to_string(id), q2, id);
    for (const PacketId id : {PacketId{1}, PacketId{2}, PacketId{3}}) peer.receive(Pubrel{.packet_id = id});
    EXPECT_THAT(peer.events(), ElementsAre("PUBREL#1 q2 a:1", "PUBREL#2 q2 a:2", "PUBREL#3 q2 a:3"));
    peer.sent();
    peer->acknowledge(peer.deliveries[2]);
    peer->acknowledge(peer.deliveries[1]);
    EXPECT_THAT(peer.sent(), IsEmpty());
    peer->acknowledge(peer.deliveries[0]);
    EXPECT_THAT(peer.sent(), ElementsAre("PUBCOMP#1", "PUBCOMP#2", "PUBCOMP#3"));
}

TEST_P(OnPubrelTest, hands_on_once_what_is_repeated_at_any_step) {
    for (int i = 0; i < 3; ++i) peer.receive_message("a", "x", q2, 7, i > 0);
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREC#7", "PUBREC#7", "PUBREC#7"));
    for (int i = 0; i < 3; ++i) peer.receive(Pubrel{.packet_id = 7});
    peer.receive_message("a", "x", q2, 7, true); // not even now: PUBCOMP is still owed
    EXPECT_THAT(peer.events(), ElementsAre("PUBREL#7 q2 a:x"));
    peer.acknowledge();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBCOMP#7"));
    peer.receive_message("a", "y", q2, 7);
    peer.receive(Pubrel{.packet_id = 7});
    EXPECT_THAT(peer.events(), ElementsAre("PUBREL#7 q2 a:y"));
}

// What waits behind the answer to a slow message must not be taken for an answer to the next one under its identifier.
TEST_P(OnPubrelTest, a_pubcomp_that_waited_never_ends_the_next_message_of_its_identifier) { // [MQTT-4.3.3-12]
    peer.receive_message("a", "old", q2, 7);
    peer.receive_message("a", "slow", q1, 8);
    peer.receive(Pubrel{.packet_id = 7});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREC#7"));
    EXPECT_THAT(peer.events(), ElementsAre("PUBLISH#8 q1 a:slow", "PUBREL#7 q2 a:old"));
    peer->acknowledge(peer.deliveries[1]);
    peer.receive(Pubrel{.packet_id = 7}); // the broker does not wait for what is held back
    EXPECT_THAT(peer.sent(), ElementsAre("PUBCOMP#7"));
    peer.receive_message("a", "new", q2, 7);
    peer.acknowledge();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBACK#8", "PUBREC#7"));
    peer.receive(Pubrel{.packet_id = 7});
    EXPECT_THAT(peer.events(), ElementsAre("PUBREL#7 q2 a:new"));
}

TEST_P(OnPubrelTest, a_pubrec_that_waited_never_takes_the_next_message_of_its_identifier) { // [MQTT-4.3.3-12]
    peer.receive_message("a", "old", q2, 7);
    peer.receive_message("a", "slow", q1, 8);
    peer.receive_message("a", "old", q2, 7, true); // the second PUBREC waits
    peer.receive(Pubrel{.packet_id = 7});
    EXPECT_THAT(peer.events(), ElementsAre("PUBLISH#8 q1 a:slow", "PUBREL#7 q2 a:old"));
    peer->acknowledge(peer.deliveries[1]);
    peer.receive(Pubrel{.packet_id = 7});
    peer.receive_message("a", "new", q2, 7);
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREC#7", "PUBCOMP#7"));
    peer.acknowledge();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBACK#8", "PUBREC#7"));
    EXPECT_EQ(peer->unacknowledged(), 1u);
}

TEST_P(OnPubrelTest, one_answer_does_for_a_repeated_message_and_its_pubrel) {
    peer.receive_message("a", "x", q2, 7);
    peer.receive_message("a", "slow", q1, 8);
    peer.receive_message("a", "x", q2, 7, true); // PUBREC waits, and is not needed any more when PUBREL comes
    peer.receive(Pubrel{.packet_id = 7});
    peer.sent();
    peer.acknowledge();
    peer.acknowledge();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBACK#8", "PUBCOMP#7"));
    EXPECT_EQ(peer->unacknowledged(), 0u);
}

TEST_P(OnPubrelTest, keeps_a_message_across_links_until_its_pubrel) {
    peer.receive_message("a", "x", q2, 7);
    connect(true);
    peer.receive_message("a", "x", q2, 7, true); // PUBREC was lost
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREC#7"));
    connect(true);
    peer.receive(Pubrel{.packet_id = 7});
    EXPECT_THAT(peer.events(), ElementsAre("PUBREL#7 q2 a:x"));
}

TEST_P(OnPubrelTest, hands_on_once_though_pubcomp_was_lost_or_not_due_yet) {
    peer.receive_message("a", "x", q2, 7);
    peer.receive(Pubrel{.packet_id = 7});
    peer.events();
    connect(true);
    peer.receive(Pubrel{.packet_id = 7});
    EXPECT_THAT(peer.events(), IsEmpty());
    EXPECT_THAT(peer.sent(), IsEmpty()); // its consumer is not done
    peer.acknowledge();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBCOMP#7"));
    connect(true);
    peer.receive(Pubrel{.packet_id = 7});
    EXPECT_THAT(peer.events(), IsEmpty());
    EXPECT_EQ(peer.sent(), Lines{v5() ? "PUBCOMP#7 0x92" : "PUBCOMP#7"});
}

TEST_P(OnPubrelTest, remembers_a_consumer_that_was_done_between_two_links) {
    peer.receive_message("a", "x", q2, 7);
    peer.receive(Pubrel{.packet_id = 7});
    peer.end();
    peer.acknowledge();
    peer.connect({.session_present = true});
    peer.events();
    peer.receive(Pubrel{.packet_id = 7});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBCOMP#7"));
    EXPECT_THAT(peer.events(), IsEmpty());
}

TEST_P(OnPubrelTest, forgets_a_message_with_a_lost_session) { // [MQTT-3.2.2-5]
    peer.receive_message("a", "x", q2, 7);
    connect(false);
    peer.receive(Pubrel{.packet_id = 7});
    EXPECT_THAT(peer.events(), IsEmpty());
    EXPECT_EQ(peer.sent(), Lines{v5() ? "PUBCOMP#7 0x92" : "PUBCOMP#7"});
}

} // namespace
} // namespace culex::session
