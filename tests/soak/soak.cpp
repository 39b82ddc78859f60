// A long run against a real mosquitto that is stopped and started all the time: hundreds of clients of both kinds and versions,
// plain and over TLS, publishers at each QoS, consumers of many speeds. What is checked at its end: every message at QoS 1 and 2
// has come, at QoS 2 and 0 none twice; memory and descriptors are what they were when the run had become steady.
//
//     culex_soak MINUTES [publishers]
#include <algorithm>
#include <array>
#include <atomic>
#include <bitset>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include <malloc.h>
#include <sys/resource.h>

#include <fmt/format.h>

#include <culex/culex.hpp>

#include "base/pool_trim.hpp"
#include "interop/mosquitto.hpp"
#include "soak/ledger.hpp"

using namespace std::chrono_literals;
using culex::Acknowledge;
using culex::AsyncClient;
using culex::QoS;
using culex::Task;
using culex::Version;
using Clock = std::chrono::steady_clock;

namespace {

struct Plan {
    std::chrono::duration<double> length{};
    int publishers = 0;
    static constexpr int for_each_consumer = 4;
    static constexpr int documented = 4; ///< publishers with the documented client
    static constexpr std::chrono::milliseconds between{500};

    /// The time between two stops of the broker, and when it is steady for the first time.
    [[nodiscard]] std::chrono::duration<double> cycle() const {
        return std::min<std::chrono::duration<double>>(30s, length / 6);
    }
    [[nodiscard]] std::chrono::duration<double> warm() const {
        return std::min<std::chrono::duration<double>>(300s, length / 3);
    }
};

/// What the run has in common.
struct Run {
    culex::Loop loop{};
    Plan plan{};
    soak::Ledger ledger{};
    std::atomic<bool> ready = false; // all consumers have subscribed
    std::atomic<bool> calm = true;   // the broker is left alone
    std::atomic<bool> over = false;
    std::atomic<int> documented = 0; // that are connected for the first time
    std::unique_ptr<culex::TlsContext> tls{};
    int plain_port = 0;
    int tls_port = 0;
    std::vector<const AsyncClient*> clients{};
    std::size_t consumers = 0;

