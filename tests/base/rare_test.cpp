#include "base/rare.hpp"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace culex {
namespace {

TEST(Rare, is_a_pointer_until_it_is_used) {
    static_assert(sizeof(Rare<std::string>) == sizeof(void*));
    Rare<std::string> part;
    EXPECT_FALSE(part);
    EXPECT_EQ(part.look(), "");
    EXPECT_FALSE(part); // looking makes nothing
    part.use() = "words";
    ASSERT_TRUE(part);
    EXPECT_EQ(*part, "words");
    EXPECT_EQ(part->size(), 5u);
    EXPECT_EQ(&part.use(), &*part); // the same one
    EXPECT_EQ(&part.look(), &*part);
}

TEST(Rare, is_gone_after_reset_and_begins_anew) {
    Rare<std::string> part;
    part.use() = "words";
    part.reset();
    EXPECT_FALSE(part);
    EXPECT_EQ(part.look(), "");
    EXPECT_EQ(part.use(), "");
}

TEST(Rare, takes_what_an_optional_has_and_goes_where_it_has_nothing) {
    Rare<std::string> part;
    part.assign(std::optional<std::string_view>("words"));
    EXPECT_EQ(part.look(), "words");
    part.assign(std::optional<std::string_view>("other"));
    EXPECT_EQ(part.look(), "other");
    part.assign(std::optional<std::string_view>());
    EXPECT_FALSE(part);
}

} // namespace
} // namespace culex
