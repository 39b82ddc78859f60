#pragma once
/// \file task.hpp
/// `Task<T>`: a coroutine that begins when it is awaited, and gives a `T` or throws.
///
/// Theory of operation. A task owns its coroutine's frame, and the frame owns, as a local or a temporary, whatever it
/// awaits. So dropping a task cancels it with all that it waits for: locals are destroyed, lists and timers are left, and
/// nothing of it runs afterwards. There is no status to ask for and no token to pass on.
///
/// Two rules keep that sound. A task is never dropped by code that it has called itself: owners drop tasks in a node
/// that the scheduler runs, where no coroutine is on the stack. And nothing resumes a coroutine but such a node:
/// whoever waits at the bottom, for an event or a timer, posts itself (`Waiter`).
///
/// Awaiting a task runs it at once, on the stack of whoever awaits, until it first has to wait. If it ends before that, the
/// caller just goes on and was never suspended: a loop of a million such awaits needs no stack, under every compiler and
/// sanitizer, which a transfer of control in both directions would. A task that ends later passes control to the one that
/// awaits it.
///
/// What owns a task without being a coroutine (a nursery, a timeout, a loop's `run`) starts it with a node that is posted
/// when the task has ended: `Task::start`, or with the whole of it done, `TaskRoot`.
///
/// Frames come from the pool (pool.hpp). They are aligned as `operator new` aligns: no local or parameter of a coroutine
/// may ask for more. g++ 12 has faults in `co_await` expressions: see "Coroutines" in the README before writing one.

#include <cassert>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include <culex/pool.hpp>
#include <culex/scheduler.hpp>

namespace culex {

template <class T = void> class Task;

namespace detail {

/// What the promises of all tasks have in common.
class TaskPromiseBase {
public:
    static void* operator new(std::size_t size) { return pool_allocate(size); }
    static void operator delete(void* memory, std::size_t size) noexcept { pool_free(memory, size); }

    std::suspend_always initial_suspend() const noexcept { return {}; }

    class Final {
    public:
        bool await_ready() const noexcept { return false; }
        template <class Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
            TaskPromiseBase& promise = ended.promise();
            if (promise.continuation) return promise.continuation;
            if (promise.completion) Scheduler::here().post(*promise.completion);
            return std::noop_coroutine();
        }
        void await_resume() const noexcept {}
    };
    Final final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept { exception = std::current_exception(); }

    // One of the two is set once the task has had to wait; none where it ended without.
    std::coroutine_handle<> continuation{}; ///< awaits the task
    ReadyNode* completion = nullptr;        ///< of the owner that started it
    std::exception_ptr exception{};
};

template <class T> class TaskPromise : public TaskPromiseBase {
public:
    Task<T> get_return_object() noexcept;
    template <class U = T>
        requires std::is_constructible_v<T, U>
    void return_value(U&& value) noexcept(std::is_nothrow_constructible_v<T, U>) {
        value_.emplace(std::forward<U>(value));
    }
    T take() {
        if (exception) std::rethrow_exception(exception);
        return *std::move(value_);
    }

private:
    std::optional<T> value_;
};

template <> class TaskPromise<void> : public TaskPromiseBase {
public:
    Task<void> get_return_object() noexcept;
    void return_void() const noexcept {}
    void take() const {
        if (exception) std::rethrow_exception(exception);
    }
};

} // namespace detail

