#include <culex/signal_set.hpp>

#include <csignal>
#include <thread>
#include <vector>

#include <culex/nursery.hpp>

#include "io/loop_fixture.hpp"

namespace culex::testing {
namespace {

class SignalSetTest : public IoTest {
protected:
    /// Begins to wait, and is back when it does.
    void wait(SignalSet& signals, Nursery& waiting, std::vector<int>& to) {
        loop.post([&] { waiting.spawn(note(signals, to)); });
        loop.run();
    }
    static Task<> note(SignalSet& signals, std::vector<int>& to) { to.push_back(co_await signals.next()); }

    Loop loop;
};

/// What becomes of the process when it comes.
bool has_default_action(int number) {
    struct sigaction action{};
    EXPECT_EQ(::sigaction(number, nullptr, &action), 0);
    return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == SIG_DFL;
}

Task<std::vector<int>> take(SignalSet& signals, std::size_t count) {
    std::vector<int> numbers;
    while (numbers.size() < count) numbers.push_back(co_await signals.next());
    co_return numbers;
}

TEST_F(SignalSetTest, gives_the_signal_to_who_waits) {
    SignalSet signals(loop, {SIGUSR1, SIGUSR2});
    std::vector<int> got;
    Nursery waiting(loop);
    wait(signals, waiting, got);
    EXPECT_TRUE(got.empty());
    const Loop::Hold hold(loop);
    ::raise(SIGUSR2);
    run_until(loop, [&] { return !got.empty(); });
    EXPECT_EQ(got, (std::vector{SIGUSR2}));
}

TEST_F(SignalSetTest, comes_from_any_thread) {
    SignalSet signals(loop, {SIGUSR1});
    const std::jthread other([] { ::raise(SIGUSR1); }); // to this thread, and no other
    EXPECT_EQ(loop.run(signals.next()), SIGUSR1);
}

TEST_F(SignalSetTest, keeps_what_came_when_nobody_waited_once_for_each_number) {
    SignalSet signals(loop, {SIGUSR1, SIGUSR2});
    for (const int number : {SIGUSR2, SIGUSR1, SIGUSR2}) ::raise(number);
    EXPECT_EQ(loop.run(take(signals, 2)), (std::vector{SIGUSR2, SIGUSR1}));
    ::raise(SIGUSR1);
    EXPECT_EQ(loop.run(signals.next()), SIGUSR1);
}

TEST_F(SignalSetTest, a_next_that_is_dropped_takes_none) {
    SignalSet signals(loop, {SIGUSR1});
    std::vector<int> got;
    {
        Nursery waiting(loop);
        wait(signals, waiting, got);
        const Loop::Hold hold(loop);
        ::raise(SIGUSR1);
        uv_run(native(loop), UV_RUN_NOWAIT); // it has come, and who waits has not run
    }
    EXPECT_EQ(loop.run(signals.next()), SIGUSR1);
    EXPECT_TRUE(got.empty());
}

TEST_F(SignalSetTest, each_of_several_who_wait_gets_its_own) {
    SignalSet signals(loop, {SIGUSR1, SIGUSR2});
    std::vector<int> got;
    Nursery waiting(loop);
    wait(signals, waiting, got);
    wait(signals, waiting, got);
    const Loop::Hold hold(loop);
    ::raise(SIGUSR1);
    run_until(loop, [&] { return got.size() == 1; });
    ::raise(SIGUSR2);
    run_until(loop, [&] { return got.size() == 2; });
    EXPECT_EQ(got, (std::vector{SIGUSR1, SIGUSR2}));
}

TEST_F(SignalSetTest, every_set_gets_it_on_every_loop) {
    Loop other;
    SignalSet one(loop, {SIGUSR1});
    SignalSet two(loop, {SIGUSR1});
    SignalSet elsewhere(other, {SIGUSR1});
    ::raise(SIGUSR1);
    EXPECT_EQ(loop.run(one.next()), SIGUSR1);
    EXPECT_EQ(loop.run(two.next()), SIGUSR1);
    EXPECT_EQ(other.run(elsewhere.next()), SIGUSR1);
}

TEST_F(SignalSetTest, default_action_is_off_while_it_lives) {
    ASSERT_TRUE(has_default_action(SIGUSR1));
    {
        const SignalSet signals(loop, {SIGUSR1});
        EXPECT_FALSE(has_default_action(SIGUSR1));
    }
    EXPECT_TRUE(has_default_action(SIGUSR1));
}

TEST_F(SignalSetTest, refuses_what_cannot_be_caught_and_catches_nothing_then) {
    for (const int number : {0, -1, SIGKILL, SIGSTOP, 1000}) {
        try {
            const SignalSet signals(loop, {SIGUSR1, number});
            ADD_FAILURE() << number;
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), Errc::invalid_argument);
            EXPECT_EQ(error.detail(), "signal " + std::to_string(number) + " cannot be caught");
        }
        EXPECT_TRUE(has_default_action(SIGUSR1)) << number;
    }
}

} // namespace
} // namespace culex::testing