    [[nodiscard]] std::string url(int number) const {
        return number % 4 == 0 ? fmt::format("mqtts://localhost:{}", tls_port)
                               : fmt::format("mqtt://127.0.0.1:{}", plain_port);
    }
};

culex::ClientOptions options(const Run& run, std::string_view id, int number) {
    culex::ClientOptions options{.client_id = id, .clean_start = false, .keep_alive = 10s};
    options.reconnect = {.first_delay = 50ms, .max_delay = 2s};
    options.tls = run.tls.get();
    if (number % 2 == 0) return options;
    options.version = Version::v5;
    options.properties.session_expiry_interval = 24 * 3600;
    return options;
}

std::string body(std::uint64_t number, std::mt19937& random) {
    std::string text = std::to_string(number) + ' ';
    const bool large = random() % 500 == 0;
    text.resize(text.size() + (large ? 100'000 : random() % 600), 'x');
    return text;
}

std::uint64_t number_of(std::string_view text) {
    std::uint64_t number = UINT64_MAX;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

/// mosquitto 2.0.11 that is stopped between its PUBREL and our PUBCOMP sends the PUBLISH again when it is back, against
/// [MQTT-4.3.3-7]; the client, for whom the exchange is over, cannot know. This tells, by the packets.
class Witness {
public:
    explicit Witness(soak::Ledger& ledger) noexcept : ledger_(ledger) {}
    void see(const culex::TappedPacket& packet) {
        if (packet.direction() == culex::PacketDirection::sent) return;
        if (packet.type() == culex::PacketType::pubrel) released_.set(id_of(packet.text()));
        if (packet.type() != culex::PacketType::publish) return;
        const std::string text = packet.text();
        if (text.find(" qos=2") == text.npos || !released_.test(id_of(text))) return;
        released_.reset(id_of(text));
        if (text.find(" dup") != text.npos) ledger_.broker_repeats_itself();
    }

private:
    static std::size_t id_of(std::string_view text) { return number_of(text.substr(text.find("id=") + 3)); }

    soak::Ledger& ledger_;
    // Identifiers that were released, and not used since. As large as it will ever be: it is not to look like a leak.
    std::bitset<65'536> released_{};
};

// --- the coroutine client

/// One topic at one QoS; the next message goes out when the one before is acknowledged.
Task<> publish_topic(Run& run, AsyncClient& client, std::string topic, QoS qos) {
    std::mt19937 random(std::hash<std::string>{}(topic));
    const culex::PublishOptions how{.qos = qos};
    for (std::uint64_t number = 0; !run.over; ++number) {
        const culex::Payload payload{body(number, random)};
        run.ledger.published(topic, qos);
        co_await client.publish(topic, payload, how);
        co_await culex::sleep_for(Plan::between);
    }
}

Task<> publisher(Run& run, int number) {
    const std::string id = fmt::format("publisher-{}", number);
    AsyncClient client(run.loop, options(run, id, number));
    run.clients.push_back(&client);
    co_await client.connect(run.url(number), {.retry = true});
    culex::Nursery topics;
    for (const QoS qos : {QoS::at_most_once, QoS::at_least_once, QoS::exactly_once})
        topics.spawn(publish_topic(run, client, fmt::format("soak/{}/{}", number, static_cast<int>(qos)), qos));
    co_await topics.join();
    const auto left = co_await client.disconnect({.drain = 60s});
    if (left.undelivered > 0) fmt::print("{}: {} not delivered: {}\n", id, left.undelivered, left.why.message());
    std::erase(run.clients, &client);
}

/// Consumers differ in what they take for a message, and some stop altogether now and then.
Task<> work(int number, std::uint64_t messages) {
    constexpr std::array pauses{0ms, 0ms, 1ms, 5ms, 15ms};
    const auto pause = pauses.at(static_cast<std::size_t>(number) % pauses.size());
    if (number % 7 == 3 && messages % 1000 == 999) co_await culex::sleep_for(2s);
    if (pause > 0ms) co_await culex::sleep_for(pause);
}

Task<> consume(Run& run, AsyncClient& client, int number, culex::Event& subscribed) {
    const bool by_hand = number % 2 == 0;
    Witness witness(run.ledger);
    client.tap([&witness](const culex::TappedPacket& packet) { witness.see(packet); });
    const culex::SubscribeOptions how{.acknowledge = by_hand ? Acknowledge::manual : Acknowledge::automatic};
    auto messages = client.messages(how.acknowledge);
    co_await client.connect(run.url(number + 1), {.retry = true});
    for (int i = 0; i < Plan::for_each_consumer; ++i) {
        const std::string filter = fmt::format("soak/{}/#", number * Plan::for_each_consumer + i);
        co_await client.subscribe(filter, QoS::exactly_once, how);
    }
    if (number == 0)
        co_await client.subscribe("documented/+/2", QoS::exactly_once, {.acknowledge = Acknowledge::manual});
    subscribed.set();
    std::uint64_t count = 0;
    while (auto message = co_await messages.next()) {
        run.ledger.received(message->topic(), number_of(message->text()));
        co_await work(number, ++count);
        if (by_hand) message->ack();
    }
}

// --- the documented client

void count_documented(Run& run, const culex::CallbackData& data) {
    if (data.message) run.ledger.received(data.message->topic(), number_of(data.message->text()));
}

culex::ClientSettings settings() { return {.reconnect = {.first_delay = 50ms, .max_delay = 2s}}; }

void publish_documented(Run& run, int number) {
    culex::Client client(fmt::format("documented-{}", number), false, settings());
    client.connect("127.0.0.1", 10, run.plain_port);
    client.loop();
    const int qos = 1 + number % 2;
    const std::string topic = fmt::format("documented/{}/{}", number, qos);
    std::mt19937 random(static_cast<unsigned>(number));
    ++run.documented;
    run.ready.wait(false);
    for (std::uint64_t i = 0; !run.over; ++i) {
        run.ledger.published(topic, static_cast<QoS>(qos));
        client.publish(topic, body(i, random), qos);
        std::this_thread::sleep_for(50ms);
    }
    if (const std::size_t left = client.disconnect()) fmt::print("documented-{}: {} not delivered\n", number, left);
}

// --- the broker, and what the process takes

/// Stops and starts it. In between, and long enough for all to be there again, it runs. The broker ends with this thread, so
/// this outlives all clients.
void restart_broker(const std::stop_token& end, Run& run, culex::Mosquitto& broker) {
    std::mt19937 random(1);
    auto next = Clock::now() + run.plan.cycle();
    while (!end.stop_requested()) {
        std::this_thread::sleep_for(50ms);
        if (run.calm || run.over) next = Clock::now() + run.plan.cycle();
        if (Clock::now() < next) continue;
        broker.stop();
        std::this_thread::sleep_for(std::chrono::milliseconds(200 + random() % 2000));
        broker.start();
        next = Clock::now() + run.plan.cycle();
    }
}

struct Taken {
    double memory = 0; ///< bytes, resident
    std::ptrdiff_t descriptors = 0;
    std::string text;
};

Taken taken() {
    std::ifstream status("/proc/self/status");
    double kilobytes = 0;
    for (std::string word; status >> word;) {
        if (word == "VmRSS:") status >> kilobytes;
    }
    const std::filesystem::directory_iterator open("/proc/self/fd");
    Taken now{kilobytes * 1024, std::distance(begin(open), end(open)), {}};
    const auto heap = mallinfo2();
    now.text = fmt::format("{:.1f} MiB resident, {:.1f} in use, {} descriptors", now.memory / 1048576,
                           static_cast<double>(heap.uordblks + heap.hblkhd) / 1048576, now.descriptors);
    return now;
}

[[nodiscard]] bool all_connected(const Run& run) {
    const std::size_t all = static_cast<std::size_t>(run.plan.publishers) + run.consumers;
    return run.documented == Plan::documented && run.clients.size() == all &&
           std::ranges::all_of(run.clients, [](const AsyncClient* client) {
               return client->state() == culex::ConnectionState::connected;
           });
}

/// What is taken with the broker at rest, and all clients there as they were at first: that has to come about in time. What the
/// pool and the heap of this process keep of earlier peaks is given back before: each peak that is the greatest so far leaves
/// some, of the pool's no more than <culex/pool.hpp> says.
Task<Taken> taken_at_rest(Run& run, std::ptrdiff_t descriptors) {
    run.calm = true;
    const auto patience = Clock::now() + 60s;
    while ((!all_connected(run) || taken().descriptors != descriptors) && Clock::now() < patience)
        co_await culex::sleep_for(20ms);
    culex::pool_trim();
    malloc_trim(0);
    const Taken now = taken();
    run.calm = false;
    co_return now;
}

Task<> report(Run& run, Clock::time_point begin) {
    auto last = Clock::now();
    while (!run.over) {
        co_await culex::sleep_for(100ms);
        if (Clock::now() - last < 10s) continue;
        last = Clock::now();
        const auto all = run.ledger.totals();
        fmt::print("{:5.0f} s  published {:>8} {:>8} {:>8}  to come {:>5} {:>5}  {}\n",
                   std::chrono::duration<double>(last - begin).count(), all[0].published, all[1].published,
                   all[2].published, all[1].missing, all[2].missing, taken().text);
        std::fflush(stdout);
    }
}

struct Consumer {
    explicit Consumer(Run& run, int number)
        : id(fmt::format("consumer-{}", number)), client(run.loop, options(run, id, number)) {}
    std::string id;
    AsyncClient client;
    culex::Event subscribed;
};

Task<> load(Run& run, Clock::time_point begin, Taken& warm, Taken& end) {
    culex::Nursery publishers;
    for (int i = 0; i < run.plan.publishers; ++i) publishers.spawn(publisher(run, i));
    publishers.spawn(report(run, begin));
    while (!all_connected(run)) co_await culex::sleep_for(20ms);
    const std::ptrdiff_t descriptors = taken().descriptors; // no connection has ended yet
    run.calm = false;
    const auto elapsed = [begin] { return std::chrono::duration<double>(Clock::now() - begin); };
    while (elapsed() < run.plan.warm()) co_await culex::sleep_for(50ms);
    warm = co_await taken_at_rest(run, descriptors);
    while (elapsed() < run.plan.length) co_await culex::sleep_for(50ms);
    end = co_await taken_at_rest(run, descriptors);
    run.over = true;
    co_await publishers.join();
}

Task<bool> soak(Run& run) {
    std::vector<std::unique_ptr<Consumer>> consumers;
    culex::Nursery consuming;
    for (int i = 0; i < (run.plan.publishers + Plan::for_each_consumer - 1) / Plan::for_each_consumer; ++i) {
        Consumer& consumer = *consumers.emplace_back(std::make_unique<Consumer>(run, i));
        run.clients.push_back(&consumer.client);
        ++run.consumers;
        consuming.spawn(consume(run, consumer.client, i, consumer.subscribed));
    }
    for (const auto& consumer : consumers) co_await consumer->subscribed.wait();
    run.ready = true;
    run.ready.notify_all();
    Taken warm, end;
    co_await load(run, Clock::now(), warm, end);
    const auto patience = Clock::now() + 90s;
    while (!run.ledger.complete() && Clock::now() < patience) co_await culex::sleep_for(50ms);
    consuming.cancel();
    co_await consuming.join();
    fmt::print("\nsteady: {}\nat the end: {}\n", warm.text, end.text);
    const bool long_enough = run.plan.warm() >= 60s; // to tell a leak from caches that fill
    const bool flat = !long_enough || end.memory < warm.memory * 1.05;
    const bool closed = end.descriptors == warm.descriptors;
    if (!flat || !closed) fmt::print("WRONG: it has grown\n");
    co_return run.ledger.balance() && flat&& closed;
}

void allow_many_files() {
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

bool run_all(const Plan& plan) {
    Run run{.plan = plan};
    const std::string certificates = CULEX_CERTIFICATES;
    run.tls_port = culex::Mosquitto::free_port();
    culex::Mosquitto broker(
        culex::Mosquitto::Access::anonymous,
        fmt::format("autosave_interval 0\nautosave_on_changes false\nmax_queued_messages 0\nmax_inflight_messages 0\n"
                    "listener {0} 127.0.0.1\ncertfile {1}/server.pem\nkeyfile {1}/server.key\n",
                    run.tls_port, certificates));
    run.plain_port = broker.port();
    run.tls = std::make_unique<culex::TlsContext>(culex::TlsOptions{.ca_file = certificates + "/ca.pem"});
    const std::jthread restarting(restart_broker, std::ref(run), std::ref(broker));

    culex::Client documented_consumer("documented-consumer", false, settings());
    documented_consumer.on(culex::PUBLISH,
                           [&run](culex::Client&, const culex::CallbackData& data) { count_documented(run, data); });
    documented_consumer.connect("127.0.0.1", 10, run.plain_port);
    documented_consumer.subscribe({{"documented/+/1", 1}});
    documented_consumer.loop();

    std::vector<std::jthread> threads;
    for (int i = 0; i < Plan::documented; ++i) threads.emplace_back(publish_documented, std::ref(run), i);
    const bool good = run.loop.run(soak(run));
    threads.clear();
    documented_consumer.disconnect();
    return good;
}

} // namespace

int main(int argc, char** argv) {
    const double minutes = argc > 1 ? std::atof(argv[1]) : 0;
    if (minutes <= 0) {
        fmt::print(stderr, "usage: culex_soak MINUTES [publishers]\n");
        return 2;
    }
    allow_many_files();
    try {
        const bool good = run_all(
            {.length = std::chrono::duration<double>(minutes * 60), .publishers = argc > 2 ? std::atoi(argv[2]) : 240});
        fmt::print("{}\n", good ? "the soak has passed" : "the soak has FAILED");
        return good ? 0 : 1;
    } catch (const std::exception& error) {
        fmt::print(stderr, "soak: {}\n", error.what());
        return 1;
    }
}
