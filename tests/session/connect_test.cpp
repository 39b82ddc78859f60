// CONNECT, CONNACK, and what the broker grants.
#include "support/session_peer.hpp"

namespace culex::session {
namespace {

using namespace culex::testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ConnectTest : public SessionTest {};
INSTANTIATE_TEST_SUITE_P(Versions, ConnectTest, both_versions(), version_name);

TEST_P(ConnectTest, opens_with_connect_and_nothing_else_until_connack) { // [MQTT-3.1.0-1] [MQTT-3.1.0-2] [MQTT-3.1.4-6]
    peer.publish("a", "0", QoS::at_most_once);
    peer.publish("a", "1");
    peer.subscribe("b");
    peer.open();
    peer.publish("a", "2", QoS::exactly_once);
    EXPECT_THAT(peer.sent(), ElementsAre("CONNECT"));
    peer.advance(std::chrono::hours(1));
    EXPECT_THAT(peer.sent(), IsEmpty());
    EXPECT_FALSE(peer->connected());
}

TEST_P(ConnectTest, writes_connect_as_it_was_given) { // [MQTT-3.1.2-1] [MQTT-3.1.2-2] [MQTT-3.1.3-1]
    peer.open({.client_id = "c1", .keep_alive = 10});
    const auto expected =
        v5() ? hex("10 0F 00 04 'MQTT' 05 02 00 0A 00 00 02 'c1'") : hex("10 0E 00 04 'MQTT' 04 02 00 0A 00 02 'c1'");
    EXPECT_EQ(hex_of(peer->output().bytes()), hex_of(expected));
}

TEST_P(ConnectTest, refuses_a_connect_that_breaks_a_rule_and_stays_offline) {
    Session& session = peer.session();
    const auto opened = session.handle_open({.client_id = "\xC0\x80"}, peer.now);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.failure(), Errc::invalid_argument);
    EXPECT_TRUE(session.output().empty());
    EXPECT_TRUE(session.handle_open({.client_id = "c1"}, peer.now)); // another try is welcome
}

TEST(Connect311, refuses_an_empty_client_id_without_clean_session) { // [MQTT-3.1.3-7]
    SessionPeer peer{Version::v3_1_1};
    EXPECT_EQ(peer->handle_open({.clean_start = false}, peer.now).failure(), Errc::invalid_argument);
    EXPECT_TRUE(peer->handle_open({.clean_start = true}, peer.now));
}

TEST_P(ConnectTest, is_connected_after_connack_and_reports_it) {
    peer.connect({.session_present = true});
    EXPECT_TRUE(peer->connected());
    EXPECT_FALSE(peer->failure());
    EXPECT_THAT(peer.events(), ElementsAre("CONNACK present"));
}

TEST_P(ConnectTest, takes_connack_in_single_bytes) {
    peer.open();
    const auto connack = v5() ? hex("20 03 00 00 00") : hex("20 02 00 00");
    for (const std::byte byte : connack) {
        EXPECT_FALSE(peer->connected());
        peer.receive_bytes({&byte, 1});
    }
    EXPECT_TRUE(peer->connected());
}

TEST_P(ConnectTest, sends_connect_first_on_every_link) { // [MQTT-3.1.0-1]
    peer.connect();
    peer.publish("a", "1");
    peer.sent();
    peer.end();
    peer.open();
    EXPECT_THAT(peer.sent(), ElementsAre("CONNECT"));
}

TEST_P(ConnectTest, fails_with_the_code_of_a_refusal) { // [MQTT-3.2.2-7], 3.1.1: [MQTT-3.2.2-5]
    for (unsigned code = 0x80; code <= 0x9F; ++code) {
        const auto reason = static_cast<ReasonCode>(code);
        if (!allowed_in(reason, PacketType::connack, GetParam())) continue;
        SessionPeer other{GetParam()};
        other.open();
        other.receive(Connack{.reason_code = reason});
        EXPECT_FALSE(other->connected());
        EXPECT_EQ(other->failure(), Errc::connection_refused) << code;
        EXPECT_EQ(other->failure().reason_code(), reason);
        EXPECT_EQ(other->failure().phase(), Phase::mqtt);
        EXPECT_THAT(other.sent(), ElementsAre("CONNECT")); // and no DISCONNECT: there is no connection
        EXPECT_THAT(other.events(), IsEmpty());
    }
}

TEST(Connect311, knows_the_five_return_codes_and_no_other) { // [MQTT-3.2.2-6]
    for (int code = 1; code <= 7; ++code) {
        SessionPeer peer{Version::v3_1_1};
        peer.open();
        peer.receive_hex(fmt::format("20 02 00 {:02X}", code));
        EXPECT_EQ(peer->failure() == Errc::connection_refused, code <= 5) << code;
        EXPECT_TRUE(peer->failure());
    }
}

TEST(Connect5, tells_of_a_server_that_knows_3_1_1_only) {
    SessionPeer peer{Version::v5};
    peer.open();
    peer.receive_hex("20 02 00 01");
    EXPECT_EQ(peer->failure(), Errc::connection_refused);
    EXPECT_EQ(peer->failure().reason_code(), ReasonCode::unsupported_protocol_version);
}

TEST(Connect5, tells_the_reason_string_and_the_server_reference) {
    SessionPeer peer{Version::v5};
    peer.open();
    peer.receive(Connack{.reason_code = ReasonCode::use_another_server,
                         .properties = {.reason_string = "maintenance", .server_reference = "other:1883"}});
    EXPECT_THAT(peer->failure().detail(), HasSubstr("maintenance"));
    EXPECT_THAT(peer->failure().detail(), HasSubstr("other:1883"));
}

TEST_P(ConnectTest, treats_a_refusal_that_claims_a_session_as_a_refusal) { // [MQTT-3.2.2-6], 3.1.1: [MQTT-3.2.2-4]
    peer.open();
    peer.receive_hex(v5() ? "20 03 01 87 00" : "20 02 01 05");
    EXPECT_EQ(peer->failure(), Errc::connection_refused);
    EXPECT_EQ(peer->failure().reason_code(), ReasonCode::not_authorized);
}

TEST_P(ConnectTest, refuses_every_first_packet_but_connack) { // [MQTT-3.2.0-1]
    for (const char* packet :
         {"30 05 00 01 'a' 'hi'", "40 02 00 01", "50 02 00 01", "62 02 00 01", "70 02 00 01", "90 03 00 01 00",
          "B0 02 00 01", "C0 00", "D0 00", "E0 00", "10 00", "82 00", "A2 00", "00 00"}) {
        SessionPeer other{GetParam()};
        other.open();
        other.sent();
        other.receive_hex(packet);
        EXPECT_TRUE(other->failure() == Errc::protocol_error || other->failure() == Errc::malformed_packet) << packet;
        EXPECT_EQ(other->failure().phase(), Phase::mqtt) << packet;
        EXPECT_THAT(other.sent(), IsEmpty()) << packet; // before CONNACK there is nothing to send but the end
        EXPECT_THAT(other.events(), IsEmpty()) << packet;
    }
}

TEST_P(ConnectTest, refuses_a_connack_with_reserved_flags) { // [MQTT-3.2.2-1]
    peer.open();
    peer.receive_hex(v5() ? "20 03 02 00 00" : "20 02 02 00");
    EXPECT_EQ(peer->failure(), Errc::malformed_packet);
}

TEST_P(ConnectTest, refuses_a_second_connack) { // [MQTT-3.2.0-2]
    peer.connect();
    peer.receive(Connack{});
    EXPECT_EQ(peer->failure(), Errc::protocol_error);
    EXPECT_EQ(peer.sent(), v5() ? Lines{"DISCONNECT 0x82"} : Lines{});
}

TEST_P(ConnectTest, refuses_a_session_after_a_clean_start) { // [MQTT-3.2.2-4]
    peer.open({.client_id = "c1", .clean_start = true});
    peer.sent();
    peer.receive(Connack{.session_present = true});
    EXPECT_EQ(peer->failure(), Errc::protocol_error);
    EXPECT_FALSE(peer->connected());
    EXPECT_THAT(peer.events(), IsEmpty());
    EXPECT_EQ(peer.sent(), v5() ? Lines{"DISCONNECT 0x82"} : Lines{});
}

/// An earlier process with the same client id may have left it.
TEST_P(ConnectTest, accepts_a_session_that_it_did_not_ask_to_clean) {
    peer.connect({.session_present = true}, {.client_id = "c1", .clean_start = false});
    EXPECT_TRUE(peer->connected());
}

TEST_P(ConnectTest, can_try_again_after_each_failure) {
    for (const char* broken : {"20 02 00 05", "20 03 00 87 00", "FF FF FF FF FF", "30 00", "20 02 02 00"}) {
        peer.open();
        peer.receive_hex(broken);
        EXPECT_TRUE(peer->failure()) << broken;
        peer.end();
        peer.sent();
    }
    peer.connect();
    EXPECT_TRUE(peer->connected());
    EXPECT_FALSE(peer->failure());
}

TEST_P(ConnectTest, ignores_input_after_a_failure_and_between_links) {
    peer.open();
    peer.receive_hex("00 00");
    peer.receive(Connack{});
    EXPECT_FALSE(peer->connected());
    peer.end();
    peer.receive(Connack{});
    peer.receive_message("a", "x");
    EXPECT_FALSE(peer->connected());
    EXPECT_THAT(peer.events(), IsEmpty());
}

TEST_P(ConnectTest, forgets_half_a_packet_with_the_link) {
    peer.connect();
    peer.receive_hex("30 20 00 01");
    peer.reconnect({});
    peer.events();
    peer.receive_message("a", "x");
    EXPECT_THAT(peer.events(), ElementsAre("PUBLISH q0 a:x"));
}

TEST(Connect5, keeps_the_client_id_that_the_broker_assigned) { // [MQTT-3.1.3-7]
    SessionPeer peer{Version::v5};
    peer.connect({.properties = {.assigned_client_identifier = "chosen"}}, {});
    EXPECT_EQ(peer->assigned_client_id(), "chosen");
    peer.reconnect({});
    EXPECT_EQ(peer->assigned_client_id(), "chosen");
    peer.end();
    peer->abandon(Failure(Errc::session_lost));
    EXPECT_EQ(peer->assigned_client_id(), "");
}

TEST_P(ConnectTest, assumes_the_standards_limits_where_the_broker_names_none) {
    peer.connect();
    const Limits& limits = peer->limits();
    EXPECT_EQ(limits.receive_maximum, 65'535);
    EXPECT_EQ(limits.maximum_qos, QoS::exactly_once);
    EXPECT_TRUE(limits.retain_available && limits.wildcard_subscriptions && limits.subscription_identifiers &&
                limits.shared_subscriptions);
    EXPECT_EQ(limits.topic_alias_maximum, 0);
    EXPECT_EQ(limits.keep_alive, std::chrono::seconds(60));
}

TEST(Connect5, takes_the_limits_that_the_broker_grants_for_this_link_only) {
    SessionPeer peer{Version::v5};
    peer.connect({.properties = {.session_expiry_interval = 7,
                                 .receive_maximum = 3,
                                 .maximum_qos = 1,
                                 .retain_available = 0,
                                 .maximum_packet_size = 100,
                                 .topic_alias_maximum = 5,
                                 .wildcard_subscription_available = 0,
                                 .subscription_identifier_available = 0,
                                 .shared_subscription_available = 0,
                                 .server_keep_alive = 2}});
    const Limits limits = peer->limits();
    EXPECT_EQ(limits.session_expiry_interval, 7u);
    EXPECT_EQ(limits.receive_maximum, 3);
    EXPECT_EQ(limits.maximum_qos, QoS::at_least_once);
    EXPECT_EQ(limits.maximum_packet_size, 100u);
    EXPECT_EQ(limits.topic_alias_maximum, 5);
    EXPECT_FALSE(limits.retain_available || limits.wildcard_subscriptions || limits.subscription_identifiers ||
                 limits.shared_subscriptions);
    EXPECT_EQ(limits.keep_alive, std::chrono::seconds(2));
    peer.reconnect({});
    EXPECT_EQ(peer->limits().receive_maximum, 65'535);
    EXPECT_EQ(peer->limits().keep_alive, std::chrono::seconds(60));
    EXPECT_EQ(peer->limits().session_expiry_interval, 0u);
}

} // namespace
} // namespace culex::session
