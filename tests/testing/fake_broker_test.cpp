#include "testing/broker_fixture.hpp"

namespace culex::testing {
namespace {

using FakeBrokerTest = BrokerFixture;
INSTANTIATE_TEST_SUITE_P(Versions, FakeBrokerTest, ::testing::Values(Version::v3_1_1, Version::v5), version_name);

// --- being there

TEST_P(FakeBrokerTest, listens_where_it_is_told_and_says_where) {
    broker.listen("mqtt://broker:1884");
    EXPECT_EQ(broker.url(), "mqtt://broker:1884");
    RawClient client{runtime, broker.url(), GetParam()};
    client.connect("a");
    EXPECT_THAT(client.take(), ElementsAre(connack));
}

TEST_P(FakeBrokerTest, listens_on_a_port_of_the_systems_choosing_by_default) {
    broker.listen();
    EXPECT_THAT(broker.url(), StartsWith("mqtt://127.0.0.1:"));
    EXPECT_NE(broker.endpoint().port(), 0);
    RawClient client{runtime, broker.url(), GetParam()};
    client.connect("a");
    EXPECT_THAT(client.take(), ElementsAre(connack));
}

TEST_P(FakeBrokerTest, stops_listening_and_listens_again_at_the_same_address) {
    broker.listen();
    const std::string url = broker.url();
    broker.stop_listening();
    RawClient refused{runtime, url, GetParam()};
    ASSERT_TRUE(refused.ended());
    EXPECT_TRUE(*refused.ended() == std::errc::connection_refused);
    broker.listen();
    EXPECT_EQ(broker.url(), url);
    RawClient accepted{runtime, url, GetParam()};
    EXPECT_TRUE(accepted.is_open());
}

TEST_P(FakeBrokerTest, throws_where_it_cannot_listen) {
    EXPECT_THROW(broker.listen("ws://broker"), Error);
    EXPECT_THROW(broker.listen("no url://"), Error);
    broker.listen("mqtt://broker");
    FakeBroker other{runtime};
    EXPECT_THROW(other.listen("mqtt://broker"), Error);
}

TEST_P(FakeBrokerTest, answers_pings) {
    auto a = connected("a");
    a->send(Pingreq{});
    EXPECT_THAT(a->take(), ElementsAre("PINGRESP"));
}

TEST_P(FakeBrokerTest, takes_packets_in_pieces) {
    runtime.set_chunk_size(1);
    broker.listen("mqtt://broker");
    RawClient client{runtime, broker.url(), GetParam()};
    client.connect("a");
    client.subscribe("a/#");
    client.publish("a/b", std::string(300, 'x'));
    EXPECT_EQ(client.take().size(), 3U);
}

// --- routing

TEST_P(FakeBrokerTest, routes_messages_to_whose_filters_match) {
    auto a = connected("a");
    auto b = connected("b");
    a->subscribe("sensors/+/temperature");
    b->subscribe("sensors/#");
    EXPECT_THAT(a->take(), ElementsAre("SUBACK id=1 reason=0x00 (Success)"));
    EXPECT_THAT(b->take(), SizeIs(1));
    auto publisher = connected("p");
    publisher->publish("sensors/3/temperature", "21");
    publisher->publish("sensors/3/humidity", "40");
    publisher->publish("actors/3", "x");
    EXPECT_THAT(a->take(), ElementsAre("PUBLISH qos=0 topic=\"sensors/3/temperature\" 2 bytes: 21"));
    EXPECT_THAT(b->take(), ElementsAre("PUBLISH qos=0 topic=\"sensors/3/temperature\" 2 bytes: 21",
                                       "PUBLISH qos=0 topic=\"sensors/3/humidity\" 2 bytes: 40"));
    EXPECT_THAT(publisher->take(), IsEmpty());
}

TEST_P(FakeBrokerTest, hides_dollar_topics_from_leading_wildcards) { // [MQTT-4.7.2-1]
    auto a = connected("a");
    a->subscribe("#");
    a->subscribe("+/uptime", QoS::at_most_once, 2);
    static_cast<void>(a->take());
    broker.publish("$SYS/uptime", "1");
    EXPECT_THAT(a->take(), IsEmpty());
    a->subscribe("$SYS/#", QoS::at_most_once, 3);
    static_cast<void>(a->take());
    broker.publish("$SYS/uptime", "2");
    EXPECT_THAT(a->take(), ElementsAre("PUBLISH qos=0 topic=\"$SYS/uptime\" 1 bytes: 2"));
}

TEST_P(FakeBrokerTest, sends_one_copy_to_overlapping_subscriptions_at_their_greatest_qos) { // [MQTT-3.3.5-1]
    auto a = connected("a");
    a->subscribe("a/#", QoS::at_most_once);
    a->subscribe("a/+", QoS::at_least_once, 2);
    static_cast<void>(a->take());
    broker.publish("a/b", "x", QoS::exactly_once);
    EXPECT_THAT(a->take(), ElementsAre("PUBLISH id=1 qos=1 topic=\"a/b\" 1 bytes: x"));
}

TEST_P(FakeBrokerTest, may_send_a_copy_for_each_overlapping_subscription) {
    broker.options().copy_for_each_subscription = true;
    auto a = connected("a");
    a->subscribe("a/#");
    a->subscribe("a/+", QoS::at_most_once, 2);
    static_cast<void>(a->take());
    broker.publish("a/b", "x");
    EXPECT_THAT(a->take(), SizeIs(2));
}

TEST_P(FakeBrokerTest, replaces_a_subscription_that_is_made_again) { // [MQTT-3.8.4-3]
    auto a = connected("a");
    a->subscribe("a", QoS::at_most_once);
    a->subscribe("a", QoS::at_least_once);
    static_cast<void>(a->take());
    broker.publish("a", "x", QoS::at_least_once);
    EXPECT_THAT(a->take(), ElementsAre("PUBLISH id=1 qos=1 topic=\"a\" 1 bytes: x"));
    EXPECT_THAT(broker.session("a")->subscriptions, ElementsAre(SubscriptionInfo{"a", QoS::at_least_once}));
}

TEST_P(FakeBrokerTest, stops_sending_after_unsubscribe) {
    auto a = connected("a");
    a->subscribe("a/#");
    a->unsubscribe("a/#", 7);
    EXPECT_THAT(a->take().back(), StartsWith("UNSUBACK id=7"));
    broker.publish("a/b", "x");
    EXPECT_THAT(a->take(), IsEmpty());
    a->unsubscribe("never/had", 8); // [MQTT-3.10.4-5]
    EXPECT_THAT(a->take(), ElementsAre(StartsWith("UNSUBACK id=8")));
}

TEST_P(FakeBrokerTest, shares_messages_among_a_group_in_turn) {
    auto a = connected("a");
    auto b = connected("b");
    a->subscribe("$share/workers/jobs/+");
    b->subscribe("$share/workers/jobs/+");
    static_cast<void>(a->take());
    static_cast<void>(b->take());
    for (const char* job : {"jobs/1", "jobs/2", "jobs/3", "jobs/4"}) broker.publish(job, "do");
    EXPECT_THAT(a->take(), ElementsAre(HasSubstr("jobs/1"), HasSubstr("jobs/3")));
    EXPECT_THAT(b->take(), ElementsAre(HasSubstr("jobs/2"), HasSubstr("jobs/4")));
    b->close();
    for (const char* job : {"jobs/5", "jobs/6"}) broker.publish(job, "do");
    EXPECT_THAT(a->take(), ElementsAre(HasSubstr("jobs/5"), HasSubstr("jobs/6")));
}

TEST_P(FakeBrokerTest, shares_messages_with_those_who_are_there_while_somebody_is) {
    auto away = resumed("away", false);
    auto here = connected("here");
    for (RawClient* client : {away.get(), here.get()}) {
        client->subscribe("$share/workers/jobs", QoS::at_least_once);
        static_cast<void>(client->take());
    }
    away->close();
    broker.publish("jobs", "1", QoS::at_least_once);
    broker.publish("jobs", "2", QoS::at_least_once);
    EXPECT_THAT(here->take(), SizeIs(2));
    here->close();
    broker.publish("jobs", "3", QoS::at_least_once);
    EXPECT_EQ(broker.session("away")->queued, 1U);
}

TEST_P(FakeBrokerTest, forgets_a_group_when_its_last_member_has_left) {
    auto a = connected("a");
    auto b = connected("b");
    for (RawClient* client : {a.get(), b.get()}) {
        client->subscribe("$share/workers/jobs");
        static_cast<void>(client->take());
    }
    a->unsubscribe("$share/workers/jobs");
    broker.publish("jobs", "1");
    b->unsubscribe("$share/workers/jobs");
    broker.publish("jobs", "2");
    EXPECT_THAT(a->take(), ElementsAre(StartsWith("UNSUBACK")));
    EXPECT_THAT(b->take(), ElementsAre(HasSubstr(": 1"), StartsWith("UNSUBACK")));
    a->subscribe("$share/workers/jobs");
    broker.publish("jobs", "3");
    EXPECT_THAT(a->take(), ElementsAre(StartsWith("SUBACK"), HasSubstr(": 3")));
}

TEST_P(FakeBrokerTest, gives_a_shared_subscription_no_retained_messages) { // section 4.8.2
    broker.publish("jobs", "old", QoS::at_most_once, true);
    auto a = connected("a");
    a->subscribe("$share/workers/jobs");
    EXPECT_THAT(a->take(), ElementsAre(StartsWith("SUBACK")));
}

// --- what the test can do and see

TEST_P(FakeBrokerTest, shows_the_test_what_clients_publish) {
    std::vector<PublishedMessage> heard;
    broker.subscribe("lamp/+", [&](const PublishedMessage& message) { heard.push_back(message); });
    auto a = connected("a");
    a->publish("lamp/1", "on", QoS::at_most_once, 0, true);
    a->publish("other", "x");
    const PublishedMessage lamp{.topic = "lamp/1", .payload = "on", .retain = true, .client_id = "a"};
    EXPECT_THAT(heard, ElementsAre(lamp));
    EXPECT_THAT(broker.messages(),
                ElementsAre(lamp, PublishedMessage{.topic = "other", .payload = "x", .client_id = "a"}));
}

TEST_P(FakeBrokerTest, refuses_to_publish_or_subscribe_to_what_is_no_topic) {
    EXPECT_THROW(broker.publish("a/#", "x"), Error);
    EXPECT_THROW(broker.publish("", "x"), Error);
    EXPECT_THROW(broker.subscribe("a/#/b", [](const PublishedMessage&) {}), Error);
}

TEST_P(FakeBrokerTest, logs_and_counts_packets) {
    auto a = connected("a");
    a->subscribe("a");
    a->publish("a", "x", QoS::at_least_once, 5);
    EXPECT_EQ(broker.count(Direction::received, PacketType::publish), 1U);
    EXPECT_EQ(broker.count(Direction::sent, PacketType::publish), 1U);
    EXPECT_EQ(broker.count(Direction::sent, PacketType::pingresp), 0U);
    const auto received = broker.received(PacketType::publish);
    ASSERT_THAT(received, SizeIs(1));
    EXPECT_EQ(received[0].connection(), 1U);
    EXPECT_EQ(received[0].as<Publish>()->packet_id, 5);
    EXPECT_EQ(received[0].as<Connect>(), nullptr);
    EXPECT_EQ(received[0].text(), "PUBLISH id=5 qos=1 topic=\"a\" 1 bytes");
    EXPECT_EQ(received[0].bytes().size(), GetParam() == Version::v5 ? 9U : 8U);
    EXPECT_THAT(broker.transcript(), HasSubstr("0.000 #1 < PUBACK id=5\n"));
}

TEST_P(FakeBrokerTest, bounds_its_log) {
    broker.options().log_bytes = 2000;
    auto a = connected("a");
    for (int i = 0; i < 100; ++i) a->send(Pingreq{});
    EXPECT_LT(broker.log().size(), 20U);
    EXPECT_GT(broker.log().size(), 5U);
    EXPECT_EQ(broker.count(Direction::received, PacketType::pingreq), 100U);
    broker.options().log_bytes = 0;
    a->send(Pingreq{});
    EXPECT_THAT(broker.log(), IsEmpty());
}

TEST_P(FakeBrokerTest, bounds_the_messages_that_it_keeps) {
    broker.options().kept_messages = 3;
    for (const char* payload : {"1", "2", "3", "4"}) broker.publish("t", payload);
    EXPECT_THAT(broker.messages(), SizeIs(3));
    EXPECT_EQ(broker.messages()[0].payload, "2");
    broker.options().kept_message_bytes = 7;
    broker.publish("t", "12345");
    EXPECT_THAT(broker.messages(), SizeIs(1));
}

TEST_P(FakeBrokerTest, shows_its_connections) {
    auto a = connected("a");
    auto b = connected("b");
    ASSERT_THAT(broker.connections(), SizeIs(2));
    EXPECT_EQ(broker.connections()[1].client_id, "b");
    EXPECT_EQ(broker.connections()[1].version, GetParam());
    a->send(Disconnect{});
    EXPECT_THAT(broker.connections(), SizeIs(1));
    b->close();
    EXPECT_THAT(broker.connections(), IsEmpty());
    EXPECT_EQ(broker.accepted(), 2U);
}

// --- endings

TEST_P(FakeBrokerTest, drops_all_connections_without_a_word) {
    auto a = connected("a");
    auto b = connected("b");
    broker.drop_all_connections();
    EXPECT_THAT(a->take(), IsEmpty());
    EXPECT_THAT(b->take(), IsEmpty());
    EXPECT_FALSE(a->is_open());
    EXPECT_FALSE(b->is_open());
}

TEST_P(FakeBrokerTest, drops_one_clients_connection) {
    auto a = connected("a");
    auto b = connected("b");
    EXPECT_TRUE(broker.drop_connection("a"));
    EXPECT_FALSE(broker.drop_connection("nobody"));
    runtime.run_until_idle();
    EXPECT_FALSE(a->is_open());
    EXPECT_TRUE(b->is_open());
}

TEST_P(FakeBrokerTest, says_goodbye_when_it_is_shut_down) {
    broker.listen("mqtt://broker");
    RawClient a{runtime, broker.url(), GetParam()};
    a.connect("a");
    static_cast<void>(a.take());
    broker.shut_down();
    if (GetParam() == Version::v5) {
        EXPECT_THAT(a.take(), ElementsAre("DISCONNECT reason=0x8B (Server shutting down)"));
    } else {
        EXPECT_THAT(a.take(), IsEmpty());
    }
    EXPECT_FALSE(a.is_open());
    RawClient refused{runtime, "mqtt://broker", GetParam()};
    EXPECT_FALSE(refused.is_open());
}

TEST_P(FakeBrokerTest, closes_for_a_client_that_does_not) {
    auto a = connected("a");
    a->send(Disconnect{});
    EXPECT_TRUE(a->ended());
    a->send_bytes({0xC0, 0x00}); // ignored, and no complaint
    runtime.advance(std::chrono::seconds{10});
    EXPECT_THAT(broker.complaints(), IsEmpty());
    EXPECT_THAT(broker.connections(), IsEmpty());
}

TEST_P(FakeBrokerTest, may_be_destroyed_with_everything_under_way) {
    auto other = std::make_unique<FakeBroker>(runtime);
    other->listen("mqtt://other");
    RawClient a{runtime, "mqtt://other", GetParam()};
    a.connect("a", false);
    a.subscribe("#", QoS::exactly_once);
    other->publish("x", "1", QoS::at_least_once);
    RawClient b{runtime, "mqtt://other", GetParam()};
    other.reset();
    runtime.advance(std::chrono::hours{1});
    EXPECT_FALSE(a.is_open());
    EXPECT_FALSE(b.is_open());
}

TEST_P(FakeBrokerTest, may_be_destroyed_in_a_function_that_it_calls) {
    auto other = std::make_unique<FakeBroker>(runtime);
    const auto captured = std::make_shared<int>(1);
    const auto destroy = [&other, captured] {
        other.reset();
        EXPECT_EQ(*captured, 1); // what is running is not destroyed
    };
    other->subscribe("#", [=](const PublishedMessage&) { destroy(); });
    RawClient a{runtime, *other, GetParam()};
    a.connect("a");
    a.publish("x", "1");
    EXPECT_FALSE(other);
    EXPECT_FALSE(a.is_open());

    FakeBrokerOptions options;
    options.authenticate = [=](const Connect&) {
        destroy();
        return ReasonCode::success;
    };
    other = std::make_unique<FakeBroker>(runtime, std::move(options));
    RawClient b{runtime, *other, GetParam()};
    b.connect("b");
    EXPECT_FALSE(b.is_open());

    other = std::make_unique<FakeBroker>(runtime);
    other->options().authorize_publish = [=](std::string_view, const Publish&) {
        destroy();
        return ReasonCode::success;
    };
    RawClient c{runtime, *other, GetParam()};
    c.connect("c");
    c.subscribe("#", QoS::exactly_once);
    c.publish("x", "1", QoS::exactly_once, 1);
    EXPECT_FALSE(c.is_open());

    other = std::make_unique<FakeBroker>(runtime);
    other->options().authorize_subscribe = [=](std::string_view, const TopicSubscription&) {
        destroy();
        return ReasonCode::granted_qos_2;
    };
    RawClient d{runtime, *other, GetParam()};
    d.connect("d");
    d.subscribe("#", QoS::exactly_once);
    EXPECT_FALSE(d.is_open());
    runtime.advance(std::chrono::hours{1});
}

} // namespace
} // namespace culex::testing
