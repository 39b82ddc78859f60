#include <culex/result.hpp>

#include <memory>
#include <string>
#include <type_traits>

#include <gtest/gtest.h>

namespace culex {
namespace {

Result<std::string> parse(bool good) {
    if (!good) return Failure{Errc::invalid_argument, "bad"};
    return std::string{"parsed"};
}

Result<> check(bool good) {
    if (!good) return Failure{Errc::closed};
    return {};
}

TEST(Result, holds_a_value_or_the_failure) {
    const Result<std::string> good = parse(true);
    ASSERT_TRUE(good);
    EXPECT_EQ(*good, "parsed");
    EXPECT_EQ(good->size(), 6u);
    EXPECT_FALSE(good.failure());
    const Result<std::string> bad = parse(false);
    ASSERT_FALSE(bad);
    EXPECT_TRUE(bad.failure() == Errc::invalid_argument);
    EXPECT_EQ(bad.failure().detail(), "bad");
}

TEST(Result, gives_its_value_or_throws_the_failure) {
    EXPECT_EQ(parse(true).value(), "parsed");
    try {
        static_cast<void>(parse(false).value());
        FAIL() << "no exception";
    } catch (const Error& error) {
        EXPECT_EQ(error.detail(), "bad");
    }
}

TEST(Result, moves_what_cannot_be_copied) {
    Result<std::unique_ptr<int>> result{std::make_unique<int>(7)};
    ASSERT_TRUE(result);
    EXPECT_EQ(**result, 7);
    const std::unique_ptr<int> value = std::move(result).value();
    EXPECT_EQ(*value, 7);
}

TEST(Result, of_nothing_is_success_or_the_failure) {
    EXPECT_TRUE(check(true));
    EXPECT_NO_THROW(check(true).value());
    EXPECT_FALSE(check(false));
    EXPECT_TRUE(check(false).failure() == Errc::closed);
    EXPECT_THROW(check(false).value(), Error);
}

TEST(Result, passes_a_failure_on_with_more_known_about_it) {
    Result<std::string> inner = parse(false);
    const Result<> outer = std::move(inner).failure().at("mqtt://h:1883");
    EXPECT_EQ(outer.failure().address(), "mqtt://h:1883");
}

// g++ 12 moves aggregates with destructors bitwise inside co_await expressions.
TEST(Result, is_no_aggregate) {
    EXPECT_FALSE(std::is_aggregate_v<Result<std::string>>);
    EXPECT_FALSE(std::is_aggregate_v<Result<>>);
}

} // namespace
} // namespace culex
