// Paho's C++ client (`mqtt::async_client`), which stands on the asynchronous C one: tokens for what is published, and its
// consumer queue for what is received.
#include <mqtt/async_client.h>

#include <deque>
#include <stdexcept>

#include "bench/drivers/driver.hpp"

using bench::Job;
using bench::Kind;
using bench::Meter;

namespace {

constexpr std::uint64_t in_flight = 1000;

mqtt::connect_options options_of(const Job& job) {
    mqtt::connect_options options;
    options.set_clean_session(true);
    options.set_max_inflight(65'535);
    if (job.tls) {
        mqtt::ssl_options tls;
        tls.set_trust_store(job.ca);
        tls.set_enable_server_cert_auth(true);
        options.set_ssl(tls);
    }
    return options;
}

void publish(mqtt::async_client& client, const Job& job) {
    const std::string payload = job.payload();
    const std::uint64_t most = payload.size() > 65'536 ? 2 : in_flight;
    std::deque<mqtt::delivery_token_ptr> under_way;
    for (std::uint64_t i = 0; i < job.count; ++i) {
        const int qos = i + 1 == job.count && job.qos == 0 ? 1 : job.qos;
        under_way.push_back(client.publish(bench::topic, payload.data(), payload.size(), qos, false));
        if (under_way.size() < most) continue;
        under_way.front()->wait();
        under_way.pop_front();
    }
    for (const auto& token : under_way) token->wait();
}

void round_trips(mqtt::async_client& client, const Job& job, Meter& meter) {
    const std::string payload = job.payload();
    for (std::uint64_t i = 0; i < job.count; ++i) {
        const auto begun = Meter::Clock::now();
        client.publish(bench::topic, payload.data(), payload.size(), job.qos, false);
        if (!client.consume_message()) throw std::runtime_error("paho: no message");
        meter.note(Meter::Clock::now() - begun);
    }
}

bool run(const Job& job, Meter& meter) {
    if (job.kind > Kind::round_trip) return false;
    const std::string url = (job.tls ? "ssl://localhost:" : "tcp://127.0.0.1:") + std::to_string(job.port);
    mqtt::async_client client(url, job.client_id(), 100'000, nullptr);
    if (job.kind != Kind::publish) client.start_consuming();
    client.connect(options_of(job))->wait();
    meter.begin();
    if (job.kind == Kind::publish) {
        publish(client, job);
    } else {
        client.subscribe(bench::topic, job.qos)->wait();
        if (job.kind == Kind::round_trip) {
            round_trips(client, job, meter);
        } else {
            for (std::uint64_t i = 0; i < job.count; ++i) {
                if (!client.consume_message()) throw std::runtime_error("paho: no message");
            }
        }
    }
    meter.end();
    client.disconnect()->wait();
    return true;
}

} // namespace

int main(int argc, char** argv) { return bench::drive(argc, argv, run); }
