#include "wire/sender.hpp"

#include <algorithm>

namespace culex::wire {
namespace {

/// DISCONNECT's codes that a client may send (section 3.14.2.1); all but the second may come from a server, too.
constexpr ReasonCode client_disconnects[] = {
    ReasonCode::success,
    ReasonCode::disconnect_with_will,
    ReasonCode::unspecified_error,
    ReasonCode::malformed_packet,
    ReasonCode::protocol_error,
    ReasonCode::implementation_specific_error,
    ReasonCode::topic_name_invalid,
    ReasonCode::receive_maximum_exceeded,
    ReasonCode::topic_alias_invalid,
    ReasonCode::packet_too_large,
    ReasonCode::message_rate_too_high,
    ReasonCode::quota_exceeded,
    ReasonCode::administrative_action,
    ReasonCode::payload_format_invalid,
};

Fault wrong_code(ReasonCode code) noexcept {
    return {ReasonCode::protocol_error, "reason code", "is not its sender's to use", static_cast<std::uint8_t>(code)};
}

} // namespace

Fault sender_fault(const Publish& packet, Sender from) noexcept {
    if (from != Sender::client || packet.properties.subscription_identifiers.empty()) return {};
    return {ReasonCode::protocol_error, "subscription_identifiers", "are not for clients to send"}; // [MQTT-3.3.4-6]
}

Fault sender_fault(const Disconnect& packet, Sender from) noexcept {
    if (from == Sender::server) {
        if (packet.reason_code == ReasonCode::disconnect_with_will) return wrong_code(packet.reason_code);
        if (!packet.properties.session_expiry_interval) return {};
        return {ReasonCode::protocol_error, "session_expiry_interval", "is not for servers to send"}; // [MQTT-3.14.2-2]
    }
    if (from == Sender::client) {
        if (std::ranges::find(client_disconnects, packet.reason_code) == std::end(client_disconnects)) {
            return wrong_code(packet.reason_code);
        }
        if (!packet.properties.server_reference) return {};
        return {ReasonCode::protocol_error, "server_reference", "is not for clients to send"};
    }
    return {};
}

Fault sender_fault(const Auth& packet, Sender from) noexcept {
    const ReasonCode code = packet.reason_code;
    if (from == Sender::server && code == ReasonCode::reauthenticate) return wrong_code(code);
    if (from == Sender::client && code == ReasonCode::success) return wrong_code(code);
    return {};
}

} // namespace culex::wire
