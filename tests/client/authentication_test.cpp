// Enhanced authentication (MQTT 5, section 4.12) with a toy method, against a broker in virtual time.
#include "client/toy_authenticator.hpp"

namespace culex {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

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

} // namespace
} // namespace culex
