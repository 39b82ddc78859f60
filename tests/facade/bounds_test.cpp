// What the documented client holds, what it drops, and what it says of both.
#include <atomic>

#include "facade/facade_test.hpp"

namespace culex::facade {
namespace {

class Bounds : public FacadeTest {
protected:
    /// Connected once, and then offline until `back` opens.
    void go_offline(Client& client) {
        connect(client, {.before_reconnect = [this](Client&) {
                    gone.open();
                    EXPECT_TRUE(back.wait());
                }});
        client.loop();
        drop_connections();
        EXPECT_TRUE(gone.wait());
    }
    [[nodiscard]] static ClientSettings narrow(WhenFull policy) {
        ClientSettings bounded = settings();
        bounded.outbound = {.messages = 3, .when_full = policy};
        return bounded;
    }

    Gate gone, back;
};
CULEX_BOTH_VERSIONS(Bounds);

TEST_P(Bounds, drop_oldest_keeps_the_newest_and_counts_and_logs_the_rest) {
    LogCapture captured;
    Client client{"b", true, narrow(WhenFull::drop_oldest)};
    go_offline(client);
    for (int i = 0; i < 10; ++i) client.publish("a", std::to_string(i), i % 3);
    const Statistics now = client.statistics();
    EXPECT_EQ(7u, now.dropped(WhenFull::drop_oldest));
    EXPECT_EQ(3u, now.outbound.messages);
    EXPECT_EQ(3u, now.outbound.queued);
    for (const int count : {1, 2, 4}) { // ever less often
        EXPECT_THAT(captured.lines.take(), HasSubstr(std::to_string(count) + " messages dropped so far (drop_oldest)"));
    }
    back.open();
    EXPECT_THAT(published_payloads(3), ElementsAre("7", "8", "9"));
}

TEST_P(Bounds, drop_newest_throws_where_the_caller_waits_for_the_mid_and_counts_all) {
    Client client{"b", true, narrow(WhenFull::drop_newest)};
    go_offline(client);
    for (int i = 0; i < 3; ++i) client.publish("a", std::to_string(i), 1);
    EXPECT_TRUE(failure_of([&] { client.publish("a", "x", 1); }) == Errc::dropped);
    EXPECT_TRUE(failure_of([&] { client.publish("a", "x", 2); }) == Errc::dropped);
    EXPECT_EQ(0, client.publish("a", "x", 0)); // it returns at once
    EXPECT_EQ(3u, client.statistics().dropped(WhenFull::drop_newest));
    back.open();
    EXPECT_THAT(published_payloads(3), ElementsAre("0", "1", "2"));
}

TEST_P(Bounds, drop_qos0_first_keeps_what_is_to_be_acknowledged) {
    Client client{"b", true, narrow(WhenFull::drop_qos0_first)};
    go_offline(client);
    for (int i = 0; i < 9; ++i) client.publish("a", std::to_string(i), i % 3 == 0 ? 1 : 0);
    EXPECT_EQ(6u, client.statistics().dropped(WhenFull::drop_qos0_first));
    back.open();
    EXPECT_THAT(published_payloads(3), ElementsAre("0", "3", "6"));
}

TEST_P(Bounds, what_is_refused_is_counted) {
    Client client{"b", true, narrow(WhenFull::refuse)};
    go_offline(client);
    for (int i = 0; i < 3; ++i) client.publish("a", std::to_string(i), 1);
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(failure_of([&] { client.publish("a", "x", 1); }) == Errc::queue_full);
    EXPECT_EQ(4u, client.statistics().dropped(WhenFull::refuse));
    back.open();
    EXPECT_EQ(3u, published_payloads(3).size());
}

TEST_P(Bounds, a_callback_publishes_under_every_policy_and_the_loop_goes_on) {
    for (const WhenFull policy :
         {WhenFull::wait, WhenFull::refuse, WhenFull::drop_oldest, WhenFull::drop_newest, WhenFull::drop_qos0_first}) {
        SCOPED_TRACE(to_string(policy));
        Client client{"b", true, narrow(policy)};
        connect(client);
        Gate done;
        std::atomic<int> told = 0;
        client.on(PUBLISH, [&](Client& c, const CallbackData& data) {
            if (data.message && data.message->topic() == "go") {
                for (int i = 0; i < 200; ++i) {
                    try {
                        c.publish("out", "x", i % 2);
                        ++told;
                    } catch (const Error& error) {
                        EXPECT_TRUE(error.failure() == Errc::queue_full || error.failure() == Errc::dropped);
                        ++told;
                    }
                }
                done.open();
            }
        });
        client.loop();
        subscribe(client, "go", 0);
        publish("go", "now");
        EXPECT_TRUE(done.wait());
        EXPECT_EQ(200, told);
        client.disconnect();
        const Statistics now = client.statistics();
        EXPECT_EQ(0u, now.outbound.messages);
        EXPECT_EQ(200u, now.sent.of(PacketType::publish).packets + now.dropped(policy));
    }
}

TEST_P(Bounds, what_waits_to_be_dispatched_is_bounded_by_number) {
    ClientSettings few = settings();
    few.inbound = {.soft_messages = 50};
    constexpr int count = 10'000;
    broker.call([](FakeBroker& b) {
        b.options().max_queued = count;
        b.options().max_in_flight = 65'535;
    });
    Client client{"b", true, few};
    connect(client);
    client.subscribe({{"in", 1}});
    subscribed.take();
    const std::string payload(400, 'x');
    broker.call([&](FakeBroker& b) {
        for (int i = 0; i < count; ++i) b.publish("in", payload, QoS::at_least_once);
    });
    const TimePoint deadline = Clock::now() + patience;
    while (client.statistics().inbound.messages <= 50 && Clock::now() < deadline) std::this_thread::yield();
    EXPECT_GT(client.statistics().inbound.messages, 50u);
    // Of one read of 64 KiB beyond the bound some 160 are left.
    EXPECT_LE(client.statistics().inbound.messages, 50u + 2 * 163u);
    Gate all;
    std::atomic<int> got = 0;
    client.loop([&](Client&, const CallbackData& data) {
        if (data.message && ++got == count) all.open();
    });
    EXPECT_TRUE(all.wait());
    EXPECT_EQ(0u, client.dropped());
}

TEST_P(Bounds, beyond_the_hard_limit_messages_at_qos_0_are_dropped_and_counted) {
    ClientSettings few = settings();
    few.inbound = {.soft_messages = 10, .hard_messages = 50};
    few.drain = 0ms;
    constexpr std::uint64_t count = 2000;
    broker.call([](FakeBroker& b) {
        b.options().max_queued = count;
        b.inject({.sent = {.packets = {{.type = PacketType::puback, .nth = 0}}}}); // all of them are lost
    });
    Client client{"b", true, few};
    connect(client);
    client.subscribe({{"in", 0}});
    subscribed.take();
    client.publish("out", "its answer is waited for, so reading goes on", 1);
    published.take();
    const std::string payload(400, 'x');
    broker.call([&](FakeBroker& b) {
        for (std::uint64_t i = 0; i < count; ++i) b.publish("in", payload, QoS::at_most_once);
    });
    const TimePoint deadline = Clock::now() + patience;
    while (client.statistics().received.publishes[0] < count && Clock::now() < deadline) std::this_thread::yield();
    const std::uint64_t dropped = client.dropped();
    EXPECT_LE(client.statistics().inbound.messages, 50u + 2 * 163u); // and at most two reads of 64 KiB
    EXPECT_GE(dropped, count - 50u - 2 * 163u);
    Gate all;
    std::atomic<std::uint64_t> got = 0;
    client.loop([&](Client&, const CallbackData& data) {
        if (data.message && ++got + dropped == count) all.open();
    });
    EXPECT_TRUE(all.wait()) << got << " and " << dropped;
    EXPECT_EQ(dropped, client.dropped());
}

// --- statistics

TEST_P(Bounds, statistics_may_be_asked_at_any_time_on_any_thread) {
    Client client{"b", true, settings()};
    EXPECT_EQ(0u, client.statistics().connections); // before `connect`
    connect(client);
    Gate asked;
    client.on(PUBACK, [&](Client& c, const CallbackData&) {
        EXPECT_EQ(1u, c.statistics().received.of(PacketType::puback).packets);
        asked.open();
    });
    client.loop();
    client.publish("a", "1", 1);
    EXPECT_TRUE(asked.wait());
    {
        std::vector<std::jthread> threads;
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([&] {
                for (int i = 0; i < 50; ++i) EXPECT_EQ(1u, client.statistics().connections);
            });
        }
    }
    Statistics now = client.statistics();
    EXPECT_EQ(1u, now.sent.published(QoS::at_least_once));
    EXPECT_EQ(1u, now.puback.count());
    client.disconnect();
    now = client.statistics();
    EXPECT_EQ(1u, now.sent.of(PacketType::disconnect).packets);
    connect(client);
    EXPECT_EQ(2u, client.statistics().connections); // they go on
}

} // namespace
} // namespace culex::facade
