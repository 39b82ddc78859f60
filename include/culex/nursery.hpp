#pragma once
/// \file nursery.hpp
/// A scope for tasks that run beside each other: none outlives it.

#include <coroutine>
#include <cstddef>
#include <exception>

#include <culex/task.hpp>

namespace culex {

/// Owns the tasks that are spawned into it. Destroying it cancels them; it must not be destroyed by what they have called
/// (in a coroutine's frame it cannot be). Belongs to the thread of its loop.
///
/// What a task throws is heard by `join` alone. A nursery that is destroyed without one logs it as an error, and nothing
/// terminates (to be seen with `set_log_hook`). So end with a join, also after `cancel`. And what feeds the tasks, or waits
/// for what they do, is best spawned beside them: where one throws, it ends as well, instead of waiting for tasks that were
/// cancelled.
class Nursery {
public:
    /// For a coroutine: on the loop that runs it.
    Nursery() noexcept : Nursery(Scheduler::here()) {}
    explicit Nursery(Scheduler& scheduler) noexcept : scheduler_(scheduler), cancel_(*this) {}
    Nursery(const Nursery&) = delete;
    Nursery& operator=(const Nursery&) = delete;
    ~Nursery();

    /// Begins a task on the next turn. The first one that throws cancels all others that are there at that time; `join`
    /// throws its exception.
    void spawn(Task<> task);
    /// Cancels all tasks on the coming turn, those included that are spawned before that. Tasks of the nursery may call it.
    /// It is not an error: `join` returns, unless a task had thrown before.
    void cancel() noexcept { scheduler_.post(cancel_); }
    /// Tasks that have not ended.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    class Join;
    /// `co_await nursery.join();` waits until no task is left, then throws the exception of the first that threw, once.
    /// Those of tasks that throw after it are lost; one for which nobody has joined is logged when the nursery goes. One
    /// coroutine may wait at a time, and none of the nursery's own tasks.
    [[nodiscard]] Join join() noexcept;

private:
    struct Child;
    struct Cancel : ReadyNode {
        explicit Cancel(Nursery& nursery) noexcept
            : ReadyNode([](ReadyNode& self) { static_cast<Cancel&>(self).owner.drop_children(); }), owner(nursery) {}
        Nursery& owner;
    };
    void ended(Child& child) noexcept;
    void drop_children() noexcept;
    void drop(Child& child) noexcept;

    Scheduler& scheduler_;
    std::size_t size_ = 0;
    IntrusiveList<ListNode> children_; // each a Child
    IntrusiveList<Waiter> joiner_;     // none or one
    std::exception_ptr exception_{};
    Cancel cancel_;
};

/// See `Nursery::join`.
class [[nodiscard]] Nursery::Join {
public:
    explicit Join(Nursery& nursery) noexcept : nursery_(nursery) {}
    Join(const Join&) = delete;
    Join& operator=(const Join&) = delete;

    bool await_ready() const noexcept { return nursery_.size_ == 0; }
    void await_suspend(std::coroutine_handle<> coroutine) noexcept {
        assert(nursery_.joiner_.empty() && "culex: a second coroutine joins a nursery");
        waiter_.suspend(coroutine);
        nursery_.joiner_.push_back(waiter_);
    }
    void await_resume() const {
        if (auto exception = std::exchange(nursery_.exception_, nullptr)) std::rethrow_exception(std::move(exception));
    }

private:
    Nursery& nursery_;
    Waiter waiter_;
};

inline Nursery::Join Nursery::join() noexcept { return Join(*this); }

} // namespace culex
