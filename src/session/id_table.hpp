#pragma once
/// \file id_table.hpp
/// Packet identifier -> object, without search and without 65,536 slots for a client that has two in flight.

#include <cassert>
#include <cstddef>
#include <utility>
#include <vector>

#include <culex/types.hpp>

namespace culex::session {

/// A table of pointers whose size is a power of two, indexed by the low bits of the identifier. Identifiers are handed out
/// in rising order, so those in use lie close together and do not collide; when two do, the table doubles until they do
/// not, which it can at 65,536 at the latest. `T` has a member `id`. The table owns nothing.
template <class T> class IdTable {
public:
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    [[nodiscard]] T* find(PacketId id) const noexcept {
        if (slots_.empty()) return nullptr;
        T* found = slots_[id & mask()];
        return found && found->id == id ? found : nullptr;
    }

    /// `element.id` must not be in the table.
    void insert(T& element) {
        if (slots_.empty()) slots_.resize(first_size);
        while (slots_[element.id & mask()]) grow();
        slots_[element.id & mask()] = &element;
        ++size_;
    }

    void erase(PacketId id) noexcept {
        assert(find(id));
        slots_[id & mask()] = nullptr;
        if (--size_ == 0 && slots_.size() > kept_size) slots_ = {};
    }

    /// Empties the table, and calls `dispose(T&)` for what was in it.
    template <class F> void clear(F dispose) noexcept {
        size_ = 0;
        for (T* element : std::exchange(slots_, {})) {
            if (element) dispose(*element);
        }
    }

private:
    static constexpr std::size_t first_size = 16;
    static constexpr std::size_t kept_size = 4096; // what an empty table may keep

    [[nodiscard]] std::size_t mask() const noexcept { return slots_.size() - 1; }

    void grow() {
        assert(slots_.size() < 65'536);
        std::vector<T*> larger(slots_.size() * 2);
        for (T* element : slots_) {
            // Two that did not collide under the shorter mask do not under the longer one.
            if (element) larger[element->id & (larger.size() - 1)] = element;
        }
        slots_.swap(larger);
    }

    std::vector<T*> slots_;
    std::size_t size_ = 0;
};

} // namespace culex::session
