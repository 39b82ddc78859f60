// Enhanced authentication (MQTT 5, section 4.12) with a toy method, against a broker in virtual time.
#include <culex/authenticator.hpp>

#include "client/connections.hpp"

namespace culex {
namespace {

using culex::testing::AuthReply;
using culex::testing::AuthWord;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Says its name, doubles what it is asked, and expects the broker to say "thanks".
class Toy final : public Authenticator {
public:
    std::string_view method() const override { return "toy"; }
    Task<std::string> begin() override {
        const Running now(*this);
        log.push_back("begin");
        if (fails_to_begin) throw std::runtime_error("no token");
        if (begins_after.count() > 0) co_await sleep_for(begins_after);
        co_return "i am " + name;
    }
    Task<std::string> challenge(Bytes data) override {
        const Running now(*this);
        log.push_back("challenge " + std::string(as_text(data)));
        if (answers_after.count() > 0) co_await sleep_for(answers_after);
        co_return answer.empty() ? std::string(as_text(data)) + std::string(as_text(data)) : answer;
    }
    Task<> success(Bytes data) override {
        const Running now(*this);
        log.push_back("success " + std::string(as_text(data)));
        if (verifies_after.count() > 0) co_await sleep_for(verifies_after);
        if (as_text(data) != "thanks") throw Error(Failure(Errc::authentication_failed, "the broker's proof is wrong"));
    }

    std::string name = "toy";
    std::string answer;
    bool fails_to_begin = false;
    Duration begins_after{}, answers_after{}, verifies_after{};
    Lines log;
    int running = 0;

private:
    struct Running {
        explicit Running(Toy& toy_) noexcept : toy(toy_) { ++toy.running; }
        Running(const Running&) = delete;
        Running& operator=(const Running&) = delete;
        ~Running() { --toy.running; }
        Toy& toy;
    };
};

class Authenticating : public ConnectionTest {
protected:
    Authenticating() { serve(a); }

    /// The broker's side: asks for "ab", takes "abab", says thanks.
    void serve(culex::testing::FakeBroker& broker_) {
        broker_.options().authentication = [this](const AuthWord& word) -> AuthReply {
            const std::string data(as_text(word.data));
            words.push_back((word.connected ? "again " : "") + std::string(word.method) + " " + data);
            if (word.step == 0) {
                const bool known = data == "i am toy";
                return known ? AuthReply{ReasonCode::continue_authentication, "ab"}
                             : AuthReply{ReasonCode::not_authorized, {}};
            }
            if (data != "abab") return {ReasonCode::not_authorized, {}};
            return {ReasonCode::success, thanks};
        };
    }
    [[nodiscard]] ClientOptions with_toy() {
        ClientOptions options = quick();
        options.authenticator = &toy;
        return options;
    }
    void start_connected() {
        start(with_toy());
        ASSERT_EQ(connect({at("a")}), "ok");
        words.clear();
        toy.log.clear();
        happened();
    }
    static Task<> again(AsyncClient& client, ReauthenticateOptions options = {}) {
        co_await client.reauthenticate(options);
    }
    std::string reauthenticate(ReauthenticateOptions options = {}) {
        TaskRoot<> root(again(*client, options));
        root.start_on(runtime);
        runtime.run_until([&] { return root.done(); }, 1h);
        return outcome(root);
    }

