// Publishing and receiving: when an operation is done, what a stream gives, when a message is acknowledged.
#include <optional>

#include "client/client_test.hpp"

namespace culex {
namespace {

using culex::testing::Direction;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Publishing : public ClientTest {};
CULEX_FOR_BOTH_VERSIONS(Publishing);

Task<> publish_at_each_qos(AsyncClient& client) {
    co_await client.connect("mqtt://broker");
    for (const QoS qos : {QoS::at_most_once, QoS::at_least_once, QoS::exactly_once}) {
        const PublishResult result = co_await client.publish("a/b", "text", {.qos = qos});
        EXPECT_FALSE(failed(result.reason_code));
        EXPECT_EQ(result.packet_id == 0, qos == QoS::at_most_once);
    }
    co_await client.disconnect();
}

TEST_P(Publishing, is_done_at_qos_0_1_and_2) {
    AsyncClient client(runtime, options());
    run(publish_at_each_qos(client));
    ASSERT_EQ(broker.messages().size(), 3u);
    EXPECT_EQ(broker.messages()[2].qos, QoS::exactly_once);
    EXPECT_THAT(broker.complaints(), IsEmpty());
    EXPECT_EQ(broker.count(Direction::received, PacketType::disconnect), 1u);
    EXPECT_EQ(client.state(), ConnectionState::idle);
}

Task<> publish_twice_at_once(AsyncClient& client) {
    co_await client.connect("mqtt://broker");
    auto first = client.publish("order", "1", {.qos = QoS::exactly_once});
    auto second = client.publish("order", "2", {.qos = QoS::at_least_once});
    auto third = client.publish("order", "3");
    co_await second;
    co_await third;
    co_await first;
}

TEST_P(Publishing, begins_with_the_call_and_keeps_the_order_of_the_calls) {
    AsyncClient client(runtime, options());
    run(publish_twice_at_once(client));
    std::string payloads;
    for (const auto& record : broker.received(PacketType::publish)) payloads += as_text(record.as<Publish>()->payload);
    EXPECT_EQ(payloads, "123");
}

Task<> publish_large(AsyncClient& client, const Payload& payload) {
    co_await client.connect("mqtt://broker");
    for (const QoS qos : {QoS::at_most_once, QoS::at_least_once, QoS::exactly_once}) {
        const PublishResult result = co_await client.publish("large", payload, {.qos = qos});
        EXPECT_EQ(result.packet_id == 0, qos == QoS::at_most_once);
        co_await client.publish("large", Payload(std::string("small")), {.qos = qos});
    }
    EXPECT_ERROR(co_await client.publish("#", payload), Errc::invalid_argument);
    co_await client.publish("large", Payload(), {.qos = QoS::at_least_once});
}

TEST_P(Publishing, hands_a_payload_over) {
    AsyncClient client(runtime, options());
    const Payload payload(std::string(1'000'000, 'x'));
    run(publish_large(client, payload));
    ASSERT_EQ(broker.messages().size(), 7u);
    for (const std::size_t i : {0u, 2u, 4u}) {
        EXPECT_EQ(broker.messages()[i].payload, as_text(payload.bytes()));
        EXPECT_EQ(broker.messages()[i + 1].payload, "small");
    }
    EXPECT_EQ(broker.messages()[6].payload, "");
    EXPECT_THAT(broker.complaints(), IsEmpty());
}

/// Room for one: the second waits for it, keeps its payload, and a dropped one leaves none behind.
Task<> publish_large_in_narrow_bounds(AsyncClient& client) {
    co_await client.connect("mqtt://broker");
    const PublishOptions once{.qos = QoS::at_least_once};
    auto first = client.publish("large", Payload(std::string(300'000, 'a')), once);
    auto second = client.publish("large", Payload(std::string(300'000, 'b')), once);
    {
        const auto dropped = client.publish("large", Payload(std::string(300'000, 'c')), once);
    }
    auto last = client.publish("large", Payload(std::string(300'000, 'd')), once);
    co_await first;
    co_await second;
    co_await last;
}

TEST_P(Publishing, a_payload_that_is_handed_over_waits_for_room) {
    ClientOptions narrow = options();
    narrow.outbound.bytes = 400'000;
    AsyncClient client(runtime, narrow);
    run(publish_large_in_narrow_bounds(client));
    std::string order;
    for (const auto& message : broker.messages()) order += message.payload.substr(0, 1);
    EXPECT_EQ(order, "abd");
}

TEST_P(Publishing, before_connect_is_refused) {
    AsyncClient client(runtime, options());
    const auto publish = [](AsyncClient& c) -> Task<> {
        EXPECT_ERROR(co_await c.publish("a", "b"), Errc::not_connected);
    };
    run(publish(client));
}

Task<> publish_badly(AsyncClient& client, culex::testing::FakeBroker& broker) {
    co_await client.connect("mqtt://broker");
    const std::string long_topic(65'536, 't');
    const std::string_view bad_topics[] = {"", "a/#", "+", std::string_view("a\0b", 3), "\xC3\x28", long_topic};
    for (const std::string_view topic : bad_topics)
        EXPECT_ERROR(co_await client.publish(topic, "x"), Errc::invalid_argument);
    EXPECT_ERROR(co_await client.subscribe("a#"), Errc::invalid_argument);
    EXPECT_ERROR(co_await client.unsubscribe(""), Errc::invalid_argument);
    EXPECT_EQ(broker.count(Direction::received, PacketType::publish), 0u);
    co_await client.publish("good", "x", {.qos = QoS::at_least_once});
}

TEST_P(Publishing, refuses_bad_arguments_before_anything_is_sent) {
    AsyncClient client(runtime, options());
    run(publish_badly(client, broker));
}

Task<> echo(AsyncClient& client, std::vector<std::string>& got) {
    co_await client.connect("mqtt://broker");
    auto stream = co_await client.subscribe("greeting/+", QoS::exactly_once);
    EXPECT_EQ(stream.reason_code(), ReasonCode::granted_qos_2);
    co_await client.publish("greeting/a", "0");
    co_await client.publish("greeting/b", "1", {.qos = QoS::at_least_once});
    co_await client.publish("greeting/c", "2", {.qos = QoS::exactly_once});
    for (int i = 0; i < 3; ++i) {
        auto message = co_await stream.next();
        got.push_back(std::string(message->topic()) + "=" + std::string(message->text()));
    }
    co_await client.disconnect();
    auto none = co_await stream.next();
    EXPECT_FALSE(none);
}

TEST_P(Publishing, reaches_a_stream_that_ends_with_the_connection) {
    AsyncClient client(runtime, options());
    std::vector<std::string> got;
    run(echo(client, got));
    EXPECT_THAT(got, ElementsAre("greeting/a=0", "greeting/b=1", "greeting/c=2"));
    EXPECT_THAT(broker.complaints(), IsEmpty());
}

Task<> take_one(AsyncClient& client, std::optional<Subscription>& stream, std::optional<Message>& message) {
    co_await client.connect("mqtt://broker");
    stream = co_await client.subscribe("work", QoS::at_least_once);
    message = co_await stream->next();
}

TEST_P(Publishing, message_is_acknowledged_when_the_next_is_asked_for) { // [MQTT-4.3.2-4]
    AsyncClient client(runtime, options());
    std::optional<Subscription> stream;
    std::optional<Message> message;
    TaskRoot<> root(take_one(client, stream, message));
    root.start_on(runtime);
    runtime.run_until_idle();
    broker.publish("work", "1", QoS::at_least_once);
    runtime.run_until_idle();
    ASSERT_TRUE(root.done());
    EXPECT_EQ(message->text(), "1");
    EXPECT_EQ(broker.count(Direction::received, PacketType::puback), 0u);
    EXPECT_FALSE(stream->try_next());
    runtime.run_until_idle();
    EXPECT_EQ(broker.count(Direction::received, PacketType::puback), 1u);
}

Task<> take_two(AsyncClient& client) {
    co_await client.connect("mqtt://broker");
    auto stream = co_await client.subscribe("work", QoS::exactly_once);
    auto first = co_await stream.next();
    auto second = co_await stream.next();
    EXPECT_FALSE(second); // the client was disconnected
}

TEST_P(Publishing, message_is_acknowledged_though_no_other_follows) {
    AsyncClient client(runtime, options());
    TaskRoot<> root(take_two(client));
    root.start_on(runtime);
    runtime.run_until_idle();
    broker.publish("work", "1", QoS::exactly_once);
    runtime.run_until_idle();
    EXPECT_EQ(broker.count(Direction::received, PacketType::pubrec), 1u);
    EXPECT_EQ(broker.count(Direction::received, PacketType::pubcomp), 1u);
    const auto disconnect = [](AsyncClient& c) -> Task<> { co_await c.disconnect(); };
    run(disconnect(client));
    EXPECT_TRUE(root.done());
}

Task<> two_streams(AsyncClient& client, int& got) {
    co_await client.connect("mqtt://broker");
    auto narrow = co_await client.subscribe("a/b", QoS::at_least_once);
    auto wide = co_await client.subscribe("a/#", QoS::at_least_once);
    co_await client.publish("a/b", "x", {.qos = QoS::at_least_once});
    auto first = co_await narrow.next();
    auto second = co_await wide.next();
    EXPECT_EQ(first->text(), second->text());
    EXPECT_EQ(first->payload().data(), second->payload().data()); // one block
    got = 2;
}

TEST_P(Publishing, a_message_that_matches_two_streams_goes_to_both) {
    AsyncClient client(runtime, options());
    int got = 0;
    run(two_streams(client, got));
    EXPECT_EQ(got, 2);
}

Task<> unclaimed(AsyncClient& client, culex::testing::FakeBroker& broker) {
    co_await client.connect("mqtt://broker");
    {
        auto dropped = co_await client.subscribe("a", QoS::at_least_once);
    }
    broker.publish("a", "1", QoS::at_least_once);
    co_await sleep_for(1s);
    EXPECT_EQ(client.unclaimed(), 1u);
    auto rest = client.messages();
    broker.publish("a", "2", QoS::at_least_once);
    auto message = co_await rest.next();
    EXPECT_EQ(message->text(), "2");
    EXPECT_EQ(client.unclaimed(), 1u);
}

TEST_P(Publishing, message_without_a_stream_is_acknowledged_and_counted_or_goes_to_the_catch_all) { // [MQTT-4.5.0-2]
    AsyncClient client(runtime, options());
    run(unclaimed(client, broker));
    EXPECT_EQ(broker.count(Direction::received, PacketType::puback), 1u);
}

Task<> refused(AsyncClient& client) {
    co_await client.connect("mqtt://broker");
    auto stream = co_await client.subscribe("secret/#", QoS::at_least_once);
    EXPECT_TRUE(failed(stream.reason_code()));
    auto none = co_await stream.next();
    EXPECT_FALSE(none);
}

Task<> read_one(Subscription& stream, bool& ended) {
    const auto message = co_await stream.next();
    ended = !message;
}

/// Drops a stream in the very turn in which a message has woken its reader, who has not run yet.
Task<> drop_behind_the_message(AsyncClient& client, culex::testing::FakeBroker& broker, bool in_time) {
    co_await client.connect("mqtt://broker");
    auto stream = std::make_unique<Subscription>(co_await client.subscribe("a"));
    bool ended = false;
    Nursery nursery;
    if (in_time) {
        nursery.spawn([](Subscription& from, bool& end) -> Task<> {
            const auto message = co_await from.next(1h);
            end = !message;
        }(*stream, ended));
    } else {
        nursery.spawn(read_one(*stream, ended));
    }
    co_await yield();
    broker.publish("a", "x");
    while (stream->size() == 0) co_await yield();
    EXPECT_FALSE(ended);
    stream.reset();
    co_await nursery.join();
    EXPECT_TRUE(ended);
}

TEST_P(Publishing, a_stream_may_be_dropped_between_its_message_and_its_reader) {
    for (const bool in_time : {false, true}) {
        AsyncClient client(runtime, options());
        run(drop_behind_the_message(client, broker, in_time));
    }
}

TEST_P(Publishing, a_refused_subscription_is_a_value_and_an_ended_stream) {
    broker.options().refused_filters.push_back("secret/#");
    AsyncClient client(runtime, options());
    run(refused(client));
}

Task<> unsubscribe(AsyncClient& client, culex::testing::FakeBroker& broker) {
    co_await client.connect("mqtt://broker");
    auto stream = co_await client.subscribe("a", QoS::at_least_once);
    broker.publish("a", "1", QoS::at_least_once);
    co_await sleep_for(1s);
    co_await client.unsubscribe("a");
    auto message = co_await stream.next();
    EXPECT_EQ(message->text(), "1");
    auto none = co_await stream.next();
    EXPECT_FALSE(none);
}

TEST_P(Publishing, unsubscribing_ends_the_stream_after_what_it_holds) {
    AsyncClient client(runtime, options());
    run(unsubscribe(client, broker));
}

/// A full queue makes the operation wait, and it goes on when there is room; nothing is lost, the order is kept.
Task<> publish_many(AsyncClient& client, int count) {
    for (int i = 0; i < count; ++i) {
        const std::string text = std::to_string(i);
        co_await client.publish("many", text, {.qos = QoS::at_least_once});
    }
}

Task<> publish_all_at_once(AsyncClient& client) {
    co_await client.connect("mqtt://broker");
    Nursery nursery;
    for (int i = 0; i < 20; ++i) nursery.spawn(publish_many(client, 5));
    co_await nursery.join();
}

TEST_P(Publishing, waits_for_room_in_a_full_queue) {
    ClientOptions small = options();
    small.outbound.messages = 3;
    AsyncClient client(runtime, small);
    run(publish_all_at_once(client));
    EXPECT_EQ(broker.messages().size(), 100u);
    EXPECT_EQ(client.outstanding(), 0u);
}

TEST_P(Publishing, is_refused_by_a_full_queue_where_that_is_the_policy) {
    ClientOptions small = options();
    small.outbound.messages = 1;
    small.outbound.when_full = WhenFull::refuse;
    AsyncClient client(runtime, small);
    const auto publish = [](AsyncClient& c) -> Task<> {
        co_await c.connect("mqtt://broker");
        auto first = c.publish("a", "1", {.qos = QoS::at_least_once});
        EXPECT_ERROR(co_await c.publish("a", "2", {.qos = QoS::at_least_once}), Errc::queue_full);
        co_await first;
    };
    run(publish(client));
}

Task<> publish_with_timeout(AsyncClient& client) {
    co_await client.connect("mqtt://broker");
    EXPECT_ERROR(co_await client.publish("a", "1", {.qos = QoS::at_least_once, .timeout = 1s}), Errc::timed_out);
}

TEST_P(Publishing, deadline_ends_the_wait_and_the_message_stays_on_its_way) {
    runtime.set_latency(5s);
    AsyncClient client(runtime, options());
    run(publish_with_timeout(client));
    EXPECT_EQ(client.outstanding(), 1u);
    runtime.advance(20s);
    EXPECT_EQ(client.outstanding(), 0u);
    EXPECT_EQ(broker.messages().size(), 1u);
}

/// 100 clients on one loop, each with a stream of its own, one broker.
Task<> one_of_many(AsyncClient& client, int number) {
    co_await client.connect("mqtt://broker");
    const std::string topic = "to/" + std::to_string(number);
    auto stream = co_await client.subscribe(topic, QoS::at_least_once);
    const std::string next = "to/" + std::to_string((number + 1) % 100);
    if (number == 0) co_await client.publish(next, "token", {.qos = QoS::at_least_once});
    auto token = co_await stream.next();
    EXPECT_EQ(token->text(), "token");
    if (number != 0) co_await client.publish(next, token->payload(), {.qos = QoS::at_least_once});
    co_await client.disconnect();
}

Task<> hundred(std::vector<AsyncClient>& clients) {
    Nursery nursery;
    for (int i = 99; i >= 0; --i) nursery.spawn(one_of_many(clients[static_cast<std::size_t>(i)], i));
    co_await nursery.join();
}

TEST_P(Publishing, a_hundred_clients_share_one_loop_and_one_broker) {
    std::vector<AsyncClient> clients;
    for (int i = 0; i < 100; ++i) clients.emplace_back(runtime, options("client-" + std::to_string(i)));
    run(hundred(clients));
    EXPECT_EQ(broker.messages().size(), 100u);
}

} // namespace
} // namespace culex
