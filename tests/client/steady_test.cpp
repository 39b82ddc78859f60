// What the steady state of a stream allocates: nothing that the pool does not hand out again.
#include <optional>
#include <string>
#include <tuple>

#include <gtest/gtest.h>

#include <culex/testing/virtual_runtime.hpp>

#include "client/router.hpp"
#include "support/allocations.hpp"

namespace culex::client {
namespace {

using culex::testing::allocations;
using culex::testing::counts_allocations;

/// A session and its streams, without a connection.
class SteadyStream : public ::testing::TestWithParam<std::tuple<Version, QoS>>, private RouterOwner {
protected:
    SteadyStream() {
        session.set_message_sink(&router);
        EXPECT_TRUE(session.handle_open(Connect{.client_id = "c1"}, runtime.now()));
        receive(Connack{});
    }
    void SetUp() override {
        if (!counts_allocations()) GTEST_SKIP() << "sanitizers take the place of the allocator and of the pool";
    }
    template <class P> void receive(const P& packet) {
        bytes.clear();
        EXPECT_TRUE(wire::encode(bytes, packet, version));
        session.handle_input(bytes.bytes(), runtime.now());
        session.output().clear();
        session.handle_flushed(runtime.now());
    }
    void round(Inbox& inbox) {
        const PacketId id = qos == QoS::at_most_once ? 0 : 7;
        receive(Publish{.topic = "a/b", .payload = as_bytes("0123456789"), .qos = qos, .packet_id = id});
        inbox.done_with_hand();
        auto message = inbox.take();
        message->ack();
        inbox.done_with_hand();
        if (qos == QoS::exactly_once) receive(Pubrel{.packet_id = id});
        acknowledged += session.unacknowledged() == 0;
    }
    [[nodiscard]] std::size_t steady(Inbox& inbox) {
        for (int i = 0; i < 100; ++i) round(inbox);
        const std::size_t before = allocations();
        for (int i = 0; i < 100; ++i) round(inbox);
        return allocations() - before;
    }
    void on_consumed() override {}

    const Version version = std::get<0>(GetParam());
    const QoS qos = std::get<1>(GetParam());
    culex::testing::VirtualRuntime runtime;
    session::Session session{{.version = version}};
    Router router{runtime, session, InboundLimits{}, *this};
    Buffer bytes;
    int acknowledged = 0;
};
INSTANTIATE_TEST_SUITE_P(Qos, SteadyStream,
                         ::testing::Combine(::testing::Values(Version::v3_1_1, Version::v5),
                                            ::testing::Values(QoS::at_most_once, QoS::at_least_once,
                                                              QoS::exactly_once)),
                         [](const auto& row) {
                             return "qos" + std::to_string(static_cast<int>(std::get<1>(row.param))) +
                                    (std::get<0>(row.param) == Version::v5 ? "_v5" : "_v3_1_1");
                         });

TEST_P(SteadyStream, allocates_nothing) {
    for (const Acknowledge how : {Acknowledge::automatic, Acknowledge::manual}) {
        acknowledged = 0;
        const std::string_view filter = "a/#";
        const auto inbox = router.open(std::span{&filter, 1}, how);
        EXPECT_EQ(steady(*inbox), 0u);
        EXPECT_EQ(acknowledged, 200);
    }
}

} // namespace
} // namespace culex::client
