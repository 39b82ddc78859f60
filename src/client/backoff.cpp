#include "client/backoff.hpp"

#include <algorithm>

#include "base/duration.hpp"

namespace culex::client {
namespace {

double milliseconds(std::chrono::milliseconds duration) noexcept { return static_cast<double>(duration.count()); }

} // namespace

Backoff::Backoff(const ReconnectPolicy& policy, std::uint64_t seed) noexcept
    : enabled_(policy.enabled), attempts_(policy.attempts), multiplier_(policy.multiplier),
      first_ceiling_(std::min(milliseconds(policy.first_delay), milliseconds(policy.max_delay))),
      max_ceiling_(milliseconds(policy.max_delay)), reset_after_(bounded(policy.reset_after)), random_(seed | 1),
      ceiling_(first_ceiling_) {}

bool Backoff::was_connected(Duration up) noexcept {
    if (up < reset_after_) return false;
    start_over();
    return true;
}

void Backoff::start_over() noexcept {
    failures_ = 0;
    ceiling_ = first_ceiling_;
}

bool Backoff::again() noexcept {
    ++failures_;
    return enabled_ && (attempts_ == 0 || failures_ <= attempts_);
}

std::chrono::milliseconds Backoff::delay() noexcept {
    const double drawn = uniform() * ceiling_;
    ceiling_ = std::min(ceiling_ * multiplier_, max_ceiling_);
    return std::chrono::milliseconds{static_cast<std::int64_t>(drawn)};
}

/// xorshift64*: spreads clients apart, which is all that is asked of it.
double Backoff::uniform() noexcept {
    random_ ^= random_ >> 12;
    random_ ^= random_ << 25;
    random_ ^= random_ >> 27;
    return static_cast<double>((random_ * 0x2545F4914F6CDD1DULL) >> 11) * 0x1.0p-53;
}

} // namespace culex::client
