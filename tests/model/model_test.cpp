// Random programs against the real session and the real client, and the programs that found something once. As a program:
//
//   culex_model_tests --programs N --seed S    N programs from seed S on, with a line of what it took
//   ... --world client                         the same for clients; else it is `session`
//   culex_model_tests --run FILE               one program, as it was printed
#include <charconv>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "model/check.hpp"
#include "model/shrink.hpp"
#include "support/allocations.hpp"

namespace culex::model {
namespace {

Program program_of(WorldKind world, std::uint64_t seed) {
    return world == WorldKind::client ? make_client_program(seed) : make_program(seed);
}

bool fails(const Program& program) { return !check(program).empty(); }

/// Which seed fails first, from `seed` on, and what is to be said of it; empty for none.
std::string try_programs(WorldKind world, std::uint64_t seed, std::uint64_t programs, std::uint64_t& tried) {
    for (tried = 0; tried < programs;) {
        const Program program = program_of(world, seed + tried++);
        const std::string what = check(program);
        if (what.empty()) continue;
        const Program small = shrink(program, fails, world == WorldKind::client ? 3'000 : 20'000);
        return fmt::format("seed {}: {}\nshrunk from {} to {} steps: {}\n{}", seed + tried - 1, what,
                           program.steps.size(), small.steps.size(), check(small), print(small));
    }
    return {};
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t all_programs = 2'000;
constexpr std::uint64_t all_client_programs = 1'000;
#else
constexpr std::uint64_t all_programs = 400'000;
constexpr std::uint64_t all_client_programs = 100'000;
#endif
constexpr std::uint64_t shares = 4; // so that two cores can have them

class ModelTest : public ::testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Shares, ModelTest, ::testing::Range(std::uint64_t{0}, shares));

TEST_P(ModelTest, delivery_keeps_its_promises_in_random_programs) {
    constexpr std::uint64_t programs = all_programs / shares;
    std::uint64_t tried = 0;
    const std::string what = try_programs(WorldKind::session, 1 + GetParam() * programs, programs, tried);
    EXPECT_TRUE(what.empty()) << what;
    EXPECT_EQ(tried, programs);
}

class ClientModelTest : public ::testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Shares, ClientModelTest, ::testing::Range(std::uint64_t{0}, shares));

TEST_P(ClientModelTest, clients_keep_their_promises_in_random_programs) {
    constexpr std::uint64_t programs = all_client_programs / shares;
    std::uint64_t tried = 0;
    const std::string what = try_programs(WorldKind::client, 1 + GetParam() * programs, programs, tried);
    EXPECT_TRUE(what.empty()) << what;
    EXPECT_EQ(tried, programs);
}

// What was found, as it was printed.

TEST(ModelFoundTest, qos_0_does_not_pass_messages_that_wait_for_room_alone) {
    const auto program = parse(R"(setting high_water=61
        open 0 0 0 0
        unsubscribe 0
        turn 1
        publish 1 3 0 0
        publish 1 27 0 0
        flush 0
        publish 1 0 0 0
        cut 0
        publish 1 0 0 0
        open 0 0 0 0
        turn 1
        flush 1
        publish 0 0 0 0)");
    ASSERT_TRUE(program);
    EXPECT_EQ(check(*program), "");
}

TEST(ModelFoundTest, what_waits_for_room_at_the_end_of_the_drain_fails_for_a_cause) {
    const auto program = parse(R"(setting world=1 messages=2 when_full=0
        connect 0 0 0
        call_subscribe 0 0 0 0 0 0
        turn 4
        call_subscribe 0 0 0 0 0 0
        call_publish 0 0 0 0 0 0
        disconnect 0 0)");
    ASSERT_TRUE(program);
    EXPECT_EQ(check(*program), "");
}

TEST(ModelFoundTest, connack_is_read_to_its_end_while_streams_are_full) {
    const auto program = parse(R"(setting world=1 keep_alive=17 soft=2 chunk=1
        connect 0 0 0
        call_subscribe 0 0 0 0 0 0
        time 0
        inject 0 0 0
        call_publish 0 0 0 0 0 0
        call_publish 0 0 0 0 0 0
        time 0
        reconnect 0
        time 0
        turn 2)");
    ASSERT_TRUE(program);
    EXPECT_EQ(check(*program), "");
}

// Each program twice before, so that what the pool and the library keep for themselves is there.
TEST(ClientModelMemoryTest, nothing_is_left_of_a_program) {
    if (!culex::testing::counts_allocations()) GTEST_SKIP() << "sanitizers look for leaks themselves";
    for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
        const Program program = make_client_program(seed);
        for (int i = 0; i < 2; ++i) ASSERT_EQ(check(program), "");
        const std::size_t before = culex::testing::live_bytes();
        ASSERT_EQ(check(program), "");
        ASSERT_EQ(culex::testing::live_bytes(), before) << print(program);
    }
}

