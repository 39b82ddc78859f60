// What an operation that fails has to say: what was waited for, what is wrong, and where it began.
#include <culex/request.hpp>
#include <culex/topic.hpp>

#include "client/operations_test.hpp"

namespace culex {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ErrorTexts : public OperationsTest {
protected:
    /// The message of the error that `task` ends with, in time.
    std::string text_of(Task<> task) {
        const Running running = start(std::move(task));
        runtime.advance(10s);
        if (!running.done()) return "not done";
        return running.failure().message();
    }
    static Task<> wait_connected(AsyncClient& client, std::chrono::milliseconds timeout) {
        co_await client.wait_connected(timeout);
    }
    static Task<> ask(AsyncClient& client, RequestOptions options) { co_await client.request("a", "x", options); }

    const std::string refused = "connecting to broker:1883: connection refused (errno 111)";
    const std::string offline = "there is no connection; last: ";
};
CULEX_FOR_BOTH_VERSIONS(ErrorTexts);

// --- deadlines

TEST_P(ErrorTexts, a_late_connect_says_what_failed_last) {
    AsyncClient client(runtime, options());
    broker.stop_listening();
    EXPECT_THAT(text_of(connect(client, {.retry = true, .timeout = 5s})),
                StartsWith("timed out: not connected in time; last: " + refused));
}

TEST_P(ErrorTexts, a_late_connect_that_nothing_has_failed_says_where_it_is) {
    AsyncClient client(runtime, options());
    runtime.set_black_hole("broker");
    const std::string late = "timed out: not connected in time; still connecting to mqtt://broker:1883";
    EXPECT_EQ(text_of(connect(client, {.retry = true, .timeout = 5s})), late);
    runtime.set_black_hole("broker", false);
    run(connect(client));
    broker.drop_all_connections();
    runtime.run_until_idle();
    DisconnectResult result;
    run(disconnect(client, result));
    ASSERT_TRUE(client.last_failure());
    runtime.set_black_hole("broker");
    EXPECT_EQ(text_of(connect(client, {.retry = true, .timeout = 5s})), late); // what was before is over
}

TEST_P(ErrorTexts, what_waits_for_a_connection_says_why_there_is_none) {
    AsyncClient client(runtime, options());
    run(connect(client));
    lose_connection();
    EXPECT_EQ(text_of(wait_connected(client, 1ms)),
              "timed out: not connected in time; last: the connection to broker:1883: closed by the peer");
    runtime.advance(1min);
    EXPECT_THAT(text_of(wait_connected(client, 1s)), StartsWith("timed out: not connected in time; last: " + refused));
    for (const QoS qos : {QoS::at_most_once, QoS::at_least_once, QoS::exactly_once}) {
        EXPECT_THAT(text_of(publish(client, "x", {.qos = qos, .timeout = 1s})),
                    StartsWith("timed out: not sent in time: " + offline + refused));
    }
    std::optional<Subscription> stream;
    EXPECT_THAT(text_of(subscribe(client, stream, {.timeout = 1s})), HasSubstr("not sent in time: " + offline));
    EXPECT_THAT(text_of(unsubscribe(client, {.timeout = 1s})), HasSubstr("not sent in time: " + offline));
    if (GetParam() == Version::v5) {
        EXPECT_THAT(text_of(ask(client, {.timeout = 1s})), HasSubstr("no reply in time: " + offline));
    }
}

TEST_P(ErrorTexts, what_was_sent_and_not_acknowledged_says_so) {
    AsyncClient client(runtime, options());
    run(connect(client));
    runtime.set_latency(1h);
    EXPECT_EQ(text_of(publish(client, "x", {.qos = q1, .timeout = 1s})), "timed out: not acknowledged in time");
    const Running late = start(publish(client, "x", {.qos = q1, .timeout = 5s}));
    runtime.run_until_idle();
    client.reconnect();
    runtime.advance(5s);
    EXPECT_THAT(late.failure().message(), StartsWith("timed out: not acknowledged in time: " + offline));
}

TEST_P(ErrorTexts, what_finds_no_room_says_how_full_the_queue_is) {
    ClientOptions small = options();
    small.outbound.messages = 1;
    AsyncClient client(runtime, small);
    run(connect(client));
    lose_connection();
    const Running first = start(publish(client, "first", {.qos = q1}));
    EXPECT_THAT(
        text_of(publish(client, "late", {.qos = q1, .timeout = 1s})),
        AllOf(HasSubstr("no room in time, the message was not taken: the queue holds 1 of 1 messages and requests, "),
              HasSubstr(" of 67108864 bytes; " + offline)));
    const auto refusal = client.try_publish("a", as_bytes("x"), {.qos = q1});
    ASSERT_FALSE(refusal);
    EXPECT_THAT(refusal.failure().message(), StartsWith("the queue is full: 1 of 1 messages and requests, "));
    small.outbound.when_full = WhenFull::refuse;
    AsyncClient refusing(runtime, small);
    broker.listen();
    run(connect(refusing));
    lose_connection();
    const Running taken = start(publish(refusing, "first", {.qos = q1}));
    EXPECT_THAT(text_of(publish(refusing, "x", {.qos = q1})), StartsWith("the queue is full: 1 of 1 messages"));
    std::optional<Subscription> stream;
    EXPECT_THAT(text_of(subscribe(refusing, stream)), StartsWith("the queue is full: 1 of 1 messages"));
}

TEST_P(ErrorTexts, a_negative_timeout_has_passed_already) {
    AsyncClient client(runtime, options());
    const auto ends_at_once = [&](Task<> task) {
        const Running running = start(std::move(task));
        runtime.run_until_idle();
        return running.failed(Errc::timed_out);
    };
    runtime.set_black_hole("broker");
    EXPECT_TRUE(ends_at_once(connect(client, {.timeout = -1ms})));
    EXPECT_EQ(client.state(), ConnectionState::idle);
    runtime.set_black_hole("broker", false);
    run(connect(client));
    std::optional<Subscription> stream;
    run(subscribe(client, stream));
    std::string got;
    EXPECT_TRUE(ends_at_once(next_within(*stream, got, -1ms)));
    EXPECT_EQ(text_of(wait_connected(client, -1ms)), "no error"); // it need not wait
    runtime.set_latency(1s);
    EXPECT_TRUE(ends_at_once(publish(client, "1", {.qos = q1, .timeout = -1ms})));
    EXPECT_TRUE(ends_at_once(publish(client, "2", {.qos = QoS::exactly_once, .timeout = -1h})));
    EXPECT_TRUE(ends_at_once(subscribe(client, stream, {.timeout = -1ms})));
    EXPECT_TRUE(ends_at_once(unsubscribe(client, {.timeout = -1ms}, "b")));
    if (GetParam() == Version::v5) {
        EXPECT_TRUE(ends_at_once(ask(client, {.timeout = -1ms})));
    }
    EXPECT_EQ(text_of(publish(client, "3", {.qos = QoS::at_most_once, .timeout = -1ms})), "no error"); // sent at once
    runtime.advance(1min);
    EXPECT_THAT(published(), ::testing::IsSupersetOf({"1", "2", "3"})); // a deadline ends the waiting alone
    runtime.set_latency(0s);
    lose_connection();
    EXPECT_TRUE(ends_at_once(wait_connected(client, -1ms)));
    DisconnectResult left;
    const Running waits = start(publish(client, "4", {.qos = q1}));
    const TimePoint before = runtime.now();
    run(disconnect(client, left, {.drain = -1ms}));
    EXPECT_EQ(runtime.now(), before);
    EXPECT_EQ(left.undelivered, 1u);
}

// --- states

TEST_P(ErrorTexts, what_needs_a_connect_says_what_became_of_the_last_one) {
    AsyncClient client(runtime, options());
    EXPECT_EQ(text_of(publish(client, "x", {})), "not connected: call connect first");
    broker.stop_listening();
    EXPECT_THAT(text_of(connect(client)), StartsWith(refused));
    EXPECT_THAT(text_of(publish(client, "x", {})), StartsWith("not connected: the client has given up: " + refused));
    broker.listen();
    run(connect(client));
    DisconnectResult result;
    run(disconnect(client, result));
    EXPECT_EQ(text_of(publish(client, "x", {})), "not connected: the client has disconnected: call connect again");
    EXPECT_EQ(text_of(wait_connected(client, 1s)), "not connected: the client has disconnected: call connect again");
}

TEST_P(ErrorTexts, a_second_connect_says_what_the_first_one_is_about) {
    ClientOptions slow = options();
    slow.reconnect.first_delay = slow.reconnect.max_delay = 1000h;
    AsyncClient client(runtime, slow);
    runtime.set_black_hole("broker");
    const Running first = start(connect(client, {.retry = true}));
    EXPECT_EQ(text_of(connect(client)), "already connected: the state is connecting");
    runtime.advance(30s);
    EXPECT_EQ(text_of(connect(client)), "already connected: the state is backing_off");
    runtime.set_black_hole("broker", false);
    client.reconnect();
    runtime.run_until_idle();
    EXPECT_EQ(text_of(connect(client)), "already connected: the state is connected");
}

TEST_P(ErrorTexts, states_have_names) {
    using enum ConnectionState;
    std::string all;
    for (const ConnectionState state : {idle, connecting, connected, backing_off, disconnecting})
        all += std::string(to_string(state)) + " ";
    EXPECT_EQ(all, "idle connecting connected backing_off disconnecting ");
    EXPECT_EQ(to_string(static_cast<ConnectionState>(99)), "?");
}

// --- settings

TEST_P(ErrorTexts, settings_name_the_value_that_is_wrong) {
    const auto fault_of = [this](auto change) {
        ClientOptions bad = options();
        change(bad);
        AsyncClient client(runtime, bad);
        return text_of(connect(client));
    };
    const std::string begin = "invalid argument: ";
    EXPECT_EQ(fault_of([](ClientOptions& bad) { bad.keep_alive = 65'536s; }),
              begin + "keep_alive is 65536 s: 0 to 65,535");
    EXPECT_EQ(fault_of([](ClientOptions& bad) { bad.keep_alive = -1s; }), begin + "keep_alive is -1 s: 0 to 65,535");
    EXPECT_EQ(fault_of([](ClientOptions& bad) { bad.connect_timeout = 0ms; }),
              begin + "connect_timeout is 0 ms: at least 1");
    EXPECT_EQ(fault_of([](ClientOptions& bad) { bad.ping_timeout = -5ms; }),
              begin + "ping_timeout is -5 ms: at least 1");
    EXPECT_EQ(fault_of([](ClientOptions& bad) { bad.reconnect.first_delay = -1ms; }),
              begin + "reconnect.first_delay is -1 ms: at least 0");
    EXPECT_EQ(fault_of([](ClientOptions& bad) { bad.reconnect.multiplier = 0.5; }),
              begin + "reconnect.multiplier is 0.5: at least 1, and finite");
    static constexpr ReasonVerdict odd[] = {{ReasonCode::banned, static_cast<Verdict>(9)}};
    EXPECT_EQ(fault_of([](ClientOptions& bad) { bad.reconnect.verdicts = odd; }),
              begin + "reconnect.verdicts: that for Banned is 9, which is none");
    EXPECT_EQ(fault_of([](ClientOptions& bad) {
                  bad.inbound.soft_bytes = 7;
                  bad.inbound.hard_bytes = 6;
              }),
              begin + "inbound.soft_bytes is 7, and hard_bytes is 6: at least as much");
    if (GetParam() == Version::v3_1_1) return;
    EXPECT_EQ(fault_of([](ClientOptions& bad) { bad.properties.receive_maximum = 0; }),
              begin + "CONNECT: receive_maximum is not 1 or more (0, 0x00)");
}

TEST_P(ErrorTexts, topics_are_refused_in_the_same_words_wherever_they_are_given) {
    AsyncClient client(runtime, options());
    run(connect(client));
    for (const std::string_view topic : {"a/#", "", "a\xff"}) {
        const Failure expected = check_topic_name(topic).failure();
        for (const QoS qos : {QoS::at_most_once, q1}) {
            const auto refusal = client.try_publish(topic, as_bytes("x"), {.qos = qos});
            ASSERT_FALSE(refusal);
            EXPECT_EQ(refusal.failure().message(), expected.message());
            EXPECT_EQ(refusal.failure().reason_code(), ReasonCode::topic_name_invalid);
        }
    }
}

} // namespace
} // namespace culex