    Toy toy;
    Lines words;
    std::string thanks = "thanks";
};
INSTANTIATE_TEST_SUITE_P(V5, Authenticating, ::testing::Values(Version::v5), version_name);

TEST_P(Authenticating, exchanges_words_until_both_are_satisfied) { // [MQTT-4.12.0-3] [MQTT-4.12.0-5]
    start(with_toy());
    EXPECT_EQ(connect({at("a")}), "ok");
    EXPECT_THAT(words, ElementsAre("toy i am toy", "toy abab"));
    EXPECT_THAT(toy.log, ElementsAre("begin", "challenge ab", "success thanks"));
    EXPECT_THAT(a.verify(), IsEmpty());
    EXPECT_EQ(toy.running, 0);
}

TEST_P(Authenticating, what_was_published_before_waits_until_the_broker_has_proved_itself) { // [MQTT-3.1.2-30]
    toy.answers_after = 5s;
    toy.verifies_after = 5s;
    start(with_toy());
    TaskRoot<> connecting(connect_to(*client, {at("a")}, {}));
    connecting.start_on(runtime);
    runtime.run_until_idle();
    TaskRoot<> publishing(publish(*client, "t", "x", QoS::at_most_once));
    publishing.start_on(runtime);
    runtime.advance(9s);
    EXPECT_EQ(toy.running, 1);
    EXPECT_EQ(outcome(connecting), "not done");
    EXPECT_EQ(outcome(publishing), "not done");
    EXPECT_THAT(a.messages(), IsEmpty());
    runtime.advance(2s);
    EXPECT_EQ(outcome(connecting), "ok");
    EXPECT_EQ(outcome(publishing), "ok");
    EXPECT_EQ(a.messages().size(), 1u);
    EXPECT_THAT(a.verify(), IsEmpty());
}

TEST_P(Authenticating, messages_of_the_session_wait_as_well_and_are_not_lost) {
    ClientOptions own = with_toy();
    own.clean_start = false;
    own.properties.session_expiry_interval = 1'000;
    start(own);
    ASSERT_EQ(connect({at("a")}), "ok");
    const auto subscribe = [](AsyncClient& from) -> Task<Subscription> {
        co_return co_await from.subscribe("t", QoS::at_least_once);
    };
    Subscription messages = runtime.run(subscribe(*client));
    toy.verifies_after = 3s;
    a.drop_all_connections();
    for (int i = 0; i < 50; ++i) a.publish("t", std::to_string(i), QoS::at_least_once);
    runtime.advance(2s);
    EXPECT_EQ(client->state(), ConnectionState::connecting);
    EXPECT_FALSE(messages.try_next());
    settle();
    runtime.run_until_idle();
    int count = 0;
    while (auto message = messages.try_next()) {
        EXPECT_EQ(message->text(), std::to_string(count++));
        runtime.run_until_idle();
    }
    EXPECT_EQ(count, 50);
    EXPECT_EQ(client->state(), ConnectionState::connected);
}

TEST_P(Authenticating, each_reconnect_authenticates_anew) {
    start_connected();
    a.drop_all_connections();
    settle();
    EXPECT_EQ(client->state(), ConnectionState::connected);
    EXPECT_THAT(words, ElementsAre("toy i am toy", "toy abab"));
    EXPECT_THAT(toy.log, ElementsAre("begin", "challenge ab", "success thanks"));
}

// --- what fails

TEST_P(Authenticating, a_wrong_answer_is_refused_with_the_brokers_code_and_not_tried_again) { // [MQTT-4.12.0-4]
    toy.answer = "nonsense";
    start(with_toy());
    EXPECT_EQ(connect({at("a")}, {.retry = true}), "refused by the broker");
    EXPECT_EQ(client->last_failure().reason_code(), ReasonCode::not_authorized);
    EXPECT_EQ(client->last_failure().phase(), Phase::mqtt);
    EXPECT_EQ(a.accepted(), 1u);
}

TEST_P(Authenticating, a_method_that_the_broker_does_not_know_is_refused) { // [MQTT-4.12.0-1]
    start(with_toy());
    EXPECT_EQ(connect({at("b")}), "refused by the broker");
    EXPECT_EQ(client->last_failure().reason_code(), ReasonCode::bad_authentication_method);
}

TEST_P(Authenticating, a_broker_whose_proof_is_wrong_gets_disconnect_and_nothing_else) {
    thanks = "thank you";
    start(with_toy());
    TaskRoot<> connecting(connect_to(*client, {at("a")}, {}));
    connecting.start_on(runtime);
    TaskRoot<> publishing(publish(*client, "t", "x", QoS::at_most_once));
    runtime.run_until_idle();
    EXPECT_EQ(outcome(connecting), "authentication failed");
    EXPECT_THAT(client->last_failure().message(), HasSubstr("MQTT handshake with mqtt://a"));
    EXPECT_THAT(client->last_failure().message(), HasSubstr("the broker's proof is wrong"));
    const auto left = a.received(PacketType::disconnect);
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].as<Disconnect>()->reason_code, ReasonCode::unspecified_error);
    EXPECT_THAT(a.messages(), IsEmpty());
}

