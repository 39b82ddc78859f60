// Operations that are dropped, and what drops their messages.
#include "client/operations_test.hpp"

namespace culex {
namespace {

class Dropped : public OperationsTest {};
CULEX_FOR_BOTH_VERSIONS(Dropped);

TEST_P(Dropped, connect_that_is_dropped_is_called_off) {
    AsyncClient client(runtime, options());
    runtime.set_latency(1s);
    Running dropped = start(connect(client));
    runtime.advance(500ms);
    dropped.drop();
    EXPECT_EQ(client.state(), ConnectionState::idle);
    runtime.advance(1h);
    EXPECT_EQ(received(PacketType::connect), 0u);
    run(connect(client));
}

TEST_P(Dropped, requests_that_are_dropped_stay_on_their_way) {
    ClientOptions small = options();
    small.outbound.messages = 3;
    AsyncClient client(runtime, small);
    run(connect(client));
    runtime.set_latency(1s);
    std::optional<Subscription> stream;
    Running dropped[] = {start(publish(client, "x", {.qos = q1})), start(subscribe(client, stream)),
                         start(unsubscribe(client)), start(publish(client, "waits for room", {.qos = q1}))};
    runtime.run_until_idle();
    for (Running& each : dropped) each.drop();
    runtime.advance(1min);
    EXPECT_THAT(published(), ElementsAre("x"));
    EXPECT_EQ(received(PacketType::subscribe), 1u);
    EXPECT_EQ(received(PacketType::unsubscribe), 1u);
    EXPECT_EQ(client.outstanding(), 0u);
}

TEST_P(Dropped, disconnect_that_is_dropped_goes_on) {
    AsyncClient client(runtime, options());
    run(connect(client));
    runtime.set_latency(1s);
    const Running published_before = start(publish(client, "x", {.qos = q1}));
    DisconnectResult left;
    Running dropped = start(disconnect(client, left));
    runtime.run_until_idle();
    dropped.drop();
    runtime.advance(1min);
    EXPECT_TRUE(published_before.succeeded());
    EXPECT_EQ(client.state(), ConnectionState::idle);
    EXPECT_EQ(received(PacketType::disconnect), 1u);
}

TEST_P(Dropped, next_that_is_dropped_leaves_its_message_to_the_following) {
    AsyncClient client(runtime, options());
    run(connect(client));
    std::optional<Subscription> stream;
    run(subscribe(client, stream));
    std::string got;
    Running dropped = start(next(*stream, got));
    runtime.run_until_idle();
    broker.publish("a", "x", q1);
    // It is woken, and has not run.
    EXPECT_TRUE(runtime.run_until([&] { return stream->size() == 1; }));
    dropped.drop();
    run(next(*stream, got));
    EXPECT_EQ(got, "x");
}

// --- traps

TEST_P(Dropped, a_publish_that_waited_for_room_is_done_at_every_qos) {
    ClientOptions small = options();
    small.outbound.messages = 1;
    AsyncClient client(runtime, small);
    run(connect(client));
    for (const QoS qos : {QoS::at_most_once, q1, QoS::exactly_once}) {
        const Running first = start(publish(client, "first", {.qos = q1}));
        const Running waits = start(publish(client, "waits", {.qos = qos}));
        runtime.advance(1s);
        EXPECT_TRUE(first.succeeded() && waits.succeeded()) << to_string(qos);
    }
}

/// The first of those who wait needs more room than there is, the next one does not.
TEST_P(Dropped, the_first_who_waits_for_room_makes_way_for_the_next_at_once_also_at_its_deadline) {
    for (const bool by_deadline : {false, true}) {
        SCOPED_TRACE(by_deadline);
        ClientOptions small = options();
        small.outbound.bytes = 4000;
        broker.script(culex::testing::Script("takes nothing")
                          .expect(PacketType::connect)
                          .acknowledge()
                          .expect(PacketType::publish)
                          .expect(PacketType::publish)
                          .stall());
        AsyncClient client(runtime, small);
        run(connect(client));
        const Running in_flight = start(publish(client, std::string(1000, '1'), {.qos = q1}));
        Running first = start(publish(client, std::string(3500, '2'), {.qos = q1, .timeout = by_deadline ? 1s : 0s}));
        const Running next = start(publish(client, "3", {.qos = q1}));
        runtime.run_until_idle();
        EXPECT_EQ(client.outstanding(), 1u);
        if (by_deadline) {
            runtime.advance(1s);
            EXPECT_TRUE(first.failed(Errc::timed_out));
        } else {
            first.drop();
            runtime.run_until_idle();
        }
        EXPECT_EQ(client.outstanding(), 2u);
        EXPECT_THAT(broker.verify(), IsEmpty());
    }
}

TEST_P(Dropped, disconnect_comes_after_what_waits_for_room) { // promise 5
    ClientOptions small = options();
    small.outbound.messages = 1;
    AsyncClient client(runtime, small);
    run(connect(client));
    runtime.set_latency(1s);
    const Running all[] = {start(publish(client, "1", {.qos = q1})), start(publish(client, "2", {.qos = q1})),
                           start(publish(client, "3", {})), start(publish(client, "4", {.qos = QoS::exactly_once}))};
    runtime.run_until_idle();
    DisconnectResult left;
    const Running last = start(disconnect(client, left));
    runtime.run_until_idle();
    const Running late = start(publish(client, "5", {}));
    runtime.advance(1min);
    for (const Running& each : all) EXPECT_TRUE(each.succeeded()) << each.failure().message();
    EXPECT_TRUE(late.failed(Errc::not_connected));
    EXPECT_TRUE(last.succeeded());
    EXPECT_EQ(left.undelivered, 0u);
    EXPECT_THAT(published(), ElementsAre("1", "2", "3", "4"));
    EXPECT_EQ(broker.log().back().type(), PacketType::disconnect);
}

/// Whatever drops a message, its waiter hears it.
TEST_P(Dropped, a_dropped_publish_is_told_to_its_waiter) {
    ClientOptions small = persistent();
    small.outbound.messages = 2;
    AsyncClient client(runtime, small);
    run(connect(client));
    lose_connection();
    const std::string large(1000, 'x');
    const Running too_large = start(publish(client, large, {.qos = q1}));
    const Running retained = start(publish(client, "retained", {.qos = q1, .retain = true}));
    broker.options().connack.maximum_packet_size = 100;
    broker.options().connack.retain_available = false;
    find_broker_again();
    if (GetParam() == Version::v5) { // the next broker does not take them
        EXPECT_TRUE(too_large.failed(Errc::packet_too_large)) << too_large.failure().message();
        EXPECT_TRUE(retained.failed(Errc::not_supported)) << retained.failure().message();
    } else {
        EXPECT_TRUE(too_large.succeeded() && retained.succeeded());
    }
    lose_connection();
    const Running all[] = {start(publish(client, "0", {})), start(publish(client, "1", {.qos = q1})),
                           start(publish(client, "waits for room", {.qos = q1}))};
    DisconnectResult left;
    run(disconnect(client, left, {.drain = 1s}));
    for (const Running& each : all) EXPECT_TRUE(each.failed(Errc::closed)) << each.failure().message();
    EXPECT_THAT(left.messages, ElementsAre(1u, 2u, 0u));
}

Task<> subscribe_to_two(AsyncClient& client, std::string& codes) {
    const TopicSubscription both[] = {{.filter = "a", .qos = q1}, {.filter = "secret", .qos = q1}};
    auto operation = client.subscribe(both);
    co_await client.unsubscribe("a"); // before SUBACK has come
    auto stream = co_await operation;
    for (const ReasonCode code : stream.reason_codes()) codes += failed(code) ? "refused " : "granted ";
    const auto none = co_await stream.next();
    EXPECT_FALSE(none); // neither filter is left
}

TEST_P(Dropped, a_filter_that_is_unsubscribed_before_suback_leaves_the_others_their_codes) {
    broker.options().refused_filters.push_back("secret");
    AsyncClient client(runtime, options());
    run(connect(client));
    std::string codes;
    run(subscribe_to_two(client, codes));
    EXPECT_EQ(codes, "granted refused ");
}

TEST_P(Dropped, stream_leaves_a_next_that_nobody_has_awaited_behind) {
    AsyncClient client(runtime, options());
    std::optional<Subscription> stream = client.listen("a");
    NextMessageInTime waits = stream->next(5s);
    stream.reset();
    runtime.advance(10s); // its time passes
    std::optional<Message> got;
    run([](NextMessageInTime& next, std::optional<Message>& into) -> Task<> { into = co_await next; }(waits, got));
    EXPECT_FALSE(got);
}

} // namespace
} // namespace culex
