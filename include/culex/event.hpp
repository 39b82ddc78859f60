#pragma once
/// \file event.hpp
/// Two things to wait for that some other code announces: a state (`Event`) and a happening (`Signal`). `set` and `notify`
/// may be called by plain callbacks as well as by coroutines of the same thread; nobody is resumed inside the call.
///
/// Both must outlive those who wait for them: those who wait when they end are never resumed.

#include <cassert>
#include <coroutine>

#include <culex/scheduler.hpp>

namespace culex {

/// A flag that any number of coroutines may await. It stays set until `reset`.
class Event {
public:
    class Wait;

    /// Sets the flag and resumes, on a coming turn and in the order in which they came, all who wait now; a `reset` before
    /// they run does not hold them back.
    void set() noexcept {
        set_ = true;
        while (Waiter* waiter = waiters_.pop_front()) waiter->wake();
    }
    /// Whoever waits from now on waits for the next `set`.
    void reset() noexcept { set_ = false; }
    /// Whether the flag is set.
    [[nodiscard]] bool is_set() const noexcept { return set_; }

    /// `co_await event.wait();` goes on at once where the flag is set.
    [[nodiscard]] Wait wait() noexcept;

private:
    bool set_ = false;
    IntrusiveList<Waiter> waiters_;
};

/// See `Event::wait`.
class [[nodiscard]] Event::Wait {
public:
    explicit Wait(Event& event) noexcept : event_(event) {}
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;

    bool await_ready() const noexcept { return event_.set_; }
    void await_suspend(std::coroutine_handle<> coroutine) noexcept {
        waiter_.suspend(coroutine);
        event_.waiters_.push_back(waiter_);
    }
    void await_resume() const noexcept {}

private:
    Event& event_;
    Waiter waiter_;
};

inline Event::Wait Event::wait() noexcept { return Wait(*this); }

/// "Something is new, look again" for one coroutine: remembers one notification, however many came, until it is awaited.
class Signal {
public:
    class Wait;

    /// Resumes whoever waits, on a coming turn; or else the next `wait` goes on at once.
    void notify() noexcept {
        // The notification is taken by `await_resume` and not by waking: a waiter that is dropped in between leaves it to
        // the next.
        notified_ = true;
        if (Waiter* waiter = waiter_.pop_front()) waiter->wake();
    }
    /// Whether a notification is remembered.
    [[nodiscard]] bool is_notified() const noexcept { return notified_; }

    /// `co_await signal.wait();` goes on at once where a notification is remembered, and takes it. Only one may wait.
    [[nodiscard]] Wait wait() noexcept;

private:
    bool notified_ = false;
    IntrusiveList<Waiter> waiter_; // none or one; a list, because a waiter that is dropped leaves it by itself
};

/// See `Signal::wait`.
class [[nodiscard]] Signal::Wait {
public:
    explicit Wait(Signal& signal) noexcept : signal_(signal) {}
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;

    bool await_ready() const noexcept { return signal_.notified_; }
    void await_suspend(std::coroutine_handle<> coroutine) noexcept {
        assert(signal_.waiter_.empty() && "culex: a second coroutine waits for a signal");
        waiter_.suspend(coroutine);
        signal_.waiter_.push_back(waiter_);
    }
    void await_resume() const noexcept { signal_.notified_ = false; }

private:
    Signal& signal_;
    Waiter waiter_;
};

inline Signal::Wait Signal::wait() noexcept { return Wait(*this); }

} // namespace culex
