// What a client tells of itself: numbers, and its packets as they pass.
#include <optional>

#include <culex/log.hpp>

#include "client/client_test.hpp"

namespace culex {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ClientStatistics : public ClientTest {
protected:
    [[nodiscard]] ClientOptions hasty() const {
        ClientOptions hasty = options();
        hasty.reconnect = {.first_delay = 10ms, .max_delay = 10ms};
        return hasty;
    }
};
CULEX_FOR_BOTH_VERSIONS(ClientStatistics);

Task<> connect(AsyncClient& client) { co_await client.connect("mqtt://broker"); }
Task<> connect_in_vain(AsyncClient& client, std::string_view url) {
    const std::string address(url);
    try {
        co_await client.connect(address);
    } catch (const Error&) {
        co_return;
    }
    ADD_FAILURE() << "connected to " << address;
}
Task<> disconnect(AsyncClient& client) { co_await client.disconnect(); }

Task<> talk(AsyncClient& client) {
    co_await client.connect("mqtt://broker");
    auto stream = co_await client.subscribe("a", QoS::exactly_once);
    co_await client.publish("a", "0");
    co_await client.publish("a", "1", {.qos = QoS::at_least_once});
    co_await client.publish("nobody", "2", {.qos = QoS::exactly_once});
    auto first = co_await stream.next();
    auto second = co_await stream.next();
    EXPECT_EQ(second->text(), "1");
    EXPECT_EQ(client.statistics().inbound.unacknowledged, 1u);
    co_await client.disconnect();
}

TEST_P(ClientStatistics, count_what_was_said) {
    AsyncClient client(runtime, options());
    run(talk(client));
    const Statistics now = client.statistics();
    EXPECT_EQ(now.connections, 1u);
    EXPECT_EQ(now.sent.of(PacketType::publish).packets, 3u);
    EXPECT_THAT(now.sent.publishes, ElementsAre(1u, 1u, 1u));
    EXPECT_THAT(now.received.publishes, ElementsAre(1u, 1u, 0u));
    EXPECT_EQ(now.sent.of(PacketType::pubrel).packets, 1u);
    EXPECT_EQ(now.puback.count(), 1u);
    EXPECT_EQ(now.pubcomp.count(), 1u);
    EXPECT_EQ(now.sent.of(PacketType::disconnect).packets, 1u);
    std::uint64_t ends = 0;
    for (const std::uint64_t count : now.lost) ends += count;
    for (const std::uint64_t count : now.failed_attempts) ends += count;
    EXPECT_EQ(ends, 0u); // we have ended it ourselves
    for (const auto type : {PacketType::publish, PacketType::puback, PacketType::pubrec, PacketType::suback}) {
        EXPECT_EQ(now.received.of(type).packets, broker.count(culex::testing::Direction::sent, type));
        EXPECT_EQ(now.sent.of(type).packets, broker.count(culex::testing::Direction::received, type));
    }
}

TEST_P(ClientStatistics, count_lost_connections_and_failed_attempts_by_cause) {
    AsyncClient client(runtime, hasty());
    run(connect(client));
    broker.drop_all_connections();
    runtime.advance(1s);
    client.reconnect();
    runtime.advance(1s);
    broker.stop_listening();
    broker.drop_all_connections();
    runtime.advance(100ms);
    broker.listen("mqtt://broker");
    runtime.advance(1s);
    Statistics now = client.statistics();
    EXPECT_EQ(now.connections, 4u);
    EXPECT_EQ(now.lost_by(EndCause::end_of_stream) + now.lost_by(EndCause::network), 2u);
    EXPECT_EQ(now.lost_by(EndCause::requested), 1u);
    EXPECT_GE(now.failed_by(EndCause::network), 5u);

    broker.inject({.sent = {.packets = {{.type = PacketType::pingresp, .nth = 0}}}});
    client.reconnect();
    runtime.advance(3min);
    EXPECT_EQ(client.statistics().lost_by(EndCause::no_response), 1u);
    broker.shut_down();
    runtime.advance(1ms);
    now = client.statistics();
    EXPECT_EQ(now.lost_by(EndCause::disconnected), GetParam() == Version::v5 ? 1u : 0u);
    run(disconnect(client));
}

TEST_P(ClientStatistics, tell_why_no_connection_came_about) {
    AsyncClient client(runtime, options());
    runtime.set_unresolvable("nowhere");
    runtime.set_black_hole("silence");
    run(connect_in_vain(client, "mqtt://nowhere"));
    run(connect_in_vain(client, "mqtt://silence"));
    run(connect_in_vain(client, "mqtt://other"));
    broker.options().refuse_connect = ReasonCode::not_authorized;
    run(connect_in_vain(client, "mqtt://broker"));
    broker.options().refuse_connect.reset();
    broker.inject({.sent = {.corrupt = {{.at = 0}}}});
    run(connect_in_vain(client, "mqtt://broker"));
    const Statistics now = client.statistics();
    EXPECT_EQ(now.failed_by(EndCause::resolve), 1u);
    EXPECT_EQ(now.failed_by(EndCause::timed_out), 1u);
    EXPECT_EQ(now.failed_by(EndCause::network), 1u);
    EXPECT_EQ(now.failed_by(EndCause::refused), 1u);
    EXPECT_EQ(now.failed_by(EndCause::protocol), 1u);
    EXPECT_EQ(now.connections, 0u);
}

TEST(EndCauses, have_names) {
    EXPECT_EQ(to_string(EndCause::resolve), "resolve");
    EXPECT_EQ(to_string(EndCause::no_response), "no_response");
    EXPECT_EQ(to_string(EndCause::other), "other");
    EXPECT_EQ(to_string(static_cast<EndCause>(end_cause_count)), "?");
    EXPECT_EQ(to_string(WhenFull::drop_qos0_first), "drop_qos0_first");
    EXPECT_EQ(to_string(static_cast<WhenFull>(when_full_count)), "?");
}

TEST_P(ClientStatistics, know_the_last_round_trip_of_a_ping) {
    runtime.set_latency(20ms);
    ClientOptions lively = options();
    lively.keep_alive = 10s;
    AsyncClient client(runtime, lively);
    run(connect(client));
    runtime.advance(15s);
    EXPECT_EQ(client.statistics().ping_round_trip, 40ms);
}

// --- the tap

/// What a person would print.
class Transcript {
public:
    void operator()(const TappedPacket& packet) {
        lines.push_back((packet.direction() == PacketDirection::sent ? "> " : "< ") + packet.text());
        bytes += packet.size();
        times.push_back(packet.at());
    }
    std::vector<std::string> lines;
    std::vector<TimePoint> times;
    std::size_t bytes = 0;
};

Task<> chat(AsyncClient& client) {
    co_await client.connect("mqtt://broker");
    co_await client.publish("a/b", "secret payload", {.qos = QoS::at_least_once});
    co_await client.disconnect();
}

TEST_P(ClientStatistics, a_tap_shows_every_packet_readably_and_no_secret) {
    runtime.set_latency(1s);
    ClientOptions secret = options();
    secret.user_name = "me";
    secret.password = "hunter2";
    AsyncClient client(runtime, secret);
    Transcript seen;
    client.tap([&](const TappedPacket& packet) { seen(packet); });
    const TimePoint start = runtime.now();
    run(chat(client));
    ASSERT_THAT(seen.lines, SizeIs(5));
    EXPECT_THAT(seen.lines[0], HasSubstr("> CONNECT client_id=\"client\""));
    EXPECT_THAT(seen.lines[0], HasSubstr("password=(hidden)"));
    EXPECT_THAT(seen.lines[1], HasSubstr("< CONNACK reason=0x00"));
    EXPECT_EQ(seen.lines[2], "> PUBLISH id=1 qos=1 topic=\"a/b\" 14 bytes");
    EXPECT_THAT(seen.lines[3], HasSubstr("< PUBACK id=1"));
    EXPECT_THAT(seen.lines[4], HasSubstr("> DISCONNECT"));
    for (const std::string& line : seen.lines) {
        EXPECT_EQ(line.find("hunter2"), std::string::npos);
        EXPECT_EQ(line.find("secret payload"), std::string::npos);
    }
    EXPECT_EQ(seen.times[1] - start, 3s); // of opening, there and back
    EXPECT_EQ(seen.times[2], seen.times[1]);
    EXPECT_EQ(seen.times[3] - seen.times[2], 2s);
    const Statistics now = client.statistics();
    EXPECT_EQ(seen.bytes, now.sent.total().bytes + now.received.total().bytes);
}

TEST_P(ClientStatistics, a_tap_shows_what_is_malformed_and_what_is_wrong_with_it) {
    broker.inject({.sent = {.corrupt = {{.at = 2, .mask = 0xF0}}}}); // CONNACK's flags
    AsyncClient client(runtime, options());
    Transcript seen;
    client.tap([&](const TappedPacket& packet) { seen(packet); });
    run(connect_in_vain(client, "mqtt://broker"));
    ASSERT_GE(seen.lines.size(), 2u);
    EXPECT_THAT(seen.lines[1], ::testing::MatchesRegex("< CONNACK [45] bytes \\(.*flags.*\\)"));
}

TEST_P(ClientStatistics, a_tap_may_be_set_changed_and_removed_at_any_time) {
    AsyncClient client(runtime, options());
    run(connect(client));
    Transcript first;
    Transcript second;
    const auto publish = [&] {
        ASSERT_TRUE(client.try_publish("a", as_bytes("x")));
        runtime.run_until_idle();
    };
    publish();
    client.tap([&](const TappedPacket& packet) { first(packet); });
    publish();
    client.tap([&](const TappedPacket& packet) { second(packet); });
    publish();
    publish();
    client.tap(nullptr);
    publish();
    EXPECT_THAT(first.lines, SizeIs(1));
    EXPECT_THAT(second.lines, SizeIs(2));
}

TEST_P(ClientStatistics, a_tap_that_throws_is_logged_and_harms_nothing) {
    static std::vector<std::string> logged;
    logged.clear();
    set_log_hook([](void*, LogLevel, std::string_view line) { logged.emplace_back(line); }, nullptr, LogLevel::error);
    AsyncClient client(runtime, options());
    client.tap([](const TappedPacket& packet) {
        if (packet.type() == PacketType::puback) throw std::runtime_error("tired");
        if (packet.type() == PacketType::connack) throw 7;
    });
    run(chat(client));
    set_log_hook(nullptr);
    EXPECT_THAT(logged, ElementsAre("the tap threw something that is no std::exception", "the tap threw: tired"));
    EXPECT_EQ(broker.messages().size(), 1u);
}

#ifndef NDEBUG
TEST_P(ClientStatistics, a_tap_that_calls_its_client_is_caught) {
    AsyncClient client(runtime, options());
    run(connect(client));
    client.tap([&](const TappedPacket&) { (void)client.try_publish("again", as_bytes("x")); });
    ASSERT_TRUE(client.try_publish("a", as_bytes("x")));
    EXPECT_DEATH(runtime.run_until_idle(), "a tap may not call the client");
    client.tap(nullptr);
}
#endif

} // namespace
} // namespace culex
