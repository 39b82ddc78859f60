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

#include <cassert>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <culex/intrusive_list.hpp>
#include <culex/ready_node.hpp>
#include <culex/types.hpp>

namespace culex {

/// A coroutine to resume on a coming turn.
class ReadyCoroutine : public ReadyNode {
public:
    ReadyCoroutine() noexcept : ReadyNode(&ReadyCoroutine::resume) {}
    /// What to resume; to be set before it is posted.
    std::coroutine_handle<> handle{};

private:
    static void resume(ReadyNode& self) { static_cast<ReadyCoroutine&>(self).handle.resume(); }
};

/// A function to call at a time, once. It runs on the loop, never inside `arm`. Destroying it disarms it. The function may
/// destroy its timer or arm it again; it must not throw.
class Timer {
public:
    /// Called with the timer, which is not armed any more.
    using Run = void (*)(Timer&);
    /// What to run; it is not armed yet.
    explicit Timer(Run run) noexcept : run_(run) {}
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    ~Timer() { disarm(); }

    /// Whether it is going to run.
    [[nodiscard]] bool armed() const noexcept { return scheduler_ != nullptr; }
    /// The time for which it was armed last.
    [[nodiscard]] TimePoint when() const noexcept { return when_; }
    /// Takes it back; nothing happens where it is not armed.
    void disarm() noexcept;

private:
    friend class Scheduler;
    Run run_;
    Scheduler* scheduler_ = nullptr;
    TimePoint when_{};
    std::size_t place_ = 0;   // in the scheduler's heap
    std::uint64_t order_ = 0; // timers of one instant run in the order in which they were armed
};

/// A ready queue and timers; see the file's comment.
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
    /// The same for all of `nodes`, which is empty then: in constant time.
    void post_all(IntrusiveList<ReadyNode>& nodes) noexcept {
        const bool was_idle = ready_.empty();
        ready_.splice_back(nodes);
        if (was_idle && !ready_.empty()) work_arrived();
    }
    /// Runs `node` when the ready queue has been run, before the loop sleeps: the place to flush what a turn has gathered.
    void post_at_turn_end(ReadyNode& node) noexcept {
        if (node.linked()) return;
        const bool was_idle = turn_end_.empty();
        turn_end_.push_back(node);
        if (was_idle) work_arrived();
    }
    /// Runs `timer` once at `when`, or on the next turn where that has passed (then `Timer::when` is now). An armed timer
    /// is moved. `TimePoint::max()` never comes. Throws `std::bad_alloc` only, and then the timer is not armed.
    void arm(Timer& timer, TimePoint when);
    /// The same after `delay` from now.
    void arm_after(Timer& timer, Duration delay) { arm(timer, time_after(delay)); }
    /// Takes an armed timer back; for others, `Timer::disarm`.
    void disarm(Timer& timer) noexcept;
    /// `now() + delay`; a delay too great for the clock gives `TimePoint::max()`.
    [[nodiscard]] TimePoint time_after(Duration delay) const noexcept;

    /// The scheduler that runs the calling code: set while a loop runs nodes and timers on this thread, and by
    /// `CurrentScope`. Null elsewhere.
    [[nodiscard]] static Scheduler* current() noexcept { return current_; }
    /// The same where there must be one: whatever awaits needs a loop that will resume it.
    [[nodiscard]] static Scheduler& here() noexcept {
        assert(current_ && "culex: awaited outside of any loop; start tasks with run(), spawn() or start_on()");
        return *current_;
    }

    /// Makes a scheduler the current one while it lives. For loops, around calls that come neither from a node nor from
    /// a timer: what a stream has read, the first step of a task.
    class [[nodiscard]] CurrentScope {
    public:
        /// Must end on the same thread, in the reverse order of other scopes.
        explicit CurrentScope(Scheduler& scheduler) noexcept : before_(current_) { current_ = &scheduler; }
        CurrentScope(const CurrentScope&) = delete;
        CurrentScope& operator=(const CurrentScope&) = delete;
        ~CurrentScope() { current_ = before_; }

    private:
        Scheduler* before_;
    };

protected:
    ~Scheduler(); // timers that are still armed are disarmed

    /// For the loop: runs the nodes that are ready now (not those that they make ready), then those for the end of the
    /// turn. True where more has become ready.
    bool run_ready() noexcept;
    /// For the loop: runs the timers whose time has come at `now()`, in the order of their times; not those that are
    /// armed meanwhile.
    void run_timers() noexcept;
    /// For the loop: when to wake at the latest; `TimePoint::max()` where no timer is armed.
    [[nodiscard]] TimePoint next_timer() const noexcept;
    /// Whether anything is posted.
    [[nodiscard]] bool has_ready() const noexcept { return !ready_.empty() || !turn_end_.empty(); }

    /// Something was posted while nothing was: do not sleep.
    virtual void work_arrived() noexcept = 0;
    /// `next_timer` has changed. Called once for all that `run_timers` takes out.
    virtual void next_timer_changed() noexcept = 0;

private:
    [[nodiscard]] static bool before(const Timer& a, const Timer& b) noexcept;
    void remove(Timer& timer) noexcept;
    void place(std::size_t index, Timer* timer) noexcept;
    void sift_up(std::size_t index) noexcept;
    void sift_down(std::size_t index) noexcept;

    IntrusiveList<ReadyNode> ready_;
    IntrusiveList<ReadyNode> turn_end_;
    std::vector<Timer*> timers_; // a binary heap; each timer knows its place, so that disarming needs no search
    std::uint64_t armed_ = 0;

    // `constinit`, so that a read is one load and no call of an initialiser.
    static inline constinit thread_local Scheduler* current_ = nullptr;
};

/// A coroutine that waits in somebody's list until that somebody wakes it: the part that awaiters have in common. The one
/// link serves for both, first in the list of those who wait, then in the ready queue; so an awaiter that is destroyed
/// leaves whichever holds it.
class Waiter : public ReadyCoroutine {
public:
    /// Called when the coroutine suspends: remembers it, and the loop that it runs on.
    void suspend(std::coroutine_handle<> coroutine) noexcept {
        handle = coroutine;
        scheduler_ = &Scheduler::here();
    }
    /// Resumes it on a coming turn. It must have been taken out of the list in which it waited.
    void wake() noexcept { scheduler_->post(*this); }
    /// The one on which it was suspended.
    [[nodiscard]] Scheduler& scheduler() const noexcept { return *scheduler_; }

private:
    Scheduler* scheduler_ = nullptr;
};

inline void Timer::disarm() noexcept {
    if (scheduler_) scheduler_->disarm(*this);
}

} // namespace culex
