// Culex against the real mosquitto, over TLS.
#ifdef CULEX_CERTIFICATES // what CMake says where there is TLS

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <culex/culex.hpp>

#include "interop/mosquitto.hpp"

namespace culex {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

template <class T> Task<T> within_a_minute(Task<T> task) { co_return co_await with_timeout(std::move(task), 60s); }

std::string file(const std::string& name) { return CULEX_CERTIFICATES "/" + name; }

/// What its listener is told.
std::string listener(const std::string& certificate, const std::string& more = {}) {
    return "certfile " + file(certificate + ".pem") + "\nkeyfile " + file(certificate + ".key") + "\n" + more;
}
std::string demanding() { return "cafile " + file("ca.pem") + "\nrequire_certificate true\n"; }
std::string url(const Mosquitto& mosquitto) { return "mqtts://localhost:" + std::to_string(mosquitto.port()); }

Task<> round_trip(AsyncClient& client, std::string broker) {
    co_await client.connect(broker);
    auto stream = co_await client.subscribe("a/b", QoS::exactly_once);
    const std::string large(1'000'000, 'x');
    for (const QoS qos : {QoS::at_most_once, QoS::at_least_once, QoS::exactly_once}) {
        for (const std::string& payload : {std::string("small"), large}) {
            co_await client.publish("a/b", payload, {.qos = qos});
            auto message = co_await stream.next();
            EXPECT_EQ(message->text(), payload);
        }
    }
    const auto left = co_await client.disconnect();
    EXPECT_EQ(left.undelivered, 0u);
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

class MosquittoTls : public ::testing::TestWithParam<TlsVersion> {
protected:
    [[nodiscard]] TlsContext context(TlsOptions options = {}) const {
        const std::string ca = file("ca.pem");
        options.ca_file = ca;
        options.min_version = options.max_version = GetParam();
        return TlsContext(options);
    }
    template <class T> T run(Task<T> task) { return loop.run(within_a_minute(std::move(task))); }
    /// What a coroutine client says, and that the documented one says the same.
    Failure failure_with(const TlsContext& tls, const Mosquitto& mosquitto) {
        AsyncClient client(loop, {.tls = &tls});
        Failure failure = run(failure_of(client, url(mosquitto)));
        EXPECT_TRUE(failure == Errc::tls_failed) << failure.message();
        EXPECT_EQ(failure.phase(), Phase::tls);
        Client documented{"documented", true};
        try {
            documented.connect("localhost", 60, mosquitto.port(), {.tls = tls});
            ADD_FAILURE() << "it has connected";
        } catch (const Error& error) {
            EXPECT_EQ(error.detail(), failure.detail());
        }
        return failure;
    }

    Loop loop;
};
INSTANTIATE_TEST_SUITE_P(Versions, MosquittoTls, ::testing::Values(TlsVersion::v1_2, TlsVersion::v1_3),
                         [](const auto& of) { return of.param == TlsVersion::v1_3 ? "v1_3" : "v1_2"; });

TEST_P(MosquittoTls, messages_make_the_round_trip) {
    for (const char* certificate : {"server", "server-rsa", "server-chain"}) {
        const Mosquitto mosquitto(Mosquitto::Access::anonymous, listener(certificate));
        const TlsContext tls = context();
        AsyncClient client(loop, {.tls = &tls});
        run(round_trip(client, url(mosquitto)));
    }
}

TEST_P(MosquittoTls, an_expired_certificate_is_refused) {
    const Mosquitto mosquitto(Mosquitto::Access::anonymous, listener("expired"));
    EXPECT_THAT(failure_with(context(), mosquitto).detail(), HasSubstr("has expired: it was valid until"));
}

TEST_P(MosquittoTls, a_certificate_for_another_host_is_refused) {
    const Mosquitto mosquitto(Mosquitto::Access::anonymous, listener("wrong-host"));
    EXPECT_EQ(failure_with(context(), mosquitto).detail(),
              "the certificate is for broker.elsewhere.test, not for localhost");
}

TEST_P(MosquittoTls, a_certificate_of_an_unknown_authority_is_refused) {
    const Mosquitto mosquitto(Mosquitto::Access::anonymous, listener("unknown"));
    EXPECT_THAT(failure_with(context(), mosquitto).detail(), HasSubstr("unknown CA"));
}

TEST_P(MosquittoTls, a_client_certificate_is_demanded_and_taken) {
    const Mosquitto mosquitto(Mosquitto::Access::anonymous, listener("server", demanding()));
    const std::string certificate = file("client.pem");
    const std::string key = file("client.key");
    const TlsContext tls = context({.certificate_file = certificate, .key_file = key});
    AsyncClient client(loop, {.tls = &tls});
    run(round_trip(client, url(mosquitto)));
}

TEST_P(MosquittoTls, a_client_certificate_that_is_missing_is_named) {
    const Mosquitto mosquitto(Mosquitto::Access::anonymous, listener("server", demanding()));
    const Failure failure = failure_with(context(), mosquitto);
    EXPECT_THAT(failure.detail(), HasSubstr("it demands a client certificate, and none was given"));
}

TEST_P(MosquittoTls, a_client_certificate_of_an_unknown_authority_is_named) {
    const Mosquitto mosquitto(Mosquitto::Access::anonymous, listener("server", demanding()));
    const std::string certificate = file("other-client.pem");
    const std::string key = file("other-client.key");
    const Failure failure = failure_with(context({.certificate_file = certificate, .key_file = key}), mosquitto);
    EXPECT_THAT(failure.detail(), HasSubstr("unknown_ca"));
    EXPECT_THAT(failure.detail(), HasSubstr("it does not accept our client certificate"));
}

TEST_P(MosquittoTls, the_second_connection_resumes) {
    const Mosquitto mosquitto(Mosquitto::Access::anonymous, listener("server"));
    const TlsContext tls = context();
    for (int i = 0; i < 3; ++i) {
        AsyncClient client(loop, {.tls = &tls});
        run(round_trip(client, url(mosquitto)));
    }
    EXPECT_EQ(tls.statistics().handshakes, 3u);
    EXPECT_EQ(tls.statistics().resumed, 2u);
}

Task<> survive(AsyncClient& client, Mosquitto& mosquitto) {
    co_await client.connect(url(mosquitto));
    mosquitto.kill(); // and with it the keys of its tickets
    auto publish = client.publish("t", "text", {.qos = QoS::exactly_once});
    mosquitto.start();
    co_await publish;
    co_await client.disconnect();
}

TEST_P(MosquittoTls, a_broker_that_is_killed_is_found_again) {
    Mosquitto mosquitto(Mosquitto::Access::anonymous, listener("server"));
    const TlsContext tls = context();
    AsyncClient client(loop, {.reconnect = {.first_delay = 50ms, .max_delay = 200ms}, .tls = &tls});
    run(survive(client, mosquitto));
    EXPECT_EQ(tls.statistics().handshakes, 2u);
}

TEST_P(MosquittoTls, the_documented_client_receives) {
    const Mosquitto mosquitto(Mosquitto::Access::anonymous, listener("server"));
    std::mutex mutex;
    std::condition_variable changed;
    std::string heard;
    Client client{"documented", true};
    client.connect("localhost", 60, mosquitto.port(), {.tls = context()});
    client.loop([&](Client&, const CallbackData& data) {
        const std::lock_guard lock(mutex);
        heard = data.message->text();
        changed.notify_all();
    });
    client.subscribe({{"t", 1}});
    client.publish("t", "over TLS", 1);
    {
        std::unique_lock lock(mutex);
        EXPECT_TRUE(changed.wait_for(lock, 30s, [&] { return !heard.empty(); }));
    }
    EXPECT_EQ(heard, "over TLS");
    client.disconnect();
}

TEST_P(MosquittoTls, a_listener_without_tls_is_told) {
    const Mosquitto mosquitto;
    const TlsContext tls = context();
    AsyncClient client(loop, {.tls = &tls});
    const Failure failure = run(failure_of(client, url(mosquitto)));
    EXPECT_TRUE(failure == Errc::tls_failed || failure == std::errc::connection_reset) << failure.message();
    EXPECT_EQ(failure.phase(), Phase::tls);
}

TEST(MosquittoTlsPsk, a_key_agreed_upon_before_is_taken) {
    const std::string keys = std::filesystem::temp_directory_path() / ("culex-psk-" + std::to_string(getpid()));
    std::ofstream(keys) << "sensor-7:00112233445566778899aabbccddeeff\n";
    const Mosquitto mosquitto(Mosquitto::Access::anonymous, "psk_hint culex\npsk_file " + keys + "\n");
    std::array<unsigned char, 16> key{};
    for (std::size_t i = 0; i < key.size(); ++i) key.at(i) = static_cast<unsigned char>(i * 0x11);
    Loop loop;
    const TlsContext tls({.psk_identity = "sensor-7", .psk_key = std::as_bytes(std::span(key))});
    AsyncClient client(loop, {.tls = &tls});
    loop.run(within_a_minute(round_trip(client, url(mosquitto))));
    key[0] = 1;
    const TlsContext wrong({.psk_identity = "sensor-7", .psk_key = std::as_bytes(std::span(key))});
    AsyncClient refused(loop, {.tls = &wrong});
    const Failure failure = loop.run(within_a_minute(failure_of(refused, url(mosquitto))));
    EXPECT_TRUE(failure == Errc::tls_failed) << failure.message();
    std::filesystem::remove(keys);
}

} // namespace
} // namespace culex

#endif
