// Culex against the real mosquitto, over real sockets.
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <culex/async_client.hpp>
#include <culex/event.hpp>
#include <culex/loop.hpp>
#include <culex/nursery.hpp>
#include <culex/timeout.hpp>

#include "interop/mosquitto.hpp"

namespace culex {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// Real time passes here: a broken test must not last for ever.
template <class T> Task<T> within_a_minute(Task<T> task) { co_return co_await with_timeout(std::move(task), 60s); }

class WithMosquitto : public ::testing::TestWithParam<Version> {
protected:
    template <class T> T run(Task<T> task) { return loop.run(within_a_minute(std::move(task))); }
    [[nodiscard]] ClientOptions options(std::string_view client_id) const {
        return {.client_id = client_id, .version = GetParam()};
    }

    Loop loop;
};

INSTANTIATE_TEST_SUITE_P(Versions, WithMosquitto, ::testing::Values(Version::v3_1_1, Version::v5),
                         [](const auto& of) { return of.param == Version::v5 ? "v5" : "v3_1_1"; });

Task<> round_trip(AsyncClient& client, std::string url) {
    co_await client.connect(url);
    auto stream = co_await client.subscribe("a/+/c", QoS::exactly_once);
    EXPECT_EQ(stream.reason_code(), ReasonCode::granted_qos_2);
    const std::string large(1'000'000, 'x');
    for (const QoS qos : {QoS::at_most_once, QoS::at_least_once, QoS::exactly_once}) {
        for (const std::string& payload : {std::string("small"), std::string(), large}) {
            co_await client.publish("a/b/c", payload, {.qos = qos});
            auto message = co_await stream.next();
            EXPECT_EQ(message->text(), payload);
            EXPECT_EQ(message->qos(), qos);
            EXPECT_FALSE(message->retain());
        }
    }
    co_await client.unsubscribe("a/+/c");
    const auto left = co_await client.disconnect();
    EXPECT_EQ(left.undelivered, 0u);
}

TEST_P(WithMosquitto, messages_of_every_qos_and_size_make_the_round_trip) {
    Mosquitto mosquitto;
    AsyncClient client(loop, options("round-trip"));
    run(round_trip(client, mosquitto.url()));
}

Task<> retained(AsyncClient& client, std::string url) {
    co_await client.connect(url);
    co_await client.publish("kept", "value", {.qos = QoS::at_least_once, .retain = true});
    auto stream = co_await client.subscribe("kept");
    auto message = co_await stream.next();
    EXPECT_EQ(message->text(), "value");
    EXPECT_TRUE(message->retain());
    co_await client.disconnect();
}

TEST_P(WithMosquitto, retained_message_is_marked_as_such) {
    Mosquitto mosquitto;
    AsyncClient client(loop, options("retained"));
    run(retained(client, mosquitto.url()));
}

Task<> die(Loop& loop, const ClientOptions& options, std::string url) {
    AsyncClient client(loop, options);
    co_await client.connect(url);
}

Task<> leave(Loop& loop, const ClientOptions& options, std::string url) {
    AsyncClient client(loop, options);
    co_await client.connect(url);
    co_await client.disconnect();
}

Task<> will(Loop& loop, ClientOptions options, std::string url) {
    AsyncClient monitor(loop, options);
    co_await monitor.connect(url);
    auto stream = co_await monitor.subscribe("will", QoS::at_least_once);
    options.client_id = "mortal";
    options.will = Will{.topic = "will", .payload = as_bytes("gone"), .qos = QoS::at_least_once};
    co_await leave(loop, options, url); // [MQTT-3.14.4-3]: discarded
    co_await die(loop, options, url);
    auto message = co_await stream.next();
    EXPECT_EQ(message->text(), "gone");
    auto none = stream.try_next();
    EXPECT_FALSE(none);
}

TEST_P(WithMosquitto, will_is_published_for_a_client_that_dies_and_not_for_one_that_leaves) {
    Mosquitto mosquitto;
    run(will(loop, options("monitor"), mosquitto.url()));
}

Task<Failure> failure_of(AsyncClient& client, std::string url) {
    Failure failure;
    try {
        co_await client.connect(url);
    } catch (const Error& error) {
        failure = error.failure();
    }
    co_return failure;
}

TEST_P(WithMosquitto, password_is_demanded_and_taken) {
    Mosquitto mosquitto(Mosquitto::Access::password);
    ClientOptions wrong = options("pw");
    wrong.user_name = "user";
    wrong.password = "guess";
    AsyncClient refused(loop, wrong);
    const Failure failure = run(failure_of(refused, mosquitto.url()));
    EXPECT_TRUE(failure == Errc::connection_refused) << failure.message();
    EXPECT_EQ(failure.reason_code(), ReasonCode::not_authorized);
    wrong.password = "secret";
    AsyncClient accepted(loop, wrong);
    EXPECT_FALSE(run(failure_of(accepted, mosquitto.url())));
}

/// The broker dies under the client's hands and comes back: everything at QoS 1 and 2 arrives.
Task<> survive(AsyncClient& client, Mosquitto& mosquitto) {
    co_await client.connect(mosquitto.url());
    auto stream = co_await client.subscribe("survive", QoS::exactly_once);
    co_await client.publish("survive", "before", {.qos = QoS::exactly_once});
    auto before = co_await stream.next();
    EXPECT_EQ(before->text(), "before");
    mosquitto.kill();
    auto first = client.publish("survive", "1", {.qos = QoS::at_least_once});
    auto second = client.publish("survive", "2", {.qos = QoS::exactly_once});
    mosquitto.start();
    co_await first;
    co_await second;
    for (const std::string_view expected : {"1", "2"}) {
        auto message = co_await stream.next();
        EXPECT_EQ(message->text(), expected);
    }
}

TEST_P(WithMosquitto, messages_and_subscriptions_survive_a_broker_that_is_killed) {
    Mosquitto mosquitto;
    ClientOptions quick = options("survivor");
    quick.reconnect.first_delay = 50ms;
    quick.reconnect.max_delay = 200ms;
    AsyncClient client(loop, quick);
    run(survive(client, mosquitto));
}

Task<> leave_a_subscription(Loop& loop, const ClientOptions& options, std::string url) {
    AsyncClient client(loop, options);
    const auto connected = co_await client.connect(url);
    EXPECT_FALSE(connected.session_present);
    auto stream = co_await client.subscribe("mail", QoS::exactly_once);
    co_await client.disconnect();
}

Task<> persistent_session(Loop& loop, ClientOptions options, std::string url) {
    options.clean_start = false;
    options.properties.session_expiry_interval = 3600;
    co_await leave_a_subscription(loop, options, url);

    AsyncClient sender(loop, {.client_id = "sender"});
    co_await sender.connect(url);
    co_await sender.publish("mail", "1", {.qos = QoS::at_least_once});
    co_await sender.publish("mail", "2", {.qos = QoS::exactly_once});
    co_await sender.disconnect();

    AsyncClient again(loop, options);
    auto stream = again.listen("mail");
    const auto connected = co_await again.connect(url);
    EXPECT_TRUE(connected.session_present);
    for (const std::string_view expected : {"1", "2"}) {
        auto message = co_await stream.next();
        EXPECT_EQ(message->text(), expected);
    }
    co_await again.disconnect();
}

TEST_P(WithMosquitto, persistent_session_keeps_messages_for_a_client_that_is_away) {
    Mosquitto mosquitto;
    run(persistent_session(loop, options("resident"), mosquitto.url()));
}

Task<> stay_idle(AsyncClient& client, std::string url) {
    co_await client.connect(url);
    co_await sleep_for(5s); // mosquitto cuts a client that is silent for 3 s
    EXPECT_EQ(client.state(), ConnectionState::connected);
    EXPECT_FALSE(client.last_failure());
}

TEST_P(WithMosquitto, keep_alive_keeps_an_idle_connection) { // [MQTT-3.1.2-20]
    Mosquitto mosquitto;
    ClientOptions idle = options("idle");
    idle.keep_alive = 2s;
    AsyncClient client(loop, idle);
    run(stay_idle(client, mosquitto.url()));
}

Task<> refused_port(Loop& loop, const ClientOptions& options, int port) {
    AsyncClient client(loop, options);
    const Failure failure = co_await failure_of(client, "mqtt://localhost:" + std::to_string(port));
    EXPECT_TRUE(failure == std::errc::connection_refused) << failure.message();
    EXPECT_THAT(failure.message(), HasSubstr("localhost"));
}

TEST_P(WithMosquitto, a_port_that_nobody_listens_on_is_named) {
    int port = 0;
    {
        Mosquitto gone;
        port = gone.port();
    }
    run(refused_port(loop, options("refused"), port));
}

/// A hundred clients on one loop: every message of each reaches all.
Task<> member(AsyncClient& client, std::string url, int members, Event& all_here, int& here) {
    co_await client.connect(url);
    auto stream = co_await client.subscribe("choir", QoS::at_least_once);
    if (++here == members) all_here.set();
    co_await all_here.wait();
    co_await client.publish("choir", "la", {.qos = QoS::at_least_once});
    for (int i = 0; i < members; ++i) {
        auto message = co_await stream.next();
        EXPECT_EQ(message->text(), "la");
    }
    co_await client.disconnect();
}

Task<> choir(Loop& loop, Version version, std::string url, int members) {
    std::vector<AsyncClient> clients;
    for (int i = 0; i < members; ++i) clients.emplace_back(loop, ClientOptions{.version = version});
    Event all_here;
    int here = 0;
    Nursery nursery;
    for (AsyncClient& client : clients) nursery.spawn(member(client, url, members, all_here, here));
    co_await nursery.join();
}

TEST_P(WithMosquitto, a_hundred_clients_on_one_loop_talk_through_one_broker) {
    Mosquitto mosquitto;
    run(choir(loop, GetParam(), mosquitto.url(), 100));
}

} // namespace
} // namespace culex
