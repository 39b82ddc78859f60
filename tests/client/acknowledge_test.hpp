#pragma once
// What the tests of acknowledgements share: streams, what the broker has for them, and the answers that it got.
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/client_test.hpp"
#include "client/core.hpp"

namespace culex {

using culex::testing::Direction;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

inline constexpr QoS q1 = QoS::at_least_once;
inline constexpr QoS q2 = QoS::exactly_once;
inline constexpr SubscribeOptions manual{.acknowledge = Acknowledge::manual};

class Acknowledging : public ClientTest {
protected:
    static Task<> connect(AsyncClient& client) { co_await client.connect("mqtt://broker"); }
    static Task<> subscribe(AsyncClient& client, std::optional<Subscription>& stream, std::string filter,
                            SubscribeOptions options) {
        stream = co_await client.subscribe(filter, QoS::exactly_once, options);
    }
    static Task<> leave(AsyncClient& client, DisconnectResult& left) {
        left = co_await client.disconnect({.drain = 60s});
    }

    /// Options whose session outlives its connections.
    [[nodiscard]] ClientOptions persistent() const {
        ClientOptions all = options();
        all.clean_start = false;
        all.properties.session_expiry_interval = 3600;
        return all;
    }
    std::optional<Subscription> open(AsyncClient& client, std::string filter, SubscribeOptions how = manual) {
        std::optional<Subscription> stream;
        if (client.state() == ConnectionState::idle) run(connect(client));
        run(subscribe(client, stream, std::move(filter), how));
        return stream;
    }
    void publish(const char* text, QoS qos, const char* topic = "work/a") {
        broker.publish(topic, text, qos);
        runtime.run_until_idle();
    }
    Message take(std::optional<Subscription>& stream) {
        auto message = stream->try_next();
        EXPECT_TRUE(message) << "no message";
        return message ? *std::move(message) : Message();
    }
    std::string take_all(std::optional<Subscription>& stream) {
        std::string text;
        while (const auto message = stream->try_next()) text += message->text();
        runtime.run_until_idle();
        return text;
    }
    void lose_connection() {
        broker.drop_all_connections();
        runtime.advance(2min);
    }
    /// The identifiers that the broker has received in packets of type `P`, in order, since the last call.
    template <class P> std::vector<int> ids() {
        runtime.run_until_idle();
        std::vector<int> all;
        for (const auto& record : broker.received(P::type)) all.push_back(record.template as<P>()->packet_id);
        const auto seen = static_cast<std::ptrdiff_t>(std::exchange(seen_[P::type], all.size()));
        return {all.begin() + seen, all.end()};
    }
    DisconnectResult disconnect(AsyncClient& client) {
        DisconnectResult left;
        run(leave(client, left));
        return left;
    }
    [[nodiscard]] std::size_t in_flight() { return broker.session("client")->in_flight; }

private:
    std::map<PacketType, std::size_t> seen_;
};

} // namespace culex
