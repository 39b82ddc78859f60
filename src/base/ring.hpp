#pragma once
/// \file ring.hpp
/// A queue that grows and then allocates no more: first in, first out, with access to any place.

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace culex {

/// The capacity is 0 or a power of two, so that a place in the ring costs a mask and no division. An exception, from memory
/// or from T, leaves the content as it was (but where T can only be moved, and moving throws). `pop_front` on an empty ring,
/// and places past `size`, are programming errors.
template <class T> class Ring {
public:
    Ring() = default;
    Ring(Ring&& other) noexcept { swap(other); }
    Ring& operator=(Ring&& other) noexcept {
        Ring taken(std::move(other));
        swap(taken);
        return *this;
    }
    ~Ring() { release(); }

    [[nodiscard]] bool empty() const noexcept { return head_ == tail_; }
    [[nodiscard]] std::size_t size() const noexcept { return tail_ - head_; }
    [[nodiscard]] std::size_t capacity() const noexcept { return mask_ + 1; }
    [[nodiscard]] bool full() const noexcept { return size() == capacity(); }

    /// By age: 0 is the front.
    [[nodiscard]] T& operator[](std::size_t at) noexcept { return *place(at); }
    [[nodiscard]] const T& operator[](std::size_t at) const noexcept { return *place(at); }
    [[nodiscard]] T& front() noexcept { return *place(0); }
    [[nodiscard]] const T& front() const noexcept { return *place(0); }
    [[nodiscard]] T& back() noexcept { return *place(size() - 1); }
    [[nodiscard]] const T& back() const noexcept { return *place(size() - 1); }

    void push_back(T value) { emplace_back(std::move(value)); }
    template <class... Args> T& emplace_back(Args&&... args) {
        if (full()) return grow_with(std::forward<Args>(args)...);
        return emplace_into_room(std::forward<Args>(args)...);
    }
    /// The same where it is known not to be full.
    template <class... Args> T& emplace_into_room(Args&&... args) {
        assert(!full());
        T* const made = std::construct_at(slots_ + (tail_ & mask_), std::forward<Args>(args)...);
        ++tail_;
        return *made;
    }
    /// Costs a step for each element where the ring is full.
    void push_front(T value) {
        if (full()) {
            push_back(std::move(value));
            for (std::size_t at = size() - 1; at > 0; --at) std::swap(*place(at), *place(at - 1));
            return;
        }
        std::construct_at(slots_ + ((head_ - 1) & mask_), std::move(value));
        --head_;
    }
    void pop_front() noexcept {
        std::destroy_at(place(0));
        ++head_;
    }
    /// The front, moved out of the ring.
    [[nodiscard]] T take_front() {
        T value = std::move(front());
        pop_front();
        return value;
    }
    /// Forgets the content and keeps the memory; `release` gives the memory back as well.
    void clear() noexcept {
        while (!empty()) pop_front();
        head_ = tail_ = 0;
    }
    void release() noexcept {
        clear();
        deallocate(slots_, capacity());
        slots_ = nullptr;
        mask_ = no_memory;
    }
    void swap(Ring& other) noexcept {
        std::swap(slots_, other.slots_);
        std::swap(mask_, other.mask_);
        std::swap(head_, other.head_);
        std::swap(tail_, other.tail_);
    }

private:
    static constexpr std::size_t least_capacity = 8;
    static constexpr std::size_t no_memory = SIZE_MAX; // as a mask: one more is 0

    /// Memory for elements, given back unless it is kept.
    struct Slots {
        explicit Slots(std::size_t count) : data(std::allocator<T>{}.allocate(count)), capacity(count) {}
        Slots(const Slots&) = delete;
        Slots& operator=(const Slots&) = delete;
        ~Slots() {
            std::destroy(data, data + last);
            deallocate(data, capacity);
        }
        T* data;
        std::size_t capacity;
        std::size_t last = 0; ///< what is before it is constructed already
    };

    static void deallocate(T* slots, std::size_t capacity) noexcept {
        if (slots) std::allocator<T>{}.deallocate(slots, capacity);
    }
    [[nodiscard]] T* place(std::size_t at) const noexcept {
        assert(at < size());
        return slots_ + ((head_ + at) & mask_);
    }

    /// The new element comes first: its arguments may refer to an old one, which is about to move.
    template <class... Args> [[gnu::noinline, gnu::cold]] T& grow_with(Args&&... args) {
        const std::size_t count = size();
        Slots fresh(slots_ ? capacity() * 2 : least_capacity);
        T* const made = std::construct_at(fresh.data + count, std::forward<Args>(args)...);
        try {
            for (; fresh.last < count; ++fresh.last) {
                std::construct_at(fresh.data + fresh.last, std::move_if_noexcept(*place(fresh.last)));
            }
        } catch (...) {
            std::destroy_at(made);
            throw;
        }
        clear();
        fresh.last = 0; // what it is about to hold is the old memory, without elements
        std::swap(slots_, fresh.data);
        fresh.capacity = std::exchange(mask_, fresh.capacity - 1) + 1;
        tail_ = count + 1;
        return *made;
    }

    T* slots_ = nullptr;
    std::size_t mask_ = no_memory; // the capacity but one
    // Numbers of the first element and of the next; masked where they are used, so that an end has one number to count.
    std::size_t head_ = 0;
    std::size_t tail_ = 0;
};

} // namespace culex
