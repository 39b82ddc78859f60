// A consumer that loses nothing: it writes each message into a file before it acknowledges it, and its session outlives
// its connections. What it had not written when the connection broke, the broker sends again.
//
//     culex_example_durable_consumer                              with a broker inside this process, which restarts
//     culex_example_durable_consumer --broker mqtt://host:1883    with a real one: until Ctrl-C, into readings.log
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <unistd.h>

#include <culex/async_client.hpp>
#include <culex/loop.hpp>
#include <culex/nursery.hpp>
#include <culex/testing/fake_broker.hpp>
#include <culex/timeout.hpp>

using namespace std::chrono_literals;
using culex::QoS;

namespace {

constexpr int readings = 300;

/// Appends lines to a file; a line that was written is on the disk.
class Journal {
public:
    explicit Journal(const std::string& path) : file_(std::fopen(path.c_str(), "a")) {
        if (!file_) throw std::runtime_error("cannot write " + path);
    }
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;
    ~Journal() { std::fclose(file_); }

    void write(std::string_view line) {
        const bool written = std::fwrite(line.data(), 1, line.size(), file_) == line.size() &&
                             std::fputc('\n', file_) != EOF && std::fflush(file_) == 0 && ::fsync(::fileno(file_)) == 0;
        if (!written) throw std::runtime_error("the journal cannot be written");
    }

private:
    std::FILE* file_;
};

/// The subscription's own stream is dropped at once: what has come for it goes to the stream for all messages.
culex::Task<> subscribe(culex::AsyncClient& client) {
    const auto granted =
        co_await client.subscribe("readings/#", QoS::at_least_once, {.acknowledge = culex::Acknowledge::manual});
    if (culex::failed(granted.reason_code())) throw std::runtime_error("the broker refuses the subscription");
}

/// The order of things is all: a stream for all messages is there before the connection, since the broker may send at once
/// what it has kept; and a message is acknowledged after it was written. An exception ends the consumer, and what it has not
/// acknowledged the broker sends again.
culex::Task<> consume(culex::Loop& loop, std::string url, std::string path) {
    Journal journal(path);
    culex::AsyncClient client(loop, {.client_id = "durable-consumer",
                                     .version = culex::Version::v5,
                                     .clean_start = false,
                                     .properties = {.session_expiry_interval = 24 * 3600},
                                     .reconnect = {.first_delay = 20ms}});
    auto messages = client.messages(culex::Acknowledge::manual);
    co_await client.connect(url, {.retry = true});
    co_await subscribe(client);
    while (auto message = co_await messages.next()) {
        journal.write(message->text());
        message->ack();
    }
}

// --- for the run without a real broker

culex::Task<> publish_readings(culex::Loop& loop, std::string url) {
    culex::AsyncClient client(loop, {.client_id = "sensor", .reconnect = {.first_delay = 20ms}});
    co_await client.connect(url, {.retry = true});
    for (int i = 0; i < readings; ++i) {
        const std::string reading = std::to_string(i);
        co_await client.publish("readings/one", reading, {.qos = QoS::at_least_once});
    }
    co_await client.disconnect();
}

/// How often each line stands in the file.
std::map<int, int> read_journal(const std::string& path) {
    std::map<int, int> times;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) ++times[std::stoi(line)];
    return times;
}

culex::Task<> restart_now_and_then(culex::testing::FakeBroker& broker) {
    for (int i = 0; i < 3; ++i) {
        co_await culex::sleep_for(50ms);
        broker.shut_down();
        co_await culex::sleep_for(50ms);
        broker.listen();
    }
}

/// A consumer that is ended in the middle, another that goes on; a broker that restarts three times.
culex::Task<> rehearse(culex::Loop& loop, culex::testing::FakeBroker& broker, std::string path) {
    culex::Nursery nursery;
    culex::Nursery first_consumer;
    first_consumer.spawn(consume(loop, broker.url(), path));
    while (!broker.session("durable-consumer") || broker.session("durable-consumer")->subscriptions.empty()) {
        co_await culex::sleep_for(1ms);
    }
    nursery.spawn(publish_readings(loop, broker.url()));
    nursery.spawn(restart_now_and_then(broker));
    while (read_journal(path).size() < readings / 10) co_await culex::sleep_for(1ms);
    first_consumer.cancel(); // without a word, as when the machine goes down
    co_await first_consumer.join();

    culex::Nursery second_consumer;
    second_consumer.spawn(consume(loop, broker.url(), path));
    co_await nursery.join();
    while (broker.session("durable-consumer")->queued + broker.session("durable-consumer")->in_flight > 0) {
        co_await culex::sleep_for(1ms);
    }
    second_consumer.cancel();
    co_await second_consumer.join();
}

culex::Task<> rehearse_within(culex::Loop& loop, culex::testing::FakeBroker& broker, std::string path,
                              culex::Duration limit) {
    co_await culex::with_timeout(rehearse(loop, broker, path), limit);
}

int check(const std::string& path) {
    const std::map<int, int> times = read_journal(path);
    int again = 0;
    for (const auto& [reading, count] : times) again += count - 1;
    fmt::print("{} of {} readings are in the journal, {} of them came again after a restart\n", times.size(), readings,
               again);
    return times.size() == readings ? 0 : 1;
}

/// A file that does not outlive the rehearsal, however it ends.
struct TemporaryJournal {
    TemporaryJournal() = default;
    TemporaryJournal(const TemporaryJournal&) = delete;
    TemporaryJournal& operator=(const TemporaryJournal&) = delete;
    ~TemporaryJournal() {
        std::error_code ignored;
        std::filesystem::remove(path, ignored);
    }
    const std::string path = std::filesystem::temp_directory_path() / fmt::format("culex-journal-{}.log", ::getpid());
};

int rehearse_with_broker_of_its_own() {
    const TemporaryJournal journal;
    culex::Loop loop;
    culex::testing::FakeBroker broker(loop);
    broker.listen();
    loop.run(rehearse_within(loop, broker, journal.path, 60s));
    return check(journal.path);
}

} // namespace

int main(int argc, char** argv) {
    const bool real = argc == 3 && std::string_view(argv[1]) == "--broker";
    if (argc != 1 && !real) {
        fmt::print(stderr, "usage: {} [--broker mqtt://host:port]\n", argv[0]);
        return 2;
    }
    try {
        if (!real) return rehearse_with_broker_of_its_own();
        culex::Loop loop;
        loop.run(consume(loop, argv[2], "readings.log"));
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        return 1;
    }
}
