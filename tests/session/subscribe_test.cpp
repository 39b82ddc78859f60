// SUBSCRIBE and UNSUBSCRIBE, and subscriptions that are restored.
#include "support/session_peer.hpp"

namespace culex::session {
namespace {

using namespace culex::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Codes = std::vector<ReasonCode>;
constexpr auto granted_0 = ReasonCode::granted_qos_0;
constexpr auto granted_1 = ReasonCode::granted_qos_1;
constexpr auto granted_2 = ReasonCode::granted_qos_2;
constexpr auto refused = ReasonCode::unspecified_error;

class SubscribeTest : public SessionTest {
protected:
    SubscribeTest() { peer.connect({.session_present = true}); }
    void suback(PacketId id, const Codes& codes) { peer.receive(Suback{.packet_id = id, .reason_codes = codes}); }
    void unsuback(PacketId id, const Codes& codes = {ReasonCode::success}) {
        peer.receive(Unsuback{.packet_id = id, .reason_codes = v5() ? codes : Codes{}});
    }
    /// Subscribes, and is granted it.
    void hold(std::string_view filter, QoS qos = QoS::at_most_once) {
        suback(peer.subscribe(filter, qos).id, {static_cast<ReasonCode>(qos)});
        peer.sent();
    }
};
INSTANTIATE_TEST_SUITE_P(Versions, SubscribeTest, both_versions(), version_name);

// --- requests

TEST_P(SubscribeTest, asks_for_filters_and_tells_each_code) { // [MQTT-3.8.4-6] [MQTT-3.9.3-1]
    const auto& operation = peer.subscribe(
        {{.filter = "a", .qos = QoS::at_least_once}, {.filter = "b/#", .qos = QoS::exactly_once}, {.filter = "+"}});
    EXPECT_THAT(peer.sent(), ElementsAre("SUBSCRIBE#1 a:q1 b/#:q2 +:q0"));
    EXPECT_EQ(peer->outstanding(), 1u);
    suback(1, {granted_1, refused, granted_0});
    EXPECT_EQ(operation.outcome, "0x01 0x80 0x00");
    EXPECT_EQ(peer->outstanding(), 0u);
    EXPECT_EQ(peer->outstanding_bytes(), 0u);
}

TEST(Subscribe5, asks_with_all_options) { // [MQTT-3.8.3-5]
    SessionPeer peer{Version::v5};
    peer.connect();
    peer.subscribe({{.filter = "a",
                     .qos = QoS::at_least_once,
                     .no_local = true,
                     .retain_as_published = true,
                     .retain_handling = RetainHandling::do_not_send}},
                   {.subscription_identifier = 9});
    EXPECT_EQ(hex_of(peer->output().bytes()), hex_of(hex("82 09 00 01 02 0B 09 00 01 'a' 2D")));
}

TEST_P(SubscribeTest, completes_unsubscribe_by_its_unsuback) { // [MQTT-3.10.4-4] [MQTT-3.11.3-1]
    const auto& operation = peer.unsubscribe({"a", "never/subscribed"});
    EXPECT_THAT(peer.sent(), ElementsAre("UNSUBSCRIBE#1 a never/subscribed"));
    unsuback(1, {ReasonCode::success, ReasonCode::no_subscription_existed});
    EXPECT_EQ(operation.outcome, v5() ? "0x00 0x11" : "ok");
}

TEST_P(SubscribeTest, matches_answers_by_identifier) { // [MQTT-2.2.1-6] [MQTT-3.8.4-2]
    const auto& first = peer.subscribe("a");
    const auto& second = peer.subscribe("b");
    const auto& third = peer.unsubscribe({"c"});
    suback(2, {granted_2});
    EXPECT_EQ(second.outcome, "0x02");
    unsuback(3);
    suback(1, {refused});
    EXPECT_EQ(first.outcome, "0x80");
    EXPECT_EQ(third.outcome, v5() ? "0x00" : "ok");
}

TEST_P(SubscribeTest, refuses_filters_that_are_none_before_anything_is_sent) { // [MQTT-4.7.1-1] [MQTT-3.8.3-2]
    for (const auto filter :
         std::initializer_list<std::string_view>{"", "a#", "a/#/b", "+a", "\xFF", "$share//a", "$share/g"}) {
        EXPECT_EQ(peer.subscribe(filter).outcome, "refused: invalid argument") << filter;
        EXPECT_EQ(peer.unsubscribe({filter}).outcome, "refused: invalid argument") << filter;
    }
    EXPECT_EQ(peer.subscribe(std::vector<TopicSubscription>{}).outcome, "refused: invalid argument");
    EXPECT_EQ(peer.unsubscribe({}).outcome, "refused: invalid argument");
    EXPECT_EQ(peer.subscribe("a", static_cast<QoS>(3)).outcome, "refused: invalid argument");
    EXPECT_THAT(peer.sent(), IsEmpty());
    EXPECT_EQ(peer->outstanding(), 0u);
}

TEST(Subscribe5, asks_for_no_own_messages_of_a_shared_subscription) { // [MQTT-3.8.3-4]
    SessionPeer peer{Version::v5};
    peer.connect();
    EXPECT_EQ(peer.subscribe({{.filter = "$share/g/a", .no_local = true}}).outcome, "refused: invalid argument");
}

TEST(Subscribe5, asks_for_nothing_that_the_broker_does_not_have) {
    SessionPeer peer{Version::v5};
    const auto& queued = peer.subscribe("#");
    peer.connect({.properties = {.maximum_packet_size = 30,
                                 .wildcard_subscription_available = 0,
                                 .subscription_identifier_available = 0,
                                 .shared_subscription_available = 0}});
    EXPECT_EQ(queued.outcome, "not supported");
    const auto expect_refused = [](const NotedOperation& operation, ReasonCode reason) {
        EXPECT_EQ(operation.outcome, "refused: not supported");
        EXPECT_EQ(operation.reason_code, reason);
    };
    expect_refused(peer.subscribe("a/+"), ReasonCode::wildcard_subscriptions_not_supported);
    expect_refused(peer.subscribe("$share/g/a"), ReasonCode::shared_subscriptions_not_supported);
    expect_refused(peer.subscribe({{.filter = "a"}}, {.subscription_identifier = 1}),
                   ReasonCode::subscription_identifiers_not_supported);
    EXPECT_EQ(peer.subscribe("a/topic/that/is/too/long").outcome, "refused: packet too large"); // [MQTT-3.2.2-15]
    EXPECT_EQ(peer.unsubscribe({"a/topic/that/is/too/long"}).outcome, "refused: packet too large");
    EXPECT_THAT(peer.sent(), IsEmpty());
    EXPECT_EQ(peer.subscribe("a").outcome, "");
}

TEST(Subscribe5, does_not_send_a_request_that_the_next_link_does_not_take) { // [MQTT-3.2.2-15]
    SessionPeer peer{Version::v5};
    peer.connect();
    const auto& first = peer.subscribe("a/topic/that/is/too/long");
    const auto& second = peer.unsubscribe({"a/topic/that/is/too/long"});
    const auto& third = peer.subscribe("a");
    peer.reconnect({.properties = {.maximum_packet_size = 20}});
    EXPECT_EQ(first.outcome, "packet too large");
    EXPECT_EQ(second.outcome, "packet too large");
    EXPECT_EQ(third.outcome, "");
    EXPECT_THAT(peer.sent(), ElementsAre("SUBSCRIBE#3 a:q0"));
}

TEST_P(SubscribeTest, waits_for_a_link) {
    peer.end();
    const auto& subscribed = peer.subscribe("a");
    const auto& unsubscribed = peer.unsubscribe({"b"});
    peer.connect({.session_present = true});
    EXPECT_THAT(peer.sent(), ElementsAre("SUBSCRIBE#1 a:q0", "UNSUBSCRIBE#2 b"));
    suback(1, {granted_0});
    unsuback(2);
    EXPECT_EQ(subscribed.outcome, "0x00");
    EXPECT_NE(unsubscribed.outcome, "");
}

TEST_P(SubscribeTest, asks_again_on_the_next_link_what_was_not_answered) {
    const auto& first = peer.subscribe("a");
    const auto& second = peer.subscribe("b");
    peer.unsubscribe({"c"});
    suback(1, {granted_0});
    peer.end();
    peer.subscribe("d");
    for (int i = 0; i < 2; ++i) { // and again
        peer.connect({.session_present = true});
        EXPECT_THAT(peer.sent(), ElementsAre("SUBSCRIBE#2 b:q0", "UNSUBSCRIBE#3 c", "SUBSCRIBE#4 d:q0"));
        peer.end();
    }
    EXPECT_EQ(first.outcome, "0x00");
    EXPECT_EQ(second.outcome, "");
}

TEST_P(SubscribeTest, sends_requests_before_queued_messages_of_a_new_link) {
    peer.end();
    peer.publish("a", "x");
    peer.subscribe("a");
    peer.connect({.session_present = true});
    EXPECT_THAT(peer.sent(), ElementsAre("SUBSCRIBE#2 a:q0", "PUBLISH#1 q1 a:x"));
}

TEST_P(SubscribeTest, hands_on_messages_that_come_before_suback) {
    peer.events();
    peer.subscribe("a");
    peer.receive_message("a", "retained");
    EXPECT_THAT(peer.events(), ElementsAre("PUBLISH q0 a:retained"));
}

// --- answers that are wrong

TEST_P(SubscribeTest, ignores_answers_to_nothing) { // [MQTT-3.8.4-2]
    suback(9, {granted_0});
    unsuback(9);
    EXPECT_FALSE(peer->failure());
}

TEST_P(SubscribeTest, refuses_a_wrong_number_of_codes) { // [MQTT-3.8.4-6] [MQTT-3.11.3-1]
    for (const Codes& codes : {Codes{granted_0}, Codes{granted_0, granted_0, granted_0}}) {
        SessionPeer other{GetParam()};
        other.connect();
        const auto& operation = other.subscribe({{.filter = "a"}, {.filter = "b"}});
        other.sent();
        other.receive(Suback{.packet_id = 1, .reason_codes = codes});
        EXPECT_EQ(other->failure(), Errc::protocol_error);
        EXPECT_EQ(other.sent(), v5() ? Lines{"DISCONNECT 0x82"} : Lines{});
        EXPECT_EQ(operation.outcome, "protocol error by the peer");
        other.reconnect({});
        EXPECT_THAT(other.sent(), IsEmpty()); // it would be answered so again, for ever
    }
}

TEST(Subscribe5, refuses_a_wrong_number_of_codes_in_unsuback) {
    SessionPeer peer{Version::v5};
    peer.connect();
    const auto& operation = peer.unsubscribe({"a", "b"});
    const Codes one{ReasonCode::success};
    peer.receive(Unsuback{.packet_id = 1, .reason_codes = one});
    EXPECT_EQ(peer->failure(), Errc::protocol_error);
    EXPECT_EQ(operation.outcome, "protocol error by the peer");
}

// --- restoring

TEST_P(SubscribeTest, restores_subscriptions_when_the_broker_has_lost_the_session) { // [MQTT-3.2.2-5]
    hold("a", QoS::at_least_once);
    hold("b/#", QoS::exactly_once);
    peer.reconnect({.session_present = false});
    EXPECT_THAT(peer.sent(), ElementsAre("SUBSCRIBE#3 a:q1 b/#:q2"));
    EXPECT_EQ(peer->outstanding(), 0u); // nobody asked for it
    suback(3, {granted_1, granted_2});
    peer.reconnect({.session_present = false}); // again
    EXPECT_THAT(peer.sent(), ElementsAre("SUBSCRIBE#4 a:q1 b/#:q2"));
}

TEST_P(SubscribeTest, restores_nothing_while_the_broker_has_the_session) {
    hold("a");
    peer.reconnect({.session_present = true});
    EXPECT_THAT(peer.sent(), IsEmpty());
}

TEST_P(SubscribeTest, restores_only_what_was_granted_and_not_taken_back) {
    peer.subscribe({{.filter = "granted"}, {.filter = "refused"}, {.filter = "unwanted"}});
    suback(1, {granted_0, refused, granted_0});
    peer.unsubscribe({"unwanted"});
    unsuback(2);
    peer.sent();
    peer.reconnect({});
    EXPECT_THAT(peer.sent(), ElementsAre("SUBSCRIBE#3 granted:q0"));
}

TEST_P(SubscribeTest, restores_with_the_options_that_were_asked_for_last) {
    hold("a", QoS::at_most_once);
    hold("a", QoS::exactly_once);
    const auto id = peer.subscribe("a", QoS::at_least_once).id;
    suback(id, {granted_0}); // a broker may grant less; we ask as we asked
    peer.sent();
    peer.reconnect({});
    EXPECT_THAT(peer.sent(), ElementsAre("SUBSCRIBE#4 a:q1"));
}

TEST_P(SubscribeTest, does_not_restore_what_an_unanswered_unsubscribe_named) {
    hold("a");
    hold("b");
    peer.unsubscribe({"a"});
    peer.reconnect({});
    EXPECT_THAT(peer.sent(), ElementsAre("SUBSCRIBE#4 b:q0", "UNSUBSCRIBE#3 a"));
}

TEST_P(SubscribeTest, does_not_restore_what_was_unsubscribed_while_it_was_asked_for) {
    peer.subscribe("a");
    peer.unsubscribe({"a"});
    suback(1, {granted_0});
    unsuback(2);
    peer.sent();
    peer.reconnect({});
    EXPECT_THAT(peer.sent(), IsEmpty());
}

TEST_P(SubscribeTest, sends_unanswered_requests_behind_what_is_restored) {
    hold("a");
    peer.subscribe("b");
    peer.publish("a", "x");
    peer.reconnect({});
    EXPECT_THAT(peer.sent(), ElementsAre("SUBSCRIBE#4 a:q0", "SUBSCRIBE#2 b:q0", "PUBLISH#3 q1 dup a:x"));
}

/// The link dies in the middle of restoring. Whether the broker has taken it the next CONNACK tells.
TEST_P(SubscribeTest, restores_once_though_links_die_meanwhile) {
    hold("a");
    peer.reconnect({.session_present = false});
    EXPECT_THAT(peer.sent(), ElementsAre("SUBSCRIBE#2 a:q0"));
    peer.reconnect({.session_present = false});
    EXPECT_THAT(peer.sent(), ElementsAre("SUBSCRIBE#3 a:q0")); // lost again: anew, and nothing else
    peer.reconnect({.session_present = true});
    EXPECT_THAT(peer.sent(), ElementsAre("SUBSCRIBE#3 a:q0")); // kept, and not yet acknowledged
    suback(3, {granted_0});
    peer.reconnect({.session_present = true});
    EXPECT_THAT(peer.sent(), IsEmpty());
}

TEST_P(SubscribeTest, forgets_what_is_being_restored_where_the_application_unsubscribes) {
    hold("a");
    peer.reconnect({});
    peer.end();
    peer.unsubscribe({"a"});
    peer.connect({.session_present = true});
    EXPECT_THAT(peer.sent(), ElementsAre("SUBSCRIBE#2 a:q0", "UNSUBSCRIBE#3 a"));
    suback(2, {granted_0});
    unsuback(3);
    peer.reconnect({});
    EXPECT_THAT(peer.sent(), IsEmpty());
}

TEST_P(SubscribeTest, restores_in_batches) {
    const std::string tail(100, 't');
    for (int i = 0; i < 700; ++i) hold(std::to_string(i) + tail);
    peer.reconnect({});
    std::size_t filters = 0;
    const Lines lines = peer.sent();
    for (const std::string& line : lines)
        filters += static_cast<std::size_t>(std::count(line.begin(), line.end(), ':'));
    EXPECT_EQ(filters, 700u);
    EXPECT_THAT(lines, SizeIs(3)); // of 32 KiB at most
}

TEST_P(SubscribeTest, restores_many_short_filters_in_batches) {
    for (int i = 0; i < 1'025; ++i) hold(std::to_string(i));
    peer.reconnect({});
    EXPECT_THAT(peer.sent(), SizeIs(3)); // of 512 filters at most
}

TEST(Subscribe5, restores_subscription_identifiers) {
    SessionPeer peer{Version::v5};
    peer.connect({.session_present = true});
    const Codes granted{granted_0, granted_0};
    peer.subscribe({{.filter = "a"}, {.filter = "d"}}, {.subscription_identifier = 1});
    peer.receive(Suback{.packet_id = 1, .reason_codes = granted});
    peer.subscribe({{.filter = "b"}, {.filter = "c"}}, {.subscription_identifier = 2});
    peer.receive(Suback{.packet_id = 2, .reason_codes = granted});
    peer.subscribe({{.filter = "e"}, {.filter = "f"}});
    peer.receive(Suback{.packet_id = 3, .reason_codes = granted});
    peer.sent();
    peer.reconnect({});
    EXPECT_THAT(peer.sent(), ElementsAre("SUBSCRIBE#4 si=1 a:q0", "SUBSCRIBE#5 si=2 b:q0 c:q0", "SUBSCRIBE#6 si=1 d:q0",
                                         "SUBSCRIBE#7 e:q0 f:q0"));
}

TEST(Subscribe5, restores_in_packets_that_the_broker_takes) { // [MQTT-3.2.2-15]
    SessionPeer peer{Version::v5};
    peer.connect({.session_present = true});
    const Codes granted{granted_0};
    for (const char* filter : {"0123456789", "a/filter/that/does/not/fit/any/more", "abcdefghij", "klmnopqrst"}) {
        peer.receive(Suback{.packet_id = peer.subscribe(filter).id, .reason_codes = granted});
    }
    peer.sent();
    peer.reconnect({.properties = {.maximum_packet_size = 40}});
    EXPECT_THAT(peer.sent(), ElementsAre("SUBSCRIBE#5 0123456789:q0", "SUBSCRIBE#7 abcdefghij:q0 klmnopqrst:q0"));
    peer.reconnect({}); // and with a broker that takes it, all
    EXPECT_THAT(
        peer.sent(),
        ElementsAre("SUBSCRIBE#8 0123456789:q0 a/filter/that/does/not/fit/any/more:q0 abcdefghij:q0 klmnopqrst:q0"));
}

TEST_P(SubscribeTest, keeps_a_subscription_that_could_not_be_restored_for_the_next_time) {
    hold("a");
    peer.reconnect({});
    suback(2, {refused});
    EXPECT_FALSE(peer->failure());
    peer.sent();
    peer.reconnect({});
    EXPECT_THAT(peer.sent(), ElementsAre("SUBSCRIBE#3 a:q0"));
}

TEST_P(SubscribeTest, forgets_subscriptions_when_the_session_is_abandoned) {
    hold("a");
    peer.reconnect({});
    peer.end();
    peer->abandon(Failure(Errc::session_lost));
    peer.connect({});
    EXPECT_THAT(peer.sent(), IsEmpty());
}

} // namespace
} // namespace culex::session
