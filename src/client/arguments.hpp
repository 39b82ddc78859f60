#pragma once
/// \file arguments.hpp
/// What can be said of a verb's arguments on any thread, without a session: so that the documented client can refuse them
/// at once, with the same words as the session would.

#include <culex/packet.hpp>
#include <culex/result.hpp>

#include "session/exchange.hpp"

namespace culex::client {

/// Checks a message and encodes it for `Core::submit`. `Errc::invalid_argument`, whose detail names the field, or
/// `Errc::packet_too_large`.
[[nodiscard]] Result<session::Exchange::Owner> prepare(Publish& message, Version version);

[[nodiscard]] Result<void> check(std::span<const TopicSubscription> subscriptions,
                                 const SubscribeProperties& properties, Version version);
[[nodiscard]] Result<void> check(std::span<const std::string_view> filters, const UnsubscribeProperties& properties,
                                 Version version);

} // namespace culex::client
