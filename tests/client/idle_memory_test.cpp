// What a client's streams keep of a backlog that is gone.
#include <string>

#include <gtest/gtest.h>

#include <culex/testing/virtual_runtime.hpp>

#include "client/router.hpp"
#include "support/allocations.hpp"

namespace culex::client {
namespace {

using namespace std::chrono_literals;
using culex::testing::counts_allocations;
using culex::testing::live_bytes;

/// A session and its streams, without a connection.
class IdleStream : public ::testing::Test, private RouterOwner {
protected:
    IdleStream() {
        session.set_message_sink(&router);
        EXPECT_TRUE(session.handle_open(Connect{.client_id = "c1", .keep_alive = 60}, now));
        receive(Connack{});
    }
    void SetUp() override {
        if (!counts_allocations()) GTEST_SKIP() << "sanitizers take the place of the allocator and of the pool";
    }
    template <class P> void receive(const P& packet) {
        Buffer bytes;
        EXPECT_TRUE(wire::encode(bytes, packet, Version::v5));
        session.handle_input(bytes.bytes(), now);
        session.output().clear();
        session.handle_flushed(now);
    }
    void receive_many(Inbox& inbox) {
        for (int i = 0; i < 10'000; ++i) receive(Publish{.topic = "a/b", .payload = as_bytes("0123456789")});
        EXPECT_EQ(inbox.size(), 10'000u);
    }
    void take_all(Inbox& inbox) {
        while (!inbox.empty()) (void)inbox.take();
    }
    /// Until two pings have been answered.
    void idle() {
        for (int i = 0; i < 2; ++i) {
            now = session.poll_deadline();
            session.handle_time(now);
            receive(Pingresp{});
        }
    }
    void on_consumed() override {}

    TimePoint now{};
    culex::testing::VirtualRuntime runtime;
    session::Session session{{.version = Version::v5}};
    Router router{runtime, session, InboundLimits{}, *this};
    const std::string_view filter = "a/#";
};

TEST_F(IdleStream, gives_back_the_memory_of_a_backlog_that_is_gone) {
    const auto inbox = router.open(std::span{&filter, 1}, Acknowledge::automatic);
    receive_many(*inbox); // so that the pool has what it keeps
    take_all(*inbox);
    idle();
    const std::size_t before = live_bytes();
    receive_many(*inbox);
    take_all(*inbox);
    EXPECT_GT(live_bytes(), before + (64u << 10)); // or there is nothing to see
    idle();
    EXPECT_LE(live_bytes(), before + 1024);
    receive_many(*inbox); // and it works on
}

TEST_F(IdleStream, keeps_messages_that_wait) {
    const auto inbox = router.open(std::span{&filter, 1}, Acknowledge::automatic);
    receive_many(*inbox);
    idle();
    EXPECT_EQ(inbox->size(), 10'000u);
    EXPECT_EQ(inbox->take()->text(), "0123456789");
}

} // namespace
} // namespace culex::client
