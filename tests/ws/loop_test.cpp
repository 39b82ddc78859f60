// WebSocket over sockets: the loop, and the documented client.
#include <condition_variable>
#include <mutex>

#include <culex/culex.hpp>
#include <culex/testing/broker_thread.hpp>
#include <culex/testing/tls_server.hpp>
#include <culex/testing/websocket_server.hpp>
#include <culex/uv.hpp>

#include "ws/ws_test.hpp"

namespace culex::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

template <class T> Task<T> within_a_minute(Task<T> task) { co_return co_await with_timeout(std::move(task), 60s); }

FakeBrokerOptions with_websocket(WebSocketServerOptions how = {}) {
    FakeBrokerOptions options;
    options.websocket = WebSocketServer(std::move(how));
    return options;
}
FakeBrokerOptions with_tls_and_websocket() {
    const std::string file = CULEX_CERTIFICATES "/server.pem";
    const std::string key_file = CULEX_CERTIFICATES "/server.key";
    FakeBrokerOptions options = with_websocket();
    options.tls = TlsServer({.certificate_file = file, .key_file = key_file});
    return options;
}
TlsContext context() {
    const std::string ca = CULEX_CERTIFICATES "/ca.pem";
    return TlsContext({.ca_file = ca});
}

Task<> round_trip(AsyncClient& client, std::string url) {
    co_await client.connect(url);
    auto stream = co_await client.subscribe("a/b", QoS::exactly_once);
    const std::string large(3'000'000, 'x');
    for (const std::string_view payload : {std::string_view("small"), std::string_view(large)}) {
        co_await client.publish("a/b", payload, {.qos = QoS::exactly_once});
        const auto message = co_await stream.next();
        EXPECT_TRUE(message->text() == payload);
    }
    const auto left = co_await client.disconnect();
    EXPECT_EQ(left.undelivered, 0u);
}

TEST(LoopWs, messages_make_the_round_trip) {
    BrokerThread broker(with_websocket());
    EXPECT_EQ(broker.url(), "ws://127.0.0.1:" + std::to_string(broker.port()) + "/mqtt");
    Loop loop;
    AsyncClient client(loop);
    loop.run(within_a_minute(round_trip(client, broker.url())));
    AsyncClient other(loop, {.version = Version::v5});
    loop.run(within_a_minute(round_trip(other, "ws://localhost:" + std::to_string(broker.port()) + "/elsewhere?a=b")));
}

TEST(LoopWs, messages_make_the_round_trip_over_tls) {
    BrokerThread broker(with_tls_and_websocket());
    EXPECT_EQ(broker.url(), "wss://127.0.0.1:" + std::to_string(broker.port()) + "/mqtt");
    const TlsContext tls = context();
    Loop loop;
    AsyncClient client(loop, {.tls = &tls});
    loop.run(within_a_minute(round_trip(client, broker.url())));
}

TEST(LoopWs, an_opening_may_be_dropped_after_any_number_of_turns) {
    BrokerThread broker(with_websocket());
    struct Keeps : OpenHandler {
        virtual ~Keeps() = default;
        void on_open(Result<std::unique_ptr<Stream>> result) override { stream = *std::move(result); }
        std::unique_ptr<Stream> stream;
    };
    for (int turns = 0; turns < 8; ++turns) {
        Loop loop;
        const Loop::Hold hold(loop);
        Keeps keeps;
        auto opening = loop.open(Endpoint(Transport::ws, "127.0.0.1", broker.port()), {}, keeps);
        for (int i = 0; i < turns && !keeps.stream; ++i) uv_run(native(loop), UV_RUN_ONCE);
        const bool opened = keeps.stream != nullptr;
        opening.reset();
        for (int i = 0; i < 3; ++i) uv_run(native(loop), UV_RUN_NOWAIT);
        EXPECT_EQ(keeps.stream != nullptr, opened);
    }
}

void receive_once(Client& client, const BrokerThread& broker, const ConnectSettings& settings_of_test) {
    std::mutex mutex;
    std::condition_variable changed;
    std::string heard;
    ConnectSettings settings;
    settings.tls = settings_of_test.tls;
    settings.websocket_path = settings_of_test.websocket_path;
    client.connect("localhost", 60, broker.port(), std::move(settings));
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
    EXPECT_EQ(client.disconnect(), 0u);
}

TEST(DocumentedClientWs, connects_publishes_and_receives) {
    BrokerThread broker(with_websocket({.path = "/broker?tenant=7"}));
    Client client{"documented", true};
    receive_once(client, broker, {.websocket_path = "/broker?tenant=7"});
}

TEST(DocumentedClientWs, speaks_over_tls_too) {
    BrokerThread broker(with_tls_and_websocket());
    Client client{"documented", true};
    receive_once(client, broker, {.tls = context(), .websocket_path = "/mqtt"});
}

TEST(DocumentedClientWs, says_what_is_wrong) {
    BrokerThread broker(with_websocket({.status = "403 Forbidden"}));
    Client client{"documented", true};
    try {
        client.connect("localhost", 60, broker.port(), {.websocket_path = "/mqtt"});
        ADD_FAILURE() << "it has connected";
    } catch (const Error& error) {
        EXPECT_TRUE(error.failure() == Errc::websocket_failed);
        EXPECT_THAT(error.what(), HasSubstr("403 Forbidden"));
    }
}

} // namespace
} // namespace culex::testing
