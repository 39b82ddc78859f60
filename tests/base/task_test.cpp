#include <culex/task.hpp>

#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "support/manual_scheduler.hpp"
#include "support/trace.hpp"

namespace culex {
namespace {

using testing::ManualScheduler;
using testing::Trace;

/// The simplest thing to wait for: resumed by hand.
class Gate {
public:
    class Wait {
    public:
        explicit Wait(Gate& gate) noexcept : gate_(gate) {}
        Wait(const Wait&) = delete;
        Wait& operator=(const Wait&) = delete;
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> coroutine) noexcept {
            waiter_.suspend(coroutine);
            gate_.waiters_.push_back(waiter_);
        }
        void await_resume() const noexcept {}

    private:
        Gate& gate_;
        Waiter waiter_;
    };
    Wait wait() noexcept { return Wait(*this); }
    void open() {
        while (Waiter* waiter = waiters_.pop_front()) waiter->wake();
    }
    bool awaited() const noexcept { return !waiters_.empty(); }

private:
    IntrusiveList<Waiter> waiters_;
};

Task<> nothing() { co_return; }
Task<int> answer(int value) { co_return value; }
Task<std::string> text(std::string value) { co_return value + "!"; }
Task<std::unique_ptr<int>> move_only(int value) { co_return std::make_unique<int>(value); }
Task<std::pair<int, std::string>> braces() { co_return {7, "seven"}; }
Task<int> failing() {
    throw std::runtime_error("failed on purpose");
    co_return 0;
}
Task<> pass(Gate& gate) { co_await gate.wait(); }
Task<int> answer_behind(Gate& gate, int value) {
    co_await gate.wait();
    co_return value;
}
Task<int> failing_behind(Gate& gate) {
    co_await gate.wait();
    throw std::runtime_error("failed later");
}

TEST(Task, does_nothing_until_it_is_awaited) {
    bool ran = false;
    struct Body {
        static Task<> run(bool& flag) {
            flag = true;
            co_return;
        }
    };
    {
        const Task<> task = Body::run(ran);
        EXPECT_TRUE(task.valid());
        EXPECT_FALSE(task.done());
    }
    EXPECT_FALSE(ran);
}

TEST(Task, gives_values_of_every_kind) {
    struct Body {
        static Task<std::string> run() {
            co_await nothing();
            const int number = co_await answer(41);
            const std::string word = co_await text("word");
            const std::unique_ptr<int> owned = co_await move_only(3);
            const auto [seven, name] = co_await braces();
            co_return std::to_string(number + 1) + word + std::to_string(*owned) + std::to_string(seven) + name;
        }
    };
    ManualScheduler scheduler;
    EXPECT_EQ(scheduler.run(Body::run()), "42word!37seven");
}

TEST(Task, passes_exceptions_to_the_one_that_awaits) {
    struct Body {
        static Task<std::string> run(Gate& gate) {
            std::string seen;
            try {
                co_await failing();
            } catch (const std::runtime_error& error) {
                seen = error.what();
            }
            try {
                co_await failing_behind(gate);
            } catch (const std::runtime_error& error) {
                seen += error.what();
            }
            co_return seen;
        }
    };
    ManualScheduler scheduler;
    Gate gate;
    TaskRoot<std::string> root(Body::run(gate));
    root.start_on(scheduler);
    scheduler.run();
    EXPECT_FALSE(root.done());
    gate.open();
    scheduler.run();
    ASSERT_TRUE(root.done());
    EXPECT_EQ(root.exception(), nullptr);
    EXPECT_EQ(root.result(), "failed on purposefailed later");
}

TEST(Task, throws_from_the_root_what_nobody_caught) {
    ManualScheduler scheduler;
    EXPECT_THROW(scheduler.run(failing()), std::runtime_error);
}

TEST(Task, resumes_through_several_levels_when_the_innermost_is_woken) {
    struct Body {
        static Task<int> level(Gate& gate, int depth) {
            if (depth == 0) co_return co_await answer_behind(gate, 1);
            const int below = co_await level(gate, depth - 1);
            co_return below + 1;
        }
    };
    ManualScheduler scheduler;
    Gate gate;
    TaskRoot<int> root(Body::level(gate, 100));
    root.start_on(scheduler);
    scheduler.run();
    EXPECT_FALSE(root.done());
    gate.open();
    scheduler.run();
    EXPECT_EQ(root.result(), 101);
}

TEST(Task, is_never_resumed_inside_the_call_that_wakes_it) {
    ManualScheduler scheduler;
    Gate gate;
    TaskRoot<> root(pass(gate));
    root.start_on(scheduler);
    EXPECT_FALSE(gate.awaited()) << "the root begins on a turn, not inside start_on";
    scheduler.run();
    gate.open();
    EXPECT_FALSE(root.done());
    scheduler.run();
    EXPECT_TRUE(root.done());
}

TEST(Task, tells_the_owner_through_the_ready_queue_when_it_ends) {
    struct Owner : TaskRoot<> {
        Owner(Task<> task, bool& told)
            : TaskRoot(std::move(task), [](TaskRoot& root) { static_cast<Owner&>(root).flag = true; }), flag(told) {}
        bool& flag;
    };
    ManualScheduler scheduler;
    Gate gate;
    bool told = false;
    Owner owner(pass(gate), told);
    owner.start_on(scheduler);
    scheduler.run();
    gate.open();
    scheduler.turn(); // the task ends and posts its owner
    EXPECT_TRUE(owner.done());
    EXPECT_FALSE(told);
    scheduler.turn();
    EXPECT_TRUE(told);
}

TEST(Task, started_by_an_owner_says_at_once_that_it_has_ended_without_waiting) {
    class Completion : public ReadyNode {
    public:
        Completion() : ReadyNode([](ReadyNode& node) { ++static_cast<Completion&>(node).runs; }) {}
        int runs = 0;
    };
    ManualScheduler scheduler;
    const Scheduler::CurrentScope scope(scheduler);
    Completion completion;
    Task<int> task = answer(5);
    EXPECT_TRUE(task.start(completion));
    EXPECT_EQ(task.result(), 5);
    scheduler.run_until_idle();
    EXPECT_EQ(completion.runs, 0);

    Gate gate;
    Task<int> later = answer_behind(gate, 6);
    EXPECT_FALSE(later.start(completion));
    gate.open();
    scheduler.run_until_idle();
    EXPECT_EQ(completion.runs, 1);
    EXPECT_EQ(later.result(), 6);
}

TEST(Task, dropping_it_destroys_everything_that_it_awaits_from_the_inside_out) {
    struct Body {
        static Task<> inner(std::string& log, Gate& gate) {
            const Trace trace(log, 'i');
            co_await gate.wait();
            log += '!';
        }
        static Task<> middle(std::string& log, Gate& gate) {
            const Trace trace(log, 'm');
            co_await inner(log, gate);
            log += '!';
        }
        static Task<> outer(std::string& log, Gate& gate) {
            const Trace trace(log, 'o');
            co_await middle(log, gate);
            log += '!';
        }
    };
    ManualScheduler scheduler;
    Gate gate;
    std::string log;
    {
        TaskRoot<> root(Body::outer(log, gate));
        root.start_on(scheduler);
        scheduler.run();
        EXPECT_TRUE(gate.awaited());
    }
    EXPECT_EQ(log, "imo");
    EXPECT_FALSE(gate.awaited());
    gate.open();
    scheduler.run();
    EXPECT_EQ(log, "imo");
}

TEST(Task, dropped_between_being_woken_and_resumed_does_not_run) {
    ManualScheduler scheduler;
    Gate gate;
    auto root = std::make_unique<TaskRoot<>>(pass(gate));
    root->start_on(scheduler);
    scheduler.run();
    gate.open();
    EXPECT_TRUE(scheduler.has_ready());
    root.reset();
    EXPECT_FALSE(scheduler.has_ready());
    scheduler.run();
}

TEST(Task, dropped_before_its_first_step_never_begins) {
    ManualScheduler scheduler;
    Gate gate;
    auto root = std::make_unique<TaskRoot<>>(pass(gate));
    root->start_on(scheduler);
    root.reset();
    scheduler.run();
    EXPECT_FALSE(gate.awaited());
}

TEST(Task, frees_the_awaited_frame_at_the_end_of_the_expression) {
    struct Body {
        static Task<> holder(std::shared_ptr<int>) { co_return; }
        static Task<long> run() {
            auto shared = std::make_shared<int>(1);
            auto task = holder(shared);
            co_await std::move(task);
            co_return shared.use_count();
        }
    };
    ManualScheduler scheduler;
    EXPECT_EQ(scheduler.run(Body::run()), 1);
}

TEST(Task, can_be_moved_and_assigned_over) {
    ManualScheduler scheduler;
    std::string log;
    struct Body {
        static Task<> run(std::string& out, char letter) {
            const Trace trace(out, letter);
            co_return;
        }
    };
    Task<> a = Body::run(log, 'a');
    Task<> b = std::move(a);
    EXPECT_FALSE(a.valid());
    a = Body::run(log, 'c');
    a = std::move(b);
    EXPECT_EQ(log, "") << "a task that has not begun has no locals to destroy";
    scheduler.run(std::move(a));
    EXPECT_EQ(log, "a");
}

TEST(Task, a_million_awaits_that_need_not_wait_use_no_stack) {
    struct Body {
        static Task<long> run(long count) {
            long sum = 0;
            for (long i = 0; i < count; ++i) {
                const int one = co_await answer(1);
                sum += one;
            }
            co_return sum;
        }
    };
    ManualScheduler scheduler;
    EXPECT_EQ(scheduler.run(Body::run(1'000'000)), 1'000'000);
}

TEST(Task, a_hundred_thousand_awaits_that_wait_use_no_stack) {
    class Turn : public Waiter { // awaits the next turn
    public:
        Turn() noexcept {}
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> coroutine) noexcept {
            suspend(coroutine);
            wake();
        }
        void await_resume() const noexcept {}
    };
    struct Body {
        static Task<int> one() {
            co_await Turn();
            co_return 1;
        }
        static Task<long> run(long count) {
            long sum = 0;
            for (long i = 0; i < count; ++i) {
                const int value = co_await one();
                sum += value;
            }
            co_return sum;
        }
    };
    ManualScheduler scheduler;
    EXPECT_EQ(scheduler.run(Body::run(100'000)), 100'000);
}

} // namespace
} // namespace culex
