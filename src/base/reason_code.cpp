#include <culex/reason_code.hpp>

#include <array>

namespace culex {
namespace {

/// A set of packet types, a bit for each.
using Packets = std::uint16_t;

constexpr Packets bit(PacketType type) noexcept { return static_cast<Packets>(1u << static_cast<unsigned>(type)); }

constexpr Packets connack = bit(PacketType::connack);
constexpr Packets received =
    bit(PacketType::puback) | bit(PacketType::pubrec); ///< the receiver's first answer to PUBLISH
constexpr Packets released = bit(PacketType::pubrel) | bit(PacketType::pubcomp);
constexpr Packets suback = bit(PacketType::suback);
constexpr Packets unsuback = bit(PacketType::unsuback);
constexpr Packets disconnect = bit(PacketType::disconnect);
constexpr Packets auth = bit(PacketType::auth);

struct Row {
    ReasonCode code{};
    std::string_view name{};
    Packets packets = 0; ///< in MQTT 5, whoever sends them
};

using enum ReasonCode;
constexpr Row rows[] = {
    {success, "Success", connack | received | released | suback | unsuback | disconnect | auth},
    {granted_qos_1, "Granted QoS 1", suback},
    {granted_qos_2, "Granted QoS 2", suback},
    {disconnect_with_will, "Disconnect with Will Message", disconnect},
    {no_matching_subscribers, "No matching subscribers", received},
    {no_subscription_existed, "No subscription existed", unsuback},
    {continue_authentication, "Continue authentication", auth},
    {reauthenticate, "Re-authenticate", auth},
    {unspecified_error, "Unspecified error", connack | received | suback | unsuback | disconnect},
    {malformed_packet, "Malformed Packet", connack | disconnect},
    {protocol_error, "Protocol Error", connack | disconnect},
    {implementation_specific_error, "Implementation specific error",
     connack | received | suback | unsuback | disconnect},
    {unsupported_protocol_version, "Unsupported Protocol Version", connack},
    {client_identifier_not_valid, "Client Identifier not valid", connack},
    {bad_user_name_or_password, "Bad User Name or Password", connack},
    {not_authorized, "Not authorized", connack | received | suback | unsuback | disconnect},
    {server_unavailable, "Server unavailable", connack},
    {server_busy, "Server busy", connack | disconnect},
    {banned, "Banned", connack},
    {server_shutting_down, "Server shutting down", disconnect},
    // Section 2.4 names DISCONNECT for this one, section 3.14.2.1 does not: understood when a broker sends it.
    {bad_authentication_method, "Bad authentication method", connack | disconnect},
    {keep_alive_timeout, "Keep Alive timeout", disconnect},
    {session_taken_over, "Session taken over", disconnect},
    {topic_filter_invalid, "Topic Filter invalid", suback | unsuback | disconnect},
    {topic_name_invalid, "Topic Name invalid", connack | received | disconnect},
    {packet_identifier_in_use, "Packet Identifier in use", received | suback | unsuback},
    {packet_identifier_not_found, "Packet Identifier not found", released},
    {receive_maximum_exceeded, "Receive Maximum exceeded", disconnect},
    {topic_alias_invalid, "Topic Alias invalid", disconnect},
    {packet_too_large, "Packet too large", connack | disconnect},
    {message_rate_too_high, "Message rate too high", disconnect},
    {quota_exceeded, "Quota exceeded", connack | received | suback | disconnect},
    {administrative_action, "Administrative action", disconnect},
    {payload_format_invalid, "Payload format invalid", connack | received | disconnect},
    {retain_not_supported, "Retain not supported", connack | disconnect},
    {qos_not_supported, "QoS not supported", connack | disconnect},
    {use_another_server, "Use another server", connack | disconnect},
    {server_moved, "Server moved", connack | disconnect},
    {shared_subscriptions_not_supported, "Shared Subscriptions not supported", suback | disconnect},
    {connection_rate_exceeded, "Connection rate exceeded", connack | disconnect},
    {maximum_connect_time, "Maximum connect time", disconnect},
    {subscription_identifiers_not_supported, "Subscription Identifiers not supported", suback | disconnect},
    {wildcard_subscriptions_not_supported, "Wildcard Subscriptions not supported", suback | disconnect},
};

/// The rows by code, so that a look-up on each ack costs one load.
constexpr auto by_code = [] {
    std::array<Row, 256> table{};
    for (const Row& row : rows) table[static_cast<std::size_t>(row.code)] = row;
    return table;
}();

/// MQTT 3.1.1 has codes in CONNACK (sections 3.2.2.3) and SUBACK (3.9.3) alone; what else carries none "carries" success.
bool allowed_in_v3_1_1(ReasonCode code, PacketType packet) noexcept {
    switch (packet) {
    case PacketType::connack:
        return code == success || (code >= unsupported_protocol_version && code <= server_unavailable);
    case PacketType::suback:
        return code <= granted_qos_2 || code == unspecified_error;
    case PacketType::puback:
    case PacketType::pubrec:
    case PacketType::pubrel:
    case PacketType::pubcomp:
    case PacketType::disconnect:
        return code == success;
    default:
        return false;
    }
}

} // namespace

std::string_view to_string(ReasonCode code) noexcept {
    const std::string_view name = by_code[static_cast<std::size_t>(code)].name;
    return name.empty() ? "unknown reason code" : name;
}

bool allowed_in(ReasonCode code, PacketType packet, Version version) noexcept {
    if (packet > PacketType::auth) return false;
    if (version != Version::v5) return allowed_in_v3_1_1(code, packet);
    return (by_code[static_cast<std::size_t>(code)].packets & bit(packet)) != 0;
}

} // namespace culex
