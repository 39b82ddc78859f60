// The main job: connects, subscribes, publishes at every QoS, receives, and shows a retained message and a will at work.
//
//     culex_example_quickstart                              with a broker inside this process
//     culex_example_quickstart --broker mqtt://host:1883    with a real one
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <culex/async_client.hpp>
#include <culex/loop.hpp>
#include <culex/testing/fake_broker.hpp>
#include <culex/timeout.hpp>

using namespace std::chrono_literals;
using culex::QoS;

namespace {

/// Topics of this run alone, so that a broker with other clients on it does not disturb.
std::string unique_prefix() {
    return fmt::format("culex/quickstart/{:x}", culex::Clock::now().time_since_epoch().count());
}

/// A sensor: announces itself with a retained message, sends a reading at each QoS, and goes without a word, so that the
/// broker publishes its will.
culex::Task<> sensor(culex::Loop& loop, std::string url, std::string prefix) {
    const std::string status = prefix + "/status";
    const culex::ClientOptions options{
        .will = culex::Will{
            .topic = status, .payload = culex::as_bytes("gone"), .qos = QoS::at_least_once, .retain = true}};
    culex::AsyncClient client(loop, options);
    co_await client.connect(url);
    co_await client.publish(status, "up", {.qos = QoS::at_least_once, .retain = true});

    for (const QoS qos : {QoS::at_most_once, QoS::at_least_once, QoS::exactly_once}) {
        const std::string reading = fmt::format("21.{}", static_cast<int>(qos));
        const auto published = co_await client.publish(prefix + "/temperature", reading, {.qos = qos});
        fmt::print("sensor: published {} at QoS {}, packet identifier {}\n", reading, static_cast<int>(qos),
                   published.packet_id);
    }
}

culex::Task<> next_message(culex::Subscription& stream, std::string_view expected) {
    const auto message = co_await culex::with_timeout(
        [](culex::Subscription& from) -> culex::Task<std::optional<culex::Message>> {
            co_return co_await from.next();
        }(stream),
        10s);
    if (!message) throw std::runtime_error("the stream has ended");
    fmt::print("monitor: {} = {} (QoS {}{})\n", message->topic(), message->text(), static_cast<int>(message->qos()),
               message->retain() ? ", retained" : "");
    if (message->text() != expected) throw std::runtime_error(fmt::format("expected {}", expected));
}

culex::Task<> quickstart(culex::Loop& loop, std::string url) {
    const std::string prefix = unique_prefix();
    culex::AsyncClient monitor(loop);
    co_await monitor.connect(url);
    fmt::print("monitor: connected to {}\n", url);
    auto readings = co_await monitor.subscribe(prefix + "/temperature", QoS::exactly_once);

    co_await sensor(loop, url, prefix); // comes, publishes, and is destroyed
    for (const std::string_view reading : {"21.0", "21.1", "21.2"}) co_await next_message(readings, reading);

    // The will was retained: who subscribes now learns at once how the sensor is.
    auto status = co_await monitor.subscribe(prefix + "/status", QoS::at_least_once);
    co_await next_message(status, "gone");
    co_await monitor.publish(prefix + "/status", "", {.qos = QoS::at_least_once, .retain = true}); // tidy up
    co_await monitor.disconnect();
    fmt::print("monitor: disconnected\n");
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
        loop.run(quickstart(loop, url));
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        return 1;
    }
}
