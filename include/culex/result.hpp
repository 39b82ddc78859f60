#pragma once
/// \file result.hpp
/// A value, or the failure that came instead of it: what functions below the client return.

#include <cassert>
#include <optional>
#include <utility>

#include <culex/error.hpp>

namespace culex {

/// Deliberately no aggregate: g++ 12 moves aggregates with destructors bitwise inside `co_await` expressions.
template <class T = void> class [[nodiscard]] Result {
public:
    /// Implicit: a function returns either.
    Result(T value) : value_(std::move(value)) {}
    Result(Failure failure) : failure_(std::move(failure)) { assert(failure_); }

    /// Whether there is a value.
    explicit operator bool() const noexcept { return value_.has_value(); }
    /// The value; there must be one.
    [[nodiscard]] T& operator*() & noexcept { return *value_; }
    /// The value; there must be one.
    [[nodiscard]] const T& operator*() const& noexcept { return *value_; }
    /// The value, to be moved out; there must be one.
    [[nodiscard]] T&& operator*() && noexcept { return *std::move(value_); }
    /// The value; there must be one.
    [[nodiscard]] T* operator->() noexcept { return &*value_; }
    [[nodiscard]] const T* operator->() const noexcept { return &*value_; }
    /// Empty where there is a value.
    [[nodiscard]] const Failure& failure() const& noexcept { return failure_; }
    [[nodiscard]] Failure&& failure() && noexcept { return std::move(failure_); }
    /// The value; throws `Error` where there is none.
    T value() && {
        if (!value_) throw Error(std::move(failure_));
        return *std::move(value_);
    }

private:
    std::optional<T> value_;
    Failure failure_;
};

/// Success, or a failure.
template <> class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Failure failure) : failure_(std::move(failure)) { assert(failure_); }

    /// Whether it went well.
    explicit operator bool() const noexcept { return !failure_; }
    /// Empty where it went well.
    [[nodiscard]] const Failure& failure() const& noexcept { return failure_; }
    [[nodiscard]] Failure&& failure() && noexcept { return std::move(failure_); }
    /// Throws `Error` where it did not go well.
    void value() && {
        if (failure_) throw Error(std::move(failure_));
    }

private:
    Failure failure_;
};

} // namespace culex
