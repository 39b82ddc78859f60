#include <culex/channel.hpp>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <culex/timeout.hpp>

#include <gtest/gtest.h>

#include "support/manual_scheduler.hpp"

namespace culex {
namespace {

using namespace std::chrono_literals;
using testing::ManualScheduler;

Task<> push_all(Channel<int>& channel, int first, int last, std::string& log) {
    for (int i = first; i <= last; ++i) {
        const bool taken = co_await channel.push(i);
        log += taken ? '+' : '-';
    }
}

Task<> pop_all(Channel<int>& channel, std::vector<int>& out) {
    while (auto value = co_await channel.pop()) out.push_back(*value);
    out.push_back(-1);
}

Task<> pop_one(Channel<int>& channel, std::vector<int>& out) {
    const auto value = co_await channel.pop();
    out.push_back(value.value_or(-1));
}

class Channels : public ::testing::Test {
protected:
    TaskRoot<>& spawn(Task<> task) {
        roots.push_back(std::make_unique<TaskRoot<>>(std::move(task)));
        roots.back()->start_on(scheduler);
        return *roots.back();
    }
    ManualScheduler scheduler;
    std::string log;
    std::vector<int> out;
    std::vector<std::unique_ptr<TaskRoot<>>> roots;
};

TEST_F(Channels, gives_values_in_order_until_it_is_closed_and_drained) {
    Channel<int> channel(4);
    spawn(push_all(channel, 1, 3, log));
    scheduler.run();
    channel.close();
    spawn(pop_all(channel, out));
    scheduler.run();
    EXPECT_EQ(log, "+++");
    EXPECT_EQ(out, (std::vector{1, 2, 3, -1}));
}

TEST_F(Channels, keeps_the_order_while_it_grows) {
    Channel<std::string> channel(1'000);
    std::vector<std::string> popped;
    int pushed = 0;
    for (int round = 0; round < 100; ++round) {
        for (int i = 0; i < 4; ++i) ASSERT_TRUE(channel.try_push(std::to_string(pushed++)));
        popped.push_back(*channel.try_pop());
    }
    while (auto value = channel.try_pop()) popped.push_back(*std::move(value));
    ASSERT_EQ(popped.size(), 400u);
    for (std::size_t i = 0; i < popped.size(); ++i) EXPECT_EQ(popped[i], std::to_string(i));
}

TEST_F(Channels, makes_pushers_wait_while_it_is_full) {
    Channel<int> channel(2);
    spawn(push_all(channel, 1, 5, log));
    scheduler.run();
    EXPECT_EQ(log, "++");
    EXPECT_TRUE(channel.full());
    EXPECT_FALSE(channel.try_push(9));
    spawn(pop_one(channel, out));
    scheduler.run();
    EXPECT_EQ(log, "+++");
    EXPECT_EQ(channel.size(), 2u);
    spawn(pop_all(channel, out));
    scheduler.run();
    EXPECT_EQ(log, "+++++");
    EXPECT_EQ(out, (std::vector{1, 2, 3, 4, 5}));
}

TEST_F(Channels, makes_poppers_wait_while_it_is_empty_and_serves_them_in_order) {
    Channel<int> channel(2);
    std::vector<int> second;
    spawn(pop_one(channel, out));
    spawn(pop_one(channel, second));
    scheduler.run();
    EXPECT_TRUE(channel.try_push(1)); // by a plain caller
    EXPECT_TRUE(channel.try_push(2));
    EXPECT_TRUE(out.empty());
    scheduler.run();
    EXPECT_EQ(out, (std::vector{1}));
    EXPECT_EQ(second, (std::vector{2}));
}

TEST_F(Channels, close_refuses_waiting_pushers_and_frees_waiting_poppers) {
    Channel<int> full(1);
    spawn(push_all(full, 1, 3, log));
    Channel<int> empty(1);
    spawn(pop_one(empty, out));
    scheduler.run();
    full.close();
    empty.close();
    scheduler.run();
    EXPECT_EQ(log, "+--") << "the third is pushed after the close";
    EXPECT_EQ(out, (std::vector{-1}));
    EXPECT_EQ(full.try_pop(), 1);
    EXPECT_EQ(full.try_pop(), std::nullopt);
    EXPECT_FALSE(full.try_push(4));
    full.close(); // harmless
}

TEST_F(Channels, a_value_promised_before_the_close_still_arrives) {
    Channel<int> channel(1);
    spawn(pop_all(channel, out));
    scheduler.run();
    EXPECT_TRUE(channel.try_push(1));
    channel.close();
    scheduler.run();
    EXPECT_EQ(out, (std::vector{1, -1}));
}

TEST_F(Channels, a_value_for_a_popper_that_is_dropped_goes_to_the_next) {
    Channel<int> channel(2);
    std::vector<int> second;
    spawn(pop_one(channel, out));
    spawn(pop_one(channel, second));
    scheduler.run();
    EXPECT_TRUE(channel.try_push(7));
    EXPECT_EQ(channel.try_pop(), std::nullopt) << "it is promised";
    roots[0].reset();
    scheduler.run();
    EXPECT_EQ(second, (std::vector{7}));
    EXPECT_TRUE(channel.empty());
}

TEST_F(Channels, a_value_for_a_popper_that_is_dropped_stays_where_nobody_else_waits) {
    Channel<int> channel(2);
    spawn(pop_one(channel, out));
    scheduler.run();
    EXPECT_TRUE(channel.try_push(7));
    roots.clear();
    scheduler.run();
    EXPECT_EQ(channel.try_pop(), 7);
}

TEST_F(Channels, a_pusher_that_is_dropped_while_it_waits_takes_its_value_along) {
    Channel<int> channel(1);
    spawn(push_all(channel, 1, 2, log));
    spawn(push_all(channel, 3, 3, log));
    scheduler.run();
    roots[0].reset();
    EXPECT_EQ(channel.try_pop(), 1);
    EXPECT_EQ(channel.try_pop(), 3);
    EXPECT_EQ(channel.try_pop(), std::nullopt);
    scheduler.run();
    EXPECT_EQ(log, "++");
}

TEST_F(Channels, carries_values_that_can_only_be_moved) {
    struct Body {
        static Task<int> run(Channel<std::unique_ptr<int>>& channel) {
            auto value = std::make_unique<int>(5);
            co_await channel.push(std::move(value));
            auto popped = co_await channel.pop();
            co_return **popped;
        }
    };
    Channel<std::unique_ptr<int>> channel(1);
    EXPECT_EQ(scheduler.run(Body::run(channel)), 5);
    EXPECT_TRUE(channel.try_push(std::make_unique<int>(6))); // destroyed with the channel
    auto refused = std::make_unique<int>(7);
    EXPECT_FALSE(channel.try_push(std::move(refused)));
    EXPECT_NE(refused, nullptr) << "a value that was refused has not been touched";
}

TEST_F(Channels, loses_and_repeats_nothing_among_many_who_come_and_go) {
    for (unsigned seed = 0; seed < 200; ++seed) {
        SCOPED_TRACE(seed);
        std::mt19937 random(seed);
        Channel<int> channel(1 + random() % 4);
        out.clear();
        std::vector<int> taken; // by try_pop
        log.clear();
        for (int i = 0; i < 20; ++i) {
            if (random() % 2) {
                spawn(push_all(channel, i * 100, i * 100 + static_cast<int>(random() % 5), log));
            } else {
                spawn(pop_one(channel, out));
            }
            if (random() % 3 == 0) scheduler.turn();
            if (random() % 4 == 0) roots[random() % roots.size()].reset();
            if (random() % 5 == 0) {
                if (auto value = channel.try_pop()) taken.push_back(*value);
            }
        }
        scheduler.run();
        while (auto value = channel.try_pop()) taken.push_back(*value);
        scheduler.run();
        while (auto value = channel.try_pop()) taken.push_back(*value);
        channel.close();
        scheduler.run();
        roots.clear();
        out.insert(out.end(), taken.begin(), taken.end());
        std::erase(out, -1);
        std::sort(out.begin(), out.end());
        EXPECT_EQ(std::adjacent_find(out.begin(), out.end()), out.end()) << "a value came twice";
        const auto pushed = static_cast<std::size_t>(std::count(log.begin(), log.end(), '+'));
        EXPECT_GE(out.size(), pushed) << "a value that was taken got lost"; // more: pushers dropped after the push
    }
}

} // namespace
} // namespace culex
