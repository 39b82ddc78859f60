#pragma once
/// \file topic_children.hpp
/// The children of a level in a `TopicTree`, by name.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

namespace culex {

/// A set of nodes, which it does not own; a `Node` has the members `level` (its name) and `level_hash`. Most levels have one
/// child, many have a few, and some ("devices/…") have a hundred thousand: so it is one pointer, then an array that is
/// searched from end to end, then a hash table with linear probing, at most three quarters full.
template <class Node> class TopicChildren {
public:
    TopicChildren() noexcept : only_(nullptr) {}
    TopicChildren(const TopicChildren&) = delete;
    TopicChildren& operator=(const TopicChildren&) = delete;
    ~TopicChildren() { release(); }

    static std::size_t hash(std::string_view name) noexcept { return std::hash<std::string_view>{}(name); }

    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    [[nodiscard]] Node* find(std::string_view name) const noexcept {
        if (capacity_ > few) return find_in_table(name);
        for (Node* const* slot = array(); slot != array() + count_; ++slot) {
            if ((*slot)->level == name) return *slot;
        }
        return nullptr;
    }
    /// Its name must not be here yet. Where memory is refused, nothing has changed.
    void insert(Node* node) {
        if (is_full()) grow();
        if (capacity_ > few) {
            put_into_table(slots_, capacity_, node);
        } else {
            array()[count_] = node;
        }
        ++count_;
    }
    void remove(Node* node) noexcept {
        if (capacity_ > few) {
            remove_from_table(node);
        } else {
            Node** slot = array();
            while (*slot != node) ++slot;
            *slot = array()[count_ - 1];
        }
        if (--count_ == 0) release();
    }
    template <class F> void for_each(F visit) const {
        const std::uint32_t slots = capacity_ > few ? capacity_ : count_;
        for (std::uint32_t at = 0; at < slots; ++at) {
            if (Node* const node = array()[at]) visit(node);
        }
    }

private:
    static constexpr std::uint32_t few = 4;

    [[nodiscard]] Node* const* array() const noexcept { return capacity_ == 1 ? &only_ : slots_; }
    [[nodiscard]] Node** array() noexcept { return capacity_ == 1 ? &only_ : slots_; }
    [[nodiscard]] bool is_full() const noexcept {
        return capacity_ > few ? count_ >= capacity_ / 4 * 3 : count_ == capacity_;
    }
    [[nodiscard]] std::size_t next(std::size_t at) const noexcept { return (at + 1) & (capacity_ - 1); }
    [[nodiscard]] std::size_t home(const Node* node) const noexcept { return node->level_hash & (capacity_ - 1); }

    [[nodiscard]] Node* find_in_table(std::string_view name) const noexcept {
        const std::size_t wanted = hash(name);
        for (std::size_t at = wanted & (capacity_ - 1); Node* const node = slots_[at]; at = next(at)) {
            if (node->level_hash == wanted && node->level == name) return node;
        }
        return nullptr;
    }
    static void put_into_table(Node** table, std::uint32_t capacity, Node* node) noexcept {
        std::size_t at = node->level_hash & (capacity - 1);
        while (table[at]) at = (at + 1) & (capacity - 1);
        table[at] = node;
    }
    /// Closes the gap by moving back what had to step past it, so that no marks of the dead remain.
    void remove_from_table(Node* node) noexcept {
        std::size_t gap = home(node);
        while (slots_[gap] != node) gap = next(gap);
        for (std::size_t at = next(gap); Node* const other = slots_[at]; at = next(at)) {
            const std::size_t steps_taken = (at - home(other)) & (capacity_ - 1);
            const std::size_t steps_to_gap = (at - gap) & (capacity_ - 1);
            if (steps_taken < steps_to_gap) continue;
            slots_[gap] = other;
            gap = at;
        }
        slots_[gap] = nullptr;
    }

    /// From 1 to `few`, then to a table of 16, then twice that.
    void grow() {
        const std::uint32_t grown = capacity_ == 1 ? few : capacity_ == few ? few * 4 : capacity_ * 2;
        auto fresh = std::make_unique<Node*[]>(grown);
        if (grown > few) {
            for_each([&](Node* node) { put_into_table(fresh.get(), grown, node); });
        } else {
            std::copy_n(array(), count_, fresh.get());
        }
        release();
        slots_ = fresh.release();
        capacity_ = grown;
    }
    void release() noexcept {
        if (capacity_ > 1) delete[] slots_;
        only_ = nullptr;
        capacity_ = 1;
    }

    union {
        Node* only_; ///< while the capacity is 1
        Node** slots_;
    };
    std::uint32_t count_ = 0;
    std::uint32_t capacity_ = 1;
};

} // namespace culex
