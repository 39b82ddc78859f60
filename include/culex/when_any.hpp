#pragma once
/// \file when_any.hpp
/// Several tasks at once: the first that ends (`when_any`), or all of them (`when_all`).

#include <array>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include <culex/task.hpp>

namespace culex {

namespace detail {

/// A task's result where there must be one.
template <class T> using ResultOf = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

template <class T> ResultOf<T> result_of(Task<T>& task) {
    if constexpr (std::is_void_v<T>) {
        task.result();
        return {};
    } else {
        return task.result();
    }
}

/// What waits for several tasks: hears which has ended, in a node of its own.
class Group {
public:
    class Member : public ReadyNode {
    public:
        Member(Group& group, std::size_t index) noexcept
            : ReadyNode([](ReadyNode& self) {
                  auto& member = static_cast<Member&>(self);
                  member.group_.ended(member.index_);
              }),
              group_(group), index_(index) {}

    private:
        Group& group_;
        std::size_t index_;
    };

    Group(const Group&) = delete;
    Group& operator=(const Group&) = delete;

protected:
    /// True where that decided it: nothing is left to wait for.
    using Decide = bool (*)(Group&, std::size_t) noexcept;
    explicit Group(Decide decide) noexcept : decide_(decide) {}
    ~Group() = default;
    void set_parent(std::coroutine_handle<> parent) noexcept { parent_ = parent; }

private:
    void ended(std::size_t index) {
        if (decide_(*this, index)) parent_.resume();
    }
    Decide decide_;
    std::coroutine_handle<> parent_{};
};

/// The tasks of a group, each with the node that is posted when it has ended.
template <class... T> class Tasks {
public:
    Tasks(Group& group, Task<T>... tasks) noexcept
        : Tasks(group, std::index_sequence_for<T...>(), std::move(tasks)...) {}

    /// Starts them one after another as long as `go_on(index)` is true for those that end without waiting.
    template <class GoOn> void start(GoOn go_on) noexcept { start(go_on, std::index_sequence_for<T...>()); }
    void drop_all_but(std::size_t kept) noexcept { drop(kept, std::index_sequence_for<T...>()); }
    /// Calls `visit(integral_constant)` for the one with this index.
    template <class Visit> auto at(std::size_t index, Visit visit) { return at_or_after<0>(index, visit); }
    template <std::size_t I> auto& task() noexcept { return std::get<I>(tasks_); }

private:
    template <std::size_t... I>
    Tasks(Group& group, std::index_sequence<I...>, Task<T>... tasks) noexcept
        : nodes_{Group::Member(group, I)...}, tasks_(std::move(tasks)...) {}

    template <class GoOn, std::size_t... I> void start(GoOn& go_on, std::index_sequence<I...>) noexcept {
        static_cast<void>(((!std::get<I>(tasks_).start(nodes_[I]) || go_on(I)) && ...));
    }
    template <std::size_t... I> void drop(std::size_t kept, std::index_sequence<I...>) noexcept {
        ((I == kept ? void() : std::get<I>(tasks_).drop()), ...);
        for (std::size_t i = 0; i < sizeof...(T); ++i) {
            if (i != kept) nodes_[i].unlink();
        }
    }
    template <std::size_t I, class Visit> auto at_or_after(std::size_t index, Visit& visit) {
        if constexpr (I + 1 < sizeof...(T)) {
            if (index != I) return at_or_after<I + 1>(index, visit);
        }
        return visit(std::integral_constant<std::size_t, I>());
    }

    std::array<Group::Member, sizeof...(T)> nodes_;
    std::tuple<Task<T>...> tasks_;
};

} // namespace detail

/// See `when_any`.
template <class... T> class [[nodiscard]] WhenAny : private detail::Group {
public:
    /// By the order of the tasks; `std::monostate` for void.
    using Result = std::variant<detail::ResultOf<T>...>;

    explicit WhenAny(Task<T>... tasks) noexcept : Group(&WhenAny::won), tasks_(*this, std::move(tasks)...) {}

    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> parent) noexcept {
        set_parent(parent);
        tasks_.start([this](std::size_t index) noexcept { return !won(*this, index); });
        return winner_ == none;
    }
    Result await_resume() {
        return tasks_.at(winner_, [this](auto index) {
            return Result(std::in_place_index<index()>, detail::result_of(tasks_.template task<index()>()));
        });
    }

private:
    static bool won(Group& group, std::size_t index) noexcept {
        auto& self = static_cast<WhenAny&>(group);
        self.winner_ = index;
        self.tasks_.drop_all_but(index);
        return true;
    }
    static constexpr std::size_t none = sizeof...(T);

    std::size_t winner_ = none;
    detail::Tasks<T...> tasks_;
};

/// `auto first = co_await when_any(a(), b());` starts the tasks in this order, waits for the first to end, and drops the
/// others, whatever they had done by then, before it goes on. A task that ends at once keeps those behind it from being
/// started. The result is a `std::variant` in which `index()` says who it was (`std::monostate` for void); if it ended
/// with an exception, that is thrown.
///
/// Tasks alone: to await something else here (an operation, `event.wait()`), write a task that does. What a dropped
/// task had already is lost with it, a message that it had taken from a stream too, if both came on one turn. So do not
/// wait for the next message of several streams like this: make it one stream of several filters, or give each a task
/// of its own.
template <class... T>
    requires(sizeof...(T) > 0)
[[nodiscard]] WhenAny<T...> when_any(Task<T>... tasks) noexcept {
    return WhenAny<T...>(std::move(tasks)...);
}

/// See `when_all`.
template <class... T> class [[nodiscard]] WhenAll : private detail::Group {
public:
    /// In the order of the tasks; `std::monostate` for void.
    using Result = std::tuple<detail::ResultOf<T>...>;

    explicit WhenAll(Task<T>... tasks) noexcept : Group(&WhenAll::ended), tasks_(*this, std::move(tasks)...) {}

    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> parent) noexcept {
        set_parent(parent);
        bool decided = false;
        tasks_.start([this, &decided](std::size_t index) noexcept {
            decided = ended(*this, index);
            return !decided;
        });
        return !decided;
    }
    Result await_resume() {
        if (exception_) std::rethrow_exception(exception_);
        return results(std::index_sequence_for<T...>());
    }

private:
    static bool ended(Group& group, std::size_t index) noexcept {
        auto& self = static_cast<WhenAll&>(group);
        self.exception_ =
            self.tasks_.at(index, [&self](auto which) { return self.tasks_.template task<which()>().exception(); });
        if (self.exception_) self.tasks_.drop_all_but(sizeof...(T));
        return self.exception_ || --self.running_ == 0;
    }
    template <std::size_t... I> Result results(std::index_sequence<I...>) {
        return Result{detail::result_of(tasks_.template task<I>())...};
    }

    std::size_t running_ = sizeof...(T);
    std::exception_ptr exception_{};
    detail::Tasks<T...> tasks_;
};

/// `auto [x, y] = co_await when_all(a(), b());` starts the tasks in this order and waits for all of them. The first that
/// throws ends it: the others are dropped and its exception is thrown.
template <class... T>
    requires(sizeof...(T) > 0)
[[nodiscard]] WhenAll<T...> when_all(Task<T>... tasks) noexcept {
    return WhenAll<T...>(std::move(tasks)...);
}

} // namespace culex
