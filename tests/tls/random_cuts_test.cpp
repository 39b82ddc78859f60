// The promise of delivery against a network that breaks anywhere, in records and handshakes too: in virtual time, and over
// sockets. The seed is printed on failure and can be given back in CULEX_SEED.
#include <cstdlib>
#include <map>
#include <random>
#include <set>

#include <culex/async_client.hpp>
#include <culex/loop.hpp>
#include <culex/nursery.hpp>
#include <culex/testing/broker_thread.hpp>
#include <culex/timeout.hpp>

#include "tls/tls_test.hpp"

namespace culex::testing {
namespace {

constexpr int messages_per_qos = 4;

std::uint64_t seed() {
    const char* given = std::getenv("CULEX_SEED");
    return given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

/// What has arrived under one topic: numbers, which were sent as 0, 1, 2, ...
class Arrivals {
public:
    void add(std::string_view text) {
        const int number = std::stoi(std::string(text));
        if (!seen_.insert(number).second) {
            ++repeated_;
            return;
        }
        if (number <= last_) ++overtaken_;
        last_ = number;
    }
    [[nodiscard]] std::size_t distinct() const noexcept { return seen_.size(); }
    [[nodiscard]] int repeated() const noexcept { return repeated_; }
    [[nodiscard]] int overtaken() const noexcept { return overtaken_; }

private:
    std::set<int> seen_;
    int last_ = -1;
    int repeated_ = 0;
    int overtaken_ = 0;
};
using ByTopic = std::map<std::string, Arrivals>;

void check(ByTopic& arrivals, const std::string& direction, int cycles) {
    const auto all = static_cast<std::size_t>(cycles) * messages_per_qos;
    EXPECT_EQ(arrivals[direction + "/1"].distinct(), all);
    EXPECT_EQ(arrivals[direction + "/2"].distinct(), all);
    EXPECT_EQ(arrivals[direction + "/2"].repeated(), 0);
    for (const char* qos : {"/1", "/2"}) EXPECT_EQ(arrivals[direction + qos].overtaken(), 0) << qos;
}

/// A server whose connections break, beneath TLS, after some of the bytes that a short connection has.
class BreakingServer {
public:
    BreakingServer(TlsVersion version, std::uint64_t chosen) : random_(chosen), server_(make(version)) {}

    std::unique_ptr<Stream> operator()(Scheduler& scheduler, std::unique_ptr<Stream> stream) {
        Faults faults;
        // Of two, one is within the handshake, or soon behind it.
        const std::uint64_t at = random_() % (random_() % 2 ? 1'000 : 3'000);
        (random_() % 2 ? faults.received : faults.sent).cut_after = at;
        if (random_() % 8 == 0) faults.received.chunk_size = faults.sent.chunk_size = 1 + random_() % 200;
        return server_(scheduler, std::make_unique<FaultyStream>(scheduler, std::move(stream), std::move(faults)));
    }

private:
    static TlsServer make(TlsVersion version) {
        const std::string file = certificate("server.pem");
        const std::string key_file = certificate("server.key");
        return TlsServer(
            {.certificate_file = file, .key_file = key_file, .min_version = version, .max_version = version});
    }
    std::mt19937_64 random_;
    TlsServer server_;
};

ClientOptions persistent(Version version, const TlsContext& tls) {
    ClientOptions options{.client_id = "cut", .version = version, .clean_start = false, .tls = &tls};
    options.properties.session_expiry_interval = 3600;
    options.reconnect.first_delay = 1ms;
    options.reconnect.max_delay = 20ms;
    return options;
}

Task<> publish(AsyncClient& client, QoS qos, int number) {
    const std::string topic = "up/" + std::to_string(static_cast<int>(qos));
    const std::string text = std::to_string(number);
    co_await client.publish(topic, text, {.qos = qos});
}

Task<> cycle(AsyncClient& client, int number) {
    Nursery nursery;
    for (int i = 0; i < messages_per_qos; ++i) {
        for (const QoS qos : {QoS::at_least_once, QoS::exactly_once})
            nursery.spawn(publish(client, qos, number * messages_per_qos + i));
    }
    co_await nursery.join();
}

Task<> consume(Subscription& stream, ByTopic& arrivals) {
    while (auto message = co_await stream.next()) arrivals[std::string(message->topic())].add(message->text());
}

Task<> connect_and_subscribe(AsyncClient& client, std::string url, std::optional<Subscription>& stream) {
    co_await client.connect(url, {.retry = true});
    stream = co_await client.subscribe("down/#", QoS::exactly_once);
}

Task<> disconnect(AsyncClient& client) { co_await client.disconnect(); }

FakeBrokerOptions broker_options() {
    FakeBrokerOptions options;
    options.kept_messages = 0;
    options.log_bytes = 0;
    options.max_queued = 100'000;
    return options;
}

void publish_down(FakeBroker& broker, int number) {
    for (int i = 0; i < messages_per_qos; ++i) {
        const std::string text = std::to_string(number * messages_per_qos + i);
        broker.publish("down/1", text, QoS::at_least_once);
        broker.publish("down/2", text, QoS::exactly_once);
    }
}

class TlsRandomCuts : public ::testing::TestWithParam<Version> {
protected:
    TlsRandomCuts() {
        // Both versions of TLS, each with one of MQTT: those have nothing to do with each other.
        version = GetParam() == Version::v5 ? TlsVersion::v1_3 : TlsVersion::v1_2;
        const std::string ca = certificate("ca.pem");
        tls.emplace(TlsOptions{.ca_file = ca, .min_version = version, .max_version = version});
    }

    const std::uint64_t chosen = seed();
    const ::testing::ScopedTrace trace{__FILE__, __LINE__, "CULEX_SEED=" + std::to_string(chosen)};
    TlsVersion version = TlsVersion::v1_3;
    std::optional<TlsContext> tls;
    ByTopic up;
    ByTopic down;
};
INSTANTIATE_TEST_SUITE_P(Versions, TlsRandomCuts, ::testing::Values(Version::v3_1_1, Version::v5),
                         [](const auto& of) { return of.param == Version::v5 ? "v5" : "v3_1_1"; });

TEST_P(TlsRandomCuts, lose_nothing_repeat_nothing_at_qos_2_and_keep_the_order) {
    constexpr std::size_t connections = 5'000;
    int cycles = 0;
    VirtualRuntime runtime;
    runtime.set_tls(&open_tls);
    FakeBroker broker(runtime, broker_options());
    broker.options().tls = BreakingServer(version, chosen);
    broker.listen("mqtts://localhost");
    broker.subscribe("up/#", [&](const PublishedMessage& message) { up[message.topic].add(message.payload); });
    AsyncClient client(runtime, persistent(GetParam(), *tls));
    std::optional<Subscription> stream;
    runtime.run(connect_and_subscribe(client, "mqtts://localhost", stream));
    TaskRoot<> consumer(consume(*stream, down));
    consumer.start_on(runtime);
    for (; broker.accepted() < connections; ++cycles) {
        client.reconnect();
        publish_down(broker, cycles);
        runtime.run(cycle(client, cycles));
        ASSERT_EQ(client.outstanding(), 0u);
    }
    // What the broker still has for us may take some connections more.
    const auto all = static_cast<std::size_t>(cycles) * messages_per_qos;
    EXPECT_TRUE(
        runtime.run_until([&] { return down["down/1"].distinct() == all && down["down/2"].distinct() == all; }, 1h));
    runtime.run(disconnect(client));
    check(up, "up", cycles);
    check(down, "down", cycles);
    EXPECT_GT(broker.accepted(), static_cast<std::size_t>(cycles) * 3 / 2); // there were cuts indeed
    EXPECT_GT(tls->statistics().resumed, connections / 4);
}

Task<> over_sockets(AsyncClient& client, BrokerThread& broker, int cycles, ByTopic& down) {
    std::optional<Subscription> stream;
    const std::string url = "mqtts://localhost:" + std::to_string(broker.port());
    co_await connect_and_subscribe(client, url, stream);
    Nursery nursery;
    nursery.spawn(consume(*stream, down));
    for (int number = 0; number < cycles; ++number) {
        client.reconnect();
        broker.call([&](FakeBroker& on_its_thread) { publish_down(on_its_thread, number); });
        co_await cycle(client, number);
        EXPECT_EQ(client.outstanding(), 0u);
    }
    const auto all = static_cast<std::size_t>(cycles) * messages_per_qos;
    while (down["down/1"].distinct() < all || down["down/2"].distinct() < all) co_await sleep_for(1ms);
    co_await client.disconnect();
    co_await nursery.join();
}

Task<> within_two_minutes(Task<> task) { co_await with_timeout(std::move(task), 120s); }

TEST_P(TlsRandomCuts, lose_nothing_over_sockets_either) {
    constexpr int cycles = 100;
    FakeBrokerOptions options = broker_options();
    options.tls = BreakingServer(version, chosen);
    BrokerThread broker(std::move(options));
    broker.call([&](FakeBroker& on_its_thread) {
        on_its_thread.subscribe("up/#",
                                [&](const PublishedMessage& message) { up[message.topic].add(message.payload); });
    });
    Loop loop;
    AsyncClient client(loop, persistent(GetParam(), *tls));
    loop.run(within_two_minutes(over_sockets(client, broker, cycles, down)));
    broker.call([&](FakeBroker&) { check(up, "up", cycles); });
    check(down, "down", cycles);
    const std::size_t accepted = broker.call([](FakeBroker& on_its_thread) { return on_its_thread.accepted(); });
    EXPECT_GT(accepted, static_cast<std::size_t>(cycles) * 5 / 4);
}

} // namespace
} // namespace culex::testing
