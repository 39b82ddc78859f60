// The stream of connection events: the exact order of what happens, and what each event tells.
#include "client/connections.hpp"

namespace culex {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

using Kind = ConnectionEvent::Kind;

class Events : public ConnectionTest {
protected:
    /// The next event that is here.
    ConnectionEvent next() {
        auto event = events.try_next();
        EXPECT_TRUE(event);
        return event ? *std::move(event) : ConnectionEvent();
    }
    void lose_connection() {
        runtime.advance(1min);
        happened();
        a.drop_all_connections();
    }
    static Task<> read(ConnectionEvents& from, Lines& lines, bool& ended) {
        while (auto event = co_await from.next()) lines.push_back(brief(*event));
        ended = true;
    }
};
CULEX_FOR_BOTH_VERSIONS(Events);

TEST_P(Events, tell_of_a_connection_from_connect_to_disconnect) {
    start(options());
    ASSERT_EQ(connect({at("a")}), "ok");
    run(disconnect(*client));
    EXPECT_THAT(happened(), ElementsAre("attempting 1 a", "connected 1 a", "stopped"));
}

TEST_P(Events, name_phase_address_cause_and_reason_code) {
    ClientOptions persistent = options();
    persistent.clean_start = false;
    persistent.properties.session_expiry_interval = 3600;
    start(persistent);
    const TimePoint begin = runtime.now();
    runtime.set_unresolvable("nowhere");
    b.options().refuse_connect = ReasonCode::server_unavailable;
    ASSERT_EQ(connect({at("nowhere"), Endpoint(Transport::tcp, "c", 9), at("b"), at("a")}), "ok");

    EXPECT_EQ(next().kind, Kind::attempting);
    const ConnectionEvent unresolved = next();
    EXPECT_EQ(unresolved.kind, Kind::attempt_failed);
    EXPECT_EQ(unresolved.at, begin);
    EXPECT_EQ(unresolved.phase(), Phase::resolve);
    EXPECT_EQ(unresolved.attempt, 1u);
    EXPECT_EQ(unresolved.endpoint, at("nowhere"));
    EXPECT_THAT(unresolved.to_string(), StartsWith("attempt 1 failed: resolving nowhere:1883: host not found"));

    EXPECT_EQ(next().to_string(), "attempt 2: mqtt://c:9");
    const ConnectionEvent refused = next();
    EXPECT_EQ(refused.phase(), Phase::connect);
    EXPECT_TRUE(refused.cause == std::errc::connection_refused);
    EXPECT_EQ(refused.reason_code(), ReasonCode::success);

    EXPECT_EQ(next().kind, Kind::attempting);
    const ConnectionEvent unavailable = next();
    EXPECT_EQ(unavailable.phase(), Phase::mqtt);
    EXPECT_TRUE(unavailable.cause == Errc::connection_refused);
    EXPECT_EQ(unavailable.reason_code(), ReasonCode::server_unavailable);
    EXPECT_EQ(unavailable.cause.address(), "mqtt://b:1883");

    EXPECT_EQ(next().kind, Kind::attempting);
    const ConnectionEvent connected = next();
    EXPECT_EQ(connected.kind, Kind::connected);
    EXPECT_EQ(connected.attempt, 4u);
    EXPECT_FALSE(connected.cause);
    EXPECT_FALSE(connected.session_present);
    EXPECT_EQ(connected.peer, "a:1883"); // of a pipe; of a socket it is the address behind the name
    EXPECT_EQ(connected.to_string(), "connected to mqtt://a:1883 (a:1883), session new");

    lose_connection();
    settle();
    const ConnectionEvent lost = next();
    EXPECT_EQ(lost.kind, Kind::lost);
    EXPECT_EQ(lost.phase(), Phase::session);
    EXPECT_EQ(lost.cause.address(), "a:1883"); // the transport names it as it does the peer
    EXPECT_EQ(lost.peer, "a:1883");
    EXPECT_EQ(lost.attempt, 0u);
    EXPECT_EQ(lost.to_string(), "connection lost: the connection to a:1883: closed by the peer");
    const ConnectionEvent waiting = next();
    EXPECT_EQ(waiting.kind, Kind::waiting);
    EXPECT_EQ(waiting.at, lost.at);
    EXPECT_EQ(waiting.attempt, 1u);
    EXPECT_EQ(waiting.endpoint, at("a"));
    EXPECT_LT(waiting.delay, 500ms);
    EXPECT_THAT(waiting.to_string(), StartsWith("attempt 1 follows in "));
    const ConnectionEvent again = next();
    EXPECT_EQ(again.kind, Kind::attempting);
    EXPECT_EQ(again.at, waiting.at + waiting.delay);
    const ConnectionEvent resumed = next();
    EXPECT_EQ(resumed.kind, Kind::connected);
    EXPECT_TRUE(resumed.session_present);
    EXPECT_THAT(happened(), IsEmpty());
}

TEST(ConnectionEvent, has_words_for_its_kind) {
    EXPECT_EQ(to_string(Kind::attempting), "attempting");
    EXPECT_EQ(to_string(Kind::stopped), "stopped");
    EXPECT_EQ(to_string(static_cast<Kind>(99)), "?");
    ConnectionEvent event;
    event.kind = Kind::stopped;
    EXPECT_EQ(event.to_string(), "stopped");
    event.cause = Failure(Errc::connection_refused, "bad password");
    EXPECT_EQ(event.to_string(), "stopped: refused by the broker: bad password");
    event.kind = static_cast<Kind>(99);
    EXPECT_EQ(event.to_string(), "?");
}

TEST_P(Events, of_a_name_that_does_not_resolve) {
    runtime.set_unresolvable("nowhere");
    start(options());
    connect({at("nowhere")});
    EXPECT_THAT(happened(),
                ElementsAre("attempting 1 nowhere", "failed 1 nowhere host not found", "stopped host not found"));
}

TEST_P(Events, of_a_host_that_never_answers) {
    runtime.set_black_hole("hole");
    start(options());
    connect({at("hole")});
    EXPECT_THAT(happened(), ElementsAre("attempting 1 hole", "failed 1 hole timed out", "stopped timed out"));
}

TEST_P(Events, of_a_broker_that_closes_at_once) {
    a.script(Script{}.drop());
    start(options());
    connect({at("a"), at("b")});
    EXPECT_THAT(happened(),
                ElementsAre("attempting 1 a",
                            ::testing::AnyOf("failed 1 a closed by the peer", "failed 1 a Connection reset by peer"),
                            "attempting 2 b", "connected 2 b"));
}

TEST_P(Events, of_a_broker_that_closes_behind_connack) {
    ClientOptions once = quick();
    once.reconnect.attempts = 1;
    for (int i = 0; i < 2; ++i) a.script(Script{}.expect(PacketType::connect).acknowledge().close());
    start(once);
    ASSERT_EQ(connect({at("a")}), "ok");
    settle();
    runtime.advance(1min);
    EXPECT_THAT(happened(), ElementsAre("attempting 1 a", "connected 1 a", "lost a closed by the peer", "waiting 1 a",
                                        "attempting 1 a", "connected 1 a", "lost a closed by the peer",
                                        "stopped closed by the peer"));
}

TEST_P(Events, of_a_broker_that_never_sends_connack) {
    a.script(Script{}.expect(PacketType::connect).expect_close());
    start(options());
    const TimePoint begin = runtime.now();
    ASSERT_EQ(connect({at("a"), at("b")}), "ok");
    EXPECT_EQ(runtime.now() - begin, 30s);
    const ConnectionEvent first = next();
    const ConnectionEvent second = next();
    EXPECT_EQ(brief(first), "attempting 1 a");
    EXPECT_EQ(brief(second), "failed 1 a timed out");
    EXPECT_EQ(second.phase(), Phase::mqtt);
    EXPECT_THAT(second.cause.detail(), HasSubstr("CONNACK"));
    EXPECT_THAT(happened(), ElementsAre("attempting 2 b", "connected 2 b"));
}

TEST_P(Events, of_a_broker_that_falls_silent) {
    ClientOptions own = quick();
    own.keep_alive = 10s;
    start(own);
    ASSERT_EQ(connect({at("a")}), "ok");
    lose_connection();
    settle();
    happened();
    runtime.set_latency(1h);
    runtime.advance(30s);
    Lines lines = happened();
    ASSERT_GE(lines.size(), 3u);
    lines.resize(3);
    EXPECT_THAT(lines, ElementsAre("lost a no response in time", StartsWith("waiting 1"), "attempting 1 a"));
}

TEST_P(Events, of_a_reconnect_that_was_asked_for) {
    start(options());
    ASSERT_EQ(connect({at("a")}), "ok");
    happened();
    client->reconnect();
    settle();
    EXPECT_THAT(happened(), ElementsAre("lost a connection lost", "attempting 1 a", "connected 1 a"));
}

TEST_P(Events, of_a_disconnect_while_the_connection_is_away) {
    start(options());
    ASSERT_EQ(connect({at("a")}), "ok");
    a.stop_listening();
    lose_connection();
    runtime.run_until_idle();
    run(disconnect(*client));
    EXPECT_THAT(happened().back(), "stopped");
    runtime.advance(1h);
    EXPECT_THAT(happened(), IsEmpty());
}

TEST_P(Events, of_a_disconnect_that_delivers_over_another_connection_first) {
    start(quick());
    ASSERT_EQ(connect({at("a")}), "ok");
    happened();
    runtime.set_latency(1s);
    TaskRoot<> published(publish(*client, "t", "x", QoS::at_least_once));
    published.start_on(runtime);
    runtime.run_until_idle();
    TaskRoot<> disconnecting(disconnect(*client));
    disconnecting.start_on(runtime);
    runtime.run_until_idle();
    a.drop_all_connections();
    runtime.advance(1min);
    EXPECT_EQ(outcome(published), "ok");
    EXPECT_EQ(outcome(disconnecting), "ok");
    EXPECT_THAT(happened(),
                ElementsAre(StartsWith("lost a"), "waiting 1 a", "attempting 1 a", "connected 1 a", "stopped"));
}

TEST_P(Events, of_a_connect_that_is_called_off) {
    runtime.set_black_hole("hole");
    start(options());
    connect({at("hole")}, {.timeout = 1s});
    EXPECT_THAT(happened(), ElementsAre("attempting 1 hole", "stopped timed out"));
}

// --- the stream

TEST_P(Events, wake_who_waits_and_end_with_the_client) {
    start(options());
    Lines lines;
    bool ended = false;
    TaskRoot<> reader(read(events, lines, ended));
    reader.start_on(runtime);
    runtime.run_until_idle();
    ASSERT_EQ(connect({at("a")}), "ok");
    runtime.run_until_idle();
    EXPECT_THAT(lines, ElementsAre("attempting 1 a", "connected 1 a"));
    run(disconnect(*client)); // the stream goes on
    ASSERT_EQ(connect({at("b")}), "ok");
    runtime.run_until_idle();
    EXPECT_FALSE(ended);
    client.reset();
    runtime.run_until_idle();
    EXPECT_TRUE(ended);
    EXPECT_THAT(lines, ElementsAre("attempting 1 a", "connected 1 a", "stopped", "attempting 1 b", "connected 1 b"));
}

TEST_P(Events, that_a_destroyed_client_left_can_still_be_taken) {
    start(options());
    ASSERT_EQ(connect({at("a")}), "ok");
    client.reset();
    EXPECT_THAT(happened(), ElementsAre("attempting 1 a", "connected 1 a"));
    EXPECT_FALSE(events.try_next());
    Lines lines;
    bool ended = false;
    run(read(events, lines, ended));
    EXPECT_TRUE(ended);
}

TEST_P(Events, go_to_any_number_of_streams_each_from_its_beginning_on) {
    start(options());
    ConnectionEvents other = client->connection_events();
    ASSERT_EQ(connect({at("a")}), "ok");
    ConnectionEvents late = client->connection_events();
    run(disconnect(*client));
    EXPECT_THAT(happened(), ElementsAre("attempting 1 a", "connected 1 a", "stopped"));
    EXPECT_THAT(taken(other), ElementsAre("attempting 1 a", "connected 1 a", "stopped"));
    EXPECT_THAT(taken(late), ElementsAre("stopped"));
}

TEST_P(Events, are_bounded_and_the_oldest_go_and_are_counted) {
    start(quick());
    events = client->connection_events(3);
    ConnectionEvents least = client->connection_events(0); // is 1
    ASSERT_EQ(connect({at("a")}), "ok");
    runtime.advance(1min);
    a.drop_all_connections();
    settle();
    EXPECT_EQ(events.size(), 3u);
    EXPECT_EQ(events.dropped(), 3u);
    EXPECT_THAT(happened(), ElementsAre("waiting 1 a", "attempting 1 a", "connected 1 a"));
    EXPECT_EQ(least.dropped(), 5u);
    EXPECT_THAT(taken(least), ElementsAre("connected 1 a"));
}

TEST_P(Events, of_a_stream_that_is_dropped_while_somebody_waits_end) {
    start(options());
    std::optional<ConnectionEvents> own(client->connection_events());
    Lines lines;
    bool ended = false;
    TaskRoot<> reader(read(*own, lines, ended));
    reader.start_on(runtime);
    runtime.run_until_idle();
    own.reset();
    runtime.run_until_idle();
    EXPECT_TRUE(ended);
    EXPECT_THAT(lines, IsEmpty());
}

TEST_P(Events, may_be_read_no_more_at_any_moment) {
    for (int turns = 0; turns < 20; ++turns) {
        start(options());
        Lines lines;
        bool ended = false;
        std::optional<TaskRoot<>> reader(std::in_place, read(events, lines, ended));
        reader->start_on(runtime);
        TaskRoot<> connecting(connect_to(*client, {at("a")}, {}));
        connecting.start_on(runtime);
        for (int i = 0; i < turns; ++i) runtime.step();
        reader.reset(); // woken perhaps, and not run yet
        runtime.advance(1s);
        EXPECT_EQ(lines.size() + events.size(), 2u); // nothing is lost with it
        client.reset();
    }
}

TEST(ConnectionEventStream, that_is_none_gives_nothing) {
    ConnectionEvents none;
    EXPECT_FALSE(none.try_next());
    EXPECT_EQ(none.size(), 0u);
    EXPECT_EQ(none.dropped(), 0u);
    culex::testing::VirtualRuntime runtime;
    const auto ends = [](ConnectionEvents& from) -> Task<bool> {
        const auto event = co_await from.next();
        co_return !event;
    };
    EXPECT_TRUE(runtime.run(ends(none)));
}

} // namespace
} // namespace culex
