#pragma once
/// \file id_table.hpp
/// Packet identifier -> object, without search and without 65,536 slots for a client that has two in flight.

#include <cassert>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <utility>

#include <culex/types.hpp>

namespace culex::session {

/// A table of pointers whose size is a power of two, indexed by the low bits of the identifier. Identifiers are handed out
/// in rising order, so those in use lie close together and do not collide; when two do, the table doubles until they do
/// not, which it can at 65,536 at the latest. `T` has a member `id`. The table owns nothing.
template <class T> class IdTable {
public:
    IdTable() = default;
    IdTable(const IdTable&) = delete;
    IdTable& operator=(const IdTable&) = delete;
    ~IdTable() = default;

    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    [[nodiscard]] T* find(PacketId id) const noexcept {
        T* found = slots_[id & mask_];
        return found && found->id == id ? found : nullptr;
    }

    /// The short way of looking for `id` and inserting: where it would stand, if that place is free. Null: ask `find`.
    [[nodiscard]] T** free_place(PacketId id) const noexcept {
        T** const place = slots_ + (id & mask_);
        return *place || mask_ == 0 ? nullptr : place;
    }
    void insert_at(T** place, T& element) noexcept {
        *place = &element;
        ++size_;
    }
    /// Sees to it that `insert` needs no memory. `id` must not be in the table: `std::logic_error` where it is.
    void make_place(PacketId id) {
        if (slots_[id & mask_] || mask_ == 0) grow_for(id);
    }
    /// The same holds for `element.id`. What throws has inserted nothing.
    void insert(T& element) {
        make_place(element.id);
        slots_[element.id & mask_] = &element;
        ++size_;
    }

    void erase(PacketId id) noexcept {
        vacate(id);
        vacated(1);
    }
    /// The same in two steps, for many: each of them, and then how many.
    void vacate(PacketId id) noexcept {
        assert(find(id));
        slots_[id & mask_] = nullptr;
    }
    void vacated(std::size_t count) noexcept {
        size_ -= count;
        if (size_ == 0 && mask_ >= kept_size) release();
    }

    /// Takes out what `goes(T&)` is true for; that may dispose of it.
    template <class F> void erase_if(F goes) noexcept {
        for (std::size_t i = 0; i <= mask_; ++i) {
            if (!slots_[i] || !goes(*slots_[i])) continue;
            slots_[i] = nullptr;
            --size_;
        }
        if (size_ == 0 && mask_ >= kept_size) release();
    }

    /// Whether `is(const T&)` is true for one of them.
    template <class F> [[nodiscard]] bool any(F is) const noexcept {
        for (std::size_t i = 0; i <= mask_; ++i) {
            if (slots_[i] && is(std::as_const(*slots_[i]))) return true;
        }
        return false;
    }

    /// Empties the table, and calls `dispose(T&)` for what was in it.
    template <class F> void clear(F dispose) noexcept {
        for (std::size_t i = 0; i <= mask_; ++i) {
            if (T* element = std::exchange(slots_[i], nullptr)) dispose(*element);
        }
        size_ = 0;
        release();
    }

    /// The memory of a table that is empty.
    void give_back() noexcept {
        if (size_ == 0) release();
    }

private:
    static constexpr std::size_t first_size = 16;
    static constexpr std::size_t kept_size = 4096; // what an empty table may keep

    [[gnu::noinline]] void grow_for(PacketId id) {
        do {
            // Or the table would grow for ever: whoever gave this identifier twice shall know where.
            if (mask_ >= 65'535) throw std::logic_error("a packet identifier is in use twice");
            const std::size_t mask = mask_ == 0 ? first_size - 1 : mask_ * 2 + 1;
            auto larger = std::make_unique<T*[]>(mask + 1);
            for (std::size_t i = 0; i <= mask_; ++i) {
                // Two that did not collide under the shorter mask do not under the longer one.
                if (slots_[i]) larger[slots_[i]->id & mask] = slots_[i];
            }
            memory_ = std::move(larger);
            slots_ = memory_.get();
            mask_ = mask;
        } while (slots_[id & mask_]);
    }
    void release() noexcept {
        slots_ = &none_;
        mask_ = 0;
        memory_.reset();
    }

    T* none_ = nullptr; // the only place of a table without memory: find needs not ask
    T** slots_ = &none_;
    std::size_t mask_ = 0;
    std::size_t size_ = 0;
    std::unique_ptr<T*[]> memory_;
};

} // namespace culex::session
