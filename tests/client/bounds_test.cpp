// How much a client may hold, outbound and inbound, and that it stays alive and loses nothing meanwhile.
#include <optional>

#include "client/client_test.hpp"
#include "client/core.hpp"
#include "support/allocations.hpp"

namespace culex {
namespace {

using culex::testing::counts_allocations;
using culex::testing::Direction;
using culex::testing::live_bytes;
using ::testing::IsEmpty;

constexpr WhenFull policies[] = {WhenFull::wait, WhenFull::refuse, WhenFull::drop_oldest, WhenFull::drop_newest,
                                 WhenFull::drop_qos0_first};
constexpr QoS all_qos[] = {QoS::at_most_once, QoS::at_least_once, QoS::exactly_once};

Task<> connect(AsyncClient& client) { co_await client.connect("mqtt://broker"); }
Task<> disconnect(AsyncClient& client) { co_await client.disconnect(); }

class Bounds : public ClientTest {
protected:
    Bounds() {
        broker.options().log_bytes = 0;
        broker.options().kept_messages = 0;
    }
    void lose_broker() {
        broker.stop_listening();
        broker.drop_all_connections();
        runtime.run_until_idle();
    }
};
CULEX_FOR_BOTH_VERSIONS(Bounds);

// --- outbound

TEST_P(Bounds, an_hour_offline_with_a_publisher_that_never_stops_stays_within_the_bytes_under_every_policy) {
    constexpr std::size_t bound = std::size_t{16} << 20; // far above what the pool keeps
    for (const WhenFull policy : policies) {
        SCOPED_TRACE(to_string(policy));
        ClientOptions bounded = options();
        bounded.outbound = {.bytes = bound, .when_full = policy};
        AsyncClient client(runtime, bounded);
        run(connect(client));
        lose_broker();
        const std::size_t before = live_bytes();
        std::size_t most = before;
        std::uint64_t not_taken = 0;
        const std::string payload(200, 'x');
        for (int tick = 0; tick < 36'000; ++tick) {
            for (const QoS qos : all_qos) {
                if (!client.try_publish("t", as_bytes(payload), {.qos = qos})) ++not_taken;
                (void)client.publish("t", payload, {.qos = qos}); // and nobody waits for it
            }
            ASSERT_LE(client.statistics().outbound.bytes, bound);
            most = std::max(most, live_bytes());
            runtime.advance(100ms);
        }
        EXPECT_GT(client.statistics().outbound.bytes, bound - 1'000);
        if (counts_allocations()) { // what the pool rounds up, and the attempts to connect, take their part
            EXPECT_GT(most, before + bound / 2);
            EXPECT_LT(most, before + bound + bound / 2);
        }
        // All that was not taken, or taken and dropped, was counted.
        const Statistics now = client.statistics();
        const std::uint64_t published = 36'000 * 6;
        EXPECT_GE(now.dropped(policy), not_taken);
        if (policy != WhenFull::wait) { // there a call that nobody awaits any more is gone with its message
            EXPECT_EQ(now.dropped(policy) + now.outbound.messages, published);
        }
        broker.listen("mqtt://broker");
        runtime.advance(2min);
        EXPECT_EQ(client.outstanding(), 0u);
        EXPECT_EQ(client.statistics().sent.of(PacketType::publish).packets, now.outbound.messages);
        run(disconnect(client));
    }
}

struct Ends {
    int done = 0;
    int dropped = 0;
    int refused = 0;
    [[nodiscard]] int all() const { return done + dropped + refused; }
};

Task<> publish_and_note(AsyncClient& client, QoS qos, Ends& ends) {
    const std::string payload(100, 'x');
    try {
        co_await client.publish("t", payload, {.qos = qos});
        ++ends.done;
    } catch (const Error& error) {
        ++(error.failure() == Errc::dropped ? ends.dropped : ends.refused);
        EXPECT_TRUE(error.failure() == Errc::dropped || error.failure() == Errc::queue_full) << error.what();
        EXPECT_TRUE(error.failure() == Errc::queue_full || error.detail().find("drop_") != std::string::npos);
    }
}

TEST_P(Bounds, a_dropped_publish_whose_waiter_never_hears_does_not_exist_under_any_policy) {
    for (const WhenFull policy : policies) {
        SCOPED_TRACE(to_string(policy));
        ClientOptions bounded = options();
        bounded.outbound = {.messages = 50, .when_full = policy};
        AsyncClient client(runtime, bounded);
        run(connect(client));
        lose_broker();
        Ends ends;
        Nursery nursery(runtime);
        for (int i = 0; i < 300; ++i) nursery.spawn(publish_and_note(client, all_qos[i % 3], ends));
        runtime.advance(1s);
        if (policy == WhenFull::wait) {
            EXPECT_EQ(ends.all(), 0);
            EXPECT_EQ(client.statistics().outbound.waiting_for_room, 250u);
        } else {
            EXPECT_EQ(ends.all(), 250);
        }
        broker.listen("mqtt://broker");
        runtime.advance(2min);
        EXPECT_EQ(ends.all(), 300);
        EXPECT_EQ(ends.done, policy == WhenFull::wait ? 300 : 50);
        EXPECT_EQ(ends.refused, policy == WhenFull::refuse ? 250 : 0);
        const Statistics now = client.statistics();
        EXPECT_EQ(now.dropped(policy), policy == WhenFull::wait ? 0u : 250u);
        EXPECT_EQ(now.outbound.waiting_for_room, 0u);
        run(disconnect(client));
    }
}

TEST_P(Bounds, an_operation_that_was_dropped_before_it_is_awaited_throws_then) {
    ClientOptions bounded = options();
    bounded.outbound = {.messages = 1, .when_full = WhenFull::drop_oldest};
    AsyncClient client(runtime, bounded);
    run(connect(client));
    lose_broker();
    auto first = client.publish("t", "1", {.qos = QoS::at_least_once});
    auto second = client.publish("t", "2", {.qos = QoS::at_least_once});
    EXPECT_TRUE(first.await_ready());
    EXPECT_FALSE(second.await_ready());
    EXPECT_ERROR(first.await_resume(), Errc::dropped);
}

TEST_P(Bounds, who_does_not_wait_does_not_pass_who_waits_for_room) {
    ClientOptions bounded = options();
    bounded.outbound = {.messages = 1, .when_full = WhenFull::wait};
    AsyncClient client(runtime, bounded);
    run(connect(client));
    lose_broker();
    Ends ends;
    Nursery nursery(runtime);
    for (int i = 0; i < 2; ++i) nursery.spawn(publish_and_note(client, QoS::at_least_once, ends));
    runtime.run_until_idle();
    ASSERT_EQ(client.statistics().outbound.waiting_for_room, 1u);
    const auto refused = client.try_publish("t", as_bytes("x"), {.qos = QoS::at_least_once});
    EXPECT_TRUE(refused.failure() == Errc::queue_full) << refused.failure().message();
    EXPECT_EQ(client.statistics().dropped(WhenFull::wait), 1u);
    broker.listen("mqtt://broker");
    runtime.advance(2min);
    EXPECT_EQ(ends.done, 2);
    EXPECT_TRUE(client.try_publish("t", as_bytes("x"), {.qos = QoS::at_least_once}));
}

TEST(Bounds5, a_message_that_waited_for_room_is_checked_against_what_the_broker_grants_by_then) {
    culex::testing::VirtualRuntime runtime;
    culex::testing::FakeBroker broker{runtime};
    broker.options().connack.maximum_qos = 1;
    broker.listen("mqtt://broker");
    AsyncClient client(runtime, {.version = Version::v5, .outbound = {.messages = 1}});
    TaskRoot<> connecting(connect(client));
    connecting.start_on(runtime);
    ASSERT_TRUE(runtime.run_until([&] { return client.state() == ConnectionState::connecting; }));
    auto first = client.publish("t", "1", {.qos = QoS::at_least_once});
    auto second = client.publish("t", "2", {.qos = QoS::exactly_once});
    auto third = client.publish("t", "3", {.qos = QoS::at_least_once});
    EXPECT_EQ(client.statistics().outbound.waiting_for_room, 2u);
    runtime.run_until_idle();
    ASSERT_TRUE(first.await_ready() && second.await_ready() && third.await_ready());
    EXPECT_EQ(first.await_resume().reason_code, ReasonCode::no_matching_subscribers);
    EXPECT_ERROR(second.await_resume(), Errc::not_supported);
    EXPECT_EQ(third.await_resume().reason_code, ReasonCode::no_matching_subscribers);
    EXPECT_EQ(broker.messages().size(), 2u);
}

TEST_P(Bounds, messages_at_qos_0_are_bounded_on_a_connection_that_takes_none) {
    runtime.set_capacity(10'000);
    broker.inject({.received = {.stall_after = 100}});
    constexpr std::size_t bound = 300'000;
    ClientOptions bounded = options();
    bounded.keep_alive = 0s;
    bounded.outbound = {.bytes = bound, .when_full = WhenFull::drop_oldest};
    AsyncClient client(runtime, bounded);
    run(connect(client));
    const std::size_t before = live_bytes();
    const std::string payload(1'000, 'x');
    for (int i = 0; i < 10'000; ++i) {
        ASSERT_TRUE(client.try_publish("t", as_bytes(payload)));
        if (i % 10 == 0) runtime.advance(1ms);
        ASSERT_LE(client.statistics().outbound.bytes, bound);
    }
    const Statistics now = client.statistics();
    EXPECT_EQ(now.outbound.queued, now.outbound.messages);
    EXPECT_GT(now.dropped(WhenFull::drop_oldest), 8'000u);
    if (counts_allocations()) {
        // The queue; the output, twice its high water at most, with its memory doubled; and what is in the pipe.
        EXPECT_LT(live_bytes() - before, bound * 5 / 4 + 4 * (std::size_t{256} << 10) + 100'000);
    }
    broker.release_stalls();
    runtime.advance(1min);
    EXPECT_EQ(client.outstanding(), 0u);
    EXPECT_EQ(client.statistics().sent.of(PacketType::publish).packets + now.dropped(WhenFull::drop_oldest), 10'000u);
}

// --- inbound

Task<> subscribe(AsyncClient& client, std::optional<Subscription>& stream) {
    co_await client.connect("mqtt://broker");
    stream = co_await client.subscribe("in/#", QoS::exactly_once);
}

Task<> consume(Subscription& stream, std::vector<int>& numbers) {
    while (auto message = co_await stream.next()) numbers.push_back(std::stoi(std::string(message->text())));
}

class Inbound : public Bounds {
protected:
    Inbound() {
        broker.options().max_in_flight = 65'535;
        broker.options().max_queued = 1'000'000;
        broker.options().enforce_keep_alive = true;
    }
    /// What one read may bring beyond a bound: a block of 64 KiB of the smallest packets, as it is kept.
    static constexpr std::size_t one_read = std::size_t{64} << 10;

    std::string numbered(int number) const {
        std::string text = std::to_string(number);
        text.resize(500, ' ');
        return text;
    }
};
CULEX_FOR_BOTH_VERSIONS(Inbound);

TEST_P(Inbound, a_consumer_that_never_reads_for_an_hour_stays_within_its_bound_and_connected_and_misses_nothing) {
    constexpr std::size_t soft = 100'000;
    for (const QoS qos : all_qos) {
        SCOPED_TRACE(to_string(qos));
        ClientOptions bounded = options();
        bounded.keep_alive = 30s;
        bounded.inbound = {.soft_bytes = soft, .hard_bytes = 2 * soft};
        AsyncClient client(runtime, bounded);
        std::optional<Subscription> stream;
        run(subscribe(client, stream));
        const std::size_t accepted = broker.accepted();
        const std::uint64_t pings = broker.count(Direction::received, PacketType::pingreq);
        int sent = 0;
        for (int second = 0; second < 3'600; ++second) {
            for (int i = 0; i < 3; ++i) broker.publish("in/x", numbered(sent++), qos);
            runtime.advance(1s);
            ASSERT_LE(client.statistics().inbound.bytes, soft + 2 * one_read);
        }
        EXPECT_GE(client.statistics().inbound.bytes, soft);
        EXPECT_EQ(broker.accepted(), accepted); // nobody thought the other dead
        EXPECT_EQ(client.state(), ConnectionState::connected);
        EXPECT_GE(broker.count(Direction::received, PacketType::pingreq), pings + 120);

        std::vector<int> numbers;
        TaskRoot<> consumer(consume(*stream, numbers));
        consumer.start_on(runtime);
        runtime.advance(1min);
        ASSERT_EQ(numbers.size(), static_cast<std::size_t>(sent));
        for (int i = 0; i < sent; ++i) ASSERT_EQ(numbers[static_cast<std::size_t>(i)], i);
        EXPECT_EQ(broker.accepted(), accepted);
        EXPECT_EQ(client.statistics().inbound.bytes, 0u);
        EXPECT_EQ(client.statistics().inbound.messages, 0u);
        EXPECT_EQ(client.statistics().inbound_dropped, 0u);
        run(disconnect(client));
    }
    EXPECT_THAT(broker.complaints(), IsEmpty());
}

TEST_P(Inbound, messages_are_bounded_by_their_number_as_well) {
    ClientOptions bounded = options();
    bounded.inbound.soft_messages = 100;
    AsyncClient client(runtime, bounded);
    std::optional<Subscription> stream;
    run(subscribe(client, stream));
    runtime.set_chunk_size(100);
    for (int i = 0; i < 10'000; ++i) broker.publish("in/x", std::to_string(i), QoS::at_most_once);
    runtime.advance(1s);
    EXPECT_GT(client.statistics().inbound.messages, 100u);
    EXPECT_LT(client.statistics().inbound.messages, 120u);
    EXPECT_EQ(stream->size(), client.statistics().inbound.messages);
    std::vector<int> numbers;
    TaskRoot<> consumer(consume(*stream, numbers));
    consumer.start_on(runtime);
    runtime.advance(1min);
    EXPECT_EQ(numbers.size(), 10'000u);
}

TEST_P(Inbound, while_an_operation_waits_reading_goes_on_to_the_hard_limits_and_what_is_dropped_is_counted) {
    for (const bool by_number : {false, true}) {
        ClientOptions bounded = options();
        bounded.inbound = {.soft_bytes = 10'000, .hard_bytes = 50'000};
        if (by_number) bounded.inbound = {.soft_messages = 10, .hard_messages = 50};
        broker.inject({.sent = {.packets = {{.type = PacketType::puback, .nth = 0}}}}); // all of them are lost
        AsyncClient client(runtime, bounded);
        std::optional<Subscription> stream;
        run(subscribe(client, stream));
        auto waiting = client.publish("out", "never acknowledged", {.qos = QoS::at_least_once});
        runtime.run_until_idle();
        for (int i = 0; i < 500; ++i) broker.publish("in/x", numbered(i), QoS::at_most_once);
        runtime.advance(1s);
        const Statistics now = client.statistics();
        if (by_number) {
            EXPECT_EQ(now.inbound.messages, 51u);
        } else {
            EXPECT_GT(now.inbound.bytes, 50'000u);
            EXPECT_LT(now.inbound.bytes, 52'000u);
        }
        EXPECT_EQ(now.inbound_dropped + now.inbound.messages, 500u);
        EXPECT_FALSE(waiting.await_ready());
        run(disconnect(client));
    }
}

Task<> echo(AsyncClient& client, Subscription& stream, int count, int& echoed) {
    while (echoed < count) {
        auto message = co_await stream.next();
        const std::string text(message->text());
        co_await client.publish("out", text, {.qos = QoS::at_least_once, .timeout = 1h});
        ++echoed;
    }
}

TEST_P(Inbound, a_consumer_that_publishes_at_qos_1_from_its_own_loop_with_a_full_inbound_queue_goes_on) {
    for (const QoS qos : all_qos) {
        SCOPED_TRACE(to_string(qos));
        ClientOptions bounded = options();
        bounded.inbound = {.soft_bytes = 2'000, .hard_bytes = 20'000'000};
        AsyncClient client(runtime, bounded);
        std::optional<Subscription> stream;
        run(subscribe(client, stream));
        for (int i = 0; i < 2'000; ++i) broker.publish("in/x", numbered(i), qos);
        runtime.run_until_idle();
        ASSERT_GT(client.statistics().inbound.bytes, 2'000u); // full, and more waits at the broker
        ASSERT_LT(client.statistics().inbound.messages, 2'000u);
        int echoed = 0;
        TaskRoot<> consumer(echo(client, *stream, 2'000, echoed));
        consumer.start_on(runtime);
        runtime.advance(1s);
        EXPECT_EQ(echoed, 2'000);
        run(disconnect(client));
    }
}

/// The greatest trouble: above the hard limit, and the window of the broker full. Only 5 can tell its broker of the window.
TEST(Inbound5, a_consumer_that_publishes_goes_on_beyond_the_hard_limit_with_a_full_receive_maximum) {
    culex::testing::VirtualRuntime runtime;
    culex::testing::FakeBroker broker{runtime};
    broker.listen("mqtt://broker");
    broker.options().max_in_flight = 65'535;
    ClientOptions bounded{.client_id = "c", .version = Version::v5, .properties = {.receive_maximum = 10}};
    bounded.inbound = {.soft_bytes = 500, .hard_bytes = 1'000};
    AsyncClient client(runtime, bounded);
    std::optional<Subscription> stream;
    runtime.run(subscribe(client, stream));
    const std::string payload(500, '1');
    for (int i = 0; i < 200; ++i) broker.publish("in/x", payload, QoS::at_least_once);
    runtime.run_until_idle();
    int echoed = 0;
    TaskRoot<> consumer(echo(client, *stream, 200, echoed));
    consumer.start_on(runtime);
    runtime.advance(1s);
    EXPECT_EQ(echoed, 200);
    EXPECT_EQ(client.statistics().inbound_dropped, 0u);
}

TEST_P(Inbound, back_pressure_that_starves_pingreq_does_not_exist) {
    ClientOptions bounded = options();
    bounded.keep_alive = 10s;
    bounded.ping_timeout = 3s;
    bounded.inbound = {.soft_bytes = 1'000};
    AsyncClient client(runtime, bounded);
    std::optional<Subscription> stream;
    run(subscribe(client, stream));
    runtime.set_capacity(2'000); // PINGRESP has no way through
    for (int i = 0; i < 1'000; ++i) broker.publish("in/x", numbered(i), QoS::at_least_once);
    runtime.advance(30s);
    const std::uint64_t answers = client.statistics().received.of(PacketType::pingresp).packets;
    for (int minute = 0; minute < 10; ++minute) {
        const std::uint64_t pings = client.statistics().sent.of(PacketType::pingreq).packets;
        runtime.advance(1min);
        EXPECT_GE(client.statistics().sent.of(PacketType::pingreq).packets, pings + 6);
    }
    EXPECT_EQ(client.statistics().received.of(PacketType::pingresp).packets, answers); // none was heard, or missed
    EXPECT_EQ(broker.accepted(), 1u);
    // A consumer that takes one from time to time makes no difference.
    for (int i = 0; i < 60; ++i) {
        EXPECT_TRUE(stream->try_next());
        runtime.advance(7s);
    }
    EXPECT_EQ(broker.accepted(), 1u);
    EXPECT_EQ(client.state(), ConnectionState::connected);
    // But a broker that is silent while we do read is missed.
    std::vector<int> numbers;
    TaskRoot<> consumer(consume(*stream, numbers));
    consumer.start_on(runtime);
    runtime.advance(10s);
    EXPECT_EQ(numbers.size(), 1'000u - 60u);
    EXPECT_GT(client.statistics().received.of(PacketType::pingresp).packets, answers);
    EXPECT_EQ(client.statistics().lost_by(EndCause::no_response), 0u);
}

} // namespace
} // namespace culex
