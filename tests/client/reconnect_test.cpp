// A connection that is lost: what is sent again, what is restored, when the client gives up.
#include <optional>

#include "client/client_test.hpp"

namespace culex {
namespace {

using culex::testing::Direction;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Reconnecting : public ClientTest {
protected:
    /// Loses the connection, and keeps the broker away until `settle`: the first delay may be drawn as nothing.
    void lose_connection() {
        broker.stop_listening();
        broker.drop_all_connections();
        runtime.run_until_idle();
    }
    /// Lets everything happen that a lost connection sets off: the greatest delay is half a minute.
    void settle() {
        broker.listen();
        runtime.advance(2min);
    }
};
CULEX_FOR_BOTH_VERSIONS(Reconnecting);

Task<> connect(AsyncClient& client) { co_await client.connect("mqtt://broker"); }

Task<> publish(AsyncClient& client, std::string topic, std::string text, QoS qos, int& done) {
    co_await client.publish(topic, text, {.qos = qos});
    ++done;
}

TEST_P(Reconnecting, connects_again_by_itself) {
    AsyncClient client(runtime, options());
    run(connect(client));
    lose_connection();
    EXPECT_EQ(client.state(), ConnectionState::backing_off);
    settle();
    EXPECT_EQ(client.state(), ConnectionState::connected);
    EXPECT_TRUE(client.last_failure());
    EXPECT_EQ(broker.accepted(), 2u);
}

TEST_P(Reconnecting,
       keeps_operations_waiting_and_sends_their_messages_again_with_dup) { // [MQTT-3.3.1-1] [MQTT-4.6.0-1]
    AsyncClient client(runtime, options());
    run(connect(client));
    runtime.set_latency(1s);
    int done = 0;
    TaskRoot<> first(publish(client, "a", "1", QoS::at_least_once, done));
    TaskRoot<> second(publish(client, "a", "2", QoS::exactly_once, done));
    first.start_on(runtime);
    second.start_on(runtime);
    runtime.advance(500ms); // sent, and not there yet
    broker.drop_all_connections();
    settle();
    EXPECT_EQ(done, 2);
    std::vector<std::string> sent;
    for (const auto& record : broker.received(PacketType::publish)) {
        EXPECT_TRUE(record.as<Publish>()->dup);
        sent.emplace_back(as_text(record.as<Publish>()->payload));
    }
    EXPECT_THAT(sent, ElementsAre("1", "2"));
    EXPECT_THAT(broker.complaints(), IsEmpty());
}

TEST_P(Reconnecting, queues_what_is_published_meanwhile_in_order) {
    AsyncClient client(runtime, options());
    run(connect(client));
    lose_connection();
    int done = 0;
    TaskRoot<> first(publish(client, "a", "1", QoS::at_most_once, done));
    TaskRoot<> second(publish(client, "a", "2", QoS::at_least_once, done));
    TaskRoot<> third(publish(client, "a", "3", QoS::at_most_once, done));
    for (TaskRoot<>* root : {&first, &second, &third}) root->start_on(runtime);
    runtime.run_until_idle();
    EXPECT_EQ(done, 0);
    settle();
    EXPECT_EQ(done, 3);
    std::string order;
    for (const auto& message : broker.messages()) order += message.payload;
    EXPECT_EQ(order, "123");
}

Task<> subscribe(AsyncClient& client, std::optional<Subscription>& stream) {
    co_await client.connect("mqtt://broker");
    stream = co_await client.subscribe("news/#", QoS::at_least_once);
}

TEST_P(Reconnecting, restores_subscriptions_when_the_broker_lost_the_session) {
    AsyncClient client(runtime, options());
    std::optional<Subscription> stream;
    run(subscribe(client, stream));
    broker.drop_all_connections();
    settle();
    EXPECT_EQ(broker.count(Direction::received, PacketType::subscribe), 2u);
    broker.publish("news/today", "hello");
    runtime.run_until_idle();
    const auto message = stream->try_next();
    ASSERT_TRUE(message);
    EXPECT_EQ(message->text(), "hello");
}

TEST_P(Reconnecting, leaves_subscriptions_alone_when_the_session_is_present) {
    ClientOptions persistent = options();
    persistent.clean_start = false;
    persistent.properties.session_expiry_interval = 3600;
    AsyncClient client(runtime, persistent);
    std::optional<Subscription> stream;
    run(subscribe(client, stream));
    broker.drop_all_connections();
    broker.publish("news/today", "meanwhile", QoS::at_least_once);
    settle();
    EXPECT_EQ(broker.count(Direction::received, PacketType::subscribe), 1u);
    const auto message = stream->try_next();
    ASSERT_TRUE(message);
    EXPECT_EQ(message->text(), "meanwhile");
}

TEST_P(Reconnecting, at_once_when_asked) {
    AsyncClient client(runtime, options());
    run(connect(client));
    const TimePoint start = runtime.now();
    client.reconnect();
    EXPECT_TRUE(
        runtime.run_until([&] { return broker.accepted() == 2 && client.state() == ConnectionState::connected; }));
    EXPECT_EQ(runtime.now(), start);
}

/// Ends with the stream; notes how.
Task<> consume(Subscription& stream, Failure& how) {
    try {
        while (auto message = co_await stream.next()) {
        }
    } catch (const Error& error) {
        how = error.failure();
    }
}

TEST_P(Reconnecting, gives_up_when_the_broker_refuses_for_good_and_says_so_to_everyone) {
    AsyncClient client(runtime, options());
    std::optional<Subscription> stream;
    run(subscribe(client, stream));
    Failure how;
    TaskRoot<> consumer(consume(*stream, how));
    consumer.start_on(runtime);
    broker.options().refuse_connect = ReasonCode::bad_user_name_or_password;
    lose_connection();
    int done = 0;
    TaskRoot<> waiting(publish(client, "a", "1", QoS::at_least_once, done));
    waiting.start_on(runtime);
    runtime.run_until_idle();
    broker.listen();
    runtime.advance(24h);
    EXPECT_EQ(broker.accepted(), 2u); // not tried for ever
    EXPECT_EQ(client.state(), ConnectionState::idle);
    EXPECT_EQ(how.reason_code(), ReasonCode::bad_user_name_or_password) << how.message();
    ASSERT_TRUE(waiting.done());
    EXPECT_ERROR(waiting.result(), Errc::connection_refused);
}

TEST_P(Reconnecting, tries_again_and_again_while_the_broker_is_away_with_growing_delays) {
    AsyncClient client(runtime, options());
    run(connect(client));
    broker.stop_listening();
    broker.drop_all_connections();
    runtime.advance(24h);
    EXPECT_TRUE(client.last_failure() == std::errc::connection_refused) << client.last_failure().message();
    broker.listen();
    runtime.advance(31s); // the greatest delay
    EXPECT_EQ(client.state(), ConnectionState::connected);
}

TEST_P(Reconnecting, stops_after_as_many_attempts_as_the_policy_has) {
    ClientOptions impatient = options();
    impatient.reconnect.attempts = 3;
    AsyncClient client(runtime, impatient);
    run(connect(client));
    broker.options().refuse_connect = ReasonCode::server_unavailable;
    broker.drop_all_connections();
    runtime.advance(24h);
    EXPECT_EQ(broker.accepted(), 4u);
    EXPECT_EQ(client.state(), ConnectionState::idle);
}

TEST_P(Reconnecting, does_not_connect_again_where_the_policy_says_no) {
    ClientOptions once = options();
    once.reconnect.enabled = false;
    AsyncClient client(runtime, once);
    run(connect(client));
    broker.drop_all_connections();
    runtime.advance(1h);
    EXPECT_EQ(client.state(), ConnectionState::idle);
    EXPECT_EQ(broker.accepted(), 1u);
}

TEST_P(Reconnecting, pings_an_idle_broker_and_leaves_one_that_is_silent) { // [MQTT-3.1.2-20] [MQTT-3.12.4-1]
    ClientOptions idle = options();
    idle.keep_alive = 10s;
    AsyncClient client(runtime, idle);
    run(connect(client));
    runtime.advance(1h);
    EXPECT_EQ(client.state(), ConnectionState::connected);
    EXPECT_GE(broker.count(Direction::received, PacketType::pingreq), 360u);
    runtime.set_latency(1h); // the broker answers, but too late
    runtime.advance(30s);
    EXPECT_TRUE(client.last_failure() == Errc::no_response) << client.last_failure().message();
}

Task<> disconnect(AsyncClient& client, DisconnectOptions options, DisconnectResult& result) {
    result = co_await client.disconnect(options);
}

TEST_P(Reconnecting, disconnect_waits_for_acknowledgements_and_comes_last) { // promise 5
    AsyncClient client(runtime, options());
    run(connect(client));
    runtime.set_latency(1s);
    int done = 0;
    TaskRoot<> published(publish(client, "a", "1", QoS::exactly_once, done));
    published.start_on(runtime);
    runtime.run_until_idle();
    DisconnectResult result;
    run(disconnect(client, {}, result));
    EXPECT_EQ(result.undelivered, 0u);
    EXPECT_EQ(done, 1);
    EXPECT_EQ(broker.log().back().type(), PacketType::disconnect);
}

TEST_P(Reconnecting, disconnect_says_what_it_could_not_deliver_in_time) {
    AsyncClient client(runtime, options());
    run(connect(client));
    runtime.set_latency(1h);
    int done = 0;
    TaskRoot<> published(publish(client, "a", "1", QoS::at_least_once, done));
    published.start_on(runtime);
    runtime.run_until_idle();
    DisconnectResult result;
    run(disconnect(client, {.drain = 5s}, result));
    EXPECT_EQ(result.undelivered, 1u);
    ASSERT_TRUE(published.done());
    EXPECT_ERROR(published.result(), Errc::closed);
}

TEST_P(Reconnecting, a_client_that_has_disconnected_can_connect_again) {
    AsyncClient client(runtime, options());
    for (int i = 0; i < 3; ++i) {
        run(connect(client));
        DisconnectResult result;
        run(disconnect(client, {}, result));
    }
    EXPECT_EQ(broker.accepted(), 3u);
}

TEST_P(Reconnecting, client_destroyed_while_backing_off_ends_what_waits) {
    auto client = std::make_unique<AsyncClient>(runtime, options());
    run(connect(*client));
    lose_connection();
    int done = 0;
    TaskRoot<> waiting(publish(*client, "a", "1", QoS::at_least_once, done));
    waiting.start_on(runtime);
    runtime.run_until_idle();
    client.reset();
    runtime.advance(1h);
    EXPECT_EQ(broker.accepted(), 1u);
    ASSERT_TRUE(waiting.done());
    EXPECT_ERROR(waiting.result(), Errc::closed);
}

/// A consumer that never reads: its queue stays within its bound, and the connection lives.
Task<> subscribe_and_never_read(AsyncClient& client, std::optional<Subscription>& stream) {
    co_await client.connect("mqtt://broker");
    stream = co_await client.subscribe("flood", QoS::at_least_once);
}

TEST_P(Reconnecting, a_consumer_that_never_reads_keeps_to_its_bound_and_the_connection_lives) {
    ClientOptions bounded = options();
    bounded.inbound.soft_bytes = 64 << 10;
    bounded.inbound.hard_bytes = 128 << 10;
    bounded.keep_alive = 10s;
    broker.options().max_in_flight = 65'535;
    AsyncClient client(runtime, bounded);
    std::optional<Subscription> stream;
    run(subscribe_and_never_read(client, stream));
    const std::string kilobyte(1024, 'x');
    for (int i = 0; i < 500; ++i) {
        broker.publish("flood", kilobyte);
        runtime.advance(1s);
    }
    EXPECT_EQ(client.state(), ConnectionState::connected);
    EXPECT_FALSE(client.last_failure()) << client.last_failure().message();
    EXPECT_LE(stream->size(), 130u);
    EXPECT_GE(stream->size(), 50u);
    // Its own publish is acknowledged all the same: while an operation waits, reading goes on.
    int done = 0;
    TaskRoot<> waiting(publish(client, "a", "1", QoS::at_least_once, done));
    waiting.start_on(runtime);
    runtime.advance(1min);
    EXPECT_EQ(done, 1);
    EXPECT_EQ(broker.accepted(), 1u);
}

TEST_P(Reconnecting, a_client_without_a_name_starts_clean_again_where_there_is_no_expiry) {
    ClientOptions nameless = options("");
    nameless.properties.session_expiry_interval = 60;
    AsyncClient client(runtime, nameless);
    run(connect(client));
    broker.drop_all_connections();
    runtime.advance(2min);
    EXPECT_EQ(client.state(), ConnectionState::connected) << client.last_failure().message();
}

} // namespace
} // namespace culex
