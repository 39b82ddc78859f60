// Rule 8: publishing.
#include <atomic>
#include <set>

#include "facade/facade_test.hpp"
#include "facade/request.hpp"

namespace culex::facade {
namespace {

class Publishing : public FacadeTest {
protected:
    Client client{"c", true, settings()};
};
CULEX_BOTH_VERSIONS(Publishing);

TEST_P(Publishing, rule_08_publish_returns_the_mid_at_once_and_does_not_wait_for_the_ack) {
    script(Script{"acknowledges nothing"}
               .expect(PacketType::connect)
               .acknowledge()
               .expect(PacketType::publish)
               .expect(PacketType::publish)
               .expect(PacketType::publish)
               .expect(PacketType::publish)
               .drop());
    ClientSettings hasty = slow_settings();
    hasty.drain = 10ms;
    Client unheard{"u", true, hasty};
    connect(unheard);
    EXPECT_EQ(0, unheard.publish("a", "b", 0));
    std::set<PacketId> mids;
    for (const int qos : {1, 2, 1}) mids.insert(unheard.publish("a", "b", qos));
    EXPECT_EQ(3u, mids.size());
    EXPECT_FALSE(mids.contains(0));
}

TEST_P(Publishing, payload_may_be_text_bytes_or_nothing) {
    connect(client);
    const std::vector<std::byte> bytes{std::byte{0}, std::byte{0xFF}};
    client.publish("a", "text", 1, true);
    client.publish("a", std::string("a string"), QoS::at_least_once);
    client.publish("a", bytes, 1);
    client.publish("a", Bytes(bytes), 1);
    client.publish("a", {}, 1);
    client.publish("a", nullptr, 1);
    client.publish("a");
    const auto messages = published.take(7);
    EXPECT_EQ("text", messages[0].payload);
    EXPECT_TRUE(messages[0].retain);
    EXPECT_EQ("a string", messages[1].payload);
    EXPECT_FALSE(messages[1].retain);
    EXPECT_EQ(std::string("\0\xFF", 2), messages[2].payload);
    EXPECT_EQ(std::string("\0\xFF", 2), messages[3].payload);
    for (std::size_t i = 4; i < 7; ++i) EXPECT_EQ("", messages[i].payload);
    EXPECT_EQ(QoS::at_least_once, messages[5].qos);
    EXPECT_EQ(QoS::at_most_once, messages[6].qos);
}

TEST_P(Publishing, rule_08_messages_of_one_thread_leave_in_the_order_of_the_calls) {
    connect(client);
    std::vector<std::string> expected;
    for (int i = 0; i < 1000; ++i) {
        expected.push_back(std::to_string(i));
        client.publish("a", expected.back(), i % 2);
    }
    EXPECT_EQ(expected, published_payloads(expected.size()));
}

TEST_P(Publishing, rule_08_a_large_message_passes) {
    connect(client);
    const std::string large(3 << 20, 'x');
    client.publish("a", large, 1);
    EXPECT_EQ(large, published.take().payload);
}

TEST_P(Publishing, rule_08_a_payload_is_handed_over) {
    connect(client);
    const Payload payload(std::string(3 << 20, 'x'));
    for (const int qos : {0, 1, 2}) client.publish("a", payload, qos);
    client.publish("a", Payload(std::string("small")), 1);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(as_text(payload.bytes()), published.take().payload);
    EXPECT_EQ("small", published.take().payload);
    EXPECT_TRUE(failure_of([&] { client.publish("#", payload, 1); }) == Errc::invalid_argument);
}

TEST_P(Publishing, rule_08_before_connect_and_after_disconnect_publish_throws) {
    EXPECT_TRUE(failure_of([&] { client.publish("a", "b"); }) == Errc::not_connected);
    EXPECT_TRUE(failure_of([&] { client.publish("a", "b", 1); }) == Errc::not_connected);
    EXPECT_TRUE(failure_of([&] { client.subscribe({{"a", 1}}); }) == Errc::not_connected);
    connect(client);
    client.publish("a", "b");
    client.disconnect();
    EXPECT_TRUE(failure_of([&] { client.publish("a", "b"); }) == Errc::not_connected);
    EXPECT_TRUE(failure_of([&] { client.publish("a", "b", 1); }) == Errc::not_connected);
    EXPECT_TRUE(failure_of([&] { client.unsubscribe({"a"}); }) == Errc::not_connected);
    connect(client);
    client.publish("a", "c", 1);
    EXPECT_THAT(published_payloads(2), ElementsAre("b", "c"));
}

TEST_P(Publishing, rule_08_while_the_client_reconnects_messages_are_kept) {
    Gate gone, back;
    connect(client, {.before_reconnect = [&](Client&) {
                gone.open();
                EXPECT_TRUE(back.wait());
            }});
    client.loop();
    drop_connections();
    EXPECT_TRUE(gone.wait());
    std::set<PacketId> mids;
    for (int i = 0; i < 6; ++i) mids.insert(client.publish("a", std::to_string(i), i % 3));
    EXPECT_EQ(5u, mids.size()); // two of them are 0
    EXPECT_EQ(0u, published.size());
    back.open();
    EXPECT_THAT(published_payloads(6), ElementsAre("0", "1", "2", "3", "4", "5"));
}

TEST_P(Publishing, rule_08_what_is_kept_is_bounded_and_then_publish_waits) {
    ClientSettings narrow = settings();
    narrow.outbound.messages = 10;
    Client bounded{"b", true, narrow};
    Gate gone, back;
    connect(bounded, {.before_reconnect = [&](Client&) {
                gone.open();
                EXPECT_TRUE(back.wait());
            }});
    bounded.loop();
    drop_connections();
    EXPECT_TRUE(gone.wait());
    std::atomic<int> done = 0;
    {
        std::jthread other([&] {
            for (; done < 30; ++done) bounded.publish("a", std::to_string(done), 1);
        });
        wait_until_waiting(bounded, 1);
        EXPECT_EQ(10u, bounded.statistics().outbound.messages);
        EXPECT_EQ(10, done);
        back.open();
    }
    EXPECT_EQ(30u, published_payloads(30).size());
}

/// At QoS 0 nobody waits for the session's word, so it is the queue before it that fills.
TEST_P(Publishing, rule_08_what_is_kept_is_bounded_and_then_publish_waits_at_qos_0_too) {
    ClientSettings narrow = settings();
    narrow.outbound.messages = 10;
    Client bounded{"b", true, narrow};
    Gate gone, back;
    connect(bounded, {.before_reconnect = [&](Client&) {
                gone.open();
                EXPECT_TRUE(back.wait());
            }});
    bounded.loop();
    drop_connections();
    EXPECT_TRUE(gone.wait());
    constexpr std::size_t fit = 10 + RequestQueue::most, count = 2 * fit;
    std::atomic<std::size_t> done = 0;
    {
        std::jthread other([&] {
            for (; done < count; ++done) bounded.publish("a", std::to_string(done));
        });
        wait_until_waiting(bounded, RequestQueue::most);
        for (int i = 0; i < 1000; ++i) { // time for the other to come further, if it could
            ASSERT_EQ(RequestQueue::most, bounded.statistics().outbound.waiting_for_room);
            ASSERT_GE(fit, done);
        }
        back.open();
    }
    EXPECT_EQ(count, published_payloads(count).size());
}

TEST_P(Publishing, rule_08_what_is_kept_is_bounded_and_then_publish_refuses_if_so_told) {
    ClientSettings narrow = settings();
    narrow.outbound = {.messages = 10, .when_full = WhenFull::refuse};
    narrow.drain = 10ms;
    Client bounded{"b", true, narrow};
    Gate gone, back;
    connect(bounded, {.before_reconnect = [&](Client&) {
                gone.open();
                EXPECT_TRUE(back.wait());
            }});
    bounded.loop();
    drop_connections();
    EXPECT_TRUE(gone.wait());
    for (int i = 0; i < 10; ++i) bounded.publish("a", "b", 1);
    EXPECT_TRUE(failure_of([&] { bounded.publish("a", "b", 1); }) == Errc::queue_full);
    EXPECT_TRUE(failure_of([&] {
                    for (int i = 0; i < 10'000; ++i) bounded.publish("a", "b", 0);
                }) == Errc::queue_full);
    back.open();
}

TEST_P(Publishing, rule_08_with_65535_messages_in_flight_publish_waits_for_an_ack) {
    script(Script{"acknowledges nothing"}.expect(PacketType::connect).acknowledge().stall());
    ClientSettings wide = slow_settings();
    wide.drain = 10ms;
    Client busy{"busy", true, wide};
    connect(busy);
    std::vector<std::vector<PacketId>> of_thread(15);
    {
        std::vector<std::jthread> threads;
        for (auto& mids : of_thread) {
            threads.emplace_back([&] {
                for (int i = 0; i < 4369; ++i) mids.push_back(busy.publish("a", "b", 1));
            });
        }
    }
    std::set<PacketId> all;
    for (const auto& mids : of_thread) all.insert(mids.begin(), mids.end());
    EXPECT_EQ(65'535u, all.size());
    EXPECT_FALSE(all.contains(0));

    std::atomic<bool> returned = false;
    std::jthread other([&] {
        const Failure failure = failure_of([&] { busy.publish("a", "one more", 1); });
        returned = true;
        EXPECT_TRUE(failure) << "it cannot have had an id";
    });
    busy.publish("a", "QoS 0 needs none, but keeps its place", 0);
    EXPECT_FALSE(returned);
    EXPECT_LE(65'535u, busy.disconnect()); // nothing was acknowledged
}

} // namespace
} // namespace culex::facade
