#pragma once
/// \file revocable.hpp
/// References to something that may end first, as a message's reference to the client that has received it.
///
/// A place is handed to the next owner when one has gone, and never freed; each owner gets a number that no other ever has. So
/// a reference is two words that may be kept for ever, and destroyed on any thread; to make one, copy it or drop it counts
/// nothing and costs no atomic read-modify-write.

#include <atomic>
#include <cstdint>

namespace culex {

class RevocablePlace {
public:
    RevocablePlace() = default;
    RevocablePlace(const RevocablePlace&) = delete;
    RevocablePlace& operator=(const RevocablePlace&) = delete;

    /// A place for `owner`, under a new number. On any thread.
    [[nodiscard]] static RevocablePlace& take(void* owner);
    /// From now on, references find nothing. On the thread on which they are used.
    void give_back() noexcept;

    [[nodiscard]] std::uint64_t number() const noexcept { return number_.load(std::memory_order_relaxed); }
    /// Null where the owner of that number has gone.
    [[nodiscard]] void* owner(std::uint64_t number) const noexcept {
        return number_.load(std::memory_order_acquire) == number ? owner_ : nullptr;
    }

private:
    std::atomic<std::uint64_t> number_{0}; // 0: free
    void* owner_ = nullptr;                // is read by those alone who know the number
    RevocablePlace* next_free_ = nullptr;
};

/// Gives out references to `T` until it goes. The first one takes a place, so an owner that nobody refers to costs nothing.
template <class T> class Revocable {
public:
    /// Default: refers to nothing. Trivial, so that memory for one may stay uninitialised until there is one.
    struct Reference {
        RevocablePlace* place = nullptr;
        std::uint64_t number = 0;

        [[nodiscard]] T* get() const noexcept { return place ? static_cast<T*>(place->owner(number)) : nullptr; }
    };

    explicit Revocable(T& owner) noexcept : owner_(&owner) {}
    Revocable(const Revocable&) = delete;
    Revocable& operator=(const Revocable&) = delete;
    ~Revocable() {
        if (place_) place_->give_back();
    }

    [[nodiscard]] Reference reference() {
        if (!place_) place_ = &RevocablePlace::take(owner_);
        return {place_, place_->number()};
    }

private:
    T* owner_;
    RevocablePlace* place_ = nullptr;
};

} // namespace culex
