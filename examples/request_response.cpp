// Asks and is answered: a server whose handler is a coroutine, and a client that has many requests under way at once, each
// with a deadline.
//
//     culex_example_request_response                              with a broker inside this process
//     culex_example_request_response --broker mqtt://host:1883    with a real one, which must speak MQTT 5
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <culex/loop.hpp>
#include <culex/nursery.hpp>
#include <culex/request.hpp>
#include <culex/testing/fake_broker.hpp>
#include <culex/timeout.hpp>

using namespace std::chrono_literals;

namespace {

std::string unique_topic(std::string_view name) {
    return fmt::format("culex/request/{:x}/{}", culex::Clock::now().time_since_epoch().count(), name);
}

/// The server's work: squares a number, and takes its time over it. What it throws ends neither it nor the service.
culex::Task<culex::Reply> square(const culex::Message& request) {
    const int number = std::stoi(std::string(request.text()));
    co_await culex::sleep_for(std::chrono::milliseconds(number));
    culex::Reply reply(std::to_string(number * number));
    reply.content_type = "text/plain";
    co_return std::move(reply);
}

culex::Task<> ask(culex::AsyncClient& client, std::string topic, int number, std::vector<int>& squares) {
    const std::string text = std::to_string(number);
    const culex::Message reply = co_await client.request(topic, text, {.timeout = 10s});
    fmt::print("client: {} squared is {} ({})\n", number, reply.text(), reply.properties().content_type.value_or("?"));
    squares.push_back(std::stoi(std::string(reply.text())));
}

/// The slowest is asked for first, and answered last.
culex::Task<> ask_all(culex::AsyncClient& client, std::string topic) {
    std::vector<int> squares;
    culex::Nursery asking;
    for (const int number : {120, 60, 1}) asking.spawn(ask(client, topic, number, squares));
    co_await asking.join();
    if (squares != std::vector<int>{1, 3600, 14400}) throw std::runtime_error("that is not how they should come");
}

/// Prints how a request ends that cannot succeed.
culex::Task<culex::Failure> ask_in_vain(culex::AsyncClient& client, std::string topic, std::string text,
                                        std::chrono::milliseconds timeout) {
    culex::Failure failure;
    try {
        co_await client.request(topic, text, {.timeout = timeout});
    } catch (const culex::Error& error) {
        failure = error.failure();
    }
    fmt::print("client: \"{}\": {}\n", text, failure ? failure.message() : "was answered");
    co_return failure;
}

culex::Task<> request_response(culex::Loop& loop, std::string url) {
    const std::string topic = unique_topic("square");
    culex::AsyncClient server(loop, {.version = culex::Version::v5});
    culex::AsyncClient client(loop, {.version = culex::Version::v5});
    co_await server.connect(url);
    co_await client.connect(url);

    culex::Nursery services; // what is in it ends with this coroutine
    services.spawn(server.serve(topic, &square));
    co_await culex::yield(); // the service begins, and subscribes
    co_await server.publish(topic + "/ready", "", {.qos = culex::QoS::at_least_once}); // behind its SUBSCRIBE
    co_await ask_all(client, topic);
    const culex::Failure nonsense = co_await ask_in_vain(client, topic, "no number", 10s);
    const culex::Failure late = co_await ask_in_vain(client, topic, "300", 50ms);
    if (nonsense != culex::Errc::rejected || late != culex::Errc::timed_out) throw std::runtime_error("not so");

    co_await client.disconnect();
    co_await server.disconnect(); // ends the service
    co_await services.join();
    fmt::print("{} replies\n", client.statistics().replies);
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
        loop.run(request_response(loop, url));
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        return 1;
    }
}
