#pragma once
/// \file reason_code.hpp
/// The reason codes of MQTT 5 (section 2.4). MQTT 3.1.1's CONNACK return codes and SUBACK's 0x80 are mapped onto them when
/// a packet is read or written, so that one set of names serves both versions.

#include <cstdint>
#include <string_view>

#include <culex/types.hpp>

namespace culex {

/// 0x80 and above is a failure; see `failed`.
enum class ReasonCode : std::uint8_t {
    success = 0x00, ///< also "normal disconnection" and "granted QoS 0"
    granted_qos_0 = 0x00,
    granted_qos_1 = 0x01,
    granted_qos_2 = 0x02,
    disconnect_with_will = 0x04,
    no_matching_subscribers = 0x10,
    no_subscription_existed = 0x11,
    continue_authentication = 0x18,
    reauthenticate = 0x19,
    unspecified_error = 0x80,
    malformed_packet = 0x81,
    protocol_error = 0x82,
    implementation_specific_error = 0x83,
    unsupported_protocol_version = 0x84, ///< 3.1.1: CONNACK return code 1
    client_identifier_not_valid = 0x85,  ///< 3.1.1: CONNACK return code 2
    bad_user_name_or_password = 0x86,    ///< 3.1.1: CONNACK return code 4
    not_authorized = 0x87,               ///< 3.1.1: CONNACK return code 5
    server_unavailable = 0x88,           ///< 3.1.1: CONNACK return code 3
    server_busy = 0x89,
    banned = 0x8A,
    server_shutting_down = 0x8B,
    bad_authentication_method = 0x8C,
    keep_alive_timeout = 0x8D,
    session_taken_over = 0x8E,
    topic_filter_invalid = 0x8F,
    topic_name_invalid = 0x90,
    packet_identifier_in_use = 0x91,
    packet_identifier_not_found = 0x92,
    receive_maximum_exceeded = 0x93,
    topic_alias_invalid = 0x94,
    packet_too_large = 0x95,
    message_rate_too_high = 0x96,
    quota_exceeded = 0x97,
    administrative_action = 0x98,
    payload_format_invalid = 0x99,
    retain_not_supported = 0x9A,
    qos_not_supported = 0x9B,
    use_another_server = 0x9C,
    server_moved = 0x9D,
    shared_subscriptions_not_supported = 0x9E,
    connection_rate_exceeded = 0x9F,
    maximum_connect_time = 0xA0,
    subscription_identifiers_not_supported = 0xA1,
    wildcard_subscriptions_not_supported = 0xA2,
};

/// True for the codes that say no: 0x80 and above (section 2.4).
[[nodiscard]] constexpr bool failed(ReasonCode code) noexcept { return static_cast<std::uint8_t>(code) >= 0x80; }

/// The standard's name, `"Not authorized"`; `"unknown reason code"` for a number that has none.
[[nodiscard]] std::string_view to_string(ReasonCode code) noexcept;

/// Whether `packet` may carry `code` (the table of section 2.4 and each packet's own list). SUBACK's codes of MQTT 3.1.1
/// are 0x00, 0x01, 0x02 and 0x80.
[[nodiscard]] bool allowed_in(ReasonCode code, PacketType packet, Version version) noexcept;

} // namespace culex
