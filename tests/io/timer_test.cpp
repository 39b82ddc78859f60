#include "io/loop_fixture.hpp"

namespace culex::testing {
namespace {

using namespace std::chrono_literals;

class TimerTest : public IoTest {};

TEST_F(TimerTest, nodes_that_post_themselves_do_not_keep_timers_waiting) {
    struct Restless : ReadyNode {
        explicit Restless(Loop& on)
            : ReadyNode([](ReadyNode& node) {
                  auto& self = static_cast<Restless&>(node);
                  if (!self.stop) self.loop.post(self);
              }),
              loop(on) {}
        Loop& loop;
        bool stop = false;
    };
    Loop loop;
    Restless restless(loop);
    std::vector<int> log;
    Alarm alarm(log, 1);
    loop.post(restless);
    loop.arm_after(alarm, 2ms);
    run_until(loop, [&] { return !log.empty(); });
    restless.stop = true;
    loop.run();
}

TEST_F(TimerTest, runs_timers_in_the_order_of_their_times) {
    Loop loop;
    std::vector<int> log;
    Alarm third(log, 3), first(log, 1), second(log, 2), second_too(log, 22), never(log, 99);
    loop.post([&] { // in a turn, in which the time stands still
        loop.arm_after(third, 7ms);
        loop.arm(never, TimePoint::max());
        loop.arm_after(second, 4ms);
        loop.arm_after(second_too, 4ms);
        loop.arm_after(first, 1ms);
    });
    loop.run(); // a time that never comes is not waited for
    EXPECT_EQ(log, (std::vector{1, 2, 22, 3}));
}

TEST_F(TimerTest, a_timer_is_never_early) {
    Loop loop;
    std::vector<int> log;
    for (const auto delay : {1ns, 1000ns, 100'000ns, 999'999ns, 1'000'001ns, 2'500'000ns, 5'000'000ns}) {
        Alarm alarm(log, 0);
        const TimePoint when = Clock::now() + delay;
        loop.arm(alarm, when);
        loop.run();
        EXPECT_GE(alarm.clock_at_call, when);
    }
    EXPECT_EQ(log.size(), 7U);
}

TEST_F(TimerTest, a_delay_counts_from_now_also_when_the_loop_has_not_turned_for_a_while) {
    Loop loop;
    std::vector<int> log;
    const TimePoint start = Clock::now();
    while (Clock::now() < start + 5ms) {
    } // the loop's idea of the time grows old
    Alarm alarm(log, 0);
    const TimePoint armed = Clock::now();
    loop.arm_after(alarm, 10ms);
    loop.run();
    EXPECT_GE(alarm.clock_at_call, armed + 9ms); // `now()` is the clock's, rounded down to a millisecond
}

TEST_F(TimerTest, the_time_is_the_clocks_and_never_ahead_of_it) {
    Loop loop;
    for (int i = 0; i < 1000; ++i) {
        const TimePoint now = loop.now();
        EXPECT_LE(now, Clock::now());
        EXPECT_GE(loop.now(), now);
    }
}

TEST_F(TimerTest, waiting_for_a_timer_does_not_turn_the_loop) {
    Loop loop;
    std::vector<int> log;
    Alarm alarm(log, 1);
    TurnCounter counter(loop);
    loop.arm(alarm, Clock::now() + 20ms + 300us);
    loop.run();
    EXPECT_EQ(log.size(), 1U);
    EXPECT_LE(counter.turns, 4);
}

TEST_F(TimerTest, a_timer_that_is_moved_on_all_the_time_comes_once) {
    Loop loop;
    std::vector<int> log;
    Alarm alarm(log, 1);
    Alarm mover(log, 2);
    TimePoint last;
    loop.post([&] {
        loop.arm_after(alarm, 1ms);
        last = loop.now() + 10ms;
        loop.arm(alarm, last);
        loop.arm_after(mover, 3ms);
    });
    loop.run();
    EXPECT_EQ(log, (std::vector{2, 1}));
    EXPECT_GE(alarm.clock_at_call, last);
}

TEST_F(TimerTest, a_timer_that_was_disarmed_does_not_keep_the_loop_running) {
    Loop loop;
    std::vector<int> log;
    Alarm hour(log, 1);
    loop.arm_after(hour, 1h);
    struct Disarm : ReadyNode {
        explicit Disarm(Timer& what)
            : ReadyNode([](ReadyNode& node) { static_cast<Disarm&>(node).timer.disarm(); }), timer(what) {}
        Timer& timer;
    } disarm(hour);
    loop.post(disarm);
    loop.run();
    EXPECT_TRUE(log.empty());
}

} // namespace
} // namespace culex::testing
