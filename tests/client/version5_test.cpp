// What only MQTT 5 has: refusals of messages, DISCONNECT with properties, aliases, expiry, what the broker grants.
#include <optional>

#include "client/client_test.hpp"

namespace culex {
namespace {

using culex::testing::Script;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr QoS q1 = QoS::at_least_once;
constexpr QoS q2 = QoS::exactly_once;

Task<> connect(AsyncClient& client) { co_await client.connect("mqtt://broker"); }
Task<> subscribe(AsyncClient& client, std::optional<Subscription>& stream, std::string filter) {
    stream = co_await client.subscribe(filter, q2, {.acknowledge = Acknowledge::manual});
}
Task<> disconnect(AsyncClient& client, DisconnectOptions options) { co_await client.disconnect(options); }
Task<> publish(AsyncClient& client, std::string& outcome, std::string topic, PublishOptions options) {
    try {
        co_await client.publish(topic, "x", options);
        outcome = "ok";
    } catch (const Error& error) {
        outcome = error.failure().code().message();
    }
}

// --- both versions

class Rejecting : public ClientTest {
protected:
    Rejecting() {
        client.emplace(runtime, options());
        run(connect(*client));
    }
    Message receive(std::optional<Subscription>& stream, QoS qos) {
        broker.publish("work/a", "x", qos);
        runtime.run_until_idle();
        auto message = stream->try_next();
        EXPECT_TRUE(message);
        return message ? *std::move(message) : Message();
    }
    template <class P> ReasonCode code() {
        runtime.run_until_idle();
        const auto all = broker.received(P::type);
        EXPECT_FALSE(all.empty());
        return all.empty() ? ReasonCode::success : all.back().template as<P>()->reason_code;
    }
    /// What is on the wire under the version of the test.
    [[nodiscard]] ReasonCode told(ReasonCode v5) const { return GetParam() == Version::v5 ? v5 : ReasonCode::success; }

    std::optional<AsyncClient> client;
};
CULEX_FOR_BOTH_VERSIONS(Rejecting);

TEST_P(Rejecting, tells_the_broker_why_in_puback_and_pubrec) { // [MQTT-3.4.2-1] [MQTT-3.5.2-1]
    std::optional<Subscription> stream;
    run(subscribe(*client, stream, "work/#"));
    receive(stream, q1).reject(ReasonCode::payload_format_invalid);
    EXPECT_EQ(code<Puback>(), told(ReasonCode::payload_format_invalid));
    receive(stream, q2).reject(ReasonCode::quota_exceeded);
    EXPECT_EQ(code<Pubrec>(), told(ReasonCode::quota_exceeded));
    EXPECT_EQ(client->unacknowledged(), 0u);
    receive(stream, q1).ack(); // and it goes on
    EXPECT_EQ(code<Puback>(), ReasonCode::success);
    EXPECT_THAT(broker.verify(), IsEmpty());
}

TEST_P(Rejecting, says_unspecified_error_where_a_code_is_none_of_the_list) {
    std::optional<Subscription> stream;
    run(subscribe(*client, stream, "work/#"));
    for (const ReasonCode odd : {ReasonCode::success, ReasonCode::server_busy, ReasonCode::no_matching_subscribers}) {
        receive(stream, q1).reject(odd);
        EXPECT_EQ(code<Puback>(), told(ReasonCode::unspecified_error));
    }
    EXPECT_THAT(broker.verify(), IsEmpty());
}

TEST_P(Rejecting, a_message_of_several_streams_is_refused_only_where_nobody_takes_it) {
    std::optional<Subscription> first, second;
    run(subscribe(*client, first, "work/#"));
    run(subscribe(*client, second, "work/+"));
    receive(first, q1).ack();
    second->try_next()->reject(ReasonCode::not_authorized);
    EXPECT_EQ(code<Puback>(), ReasonCode::success);
    receive(first, q1).reject(ReasonCode::not_authorized);
    second->try_next()->reject(ReasonCode::not_authorized);
    EXPECT_EQ(code<Puback>(), told(ReasonCode::not_authorized));
}

TEST_P(Rejecting, says_why_in_words) {
    const UserProperty user[] = {{.name = "k", .value = "v"}};
    std::optional<Subscription> stream;
    run(subscribe(*client, stream, "work/#"));
    for (const std::string_view words : {"full", ""}) {
        AckProperties why{};
        if (!words.empty()) why = {.reason_string = words, .user_properties = user};
        receive(stream, q1).reject(ReasonCode::quota_exceeded, why);
        receive(stream, q2).reject(ReasonCode::quota_exceeded, why);
        runtime.run_until_idle();
        const bool told = GetParam() == Version::v5 && !words.empty();
        for (const AckProperties& said : {broker.received(PacketType::puback).back().as<Puback>()->properties,
                                          broker.received(PacketType::pubrec).back().as<Pubrec>()->properties}) {
            EXPECT_EQ(said.reason_string.value_or(""), told ? words : "");
            EXPECT_EQ(said.user_properties.size(), told ? 1u : 0u);
        }
    }
}

TEST_P(Rejecting, with_words_that_are_no_text_throws_and_leaves_the_message_as_it_is) {
    std::optional<Subscription> stream;
    run(subscribe(*client, stream, "work/#"));
    const Message message = receive(stream, q1);
    EXPECT_ERROR(message.reject(ReasonCode::quota_exceeded, {.reason_string = "\xff"}), Errc::invalid_argument);
    runtime.run_until_idle();
    EXPECT_EQ(client->unacknowledged(), 1u);
    message.ack();
    EXPECT_EQ(code<Puback>(), ReasonCode::success);
}

// --- version 5 alone

class Client5 : public ::testing::Test {
protected:
    Client5() { broker.listen("mqtt://broker"); }
    static ClientOptions options() { return {.client_id = "client", .version = Version::v5}; }

