// Culex' documented client, called from this thread, and in w11 from four: the I/O is another thread's, and callbacks a third's.
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>

#include <culex/client.hpp>

#include "bench/drivers/driver.hpp"

using bench::Job;
using bench::Kind;
using bench::Meter;

namespace {

/// Callbacks count, and the thread that waits for a number is woken once.
class Count {
public:
    explicit Count(std::uint64_t awaited) noexcept : awaited_(awaited) {}
    void add() {
        if (++count_ < awaited_) return; // callbacks run one at a time
        const std::lock_guard lock(mutex_);
        reached_ = true;
        changed_.notify_one();
    }
    void wait() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return reached_; });
    }

private:
    const std::uint64_t awaited_;
    std::uint64_t count_ = 0;
    bool reached_ = false;
    std::mutex mutex_;
    std::condition_variable changed_;
};

void publish(culex::Client& client, const Job& job) {
    const std::string payload = job.payload();
    const bool each = job.qos > 0;
    Count acknowledged(each ? job.count : 1);
    client.on(job.qos == 2 ? culex::PUBCOMP : culex::PUBACK,
              [&](culex::Client&, const culex::CallbackData&) { acknowledged.add(); });
    client.loop();
    for (std::uint64_t i = each ? 0 : 1; i < job.count; ++i) client.publish(bench::topic, payload, job.qos);
    if (!each) client.publish(bench::topic, payload, 1);
    acknowledged.wait();
}

void publish_from_threads(culex::Client& client, const Job& job) {
    constexpr std::uint64_t threads = 4;
    const std::string payload = job.payload();
    Count acknowledged(1);
    client.on(culex::PUBACK, [&](culex::Client&, const culex::CallbackData&) { acknowledged.add(); });
    client.loop();
    std::vector<std::thread> running;
    for (std::uint64_t i = 0; i < threads; ++i) {
        const std::uint64_t share = (job.count - 1 + i) / threads;
        running.emplace_back([&client, &payload, share] {
            for (std::uint64_t left = share; left > 0; --left) client.publish(bench::topic, payload);
        });
    }
    for (std::thread& each : running) each.join();
    client.publish(bench::topic, payload, 1);
    acknowledged.wait();
}

void receive(culex::Client& client, const Job& job) {
    Count received(job.count);
    client.on(culex::PUBLISH, [&](culex::Client&, const culex::CallbackData&) { received.add(); });
    client.loop();
    client.subscribe({{bench::topic, job.qos}});
    received.wait();
}

bool run(const Job& job, Meter& meter) {
    if (job.tls || job.kind == Kind::round_trip || job.kind == Kind::idle || job.kind == Kind::many) return false;
    culex::Client client(job.client_id());
    client.connect("127.0.0.1", 60, job.port);
    meter.begin();
    if (job.kind == Kind::receive) {
        receive(client, job);
    } else if (job.kind == Kind::threads) {
        publish_from_threads(client, job);
    } else {
        publish(client, job);
    }
    meter.end();
    client.disconnect();
    return true;
}

} // namespace

int main(int argc, char** argv) { return bench::drive(argc, argv, run); }
