// Who may come and what they may do: CONNECT and its refusals, wills, keep-alive, permissions, and clients that misbehave.

#include "testing/broker_fixture.hpp"

namespace culex::testing {
namespace {

using namespace std::chrono_literals;

using FakeBrokerAccess = BrokerFixture;
INSTANTIATE_TEST_SUITE_P(Versions, FakeBrokerAccess, ::testing::Values(Version::v3_1_1, Version::v5), version_name);

const Connect with_will{
    .client_id = "a",
    .keep_alive = 10,
    .will = Will{.topic = "wills/a", .payload = as_bytes("gone"), .qos = QoS::at_least_once, .retain = true}};

// --- CONNECT

TEST_P(FakeBrokerAccess, lets_users_in_by_password) {
    broker.options().users = {{"ann", "secret"}};
    auto a = opened();
    a->send(Connect{.client_id = "a", .user_name = "ann", .password = as_bytes("secret")});
    EXPECT_THAT(a->take(), ElementsAre(connack));
    auto b = opened();
    b->send(Connect{.client_id = "b", .user_name = "ann", .password = as_bytes("guess")});
    EXPECT_THAT(b->take(), ElementsAre("CONNACK reason=0x86 (Bad User Name or Password)"));
    EXPECT_TRUE(b->ended());
    auto c = opened();
    c->connect("c");
    EXPECT_THAT(c->take(), ElementsAre("CONNACK reason=0x86 (Bad User Name or Password)"));
    EXPECT_THAT(broker.connections(), SizeIs(1));
    EXPECT_THAT(broker.complaints(), IsEmpty()); // to be refused is no crime
}

TEST_P(FakeBrokerAccess, asks_the_test_who_may_come) {
    broker.options().authenticate = [](const Connect& connect) {
        return connect.client_id == "good" ? ReasonCode::success : ReasonCode::not_authorized;
    };
    auto good = opened();
    good->connect("good");
    EXPECT_THAT(good->take(), ElementsAre(connack));
    auto bad = opened();
    bad->connect("bad");
    EXPECT_THAT(bad->take(), ElementsAre("CONNACK reason=0x87 (Not authorized)"));
}

TEST_P(FakeBrokerAccess, refuses_everyone_while_it_is_told_to) {
    for (const ReasonCode code :
         {ReasonCode::unsupported_protocol_version, ReasonCode::client_identifier_not_valid,
          ReasonCode::server_unavailable, ReasonCode::bad_user_name_or_password, ReasonCode::not_authorized}) {
        broker.options().refuse_connect = code;
        auto a = opened();
        a->connect("a");
        EXPECT_THAT(a->take(), ElementsAre(HasSubstr(to_string(code))));
        EXPECT_TRUE(a->ended());
    }
    broker.options().refuse_connect = ReasonCode::banned; // 3.1.1 has no number for it
    auto a = opened();
    a->connect("a");
    EXPECT_THAT(a->take(), ElementsAre(GetParam() == Version::v5 ? "CONNACK reason=0x8A (Banned)"
                                                                 : "CONNACK reason=0x88 (Server unavailable)"));
    broker.options().refuse_connect.reset();
    EXPECT_TRUE(connected("a")->is_open());
}

TEST_P(FakeBrokerAccess, names_a_client_without_a_name) {
    auto a = opened();
    a->connect("");
    EXPECT_THAT(a->take(), ElementsAre(StartsWith(connack)));
    EXPECT_EQ(broker.sessions().at(0).client_id, "auto-1");
    auto b = opened();
    b->send_bytes(
        {0x10, 0x0C, 0x00, 0x04, 'M', 'Q', 'T', 'T', 0x04, 0x00, 0x00, 0x00, 0x00, 0x00}); // 3.1.1, no clean session
    EXPECT_THAT(broker.sent(PacketType::connack).back().text(), HasSubstr("0x85"));        // [MQTT-3.1.3-8]
}

TEST_P(FakeBrokerAccess, refuses_another_protocol_version) { // [MQTT-3.1.2-2]
    RawClient a{runtime, broker};
    a.send_bytes({0x10, 0x0C, 0x00, 0x04, 'M', 'Q', 'T', 'T', 0x03, 0x02, 0x00, 0x00, 0x00, 0x00});
    EXPECT_THAT(a.take(), ElementsAre("CONNACK reason=0x84 (Unsupported Protocol Version)"));
    EXPECT_TRUE(a.ended());
}

// --- wills

TEST_P(FakeBrokerAccess, publishes_the_will_of_who_goes_without_a_word) { // [MQTT-3.1.2-8]
    auto b = connected("b");
    b->subscribe("wills/#", QoS::exactly_once);
    static_cast<void>(b->take());
    auto a = opened();
    a->send(with_will);
    a->close();
    EXPECT_THAT(b->take(), ElementsAre("PUBLISH id=1 qos=1 topic=\"wills/a\" 4 bytes: gone"));
    EXPECT_THAT(broker.messages(), ElementsAre(PublishedMessage{.topic = "wills/a",
                                                                .payload = "gone",
                                                                .qos = QoS::at_least_once,
                                                                .retain = true,
                                                                .client_id = "a",
                                                                .will = true}));
    EXPECT_THAT(broker.retained_messages(), SizeIs(1));
}

TEST_P(FakeBrokerAccess, discards_the_will_of_who_says_goodbye) { // [MQTT-3.14.4-3]
    auto a = opened();
    a->send(with_will);
    a->send(Disconnect{});
    a->close();
    EXPECT_THAT(broker.messages(), IsEmpty());
}

TEST_P(FakeBrokerAccess, publishes_wills_when_it_drops_connections_and_not_when_it_shuts_down) {
    auto a = opened();
    a->send(with_will);
    broker.shut_down();
    runtime.advance(1min);
    EXPECT_THAT(broker.messages(), IsEmpty());
    a = opened();
    a->send(with_will);
    broker.drop_all_connections();
    runtime.run_until_idle();
    EXPECT_THAT(broker.messages(), SizeIs(1));
}

TEST_P(FakeBrokerAccess, publishes_the_will_of_who_breaks_the_protocol_or_is_taken_over) {
    auto a = opened();
    a->send(with_will);
    a->send(with_will);
    EXPECT_THAT(broker.messages(), SizeIs(1));
    a = opened();
    a->send(with_will);
    auto again = opened();
    again->send(with_will);
    EXPECT_THAT(broker.messages(), SizeIs(2));
}

// --- keep-alive

TEST_P(FakeBrokerAccess, closes_for_a_client_that_falls_silent) { // [MQTT-3.1.2-24]
    auto a = opened();
    a->send(with_will); // 10 s
    runtime.advance(14s);
    a->send(Pingreq{});
    runtime.advance(14s);
    EXPECT_TRUE(a->is_open());
    static_cast<void>(a->take());
    runtime.advance(1s);
    EXPECT_FALSE(a->is_open());
    EXPECT_THAT(broker.messages(), SizeIs(1));
    EXPECT_THAT(broker.complaints(), ElementsAre(HasSubstr("keep-alive of 10 s")));
    if (GetParam() == Version::v5) {
        EXPECT_THAT(a->take(), ElementsAre("DISCONNECT reason=0x8D (Keep Alive timeout)"));
    }
}

TEST_P(FakeBrokerAccess, blames_no_client_for_a_connection_that_the_test_has_made_silent) {
    broker.inject({.received = {.stall_after = 1000}});
    auto a = opened();
    a->send(with_will); // 10 s
    a->send(Publish{.topic = "a", .payload = as_bytes(std::string(2000, 'x'))});
    runtime.advance(1min);
    EXPECT_FALSE(a->is_open());
    EXPECT_THAT(broker.messages(), SizeIs(1)) << "the will";
    EXPECT_THAT(broker.complaints(), IsEmpty());
}

TEST_P(FakeBrokerAccess, may_let_silent_clients_be) {
    broker.options().enforce_keep_alive = false;
    auto a = opened();
    a->send(with_will);
    auto b = connected("b"); // keep-alive 0
    runtime.advance(24h);
    EXPECT_TRUE(a->is_open());
    EXPECT_TRUE(b->is_open());
    EXPECT_THAT(broker.complaints(), IsEmpty());
}

// --- permissions

TEST_P(FakeBrokerAccess, refuses_single_filters) {
    broker.options().refused_filters = {"secret/#"};
    broker.options().authorize_subscribe = [](std::string_view client_id, const TopicSubscription& asked) {
        EXPECT_EQ(client_id, "a");
        return asked.filter == "half" ? ReasonCode::granted_qos_0 : ReasonCode::granted_qos_2;
    };
    auto a = connected("a");
    const TopicSubscription all[]{{.filter = "open", .qos = QoS::at_least_once},
                                  {.filter = "secret/#", .qos = QoS::at_least_once},
                                  {.filter = "half", .qos = QoS::exactly_once}};
    a->send(Subscribe{.packet_id = 4, .subscriptions = all});
    const std::string refused = GetParam() == Version::v5 ? "0x87 (Not authorized)" : "0x80 (Unspecified error)";
    EXPECT_THAT(a->take(),
                ElementsAre("SUBACK id=4 reason=0x01 (Granted QoS 1) reason=" + refused + " reason=0x00 (Success)"));
    EXPECT_THAT(broker.session("a")->subscriptions, SizeIs(2));
    EXPECT_THAT(broker.complaints(), IsEmpty());
}

TEST_P(FakeBrokerAccess, drops_messages_that_may_not_be_published) {
    broker.options().authorize_publish = [](std::string_view, const Publish& publish) {
        return publish.topic == "no" ? ReasonCode::not_authorized : ReasonCode::success;
    };
    auto a = connected("a");
    a->publish("no", "x", QoS::at_least_once, 1);
    a->publish("no", "x", QoS::exactly_once, 2);
    const std::string code = GetParam() == Version::v5 ? " reason=0x87 (Not authorized)" : "";
    EXPECT_THAT(a->take(), ElementsAre("PUBACK id=1" + code, "PUBREC id=2" + code));
    EXPECT_THAT(broker.messages(), IsEmpty());
    EXPECT_EQ(broker.session("a")->unreleased, 0U);
}

// --- clients that misbehave

TEST_P(FakeBrokerAccess, complains_of_packets_before_connect) { // [MQTT-3.1.0-1]
    auto a = opened();
    a->send(Pingreq{});
    EXPECT_TRUE(a->ended());
    EXPECT_THAT(a->take(), IsEmpty());
    EXPECT_THAT(broker.complaints(), ElementsAre(HasSubstr("PINGREQ before CONNECT")));
}

TEST_P(FakeBrokerAccess, complains_of_a_second_connect) { // [MQTT-3.1.0-2]
    auto a = connected("a");
    a->connect("a");
    EXPECT_TRUE(a->ended());
    EXPECT_THAT(broker.complaints(), ElementsAre(HasSubstr("CONNECT where it may not be")));
}

TEST_P(FakeBrokerAccess, complains_of_what_only_servers_send) {
    auto a = connected("a");
    a->send(Pingresp{});
    EXPECT_TRUE(a->ended());
    EXPECT_THAT(broker.complaints(), SizeIs(1));
}

TEST_P(FakeBrokerAccess, complains_of_garbage_and_says_what_it_is) {
    auto a = connected("a");
    a->send_bytes({0x36, 0x00}); // QoS 3
    EXPECT_TRUE(a->ended());
    if (GetParam() == Version::v5) {
        EXPECT_THAT(a->take(), ElementsAre("DISCONNECT reason=0x81 (Malformed Packet)"));
    }
    auto b = opened();
    b->send_bytes({0xFF, 0xFF, 0xFF, 0xFF, 0xFF});
    EXPECT_TRUE(b->ended());
    EXPECT_THAT(broker.complaints(), SizeIs(2));
    EXPECT_THAT(broker.complaints()[0], StartsWith("connection 1 (a): "));
}

TEST_P(FakeBrokerAccess, complains_of_a_connection_that_ends_inside_a_packet) {
    auto a = connected("a");
    a->send_bytes({0x30, 0x05, 0x00});
    a->close();
    EXPECT_THAT(broker.complaints(), ElementsAre(HasSubstr("inside a packet")));
}

TEST_P(FakeBrokerAccess, complains_of_filters_that_are_none) {
    auto a = connected("a");
    a->subscribe("a#");
    EXPECT_THAT(a->take(), ElementsAre(GetParam() == Version::v5 ? "SUBACK id=1 reason=0x8F (Topic Filter invalid)"
                                                                 : "SUBACK id=1 reason=0x80 (Unspecified error)"));
    EXPECT_TRUE(a->is_open());
    EXPECT_THAT(broker.complaints(), SizeIs(1));
}

TEST_P(FakeBrokerAccess, closes_above_its_maximum_packet_size) {
    broker.options().maximum_packet_size = 100;
    auto a = connected("a");
    a->publish("t", std::string(200, 'x'));
    EXPECT_TRUE(a->ended());
    if (GetParam() == Version::v5) {
        EXPECT_THAT(a->take(), ElementsAre("DISCONNECT reason=0x95 (Packet too large)"));
    }
}

} // namespace
} // namespace culex::testing
