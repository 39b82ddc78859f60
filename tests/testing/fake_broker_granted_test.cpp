// Every capability of a server of MQTT 5 as a switch, and the refusal that each one provokes.

#include "testing/broker_fixture.hpp"

namespace culex::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::Not;

constexpr QoS q0 = QoS::at_most_once;
constexpr QoS q1 = QoS::at_least_once;
constexpr QoS q2 = QoS::exactly_once;

class FakeBrokerGranted : public ::testing::Test {
protected:
    [[nodiscard]] std::unique_ptr<RawClient> connected(const Connect& connect = {.client_id = "a"}) {
        auto client = std::make_unique<RawClient>(runtime, broker, Version::v5);
        client->send(connect);
        EXPECT_THAT(client->pop(), StartsWith(connack));
        return client;
    }
    /// What CONNACK says to a client that is refused, and that the connection ends.
    [[nodiscard]] std::string refusal_of(const Connect& connect) {
        RawClient client{runtime, broker, Version::v5};
        client.send(connect);
        runtime.run_until_idle();
        EXPECT_TRUE(client.ended());
        return client.pop();
    }
    static void expect_goodbye(RawClient& client, std::string_view code) {
        EXPECT_THAT(client.take(), ElementsAre(StartsWith(std::string("DISCONNECT reason=") + std::string(code))));
        EXPECT_TRUE(client.ended());
    }
    static void subscribe(RawClient& client, std::string_view filter, const SubscribeProperties& properties = {}) {
        const TopicSubscription one[]{{.filter = filter, .qos = q2}};
        client.send(Subscribe{.packet_id = 1, .subscriptions = one, .properties = properties});
    }
    ConnackProperties& told() { return broker.options().connack; }

    VirtualRuntime runtime;
    FakeBroker broker{runtime};
};

TEST_F(FakeBrokerGranted, takes_no_message_above_its_maximum_qos) { // [MQTT-3.2.2-9], [MQTT-3.2.2-11], [MQTT-3.2.2-12]
    told().maximum_qos = 1;
    auto a = connected();
    a->publish("t", "x", q1, 1);
    EXPECT_THAT(a->take(), ElementsAre(StartsWith("PUBACK id=1")));
    subscribe(*a, "t");
    EXPECT_THAT(a->pop(), HasSubstr("0x01"));
    a->publish("t", "x", q2, 2);
    expect_goodbye(*a, "0x9B");
    EXPECT_THAT(broker.complaints(), ElementsAre(HasSubstr("QoS is above the granted one")));
    EXPECT_THAT(broker.messages(), SizeIs(1));
    EXPECT_THAT(refusal_of({.client_id = "b", .will = Will{.topic = "w", .qos = q2}}), HasSubstr("0x9B"));
    static_cast<void>(connected({.client_id = "b", .will = Will{.topic = "w", .qos = q1}}));
}

TEST_F(FakeBrokerGranted, retains_nothing_where_that_is_not_available) { // [MQTT-3.2.2-13], [MQTT-3.2.2-14]
    told().retain_available = 0;
    auto a = connected();
    a->publish("t", "x", q0, 0, true);
    expect_goodbye(*a, "0x9A");
    EXPECT_THAT(broker.retained_messages(), IsEmpty());
    EXPECT_THAT(refusal_of({.client_id = "b", .will = Will{.topic = "w", .retain = true}}), HasSubstr("0x9A"));
}

TEST_F(FakeBrokerGranted, takes_no_packet_above_its_maximum_packet_size) { // [MQTT-3.2.2-15]
    told().maximum_packet_size = 20;
    auto a = connected();
    a->publish("t", std::string(14, 'x')); // 2 + 3 + 1 + 14 bytes
    EXPECT_THAT(broker.messages(), SizeIs(1));
    a->publish("t", std::string(15, 'x'));
    expect_goodbye(*a, "0x95");
    EXPECT_THAT(broker.messages(), SizeIs(1));
    told().maximum_packet_size.reset();
    connected()->publish("t", std::string(100, 'x'));
    EXPECT_THAT(broker.messages(), SizeIs(2));
}

TEST_F(FakeBrokerGranted, holds_a_client_to_its_receive_maximum) { // [MQTT-3.3.4-7]
    told().receive_maximum = 2;
    broker.options().hold_acknowledgements = true;
    auto a = connected();
    a->publish("t", "1", q1, 1);
    a->publish("t", "2", q2, 2);
    a->publish("t", "0", q0);
    EXPECT_THAT(a->take(), IsEmpty());
    a->send(Publish{.topic = "t", .qos = q2, .dup = true, .packet_id = 2}); // takes no place
    broker.release_acknowledgements(1);
    EXPECT_THAT(a->take(), ElementsAre(StartsWith("PUBACK id=1")));
    a->publish("t", "3", q1, 3);
    EXPECT_TRUE(a->is_open());
    a->publish("t", "4", q1, 4);
    expect_goodbye(*a, "0x93");
    EXPECT_THAT(broker.messages(), SizeIs(4));
}

