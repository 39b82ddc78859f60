// Culex' coroutine face: a program with one loop on one thread.
#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>

#include <culex/async_client.hpp>
#include <culex/loop.hpp>
#include <culex/nursery.hpp>
#include <culex/timeout.hpp>
#include <culex/tls.hpp>

#include "bench/drivers/driver.hpp"

using bench::Job;
using bench::Kind;
using bench::Meter;
using culex::QoS;
using culex::Task;

namespace {

/// So many publishes are awaited at once at QoS 1 and 2, each by a coroutine of its own.
constexpr std::uint64_t in_flight = 1000;
/// Connecting clients that wait for CONNACK at once.
constexpr std::uint64_t connecting = 100;

std::string url(const Job& job) {
    return (job.tls ? "mqtts://127.0.0.1:" : "mqtt://127.0.0.1:") + std::to_string(job.port);
}

/// At QoS 0, then one of QoS 1: with its acknowledgement the broker has taken all of them.
Task<> publish_unacknowledged(culex::AsyncClient& client, const Job& job) {
    const std::string payload = job.payload();
    for (std::uint64_t i = 1; i < job.count; ++i) co_await client.publish(bench::topic, payload);
    co_await client.publish(bench::topic, payload, {.qos = QoS::at_least_once});
}

template <class P> Task<> publisher(culex::AsyncClient& client, const P& payload, QoS qos, std::uint64_t& left) {
    const culex::PublishOptions options{.qos = qos};
    while (left > 0) {
        --left;
        co_await client.publish(bench::topic, payload, options);
    }
}

Task<> publish_acknowledged(culex::AsyncClient& client, const Job& job) {
    const std::string text = job.payload();
    const culex::Payload payload{job.payload()};
    // Large payloads are handed over. One fills the buffer of the socket, which stays in the cache as long as no other follows.
    const bool large = text.size() > 65'536;
    const std::uint64_t usual = large ? 1 : in_flight;
    const std::uint64_t publishers = job.in_flight > 0 ? job.in_flight : usual;
    std::uint64_t left = job.count;
    const auto qos = static_cast<QoS>(job.qos);
    culex::Nursery nursery;
    for (std::uint64_t i = 0; i < publishers; ++i)
        nursery.spawn(large ? publisher(client, payload, qos, left) : publisher(client, text, qos, left));
    co_await nursery.join();
}

/// Filters that no message matches, and no two of which are alike; a SUBSCRIBE for each thousand of them.
Task<> subscribe_besides(culex::AsyncClient& client, std::uint64_t count, std::vector<culex::Subscription>& streams) {
    for (std::uint64_t begin = 0; begin < count; begin += 1000) {
        std::vector<std::string> filters;
        for (std::uint64_t i = begin; i < std::min(count, begin + 1000); ++i)
            filters.push_back("bench/" + std::to_string(i / 100) + "/device/" + std::to_string(i));
        std::vector<culex::TopicSubscription> asked;
        for (const std::string& filter : filters) asked.push_back({.filter = filter});
        streams.push_back(co_await client.subscribe(asked));
    }
}

Task<> receive(culex::AsyncClient& client, const Job& job) {
    auto messages = co_await client.subscribe(bench::topic, static_cast<QoS>(job.qos));
    for (std::uint64_t i = 0; i < job.count; ++i) {
        const auto message = co_await messages.next();
        if (!message || message->payload().size() != job.size) throw std::runtime_error("not what was poured");
    }
}

Task<> round_trips(culex::AsyncClient& client, const Job& job, Meter& meter) {
    const std::string payload = job.payload();
    const QoS qos = static_cast<QoS>(job.qos);
    auto messages = co_await client.subscribe(bench::topic, qos);
    for (std::uint64_t i = 0; i < job.count; ++i) {
        const auto begun = Meter::Clock::now();
        auto published = client.publish(bench::topic, payload, {.qos = qos});
        const auto message = co_await messages.next();
        meter.note(Meter::Clock::now() - begun);
        if (!message) throw std::runtime_error("the stream has ended");
        co_await published;
    }
}

using Clients = std::vector<std::unique_ptr<culex::AsyncClient>>;

Task<> connect_some(culex::Loop& loop, Clients& clients, const Job& job, const culex::TlsContext* tls) {
    const std::string where = url(job);
    while (clients.size() < job.count) {
        const std::string id = "c" + std::to_string(clients.size());
        const std::chrono::seconds keep_alive(job.keep_alive > 0 ? job.keep_alive : 600);
        clients.push_back(std::make_unique<culex::AsyncClient>(
            loop, culex::ClientOptions{.client_id = id, .keep_alive = keep_alive, .tls = tls}));
        culex::AsyncClient& client = *clients.back();
        co_await client.connect(where);
    }
}

Task<> connect_all(culex::Loop& loop, Clients& clients, const Job& job, const culex::TlsContext* tls) {
    culex::Nursery nursery;
    for (std::uint64_t i = 0; i < connecting; ++i) nursery.spawn(connect_some(loop, clients, job, tls));
    co_await nursery.join();
}

std::uint64_t pings_of(const Clients& clients) {
    std::uint64_t pings = 0;
    for (const auto& client : clients) pings += client->statistics().sent.of(culex::PacketType::pingreq).packets;
    return pings;
}

/// For three keep-alives; a broker's patience, which is one and a half, would be over by then.
Task<> stay(const Clients& clients, const Job& job, Meter& meter) {
    meter.begin();
    auto last = Meter::Clock::now();
    const auto until = last + std::chrono::seconds(3 * job.keep_alive);
    std::uint64_t before = pings_of(clients);
    while (last < until) {
        co_await culex::sleep_for(std::chrono::milliseconds(100));
        const std::uint64_t pings = pings_of(clients);
        const auto now = Meter::Clock::now();
        meter.note_pings(pings - before, std::chrono::duration<double>(now - last).count());
        before = pings;
        last = now;
    }
    meter.end();
    std::uint64_t connected = 0;
    for (const auto& client : clients) {
        const culex::Statistics all = client->statistics();
        connected += client->state() == culex::ConnectionState::connected && all.connections == 1;
    }
    meter.note_connected(connected);
}

Task<> idle(culex::Loop& loop, const Job& job, Meter& meter, const culex::TlsContext* tls) {
    Clients clients;
    clients.reserve(job.count);
    Job few = job; // what the first client costs is not what each one costs
    few.count = 1;
    co_await connect_all(loop, clients, few, tls);
    const double before = bench::resident_bytes();
    co_await connect_all(loop, clients, job, tls);
    co_await culex::sleep_for(std::chrono::milliseconds(100));
    meter.note_idle((bench::resident_bytes() - before) / static_cast<double>(job.count - 1), bench::thread_count());
    if (job.keep_alive > 0) co_await stay(clients, job, meter);
}

Task<> once_a_second(culex::AsyncClient& client, std::string_view payload, std::chrono::microseconds first) {
    co_await culex::sleep_for(std::chrono::duration_cast<std::chrono::milliseconds>(first));
    for (int i = 0; i < 10; ++i) {
        co_await client.publish(bench::topic, payload, {.qos = QoS::at_least_once});
        co_await culex::sleep_for(std::chrono::seconds(1));
    }
}

/// `count` messages, ten of each client.
Task<> many(culex::Loop& loop, const Job& job, Meter& meter) {
    Clients clients;
    Job connections = job;
    connections.count = job.clients > 0 ? job.clients : job.count / 10;
    co_await connect_all(loop, clients, connections, nullptr);
    const std::string payload = job.payload();
    culex::Nursery nursery;
    meter.begin();
    std::uint64_t left = job.clients > 0 ? job.count : 0;
    for (std::size_t i = 0; i < clients.size(); ++i) {
        if (job.clients > 0) nursery.spawn(publisher(*clients[i], payload, QoS::at_least_once, left));
        if (job.clients > 0) continue;
        const std::chrono::microseconds first(1'000'000 * i / clients.size());
        nursery.spawn(once_a_second(*clients[i], payload, first));
    }
    co_await nursery.join();
    meter.end();
}

Task<> one_client(culex::Loop& loop, const Job& job, Meter& meter, const culex::TlsContext* tls) {
    const std::string where = url(job);
    const std::string id = job.client_id();
    culex::AsyncClient client(loop, {.client_id = id, .tls = tls});
    co_await client.connect(where);
    std::vector<culex::Subscription> besides;
    if (job.subscriptions > 0) co_await subscribe_besides(client, job.subscriptions, besides);
    meter.begin();
    if (job.kind == Kind::receive) {
        co_await receive(client, job);
    } else if (job.kind == Kind::round_trip) {
        co_await round_trips(client, job, meter);
    } else if (job.qos == 0) {
        co_await publish_unacknowledged(client, job);
    } else {
        co_await publish_acknowledged(client, job);
    }
    meter.end();
    co_await client.disconnect();
}

bool run(const Job& job, Meter& meter) {
    std::optional<culex::TlsContext> context;
    if (job.tls) context.emplace(culex::TlsOptions{.ca_file = job.ca});
    const culex::TlsContext* const tls = context ? &*context : nullptr;
    culex::Loop loop;
    switch (job.kind) {
    case Kind::threads:
        return false;
    case Kind::idle:
        loop.run(idle(loop, job, meter, tls));
        return true;
    case Kind::many:
        loop.run(many(loop, job, meter));
        return true;
    default:
        loop.run(one_client(loop, job, meter, tls));
        return true;
    }
}

} // namespace

int main(int argc, char** argv) { return bench::drive(argc, argv, run); }
