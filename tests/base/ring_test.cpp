#include "base/ring.hpp"

#include <deque>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace culex {
namespace {

TEST(Ring, begins_empty_and_without_memory) {
    const Ring<int> ring;
    EXPECT_TRUE(ring.empty());
    EXPECT_EQ(ring.size(), 0u);
    EXPECT_EQ(ring.capacity(), 0u);
}

TEST(Ring, gives_elements_back_in_order) {
    Ring<std::string> ring;
    for (int i = 0; i < 100; ++i) ring.push_back("element number " + std::to_string(i));
    EXPECT_EQ(ring.front(), "element number 0");
    EXPECT_EQ(ring.back(), "element number 99");
    EXPECT_EQ(ring[42], "element number 42");
    for (int i = 0; i < 100; ++i) EXPECT_EQ(ring.take_front(), "element number " + std::to_string(i));
    EXPECT_TRUE(ring.empty());
}

TEST(Ring, behaves_like_a_deque) {
    std::mt19937 random(20'261'123);
    Ring<std::string> ring;
    std::deque<std::string> model;
    for (int step = 0; step < 20'000; ++step) {
        // Phases of growing and of shrinking, so that the content wraps around and the ring grows while it does.
        if (model.empty() || random() % 10 < (step / 1'000 % 2 == 0 ? 6u : 4u)) {
            model.push_back("a text that is too long to be stored inline " + std::to_string(random() % 1'000));
            ring.push_back(model.back());
        } else {
            ring.pop_front();
            model.pop_front();
        }
        ASSERT_EQ(ring.size(), model.size());
        if (!model.empty()) {
            const std::size_t at = random() % model.size();
            ASSERT_EQ(ring[at], model[at]);
            ASSERT_EQ(ring.front(), model.front());
            ASSERT_EQ(ring.back(), model.back());
        }
    }
}

TEST(Ring, allocates_nothing_in_the_steady_state) {
    Ring<int> ring;
    for (int i = 0; i < 8; ++i) ring.push_back(i);
    const int* const lowest = &ring[0];
    EXPECT_EQ(ring.capacity(), 8u);
    for (int i = 0; i < 1'000; ++i) {
        ring.pop_front();
        ring.push_back(i);
        ASSERT_LT(static_cast<std::size_t>(&ring.back() - lowest), ring.capacity());
    }
    EXPECT_EQ(ring.capacity(), 8u);
}

TEST(Ring, takes_what_can_only_be_moved) {
    Ring<std::unique_ptr<int>> ring;
    for (int i = 0; i < 20; ++i) ring.push_back(std::make_unique<int>(i));
    for (int i = 0; i < 20; ++i) EXPECT_EQ(*ring.take_front(), i);
}

TEST(Ring, may_be_given_its_own_element_while_it_grows) {
    Ring<std::string> ring;
    for (int i = 0; i < 8; ++i) ring.push_back("a text that is too long to be stored inline");
    ring.emplace_back(ring.front());
    EXPECT_EQ(ring.back(), ring.front());
    EXPECT_EQ(ring.size(), 9u);
}

TEST(Ring, forgets_with_clear_and_gives_memory_back_with_release) {
    Ring<std::shared_ptr<int>> ring;
    const auto value = std::make_shared<int>(1);
    for (int i = 0; i < 9; ++i) ring.push_back(value);
    ring.clear();
    EXPECT_EQ(value.use_count(), 1);
    EXPECT_EQ(ring.capacity(), 16u);
    ring.release();
    EXPECT_EQ(ring.capacity(), 0u);
    ring.push_back(value);
    EXPECT_EQ(ring.front(), value);
}

TEST(Ring, is_moved_with_its_memory) {
    Ring<std::string> first;
    first.push_back("text");
    Ring<std::string> second{std::move(first)};
    EXPECT_EQ(second.front(), "text");
    EXPECT_TRUE(first.empty()); // NOLINT(bugprone-use-after-move): a moved-from ring is an empty one
    first.push_back("other");
    second = std::move(first);
    EXPECT_EQ(second.front(), "other");
    EXPECT_EQ(second.size(), 1u);
}

/// Copied, never moved, and the copy throws when told to.
struct Throwing {
    explicit Throwing(int number) : value(std::make_unique<int>(number)) {}
    Throwing(const Throwing& other) : value(std::make_unique<int>(*other.value)) {
        if (copies_left == 0) throw std::runtime_error("copy");
        --copies_left;
    }
    Throwing& operator=(const Throwing&) = delete;
    ~Throwing() = default;

    static inline int copies_left = 0;
    std::unique_ptr<int> value;
};

TEST(Ring, keeps_its_content_when_an_element_throws) {
    Throwing::copies_left = 1'000;
    Ring<Throwing> ring;
    for (int i = 0; i < 8; ++i) ring.emplace_back(i);
    ring.pop_front();
    ring.emplace_back(8); // wrapped around
    for (int allowed = 0; allowed < 8; ++allowed) {
        Throwing::copies_left = allowed;
        EXPECT_THROW(ring.emplace_back(9), std::runtime_error);
        ASSERT_EQ(ring.size(), 8u);
        ASSERT_EQ(ring.capacity(), 8u);
        for (int i = 0; i < 8; ++i) ASSERT_EQ(*ring[static_cast<std::size_t>(i)].value, i + 1);
    }
    Throwing::copies_left = 8;
    ring.emplace_back(9);
    EXPECT_EQ(*ring.back().value, 9);
}

TEST(Ring, takes_elements_at_the_front_whether_it_is_empty_wrapped_or_full) {
    for (int before = 0; before <= 20; ++before) {
        for (int turned = 0; turned < 9; ++turned) {
            Ring<std::unique_ptr<int>> ring;
            for (int i = 0; i < turned; ++i) ring.push_back(std::make_unique<int>(-1));
            ring.clear();
            for (int i = 0; i < before; ++i) ring.push_back(std::make_unique<int>(i + 2));
            ring.push_front(std::make_unique<int>(1));
            ring.push_front(std::make_unique<int>(0));
            ASSERT_EQ(ring.size(), static_cast<std::size_t>(before) + 2);
            for (int i = 0; i < before + 2; ++i) ASSERT_EQ(*ring.take_front(), i) << before << ' ' << turned;
        }
    }
}

} // namespace
} // namespace culex
