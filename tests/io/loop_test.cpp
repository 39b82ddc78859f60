#include <culex/loop.hpp>

#include <stdexcept>
#include <thread>

#include <culex/timeout.hpp>

#include "io/loop_fixture.hpp"
#include "support/no_descriptors.hpp"

namespace culex::testing {
namespace {

using namespace std::chrono_literals;

class LoopTest : public IoTest {};

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

TEST_F(LoopTest, says_why_it_cannot_be_made) {
    if (errors_need_descriptors) GTEST_SKIP() << "a sanitizer opens pipes";
    try {
        const NoDescriptors none;
        const Loop loop;
        ADD_FAILURE() << "no error";
    } catch (const Error& error) {
        EXPECT_TRUE(error.failure() == std::errc::too_many_files_open) << error.what();
        EXPECT_EQ(error.detail(), "libuv's loop could not be set up");
    }
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
