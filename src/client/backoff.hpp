#pragma once
/// \file backoff.hpp
/// How long to wait before connecting again, and how often.

#include <cstdint>

#include <culex/reconnect_policy.hpp>
#include <culex/types.hpp>

namespace culex::client {

/// Exponential delays with full jitter: each is drawn evenly from 0 to a ceiling that grows, so that clients which lost the
/// same broker do not come back together.
class Backoff {
public:
    Backoff(const ReconnectPolicy& policy, std::uint64_t seed) noexcept;

    /// A connection that stood for `up` has ended: it may have earned a fresh start. True if so.
    bool was_connected(Duration up) noexcept;
    /// An attempt has failed, or a connection was lost. False where the policy has no attempt left.
    [[nodiscard]] bool again() noexcept;
    /// The delay before the next attempt; the one after it may be greater.
    [[nodiscard]] std::chrono::milliseconds delay() noexcept;
    void start_over() noexcept;

private:
    [[nodiscard]] double uniform() noexcept;

    // Of the policy; its views are not kept.
    bool enabled_;
    unsigned attempts_;
    double multiplier_;
    double first_ceiling_; // milliseconds
    double max_ceiling_;
    Duration reset_after_;

    std::uint64_t random_;
    double ceiling_;
    unsigned failures_ = 0;
};

} // namespace culex::client
