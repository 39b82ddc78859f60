#include <culex/loop.hpp>

#include <atomic>
#include <limits>
#include <optional>
#include <stdexcept>
#include <thread>

#include <culex/timeout.hpp>

#include "io/io_test.hpp"

namespace culex::testing {
namespace {

using namespace std::chrono_literals;

class LoopTest : public IoTest {};

struct Note : ReadyNode {
    Note(std::vector<int>& into, int mark)
        : ReadyNode([](ReadyNode& node) {
              auto& self = static_cast<Note&>(node);
              self.log.push_back(self.number);
          }),
          log(into), number(mark) {}
    std::vector<int>& log;
    int number;
};

struct Alarm : Timer {
    Alarm(std::vector<int>& into, int mark)
        : Timer([](Timer& timer) {
              auto& self = static_cast<Alarm&>(timer);
              self.log.push_back(self.number);
              self.clock_at_call = Clock::now();
          }),
          log(into), number(mark) {}
    std::vector<int>& log;
    int number;
    TimePoint clock_at_call{};
};

/// Counts the turns of a loop from beside it.
class TurnCounter {
public:
    explicit TurnCounter(Loop& loop) {
        EXPECT_EQ(check_.open(this, [&](uv_check_t* handle) { return uv_check_init(native(loop), handle); }), 0);
        uv_unref(check_.base());
        uv_check_start(check_.get(), [](uv_check_t* handle) { ++static_cast<TurnCounter*>(handle->data)->turns; });
    }
    int turns = 0;

private:
    io::Handle<uv_check_t> check_;
};

TEST_F(LoopTest, run_returns_when_nothing_is_under_way) {
    Loop loop;
    loop.run();
    loop.run();
}

TEST_F(LoopTest, runs_posted_nodes_in_order_and_then_those_of_the_turns_end) {
    Loop loop;
    std::vector<int> log;
    Note one(log, 1);
    Note two(log, 2);
    Note last(log, 9);
    loop.post_at_turn_end(last);
    loop.post(one);
    loop.post(two);
    EXPECT_TRUE(log.empty());
    loop.run();
    EXPECT_EQ(log, (std::vector{1, 2, 9}));
}

TEST_F(LoopTest, is_the_current_scheduler_of_what_it_calls) {
    struct Look : ReadyNode {
        Look() : ReadyNode([](ReadyNode& node) { static_cast<Look&>(node).seen = Scheduler::current(); }) {}
        Scheduler* seen = nullptr;
    } look;
    Loop loop;
    loop.post(look);
    Scheduler* in_post = nullptr;
    loop.post([&] { in_post = Scheduler::current(); });
    EXPECT_EQ(Scheduler::current(), nullptr);
    run_until(loop, [&] { return look.seen && in_post; });
    EXPECT_EQ(look.seen, &loop);
    EXPECT_EQ(in_post, &loop);
    EXPECT_EQ(Scheduler::current(), nullptr);
}

TEST_F(LoopTest, nodes_that_post_themselves_do_not_keep_timers_waiting) {
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

TEST_F(LoopTest, runs_timers_in_the_order_of_their_times) {
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

TEST_F(LoopTest, a_timer_is_never_early) {
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

TEST_F(LoopTest, a_delay_counts_from_now_also_when_the_loop_has_not_turned_for_a_while) {
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

TEST_F(LoopTest, the_time_is_the_clocks_and_never_ahead_of_it) {
    Loop loop;
    for (int i = 0; i < 1000; ++i) {
        const TimePoint now = loop.now();
        EXPECT_LE(now, Clock::now());
        EXPECT_GE(loop.now(), now);
    }
}

TEST_F(LoopTest, waiting_for_a_timer_does_not_turn_the_loop) {
    Loop loop;
    std::vector<int> log;
    Alarm alarm(log, 1);
    TurnCounter counter(loop);
    loop.arm(alarm, Clock::now() + 20ms + 300us);
    loop.run();
    EXPECT_EQ(log.size(), 1U);
    EXPECT_LE(counter.turns, 4);
}

TEST_F(LoopTest, a_timer_that_is_moved_on_all_the_time_comes_once) {
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

TEST_F(LoopTest, a_timer_that_was_disarmed_does_not_keep_the_loop_running) {
    Loop loop;
    std::vector<int> log;
    Alarm hour(log, 1);
    Alarm soon(log, 2);
    loop.arm_after(hour, 1h);
    loop.arm_after(soon, 1ms);
    struct Disarm : ReadyNode {
        explicit Disarm(Timer& what)
            : ReadyNode([](ReadyNode& node) { static_cast<Disarm&>(node).timer.disarm(); }), timer(what) {}
        Timer& timer;
    } disarm(hour);
    loop.post(disarm);
    loop.run();
    EXPECT_EQ(log, std::vector{2});
}

TEST_F(LoopTest, a_node_posted_after_all_was_done_is_run_by_the_next_run) {
    Loop loop;
    std::vector<int> log;
    Note one(log, 1);
    loop.run();
    loop.post(one);
    loop.run();
    EXPECT_EQ(log, std::vector{1});
}

TEST_F(LoopTest, stop_ends_run_and_the_next_run_goes_on) {
    struct StopAndArm : Timer {
        StopAndArm(Loop& which, Timer& what)
            : Timer([](Timer& timer) {
                  auto& self = static_cast<StopAndArm&>(timer);
                  self.loop.stop();
                  self.loop.arm_after(self.next, 1ms);
              }),
              loop(which), next(what) {}
        Loop& loop;
        Timer& next;
    };
    Loop loop;
    std::vector<int> log;
    Alarm second(log, 2);
    StopAndArm first(loop, second);
    loop.arm_after(first, 1ms);
    loop.run();
    EXPECT_TRUE(log.empty());
    EXPECT_TRUE(second.armed());
    loop.run();
    EXPECT_EQ(log, std::vector{2});
}

TEST_F(LoopTest, stop_outside_of_run_ends_the_next_one) {
    Loop loop;
    std::vector<int> log;
    Alarm alarm(log, 1);
    loop.arm_after(alarm, 1h);
    loop.stop();
    loop.run();
    alarm.disarm();
    loop.arm_after(alarm, 1ms);
    loop.run();
    EXPECT_EQ(log, std::vector{1});
}

Task<int> adds_after_sleep(int a, int b) {
    co_await sleep_for(1ms);
    co_return a + b;
}

Task<> throws_after_yield() {
    co_await yield();
    throw std::runtime_error("it broke");
}

Task<> sets_on_drop(bool& dropped) {
    struct Mark {
        explicit Mark(bool& which) : flag(which) {}
        ~Mark() { flag = true; }
        bool& flag;
    } mark(dropped);
    co_await sleep_for(1h);
}

TEST_F(LoopTest, run_gives_a_tasks_result) {
    Loop loop;
    EXPECT_EQ(loop.run(adds_after_sleep(40, 2)), 42);
    EXPECT_EQ(loop.run(adds_after_sleep(1, 1)), 2);
}

TEST_F(LoopTest, run_throws_a_tasks_exception) {
    Loop loop;
    EXPECT_THROW(loop.run(throws_after_yield()), std::runtime_error);
}

TEST_F(LoopTest, a_task_is_dropped_and_run_throws_when_the_loop_is_stopped) {
    Loop loop;
    bool dropped = false;
    loop.post([&] { loop.stop(); });
    try {
        loop.run(sets_on_drop(dropped));
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.failure(), Errc::cancelled);
    }
    EXPECT_TRUE(dropped);
}

Task<int> seven(Loop&) { co_return 7; }
Task<> ends_well(Loop&) { co_await yield(); }
Task<> ends_badly(Loop&) {
    co_await yield();
    throw Error(Failure(Errc::host_not_found, "broker.example"));
}

TEST_F(LoopTest, the_free_run_makes_an_exit_status_and_says_what_went_wrong) {
    EXPECT_EQ(culex::run(seven), 7);
    EXPECT_EQ(culex::run(ends_well), 0);
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(culex::run(ends_badly), 1);
    EXPECT_NE(::testing::internal::GetCapturedStderr().find("broker.example"), std::string::npos);
}

TEST_F(LoopTest, a_posted_function_may_be_one_that_can_only_be_moved) {
    Loop loop;
    auto value = std::make_unique<int>(3);
    int seen = 0;
    loop.post([&seen, value = std::move(value)] { seen = *value; });
    loop.run();
    EXPECT_EQ(seen, 3);
}

TEST_F(LoopTest, many_posts_wake_the_loop_once) {
    Loop loop;
    TurnCounter counter(loop);
    int ran = 0;
    std::thread poster([&] {
        for (int i = 0; i < 1000; ++i) loop.post([&] { ++ran; });
    });
    poster.join();
    const Loop::Hold hold(loop);
    uv_run(native(loop), UV_RUN_ONCE);
    EXPECT_EQ(ran, 1000);
    EXPECT_EQ(counter.turns, 1);
}

TEST_F(LoopTest, posts_of_several_threads_arrive_in_each_threads_order) {
    constexpr int threads = 4;
    constexpr int posts = 5000;
    Loop loop;
    std::array<int, threads> next{};
    int arrived = 0;
    bool in_order = true;
    std::vector<std::thread> posters;
    for (std::size_t thread = 0; thread < threads; ++thread) {
        posters.emplace_back([&, thread] {
            for (int i = 0; i < posts; ++i) {
                loop.post([&, thread, i] {
                    in_order = in_order && next[thread]++ == i;
                    if (++arrived == threads * posts) loop.stop();
                });
            }
        });
    }
    {
        const Loop::Hold hold(loop);
        loop.run();
    }
    for (std::thread& poster : posters) poster.join();
    EXPECT_EQ(arrived, threads * posts);
    EXPECT_TRUE(in_order);
}

TEST_F(LoopTest, run_runs_what_was_posted_before_it_and_by_that) {
    Loop loop;
    int ran = 0;
    loop.post([&] {
        ++ran;
        loop.post([&] { ++ran; });
    });
    loop.run();
    EXPECT_EQ(ran, 2);
}

TEST_F(LoopTest, a_hold_keeps_run_waiting_for_posts) {
    Loop loop;
    std::optional<Loop::Hold> hold(std::in_place, loop);
    bool ran = false;
    std::thread poster([&] {
        loop.post([&] {
            ran = true;
            hold.reset();
        });
    });
    loop.run();
    poster.join();
    EXPECT_TRUE(ran);
}

TEST_F(LoopTest, posts_to_a_loop_that_is_gone_are_refused_and_their_functions_end) {
    std::optional<Loop> loop(std::in_place);
    const Loop::Poster poster = loop->poster();
    auto never_run = std::make_shared<int>(1);
    EXPECT_TRUE(poster.post([never_run] { FAIL(); }));
    EXPECT_EQ(never_run.use_count(), 2);
    loop.reset();
    EXPECT_EQ(never_run.use_count(), 1);
    EXPECT_FALSE(poster.post([never_run] { FAIL(); }));
    EXPECT_EQ(never_run.use_count(), 1);
}

TEST_F(LoopTest, threads_may_post_while_the_loop_is_being_destroyed) {
    for (int round = 0; round < 20; ++round) {
        auto loop = std::make_unique<Loop>();
        std::atomic<int> begun = 0;
        std::vector<std::thread> posters;
        for (int i = 0; i < 4; ++i) {
            posters.emplace_back([&begun, poster = loop->poster()] {
                ++begun;
                while (poster.post([held = std::make_unique<int>(1)] { ++*held; })) {
                }
            });
        }
        while (begun < 4) uv_run(native(*loop), UV_RUN_NOWAIT);
        loop.reset();
        for (std::thread& poster : posters) poster.join();
    }
}

TEST_F(LoopTest, what_was_posted_may_post_while_the_loop_destroys_it) {
    std::optional<Loop> loop(std::in_place);
    struct PostsAtEnd {
        explicit PostsAtEnd(Loop::Poster to) : poster(std::move(to)) {}
        ~PostsAtEnd() {
            EXPECT_FALSE(poster.post([] {}));
        }
        Loop::Poster poster;
    };
    loop->post([held = std::make_unique<PostsAtEnd>(loop->poster())] {});
    loop.reset();
}

TEST_F(LoopTest, a_loop_made_on_one_thread_may_be_run_by_another) {
    Loop loop;
    std::vector<int> log;
    Note note(log, 1);
    loop.post(note);
    std::thread runner([&] { loop.run(); });
    runner.join();
    EXPECT_EQ(log, std::vector{1});
}

#ifndef NDEBUG
using LoopDeathTest = LoopTest;
TEST_F(LoopDeathTest, use_from_another_thread_is_caught) {
    ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
    Loop loop;
    std::vector<int> log;
    Note note(log, 1);
    Alarm alarm(log, 1);
    EXPECT_DEATH(std::thread([&] { loop.post(note); }).join(), "from another thread");
    EXPECT_DEATH(std::thread([&] { loop.arm_after(alarm, 1s); }).join(), "from another thread");
    Opened opened;
    EXPECT_DEATH(std::thread([&] { auto opening = loop.open(tcp("127.0.0.1", 1), {}, opened); }).join(),
                 "from another thread");
}
#endif

} // namespace
} // namespace culex::testing
