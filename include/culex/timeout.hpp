#pragma once
/// \file timeout.hpp
/// Waiting for time to pass, and not waiting longer than that. Times are those of the loop (`Scheduler::now`).

#include <coroutine>
#include <utility>

#include <culex/task.hpp>

namespace culex {

/// See `sleep_until`.
class [[nodiscard]] Sleep {
public:
    explicit Sleep(TimePoint when) noexcept : timer_(when) {}
    Sleep(const Sleep&) = delete;
    Sleep& operator=(const Sleep&) = delete;

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> coroutine) {
        timer_.waiter.suspend(coroutine);
        timer_.waiter.scheduler().arm(timer_, timer_.until);
    }
    void await_resume() const noexcept {}

private:
    struct Alarm : Timer {
        explicit Alarm(TimePoint when) noexcept
            : Timer([](Timer& self) { static_cast<Alarm&>(self).waiter.wake(); }), until(when) {}
        TimePoint until;
        Waiter waiter;
    };
    Alarm timer_;
};

/// `co_await sleep_until(t);` goes on at `t`, or on the next turn where that has passed.
[[nodiscard]] inline Sleep sleep_until(TimePoint when) noexcept { return Sleep(when); }
/// `co_await sleep_for(5s);` counts from the call. A time beyond the clock's end is never reached.
[[nodiscard]] inline Sleep sleep_for(Duration duration) noexcept {
    return Sleep(Scheduler::here().time_after(duration));
}

/// See `yield`.
class [[nodiscard]] Yield {
public:
    Yield() noexcept {}
    Yield(const Yield&) = delete;
    Yield& operator=(const Yield&) = delete;

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> coroutine) noexcept {
        waiter_.suspend(coroutine);
        waiter_.wake();
    }
    void await_resume() const noexcept {}

private:
    Waiter waiter_;
};

/// `co_await yield();` lets everything run that is ready, and goes on on the next turn.
[[nodiscard]] inline Yield yield() noexcept { return Yield(); }

namespace detail {

/// What `with_timeout` does that has nothing to do with its task's type.
class TimeoutBase {
protected:
    explicit TimeoutBase(TimePoint deadline) noexcept : deadline_(deadline), timer_(*this), over_(*this) {}
    TimeoutBase(const TimeoutBase&) = delete;
    TimeoutBase& operator=(const TimeoutBase&) = delete;
    ~TimeoutBase() = default;

    void arm(std::coroutine_handle<> parent) {
        parent_ = parent;
        Scheduler::here().arm(timer_, deadline_);
    }
    [[nodiscard]] ReadyNode& completion() noexcept { return over_; }
    [[noreturn]] static void throw_timed_out();

private:
    struct Alarm : Timer {
        explicit Alarm(TimeoutBase& timeout) noexcept
            : Timer([](Timer& self) { static_cast<Alarm&>(self).owner.post_over(); }), owner(timeout) {}
        TimeoutBase& owner;
    };
    /// Posted by the timer and by the task, whichever comes first. Where both come in one turn the result counts.
    struct Over : ReadyNode {
        explicit Over(TimeoutBase& timeout) noexcept
            : ReadyNode([](ReadyNode& self) { static_cast<Over&>(self).owner.finish(); }), owner(timeout) {}
        TimeoutBase& owner;
    };
    void post_over() noexcept { Scheduler::here().post(over_); }
    void finish() {
        timer_.disarm();
        parent_.resume();
    }

    TimePoint deadline_;
    std::coroutine_handle<> parent_{};
    Alarm timer_;
    Over over_;
};

} // namespace detail

/// See `with_timeout`.
template <class T> class [[nodiscard]] Timeout : private detail::TimeoutBase {
public:
    Timeout(Task<T> task, TimePoint deadline) noexcept : TimeoutBase(deadline), task_(std::move(task)) {}

    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> parent) {
        if (task_.start(completion())) return false;
        arm(parent);
        return true;
    }
    T await_resume() {
        if (!task_.done()) {
            task_.drop();
            throw_timed_out();
        }
        return task_.result();
    }

private:
    Task<T> task_;
};

/// `auto x = co_await with_timeout(task(), 5s);` gives the task's result, or throws `Error` (`Errc::timed_out`) when the
/// time, counted from the call, is over before; the task has been dropped by then.
template <class T> [[nodiscard]] Timeout<T> with_timeout(Task<T> task, Duration duration) noexcept {
    return Timeout<T>(std::move(task), Scheduler::here().time_after(duration));
}
/// The same up to a point in time.
template <class T> [[nodiscard]] Timeout<T> with_deadline(Task<T> task, TimePoint deadline) noexcept {
    return Timeout<T>(std::move(task), deadline);
}

} // namespace culex
