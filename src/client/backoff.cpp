#include "client/backoff.hpp"

#include <algorithm>
#include <cmath>

namespace culex::client {

bool Backoff::again() noexcept {
    ++failures_;
    return policy_.enabled && (policy_.attempts == 0 || failures_ <= policy_.attempts);
}

Duration Backoff::delay() noexcept {
    const double exponent = failures_ > 0 ? failures_ - 1 : 0;
    const double grown = static_cast<double>(policy_.first_delay.count()) * std::pow(policy_.multiplier, exponent);
    const double ceiling = std::min(grown, static_cast<double>(policy_.max_delay.count()));
    return std::chrono::milliseconds{static_cast<std::int64_t>(uniform() * ceiling)};
}

/// xorshift64*: spreads clients apart, which is all that is asked of it.
double Backoff::uniform() noexcept {
    random_ ^= random_ >> 12;
    random_ ^= random_ << 25;
    random_ ^= random_ >> 27;
    return static_cast<double>((random_ * 0x2545F4914F6CDD1DULL) >> 11) * 0x1.0p-53;
}

bool worth_another_try(const Failure& failure) noexcept {
    if (failure == Errc::invalid_argument || failure == Errc::not_supported) return false;
    if (failure != Errc::connection_refused && failure != Errc::disconnected) return true;
    switch (failure.reason_code()) {
    case ReasonCode::unsupported_protocol_version:
    case ReasonCode::client_identifier_not_valid:
    case ReasonCode::bad_user_name_or_password:
    case ReasonCode::not_authorized:
    case ReasonCode::banned:
    case ReasonCode::bad_authentication_method:
    case ReasonCode::session_taken_over:
    case ReasonCode::topic_name_invalid:     // of the will
    case ReasonCode::packet_too_large:       // the CONNECT itself
    case ReasonCode::payload_format_invalid: // of the will
    case ReasonCode::retain_not_supported:
    case ReasonCode::qos_not_supported:
        return false;
    default:
        return true;
    }
}

} // namespace culex::client