    culex::testing::VirtualRuntime runtime;
    culex::testing::FakeBroker broker{runtime};
    Nursery nursery{runtime};
};

TEST_F(Client5, disconnect_changes_the_session_expiry_interval) { // section 3.14.2.2.2
    ClientOptions persistent = options();
    persistent.properties.session_expiry_interval = 60;
    AsyncClient client(runtime, persistent);
    runtime.run(connect(client));
    runtime.run(disconnect(client, {.session_expiry_interval = 0, .reason_string = "for good"}));
    runtime.run_until_idle();
    const auto said = broker.received(PacketType::disconnect).back();
    EXPECT_EQ(said.as<Disconnect>()->properties.session_expiry_interval, 0u);
    EXPECT_EQ(said.as<Disconnect>()->properties.reason_string, "for good");
    EXPECT_FALSE(broker.session("client"));
}

TEST_F(Client5, disconnect_cannot_raise_an_interval_of_0) {
    AsyncClient client(runtime, options());
    runtime.run(connect(client));
    EXPECT_ERROR(runtime.run(disconnect(client, {.session_expiry_interval = 5})), Errc::invalid_argument);
    EXPECT_EQ(client.state(), ConnectionState::connected);
}

TEST_F(Client5, messages_that_expire_offline_fail_and_are_counted) {
    ClientOptions persistent = options();
    persistent.properties.session_expiry_interval = 3600;
    persistent.outbound = {.messages = 2, .when_full = WhenFull::wait};
    AsyncClient client(runtime, persistent);
    runtime.run(connect(client));
    broker.stop_listening();
    broker.drop_all_connections();
    runtime.advance(1s);
    std::string outcomes[4];
    for (std::size_t i = 0; i < 4; ++i) { // two of them wait for room
        const std::uint32_t interval = i % 2 == 0 ? 30 : 3000;
        nursery.spawn(publish(client, outcomes[i], "topic/" + std::to_string(i),
                              {.qos = q1, .properties = {.message_expiry_interval = interval}}));
    }
    runtime.advance(100s);
    broker.listen();
    runtime.advance(3min);
    EXPECT_THAT(outcomes, ElementsAre("the message expired before it was sent", "ok",
                                      "the message expired before it was sent", "ok"));
    EXPECT_EQ(client.statistics().outbound_expired, 2u);
    for (const auto& record : broker.received(PacketType::publish))
        EXPECT_LE(record.as<Publish>()->properties.message_expiry_interval.value(), 2900u);
    EXPECT_EQ(broker.messages().size(), 2u);
}

TEST_F(Client5, a_message_expires_while_no_broker_can_be_reached) {
    AsyncClient client(runtime, options());
    runtime.run(connect(client));
    broker.stop_listening();
    broker.drop_all_connections();
    runtime.advance(1s);
    std::string outcome;
    nursery.spawn(publish(client, outcome, "topic", {.qos = q1, .properties = {.message_expiry_interval = 30}}));
    runtime.advance(29s);
    EXPECT_EQ(outcome, "");
    runtime.advance(5min);
    EXPECT_EQ(outcome, "the message expired before it was sent");
    EXPECT_EQ(client.outstanding(), 0u);
    EXPECT_NE(client.state(), ConnectionState::connected);
}

TEST_F(Client5, a_message_that_nobody_waits_for_expires_too) {
    AsyncClient client(runtime, options());
    runtime.run(connect(client));
    broker.stop_listening();
    broker.drop_all_connections();
    runtime.advance(1h); // its time begins when it is published, not when the session last looked at the clock
    for (const std::uint32_t interval : {30u, 3000u}) {
        ASSERT_TRUE(client.try_publish("topic", as_bytes("x"),
                                       {.qos = q1, .properties = {.message_expiry_interval = interval}}));
    }
    runtime.advance(100s);
    broker.listen();
    runtime.advance(3min);
    EXPECT_EQ(client.statistics().outbound_expired, 1u);
    ASSERT_EQ(broker.received(PacketType::publish).size(), 1u);
    const auto left = broker.received(PacketType::publish)[0].as<Publish>()->properties.message_expiry_interval.value();
    EXPECT_LE(left, 2900u);
    EXPECT_GE(left, 2700u);
}

TEST_F(Client5, topics_are_abbreviated_where_the_broker_allows_it) {
    broker.options().connack.topic_alias_maximum = 5;
    AsyncClient client(runtime, options());
    runtime.run(connect(client));
    std::string outcome;
    for (int i = 0; i < 3; ++i) {
        nursery.spawn(publish(client, outcome, "sensors/temperature", {.qos = i == 2 ? q1 : QoS::at_most_once}));
        runtime.run_until_idle();
    }
    std::vector<std::size_t> sizes;
    for (const auto& record : broker.received(PacketType::publish)) sizes.push_back(record.bytes().size());
    EXPECT_THAT(sizes, ElementsAre(28u, 9u, 11u));
    for (const auto& message : broker.messages()) EXPECT_EQ(message.topic, "sensors/temperature");
    EXPECT_EQ(broker.messages().size(), 3u);
    EXPECT_THAT(broker.verify(), IsEmpty());
}

TEST_F(Client5, the_brokers_goodbye_is_in_the_error) { // section 3.14.4
    broker.script(Script()
                      .expect(PacketType::connect)
                      .reply(Connack{})
                      .after(1s)
                      .reply(Disconnect{
                          .reason_code = ReasonCode::server_moved,
                          .properties = {.reason_string = "moved to the attic", .server_reference = "attic.example"}})
                      .close());
    AsyncClient client(runtime, options());
    runtime.run(connect(client));
    runtime.advance(1500ms);
    const Failure& why = client.last_failure();
    EXPECT_EQ(why, Errc::disconnected);
    EXPECT_EQ(why.reason_code(), ReasonCode::server_moved);
    EXPECT_THAT(why.detail(), ::testing::HasSubstr("moved to the attic"));
    EXPECT_THAT(why.detail(), ::testing::HasSubstr("attic.example"));
}

TEST_F(Client5, the_assigned_client_id_is_used_from_then_on) { // [MQTT-3.1.3-7]
    ClientOptions nameless = options();
    nameless.client_id = "";
    nameless.properties.session_expiry_interval = 3600;
    AsyncClient client(runtime, nameless);
    runtime.run(connect(client));
    const std::string assigned(client.client_id());
    EXPECT_FALSE(assigned.empty());
    broker.drop_all_connections();
    runtime.advance(2min);
    EXPECT_EQ(broker.received(PacketType::connect).back().as<Connect>()->client_id, assigned);
    EXPECT_EQ(client.client_id(), assigned);
}

TEST_F(Client5, the_will_carries_its_delay_and_properties) { // section 3.1.3.2
    const UserProperty user[] = {{"k", "v"}};
    ClientOptions mortal = options();
    mortal.will = Will{.topic = "status",
                       .payload = as_bytes(std::string_view("gone")),
                       .qos = q1,
                       .properties = {.will_delay_interval = 5,
                                      .payload_format_indicator = std::uint8_t{1},
                                      .message_expiry_interval = 9,
                                      .content_type = "text/plain",
                                      .response_topic = "answers",
                                      .user_properties = user}};
    AsyncClient client(runtime, mortal);
    runtime.run(connect(client));
    const auto record = broker.received(PacketType::connect).back();
    const WillProperties& will = record.as<Connect>()->will->properties;
    EXPECT_EQ(will.will_delay_interval, 5u);
    EXPECT_EQ(will.message_expiry_interval, 9u);
    EXPECT_EQ(will.content_type, "text/plain");
    EXPECT_EQ(will.response_topic, "answers");
    EXPECT_EQ(will.user_properties.size(), 1u);
}

} // namespace
} // namespace culex
