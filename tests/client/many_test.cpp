// Many clients that do the same at the same time.
#include <algorithm>
#include <map>
#include <memory>

#include <culex/tap.hpp>

#include "client/client_test.hpp"

namespace culex {
namespace {

class Many : public ClientTest {
protected:
    static constexpr int count = 1'000;
    static constexpr auto keep_alive = 60s;

    static Task<> connect(AsyncClient& client) { co_await client.connect("mqtt://broker"); }
    static Task<> connect_each(const std::vector<std::unique_ptr<AsyncClient>>& clients) {
        Nursery nursery;
        for (const auto& client : clients) nursery.spawn(connect(*client));
        co_await nursery.join();
    }
    /// All at once.
    void connect_all() {
        for (int i = 0; i < count; ++i) {
            const std::string id = "c" + std::to_string(i);
            ClientOptions own = options(id);
            own.keep_alive = keep_alive;
            clients.push_back(std::make_unique<AsyncClient>(runtime, own));
            clients.back()->tap([this, i](const TappedPacket& packet) {
                if (packet.direction() == PacketDirection::sent) note(i, packet);
            });
        }
        run(connect_each(clients));
    }
    void note(int client, const TappedPacket& packet) {
        const auto last = last_sent.find(client);
        if (last != last_sent.end()) longest_silence = std::max(longest_silence, packet.at() - last->second);
        last_sent[client] = packet.at();
        if (packet.type() == PacketType::pingreq) ++pings[packet.at().time_since_epoch() / 100ms];
    }
    [[nodiscard]] std::size_t most_pings_together() const {
        std::size_t most = 0;
        for (const auto& [when, number] : pings) most = std::max(most, number);
        return most;
    }

    std::vector<std::unique_ptr<AsyncClient>> clients;
    std::map<int, TimePoint> last_sent;
    std::map<std::int64_t, std::size_t> pings; // in each tenth of a second
    Duration longest_silence{};
};
CULEX_FOR_BOTH_VERSIONS(Many);

/// Spread evenly over a fifth of the keep-alive, they are eight or nine in each tenth of a second.
TEST_P(Many, clients_that_connect_together_do_not_ping_together_and_keep_their_promise) { // [MQTT-3.1.2-20]
    connect_all();
    runtime.advance(30min);
    EXPECT_EQ(last_sent.size(), std::size_t{count});
    EXPECT_LE(most_pings_together(), std::size_t{count / 25});
    EXPECT_LE(longest_silence, Duration(keep_alive) * 9 / 10);
    EXPECT_GE(longest_silence, Duration(keep_alive) * 7 / 10); // and they do not ping for nothing
}

TEST_P(Many, clients_that_act_together_part_again) {
    connect_all();
    for (int i = 0; i < 5; ++i) {
        runtime.advance(40s);
        pings.clear();
        for (const auto& client : clients) {
            PublishOperation together = client->publish("a", "x");
        }
        runtime.advance(58s);
        EXPECT_GT(pings.size(), 100u); // of the 120 over which they spread
        EXPECT_LE(most_pings_together(), std::size_t{count / 25});
    }
}

} // namespace
} // namespace culex
