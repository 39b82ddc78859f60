// The client over TLS, in virtual time.
#include <culex/async_client.hpp>
#include <culex/nursery.hpp>
#include <culex/testing/fake_broker.hpp>

#include "tls/tls_test.hpp"

namespace culex::testing {
namespace {

class TlsClient : public ::testing::TestWithParam<TlsVersion> {
protected:
    TlsClient() {
        runtime.set_tls(&open_tls);
        serve({});
    }

    /// With another certificate, or other demands; from the next connection on.
    void serve(TlsServerOptions options, const std::string& name = "server") {
        const std::string file = certificate(name + ".pem");
        const std::string key_file = certificate(name + ".key");
        options.certificate_file = file;
        options.key_file = key_file;
        tls_server.emplace(options);
        broker.options().tls = *tls_server;
        broker.listen("mqtts://localhost");
    }
    [[nodiscard]] TlsContext context(TlsOptions options = {}) const {
        const std::string ca = certificate("ca.pem");
        options.ca_file = ca;
        options.min_version = options.max_version = GetParam();
        return TlsContext(options);
    }
    template <class T> T run(Task<T> task) { return runtime.run(std::move(task)); }

    VirtualRuntime runtime;
    std::optional<TlsServer> tls_server;
    FakeBroker broker{runtime};
};
INSTANTIATE_TEST_SUITE_P(Versions, TlsClient, ::testing::Values(TlsVersion::v1_2, TlsVersion::v1_3),
                         [](const auto& of) { return of.param == TlsVersion::v1_3 ? "v1_3" : "v1_2"; });

Task<> round_trip(AsyncClient& client) {
    co_await client.connect("mqtts://localhost");
    auto stream = co_await client.subscribe("a/#", QoS::exactly_once);
    const std::string large(100'000, 'x');
    for (const QoS qos : {QoS::at_most_once, QoS::at_least_once, QoS::exactly_once}) {
        co_await client.publish("a/b", large, {.qos = qos});
        const auto message = co_await stream.next();
        EXPECT_EQ(message->text(), large);
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

TEST_P(TlsClient, connects_publishes_and_receives) {
    const TlsContext tls = context();
    AsyncClient client(runtime, {.tls = &tls});
    run(round_trip(client));
    EXPECT_EQ(tls.statistics().handshakes, 1u);
    EXPECT_EQ(tls_server->statistics().handshakes, 1u);
    EXPECT_TRUE(broker.verify().empty());
}

TEST_P(TlsClient, keeps_a_copy_of_the_context) {
    std::optional<TlsContext> tls = context();
    AsyncClient client(runtime, {.tls = &*tls});
    tls.reset();
    run(round_trip(client));
}

TEST_P(TlsClient, takes_the_context_of_the_stream_options_too) {
    const TlsContext tls = context();
    AsyncClient client(runtime, {.stream = {.tls = &tls}});
    run(round_trip(client));
}

TEST_P(TlsClient, many_small_packets_share_a_record) {
    const TlsContext tls = context({.resume_sessions = false});
    AsyncClient client(runtime, {.tls = &tls});
    EXPECT_FALSE(run(failure_of_connect(client, "mqtts://localhost")));
    std::size_t reads = 0;
    broker.subscribe("#", [&](const PublishedMessage&) { ++reads; });
    // Chunks that are smaller than the record: its packets come together, after the second one. Of a record for each
    // packet the first would bring some.
    runtime.set_chunk_size(100 * 15);
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(client.try_publish("t", as_bytes("0123456789")));
    while (reads == 0) ASSERT_TRUE(runtime.step());
    EXPECT_EQ(reads, 100u);
}

TEST_P(TlsClient, says_why_it_does_not_connect) {
    const TlsContext tls = context();
    struct Case {
        const char* certificate;
        const char* says;
    };
    for (const Case& each : {Case{"expired", "has expired"}, Case{"unknown", "unknown CA"},
                             Case{"wrong-host", "is for broker.elsewhere.test, not for localhost"}}) {
        serve({}, each.certificate);
        AsyncClient client(runtime, {.tls = &tls});
        const Failure failure = run(failure_of_connect(client, "mqtts://localhost"));
        EXPECT_TRUE(failure == Errc::tls_failed) << failure.message();
        EXPECT_EQ(failure.phase(), Phase::tls);
        EXPECT_EQ(failure.address(), "mqtts://localhost:8883");
        EXPECT_THAT(failure.detail(), HasSubstr(each.says));
    }
}

TEST_P(TlsClient, says_that_a_client_certificate_is_demanded) {
    const std::string ca = certificate("ca.pem");
    serve({.client_ca_file = ca, .demand_client_certificate = true});
    const TlsContext without = context();
    AsyncClient refused(runtime, {.tls = &without});
    const Failure failure = run(failure_of_connect(refused, "mqtts://localhost"));
    EXPECT_TRUE(failure == Errc::tls_failed) << failure.message();
    EXPECT_EQ(failure.phase(), Phase::tls);
    EXPECT_THAT(failure.detail(), HasSubstr("it demands a client certificate, and none was given"));

    const std::string file = certificate("client.pem");
    const std::string key_file = certificate("client.key");
    const TlsContext with = context({.certificate_file = file, .key_file = key_file});
    AsyncClient accepted(runtime, {.tls = &with});
    run(round_trip(accepted));
}

TEST_P(TlsClient, names_a_peer_that_speaks_no_tls) {
    const TlsContext tls = context();
    broker.listen("mqtt://localhost:8883");
    AsyncClient client(runtime, {.tls = &tls});
    const Failure failure = run(failure_of_connect(client, "mqtts://localhost"));
    EXPECT_TRUE(failure == Errc::tls_failed || failure == std::errc::connection_reset) << failure.message();
    EXPECT_EQ(failure.phase(), Phase::tls);
}

TEST_P(TlsClient, keeps_phase_and_cause_of_what_fails_before_the_handshake) {
    const TlsContext tls = context();
    AsyncClient client(runtime, {.tls = &tls});
    broker.stop_listening();
    const Failure refused = run(failure_of_connect(client, "mqtts://localhost"));
    EXPECT_TRUE(refused == std::errc::connection_refused);
    EXPECT_EQ(refused.phase(), Phase::connect);
    EXPECT_EQ(refused.address(), "mqtts://localhost:8883");
    runtime.set_unresolvable("nowhere");
    const Failure unresolved = run(failure_of_connect(client, "ssl://nowhere"));
    EXPECT_TRUE(unresolved == Errc::host_not_found);
    EXPECT_EQ(unresolved.phase(), Phase::resolve);
}

Task<> reconnect(AsyncClient& client, FakeBroker& broker) {
    co_await client.connect("mqtts://localhost");
    co_await client.publish("t", "first", {.qos = QoS::at_least_once});
    broker.drop_all_connections();
    co_await client.publish("t", "second", {.qos = QoS::at_least_once});
}

TEST_P(TlsClient, a_reconnection_resumes_the_session) {
    const TlsContext tls = context();
    AsyncClient client(runtime, {.tls = &tls});
    run(reconnect(client, broker));
    EXPECT_EQ(tls.statistics().handshakes, 2u);
    EXPECT_EQ(tls.statistics().resumed, 1u);
    EXPECT_EQ(tls_server->statistics().resumed, 1u);
    EXPECT_EQ(client.statistics().tls_sessions_resumed, 1u);
    EXPECT_EQ(broker.messages().size(), 2u);
}

TEST_P(TlsClient, a_broker_that_has_forgotten_its_sessions_is_reached_at_the_first_attempt) {
    const TlsContext tls = context();
    for (int i = 0; i < 2; ++i) {
        serve({}); // which makes new keys for its tickets
        AsyncClient client(runtime, {.tls = &tls});
        EXPECT_FALSE(run(failure_of_connect(client, "mqtts://localhost")));
    }
    EXPECT_EQ(tls.statistics().handshakes, 2u);
    EXPECT_EQ(tls.statistics().resumed, 0u);
}

TEST_P(TlsClient, may_be_destroyed_at_any_moment_while_it_connects) {
    const TlsContext tls = context();
    runtime.set_chunk_size(200);
    for (int turns = 0; turns < 60; ++turns) {
        {
            AsyncClient client(runtime, {.tls = &tls});
            auto connecting = client.connect("mqtts://localhost");
            for (int i = 0; i < turns; ++i) runtime.step();
        }
        runtime.run_until_idle();
    }
    EXPECT_TRUE(broker.connections().empty());
}

TEST_P(TlsClient, a_handshake_that_does_not_end_is_ended_by_the_connect_timeout) {
    const TlsContext tls = context();
    auto stalled = [this](Scheduler& scheduler, std::unique_ptr<Stream> stream) {
        Faults faults;
        faults.received.stall_after = 50; // in the middle of the client's first message
        return (*tls_server)(scheduler,
                             std::make_unique<FaultyStream>(scheduler, std::move(stream), std::move(faults)));
    };
    broker.options().tls = stalled;
    AsyncClient client(runtime, {.tls = &tls, .connect_timeout = 3s});
    const TimePoint start = runtime.now();
    const Failure failure = run(failure_of_connect(client, "mqtts://localhost"));
    EXPECT_EQ(failure.message(), "TLS handshake with mqtts://localhost:8883: timed out: no end of the handshake within "
                                 "3000 ms");
    EXPECT_EQ(failure.phase(), Phase::tls);
    EXPECT_EQ(runtime.now() - start, 3s);
}

TEST(VirtualRuntimeTls, is_not_there_unless_it_was_set) {
    VirtualRuntime runtime;
    AsyncClient client(runtime);
    const Failure failure = runtime.run(failure_of_connect(client, "mqtts://localhost"));
    EXPECT_TRUE(failure == Errc::not_supported) << failure.message();
}

TEST(FakeBrokerTls, needs_a_server_to_listen_at_mqtts) {
    VirtualRuntime runtime;
    FakeBroker broker(runtime);
    EXPECT_THROW(broker.listen("mqtts://localhost"), Error);
}

} // namespace
} // namespace culex::testing
