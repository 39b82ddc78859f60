#pragma once
// What the tests of connections share: several brokers, and connection events in short.

#include <optional>

#include "client/client_test.hpp"

namespace culex {

using Lines = std::vector<std::string>;
using culex::testing::Script;

/// `"attempting 2 b"`, `"failed 2 b connection refused"`, `"lost b ..."`, `"stopped Not authorized"`.
inline std::string brief(const ConnectionEvent& event) {
    using enum ConnectionEvent::Kind;
    const std::string number = std::to_string(event.attempt) + " ";
    const std::string& host = event.endpoint.host();
    std::string why;
    if (event.cause) why = " " + event.cause.code().message();
    if (event.reason_code() != ReasonCode::success) why = " " + std::string(to_string(event.reason_code()));
    switch (event.kind) {
    case attempting:
        return "attempting " + number + host;
    case connected:
        return "connected " + number + host + (event.session_present ? " resumed" : "");
    case attempt_failed:
        return "failed " + number + host + why;
    case lost:
        return "lost " + host + why;
    case waiting:
        return "waiting " + number + host;
    case stopped:
        return "stopped" + why;
    }
    return "?";
}

/// All that has happened since the last call.
inline Lines taken(ConnectionEvents& events) {
    Lines lines;
    while (auto event = events.try_next()) lines.push_back(brief(*event));
    return lines;
}

inline Endpoint at(std::string_view host) { return Endpoint(Transport::tcp, std::string(host), 1883); }

/// A coroutine's end as text: "ok", "not done", or what it threw.
template <class T> std::string outcome(TaskRoot<T>& root) {
    if (!root.done()) return "not done";
    try {
        root.result();
        return "ok";
    } catch (const Error& error) {
        return error.failure().code().message();
    }
}

/// Brokers a, b and c, each on a host of its own name, and a client that is asked to connect to all of them.
class ConnectionTest : public ClientTest {
protected:
    ConnectionTest() {
        for (auto* each : {&a, &b, &c}) each->listen(each == &a ? "mqtt://a" : each == &b ? "mqtt://b" : "mqtt://c");
    }

    /// Makes the client; `quick` has no delays that matter.
    void start(const ClientOptions& options) {
        client.emplace(runtime, options);
        events = client->connection_events();
    }
    [[nodiscard]] ClientOptions quick() const {
        ClientOptions options = this->options();
        options.reconnect.first_delay = options.reconnect.max_delay = 10ms;
        return options;
    }
    /// "ok", or what it throws.
    std::string connect(std::vector<Endpoint> endpoints, ConnectOptions options = {}) {
        TaskRoot<> root(connect_to(*client, std::move(endpoints), options));
        root.start_on(runtime);
        runtime.run_until([&] { return root.done(); }, 1h);
        return outcome(root);
    }
    Lines happened() { return taken(events); }
    /// Until the client is connected, or has stopped. The times are virtual.
    void settle() {
        runtime.run_until_idle();
        runtime.run_until(
            [&] { return client->state() == ConnectionState::connected || client->state() == ConnectionState::idle; },
            1h);
        runtime.run_until_idle(); // whoever waited has heard of it
    }

    static Task<> connect_to(AsyncClient& client, std::vector<Endpoint> endpoints, ConnectOptions options) {
        co_await client.connect(endpoints, options);
    }
    static Task<> disconnect(AsyncClient& client, DisconnectOptions options = {}) {
        co_await client.disconnect(options);
    }
    static Task<> publish(AsyncClient& client, std::string topic, std::string text, QoS qos) {
        co_await client.publish(topic, text, {.qos = qos});
    }

    culex::testing::FakeBroker a{runtime}, b{runtime}, c{runtime};
    std::optional<AsyncClient> client;
    ConnectionEvents events;
};

/// What a broker of MQTT 5 says who sends its clients elsewhere.
inline Script sends_to(std::string_view reference, ReasonCode code = ReasonCode::use_another_server) {
    return Script{"sends its clients elsewhere"}
        .expect(PacketType::connect)
        .reply(Connack{.reason_code = code, .properties = {.server_reference = reference}})
        .close();
}

} // namespace culex
