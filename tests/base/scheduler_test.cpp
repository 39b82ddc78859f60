#include <culex/scheduler.hpp>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "support/manual_scheduler.hpp"

namespace culex {
namespace {

using namespace std::chrono_literals;
using testing::ManualScheduler;

/// Writes its letter into a log, then does what the test asks.
class Letter : public ReadyNode {
public:
    Letter(std::string& log, char letter) : ReadyNode(&Letter::write), log_(log), letter_(letter) {}
    Scheduler* repost_to = nullptr;
    Letter* post_also = nullptr;
    std::unique_ptr<Letter>* destroy = nullptr;

private:
    static void write(ReadyNode& node) {
        auto& self = static_cast<Letter&>(node);
        self.log_ += self.letter_;
        if (self.repost_to) self.repost_to->post(self);
        if (self.post_also) Scheduler::here().post(*self.post_also);
        if (self.destroy) self.destroy->reset();
    }
    std::string& log_;
    char letter_;
};

class Alarm : public Timer {
public:
    Alarm(std::string& log, char letter) : Timer(&Alarm::ring), log_(log), letter_(letter) {}
    Alarm* arm_also = nullptr;
    TimePoint arm_at{};
    Duration again{};

private:
    static void ring(Timer& timer) {
        auto& self = static_cast<Alarm&>(timer);
        self.log_ += self.letter_;
        if (self.arm_also) Scheduler::here().arm(*self.arm_also, self.arm_at);
        if (self.again != Duration{}) Scheduler::here().arm_after(self, self.again);
    }
    std::string& log_;
    char letter_;
};

TEST(Scheduler, runs_ready_nodes_in_the_order_of_their_posts_and_only_on_a_turn) {
    ManualScheduler scheduler;
    std::string log;
    Letter a(log, 'a');
    Letter b(log, 'b');
    scheduler.post(b);
    scheduler.post(a);
    EXPECT_EQ(log, "");
    EXPECT_FALSE(scheduler.turn());
    EXPECT_EQ(log, "ba");
}

TEST(Scheduler, keeps_the_place_of_a_node_that_is_posted_twice) {
    ManualScheduler scheduler;
    std::string log;
    Letter a(log, 'a');
    Letter b(log, 'b');
    scheduler.post(a);
    scheduler.post(b);
    scheduler.post(a);
    scheduler.run_until_idle();
    EXPECT_EQ(log, "ab");
}

TEST(Scheduler, leaves_what_a_node_posts_to_the_next_turn) {
    ManualScheduler scheduler;
    std::string log;
    Letter a(log, 'a');
    a.repost_to = &scheduler;
    scheduler.post(a);
    EXPECT_TRUE(scheduler.turn());
    EXPECT_EQ(log, "a");
    a.repost_to = nullptr;
    EXPECT_FALSE(scheduler.turn());
    EXPECT_EQ(log, "aa");
}

TEST(Scheduler, runs_turn_end_nodes_behind_the_whole_ready_batch) {
    ManualScheduler scheduler;
    std::string log;
    Letter end(log, '.');
    Letter a(log, 'a');
    Letter b(log, 'b');
    scheduler.post_at_turn_end(end);
    scheduler.post(a);
    scheduler.post(b);
    scheduler.turn();
    EXPECT_EQ(log, "ab.");
}

TEST(Scheduler, runs_a_turn_end_node_in_the_turn_that_posts_it) {
    ManualScheduler scheduler;
    std::string log;
    class Flush : public ReadyNode {
    public:
        explicit Flush(Letter& end) : ReadyNode(&Flush::run), end_(end) {}

    private:
        static void run(ReadyNode& node) { Scheduler::here().post_at_turn_end(static_cast<Flush&>(node).end_); }
        Letter& end_;
    };
    Letter end(log, '.');
    Flush flush(end);
    Letter a(log, 'a');
    scheduler.post(flush);
    scheduler.post(a);
    EXPECT_FALSE(scheduler.turn());
    EXPECT_EQ(log, "a.");
}

TEST(Scheduler, takes_back_a_node_that_is_destroyed_even_by_one_of_the_same_batch) {
    ManualScheduler scheduler;
    std::string log;
    auto victim = std::make_unique<Letter>(log, 'v');
    Letter a(log, 'a');
    a.destroy = &victim;
    scheduler.post(a);
    scheduler.post(*victim);
    scheduler.run_until_idle();
    EXPECT_EQ(log, "a");
}

TEST(Scheduler, lets_a_node_destroy_itself) {
    ManualScheduler scheduler;
    std::string log;
    auto node = std::make_unique<Letter>(log, 'a');
    node->destroy = &node;
    scheduler.post(*node);
    scheduler.run_until_idle();
    EXPECT_EQ(node, nullptr);
}

TEST(Scheduler, wakes_the_loop_once_for_many_posts) {
    ManualScheduler scheduler;
    std::string log;
    Letter a(log, 'a');
    Letter b(log, 'b');
    scheduler.post(a);
    scheduler.post(b);
    EXPECT_EQ(scheduler.wake_ups, 1);
}

TEST(Scheduler, is_current_only_while_it_runs_something) {
    ManualScheduler outer;
    ManualScheduler inner;
    EXPECT_EQ(Scheduler::current(), nullptr);
    {
        const Scheduler::CurrentScope scope(outer);
        EXPECT_EQ(Scheduler::current(), &outer);
        {
            const Scheduler::CurrentScope nested(inner);
            EXPECT_EQ(Scheduler::current(), &inner);
        }
        EXPECT_EQ(Scheduler::current(), &outer);
    }
    EXPECT_EQ(Scheduler::current(), nullptr);
    std::string log;
    Letter a(log, 'a');
    Letter b(log, 'b');
    a.post_also = &b; // uses Scheduler::here()
    inner.post(a);
    inner.run_until_idle();
    EXPECT_EQ(log, "ab");
    EXPECT_EQ(Scheduler::current(), nullptr);
}

TEST(Scheduler, runs_timers_in_the_order_of_their_times_and_equal_ones_as_they_were_armed) {
    ManualScheduler scheduler;
    std::string log;
    Alarm a(log, 'a');
    Alarm b(log, 'b');
    Alarm c(log, 'c');
    Alarm d(log, 'd');
    scheduler.arm_after(c, 2s);
    scheduler.arm_after(a, 1s);
    scheduler.arm_after(d, 2s);
    scheduler.arm_after(b, 1s);
    scheduler.advance(999ms);
    EXPECT_EQ(log, "");
    scheduler.advance(1ms);
    EXPECT_EQ(log, "ab");
    scheduler.advance(10s);
    EXPECT_EQ(log, "abcd");
    EXPECT_FALSE(a.armed());
}

TEST(Scheduler, never_runs_a_timer_inside_arm_and_one_that_has_passed_on_the_next_turn) {
    ManualScheduler scheduler;
    std::string log;
    Alarm due(log, 'd');
    Alarm late(log, 'l');
    due.arm_also = &late;
    due.arm_at = TimePoint{};
    scheduler.arm_after(due, -1s);
    EXPECT_EQ(log, "");
    EXPECT_TRUE(scheduler.turn());
    EXPECT_EQ(log, "d");
    EXPECT_FALSE(scheduler.turn());
    EXPECT_EQ(log, "dl");
}

TEST(Scheduler, a_timer_armed_for_the_past_meanwhile_does_not_hold_up_those_that_are_due) {
    ManualScheduler scheduler;
    std::string log;
    Alarm first(log, '1');
    Alarm second(log, '2');
    Alarm past(log, 'p');
    scheduler.arm_after(first, 0s);
    scheduler.arm_after(second, 0s);
    first.arm_also = &past;
    first.arm_at = scheduler.now() - 1h;
    scheduler.turn();
    EXPECT_EQ(log, "12");
    scheduler.turn();
    EXPECT_EQ(log, "12p");
}

TEST(Scheduler, moves_an_armed_timer_and_disarms) {
    ManualScheduler scheduler;
    std::string log;
    Alarm a(log, 'a');
    Alarm b(log, 'b');
    scheduler.arm_after(a, 1s);
    scheduler.arm_after(b, 2s);
    scheduler.arm_after(a, 3s);
    scheduler.advance(2s);
    EXPECT_EQ(log, "b");
    a.disarm();
    EXPECT_EQ(scheduler.next_timer(), TimePoint::max());
    scheduler.advance(5s);
    EXPECT_EQ(log, "b");
    a.disarm(); // harmless
}

TEST(Scheduler, lets_a_timer_arm_itself_again) {
    ManualScheduler scheduler;
    std::string log;
    Alarm a(log, 'a');
    a.again = 1s;
    scheduler.arm_after(a, 1s);
    scheduler.advance(3500ms);
    EXPECT_EQ(log, "aaa");
}

TEST(Scheduler, moves_a_timer_from_one_scheduler_to_another) {
    ManualScheduler one;
    ManualScheduler two;
    std::string log;
    Alarm a(log, 'a');
    one.arm_after(a, 1s);
    two.arm_after(a, 1s);
    one.advance(2s);
    EXPECT_EQ(log, "");
    two.advance(2s);
    EXPECT_EQ(log, "a");
}

TEST(Scheduler, says_when_the_next_timer_changes_and_only_then) {
    ManualScheduler scheduler;
    std::string log;
    Alarm a(log, 'a');
    Alarm b(log, 'b');
    scheduler.arm_after(a, 2s);
    EXPECT_EQ(scheduler.timer_changes, 1);
    scheduler.arm_after(b, 3s);
    EXPECT_EQ(scheduler.timer_changes, 1);
    scheduler.arm_after(b, 1s);
    EXPECT_EQ(scheduler.timer_changes, 2);
    a.disarm();
    EXPECT_EQ(scheduler.timer_changes, 2);
    b.disarm();
    EXPECT_EQ(scheduler.timer_changes, 3);
}

TEST(Scheduler, a_delay_beyond_the_clock_means_never) {
    ManualScheduler scheduler;
    std::string log;
    Alarm a(log, 'a');
    scheduler.arm_after(a, Duration::max());
    EXPECT_TRUE(a.armed());
    EXPECT_EQ(scheduler.next_timer(), TimePoint::max());
    scheduler.advance(24h * 365);
    EXPECT_EQ(log, "");
}

TEST(Scheduler, disarms_timers_and_unlinks_nodes_when_it_ends) {
    std::string log;
    Alarm a(log, 'a');
    Letter b(log, 'b');
    {
        ManualScheduler scheduler;
        scheduler.arm_after(a, 1s);
        scheduler.post(b);
    }
    EXPECT_FALSE(a.armed());
    EXPECT_FALSE(b.linked());
    EXPECT_EQ(log, "");
}

TEST(Scheduler, timers_armed_moved_and_disarmed_at_random_run_in_order) {
    class Entry : public Timer {
    public:
        explicit Entry(std::vector<TimePoint>& ran) : Timer(&Entry::ring), ran_(ran) {}

    private:
        static void ring(Timer& timer) { static_cast<Entry&>(timer).ran_.push_back(timer.when()); }
        std::vector<TimePoint>& ran_;
    };
    std::mt19937 random(20261123);
    ManualScheduler scheduler;
    std::vector<TimePoint> ran;
    std::vector<std::unique_ptr<Entry>> timers;
    for (int i = 0; i < 500; ++i) timers.push_back(std::make_unique<Entry>(ran));
    for (int i = 0; i < 5000; ++i) {
        auto& timer = timers[random() % timers.size()];
        switch (random() % 4) {
        case 0:
            timer->disarm();
            break;
        case 1:
            timer = std::make_unique<Entry>(ran);
            break;
        default:
            scheduler.arm_after(*timer, std::chrono::milliseconds(random() % 1000));
        }
    }
    std::vector<TimePoint> expected;
    for (const auto& timer : timers) {
        if (timer->armed()) expected.push_back(timer->when());
    }
    std::sort(expected.begin(), expected.end());
    scheduler.advance(2s);
    EXPECT_EQ(ran, expected);
}

} // namespace
} // namespace culex
