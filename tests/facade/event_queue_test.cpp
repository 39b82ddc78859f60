// The queue between the I/O thread and the dispatch thread, by itself.
#include "facade/event_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace culex::facade {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Held all_limit{.packets = 100, .bytes = 100'000};

class EventQueueTest : public ::testing::Test {
protected:
    void push(std::initializer_list<PacketId> ids, const Held& limit = all_limit) {
        EventQueue::Events events;
        for (const PacketId id : ids) {
            events.push_back(session::Event{.type = PacketType::puback, .id = id});
            held.add(10);
        }
        queue.push(events, held, limit);
        EXPECT_TRUE(events.empty());
    }
    static std::vector<PacketId> ids_of(EventQueue::Events& events) {
        std::vector<PacketId> ids;
        while (!events.empty()) ids.push_back(events.take_front().id);
        return ids;
    }

    EventQueue queue;
    Held held;
    EventQueue::Events taken;
};

TEST_F(EventQueueTest, gives_all_that_has_come_at_once_and_in_order) {
    push({1, 2});
    push({3});
    queue.wait(taken);
    EXPECT_THAT(ids_of(taken), ElementsAre(1, 2, 3));
}

TEST_F(EventQueueTest, says_without_waiting_that_there_is_nothing) {
    EXPECT_FALSE(queue.take(taken));
    push({1, 2});
    EXPECT_TRUE(queue.take(taken));
    EXPECT_THAT(ids_of(taken), ElementsAre(1, 2));
    EXPECT_FALSE(queue.take(taken));
}

TEST_F(EventQueueTest, does_not_wait_where_there_is_something_to_look_after) {
    queue.interrupt();
    queue.wait(taken);
    EXPECT_THAT(ids_of(taken), IsEmpty());
    EXPECT_TRUE(queue.interrupted());
    EXPECT_FALSE(queue.interrupted());
}

/// Otherwise the I/O thread, which has stopped reading, would never learn that it may go on.
TEST_F(EventQueueTest, calls_for_what_is_done_where_too_much_was_held_or_an_acknowledgement_is_due) {
    push({1, 2, 3});
    EXPECT_FALSE(queue.done({1, 10}, {}));
    push({4}, {.packets = 1, .bytes = 100'000});
    EXPECT_EQ(held.packets, 3u); // what was done is taken off
    EXPECT_EQ(held.bytes, 30u);
    EXPECT_TRUE(queue.done({1, 10}, {}));
    EXPECT_FALSE(queue.done({1, 10}, {})); // it has been called
    std::vector<session::Delivery> deliveries;
    queue.collect(deliveries, held, all_limit);
    EXPECT_EQ(held.packets, 1u);
    EXPECT_THAT(deliveries, IsEmpty());
    EXPECT_TRUE(queue.done({1, 10}, {.sequence = 7, .id = 4, .qos = QoS::at_least_once}));
    queue.collect(deliveries, held, all_limit);
    ASSERT_EQ(deliveries.size(), 1u);
    EXPECT_EQ(deliveries[0].sequence, 7u);
    EXPECT_EQ(held.packets, 0u);
}

} // namespace
} // namespace culex::facade
