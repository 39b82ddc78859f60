// The reconnect policy at work: every number of it, and every verdict.
#include <limits>

#include "client/connections.hpp"

namespace culex {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Policy : public ConnectionTest {
protected:
    /// Loses a connection that has held, and forgets the events so far.
    void lose_connection() {
        runtime.advance(1min);
        happened();
        a.drop_all_connections();
    }
    /// The delays that the client announces in `duration`.
    std::vector<Duration> delays(Duration duration) {
        std::vector<Duration> all;
        const TimePoint end = runtime.now() + duration;
        while (runtime.now() < end && runtime.step()) {
            while (auto event = events.try_next()) {
                if (event->kind == ConnectionEvent::Kind::waiting) all.push_back(event->delay);
            }
        }
        return all;
    }
};
CULEX_FOR_BOTH_VERSIONS(Policy);

TEST_P(Policy, delays_stay_inside_their_growing_bounds) {
    ClientOptions growing = options();
    growing.reconnect = {.first_delay = 100ms, .multiplier = 3.0, .max_delay = 2s};
    start(growing);
    ASSERT_EQ(connect({at("a")}), "ok");
    a.stop_listening();
    lose_connection();
    const std::vector<Duration> drawn = delays(10min);
    ASSERT_GT(drawn.size(), 300u);
    Duration ceiling = 100ms;
    Duration greatest{};
    for (const Duration delay : drawn) {
        EXPECT_GE(delay, 0ms);
        EXPECT_LT(delay, ceiling);
        ceiling = std::min<Duration>(ceiling * 3, 2s);
        greatest = std::max(greatest, delay);
    }
    EXPECT_GT(greatest, 1500ms); // it has grown
}

TEST_P(Policy, waits_exactly_as_long_as_it_says) {
    ClientOptions slow = options();
    slow.reconnect.first_delay = slow.reconnect.max_delay = 1h;
    start(slow);
    ASSERT_EQ(connect({at("a")}), "ok");
    lose_connection();
    TimePoint due{};
    runtime.run_until([&] {
        while (auto event = events.try_next()) {
            if (event->kind == ConnectionEvent::Kind::waiting) due = event->at + event->delay;
            if (event->kind == ConnectionEvent::Kind::attempting) return true;
        }
        return false;
    });
    EXPECT_NE(due, TimePoint{});
    EXPECT_EQ(runtime.now(), due);
}

TEST_P(Policy, a_connection_that_held_for_reset_after_makes_delay_and_attempts_start_over) {
    ClientOptions few = options();
    few.reconnect = {.first_delay = 1ms, .multiplier = 1000.0, .max_delay = 1h, .reset_after = 10s, .attempts = 2};
    start(few);
    ASSERT_EQ(connect({at("a")}), "ok");
    for (int i = 0; i < 50; ++i) { // more often than there are attempts
        runtime.advance(10s);
        a.drop_all_connections();
        runtime.advance(1ms); // no delay has grown
        ASSERT_EQ(client->state(), ConnectionState::connected);
    }
}

TEST_P(Policy, a_connection_that_did_not_hold_counts_as_a_failed_attempt) { // a broker that accepts and closes at once
    ClientOptions few = quick();
    few.reconnect.attempts = 3;
    for (int i = 0; i < 10; ++i) a.script(Script{}.expect(PacketType::connect).acknowledge().close());
    start(few);
    ASSERT_EQ(connect({at("a")}), "ok");
    runtime.advance(1h);
    EXPECT_EQ(a.accepted(), 4u);
    EXPECT_EQ(client->state(), ConnectionState::idle);
    EXPECT_EQ(happened().back(), "stopped closed by the peer");
}

TEST_P(Policy, attempts_count_what_follows_the_lost_connection_over_all_endpoints) {
    ClientOptions few = quick();
    few.reconnect.attempts = 5;
    start(few);
    ASSERT_EQ(connect({at("a"), at("b")}), "ok");
    a.stop_listening();
    b.stop_listening();
    lose_connection();
    runtime.advance(1h);
    int attempts = 0;
    for (const std::string& line : happened()) attempts += line.starts_with("attempting") ? 1 : 0;
    EXPECT_EQ(attempts, 5);
    EXPECT_EQ(client->state(), ConnectionState::idle);
}

TEST_P(Policy, reconnect_does_not_wait_and_has_its_attempt_beyond_the_last) {
    ClientOptions one = options();
    one.reconnect = {.first_delay = 24h, .max_delay = 24h, .attempts = 1};
    start(one);
    ASSERT_EQ(connect({at("a")}), "ok");
    lose_connection();
    runtime.run_until_idle();
    const TimePoint lost = runtime.now();
    client->reconnect();
    settle();
    EXPECT_EQ(client->state(), ConnectionState::connected);
    EXPECT_EQ(runtime.now(), lost);
    client->reconnect(); // of a connection that did not hold: by now the policy has no attempt left
    runtime.run_until_idle();
    EXPECT_EQ(client->state(), ConnectionState::connected);
    EXPECT_EQ(runtime.now(), lost);
}

TEST_P(Policy, reconnect_while_connecting_is_what_is_going_on_already) {
    start(quick());
    ASSERT_EQ(connect({at("a")}), "ok");
    runtime.set_latency(1s);
    lose_connection();
    runtime.run_until([&] { return client->state() == ConnectionState::connecting; });
    client->reconnect();
    runtime.advance(1min);
    EXPECT_EQ(a.accepted(), 2u);
    EXPECT_EQ(client->state(), ConnectionState::connected);
}

// --- verdicts

class Verdicts : public Policy {
protected:
    /// The client connects to a, which then answers with `code` whatever comes; b is there too.
    Lines with(Verdict verdict, ReasonCode code = ReasonCode::not_authorized) {
        const ReasonVerdict table[] = {{code, verdict}};
        ClientOptions options = quick();
        options.reconnect.verdicts = table;
        start(options); // which copies the table
        EXPECT_EQ(connect({at("a"), at("b")}), "ok");
        a.options().refuse_connect = code;
        lose_connection();
        runtime.advance(20ms);
        runtime.advance(20ms);
        return happened();
    }
};
CULEX_FOR_BOTH_VERSIONS(Verdicts);

TEST_P(Verdicts, give_up_ends_it_at_once) {
    EXPECT_THAT(with(Verdict::give_up, ReasonCode::server_unavailable),
                ElementsAre("lost a closed by the peer", "waiting 1 a", "attempting 1 a",
                            "failed 1 a Server unavailable", "stopped Server unavailable"));
    EXPECT_EQ(client->state(), ConnectionState::idle);
    EXPECT_EQ(client->last_failure().reason_code(), ReasonCode::server_unavailable);
}

TEST_P(Verdicts, next_endpoint_does_not_wait) {
    EXPECT_THAT(with(Verdict::next_endpoint),
                ElementsAre("lost a closed by the peer", "waiting 1 a", "attempting 1 a", "failed 1 a Not authorized",
                            "attempting 2 b", "connected 2 b"));
}

TEST_P(Verdicts, try_again_waits_and_stays) {
    Lines lines = with(Verdict::try_again);
    ASSERT_GE(lines.size(), 7u);
    lines.resize(7);
    EXPECT_THAT(lines,
                ElementsAre("lost a closed by the peer", "waiting 1 a", "attempting 1 a", "failed 1 a Not authorized",
                            "waiting 2 a", "attempting 2 a", "failed 2 a Not authorized"));
    EXPECT_EQ(b.accepted(), 0u);
}

TEST_P(Verdicts, follow_without_a_reference_is_the_next_endpoint) {
    EXPECT_THAT(with(Verdict::follow_server_reference),
                ElementsAre("lost a closed by the peer", "waiting 1 a", "attempting 1 a", "failed 1 a Not authorized",
                            "attempting 2 b", "connected 2 b"));
}

TEST_P(Verdicts, hold_for_the_first_connect_too_which_waits_for_nothing) {
    const ReasonVerdict table[] = {{ReasonCode::not_authorized, Verdict::try_again}};
    ClientOptions options = quick();
    options.reconnect.verdicts = table;
    a.options().refuse_connect = ReasonCode::not_authorized;
    start(options);
    EXPECT_EQ(connect({at("a"), at("b")}), "ok"); // each at most once
    EXPECT_THAT(happened(),
                ElementsAre("attempting 1 a", "failed 1 a Not authorized", "attempting 2 b", "connected 2 b"));
    run(disconnect(*client));
    EXPECT_EQ(connect({at("a")}), "refused by the broker");
    runtime.advance(1h);
    EXPECT_EQ(a.accepted(), 2u);
}

TEST_P(Verdicts, bad_credentials_are_not_tried_for_ever) {
    for (const ReasonCode code : {ReasonCode::bad_user_name_or_password, ReasonCode::not_authorized}) {
        a.options().refuse_connect.reset();
        start(quick());
        ASSERT_EQ(connect({at("a"), at("b")}), "ok");
        const std::size_t before = a.accepted();
        a.options().refuse_connect = code;
        lose_connection();
        runtime.advance(1h);
        EXPECT_EQ(a.accepted(), before + 1);
        EXPECT_EQ(client->state(), ConnectionState::idle);
        EXPECT_EQ(happened().back(), "stopped " + std::string(to_string(code)));
        a.options().refuse_connect.reset();
        EXPECT_EQ(connect({at("a")}), "ok"); // it can be asked again
    }
    EXPECT_EQ(b.accepted(), 0u);
}

TEST_P(Verdicts, bad_credentials_end_a_first_connect_that_retries) {
    a.options().refuse_connect = ReasonCode::bad_user_name_or_password;
    start(quick());
    EXPECT_EQ(connect({at("a")}, {.retry = true}), "refused by the broker");
    EXPECT_EQ(a.accepted(), 1u);
}

// --- what is no policy

TEST_P(Policy, refuses_numbers_that_make_no_sense_and_names_them) {
    const auto failure_with = [&](const ReconnectPolicy& policy) {
        ClientOptions bad = options();
        bad.reconnect = policy;
        AsyncClient other(runtime, bad);
        const auto failure = [](AsyncClient& refusing) -> Task<std::string> {
            try {
                co_await refusing.connect("mqtt://a");
            } catch (const Error& error) {
                co_return error.failure() == Errc::invalid_argument ? error.detail() : "another error";
            }
            co_return "none";
        };
        return run(failure(other));
    };
    EXPECT_THAT(failure_with({.multiplier = 0.9}), HasSubstr("multiplier"));
    EXPECT_THAT(failure_with({.multiplier = std::numeric_limits<double>::quiet_NaN()}), HasSubstr("multiplier"));
    EXPECT_THAT(failure_with({.multiplier = std::numeric_limits<double>::infinity()}), HasSubstr("multiplier"));
    EXPECT_THAT(failure_with({.first_delay = -1ms}), HasSubstr("first_delay"));
    EXPECT_THAT(failure_with({.max_delay = -1ms}), HasSubstr("max_delay"));
    EXPECT_THAT(failure_with({.reset_after = -1ms}), HasSubstr("reset_after"));
    const ReasonVerdict odd[] = {{ReasonCode::banned, static_cast<Verdict>(9)}};
    EXPECT_THAT(failure_with({.verdicts = odd}), HasSubstr("verdicts"));
    EXPECT_EQ(a.accepted(), 0u);
}

} // namespace
} // namespace culex
