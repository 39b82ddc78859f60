// Requests and their replies (MQTT 5, section 4.10), seen from who asks.
#include <culex/request.hpp>

#include "client/operations_test.hpp"

namespace culex {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

/// What the far side, a function of the test at the broker, has been asked.
struct Asked {
    std::string payload{};
    std::string response_topic{};
    std::string correlation{};
    std::optional<std::uint32_t> expiry{};
};

class Requests : public OperationsTest {
protected:
    Requests() {
        run(culex::connect(client));
        run(culex::connect(far));
        run(subscribe_far());
    }

    [[nodiscard]] std::vector<Asked> asked() const {
        std::vector<Asked> all;
        for (const auto& record : broker.received(PacketType::publish)) {
            const Publish* const publish = record.as<Publish>();
            if (!publish || publish->dup || !publish->properties.response_topic) continue;
            all.push_back({.payload = std::string(as_text(publish->payload)),
                           .response_topic = std::string(*publish->properties.response_topic),
                           .correlation = std::string(as_text(publish->properties.correlation_data.value_or(Bytes{}))),
                           .expiry = publish->properties.message_expiry_interval});
        }
        return all;
    }
    void reply(const Asked& to, std::string_view payload, QoS qos = q1) {
        broker.publish(Publish{.topic = to.response_topic,
                               .payload = as_bytes(payload),
                               .qos = qos,
                               .properties = {.correlation_data = as_bytes(to.correlation)}});
        runtime.run_until_idle();
    }

    Task<> subscribe_far() { far_side = co_await far.subscribe("far/#", q1); }