// The check itself.

TEST(ModelProgramTest, is_read_back_as_it_was_printed) {
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        for (const WorldKind world : {WorldKind::session, WorldKind::client}) {
            const std::string text = print(program_of(world, seed));
            const auto read = parse(text);
            ASSERT_TRUE(read) << text;
            EXPECT_EQ(print(*read), text);
        }
    }
}

TEST(ModelProgramTest, is_not_read_where_a_word_or_number_is_wrong) {
    for (const char* text : {"publsh 1 2 3 4", "publish 1 2 3 4 5", "publish x", "setting colour=1", "setting version"})
        EXPECT_FALSE(parse(text)) << text;
}

/// Stands for a bug: a cut, and two or more large messages at QoS 2 somewhere before it.
bool fails_with_two_and_a_cut(const Program& program) {
    int messages = 0;
    for (const Step& step : program.steps) {
        if (step.op == Op::cut && messages >= 2) return true;
        if (step.op == Op::publish && step.n[0] == 2 && step.n[1] >= 10) ++messages;
    }
    return false;
}

TEST(ModelProgramTest, shrinks_to_what_it_takes_to_fail) {
    Program program;
    for (std::uint64_t seed = 1; !fails_with_two_and_a_cut(program); ++seed) program = make_program(seed);
    EXPECT_EQ(print(shrink(program, fails_with_two_and_a_cut)), "setting\npublish 2 10 0 0\npublish 2 10 0 0\ncut 0\n");
}

} // namespace
} // namespace culex::model

namespace {

bool read_number(std::string_view text, std::uint64_t& number) {
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    return read.ec == std::errc{} && read.ptr == text.data() + text.size();
}

int run_programs(culex::model::WorldKind world, std::uint64_t seed, std::uint64_t programs) {
    using Seconds = std::chrono::duration<double>;
    std::uint64_t tried = 0;
    const auto begin = std::chrono::steady_clock::now();
    const std::string what = culex::model::try_programs(world, seed, programs, tried);
    const Seconds took = std::chrono::steady_clock::now() - begin;
    fmt::print("{} programs in {:.1f} s\n{}", tried, took.count(), what);
    return what.empty() ? 0 : 1;
}

int run_file(const char* name) {
    std::ifstream file(name);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto program = culex::model::parse(text);
    if (!file || !program) {
        fmt::print(stderr, "{}: no program\n", name);
        return 2;
    }
    const std::string what = culex::model::check(*program);
    fmt::print("{}\n", what.empty() ? "every promise was kept" : what);
    return what.empty() ? 0 : 1;
}

bool read_world(std::string_view text, culex::model::WorldKind& world) {
    if (text == "client") world = culex::model::WorldKind::client;
    return text == "client" || text == "session";
}

} // namespace

int main(int argc, char** argv) {
    ::testing::InitGoogleTest(&argc, argv);
    if (argc == 1) return RUN_ALL_TESTS();
    std::uint64_t programs = 0;
    std::uint64_t seed = 1;
    auto world = culex::model::WorldKind::session;
    if (argc == 3 && std::string_view(argv[1]) == "--run") return run_file(argv[2]);
    bool good = argc % 2 == 1;
    for (int at = 1; good && at + 1 < argc; at += 2) {
        const std::string_view name = argv[at];
        good = (name == "--programs" && read_number(argv[at + 1], programs)) ||
               (name == "--seed" && read_number(argv[at + 1], seed)) ||
               (name == "--world" && read_world(argv[at + 1], world));
    }
    if (good) return run_programs(world, seed, programs);
    fmt::print(stderr, "usage: culex_model_tests [--programs N] [--seed S] [--world session|client] | --run FILE\n");
    return 2;
}
