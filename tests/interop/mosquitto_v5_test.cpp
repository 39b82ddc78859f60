// MQTT 5 against the real mosquitto: what both sides must understand alike.
#include <array>
#include <map>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <culex/loop.hpp>
#include <culex/nursery.hpp>
#include <culex/request.hpp>
#include <culex/timeout.hpp>

#include "interop/mosquitto.hpp"

namespace culex {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr QoS q1 = QoS::at_least_once;
constexpr QoS q2 = QoS::exactly_once;

template <class T> Task<T> within_a_minute(Task<T> task) { co_return co_await with_timeout(std::move(task), 60s); }

class Mosquitto5 : public ::testing::Test {
protected:
    template <class T> T run(Task<T> task) { return loop.run(within_a_minute(std::move(task))); }
    [[nodiscard]] static ClientOptions options(std::string_view client_id) {
        return {.client_id = client_id, .version = Version::v5};
    }

    Loop loop;
    Mosquitto mosquitto;
};

Task<std::string> next(Subscription& stream) {
    const auto message = co_await stream.next(20s);
    co_return message ? std::string(message->text()) : "end";
}

/// What has come for `stream` once everything that was sent before now has: a message of the broker's own kind is behind it.
Task<std::vector<std::string>> all_until(Subscription& stream, std::string last) {
    std::vector<std::string> texts;
    for (;;) {
        std::string text = co_await next(stream);
        if (text == last || text == "end") co_return texts;
        texts.push_back(std::move(text));
    }
}

Task<> properties(AsyncClient& client, std::string url) {
    co_await client.connect(url);
    auto stream = co_await client.subscribe("a", q2);
    const std::array<UserProperty, 3> user{{{"k", "1"}, {"k", "2"}, {"", "\xc3\xa4"}}};
    const PublishProperties sent{.payload_format_indicator = std::uint8_t{1},
                                 .message_expiry_interval = 3600,
                                 .response_topic = "answers/here",
                                 .correlation_data = as_bytes(std::string_view("\0\xff", 2)),
                                 .content_type = "text/plain",
                                 .user_properties = user};
    for (const QoS qos : {QoS::at_most_once, q1, q2}) {
        co_await client.publish("a", "x", {.qos = qos, .properties = sent});
        const auto message = co_await stream.next();
        const PublishProperties& got = message->properties();
        EXPECT_EQ(got.payload_format_indicator, 1);
        EXPECT_GT(got.message_expiry_interval, 3500u);
        EXPECT_EQ(got.response_topic, "answers/here");
        EXPECT_EQ(as_text(got.correlation_data.value_or(Bytes{})), std::string_view("\0\xff", 2));
        EXPECT_EQ(got.content_type, "text/plain");
        EXPECT_EQ(std::vector(got.user_properties.begin(), got.user_properties.end()),
                  std::vector(user.begin(), user.end()));
    }
    co_await client.disconnect();
}

TEST_F(Mosquitto5, properties_make_the_round_trip) {
    AsyncClient client(loop, options("properties"));
    run(properties(client, mosquitto.url()));
}

Task<> count(Subscription& stream, int& messages, int& total) {
    while (auto message = co_await stream.next()) {
        ++messages;
        ++total;
    }
}

Task<> shared(Loop& loop, std::string url) {
    AsyncClient first(loop, {.client_id = "first", .version = Version::v5});
    AsyncClient second(loop, {.client_id = "second", .version = Version::v5});
    AsyncClient publisher(loop, {.client_id = "publisher", .version = Version::v5});
    co_await first.connect(url);
    co_await second.connect(url);
    co_await publisher.connect(url);
    auto one = co_await first.subscribe("$share/group/jobs/+", q1);
    auto other = co_await second.subscribe("$share/group/jobs/+", q1);
    int counts[2] = {0, 0};
    int total = 0;
    Nursery counting;
    counting.spawn(count(one, counts[0], total));
    counting.spawn(count(other, counts[1], total));
    for (int i = 0; i < 40; ++i) co_await publisher.publish("jobs/x", "job", {.qos = q1});
    while (total < 40) co_await sleep_for(1ms);
    co_await first.disconnect(); // ends its stream, behind everything
    co_await second.disconnect();
    co_await counting.join();
    EXPECT_EQ(total, 40);
    EXPECT_GT(counts[0], 0);
    EXPECT_GT(counts[1], 0);
}

TEST_F(Mosquitto5, shared_subscription_gives_each_message_to_one_of_the_group) { run(shared(loop, mosquitto.url())); }

Task<bool> connect_for(Loop& loop, std::string url, bool clean_start, std::uint32_t expiry, bool subscribe) {
    AsyncClient client(loop, {.client_id = "sleeper",
                              .version = Version::v5,
                              .clean_start = clean_start,
                              .properties = {.session_expiry_interval = expiry}});
    auto all = client.messages();
    const ConnectResult result = co_await client.connect(url);
    if (subscribe) co_await client.subscribe("dreams", q1);
    if (result.session_present) {
        const std::string text = co_await next(all);
        EXPECT_EQ(text, "kept");
    }
    co_await client.disconnect();
    co_return result.session_present;
}

Task<> publish_one(Loop& loop, std::string url, std::string topic, std::string payload, PublishOptions options) {
    AsyncClient client(loop, {.client_id = "publisher", .version = Version::v5});
    co_await client.connect(url);
    co_await client.publish(topic, payload, options);
    co_await client.disconnect();
}

Task<> expire(Loop& loop, std::string url) {
    const bool fresh = co_await connect_for(loop, url, true, 300, true);
    EXPECT_FALSE(fresh);
    co_await publish_one(loop, url, "dreams", "kept", {.qos = q1});
    const bool resumed = co_await connect_for(loop, url, false, 1, false); // which expires a second after it
    EXPECT_TRUE(resumed);
    bool still_there = true; // until the broker looks at its clock
    for (int tries = 0; tries < 20 && still_there; ++tries) {
        co_await sleep_for(1500ms);
        AsyncClient client(loop, {.client_id = "sleeper",
                                  .version = Version::v5,
                                  .clean_start = false,
                                  .properties = {.session_expiry_interval = 1}});
        const ConnectResult result = co_await client.connect(url);
        still_there = result.session_present;
        co_await client.disconnect();
    }
    EXPECT_FALSE(still_there);
}

TEST_F(Mosquitto5, session_is_resumed_with_its_messages_and_expires) { run(expire(loop, mosquitto.url())); }

Task<> die(Loop& loop, const ClientOptions& options, std::string url) {
    AsyncClient client(loop, options);
    co_await client.connect(url);
}

Task<> delayed_will(Loop& loop, std::string url) {
    AsyncClient monitor(loop, {.client_id = "monitor", .version = Version::v5});
    co_await monitor.connect(url);
    auto stream = co_await monitor.subscribe("will", q1);
    ClientOptions mortal{.client_id = "mortal", .version = Version::v5, .clean_start = false};
    mortal.properties.session_expiry_interval = 300;
    mortal.will = Will{.topic = "will", .payload = as_bytes("gone"), .qos = q1};
    mortal.will->properties.will_delay_interval = 2;
    mortal.will->properties.content_type = "text/plain";
    const TimePoint died = Clock::now();
    co_await die(loop, mortal, url);
    const auto message = co_await stream.next();
    EXPECT_EQ(message->text(), "gone");
    EXPECT_EQ(message->properties().content_type, "text/plain");
    EXPECT_GE(Clock::now() - died, 1s); // mosquitto counts in whole seconds
    // One that is back in time has none.
    mortal.will->properties.will_delay_interval = 3;
    co_await die(loop, mortal, url);
    mortal.will.reset();
    AsyncClient back(loop, mortal);
    co_await back.connect(url);
    co_await sleep_for(4500ms);
    co_await back.publish("will", "alive", {.qos = q1});
    const std::string text = co_await next(stream);
    EXPECT_EQ(text, "alive");
}

TEST_F(Mosquitto5, will_waits_for_its_delay_and_is_called_off_by_a_return) { run(delayed_will(loop, mosquitto.url())); }

/// Mosquitto chooses aliases of its own for who allows them; what we choose ourselves must not change what arrives.
Task<> aliases(AsyncClient& client, std::string url) {
    co_await client.connect(url);
    auto stream = co_await client.subscribe("long/topic/#", q1);
    std::vector<std::string> sent;
    std::vector<std::string> got;
    for (int i = 0; i < 60; ++i) {
        sent.push_back("long/topic/of/several/levels/" + std::to_string(i % 15));
        const std::string& topic = sent.back();
        co_await client.publish(topic, topic, {.qos = q1});
    }
    for (int i = 0; i < 60; ++i) {
        const auto message = co_await stream.next();
        got.emplace_back(message->topic());
        EXPECT_EQ(message->topic(), message->text());
    }
    EXPECT_EQ(got, sent);
}

TEST_F(Mosquitto5, topic_aliases_change_no_topic) {
    ClientOptions aliasing = options("aliases");
    aliasing.properties.topic_alias_maximum = 10;
    AsyncClient client(loop, aliasing);
    run(aliases(client, mosquitto.url()));
}

Task<> message_expiry(Loop& loop, std::string url) {
    ClientOptions persistent{.client_id = "late", .version = Version::v5, .clean_start = true};
    persistent.properties.session_expiry_interval = 300;
    {
        AsyncClient client(loop, persistent);
        co_await client.connect(url);
        auto stream = co_await client.subscribe("news", q1);
        co_await client.disconnect();
    }
    co_await publish_one(loop, url, "news", "old", {.qos = q1, .properties = {.message_expiry_interval = 1}});
    co_await publish_one(loop, url, "news", "fresh", {.qos = q1, .properties = {.message_expiry_interval = 1000}});
    co_await sleep_for(3s);
    persistent.clean_start = false;
    AsyncClient client(loop, persistent);
    auto all = client.messages();
    co_await client.connect(url);
    const auto message = co_await all.next(20s);
    EXPECT_EQ(message->text(), "fresh"); // the other has expired
    EXPECT_LE(message->properties().message_expiry_interval, 998u);
    EXPECT_GT(message->properties().message_expiry_interval, 900u);
}

TEST_F(Mosquitto5, message_expires_and_its_time_left_is_told) { run(message_expiry(loop, mosquitto.url())); }

/// With a window of one each message waits for the one before it to be acknowledged.
Task<> window_of_one(AsyncClient& client, std::string url) {
    co_await client.connect(url);
    auto stream = co_await client.subscribe("a", q2, {.acknowledge = Acknowledge::manual});
    std::vector<std::string> sent;
    for (int i = 0; i < 10; ++i) {
        sent.push_back(std::to_string(i));
        const std::string& payload = sent.back();
        const QoS qos = i % 2 == 0 ? q1 : q2;
        co_await client.publish("a", payload, {.qos = qos});
    }
    std::vector<std::string> got;
    while (got.size() < sent.size()) {
        const auto message = co_await stream.next();
        EXPECT_EQ(client.unacknowledged(), 1u);
        EXPECT_EQ(stream.size(), 0u);
        got.emplace_back(message->text());
        message->ack();
    }
    EXPECT_EQ(got, sent);
}

TEST_F(Mosquitto5, receive_maximum_of_one_is_kept_by_the_broker) {
    ClientOptions narrow = options("narrow");
    narrow.properties.receive_maximum = 1;
    AsyncClient client(loop, narrow);
    run(window_of_one(client, mosquitto.url()));
}

Task<> publish_many(AsyncClient& client, std::string url) {
    co_await client.connect(url);
    auto stream = co_await client.subscribe("a", q2);
    std::vector<std::string> sent;
    Nursery publishing;
    for (int i = 0; i < 10; ++i) {
        sent.push_back(std::to_string(i));
        publishing.spawn([](AsyncClient& to, std::string payload, QoS qos) -> Task<> {
            co_await to.publish("a", payload, {.qos = qos});
        }(client, sent.back(), q1));
    }
    co_await publishing.join();
    std::vector<std::string> got;
    while (got.size() < sent.size()) got.push_back(co_await next(stream));
    EXPECT_EQ(got, sent);
}

TEST(Mosquitto5WithLimits, receive_maximum_of_one_is_kept_by_the_client) {
    const Mosquitto narrow(Mosquitto::Access::anonymous, "max_inflight_messages 1\n");
    Loop loop;
    AsyncClient client(loop, {.client_id = "many", .version = Version::v5});
    loop.run(within_a_minute(publish_many(client, narrow.url())));
}

Task<Errc> publish_large(AsyncClient& client, std::string url) {
    co_await client.connect(url);
    const std::string large(5000, 'x');
    auto code = Errc::closed;
    try {
        co_await client.publish("a", large, {.qos = q1, .timeout = 10s});
    } catch (const Error& error) {
        if (error.failure() == Errc::packet_too_large) code = Errc::packet_too_large;
    }
    const auto small = co_await client.publish("a", "small", {.qos = q1}); // the connection is as it was
    EXPECT_FALSE(failed(small.reason_code));
    co_return code;
}

TEST(Mosquitto5WithLimits, maximum_packet_size_of_the_broker_is_kept_by_the_client) {
    const Mosquitto narrow(Mosquitto::Access::anonymous, "max_packet_size 1000\n");
    Loop loop;
    AsyncClient client(loop, {.client_id = "large", .version = Version::v5});
    EXPECT_EQ(loop.run(within_a_minute(publish_large(client, narrow.url()))), Errc::packet_too_large);
    EXPECT_EQ(client.statistics().connections, 1u);
}

Task<> receive_small(AsyncClient& client, std::string url) {
    co_await client.connect(url);
    auto stream = co_await client.subscribe("a", q1);
    const std::string large(5000, 'x');
    co_await client.publish("a", large, {.qos = q1});
    co_await client.publish("a", "small", {.qos = q1});
    const std::string text = co_await next(stream);
    EXPECT_EQ(text, "small"); // the other was not sent to us
}

TEST_F(Mosquitto5, maximum_packet_size_of_the_client_is_kept_by_the_broker) {
    ClientOptions narrow = options("small");
    narrow.properties.maximum_packet_size = 1000;
    AsyncClient client(loop, narrow);
    run(receive_small(client, mosquitto.url()));
    EXPECT_EQ(client.statistics().connections, 1u);
}

Task<> no_local(AsyncClient& client, AsyncClient& other, std::string url) {
    co_await client.connect(url);
    co_await other.connect(url);
    auto stream = co_await client.subscribe("a", q1, {.no_local = true});
    co_await client.publish("a", "own", {.qos = q1});
    co_await other.publish("a", "other's", {.qos = q1});
    const std::string text = co_await next(stream);
    EXPECT_EQ(text, "other's");
}

TEST_F(Mosquitto5, no_local_leaves_out_what_the_client_publishes) {
    AsyncClient client(loop, options("client"));
    AsyncClient other(loop, options("other"));
    run(no_local(client, other, mosquitto.url()));
}

/// Twice to the same filter; behind each answer, a message that is not retained.
Task<> retain_handling(AsyncClient& client, std::string url, RetainHandling handling, std::vector<std::string>& got) {
    co_await client.connect(url);
    co_await client.publish("kept", "retained", {.qos = q1, .retain = true});
    auto stream = co_await client.subscribe("kept", q1, {.retain_handling = handling});
    co_await client.publish("kept", "first", {.qos = q1});
    auto until_first = co_await all_until(stream, "first");
    auto again = co_await client.subscribe("kept", q1, {.retain_handling = handling});
    co_await client.publish("kept", "second", {.qos = q1});
    auto until_second = co_await all_until(again, "second");
    got.push_back(std::to_string(until_first.size()) + " " + std::to_string(until_second.size()));
    co_await client.publish("kept", "", {.qos = q1, .retain = true});
    co_await client.disconnect();
}

TEST_F(Mosquitto5, retain_handling_is_understood) {
    std::vector<std::string> got;
    for (const auto handling : {RetainHandling::send, RetainHandling::send_if_new, RetainHandling::do_not_send}) {
        AsyncClient client(loop, options("retain"));
        run(retain_handling(client, mosquitto.url(), handling, got));
    }
    EXPECT_THAT(got, ElementsAre("1 1", "1 0", "0 0"));
}

Task<> retain_as_published(AsyncClient& client, std::string url) {
    co_await client.connect(url);
    auto plain = co_await client.subscribe("a/plain", q1);
    auto as_published = co_await client.subscribe("a/+", q1, {.retain_as_published = true});
    for (const bool retain : {true, false}) {
        co_await client.publish("a/b", "x", {.qos = q1, .retain = retain});
        const auto message = co_await as_published.next();
        EXPECT_EQ(message->retain(), retain);
    }
    co_await client.unsubscribe("a/+");
    co_await client.publish("a/plain", "x", {.qos = q1, .retain = true});
    const auto message = co_await plain.next();
    EXPECT_FALSE(message->retain());
}

TEST_F(Mosquitto5, retain_as_published_shows_how_a_message_was_published) {
    AsyncClient client(loop, options("rap"));
    run(retain_as_published(client, mosquitto.url()));
}

Task<> identifiers(AsyncClient& client, std::string url) {
    co_await client.connect(url);
    const SubscribeProperties one{.subscription_identifier = 1};
    const SubscribeProperties greatest{.subscription_identifier = 268'435'455};
    auto narrow = co_await client.subscribe("a/b", q1, {.properties = one});
    co_await client.publish("a/b", "x", {.qos = q1});
    const auto first = co_await narrow.next();
    EXPECT_THAT(first->properties().subscription_identifiers, ElementsAre(1u));
    auto wide = co_await client.subscribe("c/#", q1, {.properties = greatest});
    co_await client.publish("c/d", "x", {.qos = q1});
    const auto second = co_await wide.next();
    EXPECT_THAT(second->properties().subscription_identifiers, ElementsAre(268'435'455u));
}

TEST_F(Mosquitto5, subscription_identifiers_come_back_with_the_messages) {
    AsyncClient client(loop, options("ids"));
    run(identifiers(client, mosquitto.url()));
}

Task<Reply> twice(const Message& request) { co_return std::string(request.text()) + std::string(request.text()); }

Task<> ask(AsyncClient& client, std::string text, std::string& reply) {
    const auto message = co_await client.request("service/twice", text, {.timeout = 20s});
    reply = message.text();
}

Task<> requests(AsyncClient& client, AsyncClient& server, std::string url) {
    co_await client.connect(url);
    co_await server.connect(url);
    Nursery services;
    services.spawn(server.serve("service/+", &twice));
    co_await yield();
    co_await server.publish("ready", "", {.qos = q1}); // behind SUBSCRIBE
    std::vector<std::string> replies(100);
    Nursery asking;
    for (std::size_t i = 0; i < replies.size(); ++i) asking.spawn(ask(client, std::to_string(i), replies[i]));
    co_await asking.join();
    for (std::size_t i = 0; i < replies.size(); ++i) EXPECT_EQ(replies[i], std::to_string(i) + std::to_string(i));
    Errc nobody = Errc::closed;
    try {
        co_await client.request("nobody/here", "x", {.timeout = 20s});
    } catch (const Error& error) {
        if (error.failure() == Errc::rejected) nobody = Errc::rejected;
    }
    EXPECT_EQ(nobody, Errc::rejected);
    co_await server.disconnect();
    co_await services.join();
}

TEST_F(Mosquitto5, requests_are_answered) {
    AsyncClient client(loop, options("asker"));
    AsyncClient server(loop, options("server"));
    run(requests(client, server, mosquitto.url()));
    EXPECT_EQ(client.statistics().replies, 100u);
}

} // namespace
} // namespace culex
