// Every number of a reconnect policy.
#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "client/backoff.hpp"

namespace culex::client {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr int clients = 2000;

/// What many clients draw as their delay number `nth`, in order.
std::vector<milliseconds> drawn(const ReconnectPolicy& policy, int nth) {
    std::vector<milliseconds> delays;
    for (std::uint64_t seed = 1; seed <= clients; ++seed) {
        Backoff backoff(policy, seed * 0x9E3779B97F4A7C15ULL);
        for (int i = 1; i < nth; ++i) (void)backoff.delay();
        delays.push_back(backoff.delay());
    }
    std::ranges::sort(delays);
    return delays;
}

/// Evenly from 0 to `ceiling`: each tenth of the range has about a tenth of the clients.
void expect_even(const std::vector<milliseconds>& delays, milliseconds ceiling) {
    EXPECT_GE(delays.front(), 0ms);
    EXPECT_LT(delays.back(), ceiling);
    for (int tenth = 0; tenth < 10; ++tenth) {
        const auto inside = std::ranges::count_if(delays, [&](milliseconds delay) {
            return delay >= ceiling * tenth / 10 && delay < ceiling * (tenth + 1) / 10;
        });
        EXPECT_NEAR(static_cast<double>(inside), clients / 10.0, clients / 25.0) << "tenth " << tenth;
    }
}

TEST(Backoff, first_delay_is_drawn_evenly_from_0_to_first_delay) {
    expect_even(drawn({.first_delay = 400ms}, 1), 400ms);
}

TEST(Backoff, ceiling_grows_by_the_multiplier_with_every_delay) {
    const ReconnectPolicy policy{.first_delay = 100ms, .multiplier = 3.0};
    expect_even(drawn(policy, 2), 300ms);
    expect_even(drawn(policy, 3), 900ms);
    expect_even(drawn(policy, 4), 2700ms);
}

TEST(Backoff, ceiling_grows_up_to_max_delay) {
    const ReconnectPolicy policy{.first_delay = 100ms, .multiplier = 10.0, .max_delay = 2s};
    expect_even(drawn(policy, 3), 2s);
    expect_even(drawn(policy, 500), 2s);
}

TEST(Backoff, multiplier_of_1_keeps_the_ceiling) {
    expect_even(drawn({.first_delay = 1s, .multiplier = 1.0}, 100), 1s);
}

TEST(Backoff, first_delay_above_max_delay_is_max_delay) {
    expect_even(drawn({.first_delay = 10s, .max_delay = 1s}, 1), 1s);
}

TEST(Backoff, first_delay_of_0_never_waits) {
    for (const int nth : {1, 2, 3000}) EXPECT_EQ(drawn({.first_delay = 0ms, .multiplier = 10.0}, nth).back(), 0ms);
}

TEST(Backoff, two_clients_do_not_come_back_together) {
    Backoff one({}, 1);
    Backoff other({}, 3);
    int same = 0;
    for (int i = 0; i < 100; ++i) same += one.delay() == other.delay() ? 1 : 0;
    EXPECT_LT(same, 5);
}

/// The greatest delay of many draws tells the ceiling.
milliseconds ceiling_after(Duration up) {
    milliseconds greatest{};
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        Backoff backoff({.first_delay = 100ms, .multiplier = 10.0, .reset_after = 1min}, seed * 0x9E3779B97F4A7C15ULL);
        (void)backoff.delay();
        EXPECT_EQ(backoff.was_connected(up), up >= 1min);
        greatest = std::max(greatest, backoff.delay());
    }
    return greatest;
}

TEST(Backoff, a_connection_that_held_for_reset_after_starts_the_delay_over) {
    EXPECT_LT(ceiling_after(1min), 100ms);
    EXPECT_GT(ceiling_after(1min - 1ms), 800ms);
}

TEST(Backoff, attempts_are_counted_and_0_is_no_limit) {
    Backoff three({.attempts = 3}, 1);
    EXPECT_TRUE(three.again() && three.again() && three.again());
    EXPECT_FALSE(three.again());
    EXPECT_FALSE(three.again());
    Backoff no_limit({.attempts = 0}, 1);
    for (int i = 0; i < 100'000; ++i) ASSERT_TRUE(no_limit.again());
}

TEST(Backoff, a_connection_that_held_for_reset_after_starts_the_attempts_over_and_a_shorter_one_does_not) {
    Backoff backoff({.reset_after = 1min, .attempts = 2}, 1);
    EXPECT_TRUE(backoff.again() && backoff.again());
    EXPECT_TRUE(backoff.was_connected(1min));
    EXPECT_TRUE(backoff.again() && backoff.again());
    EXPECT_FALSE(backoff.was_connected(59s));
    EXPECT_FALSE(backoff.again());
}

TEST(Backoff, a_policy_that_is_not_enabled_has_no_attempt) {
    Backoff off({.enabled = false}, 1);
    EXPECT_FALSE(off.again());
}

} // namespace
} // namespace culex::client
