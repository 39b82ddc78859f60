// Random programs against the real session, and the programs that found something once. As a program:
//
//   culex_model_tests --programs N --seed S    N programs from seed S on, with a line of what it took
#include <charconv>
#include <chrono>
#include <cstdio>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "model/shrink.hpp"
#include "model/world.hpp"

namespace culex::model {
namespace {

bool fails(const Program& program) { return !check(program).empty(); }

/// Which seed fails first, from `seed` on, and what is to be said of it; empty for none.
std::string try_programs(std::uint64_t seed, std::uint64_t programs, std::uint64_t& tried) {
    for (tried = 0; tried < programs;) {
        const Program program = make_program(seed + tried++);
        const std::string what = check(program);
        if (what.empty()) continue;
        const Program small = shrink(program, fails);
        return fmt::format("seed {}: {}\nshrunk from {} to {} steps: {}\n{}", seed + tried - 1, what,
                           program.steps.size(), small.steps.size(), check(small), print(small));
    }
    return {};
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t all_programs = 2'000;
#else
constexpr std::uint64_t all_programs = 100'000;
#endif
constexpr std::uint64_t shares = 4; // so that two cores can have them

class ModelTest : public ::testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Shares, ModelTest, ::testing::Range(std::uint64_t{0}, shares));

TEST_P(ModelTest, delivery_keeps_its_promises_in_random_programs) {
    constexpr std::uint64_t programs = all_programs / shares;
    std::uint64_t tried = 0;
    const std::string what = try_programs(1 + GetParam() * programs, programs, tried);
    EXPECT_TRUE(what.empty()) << what;
    EXPECT_EQ(tried, programs);
}

} // namespace
} // namespace culex::model

namespace {

bool read_number(std::string_view text, std::uint64_t& number) {
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    return read.ec == std::errc{} && read.ptr == text.data() + text.size();
}

int run_programs(std::uint64_t seed, std::uint64_t programs) {
    using Seconds = std::chrono::duration<double>;
    std::uint64_t tried = 0;
    const auto begin = std::chrono::steady_clock::now();
    const std::string what = culex::model::try_programs(seed, programs, tried);
    const Seconds took = std::chrono::steady_clock::now() - begin;
    fmt::print("{} programs in {:.1f} s\n{}", tried, took.count(), what);
    return what.empty() ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
    ::testing::InitGoogleTest(&argc, argv);
    if (argc == 1) return RUN_ALL_TESTS();
    std::uint64_t programs = 0;
    std::uint64_t seed = 1;
    bool good = argc % 2 == 1;
    for (int at = 1; good && at + 1 < argc; at += 2) {
        const std::string_view name = argv[at];
        good = (name == "--programs" && read_number(argv[at + 1], programs)) ||
               (name == "--seed" && read_number(argv[at + 1], seed));
    }
    if (good) return run_programs(seed, programs);
    fmt::print(stderr, "usage: culex_model_tests [--programs N] [--seed S]\n");
    return 2;
}
