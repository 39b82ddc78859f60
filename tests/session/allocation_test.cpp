// What the steady state allocates: nothing that the pool does not hand out again.
#include "support/allocations.hpp"
#include "support/session_peer.hpp"

namespace culex::session {
namespace {

using namespace culex::testing;

class AllocationTest : public SessionTest {
protected:
    AllocationTest() { peer.connect(); }
    void SetUp() override {
        if (!counts_allocations()) GTEST_SKIP() << "sanitizers take the place of the allocator and of the pool";
    }

    /// Allocations of 100 rounds, after some to get warm.
    template <class F> std::size_t steady(F round) {
        for (int i = 0; i < 100; ++i) round();
        const std::size_t before = allocations();
        for (int i = 0; i < 100; ++i) round();
        return allocations() - before;
    }
    void publish(QoS qos) {
        Publish message{.topic = "sensors/one", .payload = as_bytes("0123456789ABCDEF"), .qos = qos};
        ASSERT_TRUE(session.publish(message, &operation));
        id = message.packet_id;
        flush();
    }
    void flush() {
        session.output().clear();
        session.handle_flushed(peer.now);
    }
    template <class P> void receive(const P& packet) {
        bytes.clear();
        ASSERT_TRUE(wire::encode(bytes, packet, GetParam()));
        session.handle_input(bytes.bytes(), peer.now);
        ASSERT_FALSE(session.failure());
    }
    void deliver(QoS qos) {
        const PacketId inbound = qos == QoS::at_most_once ? 0 : 7;
        receive(
            Publish{.topic = "sensors/one", .payload = as_bytes("0123456789ABCDEF"), .qos = qos, .packet_id = inbound});
        auto event = session.poll_event();
        ASSERT_TRUE(event && event->message);
        session.acknowledge(event->delivery);
        flush();
    }

    Session& session = peer.session();
    struct Silent : Operation {
        Silent() : Operation([](Operation&, Outcome&&) {}) {}
    } operation;
    PacketId id = 0;
    Buffer bytes;
};
INSTANTIATE_TEST_SUITE_P(Versions, AllocationTest, both_versions(), version_name);

TEST_P(AllocationTest, publishing_allocates_nothing) {
    EXPECT_EQ(steady([this] { publish(QoS::at_most_once); }), 0u);
    EXPECT_EQ(steady([this] {
                  publish(QoS::at_least_once);
                  receive(Puback{.packet_id = id});
              }),
              0u);
    EXPECT_EQ(steady([this] {
                  publish(QoS::exactly_once);
                  receive(Pubrec{.packet_id = id});
                  receive(Pubcomp{.packet_id = id});
                  flush();
              }),
              0u);
}

TEST_P(AllocationTest, receiving_allocates_nothing) {
    EXPECT_EQ(steady([this] { deliver(QoS::at_most_once); }), 0u);
    EXPECT_EQ(steady([this] { deliver(QoS::at_least_once); }), 0u);
    EXPECT_EQ(steady([this] {
                  deliver(QoS::exactly_once);
                  receive(Pubrel{.packet_id = 7});
                  flush();
              }),
              0u);
}

} // namespace
} // namespace culex::session