TEST_P(Authenticating, what_the_authenticator_throws_ends_the_attempt_before_anything_is_opened) {
    toy.fails_to_begin = true;
    start(with_toy());
    EXPECT_EQ(connect({at("a")}), "authentication failed");
    EXPECT_THAT(client->last_failure().detail(), HasSubstr("no token"));
    EXPECT_EQ(a.accepted(), 0u);
}

TEST_P(Authenticating, its_time_counts_and_it_is_cancelled_when_that_is_over) {
    ClientOptions own = with_toy();
    own.connect_timeout = 10s;
    toy.begins_after = 4s;
    toy.answers_after = 7s;
    start(own);
    const TimePoint begun = runtime.now();
    EXPECT_EQ(connect({at("a")}), "timed out");
    EXPECT_EQ(runtime.now() - begun, 10s);
    EXPECT_EQ(toy.running, 0);
    toy.begins_after = 20s;
    EXPECT_EQ(connect({at("a")}), "timed out");
    EXPECT_THAT(client->last_failure().detail(), HasSubstr("word from the authenticator"));
    EXPECT_EQ(toy.running, 0);
}

TEST_P(Authenticating, a_broker_that_stops_in_the_middle_is_left_after_the_time_for_an_attempt) {
    a.script(Script{}.expect(PacketType::connect).expect_close());
    start(with_toy());
    const TimePoint begun = runtime.now();
    EXPECT_EQ(connect({at("a")}), "timed out");
    EXPECT_EQ(runtime.now() - begun, 30s);
    EXPECT_THAT(client->last_failure().detail(), HasSubstr("no CONNACK within"));
}

TEST_P(Authenticating, a_connection_that_ends_in_the_middle_ends_the_exchange) {
    a.script(Script{}
                 .expect(PacketType::connect)
                 .reply(Auth{.reason_code = ReasonCode::continue_authentication,
                             .properties = {.authentication_method = "toy"}})
                 .drop());
    toy.answers_after = 5s;
    start(with_toy());
    EXPECT_EQ(connect({at("a")}), "closed by the peer");
    EXPECT_EQ(toy.running, 0);
}

TEST_P(Authenticating, dropping_the_client_cancels_the_exchange) {
    for (Duration Toy::* slow : {&Toy::begins_after, &Toy::answers_after, &Toy::verifies_after}) {
        toy.begins_after = toy.answers_after = toy.verifies_after = {};
        toy.*slow = 5s;
        start(with_toy());
        TaskRoot<> connecting(connect_to(*client, {at("a")}, {}));
        connecting.start_on(runtime);
        runtime.advance(1s);
        EXPECT_EQ(toy.running, 1);
        client.reset();
        EXPECT_EQ(toy.running, 0);
        runtime.run_until_idle();
        EXPECT_EQ(outcome(connecting), "the client is closed");
    }
}

TEST_P(Authenticating, a_challenge_without_an_authenticator_is_a_named_error) {
    ClientOptions own = quick();
    own.properties.authentication_method = "toy";
    const std::string word = "i am toy";
    own.properties.authentication_data = as_bytes(word);
    start(own);
    EXPECT_EQ(connect({at("a")}), "not supported");
    EXPECT_THAT(client->last_failure().detail(), HasSubstr("there is no authenticator"));
}

