// Rules 2 to 5: what is dispatched, when, and to which callback.
#include <atomic>

#include "facade/facade_test.hpp"

namespace culex::facade {
namespace {

class Dispatch : public FacadeTest {};
CULEX_BOTH_VERSIONS(Dispatch);

TEST_P(Dispatch, rule_02_what_arrives_before_loop_waits_for_it_and_comes_in_order) {
    Box<std::string> said;
    Client client{"c", true, settings()};
    connect(client);
    client.subscribe({{"a", 2}});
    subscribed.take();
    std::vector<std::string> expected;
    for (int i = 0; i < 300; ++i) {
        expected.push_back(std::to_string(i));
        publish("a", expected.back(), static_cast<QoS>(i % 2)); // QoS 2 messages come with PUBREL, and later
    }
    client.on(SUBACK, [&](Client&, const CallbackData&) { said.put("granted"); });
    client.on(PUBLISH, [&](Client&, const CallbackData& data) { said.put(std::string(data.message->text())); });
    client.loop();
    EXPECT_EQ("granted", said.take());
    EXPECT_EQ(expected, said.take(expected.size()));
}

TEST_P(Dispatch, rule_02_beyond_the_bound_the_client_stops_reading_and_loses_nothing) {
    broker.call([](FakeBroker& b) { b.options().max_queued = 100'000; });
    ClientSettings small = settings();
    small.inbound = {.soft_bytes = 16 << 10, .hard_bytes = 16 << 10};
    Gate finished;
    std::atomic<int> next = 0;
    Client client{"c", true, small};
    connect(client);
    client.subscribe({{"a", 0}});
    subscribed.take();
    const std::string payload(4096, 'x');
    constexpr int count = 3000; // 12 MB: more than sockets hold
    broker.call([&](FakeBroker& b) {
        for (int i = 0; i < count; ++i) b.publish("a", payload + std::to_string(i));
    });
    client.loop([&](Client&, const CallbackData& data) {
        EXPECT_EQ(payload + std::to_string(next), data.message->text());
        if (++next == count) finished.open();
    });
    EXPECT_TRUE(finished.wait()) << next;
    EXPECT_EQ(0u, client.dropped());
}

TEST_P(Dispatch, rule_02_the_connection_stays_alive_meanwhile) {
    Gate pinged;
    script(Script{}
               .expect(PacketType::connect)
               .acknowledge()
               .expect(PacketType::pingreq)
               .run([&] { pinged.open(); })
               .acknowledge()
               .pass_to_broker());
    Client client{"c", true, settings()};
    client.connect("127.0.0.1", 1, broker.port());
    EXPECT_TRUE(pinged.wait());
    client.publish("a", "alive", 1);
    EXPECT_EQ("alive", published.take().payload);
    EXPECT_EQ(1u, received(PacketType::connect));
}

TEST_P(Dispatch, rule_03_each_packet_runs_one_callback) {
    Box<std::string> said;
    Client client{"c", true, settings()};
    connect(client);
    const auto with = [](std::string_view text) {
        return [text](const CallbackData& data) { return data.message && data.message->text() == text; };
    };
    const auto says = [&](const char* name) { return [&said, name](Client&, const CallbackData&) { said.put(name); }; };
    client.on(PUBLISH, says("generic"));
    client.on(PUBLISH, says("low"), with("x"), 1);
    client.on(PUBLISH, says("high"), with("x"), 2);
    client.on(PUBLISH, says("equal"), with("x"), 2);
    client.loop();
    subscribe(client, "a", 1);
    for (const char* text : {"x", "y", "x"}) publish("a", text, QoS::at_least_once);
    EXPECT_THAT(said.take(3), ElementsAre("high", "generic", "high"));
    EXPECT_EQ(0u, said.size());
}

TEST_P(Dispatch, rule_03_a_qos_2_message_comes_once_and_with_pubrel) {
    Box<std::string> said;
    Client client{"c", true, settings()};
    connect(client);
    const auto say = [&](Client&, const CallbackData& data) {
        said.put(std::string(data.command == PUBLISH ? "PUBLISH " : "PUBREL ") +
                 (data.message ? std::string(data.message->text()) : "without"));
    };
    client.on(PUBLISH, say);
    client.on(PUBREL, say);
    client.loop();
    subscribe(client, "a", 2);
    publish("a", "0", QoS::at_most_once);
    EXPECT_EQ("PUBLISH 0", said.take());
    publish("a", "1", QoS::at_least_once);
    EXPECT_EQ("PUBLISH 1", said.take());
    publish("a", "2", QoS::exactly_once);
    EXPECT_THAT(said.take(2), ElementsAre("PUBLISH without", "PUBREL 2"));
}

TEST_P(Dispatch, rule_03_a_qos_2_message_that_is_sent_again_comes_once) { // [MQTT-4.3.3-10]
    const Publish message{.topic = "a", .payload = as_bytes("once"), .qos = QoS::exactly_once, .packet_id = 9};
    Publish again = message;
    again.dup = true;
    script(Script{}
               .expect(PacketType::connect)
               .acknowledge()
               .reply(message)
               .expect(PacketType::pubrec)
               .reply(again)
               .expect(PacketType::pubrec)
               .reply(Pubrel{.packet_id = 9})
               .expect(PacketType::pubcomp)
               .reply(Pubrel{.packet_id = 9})
               .expect(PacketType::pubcomp)
               .pass_to_broker());
    Box<std::string> said;
    Client client{"c", true, settings()};
    connect(client);
    client.on(PUBREL, [&](Client&, const CallbackData& data) {
        EXPECT_EQ(9, data.mid);
        said.put(data.message ? std::string(data.message->text()) : "without");
    });
    client.loop();
    EXPECT_THAT(said.take(2), ElementsAre("once", "without"));
}

TEST_P(Dispatch, rule_04_loop_with_a_function_gets_messages_of_every_qos) {
    Box<std::string> said;
    Client client{"c", true, settings()};
    connect(client);
    client.on(PUBLISH, [&](Client&, const CallbackData& data) { said.put(data.message ? "generic" : "without"); });
    client.on(
        PUBLISH, [&](Client&, const CallbackData&) { said.put("own"); },
        [](const CallbackData& data) { return data.message && data.message->text() == "mine"; }, -1);
    client.loop([&](Client&, const CallbackData& data) { said.put(std::string(data.message->text())); });
    subscribe(client, "a", 2);
    publish("a", "0", QoS::at_most_once);
    publish("a", "1", QoS::at_least_once);
    publish("a", "mine", QoS::at_least_once);
    EXPECT_THAT(said.take(3), ElementsAre("0", "1", "own"));
    publish("a", "2", QoS::exactly_once);
    EXPECT_THAT(said.take(2), ElementsAre("without", "2"));
}

TEST_P(Dispatch, acknowledgements_name_the_message_or_request_that_they_answer) {
    Box<std::pair<Command, PacketId>> acks;
    Client client{"c", true, settings()};
    connect(client);
    for (const Command command : {PUBACK, PUBREC, PUBCOMP, SUBACK, UNSUBACK}) {
        client.on(command, [&](Client&, const CallbackData& data) { acks.put({data.command, data.mid}); });
    }
    client.loop();
    const auto subscribe_id = client.subscribe({{"x", 1}});
    EXPECT_EQ(std::pair(SUBACK, subscribe_id), acks.take());
    const auto unsubscribe_id = client.unsubscribe({"x"});
    EXPECT_EQ(std::pair(UNSUBACK, unsubscribe_id), acks.take());
    const auto first = client.publish("a", "b", 1);
    EXPECT_EQ(std::pair(PUBACK, first), acks.take());
    const auto second = client.publish("a", "b", 2);
    EXPECT_EQ(std::pair(PUBREC, second), acks.take());
    EXPECT_EQ(std::pair(PUBCOMP, second), acks.take());
}

TEST_P(Dispatch, suback_tells_what_was_granted_for_each_topic) {
    broker.call([](FakeBroker& b) { b.options().refused_filters = {"secret/#"}; });
    Box<std::vector<std::uint8_t>> granted;
    Client client{"c", true, settings()};
    connect(client);
    client.on(SUBACK, [&](Client&, const CallbackData& data) {
        granted.put({data.granted_qos.begin(), data.granted_qos.end()});
        EXPECT_EQ(GetParam() == Version::v5 ? 4u : 0u, data.reason_codes.size());
    });
    client.loop();
    client.subscribe({{"a", 0}, {"b", 1}, {"secret/#", 1}, {"c", 2}});
    const auto codes = granted.take();
    ASSERT_EQ(4u, codes.size());
    EXPECT_EQ(0, codes[0]);
    EXPECT_EQ(1, codes[1]);
    EXPECT_GE(codes[2], 0x80);
    EXPECT_EQ(2, codes[3]);
}

TEST_P(Dispatch, pingresp_is_dispatched) {
    Gate ponged;
    Client client{"c", true, settings()};
    client.on(PINGRESP, [&](Client&, const CallbackData&) { ponged.open(); });
    client.loop();
    client.connect("127.0.0.1", 1, broker.port());
    EXPECT_TRUE(ponged.wait());
}

class DispatchOf311 : public FacadeTest {};
INSTANTIATE_TEST_SUITE_P(Version, DispatchOf311, ::testing::Values(Version::v3_1_1), version_name);

TEST_P(DispatchOf311, rule_05_a_pingreq_from_the_broker_is_answered_and_dispatched) {
    script(Script{}
               .expect(PacketType::connect)
               .acknowledge()
               .reply(Pingreq{})
               .expect(PacketType::pingresp)
               .expect(PacketType::publish)
               .pass_to_broker());
    Gate asked;
    Client client{"c", true, settings()};
    client.on(PINGREQ, [&](Client&, const CallbackData&) { asked.open(); });
    client.loop();
    connect(client);
    EXPECT_TRUE(asked.wait());
    client.publish("a", "and goes on", 1);
    EXPECT_EQ("and goes on", published.take().payload);
}

class DispatchOf5 : public FacadeTest {};
INSTANTIATE_TEST_SUITE_P(Version, DispatchOf5, ::testing::Values(Version::v5), version_name);

TEST_P(DispatchOf5, rule_05_a_pingreq_from_the_broker_is_a_protocol_error) {
    script(Script{}
               .expect(PacketType::connect)
               .acknowledge()
               .expect(PacketType::publish)
               .reply(Pingreq{})
               .expect<Disconnect>(
                   [](const Disconnect& packet) { return packet.reason_code == ReasonCode::protocol_error; })
               .drop());
    Client client{"c", true, settings()};
    client.on(PINGREQ, [&](Client&, const CallbackData&) { ADD_FAILURE() << "dispatched"; });
    client.loop();
    connect(client);
    client.publish("a");
    EXPECT_EQ("c", connected.take()); // again
}

TEST_P(DispatchOf5, answers_carry_their_reason_codes_and_properties) {
    const std::vector<UserProperty> user{{"k", "v"}};
    script(Script{}
               .expect(PacketType::connect)
               .acknowledge()
               .expect(PacketType::publish)
               .reply<Publish>([&](const Publish& publish) -> Packet {
                   return Puback{.packet_id = publish.packet_id,
                                 .reason_code = ReasonCode::not_authorized,
                                 .properties = {.reason_string = "not for you", .user_properties = user}};
               })
               .pass_to_broker());
    Box<std::string> said;
    Client client{"c", true, settings()};
    client.on(PUBACK, [&](Client&, const CallbackData& data) {
        ASSERT_EQ(1u, data.reason_codes.size());
        ASSERT_TRUE(data.properties);
        ASSERT_EQ(1u, data.properties->user_properties.size());
        EXPECT_EQ(ReasonCode::not_authorized, data.reason_codes[0]);
        EXPECT_EQ("v", data.properties->user_properties[0].value);
        said.put(std::string(data.properties->reason_string.value_or("")));
    });
    client.loop();
    connect(client);
    client.publish("a", "b", 1);
    EXPECT_EQ("not for you", said.take());
}

} // namespace
} // namespace culex::facade
