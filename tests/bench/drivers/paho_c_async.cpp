// Paho's asynchronous C client: it has threads of its own, and answers by callbacks.
#include <MQTTAsync.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stdexcept>

#include "bench/drivers/driver.hpp"

using bench::Job;
using bench::Kind;
using bench::Meter;

namespace {

/// In flight at once, or waiting in the library at QoS 0. The best of 100, 1,000 and 10,000.
constexpr std::uint64_t in_flight = 1000;

void check(int result) {
    if (result != MQTTASYNC_SUCCESS) throw std::runtime_error("paho: " + std::to_string(result));
}

/// Counted up by the library's threads, waited for by ours.
class Count {
public:
    void add() {
        const std::lock_guard lock(mutex_);
        ++count_;
        if (count_ >= awaited_) changed_.notify_one();
    }
    void wait_for(std::uint64_t count) {
        std::unique_lock lock(mutex_);
        awaited_ = count;
        changed_.wait(lock, [&] { return count_ >= count; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t count_ = 0;
    std::uint64_t awaited_ = ~std::uint64_t{0};
};

class Client {
public:
    explicit Client(const Job& job);
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client() { MQTTAsync_destroy(&client_); }

    void publish(const std::string& payload, int qos) {
        MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
        options.context = this;
        options.onSuccess = [](void* self, MQTTAsync_successData*) { static_cast<Client*>(self)->done.add(); };
        options.onFailure = [](void*, MQTTAsync_failureData*) { std::abort(); };
        check(
            MQTTAsync_send(client_, bench::topic, static_cast<int>(payload.size()), payload.data(), qos, 0, &options));
    }
    void subscribe(int qos) {
        MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
        check(MQTTAsync_subscribe(client_, bench::topic, qos, &options));
    }
    void disconnect() {
        MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
        options.context = this;
        options.onSuccess = [](void* self, MQTTAsync_successData*) { static_cast<Client*>(self)->ended.add(); };
        check(MQTTAsync_disconnect(client_, &options));
        ended.wait_for(1);
    }

    Count connected;
    Count done;
    Count received;
    Count ended;

private:
    static int arrived(void* self, char* topic, int, MQTTAsync_message* message) {
        static_cast<Client*>(self)->received.add();
        MQTTAsync_freeMessage(&message);
        MQTTAsync_free(topic);
        return 1;
    }

    MQTTAsync client_{};
};

Client::Client(const Job& job) {
    const std::string url = (job.tls ? "ssl://localhost:" : "tcp://127.0.0.1:") + std::to_string(job.port);
    MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer;
    create.maxBufferedMessages = 100'000;
    check(MQTTAsync_createWithOptions(&client_, url.c_str(), job.client_id().c_str(), MQTTCLIENT_PERSISTENCE_NONE,
                                      nullptr, &create));
    check(MQTTAsync_setCallbacks(client_, this, nullptr, &Client::arrived, nullptr));
    MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
    tls.trustStore = job.ca.c_str();
    tls.enableServerCertAuth = 1;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    options.cleansession = 1;
    options.maxInflight = 65'535;
    options.context = this;
    options.onSuccess = [](void* self, MQTTAsync_successData*) { static_cast<Client*>(self)->connected.add(); };
    options.onFailure = [](void*, MQTTAsync_failureData*) { std::abort(); };
    if (job.tls) options.ssl = &tls;
    check(MQTTAsync_connect(client_, &options));
    connected.wait_for(1);
}

void publish(Client& client, const Job& job) {
    const std::string payload = job.payload();
    const std::uint64_t most = payload.size() > 65'536 ? 2 : in_flight;
    for (std::uint64_t i = 0; i < job.count; ++i) {
        // Woken for every half of them, not for each.
        if (i >= most && i % (most / 2) == 0) client.done.wait_for(i - most / 2);
        const bool last = i + 1 == job.count;
        client.publish(payload, last && job.qos == 0 ? 1 : job.qos);
    }
    client.done.wait_for(job.count);
}

void round_trips(Client& client, const Job& job, Meter& meter) {
    const std::string payload = job.payload();
    client.subscribe(job.qos);
    for (std::uint64_t i = 0; i < job.count; ++i) {
        const auto begun = Meter::Clock::now();
        client.publish(payload, job.qos);
        client.received.wait_for(i + 1);
        meter.note(Meter::Clock::now() - begun);
    }
}

bool run(const Job& job, Meter& meter) {
    if (job.kind > Kind::round_trip) return false;
    Client client(job);
    meter.begin();
    if (job.kind == Kind::receive) {
        client.subscribe(job.qos);
        client.received.wait_for(job.count);
    } else if (job.kind == Kind::round_trip) {
        round_trips(client, job, meter);
    } else {
        publish(client, job);
    }
    meter.end();
    client.disconnect();
    return true;
}

} // namespace

int main(int argc, char** argv) { return bench::drive(argc, argv, run); }
