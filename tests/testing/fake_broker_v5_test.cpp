// What MQTT 5 adds, as far as the fake broker goes.

#include "testing/broker_fixture.hpp"

namespace culex::testing {
namespace {

using namespace std::chrono_literals;

class FakeBrokerV5 : public ::testing::Test {
protected:
    [[nodiscard]] std::unique_ptr<RawClient> connected(const Connect& connect) {
        auto client = std::make_unique<RawClient>(runtime, broker, Version::v5);
        client->send(connect);
        EXPECT_THAT(client->pop(), StartsWith(connack));
        return client;
    }
    static void subscribe(RawClient& client, const TopicSubscription& subscription,
                          const SubscribeProperties& properties = {}) {
        client.send(Subscribe{.packet_id = 1, .subscriptions = {&subscription, 1}, .properties = properties});
        EXPECT_THAT(client.pop(), StartsWith("SUBACK"));
    }

    VirtualRuntime runtime;
    FakeBroker broker{runtime};
};

TEST_F(FakeBrokerV5, carries_the_properties_of_a_message) { // [MQTT-3.3.2-17] and its like
    auto a = connected({.client_id = "a"});
    auto old = std::make_unique<RawClient>(runtime, broker, Version::v3_1_1);
    old->connect("old");
    old->subscribe("t");
    static_cast<void>(old->take());
    subscribe(*a, {.filter = "t"});
    const UserProperty user[]{{"k", "1"}, {"k", "2"}};
    a->send(Publish{.topic = "t",
                    .payload = as_bytes("x"),
                    .properties = {.payload_format_indicator = 1,
                                   .response_topic = "r",
                                   .correlation_data = as_bytes("id"),
                                   .content_type = "text",
                                   .user_properties = user}});
    const Lines lines = a->take();
    ASSERT_THAT(lines, SizeIs(1));
    for (const char* part : {"payload_format_indicator=1", "response_topic=\"r\"", "correlation_data=(2 bytes)",
                             "content_type=\"text\"", "\"k\":\"1\"", "\"k\":\"2\""}) {
        EXPECT_THAT(lines[0], HasSubstr(part));
    }
    EXPECT_THAT(old->take(), ElementsAre("PUBLISH qos=0 topic=\"t\" 1 bytes: x"));
}

TEST_F(FakeBrokerV5, lets_messages_expire_and_says_what_is_left) { // [MQTT-3.3.2-5], [MQTT-3.3.2-6]
    auto a = connected({.client_id = "a", .clean_start = false, .properties = {.session_expiry_interval = 3600}});
    subscribe(*a, {.filter = "#", .qos = QoS::at_least_once});
    a->close();
    for (const std::uint32_t seconds : {10U, 30U}) {
        broker.publish({.topic = "t",
                        .qos = QoS::at_least_once,
                        .retain = true,
                        .properties = {.message_expiry_interval = seconds}});
    }
    runtime.advance(20s);
    a = connected({.client_id = "a", .clean_start = false, .properties = {.session_expiry_interval = 3600}});
    EXPECT_THAT(a->take(), ElementsAre(HasSubstr("message_expiry_interval=10")));
    runtime.advance(20s);
    subscribe(*a, {.filter = "t"});
    EXPECT_THAT(a->take(), IsEmpty()); // the retained one has expired, too
}

TEST_F(FakeBrokerV5, names_the_subscriptions_that_a_message_matched) { // [MQTT-3.3.4-3], [MQTT-3.3.4-4]
    auto a = connected({.client_id = "a"});
    subscribe(*a, {.filter = "a/#"}, {.subscription_identifier = 7});
    subscribe(*a, {.filter = "a/+"}, {.subscription_identifier = 300});
    broker.publish("a/b", "");
    const Lines lines = a->take();
    ASSERT_THAT(lines, SizeIs(1));
    EXPECT_THAT(lines[0], HasSubstr("=7"));
    EXPECT_THAT(lines[0], HasSubstr("=300"));
}

TEST_F(FakeBrokerV5, sends_nobody_his_own_messages_who_does_not_want_them) { // [MQTT-3.8.3-3]
    auto a = connected({.client_id = "a"});
    auto b = connected({.client_id = "b"});
    subscribe(*a, {.filter = "t", .no_local = true});
    a->publish("t", "own");
    EXPECT_THAT(a->take(), IsEmpty());
    b->publish("t", "other");
    EXPECT_THAT(a->take(), SizeIs(1));
}

TEST_F(FakeBrokerV5, keeps_the_retain_flag_for_whoever_asks) { // [MQTT-3.3.1-12], [MQTT-3.3.1-13]
    auto a = connected({.client_id = "a"});
    subscribe(*a, {.filter = "t", .retain_as_published = true});
    broker.publish("t", "x", QoS::at_most_once, true);
    broker.publish("t", "x", QoS::at_most_once, false);
    EXPECT_THAT(a->take(), ElementsAre(StartsWith("PUBLISH qos=0 retain"), StartsWith("PUBLISH qos=0 topic")));
}

TEST_F(FakeBrokerV5, handles_retained_messages_as_the_subscription_says) { // [MQTT-3.3.1-9] to [MQTT-3.3.1-11]
    broker.publish("t", "x", QoS::at_most_once, true);
    auto a = connected({.client_id = "a"});
    subscribe(*a, {.filter = "t", .retain_handling = RetainHandling::do_not_send});
    EXPECT_THAT(a->take(), IsEmpty());
    subscribe(*a, {.filter = "t", .retain_handling = RetainHandling::send_if_new});
    EXPECT_THAT(a->take(), IsEmpty());
    subscribe(*a, {.filter = "+", .retain_handling = RetainHandling::send_if_new});
    EXPECT_THAT(a->take(), SizeIs(1));
    subscribe(*a, {.filter = "t"});
    EXPECT_THAT(a->take(), SizeIs(1));
}

TEST_F(FakeBrokerV5, keeps_sessions_for_their_interval) { // [MQTT-3.1.2-23]
    Connect connect{.client_id = "a", .clean_start = false, .properties = {.session_expiry_interval = 60}};
    connected(connect)->close();
    runtime.advance(59s);
    EXPECT_TRUE(broker.session("a"));
    auto a = connected(connect);
    a->close();
    runtime.advance(61s);
    EXPECT_FALSE(broker.session("a"));
    a = connected(connect);
    a->send(Disconnect{.properties = {.session_expiry_interval = 0}});
    EXPECT_FALSE(broker.session("a"));
    connect.properties = {};
    a = connected(connect);
    a->send(Disconnect{.properties = {.session_expiry_interval = 9}}); // section 3.14.2.2.2
    EXPECT_THAT(a->take(), ElementsAre("DISCONNECT reason=0x82 (Protocol Error)"));
}

TEST_F(FakeBrokerV5, delays_wills) { // [MQTT-3.1.3-9]
    Will will{.topic = "w", .payload = as_bytes("gone")};
    will.properties.will_delay_interval = 30;
    Connect connect{
        .client_id = "a", .clean_start = false, .will = will, .properties = {.session_expiry_interval = 100}};
    connected(connect)->close();
    runtime.advance(29s);
    EXPECT_THAT(broker.messages(), IsEmpty());
    auto a = connected(connect); // back in time
    runtime.advance(100s);
    EXPECT_THAT(broker.messages(), IsEmpty());
    a->close();
    runtime.advance(31s);
    EXPECT_THAT(broker.messages(), SizeIs(1));
    connect.properties.session_expiry_interval = 10; // the session's end comes first
    connected(connect)->close();
    runtime.advance(11s);
    EXPECT_THAT(broker.messages(), SizeIs(2));
}

TEST_F(FakeBrokerV5, publishes_the_will_where_disconnect_asks_for_it) { // [MQTT-3.14.4-3]
    auto a = connected({.client_id = "a", .will = Will{.topic = "w"}});
    a->send(Disconnect{.reason_code = ReasonCode::disconnect_with_will});
    EXPECT_THAT(broker.messages(), SizeIs(1));
}

TEST_F(FakeBrokerV5, resolves_the_topic_aliases_that_it_has_granted) { // [MQTT-3.3.2-12]
    broker.options().connack.topic_alias_maximum = 2;
    auto a = connected({.client_id = "a"});
    a->send(Publish{.topic = "long/topic", .properties = {.topic_alias = 2}});
    a->send(Publish{.topic = "", .properties = {.topic_alias = 2}});
    EXPECT_THAT(broker.messages(), SizeIs(2));
    EXPECT_EQ(broker.messages()[1].topic, "long/topic");
    a->send(Publish{.topic = "x", .properties = {.topic_alias = 3}});
    EXPECT_THAT(a->take(), ElementsAre("DISCONNECT reason=0x94 (Topic Alias invalid)"));
    auto b = connected({.client_id = "b"});
    b->send(Publish{.topic = "", .properties = {.topic_alias = 2}}); // aliases end with their connection
    EXPECT_THAT(b->take(), ElementsAre("DISCONNECT reason=0x82 (Protocol Error)"));
}

TEST_F(FakeBrokerV5, keeps_to_the_clients_receive_maximum) { // [MQTT-3.3.4-9]
    auto a = connected({.client_id = "a", .properties = {.receive_maximum = 2}});
    subscribe(*a, {.filter = "#", .qos = QoS::at_least_once});
    for (int i = 0; i < 3; ++i) broker.publish("t", "x", QoS::at_least_once);
    EXPECT_THAT(a->take(), SizeIs(2));
    a->send(Puback{.packet_id = 1});
    EXPECT_THAT(a->take(), SizeIs(1));
}

TEST_F(FakeBrokerV5, drops_messages_that_the_client_is_too_small_for) { // [MQTT-3.1.2-24], [MQTT-3.1.2-25]
    auto a = connected({.client_id = "a", .properties = {.maximum_packet_size = 50}});
    subscribe(*a, {.filter = "#", .qos = QoS::at_least_once});
    broker.publish("t", std::string(100, 'x'), QoS::at_least_once);
    broker.publish("t", "small", QoS::at_least_once);
    EXPECT_THAT(a->take(), ElementsAre(HasSubstr("small")));
    EXPECT_EQ(broker.session("a")->in_flight, 1U);
}

TEST_F(FakeBrokerV5, ends_a_delivery_that_a_later_connection_is_too_small_for) { // [MQTT-3.1.2-25]
    Connect connect{.client_id = "a", .clean_start = false, .properties = {.session_expiry_interval = 3600}};
    auto a = connected(connect);
    subscribe(*a, {.filter = "#", .qos = QoS::at_least_once});
    broker.publish("t", std::string(100, 'x'), QoS::at_least_once);
    broker.publish("t", "small", QoS::at_least_once);
    EXPECT_THAT(a->take(), SizeIs(2));
    a->close();
    connect.properties.maximum_packet_size = 50;
    a = connected(connect);
    EXPECT_THAT(a->take(), ElementsAre(HasSubstr("small")));
    EXPECT_EQ(broker.session("a")->in_flight, 1U);
}

TEST_F(FakeBrokerV5, ends_a_delivery_that_the_client_refuses) { // section 4.3.3
    auto a = connected({.client_id = "a"});
    subscribe(*a, {.filter = "#", .qos = QoS::exactly_once});
    broker.publish("t", "x", QoS::exactly_once);
    runtime.run_until_idle();
    a->send(Pubrec{.packet_id = 1, .reason_code = ReasonCode::quota_exceeded});
    EXPECT_EQ(broker.session("a")->in_flight, 0U);
    a->send(Pubrec{.packet_id = 9});
    EXPECT_THAT(a->take().back(), StartsWith("PUBREL id=9 reason=0x92"));
}

TEST_F(FakeBrokerV5, says_what_it_was_told_to_say_in_connack) {
    broker.options().connack.server_keep_alive = 5;
    broker.options().connack.reason_string = "welcome";
    RawClient a{runtime, broker, Version::v5};
    a.send(Connect{.client_id = "", .keep_alive = 1000});
    const std::string line = a.pop();
    EXPECT_THAT(line, HasSubstr("server_keep_alive=5"));
    EXPECT_THAT(line, HasSubstr("reason_string=\"welcome\""));
    EXPECT_THAT(line, HasSubstr("assigned_client_identifier=\"auto-1\""));
    runtime.advance(8s); // and it keeps to it
    EXPECT_TRUE(a.ended());
}

TEST_F(FakeBrokerV5, says_that_nobody_was_there) {
    auto a = connected({.client_id = "a"});
    a->publish("t", "x", QoS::at_least_once, 1);
    a->unsubscribe("t", 2);
    EXPECT_THAT(a->take(), ElementsAre("PUBACK id=1 reason=0x10 (No matching subscribers)",
                                       "UNSUBACK id=2 reason=0x11 (No subscription existed)"));
}

} // namespace
} // namespace culex::testing
