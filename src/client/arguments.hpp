#pragma once
/// \file arguments.hpp
/// What can be said of a verb's arguments on any thread, without a session: so that the documented client can refuse them
/// at once, with the same words as the session would.

#include <culex/options.hpp>
#include <culex/packet.hpp>
#include <culex/result.hpp>

#include "session/session.hpp"

namespace culex::client {

/// Checks a message and encodes it for `Core::submit`; `payload` as with `Session::prepare`. `Errc::invalid_argument`, whose
/// detail names the field, or
/// `Errc::packet_too_large`.
[[nodiscard]] Result<session::Exchange::Owner> prepare(Publish& message, Version version,
                                                       const Payload* payload = nullptr);

[[nodiscard]] Result<void> check(std::span<const TopicSubscription> subscriptions,
                                 const SubscribeProperties& properties, Version version);
[[nodiscard]] Result<void> check(std::span<const std::string_view> filters, const UnsubscribeProperties& properties,
                                 Version version);

/// What goes with a reason code.
[[nodiscard]] Result<void> check(const AckProperties& properties);

/// `keeps_session`: CONNECT asks for a Session Expiry Interval that is not 0; what was 0 cannot be raised (section 3.14.2.2.2).
[[nodiscard]] Result<void> check(const DisconnectOptions& options, bool keeps_session);
/// What they say, kept.
[[nodiscard]] session::Farewell farewell(const DisconnectOptions& options);

} // namespace culex::client