TEST_F(FakeBrokerGranted, counts_a_qos_2_message_until_pubcomp_and_a_refused_one_no_more) {
    told().receive_maximum = 1;
    auto a = connected();
    a->publish("t", "1", q2, 1);
    a->send(Pubrel{.packet_id = 1});
    broker.options().refuse_publish = ReasonCode::quota_exceeded;
    a->publish("t", "2", q2, 2);
    a->publish("t", "3", q1, 3);
    broker.options().refuse_publish.reset();
    a->publish("t", "4", q2, 4);
    EXPECT_TRUE(a->is_open());
    a->publish("t", "5", q2, 5);
    EXPECT_THAT(a->take().back(), StartsWith("DISCONNECT reason=0x93"));
}

class FakeBrokerHolds : public BrokerFixture {};
INSTANTIATE_TEST_SUITE_P(Versions, FakeBrokerHolds, ::testing::Values(Version::v3_1_1, Version::v5), version_name);

TEST_P(FakeBrokerHolds, acknowledgements_back_and_keeps_their_order) {
    broker.options().hold_acknowledgements = true;
    auto a = connected("a");
    a->publish("t", "1", q1, 1);
    a->publish("t", "2", q2, 2);
    a->publish("t", "3", q1, 3);
    EXPECT_THAT(a->take(), IsEmpty());
    EXPECT_THAT(broker.messages(), SizeIs(3)); // they are taken
    broker.release_acknowledgements(2);
    EXPECT_THAT(a->take(), ElementsAre(StartsWith("PUBACK id=1"), StartsWith("PUBREC id=2")));
    broker.options().hold_acknowledgements = false;
    a->publish("t", "4", q1, 4);
    EXPECT_THAT(a->take(), ElementsAre(StartsWith("PUBACK id=3"), StartsWith("PUBACK id=4")));
}

TEST_F(FakeBrokerGranted, refuses_subscriptions_that_it_does_not_have) { // sections 3.2.2.3.11 to 3.2.2.3.13
    told().wildcard_subscription_available = 0;
    told().subscription_identifier_available = 0;
    told().shared_subscription_available = 0;
    auto a = connected();
    const TopicSubscription four[]{{.filter = "a/+"}, {.filter = "#"}, {.filter = "$share/g/t"}, {.filter = "t"}};
    a->send(Subscribe{.packet_id = 1, .subscriptions = four});
    EXPECT_THAT(a->pop(), ::testing::ContainsRegex("0xA2.*0xA2.*0x9E.*0x00"));
    subscribe(*a, "t", {.subscription_identifier = 5});
    EXPECT_THAT(a->pop(), HasSubstr("0xA1"));
    EXPECT_THAT(broker.session("a")->subscriptions, SizeIs(1));
}

TEST_F(FakeBrokerGranted, takes_no_topic_alias_that_it_has_not_granted) { // [MQTT-3.2.2-17], [MQTT-3.2.2-18]
    auto a = connected();
    a->send(Publish{.topic = "t", .properties = {.topic_alias = 1}});
    expect_goodbye(*a, "0x94");
}

TEST_F(FakeBrokerGranted, uses_the_topic_aliases_of_the_client) { // [MQTT-3.1.2-26], [MQTT-3.1.2-27]
    broker.options().use_topic_aliases = true;
    auto a = connected({.client_id = "a", .properties = {.topic_alias_maximum = 2}});
    auto b = connected({.client_id = "b"});
    for (RawClient* client : {a.get(), b.get()}) {
        subscribe(*client, "#");
        EXPECT_THAT(client->pop(), StartsWith("SUBACK"));
    }
    for (const char* topic : {"one", "two", "one", "three", "two", "three"}) broker.publish(topic, "x", q1);
    const Lines lines = a->take();
    ASSERT_THAT(lines, SizeIs(6));
    EXPECT_THAT(lines[0], ::testing::AllOf(HasSubstr("topic=\"one\""), HasSubstr("topic_alias=1")));
    EXPECT_THAT(lines[1], ::testing::AllOf(HasSubstr("topic=\"two\""), HasSubstr("topic_alias=2")));
    EXPECT_THAT(lines[2], ::testing::AllOf(HasSubstr("topic=\"\""), HasSubstr("topic_alias=1")));
    EXPECT_THAT(lines[3], ::testing::AllOf(HasSubstr("topic=\"three\""), Not(HasSubstr("topic_alias"))));
    EXPECT_THAT(lines[4], ::testing::AllOf(HasSubstr("topic=\"\""), HasSubstr("topic_alias=2")));
    EXPECT_THAT(lines[5], ::testing::AllOf(HasSubstr("topic=\"three\""), Not(HasSubstr("topic_alias"))));
    for (const std::string& line : b->take()) EXPECT_THAT(line, Not(HasSubstr("topic_alias")));
}

TEST_F(FakeBrokerGranted, assigns_the_client_id_that_it_is_told_to) { // [MQTT-3.2.2-16]
    told().assigned_client_identifier = "from-the-test";
    RawClient a{runtime, broker, Version::v5};
    a.send(Connect{});
    EXPECT_THAT(a.pop(), HasSubstr("assigned_client_identifier=\"from-the-test\""));
    EXPECT_TRUE(broker.session("from-the-test"));
}

