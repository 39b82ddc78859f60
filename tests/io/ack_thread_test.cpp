// `Message::ack` belongs to the thread of the client's loop.
#include <thread>

#include <culex/async_client.hpp>
#include <culex/loop.hpp>
#include <culex/testing/fake_broker.hpp>
#include <gtest/gtest.h>

namespace culex {
namespace {

Task<> receive(AsyncClient& client, testing::FakeBroker& broker, Message& got) {
    const std::string url = broker.url();
    co_await client.connect(url);
    auto stream = co_await client.subscribe("a", QoS::at_least_once, {.acknowledge = Acknowledge::manual});
    broker.publish("a", "x", QoS::at_least_once);
    auto message = co_await stream.next();
    got = *std::move(message);
}

TEST(AckOnAnotherThread, is_caught_in_debug_builds_while_the_client_is_there) {
    Message kept;
    {
        Loop loop;
        testing::FakeBroker broker(loop);
        broker.listen();
        AsyncClient client(loop, {.client_id = "c"});
        loop.run(receive(client, broker, kept));
#ifndef NDEBUG
        ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
        EXPECT_DEATH(std::thread([&] { kept.ack(); }).join(), "from another thread");
#endif
    }
    std::thread([&] { kept.ack(); }).join(); // and then it does nothing
    EXPECT_EQ(kept.text(), "x");
}

} // namespace
} // namespace culex
