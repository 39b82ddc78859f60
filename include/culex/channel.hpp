#pragma once
/// \file channel.hpp
/// A bounded queue between coroutines of one thread: whoever produces faster than is consumed waits.

#include <cassert>
#include <coroutine>
#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <culex/scheduler.hpp>

namespace culex {

namespace detail {

/// A first-in-first-out queue in a ring of slots that doubles when it is full: an idle channel costs no memory, and a busy
/// one allocates nothing.
template <class T> class Slots {
public:
    Slots() = default;
    Slots(const Slots&) = delete;
    Slots& operator=(const Slots&) = delete;
    ~Slots() {
        while (size_ > 0) drop_front();
        if (data_) std::allocator<T>().deallocate(data_, slots_);
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    void push_back(T&& value) {
        if (size_ == slots_) grow();
        std::construct_at(slot(size_), std::move(value));
        ++size_;
    }
    [[nodiscard]] T take_front() noexcept {
        T value(std::move(*slot(0)));
        drop_front();
        return value;
    }

private:
    T* slot(std::size_t index) const noexcept { return data_ + ((first_ + index) & (slots_ - 1)); }
    void drop_front() noexcept {
        std::destroy_at(slot(0));
        first_ = (first_ + 1) & (slots_ - 1);
        --size_;
    }
    void grow() {
        const std::size_t slots = slots_ == 0 ? 8 : 2 * slots_;
        T* data = std::allocator<T>().allocate(slots);
        for (std::size_t i = 0; i < size_; ++i) {
            std::construct_at(data + i, std::move(*slot(i)));
            std::destroy_at(slot(i));
        }
        if (data_) std::allocator<T>().deallocate(data_, slots_);
        data_ = data;
        slots_ = slots;
        first_ = 0;
    }

    T* data_ = nullptr;
    std::size_t slots_ = 0; // a power of two
    std::size_t first_ = 0;
    std::size_t size_ = 0;
};

} // namespace detail

/// Values come out in the order in which they went in, waiting pushers in the order in which they came. Any number may
/// push and pop. The channel must outlive those who wait for it.
///
/// Nothing is lost by cancelling: a `pop` that is dropped before it was resumed leaves the value to the next, and a `push`
/// that is dropped either has been taken or has not.
template <class T> class Channel {
    static_assert(std::is_nothrow_move_constructible_v<T>,
                  "a value that cannot be moved without throwing might get lost");

public:
    class Push;
    class Pop;

    /// `capacity`: at least 1.
    explicit Channel(std::size_t capacity) noexcept : capacity_(capacity) { assert(capacity > 0); }
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    /// `co_await channel.push(x);` waits while the channel is full; false, and `x` is lost, where it is closed or gets
    /// closed meanwhile.
    [[nodiscard]] Push push(T value) noexcept { return Push(*this, std::move(value)); }
    /// False where the channel is full or closed; then `value` has not been touched.
    [[nodiscard]] bool try_push(T&& value) {
        if (closed_ || full()) return false;
        accept(std::move(value));
        return true;
    }
    [[nodiscard]] bool try_push(const T& value) {
        if (closed_ || full()) return false;
        accept(T(value));
        return true;
    }

    /// `co_await channel.pop();` waits while the channel is empty; empty once it is closed and all has been taken out.
    [[nodiscard]] Pop pop() noexcept { return Pop(*this); }
    /// Empty where there is nothing that is not promised to a waiting `pop` already.
    [[nodiscard]] std::optional<T> try_pop() {
        if (!available()) return std::nullopt;
        return take();
    }

    /// Refuses what is pushed from now on, and what waits to be pushed; what is inside can still be popped.
    void close() noexcept {
        closed_ = true;
        while (Waiter* pusher = pushers_.pop_front()) pusher->wake();
        while (Waiter* popper = poppers_.pop_front()) popper->wake();
    }
    /// Whether `close` was called.
    [[nodiscard]] bool closed() const noexcept { return closed_; }
    /// Values inside.
    [[nodiscard]] std::size_t size() const noexcept { return values_.size(); }
    /// Whether nothing is inside.
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }
    /// Whether the next `push` waits.
    [[nodiscard]] bool full() const noexcept { return size() >= capacity_; }
    /// How many values it holds at most.
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

private:
    struct Pusher : Waiter {
        explicit Pusher(T&& pushed) noexcept : value(std::move(pushed)) {}
        T value;
        bool accepted = false;
    };
    /// A popper that has been woken has a value promised to it until it runs, or is dropped.
    struct Popper : Waiter {
        bool promised = false;
    };

    [[nodiscard]] bool available() const noexcept { return values_.size() > promised_; }
    void accept(T&& value) {
        values_.push_back(std::move(value));
        promise_one();
    }
    void promise_one() noexcept {
        if (!available()) return;
        Popper* popper = poppers_.pop_front();
        if (!popper) return;
        popper->promised = true;
        ++promised_;
        popper->wake();
    }
    [[nodiscard]] T take() noexcept {
        T value = values_.take_front();
        if (Pusher* pusher =
                pushers_.pop_front()) { // there is room now; in the slot just left, so nothing is allocated
            pusher->accepted = true;
            values_.push_back(std::move(pusher->value));
            pusher->wake();
            promise_one();
        }
        return value;
    }

    std::size_t capacity_;
    std::size_t promised_ = 0;
    bool closed_ = false;
    detail::Slots<T> values_;
    IntrusiveList<Pusher> pushers_; // some only while the channel is full
    IntrusiveList<Popper> poppers_; // some only while nothing is available
};

/// What `push` returns; `co_await` gives whether the value was taken.
template <class T> class [[nodiscard]] Channel<T>::Push {
public:
    Push(Channel& channel, T value) noexcept : channel_(channel), pusher_(std::move(value)) {}
    Push(const Push&) = delete;
    Push& operator=(const Push&) = delete;

    bool await_ready() {
        if (channel_.closed_) return true;
        if (channel_.full()) return false;
        pusher_.accepted = true;
        channel_.accept(std::move(pusher_.value));
        return true;
    }
    void await_suspend(std::coroutine_handle<> coroutine) noexcept {
        pusher_.suspend(coroutine);
        channel_.pushers_.push_back(pusher_);
    }
    bool await_resume() const noexcept { return pusher_.accepted; }

private:
    Channel& channel_;
    Pusher pusher_;
};

/// What `pop` returns; `co_await` gives the value, or nothing where the channel is closed.
template <class T> class [[nodiscard]] Channel<T>::Pop {
public:
    explicit Pop(Channel& channel) noexcept : channel_(channel) {}
    Pop(const Pop&) = delete;
    Pop& operator=(const Pop&) = delete;
    ~Pop() {
        if (!popper_.promised) return;
        --channel_.promised_; // dropped before it ran
        channel_.promise_one();
    }

    bool await_ready() const noexcept { return channel_.available() || channel_.closed_; }
    void await_suspend(std::coroutine_handle<> coroutine) noexcept {
        popper_.suspend(coroutine);
        channel_.poppers_.push_back(popper_);
    }
    std::optional<T> await_resume() noexcept {
        if (popper_.promised) {
            popper_.promised = false;
            --channel_.promised_;
        }
        if (!channel_.available()) return std::nullopt; // closed
        return channel_.take();
    }

private:
    Channel& channel_;
    Popper popper_;
};

} // namespace culex
