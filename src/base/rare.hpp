#pragma once
/// \file rare.hpp
/// A part that most of its owners never need.

#include <cassert>
#include <memory>
#include <optional>
#include <type_traits>

namespace culex {

/// A pointer until it is used, and then memory of its own: ten thousand idle clients pay for what they use. Not for what comes
/// with each message: a look at it is a look somewhere else in memory.
template <class T> class Rare {
public:
    /// It is there.
    explicit operator bool() const noexcept { return part_ != nullptr; }
    [[nodiscard]] T& operator*() const noexcept {
        assert(part_);
        return *part_;
    }
    [[nodiscard]] T* operator->() const noexcept {
        assert(part_);
        return part_.get();
    }
    /// Makes it where it is not there.
    [[nodiscard]] T& use() {
        if (!part_) part_ = std::make_unique<T>();
        return *part_;
    }
    /// One that nobody has touched where it is not there.
    [[nodiscard]] const T& look() const noexcept {
        static_assert(std::is_nothrow_default_constructible_v<T>);
        static const T untouched{};
        return part_ ? *part_ : untouched;
    }
    /// There with the value, or gone.
    template <class U> void assign(const std::optional<U>& value) {
        if (value) {
            use() = *value;
        } else {
            reset();
        }
    }
    void reset() noexcept { part_.reset(); }

private:
    std::unique_ptr<T> part_;
};

} // namespace culex