/// A coroutine's result to come. `T` is void or an object type. Belongs to the thread of the loop that it runs on.
template <class T> class [[nodiscard]] Task {
public:
    using promise_type = detail::TaskPromise<T>;

    /// Holds no coroutine; may be assigned to and dropped.
    Task() noexcept = default;
    Task(Task&& other) noexcept : coroutine_(std::exchange(other.coroutine_, {})) {}
    Task& operator=(Task&& other) noexcept {
        if (this != &other) {
            drop();
            coroutine_ = std::exchange(other.coroutine_, {});
        }
        return *this;
    }
    /// Cancels the coroutine if it has not ended. Must not happen in what the coroutine itself has called.
    ~Task() { drop(); }

    /// What `co_await std::move(task)` does: runs it, and gives its result or throws its exception. It can be awaited once.
    class Awaiter;
    [[nodiscard]] Awaiter operator co_await() && noexcept { return Awaiter(std::exchange(coroutine_, {})); }

    // For owners that are no coroutines.

    /// Runs the task until it first waits; true if it has ended by then. If not, `completion` is posted when it ends; it
    /// must live until then, or until the task is dropped. To be called once, where a scheduler is current.
    [[nodiscard]] bool start(ReadyNode& completion) noexcept {
        assert(coroutine_ && !coroutine_.done());
        coroutine_.resume();
        if (coroutine_.done()) return true;
        coroutine_.promise().completion = &completion;
        return false;
    }
    /// Whether there is a coroutine at all.
    [[nodiscard]] bool valid() const noexcept { return static_cast<bool>(coroutine_); }
    /// Whether the coroutine has ended, with a result or an exception.
    [[nodiscard]] bool done() const noexcept { return coroutine_ && coroutine_.done(); }
    /// The exception with which a task that is done has ended; null where it has a result.
    [[nodiscard]] std::exception_ptr exception() const noexcept {
        assert(done());
        return coroutine_.promise().exception;
    }
    /// The result of a task that is done, taken out of it, or its exception thrown.
    T result() {
        assert(done());
        return coroutine_.promise().take();
    }
    /// Cancels the task, or forgets its result.
    void drop() noexcept {
        if (const auto coroutine = std::exchange(coroutine_, {})) coroutine.destroy();
    }

private:
    friend promise_type;
    explicit Task(std::coroutine_handle<promise_type> coroutine) noexcept : coroutine_(coroutine) {}

    std::coroutine_handle<promise_type> coroutine_{};
};

/// What `co_await` makes of a task.
template <class T> class [[nodiscard]] Task<T>::Awaiter {
public:
    explicit Awaiter(std::coroutine_handle<promise_type> coroutine) noexcept : coroutine_(coroutine) {
        assert(coroutine_ && "culex: awaited an empty task, or a task twice");
    }
    Awaiter(const Awaiter&) = delete;
    Awaiter& operator=(const Awaiter&) = delete;
    ~Awaiter() { coroutine_.destroy(); }

    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> caller) const noexcept {
        coroutine_.resume();
        if (coroutine_.done()) return false;
        coroutine_.promise().continuation = caller;
        return true;
    }
    T await_resume() const { return coroutine_.promise().take(); }

private:
    std::coroutine_handle<promise_type> coroutine_;
};

namespace detail {

template <class T> Task<T> TaskPromise<T>::get_return_object() noexcept {
    return Task<T>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}
inline Task<void> TaskPromise<void>::get_return_object() noexcept {
    return Task<void>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}

} // namespace detail

/// A task at the root, owned by something that is no coroutine: it begins and ends in a node of the scheduler. Destroying
/// it cancels the task; that must not happen in what the task itself has called.
template <class T = void> class TaskRoot : private ReadyNode {
public:
    /// Called from the scheduler when the task has ended, after which nothing here is touched: it may destroy the root.
    using Ended = void (*)(TaskRoot&);

    /// `task` must hold a coroutine; it begins with `start_on`.
    explicit TaskRoot(
        Task<T> task, Ended ended = [](TaskRoot&) {}) noexcept
        : ReadyNode(&TaskRoot::step), task_(std::move(task)), ended_(ended) {}

    /// Begins the task on a coming turn of `scheduler`.
    void start_on(Scheduler& scheduler) noexcept { scheduler.post(*this); }
    /// Whether the task has ended.
    [[nodiscard]] bool done() const noexcept { return task_.done(); }
    /// See `Task`.
    [[nodiscard]] std::exception_ptr exception() const noexcept { return task_.exception(); }
    /// See `Task`.
    T result() { return task_.result(); }

private:
    // Posted twice: by `start_on`, and by the task when it has ended.
    static void step(ReadyNode& node) {
        auto& self = static_cast<TaskRoot&>(node);
        if (!std::exchange(self.started_, true) && !self.task_.start(self)) return;
        self.ended_(self);
    }

    Task<T> task_;
    Ended ended_;
    bool started_ = false;
};

} // namespace culex