TEST_F(FakeBrokerGranted, tells_response_information_to_who_asks) { // [MQTT-3.1.2-28]
    told().response_information = "answers/7";
    RawClient a{runtime, broker, Version::v5};
    a.send(Connect{.client_id = "a"});
    EXPECT_THAT(a.pop(), Not(HasSubstr("response_information")));
    RawClient b{runtime, broker, Version::v5};
    b.send(Connect{.client_id = "b", .properties = {.request_response_information = 1}});
    EXPECT_THAT(b.pop(), HasSubstr("response_information=\"answers/7\""));
}

TEST_F(FakeBrokerGranted, overrides_the_session_expiry) { // section 3.2.2.3.2
    told().session_expiry_interval = 10;
    connected({.client_id = "a", .properties = {.session_expiry_interval = 1000}})->close();
    runtime.advance(9s);
    EXPECT_TRUE(broker.session("a"));
    runtime.advance(2s);
    EXPECT_FALSE(broker.session("a"));
}

TEST_F(FakeBrokerGranted, sends_clients_to_another_server) { // section 4.11
    told().server_reference = "other:1883";
    EXPECT_THAT(broker.complaints(), IsEmpty());
    auto a = connected();
    for (const ReasonCode code : {ReasonCode::use_another_server, ReasonCode::server_moved}) {
        broker.options().refuse_connect = code;
        EXPECT_THAT(refusal_of({.client_id = "b"}), HasSubstr("server_reference=\"other:1883\""));
    }
    broker.options().refuse_connect = ReasonCode::server_busy;
    EXPECT_THAT(refusal_of({.client_id = "b"}), Not(HasSubstr("server_reference")));
    const Disconnect away{.reason_code = ReasonCode::server_moved, .properties = {.server_reference = "there"}};
    EXPECT_FALSE(broker.disconnect("nobody", away));
    EXPECT_TRUE(broker.disconnect("a", away));
    EXPECT_THAT(a->take(), ElementsAre(::testing::AllOf(StartsWith("DISCONNECT reason=0x9D"),
                                                        HasSubstr("server_reference=\"there\""))));
    EXPECT_TRUE(a->ended());
}

TEST_F(FakeBrokerGranted, says_in_disconnect_only_what_a_broker_may) {
    auto a = connected();
    const Disconnect wrong[]{{.reason_code = ReasonCode::disconnect_with_will},
                             {.reason_code = ReasonCode::packet_identifier_in_use},
                             {.properties = {.session_expiry_interval = 1}}};
    for (const Disconnect& packet : wrong) EXPECT_THROW(broker.disconnect("a", packet), Error);
    EXPECT_TRUE(a->is_open());
}

TEST_F(FakeBrokerGranted, explains_every_acknowledgement_to_who_listens) { // [MQTT-3.1.2-29]
    broker.options().explanation.reason_string = "because";
    const auto all_lines = [&](const Connect& connect) {
        auto a = connected(connect);
        subscribe(*a, "t");
        a->publish("t", "x", q2, 1);
        a->send(Pubrel{.packet_id = 1});
        a->send(Pubrec{.packet_id = 1});
        a->publish("u", "x", q1, 2);
        a->unsubscribe("t", 3);
        Lines lines = a->take();
        std::erase_if(lines, [](const std::string& line) { return line.starts_with("PUBLISH"); });
        EXPECT_THAT(lines, SizeIs(6));
        return lines;
    };
    for (const std::string& line : all_lines({.client_id = "a"})) {
        EXPECT_THAT(line, HasSubstr("reason_string=\"because\""));
    }
    for (const std::string& line : all_lines({.client_id = "b", .properties = {.request_problem_information = 0}})) {
        EXPECT_THAT(line, Not(HasSubstr("reason_string")));
    }
    auto a = connected();
    broker.shut_down();
    EXPECT_THAT(a->take(), ElementsAre(HasSubstr("reason_string=\"because\"")));
}

TEST_F(FakeBrokerGranted, refuses_by_code) {
    auto a = connected();
    FakeBrokerOptions& options = broker.options();
    options.refuse_publish = ReasonCode::topic_name_invalid;
    options.refuse_subscribe = ReasonCode::quota_exceeded;
    options.refuse_unsubscribe = ReasonCode::not_authorized;
    a->publish("t", "x", q0);
    a->publish("t", "x", q1, 1);
    a->publish("t", "x", q2, 2);
    subscribe(*a, "t");
    a->unsubscribe("t", 3);
    EXPECT_THAT(a->take(), ElementsAre(StartsWith("PUBACK id=1 reason=0x90"), StartsWith("PUBREC id=2 reason=0x90"),
                                       HasSubstr("0x97"), HasSubstr("0x87")));
    EXPECT_THAT(broker.messages(), IsEmpty());
    options.refuse_publish = ReasonCode::server_moved; // PUBACK has no such code
    a->publish("t", "x", q1, 4);
    EXPECT_THAT(a->take(), ElementsAre(StartsWith("PUBACK id=4 reason=0x80")));
}

} // namespace
} // namespace culex::testing
