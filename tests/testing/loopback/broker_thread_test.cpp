#include <gtest/gtest.h>

#include <culex/async_client.hpp>
#include <culex/testing/broker_thread.hpp>

namespace culex::testing {
namespace {

Task<> publish(Loop& loop, std::string url) {
    AsyncClient client(loop);
    co_await client.connect(url);
    co_await client.publish("a/b", "over a real socket", {.qos = QoS::exactly_once});
    co_await client.disconnect();
}

TEST(BrokerThread, serves_clients_of_other_threads) {
    BrokerThread broker;
    Loop loop;
    loop.run(publish(loop, broker.url()));
    const auto messages = broker.call([](FakeBroker& b) { return b.messages(); });
    ASSERT_EQ(messages.size(), 1u);
    EXPECT_EQ(messages[0].payload, "over a real socket");
    EXPECT_NE(broker.port(), 0);
}

TEST(BrokerThread, hands_over_what_a_call_throws) {
    BrokerThread broker;
    EXPECT_THROW(broker.call([](FakeBroker& b) { b.subscribe("a#", [](const PublishedMessage&) {}); }), Error);
}

TEST(BrokerThread, ends_with_connections_open) {
    Loop loop;
    AsyncClient client(loop);
    {
        BrokerThread broker;
        const auto connect = [](AsyncClient& c, std::string url) -> Task<> { co_await c.connect(url); };
        loop.run(connect(client, broker.url()));
    }
    EXPECT_EQ(client.state(), ConnectionState::connected); // it has not looked yet
}

} // namespace
} // namespace culex::testing
