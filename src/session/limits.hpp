#pragma once
/// \file limits.hpp
/// What the broker has granted for a link (CONNACK, section 3.2.2.3). The defaults are those of the standard, and all that
/// MQTT 3.1.1 knows.

#include <chrono>
#include <cstdint>

#include <culex/packet.hpp>

namespace culex::session {

/// The greatest packet that the protocol itself allows: Remaining Length and its header.
inline constexpr std::uint32_t unlimited_packet_size = max_remaining_length + 5;

/// And the greatest packet identifier, so the most that may be in flight.
inline constexpr PacketId max_packet_id = 65'535;

struct Limits {
    std::uint16_t receive_maximum = 65'535; ///< QoS 1 and 2 messages of ours that may be unacknowledged
    QoS maximum_qos = QoS::exactly_once;
    bool retain_available = true;
    std::uint32_t maximum_packet_size = unlimited_packet_size;
    std::uint16_t topic_alias_maximum = 0;
    bool wildcard_subscriptions = true;
    bool subscription_identifiers = true;
    bool shared_subscriptions = true;
    std::chrono::seconds keep_alive{0};
    std::uint32_t session_expiry_interval = 0; ///< seconds

    /// What CONNACK grants to who asked with `connect`'s keep-alive and session expiry.
    [[nodiscard]] static Limits granted(const ConnackProperties& granted, std::chrono::seconds asked_keep_alive,
                                        std::uint32_t asked_session_expiry) noexcept {
        return {
            .receive_maximum = granted.receive_maximum.value_or(65'535),
            .maximum_qos = static_cast<QoS>(granted.maximum_qos.value_or(2)),
            .retain_available = granted.retain_available.value_or(1) != 0,
            .maximum_packet_size = granted.maximum_packet_size.value_or(unlimited_packet_size),
            .topic_alias_maximum = granted.topic_alias_maximum.value_or(0),
            .wildcard_subscriptions = granted.wildcard_subscription_available.value_or(1) != 0,
            .subscription_identifiers = granted.subscription_identifier_available.value_or(1) != 0,
            .shared_subscriptions = granted.shared_subscription_available.value_or(1) != 0,
            .keep_alive =
                granted.server_keep_alive ? std::chrono::seconds{*granted.server_keep_alive} : asked_keep_alive,
            .session_expiry_interval = granted.session_expiry_interval.value_or(asked_session_expiry),
        };
    }
};

} // namespace culex::session
