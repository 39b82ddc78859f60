#include "base/topic_tree.hpp"

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <culex/topic.hpp>

namespace culex {
namespace {

template <class T> std::multiset<T> matched(const TopicTree<T>& tree, std::string_view topic) {
    std::multiset<T> found;
    tree.match(topic, [&found](const T& value) { found.insert(value); });
    return found;
}

TEST(TopicTree, finds_the_values_of_all_filters_that_match) {
    TopicTree<std::string> tree;
    for (const char* filter :
         {"a/b", "a/+", "+/b", "+/+", "a/#", "#", "a/b/#", "a/b/c", "a", "/a/b", "$SYS/#", "a/+/#"}) {
        tree.insert(filter, filter);
    }
    EXPECT_EQ(tree.size(), 12u);
    using Found = std::multiset<std::string>;
    EXPECT_EQ(matched(tree, "a/b"), (Found{"a/b", "a/+", "+/b", "+/+", "a/#", "#", "a/b/#", "a/+/#"}));
    EXPECT_EQ(matched(tree, "a"), (Found{"a", "a/#", "#"}));
    EXPECT_EQ(matched(tree, "a/b/c"), (Found{"a/b/c", "a/b/#", "a/#", "#", "a/+/#"}));
    EXPECT_EQ(matched(tree, "/a/b"), (Found{"/a/b", "#"}));
    EXPECT_EQ(matched(tree, "x/y"), (Found{"+/+", "#"}));
}

// [MQTT-4.7.2-1]
TEST(TopicTree, hides_dollar_topics_from_leading_wildcards_alone) {
    TopicTree<std::string> tree;
    for (const char* filter : {"#", "+/x", "+/#", "+", "$SYS/#", "$SYS/+", "$SYS/x", "a/#", "a/+"})
        tree.insert(filter, filter);
    using Found = std::multiset<std::string>;
    EXPECT_EQ(matched(tree, "$SYS/x"), (Found{"$SYS/#", "$SYS/+", "$SYS/x"}));
    EXPECT_EQ(matched(tree, "$SYS"), (Found{"$SYS/#"}));
    EXPECT_EQ(matched(tree, "a/$SYS"), (Found{"a/#", "a/+", "#", "+/#"}));
}

TEST(TopicTree, is_empty_at_first_and_after_the_last_value_left) {
    TopicTree<int> tree;
    EXPECT_TRUE(tree.empty());
    EXPECT_TRUE(matched(tree, "a").empty());
    EXPECT_EQ(tree.erase("a", 1), 0u);
    EXPECT_EQ(tree.find("a", 1), nullptr);
    tree.insert("a/b/#", 1);
    EXPECT_EQ(tree.erase("a/b/#", 1), 1u);
    EXPECT_TRUE(tree.empty());
    EXPECT_TRUE(matched(tree, "a/b").empty());
    tree.clear();
    tree.insert("a", 2);
    EXPECT_EQ(matched(tree, "a"), (std::multiset<int>{2}));
}

TEST(TopicTree, keeps_several_values_for_a_filter) {
    TopicTree<int> tree;
    for (int value : {1, 2, 3, 2}) tree.insert("a/+", value);
    EXPECT_EQ(matched(tree, "a/b"), (std::multiset<int>{1, 2, 2, 3}));
    EXPECT_EQ(tree.erase("a/+", 2), 2u);
    EXPECT_EQ(matched(tree, "a/b"), (std::multiset<int>{1, 3}));
    EXPECT_EQ(tree.erase("a/b", 1), 0u); // exactly this filter, not what it matches
    EXPECT_EQ(tree.erase("a/+", [](int value) { return value > 2; }), 1u);
    EXPECT_EQ(matched(tree, "a/b"), (std::multiset<int>{1}));
    EXPECT_EQ(tree.size(), 1u);
}

TEST(TopicTree, finds_a_value_to_change_it) {
    TopicTree<std::pair<int, int>> tree;
    tree.insert("a/#", {1, 10});
    tree.insert("a/#", {2, 20});
    auto* const value = tree.find("a/#", [](const auto& pair) { return pair.first == 2; });
    ASSERT_NE(value, nullptr);
    value->second = 21;
    EXPECT_EQ(matched(tree, "a"), (std::multiset<std::pair<int, int>>{{1, 10}, {2, 21}}));
    EXPECT_EQ(tree.find("a", [](const auto&) { return true; }), nullptr);
}

TEST(TopicTree, takes_what_can_only_be_moved) {
    TopicTree<std::unique_ptr<int>> tree;
    tree.insert("a", std::make_unique<int>(1));
    tree.insert("a", std::make_unique<int>(2));
    int sum = 0;
    tree.match("a", [&sum](const std::unique_ptr<int>& value) { sum += *value; });
    EXPECT_EQ(sum, 3);
    EXPECT_EQ(tree.erase("a", [](const std::unique_ptr<int>& value) { return *value == 1; }), 1u);
    TopicTree<std::unique_ptr<int>> moved{std::move(tree)};
    EXPECT_TRUE(tree.empty()); // NOLINT(bugprone-use-after-move): a moved-from tree is an empty one
    EXPECT_EQ(moved.size(), 1u);
    tree = std::move(moved);
    EXPECT_EQ(tree.size(), 1u);
}

std::string random_filter(std::mt19937& random, bool wildcards) {
    // Few names on the upper levels and many in all, so that nodes with one child, with a few and with many occur.
    const auto level = [&random, wildcards] {
        if (wildcards && random() % 4 == 0) return std::string{"+"};
        const std::size_t kind = random() % 20;
        if (kind == 0) return std::string{};
        if (kind == 1) return std::string{"$x"};
        return std::string(1, static_cast<char>('a' + random() % (kind < 12 ? 2 : 26)));
    };
    std::string out = level();
    for (std::size_t more = random() % 4; more > 0; --more) out += "/" + level();
    if (wildcards && random() % 5 == 0) out = random() % 10 == 0 ? "#" : out + "/#";
    return out.empty() ? "/" : out;
}

TEST(TopicTree, agrees_with_matching_filter_by_filter_while_filters_come_and_go) {
    std::mt19937 random(20'261'123);
    TopicTree<int> tree;
    std::vector<std::pair<std::string, int>> model;
    std::size_t hits = 0;
    for (int step = 0; step < 12'000; ++step) {
        const bool growing = step / 3'000 % 2 == 0;
        if (model.empty() || random() % 10 < (growing ? 8u : 2u)) {
            model.emplace_back(random_filter(random, true), step);
            tree.insert(model.back().first, step);
        } else {
            std::swap(model[random() % model.size()], model.back());
            ASSERT_EQ(tree.erase(model.back().first, model.back().second), 1u) << model.back().first;
            model.pop_back();
        }
        ASSERT_EQ(tree.size(), model.size());
        if (step % 4 != 0) continue;
        const std::string topic = random_filter(random, false);
        std::multiset<int> expected;
        for (const auto& [filter, value] : model) {
            if (matches(filter, topic)) expected.insert(value);
        }
        ASSERT_EQ(matched(tree, topic), expected) << topic;
        hits += expected.size();
    }
    EXPECT_GT(hits, 10'000u);
    for (const auto& [filter, value] : model) ASSERT_EQ(tree.erase(filter, value), 1u);
    EXPECT_TRUE(tree.empty());
}

TEST(TopicTree, survives_the_deepest_filters_and_topics) {
    const std::string slashes(65'535, '/');
    std::string pluses;
    for (int level = 0; level < 32'767; ++level) pluses += "+/";
    pluses += "#";
    TopicTree<int> tree;
    tree.insert(slashes, 1);
    tree.insert(pluses, 2);
    tree.insert("#", 3);
    EXPECT_EQ(matched(tree, slashes), (std::multiset<int>{1, 2, 3}));
    EXPECT_EQ(matched(tree, slashes.substr(1)), (std::multiset<int>{2, 3}));
    EXPECT_EQ(tree.erase(slashes, 1), 1u);
    EXPECT_EQ(matched(tree, slashes), (std::multiset<int>{2, 3}));
    tree.insert(slashes, 1); // the destructor has a deep tree to take down
}

// Every level of the topic has a literal child and a '+' child, and all 2^12 paths are there, but none matches in the end.
TEST(TopicTree, enters_each_node_once_where_all_branches_agree) {
    constexpr int depth = 12;
    TopicTree<int> tree;
    for (unsigned path = 0; path < 1u << depth; ++path) {
        std::string filter;
        for (int level = 0; level < depth; ++level) filter += (path >> level & 1u) != 0 ? "+/" : "a/";
        tree.insert(filter + "end", static_cast<int>(path));
    }
    std::string topic;
    for (int level = 0; level < depth; ++level) topic += "a/";
    EXPECT_TRUE(matched(tree, topic + "other").empty());
    EXPECT_EQ(matched(tree, topic + "end").size(), 1u << depth);
    // A long chain with a '+' beside each literal level: twice as many nodes as levels, not two to the power of them.
    TopicTree<int> chain;
    std::string prefix;
    for (int level = 0; level < 2'000; ++level) {
        chain.insert(prefix + "+/x", level);
        prefix += "a/";
    }
    EXPECT_TRUE(matched(chain, prefix + "b").empty());
}

TEST(TopicTree, holds_a_hundred_thousand_filters) {
    constexpr int count = 100'000;
    TopicTree<int> tree;
    const auto name = [](int number) { return "devices/" + std::to_string(number) + "/temperature"; };
    for (int number = 0; number < count; ++number) tree.insert(name(number), number);
    tree.insert("devices/+/temperature", -1);
    for (int number = 0; number < count; ++number) {
        int found = 0;
        bool right = false;
        tree.match(name(number), [&](int value) {
            ++found;
            right = right || value == number;
        });
        ASSERT_TRUE(found == 2 && right) << number;
    }
    EXPECT_EQ(matched(tree, "devices/100000/temperature"), (std::multiset<int>{-1}));
    for (int number = 0; number < count; ++number) ASSERT_EQ(tree.erase(name(number), number), 1u);
    EXPECT_EQ(tree.size(), 1u);
}

/// Refuses to be moved when told to.
struct Throwing {
    explicit Throwing(int number) : value(number) {}
    Throwing(const Throwing& other) : value(other.value) {
        if (copies_left-- == 0) throw std::runtime_error("copy");
    }
    Throwing& operator=(const Throwing&) = default;
    bool operator==(const Throwing&) const = default;

    static inline int copies_left = 0;
    int value;
};

TEST(TopicTree, is_as_it_was_when_a_value_throws) {
    TopicTree<Throwing> tree;
    Throwing::copies_left = 100;
    tree.insert("a/b", Throwing{1});
    const Throwing value{2};
    for (int allowed : {0, 1}) {
        Throwing::copies_left = allowed;
        EXPECT_THROW(tree.insert("a/b/c/+/#", value), std::runtime_error);
        EXPECT_EQ(tree.size(), 1u);
    }
    Throwing::copies_left = 100;
    std::vector<int> found;
    tree.match("a/b", [&found](const Throwing& one) { found.push_back(one.value); });
    EXPECT_EQ(found, std::vector<int>{1});
    EXPECT_EQ(tree.erase("a/b", Throwing{1}), 1u);
    EXPECT_TRUE(tree.empty());
}

} // namespace
} // namespace culex
