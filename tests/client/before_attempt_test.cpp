// The hook before each attempt: renewed credentials, another endpoint, giving up, and what cancels it.
#include <culex/event.hpp>

#include "client/connections.hpp"

namespace culex {
namespace {

using culex::testing::Direction;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class BeforeAttempt : public ConnectionTest {
protected:
    /// What a hook that hangs leaves behind: whether it runs, and how often it was cancelled.
    struct Hanging {
        int begun = 0;
        int destroyed = 0;
        struct Frame {
            explicit Frame(Hanging& hanging_) : hanging(hanging_) { ++hanging.begun; }
            Frame(const Frame&) = delete;
            Frame& operator=(const Frame&) = delete;
            ~Frame() { ++hanging.destroyed; }
            Hanging& hanging;
        };
    };
    static Task<> hang(Hanging& hanging) {
        const Hanging::Frame frame(hanging);
        co_await sleep_for(24h);
        ADD_FAILURE() << "nobody has cancelled the hook";
    }
    /// Lets attempts begin, the hook of which never ends.
    void hang_in_hook() {
        client->before_attempt([this](ConnectionAttempt&) { return hang(hanging); });
    }
    Hanging hanging;
};
CULEX_FOR_BOTH_VERSIONS(BeforeAttempt);

TEST_P(BeforeAttempt, runs_before_each_attempt_the_first_included_and_has_number_endpoint_and_cause_in_hand) {
    start(quick());
    Lines seen;
    client->before_attempt([&](ConnectionAttempt& attempt) -> Task<> {
        seen.push_back(std::to_string(attempt.number()) + " " + attempt.endpoint().host() + " " +
                       attempt.last_failure().code().message());
        co_return;
    });
    a.stop_listening();
    ASSERT_EQ(connect({at("a"), at("b")}), "ok");
    runtime.advance(1min);
    b.drop_all_connections();
    settle();
    EXPECT_THAT(seen, ElementsAre("1 a Success", "2 b Connection refused", "1 b closed by the peer"));
}

TEST_P(BeforeAttempt, nothing_is_attempted_before_it_has_ended) {
    start(options());
    Event go;
    const auto wait = [](Event& event) -> Task<> { co_await event.wait(); };
    client->before_attempt([&](ConnectionAttempt&) { return wait(go); });
    TaskRoot<> connecting(connect_to(*client, {at("a")}, {}));
    connecting.start_on(runtime);
    runtime.advance(20s);
    EXPECT_EQ(a.accepted(), 0u);
    EXPECT_EQ(client->state(), ConnectionState::connecting);
    EXPECT_THAT(happened(), IsEmpty());
    go.set();
    runtime.run_until_idle();
    EXPECT_EQ(outcome(connecting), "ok");
    EXPECT_THAT(happened(), ElementsAre("attempting 1 a", "connected 1 a"));
}

TEST_P(BeforeAttempt, renews_the_credentials_from_then_on_and_leaves_client_id_and_will) {
    ClientOptions own = quick();
    own.user_name = "user";
    own.password = "old";
    own.will = Will{.topic = "will", .payload = as_bytes("gone"), .qos = QoS::at_least_once};
    own.properties.session_expiry_interval = GetParam() == Version::v5 ? std::optional(60u) : std::nullopt;
    const UserProperty site{"site", "north"};
    if (GetParam() == Version::v5) own.properties.user_properties = {&site, 1};
    a.options().users = {{"user", "token 1"}};
    start(own);
    int renewed = 0;
    client->before_attempt([&](ConnectionAttempt& attempt) -> Task<> {
        const std::string token = "token " + std::to_string(++renewed);
        if (renewed <= 2) attempt.set_credentials("user", token); // and from then on leaves it alone
        co_return;
    });
    ASSERT_EQ(connect({at("a")}), "ok");
    a.options().users = {{"user", "token 2"}};
    for (int i = 0; i < 3; ++i) {
        a.drop_all_connections();
        settle();
        ASSERT_EQ(client->state(), ConnectionState::connected) << client->last_failure().message();
    }
    for (const auto& record : a.received(PacketType::connect)) {
        const Connect& packet = *record.as<Connect>();
        EXPECT_EQ(packet.client_id, "client");
        ASSERT_TRUE(packet.will);
        EXPECT_EQ(as_text(packet.will->payload), "gone");
        if (GetParam() == Version::v5) {
            EXPECT_EQ(packet.properties.session_expiry_interval, 60u);
            EXPECT_THAT(packet.properties.user_properties, ElementsAre(site));
        }
    }
    EXPECT_EQ(client->client_id(), "client");
}

TEST_P(BeforeAttempt, credentials_may_be_taken_away) {
    ClientOptions own = quick();
    own.user_name = "user";
    own.password = "secret";
    start(own);
    client->before_attempt([](ConnectionAttempt& attempt) -> Task<> {
        attempt.set_credentials(std::nullopt);
        co_return;
    });
    ASSERT_EQ(connect({at("a")}), "ok");
    const auto sent = a.received(PacketType::connect);
    EXPECT_FALSE(sent[0].as<Connect>()->user_name);
    EXPECT_FALSE(sent[0].as<Connect>()->password);
}

TEST_P(BeforeAttempt, credentials_that_break_a_rule_fail_the_attempt_and_are_not_kept) {
    ClientOptions own = quick();
    own.user_name = "user";
    own.password = "good";
    a.options().users = {{"user", "good"}};
    start(own);
    bool bad = true;
    client->before_attempt([&](ConnectionAttempt& attempt) -> Task<> {
        if (bad) attempt.set_credentials("user\xFF", "bad"); // no UTF-8 [MQTT-3.1.3-11]
        co_return;
    });
    EXPECT_EQ(connect({at("a")}), "invalid argument");
    EXPECT_EQ(a.accepted(), 0u);
    bad = false;
    EXPECT_EQ(connect({at("a")}), "ok");
}

TEST_P(BeforeAttempt, chooses_another_endpoint_for_this_attempt) {
    start(quick());
    client->before_attempt([](ConnectionAttempt& attempt) -> Task<> {
        if (attempt.endpoint().host() == "a") attempt.set_endpoint(at("c"));
        co_return;
    });
    ASSERT_EQ(connect({at("a"), at("b")}), "ok");
    c.stop_listening();
    runtime.advance(1min);
    c.drop_all_connections();
    settle();
    EXPECT_THAT(happened(),
                ElementsAre("attempting 1 c", "connected 1 c", "lost c closed by the peer", "waiting 1 a",
                            "attempting 1 c", "failed 1 c Connection refused", "attempting 2 b", "connected 2 b"));
}

TEST_P(BeforeAttempt, where_it_throws_the_attempt_has_failed_with_that_cause_and_the_policy_says_what_follows) {
    start(quick());
    int calls = 0;
    client->before_attempt([&](ConnectionAttempt&) -> Task<> {
        if (++calls == 2) throw Error(Failure(Errc::timed_out, "the token server"));
        if (calls == 3) throw std::runtime_error("no token");
        if (calls == 4) throw 4;
        co_return;
    });
    ASSERT_EQ(connect({at("a")}), "ok");
    a.drop_all_connections();
    settle();
    EXPECT_EQ(client->state(), ConnectionState::connected);
    EXPECT_EQ(calls, 5);
    EXPECT_THAT(happened(), ElementsAre("attempting 1 a", "connected 1 a", "lost a closed by the peer", "waiting 1 a",
                                        "attempting 1 a", "failed 1 a timed out", "waiting 2 a", //
                                        "attempting 2 a", "failed 2 a cancelled", "waiting 3 a", //
                                        "attempting 3 a", "failed 3 a cancelled", "waiting 4 a", //
                                        "attempting 4 a", "connected 4 a"));
    EXPECT_EQ(a.accepted(), 2u);
}

TEST_P(BeforeAttempt, that_is_a_plain_function_and_throws_fails_the_attempt_as_well) {
    start(quick());
    client->before_attempt([](ConnectionAttempt&) -> Task<> { throw std::runtime_error("no token"); });
    TaskRoot<> connecting(connect_to(*client, {at("a")}, {}));
    connecting.start_on(runtime);
    runtime.run_until_idle();
    ASSERT_TRUE(connecting.done());
    try {
        connecting.result();
        ADD_FAILURE();
    } catch (const Error& error) {
        EXPECT_TRUE(error.failure() == Errc::cancelled);
        EXPECT_THAT(error.detail(), HasSubstr("no token"));
        EXPECT_EQ(error.address(), "mqtt://a:1883");
    }
}

TEST_P(BeforeAttempt, gives_up_for_good) {
    start(quick());
    ASSERT_EQ(connect({at("a"), at("b")}), "ok");
    client->before_attempt([](ConnectionAttempt& attempt) -> Task<> {
        attempt.give_up(Failure(Errc::closed, "licence expired"));
        co_return;
    });
    TaskRoot<> waiting(publish(*client, "t", "x", QoS::at_least_once));
    runtime.advance(1min);
    happened();
    a.stop_listening();
    a.drop_all_connections();
    waiting.start_on(runtime);
    settle();
    EXPECT_EQ(client->state(), ConnectionState::idle);
    EXPECT_EQ(outcome(waiting), "the client is closed");
    EXPECT_THAT(happened(), ElementsAre("lost a closed by the peer", "waiting 1 a", "attempting 1 a",
                                        "failed 1 a the client is closed", "stopped the client is closed"));
    EXPECT_EQ(client->last_failure().detail(), "licence expired");
    client->before_attempt({});
    EXPECT_EQ(connect({at("b")}), "ok"); // an empty hook is none, and giving up was once
}

Task<> look_at(const int& captured, bool& ended) {
    co_await sleep_for(1s);
    EXPECT_EQ(captured, 7); // lives as long as the call
    ended = true;
}

TEST_P(BeforeAttempt, may_be_replaced_while_it_runs) {
    start(quick());
    auto captured = std::make_shared<int>(7);
    const std::weak_ptr<int> watch = captured;
    bool ended = false;
    client->before_attempt([this, &ended, kept = std::move(captured)](ConnectionAttempt&) {
        client->before_attempt({});
        return look_at(*kept, ended);
    });
    EXPECT_EQ(connect({at("a")}), "ok");
    EXPECT_TRUE(ended);
    EXPECT_TRUE(watch.expired());
}

TEST_P(BeforeAttempt, may_use_the_client) {
    start(quick());
    client->before_attempt([this](ConnectionAttempt&) -> Task<> {
        (void)client->try_publish("t", as_bytes("from the hook"), {.qos = QoS::at_least_once});
        client->reconnect(); // an attempt is under way already
        co_return;
    });
    ASSERT_EQ(connect({at("a")}), "ok");
    runtime.run_until_idle();
    ASSERT_EQ(a.messages().size(), 1u);
    EXPECT_EQ(a.messages()[0].payload, "from the hook");
    EXPECT_EQ(a.accepted(), 1u);
}

// --- what cancels it

TEST_P(BeforeAttempt, is_cancelled_when_the_attempts_time_is_over) {
    ClientOptions own = options();
    own.connect_timeout = 5s;
    start(own);
    hang_in_hook();
    const TimePoint begin = runtime.now();
    EXPECT_EQ(connect({at("a")}), "timed out");
    EXPECT_EQ(runtime.now() - begin, 5s);
    EXPECT_EQ(hanging.destroyed, 1);
    EXPECT_THAT(client->last_failure().detail(), HasSubstr("before_attempt"));
}

TEST_P(BeforeAttempt, its_time_counts_towards_the_attempts) {
    ClientOptions own = options();
    own.connect_timeout = 5s;
    start(own);
    client->before_attempt([](ConnectionAttempt&) -> Task<> { co_await sleep_for(4s); });
    runtime.set_black_hole("hole");
    const TimePoint begin = runtime.now();
    EXPECT_EQ(connect({at("hole")}), "timed out");
    EXPECT_EQ(runtime.now() - begin, 5s);
}

TEST_P(BeforeAttempt, is_cancelled_when_the_client_disconnects) {
    start(options());
    hang_in_hook();
    TaskRoot<> connecting(connect_to(*client, {at("a")}, {}));
    connecting.start_on(runtime);
    runtime.advance(1s);
    run(disconnect(*client));
    EXPECT_EQ(hanging.destroyed, 1);
    EXPECT_EQ(outcome(connecting), "the client is closed");
    EXPECT_THAT(happened(), ElementsAre("stopped"));
    EXPECT_EQ(client->state(), ConnectionState::idle);
}

TEST_P(BeforeAttempt, is_cancelled_when_the_connect_is_called_off) {
    start(options());
    hang_in_hook();
    EXPECT_EQ(connect({at("a")}, {.timeout = 1s}), "timed out");
    EXPECT_EQ(hanging.destroyed, 1);
    EXPECT_EQ(client->state(), ConnectionState::idle);
}

TEST_P(BeforeAttempt, client_destroyed_inside_the_hook_cancels_it) {
    start(options());
    hang_in_hook();
    TaskRoot<> connecting(connect_to(*client, {at("a")}, {}));
    connecting.start_on(runtime);
    runtime.advance(1s);
    EXPECT_EQ(hanging.begun, 1);
    client.reset();
    EXPECT_EQ(hanging.destroyed, 1);
    runtime.advance(48h);
    EXPECT_EQ(outcome(connecting), "the client is closed");
    EXPECT_EQ(a.accepted(), 0u);
}

} // namespace
} // namespace culex
