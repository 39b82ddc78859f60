// Prints what becomes of a connection while its broker is stopped and started again, and loses no message meanwhile.
//
//     culex_example_reconnect                              with a broker inside this process, which it stops and starts
//     culex_example_reconnect --broker mqtt://host:1883    with a real one: there it asks for new connections instead
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <culex/async_client.hpp>
#include <culex/event.hpp>
#include <culex/loop.hpp>
#include <culex/nursery.hpp>
#include <culex/testing/fake_broker.hpp>
#include <culex/timeout.hpp>

using namespace std::chrono_literals;
using Kind = culex::ConnectionEvent::Kind;

namespace {

constexpr int outages = 3;

/// What is told about the connection, and what this program waits for in it.
struct Diary {
    std::vector<Kind> kinds;
    culex::Event attempt_failed;
};

culex::Task<> print(culex::ConnectionEvents& events, Diary& diary) {
    const culex::TimePoint start = culex::Scheduler::here().now();
    while (const auto event = co_await events.next()) {
        const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(event->at - start);
        fmt::print("{:5} ms  {:14}  {}\n", passed.count(), to_string(event->kind), event->to_string());
        diary.kinds.push_back(event->kind);
        if (event->kind == Kind::attempt_failed) diary.attempt_failed.set();
        if (event->kind == Kind::stopped) co_return;
    }
}

/// The broker goes, and comes back when the client has met nobody at least once.
culex::Task<> outage(culex::testing::FakeBroker& broker, Diary& diary) {
    diary.attempt_failed.reset();
    broker.shut_down();
    co_await diary.attempt_failed.wait();
    broker.listen();
}

/// Publishes while there is a connection, and while there is none.
culex::Task<> publish_throughout(culex::AsyncClient& client, std::string topic, culex::testing::FakeBroker* broker,
                                 Diary& diary) {
    int number = 0;
    for (int i = 0; i < outages; ++i) {
        const std::string before = std::to_string(++number);
        const std::string meanwhile = std::to_string(++number);
        co_await client.publish(topic, before, {.qos = culex::QoS::exactly_once});
        if (!broker) client.reconnect();
        std::optional<culex::Nursery> stopped;
        if (broker) stopped.emplace().spawn(outage(*broker, diary));
        auto published = client.publish(topic, meanwhile, {.qos = culex::QoS::exactly_once});
        if (stopped) co_await stopped->join();
        co_await client.wait_connected(30s);
        co_await published;
    }
}

/// The messages come back, each once and in order.
culex::Task<> read(culex::Subscription& messages) {
    for (int expected = 1; expected <= 2 * outages; ++expected) {
        const auto message = co_await messages.next();
        if (!message || message->text() != std::to_string(expected)) {
            throw std::runtime_error("a message is missing, or twice there");
        }
    }
    fmt::print("{} messages, each once and in order\n", 2 * outages);
}

/// Each connection was lost, waited for unless a new one was asked for, and made again; the last one ended as it was told.
void check(const std::vector<Kind>& kinds, bool stopped_and_started) {
    int lost = 0;
    bool connected = false, waited = false, failed = false;
    for (const Kind kind : kinds) {
        if (kind == Kind::lost && std::exchange(connected, false)) ++lost;
        if (kind == Kind::connected) {
            const bool right =
                !std::exchange(connected, true) && (lost == 0 || !stopped_and_started || (waited && failed));
            if (!right) throw std::runtime_error("connected, although nothing says how");
            waited = failed = false;
        }
        waited = waited || kind == Kind::waiting;
        failed = failed || kind == Kind::attempt_failed;
    }
    const bool ended = connected && kinds.back() == Kind::stopped;
    if (!ended || lost != outages) throw std::runtime_error("the events do not tell what has happened");
    fmt::print("{} connections lost and made again\n", lost);
}

culex::Task<> program(culex::Loop& loop, std::string url, culex::testing::FakeBroker* broker) {
    const std::string name = fmt::format("culex-reconnect-{:x}", loop.now().time_since_epoch().count());
    const std::string topic = "culex/reconnect/" + name;
    culex::AsyncClient client(loop, {.client_id = name,
                                     .version = culex::Version::v5,
                                     .properties = {.session_expiry_interval = 60},
                                     .reconnect = {.first_delay = 50ms, .max_delay = 500ms}});
    culex::ConnectionEvents events = client.connection_events();
    Diary diary;
    culex::Nursery nursery;
    nursery.spawn(print(events, diary));
    co_await client.connect(url);
    auto messages = co_await client.subscribe(topic, culex::QoS::exactly_once);
    co_await publish_throughout(client, topic, broker, diary);
    co_await culex::with_timeout(read(messages), 10s);
    co_await client.disconnect();
    co_await nursery.join();
    check(diary.kinds, broker != nullptr);
}

} // namespace

int main(int argc, char** argv) {
    std::string url;
    if (argc == 3 && std::string_view(argv[1]) == "--broker") {
        url = argv[2];
    } else if (argc != 1) {
        fmt::print(stderr, "usage: {} [--broker mqtt://host:port]\n", argv[0]);
        return 2;
    }
    try {
        culex::Loop loop;
        std::optional<culex::testing::FakeBroker> broker;
        if (url.empty()) {
            broker.emplace(loop);
            broker->listen();
            url = broker->url();
        }
        loop.run(program(loop, url, broker ? &*broker : nullptr));
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        return 1;
    }
}
