#pragma once
/// \file scheduler.hpp
/// What coroutines need of a loop: a queue of things that are ready to run, and timers. `Runtime` (runtime.hpp) adds streams;
/// the libuv loop and the tests' virtual runtime are the two that exist.
///
/// Theory of operation. Nothing is ever resumed, completed or destroyed from inside the call that made it ready: whoever
/// makes something ready posts a node, and the loop runs the nodes one after another from the bottom of its stack. So no
/// code finds the object under its feet gone, and no lists change while they are walked. A turn of the loop is: input and
/// timers, then the ready queue, then the nodes posted for the end of the turn (buffers to flush), then sleep.
///
/// One scheduler belongs to one thread. Nothing here may be called from another.

#include <coroutine>
#include <vector>

#include <culex/intrusive_list.hpp>
#include <culex/types.hpp>

namespace culex {

class Scheduler;

/// Something to run on a coming turn: a plain function and what derives from this. Destroying it, or `unlink`, takes it
/// back.
class ReadyNode : public ListNode {
public:
    using Run = void (*)(ReadyNode&);
    explicit ReadyNode(Run run) noexcept : run_(run) {}

private:
    friend class Scheduler;
    Run run_;
};

/// A coroutine to resume on a coming turn.
class ReadyCoroutine : public ReadyNode {
public:
    ReadyCoroutine() noexcept : ReadyNode(&ReadyCoroutine::resume) {}
    std::coroutine_handle<> handle{};

private:
    static void resume(ReadyNode& self) { static_cast<ReadyCoroutine&>(self).handle.resume(); }
};

/// A function to call at a time, once. It runs on the loop, never inside `arm`. Destroying it disarms it.
class Timer {
public:
    using Run = void (*)(Timer&);
    explicit Timer(Run run) noexcept : run_(run) {}
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    ~Timer() { disarm(); }

    [[nodiscard]] bool armed() const noexcept { return scheduler_ != nullptr; }
    [[nodiscard]] TimePoint when() const noexcept { return when_; }
    void disarm() noexcept;

private:
    friend class Scheduler;
    Run run_;
    Scheduler* scheduler_ = nullptr;
    TimePoint when_{};
    std::size_t place_ = 0; // in the scheduler's heap
    std::uint64_t order_ = 0; // timers of one instant run in the order in which they were armed
};

class Scheduler {
public:
    Scheduler() = default;
    Scheduler(const Scheduler&) = delete;
    Scheduler& operator=(const Scheduler&) = delete;

    /// The time of this turn. It never goes back and does not follow the wall clock.
    [[nodiscard]] virtual TimePoint now() const noexcept = 0;

    /// Runs `node` on a coming turn, in the order of the posts. A node that is posted already keeps its place.
    void post(ReadyNode& node) noexcept {
        if (node.linked()) return;
        const bool was_idle = ready_.empty();
        ready_.push_back(node);
        if (was_idle) work_arrived();
    }
    /// Runs `node` when the ready queue has been run, before the loop sleeps: the place to flush what a turn has gathered.
    void post_at_turn_end(ReadyNode& node) noexcept {
        if (node.linked()) return;
        const bool was_idle = turn_end_.empty();
        turn_end_.push_back(node);
        if (was_idle) work_arrived();
    }
    /// Runs `timer` once at `when`, or on the next turn where that has passed. An armed timer is moved.
    void arm(Timer& timer, TimePoint when);
    void arm_after(Timer& timer, Duration delay) { arm(timer, now() + delay); }

    /// The scheduler that runs the calling code: set while a loop runs nodes and timers on this thread. Null elsewhere.
    [[nodiscard]] static Scheduler* current() noexcept;

protected:
    ~Scheduler(); // timers that are still armed are disarmed

    /// For the loop: runs the nodes that are ready now (not those that they make ready), then those for the end of the
    /// turn. True where more has become ready.
    bool run_ready();
    /// For the loop: runs the timers whose time has come at `now()`.
    void run_timers();
    /// For the loop: when to wake at the latest; `TimePoint::max()` where no timer is armed.
    [[nodiscard]] TimePoint next_timer() const noexcept;
    [[nodiscard]] bool has_ready() const noexcept { return !ready_.empty() || !turn_end_.empty(); }

    /// Something was posted while nothing was: do not sleep.
    virtual void work_arrived() noexcept = 0;
    /// The earliest timer has changed; see `next_timer`.
    virtual void next_timer_changed() noexcept = 0;

private:
    friend class Timer;
    void disarm(Timer& timer) noexcept;
    void place(std::size_t index, Timer* timer) noexcept;
    void sift_up(std::size_t index) noexcept;
    void sift_down(std::size_t index) noexcept;

    IntrusiveList<ReadyNode> ready_;
    IntrusiveList<ReadyNode> turn_end_;
    std::vector<Timer*> timers_; // a binary heap; each timer knows its place, so that disarming needs no search
    std::uint64_t armed_ = 0;
};

inline void Timer::disarm() noexcept {
    if (scheduler_) scheduler_->disarm(*this);
}

} // namespace culex