/// 3.1.1 has no AUTH: a broker that refuses MQTT 5 would talk a client out of the proof that it was told to ask for.
TEST_P(Authenticating, is_not_given_up_by_falling_back_to_3_1_1) {
    a.script(Script{}.expect(PacketType::connect).acknowledge(ReasonCode::unsupported_protocol_version));
    ClientOptions own = with_toy();
    own.fall_back_to_3_1_1 = true;
    start(own);
    EXPECT_EQ(connect({at("a")}), "refused by the broker");
    EXPECT_EQ(client->last_failure().reason_code(), ReasonCode::unsupported_protocol_version);
    EXPECT_EQ(a.received(PacketType::connect).size(), 1u);
}

TEST_P(Authenticating, options_that_contradict_each_other_are_refused) {
    ClientOptions own = with_toy();
    own.version = Version::v3_1_1;
    start(own);
    EXPECT_EQ(connect({at("a")}), "invalid argument");
    own = with_toy();
    own.properties.authentication_method = "other";
    start(own);
    EXPECT_EQ(connect({at("a")}), "invalid argument");
    EXPECT_EQ(a.accepted(), 0u);
}

// --- again

TEST_P(Authenticating, again_while_messages_flow) { // [MQTT-4.12.1-1]
    start_connected();
    toy.answers_after = 3s;
    TaskRoot<> root(again(*client, {}));
    root.start_on(runtime);
    runtime.advance(1s);
    EXPECT_EQ(outcome(root), "not done");
    runtime.run(publish(*client, "t", "meanwhile", QoS::exactly_once));
    EXPECT_EQ(outcome(root), "not done");
    EXPECT_EQ(a.messages().size(), 1u);
    runtime.advance(3s);
    EXPECT_EQ(outcome(root), "ok");
    EXPECT_THAT(words, ElementsAre("again toy i am toy", "again toy abab"));
    EXPECT_THAT(toy.log, ElementsAre("begin", "challenge ab", "success thanks"));
    EXPECT_THAT(happened(), IsEmpty());
    EXPECT_EQ(reauthenticate(), "ok");
    EXPECT_THAT(a.verify(), IsEmpty());
}

TEST_P(Authenticating, who_asks_during_an_exchange_waits_for_the_next_one) {
    start_connected();
    toy.answers_after = 3s;
    TaskRoot<> first(again(*client, {}));
    first.start_on(runtime);
    runtime.advance(1s);
    toy.name = "nobody"; // renewed, and wrong: the second exchange is another one
    TaskRoot<> second(again(*client, {}));
    second.start_on(runtime);
    runtime.advance(2s);
    EXPECT_EQ(outcome(first), "ok");
    runtime.run_until_idle();
    EXPECT_EQ(outcome(second), "disconnected by the broker");
}

TEST_P(Authenticating, again_refused_ends_the_connection_with_the_brokers_code) { // [MQTT-4.12.1-2]
    start_connected();
    toy.answer = "nonsense";
    EXPECT_EQ(reauthenticate(), "disconnected by the broker");
    EXPECT_EQ(client->last_failure().reason_code(), ReasonCode::not_authorized);
    EXPECT_EQ(client->state(), ConnectionState::idle); // bad credentials are not tried for ever
}

TEST_P(Authenticating, again_with_a_wrong_proof_ends_the_connection_with_disconnect) { // [MQTT-4.12.1-2]
    start_connected();
    thanks = "thank you";
    EXPECT_EQ(reauthenticate(), "authentication failed");
    EXPECT_EQ(client->last_failure().phase(), Phase::session);
    runtime.run_until_idle();
    const auto left = a.received(PacketType::disconnect);
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].as<Disconnect>()->reason_code, ReasonCode::unspecified_error);
    thanks = "thanks";
    settle();
    EXPECT_EQ(client->state(), ConnectionState::connected); // and authenticated anew
}

TEST_P(Authenticating, again_what_begin_throws_fails_the_operation_alone) {
    start_connected();
    toy.fails_to_begin = true;
    EXPECT_EQ(reauthenticate(), "authentication failed");
    EXPECT_EQ(client->state(), ConnectionState::connected);
    toy.fails_to_begin = false;
    EXPECT_EQ(reauthenticate(), "ok");
    EXPECT_THAT(happened(), IsEmpty());
}

