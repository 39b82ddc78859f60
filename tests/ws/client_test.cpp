// The client over WebSocket, in virtual time.
#include <culex/async_client.hpp>
#include <culex/nursery.hpp>
#include <culex/testing/fake_broker.hpp>
#include <culex/testing/faulty_stream.hpp>
#include <culex/testing/tls_server.hpp>
#include <culex/testing/virtual_runtime.hpp>
#include <culex/testing/websocket_server.hpp>
#include <culex/tls.hpp>
#include <culex/websocket.hpp>

#include "ws/ws_test.hpp"

namespace culex::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class WsClient : public ::testing::TestWithParam<Version> {
protected:
    WsClient() {
        runtime.set_websocket(&open_websocket);
        serve({});
    }

    /// From the next connection on.
    void serve(WebSocketServerOptions options) {
        broker.options().websocket = WebSocketServer(std::move(options));
        broker.listen("ws://broker/mqtt");
    }
    [[nodiscard]] static ClientOptions options() { return {.version = GetParam()}; }
    template <class T> T run(Task<T> task) { return runtime.run(std::move(task)); }

    VirtualRuntime runtime;
    FakeBroker broker{runtime};
};
INSTANTIATE_TEST_SUITE_P(Versions, WsClient, ::testing::Values(Version::v3_1_1, Version::v5),
                         [](const auto& of) { return of.param == Version::v5 ? "v5" : "v3_1_1"; });

