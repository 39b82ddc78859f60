// TLS over sockets: the loop, the documented client, and contexts that threads share.
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>

#include <culex/culex.hpp>
#include <culex/testing/broker_thread.hpp>
#include <culex/uv.hpp>

#include "tls/tls_test.hpp"

namespace culex::testing {
namespace {

TlsServer server_of(const std::string& name, bool demanding = false) {
    const std::string file = certificate(name + ".pem");
    const std::string key_file = certificate(name + ".key");
    const std::string ca = certificate("ca.pem");
    return TlsServer({.certificate_file = file,
                      .key_file = key_file,
                      .client_ca_file = demanding ? std::string_view(ca) : std::string_view(),
                      .demand_client_certificate = demanding});
}

FakeBrokerOptions with_tls(TlsServer server) {
    FakeBrokerOptions options;
    options.tls = std::move(server);
    return options;
}

TlsContext context() {
    const std::string ca = certificate("ca.pem");
    return TlsContext({.ca_file = ca});
}

template <class T> Task<T> within_a_minute(Task<T> task) { co_return co_await with_timeout(std::move(task), 60s); }

Task<> publish_once(AsyncClient& client, std::string url) {
    co_await client.connect(url);
    co_await client.publish("t", "text", {.qos = QoS::exactly_once});
    co_await client.disconnect();
}

TEST(LoopTls, connects_by_name_and_by_address_with_every_scheme) {
    BrokerThread broker(with_tls(server_of("server")));
    EXPECT_EQ(broker.url(), "mqtts://127.0.0.1:" + std::to_string(broker.port()));
    const TlsContext tls = context();
    Loop loop;
    for (const char* host : {"mqtts://127.0.0.1:", "ssl://localhost:", "tls://localhost:"}) {
        AsyncClient client(loop, {.tls = &tls});
        loop.run(within_a_minute(publish_once(client, host + std::to_string(broker.port()))));
    }
    EXPECT_EQ(tls.statistics().handshakes, 3u);
    EXPECT_EQ(tls.statistics().resumed, 1u); // the third
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

/// What the process has found once it keeps, and looks again where it has found nothing: so this is one test.
TEST(LoopTls, without_a_context_the_systems_authorities_count) {
    BrokerThread broker(with_tls(server_of("server")));
    Loop loop;
    AsyncClient client(loop);
    ::setenv("SSL_CERT_FILE", certificate("missing.pem").c_str(), 1);
    const Failure missing = loop.run(within_a_minute(failure_of_connect(client, broker.url())));
    EXPECT_TRUE(missing == Errc::tls_failed) << missing.message();
    EXPECT_EQ(missing.phase(), Phase::tls);
    EXPECT_EQ(missing.address(), broker.url());
    EXPECT_THAT(missing.detail(), HasSubstr("missing.pem"));

    ::setenv("SSL_CERT_FILE", certificate("other-ca.pem").c_str(), 1);
    const Failure unknown = loop.run(within_a_minute(failure_of_connect(client, broker.url())));
    ::unsetenv("SSL_CERT_FILE");
    EXPECT_TRUE(unknown == Errc::tls_failed) << unknown.message();
    EXPECT_THAT(unknown.message(), HasSubstr("unknown CA"));
    EXPECT_THAT(unknown.message(), HasSubstr("Culex test authority"));
}

TEST(LoopTls, an_opening_may_be_dropped_after_any_number_of_turns) {
    BrokerThread broker(with_tls(server_of("server")));
    const TlsContext tls = context();
    struct Never : OpenHandler {
        virtual ~Never() = default;
        void on_open(Result<std::unique_ptr<Stream>> result) override { stream = *std::move(result); }
        std::unique_ptr<Stream> stream;
    };
    for (int turns = 0; turns < 12; ++turns) {
        Loop loop;
        const Loop::Hold hold(loop);
        Never never;
        auto opening = loop.open(Endpoint(Transport::tls, "127.0.0.1", broker.port()), {.tls = &tls}, never);
        for (int i = 0; i < turns && !never.stream; ++i) uv_run(native(loop), UV_RUN_ONCE);
        const bool opened = never.stream != nullptr;
        opening.reset();
        for (int i = 0; i < 3; ++i) uv_run(native(loop), UV_RUN_NOWAIT);
        EXPECT_EQ(never.stream != nullptr, opened);
    }
}

TEST(LoopTls, a_client_may_be_destroyed_in_the_handshake) {
    BrokerThread broker(with_tls(server_of("server")));
    const TlsContext tls = context();
    for (int turns = 1; turns < 12; ++turns) {
        Loop loop;
        {
            const Loop::Hold hold(loop);
            AsyncClient client(loop, {.tls = &tls});
            auto connecting = client.connect(broker.url());
            for (int i = 0; i < turns && client.state() != ConnectionState::connected; ++i)
                uv_run(native(loop), UV_RUN_ONCE);
        }
        EXPECT_EQ(uv_run(native(loop), UV_RUN_DEFAULT), 0) << "no handle is left";
    }
    EXPECT_GT(tls.statistics().failed, 0u) << "none was in its handshake";
    EXPECT_GT(broker.call([](FakeBroker& on_its_thread) { return on_its_thread.accepted(); }), 0u);
    // The ends are on their way to the broker, on its thread.
    while (broker.call([](FakeBroker& on_its_thread) { return on_its_thread.connections().size(); }) > 0)
        std::this_thread::yield();
}

// --- the documented client

TEST(DocumentedClientTls, takes_the_same_context) {
    BrokerThread broker(with_tls(server_of("server", true)));
    const std::string ca = certificate("ca.pem");
    const std::string file = certificate("client.pem");
    const std::string key_file = certificate("client.key");
    const TlsContext tls({.ca_file = ca, .certificate_file = file, .key_file = key_file});
    Client client{"documented", true};
    client.connect("localhost", 60, broker.port(), {.tls = tls});
    client.publish("t", "text", 1);
    EXPECT_EQ(client.disconnect(), 0u);
    client.connect("localhost", 60, broker.port(), {.tls = tls});
    client.disconnect();
    EXPECT_EQ(tls.statistics().handshakes, 2u);
    EXPECT_EQ(tls.statistics().resumed, 1u);
    EXPECT_EQ(broker.call([](FakeBroker& on_its_thread) { return on_its_thread.messages().size(); }), 1u);
}

TEST(DocumentedClientTls, says_what_is_wrong) {
    BrokerThread broker(with_tls(server_of("expired")));
    Client client{"documented", true};
    try {
        client.connect("localhost", 60, broker.port(), {.tls = context()});
        ADD_FAILURE() << "it has connected";
    } catch (const Error& error) {
        EXPECT_TRUE(error.failure() == Errc::tls_failed);
        EXPECT_THAT(error.what(), HasSubstr("has expired"));
    }
}

// --- one context on several threads (LeakSanitizer sees what a thread that has ended leaves behind)

TEST(TlsContextThreads, is_shared_reloaded_and_counted) {
    BrokerThread broker(with_tls(server_of("server")));
    TlsContext tls = context();
    constexpr int threads = 4;
    constexpr int rounds = 8;
    std::vector<std::thread> running;
    for (int i = 0; i < threads; ++i) {
        running.emplace_back([&broker, copy = tls] {
            Loop loop;
            for (int round = 0; round < rounds; ++round) {
                AsyncClient client(loop, {.tls = &copy});
                loop.run(within_a_minute(publish_once(client, broker.url())));
            }
        });
    }
    running.emplace_back([copy = tls]() mutable {
        for (int i = 0; i < 20; ++i) {
            copy.reload();
            copy.forget_sessions();
            (void)copy.statistics();
        }
    });
    for (std::thread& each : running) each.join();
    EXPECT_EQ(tls.statistics().handshakes, static_cast<std::uint64_t>(threads * rounds));
    EXPECT_EQ(tls.statistics().failed, 0u);
}

} // namespace
} // namespace culex::testing
