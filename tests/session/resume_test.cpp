// What is sent again on the next link, and in which order.
#include "support/session_peer.hpp"

namespace culex::session {
namespace {

using namespace culex::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr QoS q0 = QoS::at_most_once;
constexpr QoS q1 = QoS::at_least_once;
constexpr QoS q2 = QoS::exactly_once;

class ResumeTest : public SessionTest {};
INSTANTIATE_TEST_SUITE_P(Versions, ResumeTest, both_versions(), version_name);

TEST_P(ResumeTest,
       resends_unacknowledged_publishes_with_dup_in_their_first_order) { // [MQTT-4.4.0-1] [MQTT-4.6.0-1] [MQTT-3.3.1-1]
    peer.connect();
    const char* const payloads[] = {"1", "2", "3", "4", "5", "6"};
    for (int i = 0; i < 6; ++i) peer.publish("a", payloads[i], i % 2 ? q2 : q1);
    peer.receive(Puback{.packet_id = 3});
    peer.sent();
    peer.reconnect({.session_present = true});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#1 q1 dup a:1", "PUBLISH#2 q2 dup a:2", "PUBLISH#4 q2 dup a:4",
                                         "PUBLISH#5 q1 dup a:5", "PUBLISH#6 q2 dup a:6"));
}

TEST_P(ResumeTest, goes_on_with_qos_2_at_the_step_that_it_had_reached) { // [MQTT-4.3.3-3] [MQTT-4.3.3-5] [MQTT-4.3.3-6]
    peer.connect();
    const auto& first = peer.publish("a", "1", q2);
    const auto& second = peer.publish("a", "2", q2);
    const auto& third = peer.publish("a", "3", q2);
    peer.receive(Pubrec{.packet_id = 2});
    peer.receive(Pubrec{.packet_id = 1});
    peer.sent();
    peer.reconnect({.session_present = true});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREL#2", "PUBREL#1", "PUBLISH#3 q2 dup a:3"));
    peer.receive(Pubcomp{.packet_id = 1});
    peer.receive(Pubcomp{.packet_id = 2});
    EXPECT_EQ(first.outcome + second.outcome + third.outcome, "okok");
    peer.reconnect({.session_present = true});
    peer.receive(Pubrec{.packet_id = 3});
    peer.reconnect({.session_present = true});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREL#3"));
}

/// A client never discards its own messages: where the broker has lost the session they are delivered all the same.
TEST_P(ResumeTest, resends_as_well_when_the_broker_has_lost_the_session) {
    peer.connect();
    peer.publish("a", "1", q1);
    peer.publish("a", "2", q2);
    peer.publish("a", "3", q2);
    peer.receive(Pubrec{.packet_id = 3});
    peer.sent();
    peer.reconnect({.session_present = false});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREL#3", "PUBLISH#1 q1 dup a:1", "PUBLISH#2 q2 dup a:2"));
    peer.receive(Pubcomp{.packet_id = 3, .reason_code = ReasonCode::packet_identifier_not_found});
    EXPECT_EQ(peer->outstanding(), 2u);
}

TEST_P(ResumeTest, resends_after_a_clean_start_too) { // within the life of one client
    peer.connect({}, {.client_id = "c1", .clean_start = true});
    peer.publish("a", "1", q1);
    peer.end();
    peer.connect({}, {.client_id = "c1", .clean_start = true});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#1 q1 dup a:1"));
}

TEST_P(ResumeTest, keeps_the_first_order_over_many_links_that_end_half_way) {
    peer.connect();
    for (const char* payload : {"1", "2", "3", "4"}) peer.publish("a", payload);
    peer.sent();
    peer.reconnect({.session_present = true, .properties = {.receive_maximum = 2}}); // 1 and 2 again
    peer.end();
    peer.publish("a", "5");
    peer.connect({.session_present = true, .properties = {.receive_maximum = 1}}); // 1 again
    peer.publish("a", "6");
    peer.reconnect({.session_present = true});
    EXPECT_THAT(peer.sent(), v5()
                                 ? ElementsAre("PUBLISH#1 q1 dup a:1", "PUBLISH#2 q1 dup a:2", "PUBLISH#3 q1 dup a:3",
                                               "PUBLISH#4 q1 dup a:4", "PUBLISH#5 q1 a:5", "PUBLISH#6 q1 a:6")
                                 : ElementsAre("PUBLISH#1 q1 dup a:1", "PUBLISH#2 q1 dup a:2", "PUBLISH#3 q1 dup a:3",
                                               "PUBLISH#4 q1 dup a:4", "PUBLISH#5 q1 dup a:5", "PUBLISH#6 q1 dup a:6"));
}

