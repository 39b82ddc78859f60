// The promise of delivery against a network that breaks anywhere: in virtual time, with a seed that is printed on failure
// and can be given back in CULEX_SEED.
#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <set>

#include "client/client_test.hpp"

namespace culex {
namespace {

constexpr int cycles = 1000;
constexpr int messages_per_qos = 20;

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
    /// Messages whose first arrival came after that of a later one.
    [[nodiscard]] int overtaken() const noexcept { return overtaken_; }

private:
    std::set<int> seen_;
    int last_ = -1;
    int repeated_ = 0;
    int overtaken_ = 0;
};

class RandomCuts : public ClientTest {
protected:
    RandomCuts() {
        broker.options().kept_messages = 0;
        broker.options().log_bytes = 0;
        broker.options().max_queued = 100'000;
        broker.subscribe("up/#", [this](const culex::testing::PublishedMessage& message) {
            up[message.topic].add(message.payload);
        });
    }

    [[nodiscard]] culex::testing::Faults random_faults() {
        culex::testing::Faults faults;
        // In a cycle some 1,000 bytes go each way, so that most cuts are reached.
        const std::uint64_t at = random() % 1000;
        (random() % 2 ? faults.received : faults.sent).cut_after = at;
        if (random() % 4 == 0) faults.received.chunk_size = faults.sent.chunk_size = 1 + random() % 50;
        return faults;
    }
    static void check(std::map<std::string, Arrivals>& arrivals, const std::string& direction) {
        const std::size_t all = std::size_t{cycles} * messages_per_qos;
        EXPECT_EQ(arrivals[direction + "/1"].distinct(), all);
        EXPECT_EQ(arrivals[direction + "/2"].distinct(), all);
        EXPECT_EQ(arrivals[direction + "/2"].repeated(), 0);
        for (const char* qos : {"/0", "/1", "/2"}) EXPECT_EQ(arrivals[direction + qos].overtaken(), 0) << qos;
    }

    std::mt19937_64 random;
    std::map<std::string, Arrivals> up;
    std::map<std::string, Arrivals> down;
};
CULEX_FOR_BOTH_VERSIONS(RandomCuts);

Task<> publish(AsyncClient& client, QoS qos, int number) {
    const std::string topic = "up/" + std::to_string(static_cast<int>(qos));
    const std::string text = std::to_string(number);
    co_await client.publish(topic, text, {.qos = qos});
}

Task<> cycle(AsyncClient& client, int number) {
    Nursery nursery;
    for (int i = 0; i < messages_per_qos; ++i) {
        for (const QoS qos : {QoS::at_most_once, QoS::at_least_once, QoS::exactly_once}) {
            nursery.spawn(publish(client, qos, number * messages_per_qos + i));
        }
    }
    co_await nursery.join();
}

Task<> consume(Subscription& stream, std::map<std::string, Arrivals>& arrivals) {
    while (auto message = co_await stream.next()) arrivals[std::string(message->topic())].add(message->text());
}

Task<> connect_and_subscribe(AsyncClient& client, std::optional<Subscription>& stream) {
    co_await client.connect("mqtt://broker");
    stream = co_await client.subscribe("down/#", QoS::exactly_once);
}

Task<> disconnect(AsyncClient& client) { co_await client.disconnect(); }

TEST_P(RandomCuts, lose_nothing_at_qos_1_and_2_repeat_nothing_at_qos_2_and_keep_the_order) {
    const std::uint64_t chosen = seed();
    SCOPED_TRACE("CULEX_SEED=" + std::to_string(chosen));
    random.seed(chosen);
    ClientOptions persistent = options();
    persistent.clean_start = false;
    persistent.properties.session_expiry_interval = 3600;
    persistent.reconnect.first_delay = 10ms;
    AsyncClient client(runtime, persistent);
    std::optional<Subscription> stream;
    run(connect_and_subscribe(client, stream));
    TaskRoot<> consumer(consume(*stream, down));
    consumer.start_on(runtime);

    for (int number = 0; number < cycles; ++number) {
        broker.inject(random_faults());
        client.reconnect();
        for (int i = 0; i < messages_per_qos; ++i) {
            const std::string text = std::to_string(number * messages_per_qos + i);
            broker.publish("down/0", text, QoS::at_most_once);
            broker.publish("down/1", text, QoS::at_least_once);
            broker.publish("down/2", text, QoS::exactly_once);
        }
        run(cycle(client, number));
        ASSERT_EQ(client.outstanding(), 0u);
    }
    runtime.advance(1min);
    run(disconnect(client));
    check(up, "up");
    check(down, "down");
    EXPECT_GT(broker.accepted(), static_cast<std::size_t>(cycles) * 3 / 2); // there were cuts indeed
}

} // namespace
} // namespace culex
