// QoS, sessions and order: chapter 4 of the standards, seen from a client.

#include "testing/broker_fixture.hpp"

namespace culex::testing {
namespace {

using FakeBrokerDelivery = BrokerFixture;
INSTANTIATE_TEST_SUITE_P(Versions, FakeBrokerDelivery, ::testing::Values(Version::v3_1_1, Version::v5), version_name);

std::string publish_line(PacketId id, int qos, std::string_view topic, std::string_view payload,
                         std::string_view flags = "") {
    return "PUBLISH id=" + std::to_string(id) + " qos=" + std::to_string(qos) + std::string(flags) + " topic=\"" +
           std::string(topic) + "\" " + std::to_string(payload.size()) + " bytes: " + std::string(payload);
}

// --- from the client

TEST_P(FakeBrokerDelivery, acknowledges_qos_1_with_puback) { // [MQTT-4.3.2-4]
    auto a = connected("a");
    a->subscribe("#", QoS::at_most_once);
    static_cast<void>(a->take());
    a->publish("t", "x", QoS::at_least_once, 77);
    EXPECT_THAT(a->take(), ::testing::UnorderedElementsAre("PUBACK id=77", "PUBLISH qos=0 topic=\"t\" 1 bytes: x"));
}

TEST_P(FakeBrokerDelivery, takes_qos_2_exactly_once) {     // [MQTT-4.3.3-10]
    broker.subscribe("#", [](const PublishedMessage&) {}); // not to no subscriber
    auto a = connected("a");
    a->subscribe("#", QoS::at_most_once);
    static_cast<void>(a->take());
    a->publish("t", "x", QoS::exactly_once, 9);
    a->send(Publish{.topic = "t", .payload = as_bytes("x"), .qos = QoS::exactly_once, .dup = true, .packet_id = 9});
    EXPECT_EQ(broker.session("a")->unreleased, 1U);
    a->send(Pubrel{.packet_id = 9});
    EXPECT_EQ(broker.session("a")->unreleased, 0U);
    EXPECT_THAT(a->take(), ::testing::UnorderedElementsAre("PUBREC id=9", "PUBREC id=9", "PUBCOMP id=9",
                                                           "PUBLISH qos=0 topic=\"t\" 1 bytes: x"));
    EXPECT_THAT(broker.messages(), SizeIs(1));
    a->publish("t", "y", QoS::exactly_once, 9); // the identifier is free again
    EXPECT_THAT(broker.messages(), SizeIs(2));
}

TEST_P(FakeBrokerDelivery, completes_a_release_that_it_does_not_know) {
    auto a = connected("a");
    a->send(Pubrel{.packet_id = 3});
    EXPECT_THAT(a->take(),
                ElementsAre(GetParam() == Version::v5 ? "PUBCOMP id=3 reason=0x92 (Packet Identifier not found)"
                                                      : "PUBCOMP id=3"));
}

TEST_P(FakeBrokerDelivery, remembers_qos_2_steps_of_the_client_across_connections) {
    auto a = resumed("a", false);
    a->publish("t", "x", QoS::exactly_once, 9);
    a->close();
    a = resumed("a", true);
    a->send(Publish{.topic = "t", .payload = as_bytes("x"), .qos = QoS::exactly_once, .dup = true, .packet_id = 9});
    a->send(Pubrel{.packet_id = 9});
    EXPECT_THAT(a->take(), ElementsAre("PUBREC id=9", "PUBCOMP id=9"));
    EXPECT_THAT(broker.messages(), SizeIs(1));
}

// --- to the client

TEST_P(FakeBrokerDelivery, delivers_at_the_lesser_of_both_qos) { // section 3.8.4
    auto a = connected("a");
    a->subscribe("0", QoS::at_most_once, 1);
    a->subscribe("1", QoS::at_least_once, 2);
    a->subscribe("2", QoS::exactly_once, 3);
    EXPECT_THAT(a->take(), ElementsAre(HasSubstr("0x00"), HasSubstr("0x01"), HasSubstr("0x02")));
    broker.publish("0", "x", QoS::exactly_once);
    broker.publish("1", "x", QoS::exactly_once);
    broker.publish("2", "x", QoS::exactly_once);
    broker.publish("2", "x", QoS::at_least_once);
    EXPECT_THAT(a->take(), ElementsAre(StartsWith("PUBLISH qos=0"), StartsWith("PUBLISH id=1 qos=1"),
                                       StartsWith("PUBLISH id=2 qos=2"), StartsWith("PUBLISH id=3 qos=1")));
}

TEST_P(FakeBrokerDelivery, grants_no_more_than_its_maximum) {
    broker.options().maximum_qos = QoS::at_least_once;
    auto a = connected("a");
    a->subscribe("t", QoS::exactly_once);
    EXPECT_THAT(a->take(), ElementsAre("SUBACK id=1 reason=0x01 (Granted QoS 1)"));
    broker.publish("t", "x", QoS::exactly_once);
    EXPECT_THAT(a->take(), ElementsAre(publish_line(1, 1, "t", "x")));
}

TEST_P(FakeBrokerDelivery, finishes_a_qos_2_message_step_by_step) {
    auto a = connected("a");
    a->subscribe("t", QoS::exactly_once);
    static_cast<void>(a->take());
    broker.publish("t", "x", QoS::exactly_once);
    EXPECT_THAT(a->take(), ElementsAre(publish_line(1, 2, "t", "x")));
    a->send(Pubrec{.packet_id = 1});
    EXPECT_THAT(a->take(), ElementsAre("PUBREL id=1"));
    EXPECT_EQ(broker.session("a")->in_flight, 1U);
    a->send(Pubcomp{.packet_id = 1});
    EXPECT_THAT(a->take(), IsEmpty());
    EXPECT_EQ(broker.session("a")->in_flight, 0U);
    EXPECT_THAT(broker.complaints(), IsEmpty());
}

TEST_P(FakeBrokerDelivery, sends_unfinished_messages_again_in_order_with_their_identifiers) { // [MQTT-4.4.0-1]
    auto a = resumed("a", false);
    a->subscribe("t", QoS::exactly_once);
    for (const char* payload : {"1", "2", "3", "4"}) broker.publish("t", payload, QoS::exactly_once);
    broker.publish("t", "5", QoS::at_least_once);
    runtime.run_until_idle();
    a->send(Pubrec{.packet_id = 2});
    a->send(Pubrec{.packet_id = 3});
    a->send(Pubcomp{.packet_id = 3});
    a->close();
    broker.publish("t", "6", QoS::at_least_once);
    broker.publish("t", "lost", QoS::at_most_once); // nobody has asked for it to be kept
    EXPECT_EQ(broker.session("a")->queued, 1U);
    a = resumed("a", true);
    EXPECT_THAT(a->take(),
                ElementsAre(publish_line(1, 2, "t", "1", " dup"), "PUBREL id=2", publish_line(4, 2, "t", "4", " dup"),
                            publish_line(5, 1, "t", "5", " dup"), publish_line(6, 1, "t", "6")));
}

TEST_P(FakeBrokerDelivery, keeps_to_its_window_and_keeps_order) {
    broker.options().max_in_flight = 2;
    auto a = connected("a");
    a->subscribe("t", QoS::at_least_once);
    static_cast<void>(a->take());
    for (const char* payload : {"1", "2", "3", "4"}) broker.publish("t", payload, QoS::at_least_once);
    broker.publish("t", "5", QoS::at_most_once);
    EXPECT_THAT(a->take(), ElementsAre(publish_line(1, 1, "t", "1"), publish_line(2, 1, "t", "2")));
    a->send(Puback{.packet_id = 2});
    EXPECT_THAT(a->take(), ElementsAre(publish_line(3, 1, "t", "3")));
    a->send(Puback{.packet_id = 1});
    EXPECT_THAT(a->take(), ElementsAre(publish_line(4, 1, "t", "4"), "PUBLISH qos=0 topic=\"t\" 1 bytes: 5"));
}

TEST_P(FakeBrokerDelivery, keeps_to_its_window_when_it_sends_again) {
    auto a = resumed("a", false);
    a->subscribe("t", QoS::at_least_once);
    for (const char* payload : {"1", "2", "3"}) broker.publish("t", payload, QoS::at_least_once);
    runtime.run_until_idle();
    a->close();
    broker.options().max_in_flight = 1;
    a = resumed("a", true);
    EXPECT_THAT(a->take(), ElementsAre(publish_line(1, 1, "t", "1", " dup")));
    a->send(Puback{.packet_id = 3}); // of before, late
    a->send(Puback{.packet_id = 1});
    EXPECT_THAT(a->take(), ElementsAre(publish_line(2, 1, "t", "2", " dup")));
    a->send(Puback{.packet_id = 2});
    EXPECT_THAT(a->take(), IsEmpty());
    EXPECT_EQ(broker.session("a")->in_flight, 0U);
}

TEST_P(FakeBrokerDelivery, never_gives_an_identifier_that_is_in_use) {
    broker.options().max_in_flight = 65'535;
    broker.options().log_bytes = 0;
    auto a = connected("a");
    a->subscribe("t", QoS::at_least_once);
    broker.publish("t", "first", QoS::at_least_once);
    static_cast<void>(a->take());
    a->mute();
    for (int id = 2; id <= 65'535;) {
        Buffer acks;
        for (int count = 0; count < 2000 && id <= 65'535; ++count, ++id) {
            broker.publish("t", "", QoS::at_least_once);
            wire::encode(acks, Puback{.packet_id = static_cast<PacketId>(id)}, GetParam()).value();
        }
        a->send_bytes(acks.bytes());
    }
    a->mute(false);
    broker.publish("t", "x", QoS::at_least_once);
    EXPECT_THAT(a->take(), ElementsAre(publish_line(2, 1, "t", "x"))); // 1 waits still
}

TEST_P(FakeBrokerDelivery, bounds_what_waits_for_a_client) {
    broker.options().max_queued = 2;
    auto a = resumed("a", false);
    a->subscribe("t", QoS::at_least_once);
    a->close();
    for (const char* payload : {"1", "2", "3"}) broker.publish("t", payload, QoS::at_least_once);
    EXPECT_EQ(broker.session("a")->queued, 2U);
    EXPECT_EQ(broker.session("a")->dropped, 1U);
    a = resumed("a", true);
    EXPECT_THAT(a->take(), ElementsAre(publish_line(1, 1, "t", "1"), publish_line(2, 1, "t", "2")));
}

TEST_P(FakeBrokerDelivery, bounds_what_a_client_does_not_read) {
    broker.options().max_backlog = 1000;
    broker.options().max_queued = 5;
    runtime.set_capacity(1000);
    broker.listen("mqtt://broker");
    RawClient a{runtime, broker.url(), GetParam()};
    a.connect("a");
    a.subscribe("t");
    static_cast<void>(a.take());
    a.stream().set_reading(false);
    const std::string payload(10'000, 'x');
    for (int i = 0; i < 100; ++i) {
        broker.publish("t", payload);
        runtime.run_until_idle();
    }
    EXPECT_EQ(broker.session("a")->queued, 5U);
    EXPECT_GT(broker.session("a")->dropped, 80U);
    a.stream().set_reading(true);
    runtime.run_until_idle();
    EXPECT_EQ(a.take().size() + broker.session("a")->dropped, 100U);
    broker.publish("t", "and on");
    EXPECT_THAT(a.take(), SizeIs(1));
}

TEST_P(FakeBrokerDelivery, calls_an_answer_that_does_not_fit_a_protocol_error) {
    auto a = connected("a");
    a->subscribe("t", QoS::exactly_once);
    static_cast<void>(a->take());
    broker.publish("t", "x", QoS::exactly_once);
    runtime.run_until_idle();
    a->send(Puback{.packet_id = 1});
    EXPECT_TRUE(a->ended());
    EXPECT_THAT(broker.complaints(), ElementsAre(HasSubstr("PUBACK id=1 does not fit")));

    auto b = connected("b");
    b->subscribe("u", QoS::at_least_once);
    static_cast<void>(b->take());
    broker.publish("u", "x", QoS::at_least_once);
    runtime.run_until_idle();
    b->send(Pubrec{.packet_id = 1});
    EXPECT_TRUE(b->ended());
    EXPECT_THAT(broker.complaints().back(), HasSubstr("PUBREC id=1 does not fit"));
}

// --- sessions

TEST_P(FakeBrokerDelivery, keeps_a_session_that_was_asked_for) {
    auto a = resumed("a", false);
    a->subscribe("t", QoS::at_least_once);
    a->send(Disconnect{});
    EXPECT_FALSE(broker.session("a")->connected);
    broker.publish("t", "x", QoS::at_least_once);
    a = resumed("a", true);
    EXPECT_THAT(a->take(), ElementsAre(publish_line(1, 1, "t", "x")));
}

TEST_P(FakeBrokerDelivery, ends_a_clean_session_with_its_connection) { // [MQTT-3.1.2-6]
    auto a = connected("a");
    a->subscribe("t", QoS::at_least_once);
    a->close();
    EXPECT_FALSE(broker.session("a"));
    EXPECT_THAT(resumed("a", false)->take(), IsEmpty());
}

TEST_P(FakeBrokerDelivery, forgets_the_old_session_for_a_clean_one) {
    auto a = resumed("a", false);
    a->subscribe("t", QoS::at_least_once);
    a->close();
    a = connected("a");
    broker.publish("t", "x", QoS::at_least_once);
    EXPECT_THAT(a->take(), IsEmpty());
}

TEST_P(FakeBrokerDelivery, forgets_sessions_when_it_is_told_to) {
    auto a = resumed("a", false);
    auto b = resumed("b", false);
    a->close();
    broker.forget_sessions();
    EXPECT_FALSE(broker.session("a"));
    EXPECT_TRUE(broker.session("b"));
    EXPECT_THAT(resumed("a", false)->take(), IsEmpty());
}

TEST_P(FakeBrokerDelivery, keeps_sessions_over_a_restart) {
    broker.listen("mqtt://broker");
    auto a = resumed("a", false);
    a->subscribe("t", QoS::at_least_once);
    broker.shut_down();
    runtime.run_until_idle();
    broker.publish("t", "x", QoS::at_least_once);
    broker.listen();
    a = resumed("a", true);
    EXPECT_THAT(a->take(), ElementsAre(publish_line(1, 1, "t", "x")));
}

TEST_P(FakeBrokerDelivery, throws_out_the_old_connection_of_a_client_id) { // [MQTT-3.1.4-2]
    auto first = resumed("a", false);
    first->subscribe("t", QoS::at_least_once);
    static_cast<void>(first->take());
    auto second = resumed("a", true);
    EXPECT_FALSE(first->is_open());
    if (GetParam() == Version::v5) {
        EXPECT_THAT(first->take(), ElementsAre("DISCONNECT reason=0x8E (Session taken over)"));
    }
    broker.publish("t", "x", QoS::at_least_once);
    EXPECT_THAT(second->take(), ElementsAre(publish_line(1, 1, "t", "x")));
    EXPECT_THAT(broker.connections(), SizeIs(1));
    EXPECT_THAT(broker.complaints(), IsEmpty());
}

// --- retained messages

TEST_P(FakeBrokerDelivery, gives_retained_messages_to_new_subscriptions) { // [MQTT-3.3.1-8]
    auto p = connected("p");
    p->publish("t/1", "old", QoS::at_most_once, 0, true);
    p->publish("t/1", "new", QoS::at_least_once, 1, true);
    p->publish("t/2", "x", QoS::at_most_once, 0, true);
    p->publish("u", "x", QoS::at_most_once, 0, true);
    auto a = connected("a");
    a->subscribe("t/+", QoS::exactly_once);
    EXPECT_THAT(a->take(), ElementsAre(StartsWith("SUBACK"), publish_line(1, 1, "t/1", "new", " retain"),
                                       "PUBLISH qos=0 retain topic=\"t/2\" 1 bytes: x"));
    a->subscribe("t/+", QoS::at_most_once); // again: they come again (3.1.1; 5 unless told otherwise)
    EXPECT_THAT(a->take(), SizeIs(3));
    EXPECT_THAT(broker.retained_messages(), SizeIs(3));
}

TEST_P(FakeBrokerDelivery, sends_a_retained_message_as_a_plain_one_to_whoever_is_there) { // [MQTT-3.3.1-9]
    auto a = connected("a");
    a->subscribe("t");
    static_cast<void>(a->take());
    broker.publish("t", "x", QoS::at_most_once, true);
    EXPECT_THAT(a->take(), ElementsAre("PUBLISH qos=0 topic=\"t\" 1 bytes: x"));
}

TEST_P(FakeBrokerDelivery, forgets_a_retained_message_for_an_empty_one) { // [MQTT-3.3.1-10]
    broker.publish("t", "x", QoS::at_most_once, true);
    auto a = connected("a");
    a->publish("t", "", QoS::at_most_once, 0, true);
    a->subscribe("t");
    EXPECT_THAT(a->take(), ElementsAre(StartsWith("SUBACK")));
    broker.publish("t", "x", QoS::at_most_once, true);
    broker.forget_retained_messages();
    EXPECT_THAT(broker.retained_messages(), IsEmpty());
}

} // namespace
} // namespace culex::testing
