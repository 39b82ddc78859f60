#include <culex/timeout.hpp>

#include <stdexcept>
#include <string>

#include <culex/error.hpp>
#include <culex/event.hpp>

#include <gtest/gtest.h>

#include "support/manual_scheduler.hpp"
#include "support/trace.hpp"

namespace culex {
namespace {

using namespace std::chrono_literals;
using testing::ManualScheduler;
using testing::Trace;

Task<int> after(Duration delay, int value, std::string& log) {
    const Trace trace(log, static_cast<char>('0' + value));
    co_await sleep_for(delay);
    log += '!';
    co_return value;
}
Task<int> at_once(int value) { co_return value; }
Task<int> failing_after(Duration delay) {
    co_await sleep_for(delay);
    throw std::runtime_error("on purpose");
}
Task<> wait_for(Event& event, std::string& log) {
    const Trace trace(log, 'w');
    co_await event.wait();
}

/// The result, or -1 where the time was over.
Task<int> limited(Task<int> task, Duration limit) {
    try {
        co_return co_await with_timeout(std::move(task), limit);
    } catch (const Error& error) {
        EXPECT_TRUE(error.failure() == Errc::timed_out);
    }
    co_return -1;
}

class Timeouts : public ::testing::Test {
protected:
    ManualScheduler scheduler;
    std::string log;
    const TimePoint start = scheduler.now();
};

TEST_F(Timeouts, sleep_takes_its_time_and_no_more) {
    EXPECT_EQ(scheduler.run(after(5s, 1, log)), 1);
    EXPECT_EQ(scheduler.now(), start + 5s);
}

TEST_F(Timeouts, sleeping_for_no_time_waits_for_the_next_turn) {
    TaskRoot<int> root(after(0s, 1, log));
    root.start_on(scheduler);
    scheduler.turn();
    EXPECT_FALSE(root.done());
    scheduler.run();
    EXPECT_TRUE(root.done());
    EXPECT_EQ(scheduler.now(), start);
}

TEST_F(Timeouts, sleep_until_a_time_that_has_passed_goes_on) {
    struct Body {
        static Task<> run(TimePoint when) { co_await sleep_until(when); }
    };
    scheduler.run(Body::run(start - 1h));
    EXPECT_EQ(scheduler.now(), start);
    scheduler.run(Body::run(start + 1h));
    EXPECT_EQ(scheduler.now(), start + 1h);
}

TEST_F(Timeouts, a_dropped_sleep_leaves_no_timer) {
    {
        TaskRoot<int> root(after(5s, 1, log));
        root.start_on(scheduler);
        scheduler.run_until_idle();
        EXPECT_EQ(scheduler.next_timer(), start + 5s);
    }
    EXPECT_EQ(scheduler.next_timer(), TimePoint::max());
    EXPECT_EQ(log, "1");
}

TEST_F(Timeouts, yield_lets_everything_run_that_is_ready) {
    struct Body {
        static Task<> run(std::string& out, char letter) {
            for (int i = 0; i < 3; ++i) {
                out += letter;
                co_await yield();
            }
        }
    };
    TaskRoot<> a(Body::run(log, 'a'));
    TaskRoot<> b(Body::run(log, 'b'));
    a.start_on(scheduler);
    b.start_on(scheduler);
    scheduler.run();
    EXPECT_EQ(log, "ababab");
}

TEST_F(Timeouts, gives_the_result_of_a_task_that_is_in_time) {
    EXPECT_EQ(scheduler.run(limited(after(1s, 1, log), 2s)), 1);
    EXPECT_EQ(scheduler.next_timer(), TimePoint::max());
    EXPECT_EQ(scheduler.now(), start + 1s);
}

TEST_F(Timeouts, arms_no_timer_for_a_task_that_ends_at_once) {
    EXPECT_EQ(scheduler.run(limited(at_once(3), 0s)), 3);
    EXPECT_EQ(scheduler.timer_changes, 0);
}

TEST_F(Timeouts, drops_the_task_and_throws_when_the_time_is_over) {
    EXPECT_EQ(scheduler.run(limited(after(3s, 1, log), 2s)), -1);
    EXPECT_EQ(log, "1") << "dropped, and never resumed";
    EXPECT_EQ(scheduler.now(), start + 2s);
    EXPECT_EQ(scheduler.next_timer(), TimePoint::max());
}

TEST_F(Timeouts, a_time_that_has_passed_still_lets_the_task_run_up_to_its_first_wait) {
    EXPECT_EQ(scheduler.run(limited(after(1s, 1, log), -1s)), -1);
    EXPECT_EQ(log, "1");
    EXPECT_EQ(scheduler.now(), start);
}

TEST_F(Timeouts, passes_the_exception_of_the_task_on) {
    EXPECT_THROW(scheduler.run(limited(failing_after(1s), 2s)), std::runtime_error);
    EXPECT_EQ(scheduler.next_timer(), TimePoint::max());
}

TEST_F(Timeouts, the_result_counts_where_both_come_at_the_same_time) {
    EXPECT_EQ(scheduler.run(limited(after(2s, 1, log), 2s)), 1);
}

TEST_F(Timeouts, with_deadline_ends_at_a_point_in_time) {
    struct Body {
        static Task<> run(TimePoint deadline, std::string& out) {
            co_await with_deadline(after(10s, 1, out), deadline);
        }
    };
    try {
        scheduler.run(Body::run(start + 4s, log));
        FAIL();
    } catch (const Error& error) {
        EXPECT_TRUE(error.failure() == Errc::timed_out);
    }
    EXPECT_EQ(scheduler.now(), start + 4s);
}

TEST_F(Timeouts, nested_inner_one_ends_first) {
    EXPECT_EQ(scheduler.run(limited(limited(after(9s, 1, log), 2s), 5s)), -1);
    EXPECT_EQ(scheduler.now(), start + 2s);
    EXPECT_EQ(scheduler.next_timer(), TimePoint::max());
}

TEST_F(Timeouts, nested_outer_one_ends_first_and_takes_the_inner_along) {
    EXPECT_EQ(scheduler.run(limited(limited(after(9s, 1, log), 5s), 2s)), -1);
    EXPECT_EQ(scheduler.now(), start + 2s);
    EXPECT_EQ(scheduler.next_timer(), TimePoint::max());
    EXPECT_EQ(log, "1");
}

TEST_F(Timeouts, nested_ones_that_end_together_leave_nothing_behind) {
    EXPECT_EQ(scheduler.run(limited(limited(after(9s, 1, log), 2s), 2s)), -1);
    EXPECT_EQ(log, "1");
    EXPECT_EQ(scheduler.next_timer(), TimePoint::max());
}

TEST_F(Timeouts, one_that_has_a_name_is_over_when_it_has_been_awaited) {
    struct Body {
        static Task<> run(ManualScheduler& on, std::string& out) {
            auto in_time = with_timeout(after(1s, 1, out), 2s);
            const int value = co_await in_time;
            EXPECT_EQ(value, 1);
            EXPECT_EQ(on.next_timer(), TimePoint::max());
            auto too_late = with_timeout(after(9s, 2, out), 2s);
            try {
                co_await too_late;
                ADD_FAILURE();
            } catch (const Error&) {
                out += '=';
            }
            EXPECT_EQ(on.next_timer(), TimePoint::max());
        }
    };
    scheduler.run(Body::run(scheduler, log));
    EXPECT_EQ(log, "!12=");
}

TEST_F(Timeouts, dropped_in_the_middle_it_drops_its_task) {
    struct Body {
        static Task<> run(Event& event, std::string& out) { co_await with_timeout(wait_for(event, out), 5s); }
    };
    Event event;
    {
        TaskRoot<> root(Body::run(event, log));
        root.start_on(scheduler);
        scheduler.run_until_idle();
        EXPECT_EQ(log, "");
    }
    EXPECT_EQ(log, "w");
    EXPECT_EQ(scheduler.next_timer(), TimePoint::max());
    event.set();
    scheduler.run();
}

TEST_F(Timeouts, dropped_between_the_end_of_the_time_and_its_turn) {
    struct Body {
        static Task<> run(Event& event, std::string& out) { co_await with_timeout(wait_for(event, out), 5s); }
    };
    Event event;
    std::optional<TaskRoot<>> victim;
    class Killer : public ReadyNode {
    public:
        explicit Killer(std::optional<TaskRoot<>>& root)
            : ReadyNode([](ReadyNode& self) { static_cast<Killer&>(self).root_.reset(); }), root_(root) {}

    private:
        std::optional<TaskRoot<>>& root_;
    };
    class Alarm : public Timer {
    public:
        explicit Alarm(Killer& killer)
            : Timer([](Timer& self) { Scheduler::here().post(static_cast<Alarm&>(self).killer_); }), killer_(killer) {}

    private:
        Killer& killer_;
    };
    Killer killer(victim);
    Alarm alarm(killer);
    scheduler.arm_after(alarm, 5s); // rings first
    victim.emplace(Body::run(event, log));
    victim->start_on(scheduler);
    scheduler.run();
    EXPECT_EQ(log, "w");
    EXPECT_FALSE(victim.has_value());
}

} // namespace
} // namespace culex
