// The other side of requests: handlers, and what becomes of them.
#include <culex/event.hpp>
#include <culex/request.hpp>

#include "client/operations_test.hpp"

namespace culex {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class Serve : public OperationsTest {
protected:
    Serve() {
        run(culex::connect(client));
        run(culex::connect(server));
    }

    /// A service that has subscribed, or failed to.
    struct Serving : Running {
        Serving(culex::testing::VirtualRuntime& runtime, Task<> task) : Running(runtime, std::move(task)) {
            runtime.run_until_idle();
        }
    };
    Serving serve(RequestHandler handler, ServeOptions options = {}, std::string_view filter = "far/+") {
        return {runtime, server.serve(filter, std::move(handler), options)};
    }

    AsyncClient client{runtime, {.client_id = "asker", .version = Version::v5}};
    AsyncClient server{runtime, {.client_id = "server", .version = Version::v5}};
};

INSTANTIATE_TEST_SUITE_P(V5, Serve, ::testing::Values(Version::v5), version_name);

Task<> ask(AsyncClient& client, std::string payload, Message& reply, RequestOptions options = {}) {
    reply = co_await client.request("far/side", payload, options);
}

Task<Reply> echo(const Message& request) { co_return "re: " + std::string(request.text()); }

/// Answers after as many seconds as the request says.
Task<Reply> take_time(const Message& request) {
    co_await sleep_for(std::chrono::seconds(std::stoi(std::string(request.text()))));
    co_return request.text();
}

Task<Reply> fail_sometimes(const Message& request) {
    if (request.text() == "odd") throw 1;
    if (request.text() == "bad") throw std::runtime_error("a secret of the server");
    co_return "good";
}

TEST_P(Serve, request_is_answered_at_every_qos) {
    const Serving service = serve(&echo);
    for (const QoS qos : {QoS::at_most_once, QoS::at_least_once, QoS::exactly_once}) {
        Message reply;
        run(ask(client, "x", reply, {.qos = qos}));
        EXPECT_EQ(reply.text(), "re: x");
        EXPECT_EQ(reply.qos(), std::min(qos, q1));
        EXPECT_FALSE(reply.retain());
    }
    EXPECT_FALSE(service.done());
}

TEST_P(Serve, tells_when_the_broker_has_granted_it) {
    Event ready;
    runtime.set_latency(1s);
    const Serving service = serve(&echo, {.ready = &ready});
    runtime.advance(1900ms);
    EXPECT_FALSE(ready.is_set());
    runtime.advance(100ms);
    EXPECT_TRUE(ready.is_set());
}

TEST_P(Serve, is_not_ready_where_the_broker_refuses_it) {
    Event ready;
    broker.options().authorize_subscribe = [](std::string_view, const TopicSubscription&) {
        return ReasonCode::not_authorized;
    };
    const Serving service = serve(&echo, {.ready = &ready});
    EXPECT_TRUE(service.failed(Errc::rejected));
    EXPECT_FALSE(ready.is_set());
}

Task<Reply> describe(const Message& request) {
    Reply reply("<reading/>");
    reply.content_type = "text/xml";
    for (const UserProperty& property : request.properties().user_properties) {
        reply.user_properties.emplace_back(property.name, std::string(property.value) + "!");
    }
    co_return std::move(reply);
}

TEST_P(Serve, properties_make_the_way_there_and_back) {
    const Serving service = serve(&describe);
    const UserProperty user[] = {{.name = "unit", .value = "K"}, {.name = "unit", .value = "F"}};
    Message reply;
    run(ask(client, "x", reply, {.properties = {.user_properties = user}}));
    EXPECT_EQ(reply.text(), "<reading/>");
    EXPECT_EQ(reply.properties().content_type, "text/xml");
    ASSERT_THAT(reply.properties().user_properties, SizeIs(2));
    EXPECT_EQ(reply.properties().user_properties[1], (UserProperty{.name = "unit", .value = "F!"}));
}

TEST_P(Serve, no_more_handlers_run_at_once_than_asked_for) {
    int running = 0;
    int most = 0;
    const Serving service = serve(
        [&](const Message&) -> Task<Reply> {
            most = std::max(most, ++running);
            co_await sleep_for(1s);
            --running;
            co_return Reply();
        },
        {.concurrency = 3});
    std::vector<std::unique_ptr<Running>> asking;
    std::vector<Message> replies(10);
    for (Message& reply : replies) {
        asking.push_back(std::make_unique<Running>(runtime, ask(client, "x", reply)));
    }
    runtime.advance(3500ms);
    EXPECT_EQ(std::ranges::count_if(asking, [](const auto& each) { return each->succeeded(); }), 9);
    runtime.advance(1s);
    EXPECT_TRUE(asking.back()->succeeded());
    EXPECT_EQ(most, 3);
}

TEST_P(Serve, slow_requests_do_not_hold_up_quick_ones) {
    const Serving service = serve(&take_time);
    Message replies[2];
    const Running slow = start(ask(client, "20", replies[0]));
    const Running quick = start(ask(client, "1", replies[1]));
    runtime.advance(2s);
    EXPECT_TRUE(quick.succeeded() && !slow.done());
    runtime.advance(20s);
    EXPECT_TRUE(slow.succeeded());
}

TEST_P(Serve, handler_that_throws_is_told_to_the_asker_and_does_not_end_the_service) {
    const Serving service = serve(&fail_sometimes);
    for (const char* const payload : {"bad", "odd"}) {
        Message reply;
        const Running failed = start(ask(client, payload, reply));
        runtime.run_until_idle();
        EXPECT_TRUE(failed.failed(Errc::rejected)) << failed.failure().message();
        EXPECT_EQ(failed.failure().reason_code(), ReasonCode::implementation_specific_error);
        EXPECT_THAT(failed.failure().message(), ::testing::Not(HasSubstr("secret")));
    }
    Message reply;
    run(ask(client, "fine", reply));
    EXPECT_EQ(reply.text(), "good");
    EXPECT_EQ(server.unacknowledged(), 0u);
    EXPECT_FALSE(service.done());
}

TEST_P(Serve, message_is_acknowledged_after_its_reply_was) {
    const Serving service = serve(&take_time);
    Message reply;
    const Running asking = start(ask(client, "5", reply));
    runtime.advance(4s);
    EXPECT_EQ(server.unacknowledged(), 1u);
    runtime.advance(2s);
    EXPECT_TRUE(asking.succeeded());
    EXPECT_EQ(server.unacknowledged(), 0u);
    std::vector<PacketType> order; // of the server's: its PUBLISH before its PUBACK
    for (const auto& record : broker.log()) {
        const bool of_server = record.connection() == 2 && record.direction() == Direction::received;
        if (of_server) order.push_back(record.type());
    }
    EXPECT_THAT(order,
                ElementsAre(PacketType::connect, PacketType::subscribe, PacketType::publish, PacketType::puback));
}

TEST_P(Serve, message_without_response_topic_is_handled_and_acknowledged) {
    int handled = 0;
    const Serving service = serve([&](const Message&) -> Task<Reply> {
        ++handled;
        co_return "to nobody";
    });
    broker.publish("far/side", "x", q1);
    runtime.run_until_idle();
    EXPECT_EQ(handled, 1);
    EXPECT_EQ(server.unacknowledged(), 0u);
    EXPECT_EQ(received(PacketType::publish), 0u);
}

TEST_P(Serve, reply_that_cannot_be_sent_does_not_end_the_service) {
    broker.options().connack.maximum_packet_size = 200;
    server.reconnect();
    runtime.advance(1s);
    const Serving service = serve([&](const Message& request) -> Task<Reply> {
        co_return request.text() == "large" ? Reply(std::string(1000, 'x')) : Reply("small");
    });
    Message reply;
    const Running large = start(ask(client, "large", reply, {.timeout = 5s}));
    runtime.advance(6s);
    EXPECT_TRUE(large.failed(Errc::timed_out));
    run(ask(client, "tiny", reply));
    EXPECT_EQ(reply.text(), "small");
    EXPECT_EQ(server.unacknowledged(), 0u);
    EXPECT_FALSE(service.done());
}

TEST_P(Serve, workers_of_a_group_share_the_requests) {
    AsyncClient second(runtime, {.client_id = "second", .version = Version::v5});
    run(culex::connect(second));
    const Serving service = serve([](const Message&) -> Task<Reply> { co_return "first"; }, {}, "$share/workers/far/+");
    const Running other =
        start(second.serve("$share/workers/far/+", [](const Message&) -> Task<Reply> { co_return "second"; }));
    runtime.run_until_idle();
    std::map<std::string, int, std::less<>> answers;
    for (int i = 0; i < 10; ++i) {
        Message reply;
        run(ask(client, "x", reply));
        ++answers[std::string(reply.text())];
    }
    EXPECT_EQ(answers["first"], 5);
    EXPECT_EQ(answers["second"], 5);
    EXPECT_EQ(client.statistics().replies_dropped, 0u);
}

TEST_P(Serve, one_client_may_ask_itself) {
    const Running service = start(client.serve("far/+", &echo));
    runtime.run_until_idle();
    Message reply;
    run(ask(client, "me", reply));
    EXPECT_EQ(reply.text(), "re: me");
}

TEST_P(Serve, service_goes_on_after_a_lost_connection) {
    const Serving service = serve(&take_time);
    Message reply;
    const Running asking = start(ask(client, "30", reply, {.timeout = 0ms}));
    runtime.advance(1s);
    lose_connection();
    find_broker_again();
    runtime.advance(1min);
    EXPECT_TRUE(asking.succeeded()) << asking.failure().message(); // the reply waited for the connection
    run(ask(client, "0", reply));
    EXPECT_EQ(reply.text(), "0");
}

// --- ends

TEST_P(Serve, unsubscribing_ends_it_once_its_handlers_have) {
    const Serving service = serve(&take_time);
    Message reply;
    const Running asking = start(ask(client, "5", reply));
    runtime.run_until_idle();
    run(culex::unsubscribe(server, {}, "far/+"));
    runtime.run_until_idle();
    EXPECT_FALSE(service.done());
    runtime.advance(6s);
    EXPECT_TRUE(asking.succeeded());
    EXPECT_TRUE(service.succeeded());
}

/// Counts those that are there.
struct Presence {
    explicit Presence(int& count_) : count(count_) { ++count; }
    Presence(const Presence&) = delete;
    Presence& operator=(const Presence&) = delete;
    ~Presence() { --count; }
    int& count;
};

TEST_P(Serve, dropping_it_cancels_its_handlers_and_leaves_their_messages_unacknowledged) {
    int present = 0;
    Serving service = serve([&](const Message&) -> Task<Reply> {
        const Presence presence(present);
        co_await sleep_for(1h);
        co_return Reply();
    });
    Message reply;
    const Running asking = start(ask(client, "x", reply, {.timeout = 2h}));
    runtime.run_until_idle();
    EXPECT_EQ(present, 1);
    service.drop();
    EXPECT_EQ(present, 0);
    runtime.advance(3h);
    EXPECT_TRUE(asking.failed(Errc::timed_out));
    EXPECT_EQ(server.unacknowledged(), 1u);
}

TEST_P(Serve, client_that_is_destroyed_ends_it_and_its_handlers_run_no_more) {
    auto gone = std::make_unique<AsyncClient>(runtime, ClientOptions{.client_id = "gone", .version = Version::v5});
    run(culex::connect(*gone));
    int present = 0;
    int finished = 0;
    const Running service = start(gone->serve("far/+", [&](const Message& request) -> Task<Reply> {
        const Presence presence(present);
        if (request.text() != "now") co_await sleep_for(1s);
        ++finished;
        co_return Reply();
    }));
    const Running never_began = start(gone->serve("later", &echo));
    runtime.run_until_idle();
    Message replies[2];
    const Running asking = start(ask(client, "later", replies[0]));
    runtime.run_until_idle();
    const Running right_now = start(ask(client, "now", replies[1]));
    runtime.run_until([&] { return present == 2 || finished == 1; });
    gone.reset();
    runtime.advance(1min);
    EXPECT_TRUE(service.done()) << service.failure().message();
    EXPECT_EQ(present, 0);
    EXPECT_EQ(finished, 1);
    EXPECT_TRUE(asking.failed(Errc::timed_out));
}

TEST_P(Serve, task_that_begins_after_its_client_says_so) {
    auto gone = std::make_unique<AsyncClient>(runtime, ClientOptions{.client_id = "gone", .version = Version::v5});
    Task<> late = gone->serve("far/+", &echo);
    gone.reset();
    const Running service = start(std::move(late));
    runtime.run_until_idle();
    EXPECT_TRUE(service.failed(Errc::closed)) << service.failure().message();
}

TEST_P(Serve, what_cannot_begin_says_why) {
    broker.options().refused_filters.push_back("secret");
    const Serving refused = serve(&echo, {}, "secret");
    EXPECT_TRUE(refused.failed(Errc::rejected)) << refused.failure().message();
    const Serving malformed = serve(&echo, {}, "a#");
    EXPECT_TRUE(malformed.failed(Errc::invalid_argument)) << malformed.failure().message();
    const Serving nobody = serve({});
    EXPECT_TRUE(nobody.failed(Errc::invalid_argument)) << nobody.failure().message();
    const Serving none_at_once = serve(&echo, {.concurrency = 0});
    EXPECT_TRUE(none_at_once.failed(Errc::invalid_argument)) << none_at_once.failure().message();
    AsyncClient old(runtime, {.client_id = "old", .version = Version::v3_1_1});
    run(culex::connect(old));
    const Running without_properties = start(old.serve("far/+", &echo));
    runtime.run_until_idle();
    EXPECT_TRUE(without_properties.failed(Errc::not_supported)) << without_properties.failure().message();
}

TEST_P(Serve, client_that_gives_up_ends_it_with_the_cause) {
    const Serving service = serve(&echo);
    refuse_for_good();
    EXPECT_TRUE(service.failed(Errc::connection_refused)) << service.failure().message();
}

} // namespace
} // namespace culex
