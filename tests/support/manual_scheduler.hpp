#pragma once
/// \file manual_scheduler.hpp
/// A scheduler that the test turns by hand, for the tests of floor 0: nothing in it but time and the two queues.

#include <culex/task.hpp>

namespace culex::testing {

class ManualScheduler final : public Scheduler {
public:
    TimePoint now() const noexcept override { return now_; }

    /// One turn of the loop; true where there is more to do now.
    bool turn() {
        run_timers();
        return run_ready() || next_timer() <= now_;
    }
    void run_until_idle() {
        while (turn()) {
        }
    }
    /// Lets time pass, timer by timer.
    void advance(Duration duration) {
        const TimePoint end = now_ + duration;
        run_until_idle();
        while (next_timer() <= end) {
            now_ = next_timer();
            run_until_idle();
        }
        now_ = end;
    }
    /// Runs until nothing can happen any more.
    void run() {
        run_until_idle();
        while (next_timer() != TimePoint::max()) {
            now_ = next_timer();
            run_until_idle();
        }
    }
    /// Runs `task` to its end, and whatever else there is to run meanwhile.
    template <class T> T run(Task<T> task) {
        TaskRoot<T> root(std::move(task));
        root.start_on(*this);
        run();
        if (!root.done()) throw Stuck{};
        return root.result();
    }
    struct Stuck {};

    using Scheduler::has_ready;
    using Scheduler::next_timer;
    int wake_ups = 0;      ///< calls of `work_arrived`
    int timer_changes = 0; ///< calls of `next_timer_changed`

private:
    void work_arrived() noexcept override { ++wake_ups; }
    void next_timer_changed() noexcept override { ++timer_changes; }

    TimePoint now_{std::chrono::hours(1)};
};

} // namespace culex::testing