    AsyncClient client{runtime, {.client_id = "asker", .version = Version::v5}};
    /// Somebody is there, is back before the asker is, and says nothing: the test does that.
    AsyncClient far{
        runtime, {.client_id = "far", .version = Version::v5, .reconnect = {.first_delay = 10ms, .max_delay = 10ms}}};
    Subscription far_side;
};

INSTANTIATE_TEST_SUITE_P(V5, Requests, ::testing::Values(Version::v5), version_name);

Task<> ask(AsyncClient& client, std::string payload, std::string& reply, RequestOptions options = {}) {
    const auto message = co_await client.request("far/side", payload, options);
    reply = message.text();
}

TEST_P(Requests, reply_comes_to_its_request_in_any_order) {
    std::string replies[3];
    const Running running[] = {start(ask(client, "0", replies[0])), start(ask(client, "1", replies[1])),
                               start(ask(client, "2", replies[2]))};
    runtime.run_until_idle();
    const auto all = asked();
    ASSERT_THAT(all, SizeIs(3));
    for (const std::size_t i : {2u, 0u, 1u}) {
        EXPECT_FALSE(running[i].done());
        reply(all[i], "to " + all[i].payload);
        EXPECT_TRUE(running[i].succeeded()) << running[i].failure().message();
    }
    EXPECT_THAT(replies, ElementsAre("to 0", "to 1", "to 2"));
    EXPECT_EQ(client.statistics().replies, 3u);
    EXPECT_EQ(client.statistics().replies_dropped, 0u);
}

TEST_P(Requests, a_thousand_wait_at_once_with_one_subscription) {
    constexpr std::size_t count = 1000;
    std::vector<std::string> replies(count);
    std::vector<std::unique_ptr<Running>> running;
    for (std::size_t i = 0; i < count; ++i) {
        running.push_back(std::make_unique<Running>(runtime, ask(client, std::to_string(i), replies[i])));
    }
    runtime.run_until_idle();
    EXPECT_EQ(client.statistics().outbound.requests, 1000u);
    auto all = asked();
    ASSERT_THAT(all, SizeIs(count));
    for (std::size_t i = count; i-- > 0;) reply(all[i], all[i].payload);
    for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(replies[i], std::to_string(i));
    EXPECT_EQ(received(PacketType::subscribe), 2u); // one is the far side's
    running.clear();
    EXPECT_EQ(client.statistics().outbound.requests, 0u);
}

TEST_P(Requests, response_topic_is_under_the_client_id_and_is_no_other_clients) {
    AsyncClient other(runtime, {.client_id = "odd/+#", .version = Version::v5});
    run(culex::connect(other));
    std::string answer;
    const Running running[] = {start(ask(client, "a", answer)), start(ask(other, "b", answer))};
    runtime.run_until_idle();
    const auto all = asked();
    ASSERT_THAT(all, SizeIs(2));
    const std::string prefix = "culex/responses/asker/";
    EXPECT_THAT(all[0].response_topic, StartsWith(prefix));
    EXPECT_THAT(all[1].response_topic, StartsWith("culex/responses/odd___/"));
    const std::string secret = all[0].response_topic.substr(prefix.size());
    EXPECT_EQ(secret.size(), 32u);
    EXPECT_THAT(all[1].response_topic, ::testing::Not(HasSubstr(secret)));
}

TEST_P(Requests, late_unknown_and_second_replies_are_dropped_and_counted) {
    std::string answer;
    const Running late = start(ask(client, "late", answer, {.timeout = 2s}));
    runtime.advance(3s);
    EXPECT_TRUE(late.failed(Errc::timed_out)) << late.failure().message();
    EXPECT_THAT(late.failure().detail(), HasSubstr("no reply in time"));
    const Asked first = asked().at(0);
    EXPECT_EQ(first.expiry, 2u);
    reply(first, "too late");
    EXPECT_EQ(client.statistics().replies_dropped, 1u);

    const Running next = start(ask(client, "next", answer)); // may have the place of the first
    runtime.run_until_idle();
    const Asked second = asked().at(1);
    reply(first, "even later");
    for (const char* unknown : {"", "\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f", "much longer than ours"}) {
        Asked stranger = second;
        stranger.correlation = unknown;
        reply(stranger, "who?");
    }
    broker.publish(second.response_topic, "without correlation data", q1);
    runtime.run_until_idle();
    EXPECT_FALSE(next.done());
    reply(second, "this one");
    reply(second, "and again");
    EXPECT_TRUE(next.succeeded());
    EXPECT_EQ(answer, "this one");
    EXPECT_EQ(client.statistics().replies, 1u);
    EXPECT_EQ(client.statistics().replies_dropped, 7u);
    EXPECT_EQ(client.unacknowledged(), 0u);
}

/// Two replies in one turn, before the asker has seen the first; and one for an operation that has failed and is still there.
TEST_P(Requests, operation_that_is_done_takes_no_other_reply) {
    std::string answer;
    const Running running = start(ask(client, "x", answer));
    runtime.run_until_idle();
    const Asked to = asked().at(0);
    for (const char* const payload : {"first", "second"}) {
        broker.publish(Publish{.topic = to.response_topic,
                               .payload = as_bytes(payload),
                               .properties = {.correlation_data = as_bytes(to.correlation)}});
    }
    runtime.run_until_idle();
    EXPECT_EQ(answer, "first");
    EXPECT_EQ(client.statistics().replies_dropped, 1u);

    const auto kept = client.request("far/side", "kept", {.timeout = 1s});
    runtime.advance(2s);
    EXPECT_TRUE(kept.await_ready());
    reply(asked().at(1), "too late");
    EXPECT_EQ(client.statistics().replies, 1u);
    EXPECT_EQ(client.statistics().replies_dropped, 2u);
}

TEST_P(Requests, one_that_is_dropped_waits_no_more) {
    std::string answer;
    Running dropped = start(ask(client, "dropped", answer));
    Running dropped_before_suback = start(ask(client, "other", answer));
    dropped_before_suback.drop();
    runtime.run_until_idle();
    dropped.drop();
    EXPECT_EQ(client.statistics().outbound.requests, 0u);
    ASSERT_THAT(asked(), SizeIs(1)); // the other was not sent yet
    reply(asked()[0], "x");
    EXPECT_EQ(client.statistics().replies_dropped, 1u);
    EXPECT_EQ(answer, "");
}

TEST_P(Requests, survive_a_connection_that_is_lost_and_a_session_too) {
    std::string answers[3];
    const Running sent = start(ask(client, "sent", answers[0], {.timeout = 0ms}));
    runtime.run_until_idle();
    lose_connection();
    broker.forget_sessions();
    const Running offline = start(ask(client, "offline", answers[1], {.timeout = 0ms}));
    runtime.advance(1s);
    find_broker_again();
    for (const Asked& each : asked()) reply(each, "to " + each.payload); // the subscription is there again
    EXPECT_TRUE(sent.succeeded()) << sent.failure().message();
    EXPECT_TRUE(offline.succeeded()) << offline.failure().message();
    EXPECT_THAT(answers, ElementsAre("to sent", "to offline", ""));
}

TEST_P(Requests, unacknowledged_request_is_sent_again_after_a_reconnect) {
    std::string answer;
    const Running first = start(ask(client, "first", answer)); // subscribes
    runtime.run_until_idle();
    runtime.set_latency(1s);
    const Running running = start(ask(client, "again", answer, {.timeout = 0ms}));
    runtime.advance(500ms);
    broker.drop_all_connections();
    runtime.set_latency(0s);
    runtime.advance(2min);
    for (const auto& record : broker.received(PacketType::publish)) {
        const Publish* const publish = record.as<Publish>();
        if (publish && as_text(publish->payload) == "again") {
            reply({.response_topic = std::string(*publish->properties.response_topic),
                   .correlation = std::string(as_text(*publish->properties.correlation_data))},
                  "done");
        }
    }
    EXPECT_TRUE(running.succeeded()) << running.failure().message();
    EXPECT_EQ(answer, "done");
}

TEST_P(Requests, response_topic_is_made_of_response_information_where_it_is_given) {
    broker.options().connack.response_information = "for/you";
    AsyncClient informed(runtime, {.client_id = "informed",
                                   .version = Version::v5,
                                   .properties = {.request_response_information = std::uint8_t{1}}});
    run(culex::connect(informed));
    std::string answers[2];
    const Running before = start(ask(informed, "before", answers[0]));
    runtime.run_until_idle();
    ASSERT_THAT(asked(), SizeIs(1));
    EXPECT_THAT(asked()[0].response_topic, StartsWith("for/you/"));

    broker.options().connack.response_information = "elsewhere/";
    broker.drop_connection("informed");
    runtime.advance(2min);
    EXPECT_TRUE(before.failed(Errc::session_lost)) << before.failure().message();
    const Running after = start(ask(informed, "after", answers[1]));
    runtime.run_until_idle();
    ASSERT_THAT(asked(), SizeIs(2));
    EXPECT_THAT(asked()[1].response_topic, StartsWith("elsewhere/"));
    EXPECT_THAT(asked()[1].response_topic, ::testing::Not(HasSubstr("//")));
    reply(asked()[1], "there");
    EXPECT_TRUE(after.succeeded());
    ASSERT_THAT(broker.session("informed")->subscriptions, SizeIs(1));
    EXPECT_EQ(broker.session("informed")->subscriptions[0].filter, asked()[1].response_topic);
}

TEST_P(Requests, refused_subscription_to_the_response_topic_fails_the_request_by_name) {
    broker.options().authorize_subscribe = [](std::string_view, const TopicSubscription& asked_for) {
        return asked_for.filter.starts_with("culex/") ? ReasonCode::not_authorized : ReasonCode::granted_qos_1;
    };
    std::string answer;
    const Running running = start(ask(client, "x", answer));
    runtime.run_until_idle();
    EXPECT_TRUE(running.failed(Errc::rejected)) << running.failure().message();
    EXPECT_THAT(running.failure().detail(), HasSubstr("response topic"));
    EXPECT_EQ(running.failure().reason_code(), ReasonCode::not_authorized);
    EXPECT_THAT(asked(), IsEmpty());
    broker.options().authorize_subscribe = {};
    const Running again = start(ask(client, "y", answer));
    runtime.run_until_idle();
    ASSERT_THAT(asked(), SizeIs(1));
    reply(asked()[0], "now");
    EXPECT_TRUE(again.succeeded());
}

Task<> ask_nobody(AsyncClient& client) { co_await client.request("nobody/here", "x"); }

TEST_P(Requests, request_that_nobody_gets_fails_at_once) {
    const Running running = start(ask_nobody(client));
    runtime.run_until_idle();
    EXPECT_TRUE(running.failed(Errc::rejected)) << running.failure().message();
    EXPECT_EQ(running.failure().reason_code(), ReasonCode::no_matching_subscribers);
}

TEST_P(Requests, fail_where_the_client_stops) {
    std::string answer;
    const Running disconnected = start(ask(client, "x", answer, {.timeout = 0ms}));
    runtime.run_until_idle();
    DisconnectResult left;
    run(culex::disconnect(client, left));
    EXPECT_TRUE(disconnected.failed(Errc::closed)) << disconnected.failure().message();
    const Running idle = start(ask(client, "x", answer));
    runtime.run_until_idle();
    EXPECT_TRUE(idle.failed(Errc::not_connected));

    run(culex::connect(client)); // and it can be asked again
    const Running again = start(ask(client, "again", answer, {.timeout = 0ms}));
    runtime.run_until_idle();
    refuse_for_good();
    EXPECT_TRUE(again.failed(Errc::connection_refused)) << again.failure().message();
    broker.options().refuse_connect.reset();
    run(culex::connect(far)); // which had given up as well
    run(subscribe_far());

    auto gone = std::make_unique<AsyncClient>(runtime, ClientOptions{.client_id = "gone", .version = Version::v5});
    run(culex::connect(*gone));
    const Running waits = start(ask(*gone, "gone", answer, {.timeout = 0ms}));
    runtime.run_until_idle();
    gone.reset();
    runtime.run_until_idle();
    EXPECT_TRUE(waits.failed(Errc::closed)) << waits.failure().message();
}

TEST_P(Requests, wait_for_the_first_connection_and_for_room) {
    AsyncClient small(runtime, {.client_id = "small", .version = Version::v5, .outbound = {.messages = 2}});
    const Running connecting = start(culex::connect(small));
    runtime.run_until([&] { return small.state() == ConnectionState::connecting; });
    constexpr std::size_t count = 10;
    std::string answers[count];
    std::vector<std::unique_ptr<Running>> running;
    for (std::size_t i = 0; i < count; ++i) {
        const QoS qos = static_cast<QoS>(i % 3);
        running.push_back(std::make_unique<Running>(runtime, ask(small, std::to_string(i), answers[i], {.qos = qos})));
    }
    runtime.run_until_idle();
    const auto all = asked();
    ASSERT_THAT(all, SizeIs(count));
    for (const Asked& each : all) reply(each, each.payload, QoS::at_most_once);
    for (std::size_t i = 0; i < count; ++i) {
        EXPECT_TRUE(running[i]->succeeded()) << i << ": " << running[i]->failure().message();
        EXPECT_EQ(answers[i], std::to_string(i));
    }
}

/// Those that wait for the response topic, and those that do not; a payload that is copied, and one that stands apart.
TEST_P(Requests, arrive_whole_however_large_they_are) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1'000}, std::size_t{100'000}}) {
        for (const QoS qos : {QoS::at_most_once, QoS::at_least_once, QoS::exactly_once}) {
            AsyncClient fresh(runtime, {.client_id = "fresh", .version = Version::v5});
            run(culex::connect(fresh));
            std::string answers[3];
            const std::string payload(size, 'x');
            for (std::string& answer : answers) {
                const Running running = start(ask(fresh, payload, answer, {.qos = qos}));
                runtime.run_until_idle();
                const auto all = asked();
                ASSERT_FALSE(all.empty());
                EXPECT_EQ(all.back().payload.size(), size);
                reply(all.back(), "done");
                EXPECT_TRUE(running.succeeded()) << running.failure().message();
                EXPECT_EQ(answer, "done");
            }
        }
    }
}

