#pragma once
/// \file topic_tree.hpp
/// Values by topic filter, found by topic.

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/topic_children.hpp"

namespace culex {

/// A tree with a node for each level of a filter; `+` and `#` are children with a place of their own. Matching walks the
/// literal child and the `+` child of each level, so its cost depends on the filters that agree with the topic so far, not
/// on how many there are; it enters each node at most once. Every walk goes by loops and parent links: a filter of
/// 65,535 slashes is a legal one, and its tree is that deep.
///
/// Filters must have passed `check_topic_filter`, and come without `$share/group/`; topics must have passed
/// `check_topic_name`. Not thread-safe.
template <class T> class TopicTree {
public:
    TopicTree() = default;
    TopicTree(TopicTree&& other) noexcept { swap(other); }
    TopicTree& operator=(TopicTree&& other) noexcept {
        TopicTree taken(std::move(other));
        swap(taken);
        return *this;
    }
    ~TopicTree() { clear(); }

    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    /// Of values; a filter may have several.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    void insert(std::string_view filter, T value);
    /// Removes the values under exactly this filter that equal `what`, or for which `what(value)` is true; says how many.
    template <class What> std::size_t erase(std::string_view filter, const What& what);
    /// The first value under exactly this filter that equals `what`, or for which `what(value)` is true; may be null. It
    /// stays where it is until the next `insert` or `erase` of the same filter.
    template <class What> [[nodiscard]] T* find(std::string_view filter, const What& what);
    /// Calls `visit(const T&)` for each value whose filter matches `topic` (section 4.7), in no particular order. Allocates
    /// nothing. `visit` must not change the tree.
    template <class F> void match(std::string_view topic, F visit) const;
    void clear() noexcept;
    void swap(TopicTree& other) noexcept {
        std::swap(root_, other.root_);
        std::swap(size_, other.size_);
    }

private:
    struct Node {
        Node(Node* above, std::string_view name, std::size_t hash_of_name)
            : parent(above), level(name), level_hash(hash_of_name) {}

        [[nodiscard]] bool unused() const noexcept { return values.empty() && !plus && !hash && children.empty(); }
        [[nodiscard]] Node* child(std::string_view name) const noexcept {
            return name == "+" ? plus : name == "#" ? hash : children.find(name);
        }

        Node* parent;
        Node* plus = nullptr;
        Node* hash = nullptr; ///< its values are those of `this-level/#`
        TopicChildren<Node> children;
        std::vector<T> values;
        std::string level;
        std::size_t level_hash;
    };

    /// Takes back, when an exception passes, the nodes that a filter has got already; a node in use stays.
    struct Pruner {
        explicit Pruner(TopicTree& of) noexcept : tree(of), node(of.root_) {}
        Pruner(const Pruner&) = delete;
        Pruner& operator=(const Pruner&) = delete;
        ~Pruner() { tree.prune(node); }
        TopicTree& tree;
        Node* node;
    };

    template <class What> static bool is(const What& what, const T& value) {
        if constexpr (std::predicate<const What&, const T&>) {
            return what(value);
        } else {
            return value == what;
        }
    }
    static std::size_t end_of_level(std::string_view text, std::size_t begin) noexcept {
        return std::min(text.find('/', begin), text.size());
    }
    /// Where the level begins that ends at `end`.
    static std::size_t begin_of_level(std::string_view text, std::size_t end) noexcept {
        return end == 0 ? 0 : text.rfind('/', end - 1) + 1;
    }
    template <class F> static void visit_values(const Node& node, F& visit) {
        for (const T& value : node.values) visit(value);
    }

    [[nodiscard]] Node* node_of(std::string_view filter) const noexcept;
    static Node* add_child(Node& parent, std::string_view name);
    static void remove_child(Node& node) noexcept;
    void prune(Node* node) noexcept;

    Node* root_ = nullptr; ///< made with the first filter
    std::size_t size_ = 0;
};

template <class T> void TopicTree<T>::insert(std::string_view filter, T value) {
    if (!root_) root_ = new Node(nullptr, {}, 0);
    Pruner path(*this);
    for (std::size_t begin = 0, end = 0; begin <= filter.size(); begin = end + 1) {
        end = end_of_level(filter, begin);
        const std::string_view name = filter.substr(begin, end - begin);
        Node* const next = path.node->child(name);
        path.node = next ? next : add_child(*path.node, name);
    }
    path.node->values.push_back(std::move(value));
    ++size_;
}

template <class T> template <class What> std::size_t TopicTree<T>::erase(std::string_view filter, const What& what) {
    Node* const node = node_of(filter);
    if (!node) return 0;
    const std::size_t count = std::erase_if(node->values, [&what](const T& value) { return is(what, value); });
    size_ -= count;
    prune(node);
    return count;
}

template <class T> template <class What> T* TopicTree<T>::find(std::string_view filter, const What& what) {
    Node* const node = node_of(filter);
    if (!node) return nullptr;
    for (T& value : node->values) {
        if (is(what, value)) return &value;
    }
    return nullptr;
}

/// Depth first, the literal child before the `+` child. `open` counts the nodes on the way down whose `+` child is yet to
/// be walked; mostly there is none, and the walk ends at its deepest place without going back up.
template <class T> template <class F> void TopicTree<T>::match(std::string_view topic, F visit) const {
    if (!root_ || topic.empty()) return;
    // [MQTT-4.7.2-1]: wildcards of the first level do not see topics that begin with '$'.
    const Node* const blind = topic[0] == '$' ? root_ : nullptr;
    const Node* node = root_;
    std::size_t begin =
        0; // of the level that the node's children stand for; past the end of the topic where none is left
    std::size_t open = 0;
    for (;;) {
        if (node->hash && node != blind) visit_values(*node->hash, visit); // "a/#" matches "a", too
        const Node* next = nullptr;
        if (begin > topic.size()) {
            visit_values(*node, visit);
        } else {
            const std::size_t end = end_of_level(topic, begin);
            const Node* const plus = node == blind ? nullptr : node->plus;
            next = node->children.find(topic.substr(begin, end - begin));
            if (next && plus) ++open;
            if (!next) next = plus;
            if (next) begin = end + 1;
        }
        while (!next) {
            if (open == 0) return;
            const Node* const parent = node->parent;
            if (parent->plus && node != parent->plus) {
                next = parent->plus;
                --open;
            } else {
                node = parent;
                begin = begin_of_level(topic, begin - 1);
            }
        }
        node = next;
    }
}

/// The parent links of nodes that are about to go serve as the links of a list of them.
template <class T> void TopicTree<T>::clear() noexcept {
    Node* doomed = std::exchange(root_, nullptr);
    size_ = 0;
    while (doomed) {
        Node* const node = doomed;
        doomed = node->parent;
        const auto doom = [&doomed](Node* child) {
            child->parent = doomed;
            doomed = child;
        };
        if (node->plus) doom(node->plus);
        if (node->hash) doom(node->hash);
        node->children.for_each(doom);
        delete node;
    }
}

template <class T> typename TopicTree<T>::Node* TopicTree<T>::node_of(std::string_view filter) const noexcept {
    Node* node = root_;
    for (std::size_t begin = 0, end = 0; node && begin <= filter.size(); begin = end + 1) {
        end = end_of_level(filter, begin);
        node = node->child(filter.substr(begin, end - begin));
    }
    return node;
}

template <class T> typename TopicTree<T>::Node* TopicTree<T>::add_child(Node& parent, std::string_view name) {
    auto child = std::make_unique<Node>(&parent, name, TopicChildren<Node>::hash(name));
    if (name == "+") return parent.plus = child.release();
    if (name == "#") return parent.hash = child.release();
    parent.children.insert(child.get());
    return child.release();
}

template <class T> void TopicTree<T>::remove_child(Node& node) noexcept {
    Node& parent = *node.parent;
    if (parent.plus == &node) {
        parent.plus = nullptr;
    } else if (parent.hash == &node) {
        parent.hash = nullptr;
    } else {
        parent.children.remove(&node);
    }
    delete &node;
}

template <class T> void TopicTree<T>::prune(Node* node) noexcept {
    while (node != root_ && node->unused()) {
        Node* const parent = node->parent;
        remove_child(*node);
        node = parent;
    }
}

} // namespace culex
