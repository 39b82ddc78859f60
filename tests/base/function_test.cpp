#include <culex/function.hpp>

#include <array>
#include <memory>
#include <string>

#include <gtest/gtest.h>

namespace culex {
namespace {

int twice(int value) { return 2 * value; }

/// Counts its living copies, and is as large as one likes.
template <std::size_t size> struct Counted {
    explicit Counted(int& alive) : alive_(&alive) { ++*alive_; }
    Counted(Counted&& other) noexcept : alive_(other.alive_) { ++*alive_; }
    Counted(const Counted&) = delete;
    ~Counted() { --*alive_; }
    int operator()() { return *alive_; }
    int* alive_;
    std::array<std::byte, size> ballast_{};
};

TEST(Function, is_empty_until_it_holds_a_callable) {
    Function<void()> none;
    Function<void()> null{nullptr};
    int (*no_function)(int) = nullptr;
    Function<int(int)> from_null{no_function};
    EXPECT_FALSE(none);
    EXPECT_FALSE(null);
    EXPECT_FALSE(from_null);
    EXPECT_TRUE(Function<int(int)>{twice});
}

TEST(Function, calls_functions_lambdas_and_function_objects) {
    Function<int(int)> function = twice;
    EXPECT_EQ(function(21), 42);
    function = [](int value) { return value + 1; };
    EXPECT_EQ(function(21), 22);
    int calls = 0;
    Function<void()> counts = [&calls] { return ++calls; }; // the result is dropped
    counts();
    counts();
    EXPECT_EQ(calls, 2);
}

TEST(Function, holds_what_can_only_be_moved) {
    auto owned = std::make_unique<int>(7);
    Function<int()> function = [owned = std::move(owned)] { return *owned; };
    Function<int()> moved = std::move(function);
    EXPECT_EQ(moved(), 7);
    EXPECT_FALSE(function); // NOLINT(bugprone-use-after-move): a moved-from function is empty
}

TEST(Function, passes_arguments_without_copying_them) {
    Function<std::unique_ptr<int>(std::unique_ptr<int>)> same = [](std::unique_ptr<int> value) { return value; };
    EXPECT_EQ(*same(std::make_unique<int>(5)), 5);
    std::string text = "a";
    Function<void(std::string&)> appends = [](std::string& target) { target += "b"; };
    appends(text);
    EXPECT_EQ(text, "ab");
}

template <std::size_t size> void destroys_once() {
    int alive = 0;
    {
        Function<int()> function = Counted<size>(alive);
        EXPECT_EQ(function(), 1);
        Function<int()> moved = std::move(function);
        EXPECT_EQ(moved(), 1);
        function = std::move(moved);
        EXPECT_EQ(function(), 1);
        function = Function<int()>(Counted<size>(alive));
        EXPECT_EQ(function(), 1);
        function = nullptr;
        EXPECT_EQ(alive, 0);
        function = Counted<size>(alive);
    }
    EXPECT_EQ(alive, 0);
}

TEST(Function, destroys_its_callable_once_where_it_lives_inside) { destroys_once<1>(); }
TEST(Function, destroys_its_callable_once_where_it_lives_on_the_heap) { destroys_once<200>(); }

} // namespace
} // namespace culex
