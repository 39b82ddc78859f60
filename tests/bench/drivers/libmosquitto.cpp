// libmosquitto, from one thread, which is faster than with a thread of its own: `mosquitto_publish` then writes to the socket
// itself. No limit of messages in flight but this driver's, and Nagle off.
#include <mosquitto.h>

#include <poll.h>

#include <stdexcept>

#include "bench/drivers/driver.hpp"

using bench::Job;
using bench::Kind;
using bench::Meter;

namespace {

/// More in flight is slower: its queues are searched from the front.
constexpr std::uint64_t in_flight = 100;

void check(int result) {
    if (result != MOSQ_ERR_SUCCESS) throw std::runtime_error(mosquitto_strerror(result));
}

struct Client {
    explicit Client(const Job& job) : client(mosquitto_new(job.client_id().c_str(), true, this)) {
        check(mosquitto_max_inflight_messages_set(client, 0));
        check(mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1));
        if (job.tls) check(mosquitto_tls_set(client, job.ca.c_str(), nullptr, nullptr, nullptr, nullptr));
        mosquitto_connect_callback_set(client, [](mosquitto*, void* self, int) { of(self).connected = true; });
        mosquitto_publish_callback_set(client, [](mosquitto*, void* self, int) { ++of(self).done; });
        mosquitto_message_callback_set(client,
                                       [](mosquitto*, void* self, const mosquitto_message*) { ++of(self).received; });
        check(mosquitto_connect(client, job.tls ? "localhost" : "127.0.0.1", job.port, 60));
        while (!connected) turn();
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client() { mosquitto_destroy(client); }

    static Client& of(void* self) { return *static_cast<Client*>(self); }
    /// Waits, reads what has come, and writes what is left. `mosquitto_loop` would do it with a select and a second look.
    void turn() {
        pollfd wait{mosquitto_socket(client), POLLIN, 0};
        if (mosquitto_want_write(client)) wait.events |= POLLOUT;
        poll(&wait, 1, 1000);
        if ((wait.revents & POLLIN) != 0) check(mosquitto_loop_read(client, 1));
        if ((wait.revents & POLLOUT) != 0) check(mosquitto_loop_write(client, 1));
    }
    void publish(const std::string& payload, int qos) {
        check(mosquitto_publish(client, nullptr, bench::topic, static_cast<int>(payload.size()), payload.data(), qos,
                                false));
    }

    mosquitto* client;
    bool connected = false;
    std::uint64_t done = 0;
    std::uint64_t received = 0;
};

void publish_unacknowledged(Client& client, const Job& job) {
    const std::string payload = job.payload();
    for (std::uint64_t i = 1; i < job.count; ++i) {
        client.publish(payload, 0);
        while (mosquitto_want_write(client.client)) client.turn(); // the socket is full
    }
    client.publish(payload, 1);
    while (client.done < job.count) client.turn();
}

void publish_acknowledged(Client& client, const Job& job) {
    const std::string payload = job.payload();
    const std::uint64_t most = payload.size() > 65'536 ? 2 : in_flight;
    for (std::uint64_t sent = 0; client.done < job.count;) {
        for (; sent < job.count && sent - client.done < most; ++sent) client.publish(payload, job.qos);
        client.turn();
    }
}

void receive(Client& client, const Job& job) {
    check(mosquitto_subscribe(client.client, nullptr, bench::topic, job.qos));
    while (client.received < job.count) client.turn();
}

void round_trips(Client& client, const Job& job, Meter& meter) {
    const std::string payload = job.payload();
    check(mosquitto_subscribe(client.client, nullptr, bench::topic, job.qos));
    for (std::uint64_t i = 0; i < job.count; ++i) {
        const auto begun = Meter::Clock::now();
        client.publish(payload, job.qos);
        while (client.received <= i) client.turn();
        meter.note(Meter::Clock::now() - begun);
    }
}

bool run(const Job& job, Meter& meter) {
    if (job.kind > Kind::round_trip) return false;
    mosquitto_lib_init();
    Client client(job);
    meter.begin();
    if (job.kind == Kind::receive) {
        receive(client, job);
    } else if (job.kind == Kind::round_trip) {
        round_trips(client, job, meter);
    } else if (job.qos == 0) {
        publish_unacknowledged(client, job);
    } else {
        publish_acknowledged(client, job);
    }
    meter.end();
    mosquitto_disconnect(client.client);
    return true;
}

} // namespace

int main(int argc, char** argv) { return bench::drive(argc, argv, run); }