Task<> round_trip(AsyncClient& client, std::string url = "ws://broker") {
    co_await client.connect(url);
    auto stream = co_await client.subscribe("a/#", QoS::exactly_once);
    const std::string large(300'000, 'x');
    for (const QoS qos : {QoS::at_most_once, QoS::at_least_once, QoS::exactly_once}) {
        for (const std::string_view payload : {std::string_view("small"), std::string_view(large)}) {
            co_await client.publish("a/b", payload, {.qos = qos});
            const auto message = co_await stream.next();
            EXPECT_EQ(message->text(), payload);
        }
    }
    co_await client.disconnect();
}

Task<Failure> failure_of_connect(AsyncClient& client, std::string url) {
    Failure failure;
    try {
        co_await client.connect(url);
    } catch (const Error& error) {
        failure = error.failure();
    }
    co_return failure;
}

TEST_P(WsClient, connects_publishes_and_receives) {
    AsyncClient client(runtime, options());
    run(round_trip(client));
    runtime.run_until_idle();
    EXPECT_THAT(broker.verify(), IsEmpty());
    EXPECT_THAT(broker.connections(), IsEmpty());
    EXPECT_EQ(broker.url(), "ws://broker:80/mqtt");
}

TEST_P(WsClient, takes_packets_in_frames_of_any_size) { // [MQTT-6.0.0-2]
    for (const std::size_t size : {std::size_t{1}, std::size_t{3}, std::size_t{1000}}) {
        for (const bool fragments : {false, true}) {
            serve({.frame_size = size, .fragments = fragments, .pings = size > 1});
            AsyncClient client(runtime, options());
            run(round_trip(client));
        }
    }
    EXPECT_THAT(broker.verify(), IsEmpty());
}

Task<> publish_burst(AsyncClient& client, FakeBroker& broker, int count) {
    co_await client.connect("ws://broker");
    auto stream = co_await client.subscribe("t", QoS::at_most_once);
    for (int i = 0; i < count; ++i) broker.publish("t", std::to_string(i)); // which leave together, in one frame
    for (int i = 0; i < count; ++i) {
        const auto message = co_await stream.next();
        EXPECT_EQ(message->text(), std::to_string(i));
    }
    co_await client.disconnect();
}

TEST_P(WsClient, takes_many_packets_of_one_frame) { // [MQTT-6.0.0-2]
    AsyncClient client(runtime, options());
    run(publish_burst(client, broker, 500));
}

TEST_P(WsClient, asks_for_the_sub_protocol_mqtt_in_binary_frames) { // [MQTT-6.0.0-1], [MQTT-6.0.0-3]
    // The server answers 400 to who does not offer mqtt, and its frames are read by a reader that refuses text.
    AsyncClient client(runtime, options());
    EXPECT_FALSE(run(failure_of_connect(client, "ws://broker/mqtt")));
}

TEST_P(WsClient, refuses_a_server_that_does_not_choose_mqtt) { // [MQTT-6.0.0-4], M49
    for (const char* other : {"", "mqttv3.1", "chat"}) {
        serve({.sub_protocol = other});
        AsyncClient client(runtime, options());
        const Failure failure = run(failure_of_connect(client, "ws://broker"));
        EXPECT_TRUE(failure == Errc::websocket_failed) << failure.message();
        EXPECT_EQ(failure.phase(), Phase::websocket);
        EXPECT_THAT(failure.detail(), HasSubstr("sub-protocol"));
        EXPECT_EQ(client.statistics().failed_by(EndCause::refused), 1u);
    }
    EXPECT_EQ(broker.count(Direction::received, PacketType::connect), 0u);
}

TEST_P(WsClient, says_what_the_server_answered) {
    serve({.status = "503 Service Unavailable"});
    AsyncClient client(runtime, options());
    const Failure failure = run(failure_of_connect(client, "ws://broker/mqtt?x"));
    EXPECT_EQ(failure.message(),
              "WebSocket handshake with ws://broker:80/mqtt?x: WebSocket failed: the broker answered "
              "503 Service Unavailable");
}

TEST_P(WsClient, ends_a_connection_on_which_a_text_frame_comes) { // [MQTT-6.0.0-1], M49
    serve({.text_frames = true});
    AsyncClient client(runtime, options());
    const Failure failure = run(failure_of_connect(client, "ws://broker"));
    EXPECT_TRUE(failure == Errc::websocket_failed) << failure.message();
    EXPECT_THAT(failure.detail(), HasSubstr("a text frame, where MQTT has binary frames only: closed with 1003"));
    EXPECT_EQ(client.statistics().failed_by(EndCause::protocol), 1u);
}

TEST_P(WsClient, ends_a_connection_on_which_a_masked_frame_comes) { // M49
    serve({.masked_frames = true});
    AsyncClient client(runtime, options());
    const Failure failure = run(failure_of_connect(client, "ws://broker"));
    EXPECT_TRUE(failure == Errc::websocket_failed) << failure.message();
    EXPECT_THAT(failure.detail(), HasSubstr("a masked frame from the server: closed with 1002"));
}

TEST_P(WsClient, refuses_a_wrong_accept) { // M49
    serve({.wrong_accept = true});
    AsyncClient client(runtime, options());
    const Failure failure = run(failure_of_connect(client, "ws://broker"));
    EXPECT_TRUE(failure == Errc::websocket_failed) << failure.message();
    EXPECT_THAT(failure.detail(), HasSubstr("Sec-WebSocket-Accept does not fit"));
}

TEST_P(WsClient, keeps_a_copy_of_the_headers) {
    serve({.demanded_header = "Authorization: Bearer secret"});
    AsyncClient without(runtime, options());
    EXPECT_THAT(run(failure_of_connect(without, "ws://broker")).detail(), HasSubstr("401 Unauthorized"));
    std::string value = "Bearer secret";
    auto headers = std::make_unique<HttpHeader>(HttpHeader{"Authorization", value});
    AsyncClient client(runtime, {.version = GetParam(), .stream = {.websocket_headers = std::span(headers.get(), 1)}});
    headers.reset();
    value = "something else";
    run(round_trip(client));
}

Task<> survive(AsyncClient& client, FakeBroker& broker) {
    co_await client.connect("ws://broker");
    broker.drop_all_connections();
    co_await client.publish("t", "after the loss", {.qos = QoS::exactly_once});
    co_await client.disconnect();
}

TEST_P(WsClient, connects_again) {
    AsyncClient client(runtime, options());
    run(survive(client, broker));
    EXPECT_EQ(broker.messages().size(), 1u);
    EXPECT_EQ(broker.accepted(), 2u);
}

TEST_P(WsClient, an_upgrade_that_is_not_answered_is_ended_by_the_connect_timeout) {
    broker.options().websocket = [server = WebSocketServer()](Scheduler& scheduler,
                                                              std::unique_ptr<Stream> stream) mutable {
        Faults faults;
        faults.received.stall_after = 0; // it accepts, and never hears what it is asked
        return server(scheduler, std::make_unique<FaultyStream>(scheduler, std::move(stream), std::move(faults)));
    };
    AsyncClient client(runtime, {.version = GetParam(), .connect_timeout = 3s});
    const TimePoint start = runtime.now();
    const Failure failure = run(failure_of_connect(client, "ws://broker"));
    EXPECT_TRUE(failure == Errc::timed_out) << failure.message();
    EXPECT_EQ(runtime.now() - start, 3s);
}

TEST_P(WsClient, a_server_that_is_silent_is_given_up_in_the_handshake) {
    class Silent final : public AcceptHandler {
        void on_accept(std::unique_ptr<Stream> stream) override { kept.push_back(std::move(stream)); }
        std::vector<std::unique_ptr<Stream>> kept;
    } silent;
    const auto listener = runtime.listen(Endpoint(Transport::tcp, "silent", 80), silent);
    AsyncClient client(runtime, {.version = GetParam(), .connect_timeout = 3s});
    const Failure failure = run(failure_of_connect(client, "ws://silent"));
    EXPECT_THAT(failure.message(), ::testing::EndsWith("timed out: no end of the handshake within 3000 ms"));
    EXPECT_EQ(failure.phase(), Phase::websocket);
    runtime.set_black_hole("silent");
    EXPECT_EQ(run(failure_of_connect(client, "ws://silent")).phase(), Phase::connect);
}

TEST_P(WsClient, may_be_destroyed_at_any_moment_while_it_connects) {
    runtime.set_chunk_size(40);
    for (int turns = 0; turns < 60; ++turns) {
        {
            AsyncClient client(runtime, options());
            auto connecting = client.connect("ws://broker");
            for (int i = 0; i < turns; ++i) runtime.step();
        }
        runtime.run_until_idle();
    }
    EXPECT_THAT(broker.connections(), IsEmpty());
}

TEST_P(WsClient, speaks_over_tls_too) {
    const std::string file = CULEX_CERTIFICATES "/server.pem";
    const std::string key_file = CULEX_CERTIFICATES "/server.key";
    const std::string ca = CULEX_CERTIFICATES "/ca.pem";
    runtime.set_tls(&open_tls);
    broker.options().tls = TlsServer({.certificate_file = file, .key_file = key_file});
    broker.listen("wss://localhost");
    const TlsContext tls({.ca_file = ca});
    for (int i = 0; i < 2; ++i) {
        AsyncClient client(runtime, {.version = GetParam(), .tls = &tls});
        run(round_trip(client, "wss://localhost/mqtt"));
        EXPECT_EQ(client.statistics().tls_sessions_resumed, static_cast<std::uint64_t>(i));
    }
    AsyncClient stranger(runtime, options());
    const Failure failure = run(failure_of_connect(stranger, "wss://localhost"));
    EXPECT_TRUE(failure == Errc::tls_failed) << failure.message();
    EXPECT_EQ(failure.phase(), Phase::tls);
    EXPECT_EQ(failure.address(), "wss://localhost:443/mqtt");
}

TEST(VirtualRuntimeWs, is_not_there_unless_it_was_set) {
    VirtualRuntime runtime;
    AsyncClient client(runtime);
    const Failure failure = runtime.run(failure_of_connect(client, "ws://broker"));
    EXPECT_TRUE(failure == Errc::not_supported) << failure.message();
}

TEST(FakeBrokerWs, needs_a_server_to_listen_at_ws) {
    VirtualRuntime runtime;
    FakeBroker broker(runtime);
    EXPECT_THROW(broker.listen("ws://broker"), Error);
    broker.options().websocket = WebSocketServer();
    EXPECT_THROW(broker.listen("wss://broker"), Error); // that needs one of TLS too
}

} // namespace
} // namespace culex::testing
