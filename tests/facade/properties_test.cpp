// What the documented client can say and hear under MQTT 5.
#include "facade/facade_test.hpp"

namespace culex::facade {
namespace {

class PropertiesOf5 : public FacadeTest {
protected:
    template <class P, class F> auto first(F look) {
        return broker.call([&](FakeBroker& b) { return look(*b.received(P::type).at(0).template as<P>()); });
    }
};
INSTANTIATE_TEST_SUITE_P(V5, PropertiesOf5, ::testing::Values(Version::v5), [](const auto&) { return "v5"; });

using Texts = std::vector<std::string>;

Texts names_and_values(UserProperties user) {
    Texts texts;
    for (const UserProperty& each : user) texts.push_back(std::string(each.name) + "=" + std::string(each.value));
    return texts;
}

/// What it views is gone when the client connects.
void make_settings(std::optional<Client>& client, ClientSettings settings) {
    const std::string value = "kept";
    const UserProperty user[] = {{.name = "fleet", .value = value}, {.name = "fleet", .value = "again"}};
    settings.properties = {.session_expiry_interval = 77, .receive_maximum = std::uint16_t{9}, .user_properties = user};
    client.emplace("c", false, settings);
    const std::string type = "text/plain";
    const std::string topic = "where/to";
    const WillProperties will{.will_delay_interval = 5,
                              .message_expiry_interval = 60,
                              .content_type = type,
                              .response_topic = topic,
                              .correlation_data = as_bytes(value),
                              .user_properties = user};
    client->set_will("will", "gone", 1, true, will);
}

TEST_P(PropertiesOf5, connect_and_will_carry_theirs) {
    std::optional<Client> client;
    make_settings(client, settings());
    connect(*client);
    const auto said = first<Connect>([](const Connect& packet) {
        EXPECT_EQ(packet.properties.session_expiry_interval, 77u);
        EXPECT_EQ(packet.properties.receive_maximum, 9u);
        EXPECT_TRUE(packet.will);
        const WillProperties will = packet.will ? packet.will->properties : WillProperties{};
        EXPECT_EQ(will.will_delay_interval, 5u);
        EXPECT_EQ(will.message_expiry_interval, 60u);
        EXPECT_EQ(will.content_type, "text/plain");
        EXPECT_EQ(will.response_topic, "where/to");
        EXPECT_EQ(as_text(will.correlation_data.value_or(Bytes{})), "kept");
        EXPECT_THAT(names_and_values(will.user_properties), ElementsAre("fleet=kept", "fleet=again"));
        return names_and_values(packet.properties.user_properties);
    });
    EXPECT_THAT(said, ElementsAre("fleet=kept", "fleet=again"));
}

TEST_P(PropertiesOf5, a_session_that_is_not_clean_never_expires_unless_told_otherwise) {
    Client client{"c", false, settings()};
    connect(client);
    EXPECT_EQ(never_expires,
              first<Connect>([](const Connect& packet) { return packet.properties.session_expiry_interval; }));
}

TEST_P(PropertiesOf5, publish_carries_its_own_to_the_callback) {
    Box<Message> messages;
    Client client{"c", true, settings()};
    connect(client);
    client.loop([&](Client&, const CallbackData& data) { messages.put(*data.message); });
    subscribe(client, "a", 2);
    const UserProperty user[] = {{.name = "unit", .value = "K"}};
    const PublishProperties all{.payload_format_indicator = std::uint8_t{1},
                                .message_expiry_interval = 60,
                                .topic_alias = std::uint16_t{7}, // the client's business: left out
                                .response_topic = "answers",
                                .correlation_data = as_bytes("42"),
                                .content_type = "text/plain",
                                .user_properties = user};
    for (const int qos : {0, 1, 2}) {
        client.publish("a", "21.5", qos, false, all);
        const Message message = messages.take();
        EXPECT_EQ("21.5", message.text());
        EXPECT_EQ(1, message.properties().payload_format_indicator);
        EXPECT_EQ(60u, message.properties().message_expiry_interval);
        EXPECT_EQ("answers", message.properties().response_topic);
        EXPECT_EQ("42", as_text(message.properties().correlation_data.value_or(Bytes{})));
        EXPECT_EQ("text/plain", message.properties().content_type);
        EXPECT_THAT(names_and_values(message.properties().user_properties), ElementsAre("unit=K"));
    }
    const std::vector<std::byte> bytes(3, std::byte{'x'});
    client.publish("a", bytes, 1, false, {.content_type = "application/x"});
    EXPECT_EQ("application/x", messages.take().properties().content_type);
}

TEST_P(PropertiesOf5, subscribe_and_unsubscribe_carry_theirs_and_the_subscription_options) {
    Box<Message> messages;
    Box<int> unsubscribed;
    Client client{"c", true, settings()};
    connect(client);
    client.on(UNSUBACK, [&](Client&, const CallbackData&) { unsubscribed.put(1); });
    client.loop([&](Client&, const CallbackData& data) { messages.put(*data.message); });
    const UserProperty user[] = {{.name = "who", .value = "me"}};
    client.subscribe({{"a", 1}, {"b", 2, true, true, RetainHandling::do_not_send}},
                     {.subscription_identifier = 268'435'455, .user_properties = user});
    client.publish("b", "own: not wanted", 1);
    client.publish("a", "x", 1);
    const Message message = messages.take();
    EXPECT_EQ("x", message.text());
    EXPECT_THAT(message.properties().subscription_identifiers, ElementsAre(268'435'455u));
    const auto said = first<Subscribe>([](const Subscribe& packet) {
        EXPECT_FALSE(packet.subscriptions[0].no_local);
        EXPECT_TRUE(packet.subscriptions[1].no_local);
        EXPECT_TRUE(packet.subscriptions[1].retain_as_published);
        EXPECT_EQ(packet.subscriptions[1].retain_handling, RetainHandling::do_not_send);
        return names_and_values(packet.properties.user_properties);
    });
    EXPECT_THAT(said, ElementsAre("who=me"));
    client.unsubscribe({"a"}, {.user_properties = user});
    unsubscribed.take();
    EXPECT_THAT(first<Unsubscribe>(
                    [](const Unsubscribe& packet) { return names_and_values(packet.properties.user_properties); }),
                ElementsAre("who=me"));
}

TEST_P(PropertiesOf5, bad_ones_are_refused_before_anything_is_sent) {
    Client client{"c", true, settings()};
    connect(client);
    EXPECT_THAT(fault_of([&] { client.subscribe({{"a", 1}}, {.subscription_identifier = 0}); }),
                HasSubstr("subscription"));
    EXPECT_TRUE(failure_of([&] { client.publish("a", "x", 1, false, {.response_topic = "a/#"}); }) ==
                Errc::invalid_argument);
    EXPECT_TRUE(failure_of([&] { client.set_will("a", "x", 1, false, {.content_type = "\xff"}); }) ==
                Errc::invalid_argument);
    ClientSettings zero = settings();
    zero.properties.receive_maximum = std::uint16_t{0};
    EXPECT_TRUE(failure_of([&] { Client never{"d", true, zero}; }) == Errc::invalid_argument);
    EXPECT_EQ(0u, broker.call([](FakeBroker& b) { return b.count(Direction::received, PacketType::subscribe); }));
}

/// Every answer says why, in a word and a code.
std::string told(const CallbackData& data) {
    std::string text;
    for (const ReasonCode code : data.reason_codes) text += std::to_string(static_cast<int>(code)) + " ";
    if (!data.properties) return text + "without properties";
    return text + std::string(data.properties->reason_string.value_or("")) + " " +
           ::testing::PrintToString(names_and_values(data.properties->user_properties));
}

TEST_P(PropertiesOf5, each_answer_has_its_codes_reason_string_and_user_properties) {
    const std::vector<UserProperty> user{{"k", "v"}};
    const auto why = [&user](std::string_view text) {
        return AckProperties{.reason_string = text, .user_properties = user};
    };
    script(Script{}
               .expect(PacketType::connect)
               .acknowledge()
               .expect(PacketType::publish)
               .reply<Publish>([=](const Publish& p) -> Packet {
                   return Puback{.packet_id = p.packet_id,
                                 .reason_code = ReasonCode::no_matching_subscribers,
                                 .properties = why("puback")};
               })
               .expect(PacketType::publish)
               .reply<Publish>([=](const Publish& p) -> Packet {
                   return Pubrec{.packet_id = p.packet_id, .properties = why("pubrec")};
               })
               .expect(PacketType::pubrel)
               .reply<Pubrel>([=](const Pubrel& p) -> Packet {
                   return Pubcomp{.packet_id = p.packet_id, .properties = why("pubcomp")};
               })
               .expect(PacketType::subscribe)
               .reply<Subscribe>([=](const Subscribe& p) -> Packet {
                   static constexpr ReasonCode codes[] = {ReasonCode::granted_qos_1, ReasonCode::not_authorized};
                   return Suback{.packet_id = p.packet_id, .reason_codes = codes, .properties = why("suback")};
               })
               .expect(PacketType::unsubscribe)
               .reply<Unsubscribe>([=](const Unsubscribe& p) -> Packet {
                   static constexpr ReasonCode codes[] = {ReasonCode::no_subscription_existed};
                   return Unsuback{.packet_id = p.packet_id, .reason_codes = codes, .properties = why("unsuback")};
               })
               .pass_to_broker());
    Box<std::string> said;
    Client client{"c", true, settings()};
    for (const Command command : {PUBACK, PUBREC, PUBCOMP, SUBACK, UNSUBACK}) {
        client.on(command, [&](Client&, const CallbackData& data) { said.put(told(data)); });
    }
    client.loop();
    connect(client);
    client.publish("a", "x", 1);
    EXPECT_EQ("16 puback { \"k=v\" }", said.take());
    client.publish("a", "x", 2);
    EXPECT_EQ("0 pubrec { \"k=v\" }", said.take());
    EXPECT_EQ("0 pubcomp { \"k=v\" }", said.take());
    client.subscribe({{"a", 1}, {"b", 1}});
    EXPECT_EQ("1 135 suback { \"k=v\" }", said.take());
    client.unsubscribe({"a"});
    EXPECT_EQ("17 unsuback { \"k=v\" }", said.take());
}

TEST_P(PropertiesOf5, a_qos_2_publish_that_pubrec_refuses_ends_there_with_its_code) { // [MQTT-4.3.3-9]
    const std::vector<UserProperty> user{{"k", "v"}};
    script(Script{}
               .expect(PacketType::connect)
               .acknowledge()
               .expect(PacketType::publish)
               .reply<Publish>([=](const Publish& p) -> Packet {
                   return Pubrec{.packet_id = p.packet_id,
                                 .reason_code = ReasonCode::quota_exceeded,
                                 .properties = {.reason_string = "full", .user_properties = user}};
               })
               .pass_to_broker());
    Box<std::string> said;
    Client client{"c", true, settings()};
    const auto note = [&](Client&, const CallbackData& data) {
        said.put(std::string(to_string(static_cast<PacketType>(data.command))) + " " + std::to_string(data.mid) + " " +
                 told(data));
    };
    for (const Command command : {PUBREC, PUBCOMP}) client.on(command, note);
    client.loop();
    connect(client);
    const auto refused = std::to_string(client.publish("a", "x", 2));
    EXPECT_EQ("PUBREC " + refused + " 151 full { \"k=v\" }", said.take());
    const auto taken = std::to_string(client.publish("a", "y", 2));
    EXPECT_EQ("PUBREC " + taken + " 16 without properties", said.take());
    EXPECT_EQ("PUBCOMP " + taken + " 0 without properties", said.take());
    EXPECT_EQ(1u, received(PacketType::pubrel));
    EXPECT_EQ(0u, client.disconnect());
}

TEST_P(PropertiesOf5, disconnect_carries_its_code_expiry_and_words) { // [MQTT-3.14.2-1]
    const UserProperty user[] = {{.name = "who", .value = "me"}};
    Client client{"c", false, settings()};
    client.set_will("will", "gone", 1);
    connect(client);
    client.publish("a", "x", 1);
    EXPECT_EQ("x", published.take().payload);
    EXPECT_EQ(0u, client.disconnect({.reason_code = ReasonCode::disconnect_with_will,
                                     .session_expiry_interval = 0,
                                     .reason_string = "for the day",
                                     .user_properties = user}));
    EXPECT_EQ("gone", published.take().payload);
    EXPECT_THAT(first<Disconnect>([](const Disconnect& packet) {
                    EXPECT_EQ(ReasonCode::disconnect_with_will, packet.reason_code);
                    EXPECT_EQ(0u, packet.properties.session_expiry_interval);
                    EXPECT_EQ("for the day", packet.properties.reason_string);
                    return names_and_values(packet.properties.user_properties);
                }),
                ElementsAre("who=me"));
}

TEST_P(PropertiesOf5, disconnect_that_breaks_a_rule_throws_and_the_client_goes_on) {
    Client client{"c", true, settings()};
    connect(client);
    for (const DisconnectOptions& wrong :
         {DisconnectOptions{.session_expiry_interval = 5}, DisconnectOptions{.reason_string = "\xff"},
          DisconnectOptions{.reason_code = ReasonCode::granted_qos_1}}) {
        EXPECT_TRUE(failure_of([&] { client.disconnect(wrong); }) == Errc::invalid_argument);
    }
    client.publish("a", "x", 1);
    EXPECT_EQ("x", published.take().payload);
}

TEST_P(PropertiesOf5, topic_aliases_are_made_unless_that_is_turned_off) {
    broker.call([](FakeBroker& b) { b.options().connack.topic_alias_maximum = std::uint16_t{5}; });
    for (const std::uint16_t most : {std::uint16_t{0}, std::uint16_t{1}}) {
        ClientSettings modest = settings();
        modest.outbound_topic_aliases = most;
        Client client{"c", true, modest};
        connect(client);
        for (int i = 0; i < 2; ++i) client.publish("sensors/a", "x");
        published.take(2);
        const auto alias = broker.call(
            [](FakeBroker& b) { return b.received(PacketType::publish).back().as<Publish>()->properties.topic_alias; });
        EXPECT_EQ(most != 0, alias.has_value());
    }
}

TEST_P(PropertiesOf5, pubrel_shows_its_code_and_properties_with_the_message_of_qos_2) {
    const std::vector<UserProperty> user{{"k", "v"}};
    script(Script{}
               .expect(PacketType::connect)
               .acknowledge()
               .reply(Publish{.topic = "a", .payload = as_bytes("x"), .qos = QoS::exactly_once, .packet_id = 9})
               .expect(PacketType::pubrec)
               .reply(Pubrel{.packet_id = 9, .properties = {.reason_string = "go", .user_properties = user}})
               .expect(PacketType::pubcomp)
               .reply(Pubrel{.packet_id = 9, .reason_code = ReasonCode::packet_identifier_not_found})
               .expect(PacketType::pubcomp)
               .reply(Publish{.topic = "a", .payload = as_bytes("y"), .qos = QoS::exactly_once, .packet_id = 8})
               .expect(PacketType::pubrec)
               .reply(Pubrel{.packet_id = 8})
               .pass_to_broker());
    Box<std::string> said;
    Client client{"c", true, settings()};
    client.on(PUBREL, [&](Client&, const CallbackData& data) {
        said.put((data.message ? std::string(data.message->text()) : "-") + " " + told(data));
    });
    client.loop();
    connect(client);
    EXPECT_EQ("x 0 go { \"k=v\" }", said.take());
    EXPECT_EQ("- 146 without properties", said.take());
    EXPECT_EQ("y 0 without properties", said.take());
}

class PropertiesOf3 : public FacadeTest {};
INSTANTIATE_TEST_SUITE_P(V311, PropertiesOf3, ::testing::Values(Version::v3_1_1), [](const auto&) { return "v3_1_1"; });

TEST_P(PropertiesOf3, are_left_out) {
    Box<Message> messages;
    Client client{"c", true, settings()};
    client.set_will("will", "gone", 0, false, {.will_delay_interval = 5});
    connect(client);
    client.loop([&](Client&, const CallbackData& data) { messages.put(*data.message); });
    subscribe(client, "a", 1);
    client.publish("a", "x", 1, false, {.content_type = "text/plain"});
    const Message message = messages.take();
    EXPECT_EQ("x", message.text());
    EXPECT_FALSE(message.properties().content_type);
}

} // namespace
} // namespace culex::facade