Task<> ask_with(AsyncClient& client, std::string topic, RequestOptions options) {
    co_await client.request(topic, "x", options);
}

TEST_P(Requests, bad_arguments_are_named_and_nothing_is_sent) {
    const Running topic = start(ask_with(client, "a/#", {}));
    const Running response = start(ask_with(client, "a", {.properties = {.response_topic = "mine"}}));
    const Running correlation = start(ask_with(client, "a", {.properties = {.correlation_data = as_bytes("mine")}}));
    runtime.run_until_idle();
    EXPECT_TRUE(topic.failed(Errc::invalid_argument)) << topic.failure().message();
    EXPECT_TRUE(response.failed(Errc::invalid_argument));
    EXPECT_THAT(response.failure().detail(), StartsWith("response_topic"));
    EXPECT_TRUE(correlation.failed(Errc::invalid_argument));
    EXPECT_THAT(correlation.failure().detail(), StartsWith("correlation_data"));
    EXPECT_EQ(received(PacketType::publish), 0u);
}

TEST_P(Requests, version_3_1_1_has_none_and_says_so) {
    AsyncClient old(runtime, {.client_id = "old", .version = Version::v3_1_1});
    run(culex::connect(old));
    std::string answer;
    const Running running = start(ask(old, "x", answer));
    runtime.run_until_idle();
    EXPECT_TRUE(running.failed(Errc::not_supported));
    EXPECT_THAT(running.failure().detail(), HasSubstr("3.1.1"));
    EXPECT_EQ(received(PacketType::subscribe), 1u); // the far side's
}

} // namespace
} // namespace culex
