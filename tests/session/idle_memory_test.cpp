// What a session keeps of the memory that work has taken, once there is no more work.
#include <deque>

#include "support/allocations.hpp"
#include "support/session_peer.hpp"

namespace culex::session {
namespace {

using namespace culex::testing;
using namespace std::chrono_literals;

class IdleMemoryTest : public ::testing::TestWithParam<Version> {
protected:
    /// More than what an idle session has of a buffer, a table or a ring.
    static constexpr std::size_t little = 1024;

    void SetUp() override {
        if (!counts_allocations()) GTEST_SKIP() << "sanitizers take the place of the allocator and of the pool";
        Busy warm; // what the pool keeps for all sessions of the thread
        warm.work();
    }

    struct Busy {
        Busy() {
            EXPECT_TRUE(session.handle_open({.client_id = "c", .keep_alive = 60}, now));
            receive(Connack{});
        }
        template <class P> void receive(const P& packet) {
            Buffer bytes;
            ASSERT_TRUE(wire::encode(bytes, packet, GetParam()));
            receive_bytes(bytes.bytes());
        }
        void receive_bytes(Bytes bytes) {
            session.handle_input(bytes, now);
            while (auto event = session.poll_event()) {
                if (event->message) session.acknowledge(event->delivery);
            }
            ASSERT_FALSE(session.failure());
            flush();
        }
        void flush() {
            while (!session.output().empty()) {
                session.output().clear();
                session.handle_flushed(now);
            }
        }
        /// A thousand messages at once each way, the output full, and packets in pieces.
        void work() {
            const std::string payload(1000, 'x');
            std::deque<PacketId> ids;
            for (int i = 0; i < 1000; ++i) {
                Publish message{.topic = "a", .payload = as_bytes(payload), .qos = QoS::at_least_once};
                ASSERT_TRUE(session.publish(message));
                ids.push_back(message.packet_id);
            }
            ASSERT_GE(session.output().capacity(), 64u << 10);
            flush();
            for (const PacketId id : ids) receive(Puback{.packet_id = id});
            Buffer all;
            for (PacketId id = 1; id <= 1000; ++id) {
                ASSERT_TRUE(wire::encode(
                    all, Publish{.topic = "a", .payload = as_bytes(payload), .qos = QoS::exactly_once, .packet_id = id},
                    GetParam()));
            }
            const std::size_t half = all.size() - 400;
            receive_bytes(all.bytes().first(half));
            receive_bytes(all.bytes().subspan(half));
            for (PacketId id = 1; id <= 1000; ++id) receive(Pubrel{.packet_id = id});
        }
        /// Until so much later, with a broker that answers.
        void idle(Duration time) {
            const TimePoint end = now + time;
            while (session.poll_deadline() <= end) {
                now = session.poll_deadline();
                session.handle_time(now);
                flush();
                receive(Pingresp{});
            }
            now = end;
        }

        TimePoint now{};
        Session session{{.version = GetParam()}};
    };
};
INSTANTIATE_TEST_SUITE_P(Versions, IdleMemoryTest, both_versions(), version_name);

TEST_P(IdleMemoryTest, what_work_has_taken_is_given_back_within_two_keep_alive_intervals_without_work) {
    Busy busy;
    const std::size_t before = live_bytes();
    busy.work();
    EXPECT_GT(live_bytes(), before + (64u << 10)); // or there is nothing to see
    busy.idle(120s);
    EXPECT_LE(live_bytes(), before + little);
    busy.work(); // and it works on
    EXPECT_EQ(busy.session.outstanding(), 0u);
    EXPECT_EQ(busy.session.unacknowledged(), 0u);
}

TEST_P(IdleMemoryTest, a_session_at_work_keeps_it) {
    Busy busy;
    busy.work();
    const std::size_t capacity = busy.session.output().capacity();
    for (int i = 0; i < 10; ++i) {
        busy.idle(50s);
        Publish message{.topic = "a", .payload = as_bytes("x")};
        ASSERT_TRUE(busy.session.publish(message));
        busy.flush();
    }
    EXPECT_EQ(busy.session.output().capacity(), capacity);
}

TEST_P(IdleMemoryTest, what_is_not_acknowledged_stays) {
    Busy busy;
    Publish message{.topic = "a", .payload = as_bytes("x"), .qos = QoS::at_least_once};
    ASSERT_TRUE(busy.session.publish(message));
    busy.flush();
    busy.idle(300s);
    EXPECT_EQ(busy.session.outstanding(), 1u);
    busy.receive(Puback{.packet_id = message.packet_id});
    EXPECT_EQ(busy.session.outstanding(), 0u);
}

TEST_P(IdleMemoryTest, a_session_without_a_link_keeps_none) {
    Busy busy;
    const std::size_t before = live_bytes();
    busy.work();
    busy.session.handle_end();
    EXPECT_LE(live_bytes(), before + little);
}

} // namespace
} // namespace culex::session
