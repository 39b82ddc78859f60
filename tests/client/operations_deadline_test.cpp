// Operations whose deadline passes.
#include "client/operations_test.hpp"

namespace culex {
namespace {

class PastItsDeadline : public OperationsTest {};
CULEX_FOR_BOTH_VERSIONS(PastItsDeadline);

TEST_P(PastItsDeadline, connect_is_called_off) {
    AsyncClient client(runtime, options());
    runtime.set_black_hole("broker");
    const Running late = start(connect(client, {.retry = true, .timeout = 5s}));
    runtime.advance(4999ms);
    EXPECT_FALSE(late.done());
    runtime.advance(1ms);
    EXPECT_TRUE(late.failed(Errc::timed_out)) << late.failure().message();
    EXPECT_EQ(client.state(), ConnectionState::idle);
    runtime.set_black_hole("broker", false);
    runtime.advance(1h);
    EXPECT_EQ(broker.accepted(), 0u);
    run(connect(client));
}

TEST_P(PastItsDeadline, publish_stays_on_its_way) {
    AsyncClient client(runtime, options());
    run(connect(client));
    runtime.set_latency(5s);
    const Running late = start(publish(client, "x", {.qos = q1, .timeout = 1s}));
    runtime.advance(1s);
    EXPECT_TRUE(late.failed(Errc::timed_out));
    EXPECT_EQ(client.outstanding(), 1u);
    runtime.advance(20s);
    EXPECT_EQ(client.outstanding(), 0u);
    EXPECT_THAT(published(), ElementsAre("x"));
}

TEST_P(PastItsDeadline, publish_that_waits_for_room_is_not_taken) {
    ClientOptions small = options();
    small.outbound.messages = 1;
    AsyncClient client(runtime, small);
    run(connect(client));
    runtime.set_latency(5s);
    const Running first = start(publish(client, "first", {.qos = q1}));
    const Running late = start(publish(client, "late", {.qos = q1, .timeout = 1s}));
    const Running last = start(publish(client, "last", {.qos = q1}));
    runtime.advance(1s);
    EXPECT_TRUE(late.failed(Errc::timed_out));
    EXPECT_THAT(late.failure().detail(), ::testing::HasSubstr("not taken"));
    runtime.advance(1min);
    EXPECT_TRUE(first.succeeded() && last.succeeded());
    EXPECT_THAT(published(), ElementsAre("first", "last"));
}

TEST_P(PastItsDeadline, subscribe_stays_on_its_way_and_its_messages_are_unclaimed) {
    AsyncClient client(runtime, options());
    run(connect(client));
    runtime.set_latency(5s);
    std::optional<Subscription> stream;
    const Running late = start(subscribe(client, stream, {.timeout = 1s}));
    runtime.advance(1s);
    EXPECT_TRUE(late.failed(Errc::timed_out));
    EXPECT_FALSE(stream);
    runtime.advance(20s);
    EXPECT_EQ(broker.session("client")->subscriptions.size(), 1u);
    EXPECT_EQ(received(PacketType::unsubscribe), 0u);
    broker.publish("a", "x", q1);
    runtime.advance(20s);
    EXPECT_EQ(client.unclaimed(), 1u);
    EXPECT_EQ(client.unacknowledged(), 0u);
}

Task<> subscribe_and_keep_the_operation(AsyncClient& client) {
    auto operation = client.subscribe("a", QoS::exactly_once, {.timeout = 1s});
    EXPECT_ERROR(co_await operation, Errc::timed_out);
    co_await sleep_for(1min);
    EXPECT_EQ(client.unclaimed(), 1u); // no stream has it, though the operation is still there
}

TEST_P(PastItsDeadline, subscribe_has_no_stream_though_the_operation_is_kept) {
    AsyncClient client(runtime, options());
    run(connect(client));
    runtime.set_latency(5s);
    const Running kept = start(subscribe_and_keep_the_operation(client));
    runtime.advance(20s);
    broker.publish("a", "x", q1);
    runtime.advance(2min);
    EXPECT_TRUE(kept.succeeded());
}

TEST_P(PastItsDeadline, unsubscribe_stays_on_its_way_and_its_stream_has_ended) {
    AsyncClient client(runtime, options());
    run(connect(client));
    std::optional<Subscription> stream;
    run(subscribe(client, stream));
    runtime.set_latency(5s);
    const Running late = start(unsubscribe(client, {.timeout = 1s}));
    std::string got;
    const Running end = start(next(*stream, got));
    runtime.advance(1s);
    EXPECT_TRUE(late.failed(Errc::timed_out));
    EXPECT_EQ(got, "end");
    runtime.advance(20s);
    EXPECT_THAT(broker.session("client")->subscriptions, IsEmpty());
}

TEST_P(PastItsDeadline, disconnect_reports_what_is_left) {
    AsyncClient client(runtime, persistent());
    run(connect(client));
    std::optional<Subscription> stream;
    run(subscribe(client, stream, {.acknowledge = Acknowledge::manual}));
    broker.publish("a", "1", q1);
    broker.publish("a", "2", q1);
    runtime.run_until_idle();
    EXPECT_TRUE(stream->try_next());
    runtime.set_latency(1h);
    const Running first = start(publish(client, "x", {.qos = q1}));
    const Running second = start(publish(client, "y", {.qos = q1}));
    const Running third = start(publish(client, "z", {.qos = QoS::exactly_once}));
    const Running fourth = start(unsubscribe(client));
    runtime.run_until_idle();
    DisconnectResult left;
    run(disconnect(client, left, {.drain = 5s}));
    EXPECT_EQ(left.undelivered, 4u);
    EXPECT_THAT(left.messages, ElementsAre(0u, 2u, 1u));
    EXPECT_EQ(left.requests, 1u);
    EXPECT_EQ(left.unacknowledged, 2u);
    EXPECT_TRUE(left.why == Errc::timed_out) << left.why.message();
    for (const Running* each : {&first, &second, &third, &fourth}) EXPECT_TRUE(each->failed(Errc::closed));
}

TEST_P(PastItsDeadline, next_loses_nothing) {
    AsyncClient client(runtime, options());
    run(connect(client));
    std::optional<Subscription> stream;
    run(subscribe(client, stream));
    std::string got;
    const Running late = start(next_within(*stream, got, 5s));
    runtime.advance(4999ms);
    EXPECT_FALSE(late.done());
    runtime.advance(1ms);
    EXPECT_TRUE(late.failed(Errc::timed_out));
    broker.publish("a", "x", q1);
    runtime.run_until_idle();
    run(next_within(*stream, got, 5s));
    EXPECT_EQ(got, "x");
    const Running waits = start(next_within(*stream, got, 0s)); // no limit
    runtime.advance(1h);
    EXPECT_FALSE(waits.done());
}

Task<> await_next_late(Subscription& stream, std::string& got) {
    auto operation = stream.next(10ms);
    co_await sleep_for(30ms);
    const auto message = co_await operation;
    got += message->text();
}

TEST_P(PastItsDeadline, next_gives_what_has_come_before_it_goes_on) {
    AsyncClient client(runtime, options());
    run(connect(client));
    std::optional<Subscription> stream;
    run(subscribe(client, stream));
    std::string got;
    const Running late = start(await_next_late(*stream, got));
    runtime.advance(20ms);
    broker.publish("a", "x", q1);
    runtime.advance(20ms);
    EXPECT_TRUE(late.succeeded()) << late.failure().message();
    EXPECT_EQ(got, "x");
}

Task<> next_in_a_task(Subscription& stream, std::string& got) {
    const auto message = co_await stream.next();
    got += message->text();
}

/// A message comes at each instant at which a wait runs out.
Task<> take_by_timeouts(Subscription& stream, std::string& got, int& timeouts, bool own) {
    while (got.size() < 100) {
        try {
            if (own) {
                co_await next_within(stream, got, 10ms);
            } else {
                co_await with_timeout(next_in_a_task(stream, got), 10ms);
            }
        } catch (const Error& error) {
            EXPECT_TRUE(error.failure() == Errc::timed_out);
            ++timeouts;
        }
    }
}

TEST_P(PastItsDeadline, next_with_a_timeout_never_loses_the_message_that_comes_with_it) {
    for (const bool own : {true, false}) {
        AsyncClient client(runtime, options());
        run(connect(client));
        std::optional<Subscription> stream;
        run(subscribe(client, stream));
        runtime.set_latency(1ms);
        std::string got;
        std::string expected;
        int timeouts = 0;
        const Running taker = start(take_by_timeouts(*stream, got, timeouts, own));
        for (int i = 0; i < 100; ++i) {
            runtime.advance(i % 3 == 0 ? 9ms : 30ms); // with the latency, at multiples of 10 ms and between
            expected += static_cast<char>('0' + i % 10);
            broker.publish("a", expected.substr(expected.size() - 1), i % 2 == 0 ? q1 : QoS::exactly_once);
            runtime.advance(1ms);
        }
        runtime.advance(1s);
        EXPECT_TRUE(taker.succeeded());
        EXPECT_EQ(got, expected);
        EXPECT_GT(timeouts, 100);
        runtime.set_latency(0s);
    }
}

Task<> await_late(AsyncClient& client, Duration acknowledged_after, bool& in_time) {
    auto operation = client.publish("a", "x", {.qos = q1, .timeout = 10s});
    co_await sleep_for(20s);
    const TimePoint before = Scheduler::here().now();
    try {
        co_await operation;
        in_time = true;
    } catch (const Error& error) {
        EXPECT_TRUE(error.failure() == Errc::timed_out);
        in_time = false;
    }
    EXPECT_EQ(Scheduler::here().now(), before); // either way it was known already
    EXPECT_EQ(in_time, acknowledged_after < 10s);
}

TEST_P(PastItsDeadline, deadlines_count_from_the_call_and_not_from_the_wait) {
    AsyncClient client(runtime, options());
    run(connect(client));
    for (const Duration latency : {Duration(4s), Duration(6s)}) {
        runtime.set_latency(latency);
        bool in_time = false;
        run(await_late(client, 2 * latency, in_time));
    }
}

} // namespace
} // namespace culex
