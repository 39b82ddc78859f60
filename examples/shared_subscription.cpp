// Several workers share the work: each message of a shared subscription goes to one of its group. One worker goes in the
// middle, and the others do what is left.
//
//     culex_example_shared_subscription                              with a broker inside this process
//     culex_example_shared_subscription --broker mqtt://host:1883    with a real one, which must speak MQTT 5
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <culex/async_client.hpp>
#include <culex/event.hpp>
#include <culex/loop.hpp>
#include <culex/nursery.hpp>
#include <culex/testing/fake_broker.hpp>
#include <culex/timeout.hpp>

using namespace std::chrono_literals;
using culex::QoS;

namespace {

constexpr int jobs = 30;

/// What was done, and by how many.
struct Board {
    std::map<std::string, int> times; // by job
    std::map<std::string, int> by;    // by worker
    culex::Signal changed;
    int ready = 0;
};

std::string unique_topic() { return fmt::format("culex/jobs/{:x}", culex::Clock::now().time_since_epoch().count()); }

/// A message is acknowledged when the worker asks for the next one: the job was done. `quota`: leaves after so many.
culex::Task<> work(culex::Loop& loop, std::string url, std::string topic, std::string name, int quota, Board& board) {
    culex::AsyncClient client(loop, {.version = culex::Version::v5});
    co_await client.connect(url);
    const std::string filter = "$share/workers/" + topic;
    auto stream = co_await client.subscribe(filter, QoS::at_least_once);
    if (culex::failed(stream.reason_code())) throw std::runtime_error("the broker has no shared subscriptions");
    ++board.ready;
    board.changed.notify();
    while (quota-- > 0) {
        const auto job = co_await stream.next();
        if (!job) co_return;
        ++board.times[std::string(job->text())];
        ++board.by[name];
        board.changed.notify();
    }
    // To lose nothing: what comes before UNSUBACK, and is in nobody's stream any more, comes into the one for all messages.
    auto last = client.messages();
    co_await client.unsubscribe(filter);
    for (culex::Subscription* from : {&stream, &last}) {
        while (auto job = from->try_next()) {
            ++board.times[std::string(job->text())];
            ++board.by[name];
        }
    }
    board.changed.notify();
    co_await client.disconnect();
    fmt::print("{} leaves after {} jobs\n", name, board.by[name]);
}

culex::Task<> hand_out(culex::Loop& loop, std::string url, std::string topic) {
    culex::AsyncClient client(loop, {.version = culex::Version::v5});
    co_await client.connect(url);
    for (int i = 0; i < jobs; ++i) {
        const std::string job = fmt::format("job {}", i);
        co_await client.publish(topic, job, {.qos = QoS::at_least_once});
    }
    co_await client.disconnect();
}

culex::Task<> share(culex::Loop& loop, std::string url) {
    const std::string topic = unique_topic();
    Board board;
    culex::Nursery workers;
    workers.spawn(work(loop, url, topic, "Ada", 5, board)); // does not stay
    workers.spawn(work(loop, url, topic, "Bob", jobs, board));
    workers.spawn(work(loop, url, topic, "Cleo", jobs, board));
    while (board.ready < 3) co_await board.changed.wait();
    co_await hand_out(loop, url, topic);
    while (board.times.size() < jobs) co_await board.changed.wait();
    workers.cancel();
    co_await workers.join();

    for (const auto& [name, count] : board.by) fmt::print("{}: {} jobs\n", name, count);
    int done = 0;
    for (const auto& [job, times] : board.times) done += times;
    fmt::print("{} jobs done, each once\n", done);
    if (done != jobs) throw std::runtime_error("a job was done twice");
    if (board.by.size() != 3) throw std::runtime_error("the work was not shared");
}

culex::Task<> share_within(culex::Loop& loop, std::string url, culex::Duration limit) {
    co_await culex::with_timeout(share(loop, url), limit);
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
        loop.run(share_within(loop, url, 60s));
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        return 1;
    }
}
