#pragma once
/// \file intrusive_list.hpp
/// A doubly linked list whose links live in its elements: linking allocates nothing, and an element that is destroyed
/// unlinks itself from whatever list holds it. That is how dropping a task cancels what it waits for.

#include <cassert>

namespace culex {

/// A link; derive from it. Neither copied nor moved, since its neighbours know its address.
class ListNode {
public:
    ListNode() = default;
    ListNode(const ListNode&) = delete;
    ListNode& operator=(const ListNode&) = delete;
    ~ListNode() { unlink(); }

    /// Whether some list holds it.
    [[nodiscard]] bool linked() const noexcept { return next_ != nullptr; }
    /// Leaves the list that holds it, if one does, in constant time.
    void unlink() noexcept {
        if (!next_) return;
        next_->previous_ = previous_;
        previous_->next_ = next_;
        next_ = previous_ = nullptr;
    }

private:
    template <class T> friend class IntrusiveList;
    ListNode* next_ = nullptr;
    ListNode* previous_ = nullptr;
};

/// A circular list around a sentinel. It owns nothing; when it ends, what it still holds is unlinked.
/// While resumed code may change the list, take elements one by one with `pop_front`, never iterate.
template <class T> class IntrusiveList {
public:
    IntrusiveList() noexcept { head_.next_ = head_.previous_ = &head_; }
    IntrusiveList(const IntrusiveList&) = delete;
    IntrusiveList& operator=(const IntrusiveList&) = delete;
    ~IntrusiveList() {
        while (!empty()) front().unlink();
        head_.next_ = head_.previous_ = nullptr;
    }

    /// Whether it holds nothing.
    [[nodiscard]] bool empty() const noexcept { return head_.next_ == &head_; }
    /// The first element; there must be one.
    [[nodiscard]] T& front() noexcept {
        assert(!empty());
        return static_cast<T&>(*head_.next_);
    }
    /// `element` must be in no list.
    void push_back(T& element) noexcept { insert_before(head_, element); }
    /// `element` must be in no list.
    void push_front(T& element) noexcept { insert_before(*head_.next_, element); }
    /// The first element, unlinked; null where there is none.
    [[nodiscard]] T* pop_front() noexcept {
        if (empty()) return nullptr;
        ListNode* const first = head_.next_;
        head_.next_ = first->next_;
        head_.next_->previous_ = &head_;
        first->next_ = first->previous_ = nullptr;
        return static_cast<T*>(first);
    }
    /// A place in the list: an element, or the end. Good for as long as the element is there.
    class Iterator {
    public:
        /// The element; not at the end.
        [[nodiscard]] T& operator*() const noexcept { return static_cast<T&>(*node_); }
        /// The same.
        [[nodiscard]] T* operator->() const noexcept { return static_cast<T*>(node_); }
        /// To the next place; not from the end.
        Iterator& operator++() noexcept {
            node_ = node_->next_;
            return *this;
        }
        /// Whether it is the same place.
        [[nodiscard]] bool operator==(const Iterator&) const noexcept = default;

    private:
        template <class U> friend class IntrusiveList;
        explicit Iterator(ListNode* node) noexcept : node_(node) {}
        ListNode* node_;
    };
    /// The first element, or the end.
    [[nodiscard]] Iterator begin() noexcept { return Iterator(head_.next_); }
    /// Behind the last element.
    [[nodiscard]] Iterator end() noexcept { return Iterator(&head_); }
    /// Moves what is in front of `end`, a place in `other`, behind what is here, in constant time.
    template <class U> void splice_back(IntrusiveList<U>& other, typename IntrusiveList<U>::Iterator end) noexcept {
        ListNode* const first = other.head_.next_;
        ListNode* const behind = end.node_;
        if (first == behind) return;
        ListNode* const last = behind->previous_;
        other.head_.next_ = behind;
        behind->previous_ = &other.head_;
        first->previous_ = head_.previous_;
        head_.previous_->next_ = first;
        last->next_ = &head_;
        head_.previous_ = last;
    }
    /// Moves all of `other`.
    void splice_back(IntrusiveList& other) noexcept { splice_back(other, other.end()); }
    /// Calls `visit(T&)` for each; it must not change the list.
    template <class F> void for_each(F visit) {
        for (ListNode* node = head_.next_; node != &head_; node = node->next_) visit(static_cast<T&>(*node));
    }

private:
    template <class U> friend class IntrusiveList;
    static void insert_before(ListNode& place, T& element) noexcept {
        ListNode& node = element;
        assert(!node.linked());
        node.next_ = &place;
        node.previous_ = place.previous_;
        place.previous_->next_ = &node;
        place.previous_ = &node;
    }

    ListNode head_;
};

} // namespace culex
