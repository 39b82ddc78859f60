// Every call of the client's table, end to end.
#include "facade/facade_test.hpp"

namespace culex::facade {
namespace {

class Calls : public FacadeTest {};
CULEX_BOTH_VERSIONS(Calls);

TEST_P(Calls, constructor_names_the_client_and_its_kind_of_session) {
    Client clean{"clean-id", true, settings()};
    Client persistent{"persistent-id", false, settings()};
    connect(clean);
    connect(persistent);
    const auto connections = broker.call([](FakeBroker& b) { return b.connections(); });
    ASSERT_EQ(2u, connections.size());
    EXPECT_EQ("clean-id", connections[0].client_id);
    EXPECT_TRUE(connections[0].clean_start);
    EXPECT_EQ("persistent-id", connections[1].client_id);
    EXPECT_FALSE(connections[1].clean_start);
    EXPECT_EQ(GetParam(), connections[0].version);
}

TEST_P(Calls, connect_says_the_keepalive) {
    Client client{"c", true, settings()};
    client.connect("127.0.0.1", 77, broker.port());
    EXPECT_EQ(77, broker.call([](FakeBroker& b) { return b.connections().at(0).keep_alive; }));
}

TEST_P(Calls, a_message_is_received_as_it_was_published) {
    Box<Message> messages;
    Client client{"c", true, settings()};
    connect(client);
    client.loop([&](Client&, const CallbackData& data) { messages.put(*data.message); });
    subscribe(client, "a/#", 2);
    publish("a/b", "payload", QoS::at_least_once);
    const Message message = messages.take();
    EXPECT_EQ("a/b", message.topic());
    EXPECT_EQ("payload", message.text());
    EXPECT_EQ(7u, message.payload().size());
    EXPECT_EQ(QoS::at_least_once, message.qos());
    EXPECT_NE(0, message.mid());
    EXPECT_FALSE(message.retain());
    EXPECT_FALSE(message.dup());
    EXPECT_FALSE(message.properties().content_type);
}

TEST_P(Calls, a_retained_message_says_so) {
    Box<Message> messages;
    Client client{"c", true, settings()};
    connect(client);
    client.publish("a", "last known good", 1, true);
    published.take();
    client.loop([&](Client&, const CallbackData& data) { messages.put(*data.message); });
    client.subscribe({{"a", 1}});
    const Message message = messages.take();
    EXPECT_EQ("last known good", message.text());
    EXPECT_TRUE(message.retain());
}

TEST_P(Calls, unsubscribe_ends_the_messages) {
    Box<std::string> said;
    Client client{"c", true, settings()};
    connect(client);
    client.on(UNSUBACK, [&](Client&, const CallbackData&) { said.put("unsubscribed"); });
    client.loop([&](Client&, const CallbackData& data) { said.put(std::string(data.message->text())); });
    subscribe(client, "a", 0);
    subscribe(client, "b", 0);
    publish("a", "1");
    EXPECT_EQ("1", said.take());
    client.unsubscribe({"a"});
    EXPECT_EQ("unsubscribed", said.take());
    publish("a", "2");
    publish("b", "3");
    EXPECT_EQ("3", said.take());
}

TEST_P(Calls, set_username_pw_is_what_the_broker_sees) {
    broker.call([](FakeBroker& b) { b.options().users = {{"user", "secret"}}; });
    Client client{"c", true, settings()};
    EXPECT_EQ(ReasonCode::bad_user_name_or_password, failure_of([&] { connect(client); }).reason_code());
    client.set_username_pw("user", "wrong");
    EXPECT_EQ(ReasonCode::bad_user_name_or_password, failure_of([&] { connect(client); }).reason_code());
    client.set_username_pw("user", "secret");
    connect(client);
}

TEST_P(Calls, set_username_pw_without_a_password_is_legal) {
    script(Script{}
               .expect<Connect>([](const Connect& packet) { return packet.user_name == "user" && !packet.password; })
               .pass_to_broker());
    Client client{"c", true, settings()};
    client.set_username_pw("user");
    connect(client);
}

TEST_P(Calls, set_will_is_what_the_broker_publishes) {
    const std::vector<std::byte> bytes{std::byte{0}, std::byte{0xFF}};
    script(Script{}
               .expect<Connect>([](const Connect& packet) {
                   return packet.will && packet.will->topic == "status" && packet.will->qos == QoS::exactly_once &&
                          packet.will->retain && as_text(packet.will->payload) == std::string_view("\0\xFF", 2);
               })
               .pass_to_broker());
    Client client{"c", true, settings()};
    client.set_will("status", bytes, 2, true);
    connect(client);
}

TEST_P(Calls, subscribe_returns_the_mid_of_its_suback) {
    Box<std::pair<PacketId, std::vector<std::uint8_t>>> answers;
    Client client{"c", true, settings()};
    connect(client);
    client.on(SUBACK, [&](Client&, const CallbackData& data) {
        answers.put({data.mid, {data.granted_qos.begin(), data.granted_qos.end()}});
    });
    client.loop();
    const PacketId first = client.subscribe({{"cool/channel", 1}, {"other/#", 0}});
    const PacketId second = client.subscribe({{"a", 2}});
    EXPECT_THAT(answers.take(2), ElementsAre(std::pair{first, std::vector<std::uint8_t>{1, 0}},
                                             std::pair{second, std::vector<std::uint8_t>{2}}));
}

TEST_P(Calls, publish_returns_the_mid_of_its_puback_and_sends_what_it_was_given) {
    Box<PacketId> answers;
    Client client{"c", true, settings()};
    connect(client);
    client.on(PUBACK, [&](Client&, const CallbackData& data) { answers.put(data.mid); });
    client.loop();
    const PacketId mid = client.publish("cool/channel", "on", 1, true);
    EXPECT_EQ(mid, answers.take());
    EXPECT_EQ(0, client.publish("empty"));
    const auto arrived = published.take(2);
    ASSERT_EQ(2u, arrived.size());
    EXPECT_EQ("cool/channel", arrived[0].topic);
    EXPECT_EQ("on", arrived[0].payload);
    EXPECT_TRUE(arrived[0].retain);
    EXPECT_EQ("empty", arrived[1].topic);
    EXPECT_EQ("", arrived[1].payload);
    EXPECT_FALSE(arrived[1].retain);
}

TEST_P(Calls, on_calls_back_for_its_command_with_the_client_itself) {
    Box<Client*> called;
    Client client{"c", true, settings()};
    connect(client);
    client.on(PUBCOMP, [&](Client& c, const CallbackData&) { called.put(&c); });
    client.loop();
    client.publish("a", "b", 2);
    EXPECT_EQ(&client, called.take());
}

TEST_P(Calls, loop_with_a_function_gives_it_messages_of_every_qos) {
    Box<int> levels;
    Client client{"c", true, settings()};
    connect(client);
    client.loop([&](Client&, const CallbackData& data) { levels.put(static_cast<int>(data.message->qos())); });
    subscribe(client, "a", 2);
    for (const QoS qos : {QoS::at_most_once, QoS::at_least_once, QoS::exactly_once}) publish("a", "x", qos);
    EXPECT_THAT(levels.take(3), ElementsAre(0, 1, 2));
}

TEST_P(Calls, reconnect_makes_a_new_connection) {
    Client client{"c", true, settings()};
    connect(client);
    client.reconnect();
    EXPECT_EQ(2u, received(PacketType::connect));
    client.publish("a", "still there", 1);
    EXPECT_EQ("still there", published.take().payload);
}

TEST_P(Calls, disconnect_sends_disconnect) {
    Client client{"c", true, settings()};
    connect(client);
    EXPECT_EQ(0u, client.disconnect());
    EXPECT_EQ(1u, received(PacketType::disconnect));
}

/// MQTT 5 is chosen with one option; every suite of these tests runs with it and without.
TEST(Version5, rule_11_mqtt_5_is_chosen_with_one_option) {
    BrokerThread broker;
    Client client{"c", true, {.version = Version::v5}};
    client.connect("127.0.0.1", 60, broker.port());
    Client other{"d"};
    other.connect("127.0.0.1", 60, broker.port());
    const auto connections = broker.call([](FakeBroker& b) { return b.connections(); });
    ASSERT_EQ(2u, connections.size());
    EXPECT_EQ(Version::v5, connections[0].version);
    EXPECT_EQ(Version::v3_1_1, connections[1].version);
}

TEST(Version5, rule_11_a_broker_that_refuses_mqtt_5_is_asked_for_3_1_1_where_that_is_wanted) {
    BrokerThread broker;
    const auto refuse = [&] {
        broker.call([](FakeBroker& b) {
            b.script(Script{}.expect(PacketType::connect).acknowledge(ReasonCode::unsupported_protocol_version));
        });
    };
    refuse();
    Client modern{"c", true, {.version = Version::v5}};
    EXPECT_EQ(ReasonCode::unsupported_protocol_version,
              failure_of([&] { modern.connect("127.0.0.1", 60, broker.port()); }).reason_code());
    refuse();
    Client either{"d", true, {.version = Version::v5, .fall_back_to_3_1_1 = true}};
    either.connect("127.0.0.1", 60, broker.port());
    EXPECT_EQ(Version::v3_1_1, broker.call([](FakeBroker& b) { return b.connections().at(0).version; }));
    // Its answers tell what 3.1.1 tells, and so no reason codes.
    Box<std::size_t> codes;
    either.on(SUBACK, [&](Client&, const CallbackData& data) { codes.put(data.reason_codes.size()); });
    either.loop();
    either.subscribe({{"a", 0}});
    EXPECT_EQ(0u, codes.take());
}

/// The manual's own: `on` with and without a condition, then `loop`.
TEST_P(Calls, the_manuals_example_runs) {
    Box<std::string> printed;
    Client my_client{"myId", true, settings()};
    for (int retry = 0; retry < 10; ++retry) {
        try {
            connect(my_client);
            break;
        } catch (const std::exception&) {
        }
    }
    my_client.subscribe({{"cool/channel", 1}, {"cool", 2}});
    const auto is_cool = [](const CallbackData& data) { return data.message && data.message->topic() == "cool"; };
    const auto print_cool_stuff = [&](Client&, const CallbackData& data) {
        printed.put("cool: " + std::string(data.message->text()));
    };
    const auto print_generic_stuff = [&](Client&, const CallbackData& data) {
        if (data.message) printed.put("not cool: " + std::string(data.message->text()));
    };
    my_client.on(PUBLISH, print_cool_stuff, is_cool);
    my_client.on(PUBLISH, print_generic_stuff);
    my_client.loop();
    my_client.publish("cool", "1", 1);
    my_client.publish("cool/channel", "2", 1);
    EXPECT_THAT(printed.take(2), ElementsAre("cool: 1", "not cool: 2"));
}

} // namespace
} // namespace culex::facade