TEST_P(Authenticating, again_with_a_broker_that_does_not_answer_ends_the_connection_in_time) {
    a.script(Script{}
                 .expect(PacketType::connect)
                 .reply(Connack{.properties = {.authentication_method = "toy",
                                               .authentication_data = as_bytes(std::string_view("thanks"))}})
                 .expect<Auth>([](const Auth& p) { return p.reason_code == ReasonCode::reauthenticate; })
                 .ignore(PacketType::pingreq)
                 .answer(PacketType::pingreq)
                 .expect(PacketType::disconnect));
    start_connected();
    TaskRoot<> impatient(again(*client, {.timeout = 5s}));
    TaskRoot<> root(again(*client, {}));
    impatient.start_on(runtime);
    root.start_on(runtime);
    runtime.advance(6s);
    EXPECT_EQ(outcome(impatient), "timed out");
    EXPECT_EQ(outcome(root), "not done");
    runtime.advance(23s);
    EXPECT_EQ(client->state(), ConnectionState::connected);
    runtime.advance(2s);
    EXPECT_EQ(outcome(root), "timed out");
    EXPECT_THAT(a.verify(), IsEmpty());
    settle();
    EXPECT_EQ(client->state(), ConnectionState::connected);
}

TEST_P(Authenticating, again_ends_with_the_connection_and_with_the_client) {
    start_connected();
    toy.answers_after = 5s;
    TaskRoot<> root(again(*client, {}));
    root.start_on(runtime);
    runtime.advance(1s);
    a.drop_all_connections();
    runtime.run_until_idle();
    EXPECT_EQ(outcome(root), "closed by the peer");
    EXPECT_EQ(toy.running, 0);
    toy.answers_after = {};
    settle();
    ASSERT_EQ(client->state(), ConnectionState::connected);
    toy.answers_after = 5s;
    TaskRoot<> other(again(*client, {}));
    other.start_on(runtime);
    runtime.advance(1s);
    client.reset();
    runtime.run_until_idle();
    EXPECT_EQ(outcome(other), "the client is closed");
}

TEST_P(Authenticating, again_although_a_full_stream_has_stopped_the_reading) {
    ClientOptions own = with_toy();
    own.inbound.soft_messages = 2;
    start(own);
    ASSERT_EQ(connect({at("a")}), "ok");
    const auto subscribe = [](AsyncClient& from) -> Task<Subscription> { co_return co_await from.subscribe("t"); };
    const Subscription unread = runtime.run(subscribe(*client));
    for (int i = 0; i < 10; ++i) {
        a.publish("t", "x", QoS::at_most_once);
        runtime.run_until_idle();
    }
    EXPECT_LT(client->statistics().inbound.messages, 10u); // it does not read
    EXPECT_EQ(reauthenticate(), "ok");
}

TEST_P(Authenticating, a_disconnect_does_not_wait_for_it) {
    start_connected();
    toy.answers_after = 5s;
    TaskRoot<> root(again(*client, {}));
    root.start_on(runtime);
    runtime.advance(1s);
    const TimePoint begun = runtime.now();
    runtime.run(disconnect(*client));
    runtime.advance(10s);
    EXPECT_LT(runtime.now() - begun, 12s);
    EXPECT_EQ(outcome(root), "the client is closed");
    EXPECT_EQ(toy.running, 0);
    EXPECT_EQ(a.received(PacketType::disconnect).size(), 1u);
    EXPECT_THAT(a.verify(), IsEmpty());
}

TEST_P(Authenticating, again_needs_an_authenticator_and_a_connection) { // [MQTT-4.12.0-7]
    start(quick());
    EXPECT_EQ(reauthenticate(), "not connected");
    ASSERT_EQ(connect({at("b")}), "ok");
    EXPECT_EQ(reauthenticate(), "not supported");
    EXPECT_THAT(b.received(PacketType::auth), IsEmpty());
    start(with_toy());
    EXPECT_EQ(reauthenticate(), "not connected");
}

} // namespace
} // namespace culex
