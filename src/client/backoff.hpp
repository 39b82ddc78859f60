#pragma once
/// \file backoff.hpp
/// When to connect again, and whether.

#include <cstdint>

#include <culex/error.hpp>
#include <culex/options.hpp>

namespace culex::client {

/// Exponential delays with full jitter: each is drawn evenly from 0 to a ceiling that grows, so that clients which lost the
/// same broker do not come back together.
class Backoff {
public:
    Backoff(const ReconnectPolicy& policy, std::uint64_t seed) noexcept : policy_(policy), random_(seed | 1) {}

    /// A connection that stood for `up` has ended: it may have earned a fresh start.
    void was_connected(Duration up) noexcept {
        if (up >= policy_.reset_after) failures_ = 0;
    }
    /// An attempt has failed, or a connection was lost. False where the policy has no attempt left.
    [[nodiscard]] bool again() noexcept;
    /// The delay before the next attempt.
    [[nodiscard]] Duration delay() noexcept;
    void start_over() noexcept { failures_ = 0; }

private:
    [[nodiscard]] double uniform() noexcept;

    ReconnectPolicy policy_;
    std::uint64_t random_;
    unsigned failures_ = 0;
};

/// Whether trying again can help. What a broker refuses for who we are, or what we sent, it refuses for ever; and a client
/// whose session another has taken over would take it back, for ever.
[[nodiscard]] bool worth_another_try(const Failure& failure) noexcept;

} // namespace culex::client
