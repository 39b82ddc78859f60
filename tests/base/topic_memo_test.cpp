#include "base/topic_memo.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace culex {
namespace {

template <class T> T* value_of(const TopicMemo<T>& memo, std::string_view topic) {
    T* const* const found = memo.find(topic);
    return found ? *found : nullptr;
}

TEST(TopicMemo, finds_what_it_was_told_and_nothing_else) {
    TopicMemo<const int> memo;
    const int one = 1;
    const int two = 2;
    EXPECT_EQ(value_of(memo, "sensors/1"), nullptr);
    memo.remember("sensors/1", &one);
    EXPECT_EQ(value_of(memo, "sensors/1"), &one);
    EXPECT_EQ(value_of(memo, "sensors/2"), nullptr);
    memo.remember("sensors/1", &two);
    EXPECT_EQ(value_of(memo, "sensors/1"), &two);
    memo.forget();
    EXPECT_EQ(value_of(memo, "sensors/1"), nullptr);
}

TEST(TopicMemo, tells_topics_of_every_length_apart_that_differ_in_one_byte) {
    const int value = 0;
    for (std::size_t size = 0; size <= 80; ++size) {
        TopicMemo<const int> memo;
        const std::string topic(size, 'a');
        memo.remember(topic, &value);
        const bool kept = size >= 8 && size <= TopicMemo<const int>::longest;
        EXPECT_EQ(value_of(memo, topic), kept ? &value : nullptr) << size;
        for (std::size_t at = 0; at < size; ++at) {
            std::string other = topic;
            other[at] = 'b';
            EXPECT_EQ(value_of(memo, other), nullptr) << size << ' ' << at;
        }
        EXPECT_EQ(value_of(memo, topic + 'a'), nullptr) << size;
        EXPECT_EQ(value_of(memo, topic.substr(0, size / 2)), nullptr) << size;
    }
}

TEST(TopicMemo, never_gives_one_topics_value_for_another_where_many_share_its_places) {
    TopicMemo<const std::string> memo;
    std::vector<std::string> topics;
    for (int i = 0; i < 1000; ++i) topics.push_back("devices/" + std::to_string(i) + "/state");
    std::size_t found = 0;
    for (int round = 0; round < 3; ++round) {
        for (const std::string& topic : topics) {
            memo.remember(topic, &topic);
            for (const std::string& other : topics) {
                const std::string* value = value_of(memo, other);
                if (!value) continue;
                ASSERT_EQ(*value, other);
                ++found;
            }
        }
    }
    EXPECT_GT(found, 3000u * 16); // topics like these fill most of the 32 places
}

} // namespace
} // namespace culex
