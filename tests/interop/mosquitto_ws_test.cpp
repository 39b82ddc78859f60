// Culex against the real mosquitto, over WebSocket.
#ifdef CULEX_CERTIFICATES // what CMake says where there is TLS, without which there is no WebSocket

#include <condition_variable>
#include <filesystem>
#include <mutex>

#include <gtest/gtest.h>

#include <unistd.h>

#include <culex/culex.hpp>

#include "interop/mosquitto.hpp"

namespace culex {
namespace {

using namespace std::chrono_literals;

template <class T> Task<T> within_a_minute(Task<T> task) { co_return co_await with_timeout(std::move(task), 60s); }

std::string file(const std::string& name) { return CULEX_CERTIFICATES "/" + name; }

std::string other_listener() {
    return std::filesystem::temp_directory_path() / ("culex-ws-" + std::to_string(getpid()) + ".sock");
}

/// What its listener is told. With the family said it keeps to 127.0.0.1; and mosquitto 2.0.11 does not start where all its
/// listeners are for WebSocket, so there is another.
std::string websockets(const std::string& more = {}) {
    return "socket_domain ipv4\nprotocol websockets\n" + more + "listener 0 " + other_listener() + "\n";
}
std::string over_tls() {
    return websockets("certfile " + file("server.pem") + "\nkeyfile " + file("server.key") + "\n");
}
std::string url(const Mosquitto& mosquitto, const std::string& scheme = "ws") {
    return scheme + "://localhost:" + std::to_string(mosquitto.port());
}

/// What mosquitto 2.0.11 sends over WebSocket goes at 4 KB for each turn of its loop, some 40 KB/s: no large ones that way.
Task<> round_trip(AsyncClient& client, std::string broker) {
    co_await client.connect(broker);
    auto stream = co_await client.subscribe("a/b", QoS::exactly_once);
    const std::string large(20'000, 'x');
    for (const QoS qos : {QoS::at_most_once, QoS::at_least_once, QoS::exactly_once}) {
        for (const std::string_view payload : {std::string_view("small"), std::string_view(large)}) {
            co_await client.publish("a/b", payload, {.qos = qos});
            const auto message = co_await stream.next();
            EXPECT_TRUE(message->text() == payload);
        }
    }
    const auto left = co_await client.disconnect();
    EXPECT_EQ(left.undelivered, 0u);
}

/// One frame, that others see whole.
Task<> publish_large(AsyncClient& client, std::string broker, AsyncClient& other) {
    co_await client.connect(broker);
    co_await other.connect("unix://" + other_listener());
    auto stream = co_await other.subscribe("large", QoS::exactly_once);
    std::string large;
    for (int i = 0; large.size() < 1'000'000; ++i) large += std::to_string(i);
    co_await client.publish("large", large, {.qos = QoS::exactly_once});
    const auto message = co_await stream.next();
    EXPECT_TRUE(message->text() == large);
    co_await client.disconnect();
    co_await other.disconnect();
}

/// More than one read, and more than one frame, at once in each direction.
Task<> burst(AsyncClient& client, std::string broker, int count) {
    co_await client.connect(broker);
    auto stream = co_await client.subscribe("t", QoS::at_least_once);
    for (int i = 0; i < count; ++i) EXPECT_TRUE(client.try_publish("t", as_bytes(std::to_string(i))));
    for (int i = 0; i < count; ++i) {
        const auto message = co_await stream.next();
        EXPECT_EQ(message->text(), std::to_string(i));
    }
    co_await client.disconnect();
}

Task<Failure> failure_of(AsyncClient& client, std::string broker) {
    Failure failure;
    try {
        co_await client.connect(broker);
    } catch (const Error& error) {
        failure = error.failure();
    }
    co_return failure;
}

class MosquittoWs : public ::testing::TestWithParam<Version> {
protected:
    ~MosquittoWs() override { std::filesystem::remove(other_listener()); }
    [[nodiscard]] TlsContext context() const {
        const std::string ca = file("ca.pem");
        return TlsContext({.ca_file = ca});
    }
    template <class T> T run(Task<T> task) { return loop.run(within_a_minute(std::move(task))); }

    Loop loop;
};
INSTANTIATE_TEST_SUITE_P(Versions, MosquittoWs, ::testing::Values(Version::v3_1_1, Version::v5),
                         [](const auto& of) { return of.param == Version::v5 ? "v5" : "v3_1_1"; });

TEST_P(MosquittoWs, messages_make_the_round_trip) {
    const Mosquitto mosquitto(Mosquitto::Access::anonymous, websockets());
    AsyncClient client(loop, {.version = GetParam()});
    run(round_trip(client, url(mosquitto)));
}

TEST_P(MosquittoWs, a_large_message_goes_whole) {
    const Mosquitto mosquitto(Mosquitto::Access::anonymous, websockets());
    AsyncClient client(loop, {.version = GetParam()});
    AsyncClient other(loop, {.version = GetParam()});
    run(publish_large(client, url(mosquitto), other));
}

TEST_P(MosquittoWs, many_small_messages_make_the_round_trip) {
    const Mosquitto mosquitto(Mosquitto::Access::anonymous, websockets() + "max_queued_messages 0\n");
    AsyncClient client(loop, {.version = GetParam()});
    run(burst(client, url(mosquitto), 20'000));
}

TEST_P(MosquittoWs, messages_make_the_round_trip_over_tls) {
    const Mosquitto mosquitto(Mosquitto::Access::anonymous, over_tls());
    const TlsContext tls = context();
    AsyncClient client(loop, {.version = GetParam(), .tls = &tls});
    run(round_trip(client, url(mosquitto, "wss")));
    AsyncClient stranger(loop, {.version = GetParam()});
    const Failure failure = run(failure_of(stranger, url(mosquitto, "wss")));
    EXPECT_TRUE(failure == Errc::tls_failed) << failure.message();
}

Task<> survive(AsyncClient& client, Mosquitto& mosquitto) {
    co_await client.connect(url(mosquitto));
    mosquitto.kill();
    auto publish = client.publish("t", "text", {.qos = QoS::exactly_once});
    mosquitto.start();
    co_await publish;
    co_await client.disconnect();
}

TEST_P(MosquittoWs, a_broker_that_is_killed_is_found_again) {
    Mosquitto mosquitto(Mosquitto::Access::anonymous, websockets());
    AsyncClient client(loop, {.version = GetParam(), .reconnect = {.first_delay = 50ms, .max_delay = 200ms}});
    run(survive(client, mosquitto));
}

TEST_P(MosquittoWs, a_listener_without_websocket_is_told) {
    const Mosquitto mosquitto;
    AsyncClient client(loop, {.version = GetParam()});
    const Failure failure = run(failure_of(client, url(mosquitto)));
    EXPECT_TRUE(failure == Errc::websocket_failed || failure == std::errc::connection_reset) << failure.message();
    EXPECT_EQ(failure.phase(), Phase::websocket);
}

TEST_P(MosquittoWs, the_documented_client_receives) {
    const Mosquitto mosquitto(Mosquitto::Access::anonymous, over_tls());
    std::mutex mutex;
    std::condition_variable changed;
    std::string heard;
    Client client{"documented", true, {.version = GetParam()}};
    client.connect("localhost", 60, mosquitto.port(), {.tls = context(), .websocket_path = "/mqtt"});
    client.loop([&](Client&, const CallbackData& data) {
        const std::lock_guard lock(mutex);
        heard = data.message->text();
        changed.notify_all();
    });
    client.subscribe({{"t", 1}});
    client.publish("t", "over WebSocket", 1);
    {
        std::unique_lock lock(mutex);
        EXPECT_TRUE(changed.wait_for(lock, 30s, [&] { return !heard.empty(); }));
    }
    EXPECT_EQ(heard, "over WebSocket");
    client.disconnect();
}

} // namespace
} // namespace culex

#endif