TEST_P(ResumeTest, sends_what_was_queued_offline_behind_what_is_sent_again) {
    peer.publish("a", "0", q0);
    peer.publish("a", "1", q1);
    peer.connect();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH q0 a:0", "PUBLISH#1 q1 a:1")); // never sent, so no DUP [MQTT-4.3.2-2]
    peer.end();
    peer.publish("a", "2", q2);
    peer.publish("a", "3", q0);
    peer.publish("a", "4", q1);
    peer.connect({.session_present = true});
    EXPECT_THAT(peer.sent(),
                ElementsAre("PUBLISH#1 q1 dup a:1", "PUBLISH#2 q2 a:2", "PUBLISH q0 a:3", "PUBLISH#3 q1 a:4"));
}

TEST_P(ResumeTest, completes_operations_across_links) {
    peer.connect();
    const auto& first = peer.publish("a", "1", q1);
    const auto& second = peer.publish("a", "2", q2);
    peer.end();
    const auto& third = peer.publish("a", "3", q0);
    EXPECT_EQ(first.outcome + second.outcome + third.outcome, "");
    peer.connect({.session_present = true});
    EXPECT_EQ(third.outcome, "ok");
    peer.receive(Puback{.packet_id = 1});
    peer.receive(Pubrec{.packet_id = 2});
    peer.receive(Pubcomp{.packet_id = 2});
    EXPECT_EQ(first.outcome, "ok");
    EXPECT_EQ(second.outcome, "ok");
    EXPECT_EQ(peer->outstanding(), 0u);
}

TEST_P(ResumeTest, does_not_use_an_identifier_of_an_earlier_link_again) { // [MQTT-2.2.1-3]
    peer.connect();
    for (int i = 0; i < 3; ++i) peer.publish("a", "x");
    peer.receive(Puback{.packet_id = 2});
    peer.reconnect({});
    EXPECT_EQ(peer.publish("a", "x").id, 4);
}

TEST_P(ResumeTest, takes_an_answer_before_the_packet_was_sent_again) {
    peer.connect();
    const auto& first = peer.publish("a", "1", q1);
    const auto& second = peer.publish("a", "2", q2);
    const auto& third = peer.publish("a", "3", q1);
    // On a link where the quota holds the rest back, if there is one.
    peer.reconnect({.session_present = true, .properties = {.receive_maximum = 1}});
    peer.receive(Pubrec{.packet_id = 2});
    peer.receive(Puback{.packet_id = 3});
    EXPECT_EQ(third.outcome, "ok");
    peer.receive(Puback{.packet_id = 1});
    peer.receive(Pubcomp{.packet_id = 2});
    EXPECT_EQ(first.outcome + second.outcome, "okok");
    EXPECT_EQ(peer->outstanding(), 0u);
}

/// A broker's smaller limits can end a message that an earlier link would have taken.
TEST(Resume5, ends_what_the_new_link_does_not_take) {
    SessionPeer peer{Version::v5};
    peer.connect();
    const auto& first = peer.publish("a", "a long payload", q1);
    const auto& second = peer.publish("a", "x", q2);
    const auto& third = peer.publish("a", "y", q1);
    peer.reconnect({.session_present = true, .properties = {.maximum_qos = 1, .maximum_packet_size = 10}});
    EXPECT_EQ(first.outcome, "packet too large");
    EXPECT_EQ(second.outcome, "not supported");
    EXPECT_EQ(third.outcome, "");
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#3 q1 dup a:y"));
}

TEST_P(ResumeTest, sends_nothing_again_that_was_acknowledged) {
    peer.connect();
    peer.publish("a", "1", q1);
    peer.publish("a", "2", q2);
    peer.receive(Puback{.packet_id = 1});
    peer.receive(Pubrec{.packet_id = 2});
    peer.receive(Pubcomp{.packet_id = 2});
    peer.sent();
    peer.reconnect({.session_present = true});
    EXPECT_THAT(peer.sent(), IsEmpty());
}

TEST_P(ResumeTest, survives_links_that_end_before_connack) {
    peer.publish("a", "1", q1);
    peer.publish("a", "2", q0);
    for (int i = 0; i < 3; ++i) {
        peer.open();
        EXPECT_THAT(peer.sent(), ElementsAre("CONNECT"));
        peer.end();
    }
    peer.connect();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#1 q1 a:1", "PUBLISH q0 a:2"));
}

} // namespace
} // namespace culex::session
