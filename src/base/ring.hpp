#pragma once
/// \file ring.hpp
/// A queue that grows and then allocates no more: first in, first out, with access to any place.

#include <cassert>
#include <cstddef>
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

    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

    /// By age: 0 is the front.
    [[nodiscard]] T& operator[](std::size_t at) noexcept { return *place(at); }
    [[nodiscard]] const T& operator[](std::size_t at) const noexcept { return *place(at); }
    [[nodiscard]] T& front() noexcept { return *place(0); }
    [[nodiscard]] const T& front() const noexcept { return *place(0); }
    [[nodiscard]] T& back() noexcept { return *place(size_ - 1); }
    [[nodiscard]] const T& back() const noexcept { return *place(size_ - 1); }

    void push_back(T value) { emplace_back(std::move(value)); }
    template <class... Args> T& emplace_back(Args&&... args) {
        if (size_ == capacity_) return grow_with(std::forward<Args>(args)...);
        return emplace_into_room(std::forward<Args>(args)...);
    }
    /// The same where `size` is known to be less than `capacity`.
    template <class... Args> T& emplace_into_room(Args&&... args) {
        assert(size_ < capacity_);
        T* const made = std::construct_at(slots_ + mask(head_ + size_), std::forward<Args>(args)...);
        ++size_;
        return *made;
    }
    /// Costs a step for each element where the ring is full.
    void push_front(T value) {
        if (size_ == capacity_) {
            push_back(std::move(value));
            for (std::size_t at = size_ - 1; at > 0; --at) std::swap(*place(at), *place(at - 1));
            return;
        }
        std::construct_at(slots_ + mask(head_ - 1), std::move(value));
        --head_; // masked where it is used
        ++size_;
    }
    void pop_front() noexcept {
        std::destroy_at(place(0));
        ++head_; // masked where it is used
        --size_;
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
        head_ = 0;
    }
    void release() noexcept {
        clear();
        deallocate(slots_, capacity_);
        slots_ = nullptr;
        capacity_ = 0;
    }
    void swap(Ring& other) noexcept {
        std::swap(slots_, other.slots_);
        std::swap(capacity_, other.capacity_);
        std::swap(head_, other.head_);
        std::swap(size_, other.size_);
    }

private:
    static constexpr std::size_t least_capacity = 8;

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
    [[nodiscard]] std::size_t mask(std::size_t at) const noexcept { return at & (capacity_ - 1); }
    [[nodiscard]] T* place(std::size_t at) const noexcept {
        assert(at < size_);
        return slots_ + mask(head_ + at);
    }

    /// The new element comes first: its arguments may refer to an old one, which is about to move.
    template <class... Args> T& grow_with(Args&&... args) {
        Slots fresh(capacity_ == 0 ? least_capacity : capacity_ * 2);
        T* const made = std::construct_at(fresh.data + size_, std::forward<Args>(args)...);
        try {
            for (; fresh.last < size_; ++fresh.last) {
                std::construct_at(fresh.data + fresh.last, std::move_if_noexcept(*place(fresh.last)));
            }
        } catch (...) {
            std::destroy_at(made);
            throw;
        }
        const std::size_t count = size_ + 1;
        clear();
        std::swap(slots_, fresh.data);
        std::swap(capacity_, fresh.capacity);
        fresh.last = 0; // what it holds now is the old memory, without elements
        size_ = count;
        return *made;
    }

    T* slots_ = nullptr;
    std::size_t capacity_ = 0;
    std::size_t head_ = 0;
    std::size_t size_ = 0;
};

} // namespace culex
