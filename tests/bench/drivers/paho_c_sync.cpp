// Paho's synchronous C client, without callbacks: the caller sends many, and waits for the answer to the last.
#include <MQTTClient.h>

#include <stdexcept>

#include "bench/drivers/driver.hpp"

using bench::Job;
using bench::Kind;
using bench::Meter;

namespace {

constexpr std::uint64_t in_flight = 1000;
constexpr unsigned long patience = 10'000; // ms

void check(int result) {
    if (result != MQTTCLIENT_SUCCESS) throw std::runtime_error("paho: " + std::to_string(result));
}

class Client {
public:
    explicit Client(const Job& job) {
        const std::string url = (job.tls ? "ssl://localhost:" : "tcp://127.0.0.1:") + std::to_string(job.port);
        check(MQTTClient_create(&client_, url.c_str(), job.client_id().c_str(), MQTTCLIENT_PERSISTENCE_NONE, nullptr));
        MQTTClient_SSLOptions tls = MQTTClient_SSLOptions_initializer;
        tls.trustStore = job.ca.c_str();
        tls.enableServerCertAuth = 1;
        MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
        options.cleansession = 1;
        options.reliable = 0; // more than one in flight
        options.maxInflightMessages = 65'535;
        if (job.tls) options.ssl = &tls;
        check(MQTTClient_connect(client_, &options));
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client() { MQTTClient_destroy(&client_); }

    MQTTClient_deliveryToken publish(const std::string& payload, int qos) {
        MQTTClient_deliveryToken token = 0;
        check(MQTTClient_publish(client_, bench::topic, static_cast<int>(payload.size()), payload.data(), qos, 0,
                                 &token));
        return token;
    }
    void wait_for(MQTTClient_deliveryToken token) { check(MQTTClient_waitForCompletion(client_, token, patience)); }
    void subscribe(int qos) { check(MQTTClient_subscribe(client_, bench::topic, qos)); }
    void receive() {
        char* topic = nullptr;
        int size = 0;
        MQTTClient_message* message = nullptr;
        check(MQTTClient_receive(client_, &topic, &size, &message, patience));
        if (!message) throw std::runtime_error("paho: no message");
        MQTTClient_freeMessage(&message);
        MQTTClient_free(topic);
    }
    void disconnect() { check(MQTTClient_disconnect(client_, 1000)); }

private:
    MQTTClient client_{};
};

void publish(Client& client, const Job& job) {
    const std::string payload = job.payload();
    const std::uint64_t most = payload.size() > 65'536 ? 2 : in_flight;
    std::uint64_t waiting = 0;
    for (std::uint64_t i = 0; i < job.count; ++i) {
        const int qos = i + 1 == job.count && job.qos == 0 ? 1 : job.qos;
        const MQTTClient_deliveryToken token = client.publish(payload, qos);
        if (qos == 0) continue;
        // Each wait takes a millisecond at least, so one for many: acknowledgements come in the order of the messages.
        if (++waiting < most && i + 1 < job.count) continue;
        client.wait_for(token);
        waiting = 0;
    }
}

void round_trips(Client& client, const Job& job, Meter& meter) {
    const std::string payload = job.payload();
    client.subscribe(job.qos);
    for (std::uint64_t i = 0; i < job.count; ++i) {
        const auto begun = Meter::Clock::now();
        client.publish(payload, job.qos);
        client.receive();
        meter.note(Meter::Clock::now() - begun);
    }
}

bool run(const Job& job, Meter& meter) {
    if (job.kind > Kind::round_trip) return false;
    Client client(job);
    meter.begin();
    if (job.kind == Kind::receive) {
        client.subscribe(job.qos);
        for (std::uint64_t i = 0; i < job.count; ++i) client.receive();
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
