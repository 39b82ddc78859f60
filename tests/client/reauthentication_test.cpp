// Enhanced authentication on a connection that is up (MQTT 5, section 4.12.1).
#include "client/toy_authenticator.hpp"

namespace culex {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Reauthenticating : public Authenticating {};
INSTANTIATE_TEST_SUITE_P(V5, Reauthenticating, ::testing::Values(Version::v5), version_name);

TEST_P(Reauthenticating, again_while_messages_flow) { // [MQTT-4.12.1-1]
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

TEST_P(Reauthenticating, who_asks_during_an_exchange_waits_for_the_next_one) {
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

TEST_P(Reauthenticating, again_refused_ends_the_connection_with_the_brokers_code) { // [MQTT-4.12.1-2]
    start_connected();
    toy.answer = "nonsense";
    EXPECT_EQ(reauthenticate(), "disconnected by the broker");
    EXPECT_EQ(client->last_failure().reason_code(), ReasonCode::not_authorized);
    EXPECT_EQ(client->state(), ConnectionState::idle); // bad credentials are not tried for ever
}

TEST_P(Reauthenticating, again_with_a_wrong_proof_ends_the_connection_with_disconnect) { // [MQTT-4.12.1-2]
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

TEST_P(Reauthenticating, again_what_begin_throws_fails_the_operation_alone) {
    start_connected();
    toy.fails_to_begin = true;
    EXPECT_EQ(reauthenticate(), "authentication failed");
    EXPECT_EQ(client->state(), ConnectionState::connected);
    toy.fails_to_begin = false;
    EXPECT_EQ(reauthenticate(), "ok");
    EXPECT_THAT(happened(), IsEmpty());
}

TEST_P(Reauthenticating, again_with_a_broker_that_does_not_answer_ends_the_connection_in_time) {
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

TEST_P(Reauthenticating, again_ends_with_the_connection_and_with_the_client) {
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

TEST_P(Reauthenticating, again_although_a_full_stream_has_stopped_the_reading) {
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

TEST_P(Reauthenticating, a_disconnect_does_not_wait_for_it) {
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

TEST_P(Reauthenticating, again_needs_an_authenticator_and_a_connection) { // [MQTT-4.12.0-7]
    start(quick());
    EXPECT_EQ(reauthenticate(), "not connected");
    ASSERT_EQ(connect({at("b")}), "ok");
    EXPECT_EQ(reauthenticate(), "not supported");
    EXPECT_THAT(b.received(PacketType::auth), IsEmpty());
    start(with_toy());
    EXPECT_EQ(reauthenticate(), "not connected");
}

TEST_P(Reauthenticating, again_is_not_for_a_connection_that_is_away) {
    start_connected();
    a.stop_listening();
    a.drop_all_connections();
    runtime.run_until_idle();
    ASSERT_NE(client->state(), ConnectionState::connected);
    EXPECT_EQ(reauthenticate(), "not connected");
    EXPECT_THAT(toy.log, IsEmpty());
}

/// The broker has not heard of it, and the connection goes on.
TEST_P(Reauthenticating, again_that_does_not_begin_in_time_fails_alone) {
    start_connected();
    toy.begins_after = 1h;
    const TimePoint begun = runtime.now();
    EXPECT_EQ(reauthenticate(), "timed out");
    EXPECT_EQ(runtime.now() - begun, 30s); // `ClientOptions::connect_timeout`
    EXPECT_EQ(toy.running, 0);
    EXPECT_EQ(client->state(), ConnectionState::connected);
    EXPECT_THAT(a.received(PacketType::auth).size(), 1u) << "of CONNECT's exchange";
    toy.begins_after = {};
    EXPECT_EQ(reauthenticate(), "ok");
    EXPECT_THAT(happened(), IsEmpty());
}

TEST_P(Reauthenticating, again_that_fails_while_the_client_disconnects_has_not_succeeded) {
    runtime.set_latency(100ms);
    start_connected();
    toy.verifies_after = 50ms;
    thanks = "nonsense";
    TaskRoot<> root(again(*client, {}));
    root.start_on(runtime);
    runtime.advance(425ms); // the broker's last word is being verified
    DisconnectOperation leaving = client->disconnect();
    runtime.advance(5s);
    EXPECT_NE(outcome(root), "ok");
}

} // namespace
} // namespace culex
