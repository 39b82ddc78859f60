// Operations whose connection is lost, whose client gives up, disconnects, or is destroyed.
#include "client/operations_test.hpp"

namespace culex {
namespace {

class Operations : public OperationsTest {};
CULEX_FOR_BOTH_VERSIONS(Operations);

TEST_P(Operations, connect_goes_on_with_the_next_endpoint) {
    broker.inject({.sent = {.cut_after = 2}}); // in the middle of CONNACK
    AsyncClient client(runtime, options());
    const auto both = [](AsyncClient& c) -> Task<> {
        const std::vector<Endpoint> endpoints(2, Endpoint::parse("mqtt://broker").value());
        co_await c.connect(endpoints);
    };
    run(both(client));
    EXPECT_EQ(broker.accepted(), 2u);
}

TEST_P(Operations, that_wait_while_the_connection_is_lost_are_done_on_the_next) {
    AsyncClient client(runtime, persistent());
    run(connect(client));
    std::optional<Subscription> first;
    run(subscribe(client, first));
    std::string got;
    const Running waits = start(next(*first, got));
    runtime.set_latency(1s);
    std::optional<Subscription> stream;
    const Running all[] = {start(publish(client, "0", {})), start(publish(client, "1", {.qos = q1})),
                           start(publish(client, "2", {.qos = QoS::exactly_once})), start(subscribe(client, stream)),
                           start(unsubscribe(client, {}, "other"))};
    runtime.advance(500ms);
    lose_connection();
    EXPECT_FALSE(waits.done());
    DisconnectResult left;
    const Running last = start(disconnect(client, left, {.drain = 10min}));
    find_broker_again();
    for (const Running& each : all) EXPECT_TRUE(each.succeeded()) << each.failure().message();
    EXPECT_THAT(published(), ElementsAre("1", "2")); // what is lost at QoS 0 was done with the buffer
    EXPECT_TRUE(last.succeeded());
    EXPECT_EQ(left.undelivered, 0u);
    EXPECT_FALSE(left.why);
    EXPECT_EQ(received(PacketType::disconnect), 1u);
}

// --- the client gives up, or is told to disconnect

TEST_P(Operations, that_wait_when_the_client_gives_up_hear_why) {
    AsyncClient client(runtime, persistent());
    run(connect(client));
    std::optional<Subscription> first;
    run(subscribe(client, first));
    broker.publish("a", "last words", q1);
    runtime.run_until_idle();
    lose_connection();
    std::optional<Subscription> stream;
    const Running all[] = {start(publish(client, "0", {})), start(publish(client, "1", {.qos = q1})),
                           start(subscribe(client, stream)), start(unsubscribe(client))};
    broker.listen();
    refuse_for_good();
    for (const Running& each : all) EXPECT_TRUE(each.failed(Errc::connection_refused)) << each.failure().message();
    std::string got;
    run(next(*first, got));
    EXPECT_EQ(got, "last words");
    EXPECT_EQ(client.state(), ConnectionState::idle);

    // QoS 1 is kept for the next connect, the rest is not.
    broker.options().refuse_connect.reset();
    run(connect(client));
    runtime.advance(1s);
    EXPECT_THAT(published(), ElementsAre("last words", "1"));
    EXPECT_EQ(client.outstanding(), 0u);
}

TEST_P(Operations, next_that_waits_when_the_client_gives_up_hears_why) {
    AsyncClient client(runtime, options());
    run(connect(client));
    std::optional<Subscription> stream;
    run(subscribe(client, stream));
    std::string got;
    const Running waits = start(next(*stream, got));
    runtime.run_until_idle();
    refuse_for_good();
    EXPECT_TRUE(waits.failed(Errc::connection_refused)) << waits.failure().message();
}

TEST_P(Operations, disconnect_reports_why_the_client_gave_up_meanwhile) {
    AsyncClient client(runtime, options());
    run(connect(client));
    lose_connection();
    const Running unsent[] = {start(publish(client, "0", {})), start(publish(client, "1", {.qos = q1}))};
    DisconnectResult left;
    const Running last = start(disconnect(client, left, {.drain = 10min}));
    broker.listen();
    refuse_for_good();
    ASSERT_TRUE(last.succeeded());
    EXPECT_THAT(left.messages, ElementsAre(1u, 1u, 0u));
    EXPECT_TRUE(left.why == Errc::connection_refused) << left.why.message();
    for (const Running& each : unsent) EXPECT_TRUE(each.done() && each.failure());
}

TEST_P(Operations, disconnect_reports_why_there_was_no_connection) {
    AsyncClient client(runtime, options());
    run(connect(client));
    lose_connection();
    const Running unsent = start(publish(client, "1", {.qos = q1}));
    DisconnectResult left;
    run(disconnect(client, left, {.drain = 1min}));
    EXPECT_THAT(left.messages, ElementsAre(0u, 1u, 0u));
    EXPECT_TRUE(left.why == std::errc::connection_refused) << left.why.message();
    EXPECT_TRUE(unsent.failed(Errc::closed));
    DisconnectResult again;
    run(disconnect(client, again)); // idle: the same is left
    EXPECT_EQ(again.undelivered, 1u);
}

TEST_P(Operations, connect_that_waits_ends_with_disconnect) {
    AsyncClient client(runtime, options());
    runtime.set_black_hole("broker");
    const Running waits = start(connect(client));
    runtime.advance(1s);
    DisconnectResult left;
    run(disconnect(client, left));
    EXPECT_TRUE(waits.failed(Errc::closed));
}

// --- the client is destroyed

TEST_P(Operations, that_wait_when_the_client_is_destroyed_fail_and_streams_end) {
    ClientOptions small = options();
    small.outbound.messages = 4;
    auto client = std::make_unique<AsyncClient>(runtime, small);
    run(connect(*client));
    std::optional<Subscription> first;
    std::optional<Subscription> second;
    run(subscribe(*client, first));
    run(subscribe(*client, second));
    broker.publish("a", "x", q1);
    runtime.run_until_idle();
    std::string got;
    run(next(*first, got));
    const Running waits = start(next_within(*first, got, 1min));
    runtime.set_latency(1s);
    std::optional<Subscription> stream;
    DisconnectResult left;
    const Running all[] = {start(publish(*client, "1", {.qos = q1})),
                           start(publish(*client, "2", {.qos = QoS::exactly_once})),
                           start(subscribe(*client, stream)),
                           start(unsubscribe(*client)),
                           start(publish(*client, "waits for room", {.qos = q1})),
                           start(disconnect(*client, left))};
    runtime.run_until_idle();
    client.reset();
    runtime.advance(1h);
    for (const Running& each : all) EXPECT_TRUE(each.failed(Errc::closed)) << each.failure().message();
    EXPECT_EQ(got, "xend");
    run(next(*second, got));
    run(next(*second, got));
    EXPECT_EQ(got, "xendxend");
    EXPECT_TRUE(waits.succeeded());
}

TEST_P(Operations, connect_fails_when_the_client_is_destroyed) {
    auto client = std::make_unique<AsyncClient>(runtime, options());
    runtime.set_latency(1s);
    const Running waits = start(connect(*client));
    runtime.advance(500ms);
    client.reset();
    runtime.advance(1h);
    EXPECT_TRUE(waits.failed(Errc::closed)) << waits.failure().message();
}

TEST_P(Operations, that_are_done_give_their_results_though_the_client_is_destroyed_before_they_go_on) {
    auto client = std::make_unique<AsyncClient>(runtime, options());
    const Running connected = start(connect(*client));
    ASSERT_TRUE(runtime.run_until([&] { return client->state() == ConnectionState::connected; }));
    EXPECT_FALSE(connected.done());
    client.reset();
    runtime.run_until_idle();
    EXPECT_TRUE(connected.succeeded());

    client = std::make_unique<AsyncClient>(runtime, options());
    run(connect(*client));
    DisconnectResult left;
    const Running disconnected = start(disconnect(*client, left));
    runtime.run_until([&] { return client->state() == ConnectionState::idle; });
    EXPECT_FALSE(disconnected.done());
    client.reset();
    runtime.run_until_idle();
    EXPECT_TRUE(disconnected.succeeded());
}

TEST_P(Operations, that_a_drain_has_waited_for_in_vain_change_nothing_of_what_disconnect_says) {
    broker.options().hold_acknowledgements = true;
    ClientOptions mortal = options();
    mortal.will = Will{.topic = "will", .payload = as_bytes("gone")};
    AsyncClient client(runtime, mortal);
    run(connect(client));
    const Running waits = start(publish(client, "1", {.qos = q1}));
    DisconnectResult left;
    const Running leaving =
        start(disconnect(client, left, {.drain = 1s, .reason_code = ReasonCode::disconnect_with_will}));
    runtime.advance(10s);
    EXPECT_TRUE(leaving.succeeded());
    EXPECT_EQ(left.undelivered, 1u);
    EXPECT_THAT(published(), ElementsAre("1", "gone"));
}

} // namespace
} // namespace culex
