#pragma once
/// \file properties.hpp
/// The properties of MQTT 5 (section 2.2.2), one struct for each place that carries some. The same structs serve options
/// that you write and packets that were read: they are views, the bytes live elsewhere. An empty struct is what every
/// packet of MQTT 3.1.1 carries.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <culex/types.hpp>

namespace culex {

/// A name and a value, both UTF-8 (section 2.2.2.2, User Property). Names may repeat; order is kept.
struct UserProperty {
    /// At most 65,535 bytes.
    std::string_view name{};
    /// At most 65,535 bytes.
    std::string_view value{};
    bool operator==(const UserProperty&) const = default;
};
/// In the order in which they are sent, or came.
using UserProperties = std::span<const UserProperty>;

/// The Session Expiry Interval that means "never" (section 3.1.2.11.2).
inline constexpr std::uint32_t never_expires = 0xFFFFFFFF;

/// CONNECT (section 3.1.2.11).
struct ConnectProperties {
    std::optional<std::uint32_t>
        session_expiry_interval{};                      ///< seconds; absent = 0: the session ends with the connection
    std::optional<std::uint16_t> receive_maximum{};     ///< 1 to 65,535; absent = 65,535
    std::optional<std::uint32_t> maximum_packet_size{}; ///< bytes, not 0; absent = no limit of ours
    std::optional<std::uint16_t> topic_alias_maximum{}; ///< absent = 0: the broker may use none
    std::optional<std::uint8_t> request_response_information{}; ///< 0 or 1; absent = 0
    std::optional<std::uint8_t> request_problem_information{};  ///< 0 or 1; absent = 1
    std::optional<std::string_view> authentication_method{};
    std::optional<Bytes> authentication_data{}; ///< only with a method
    UserProperties user_properties{};
};

/// The will's own properties, in CONNECT's payload (section 3.1.3.2).
struct WillProperties {
    std::optional<std::uint32_t> will_delay_interval{};     ///< seconds; absent = 0
    std::optional<std::uint8_t> payload_format_indicator{}; ///< 1 = the payload is UTF-8 text
    std::optional<std::uint32_t> message_expiry_interval{}; ///< seconds; absent = never
    std::optional<std::string_view> content_type{};
    std::optional<std::string_view> response_topic{}; ///< no wildcards
    std::optional<Bytes> correlation_data{};
    UserProperties user_properties{};
};

/// CONNACK (section 3.2.2.3): what the broker granted.
struct ConnackProperties {
    std::optional<std::uint32_t> session_expiry_interval{}; ///< seconds; absent = as asked
    std::optional<std::uint16_t> receive_maximum{};         ///< absent = 65,535
    std::optional<std::uint8_t> maximum_qos{};              ///< 0 or 1; absent = 2
    std::optional<std::uint8_t> retain_available{};         ///< 0 or 1; absent = 1
    std::optional<std::uint32_t> maximum_packet_size{};     ///< bytes; absent = no limit
    std::optional<std::string_view> assigned_client_identifier{};
    std::optional<std::uint16_t> topic_alias_maximum{}; ///< absent = 0
    std::optional<std::string_view> reason_string{};
    std::optional<std::uint8_t> wildcard_subscription_available{};   ///< 0 or 1; absent = 1
    std::optional<std::uint8_t> subscription_identifier_available{}; ///< 0 or 1; absent = 1
    std::optional<std::uint8_t> shared_subscription_available{};     ///< 0 or 1; absent = 1
    std::optional<std::uint16_t> server_keep_alive{};                ///< seconds; replaces the client's
    std::optional<std::string_view> response_information{};
    std::optional<std::string_view> server_reference{};
    std::optional<std::string_view> authentication_method{};
    std::optional<Bytes> authentication_data{};
    UserProperties user_properties{};
};

/// PUBLISH (section 3.3.2.3).
struct PublishProperties {
    std::optional<std::uint8_t> payload_format_indicator{}; ///< 1 = the payload is UTF-8 text
    std::optional<std::uint32_t> message_expiry_interval{}; ///< seconds; absent = never
    std::optional<std::uint16_t> topic_alias{};             ///< chosen by Culex; not 0
    std::optional<std::string_view> response_topic{};       ///< no wildcards
    std::optional<Bytes> correlation_data{};
    std::span<const std::uint32_t> subscription_identifiers{}; ///< from a broker only; 1 to 268,435,455 each
    std::optional<std::string_view> content_type{};
    UserProperties user_properties{};
};

/// PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK and UNSUBACK (section 3.4.2.2 and its like).
struct AckProperties {
    std::optional<std::string_view> reason_string{};
    UserProperties user_properties{};
};

/// SUBSCRIBE (section 3.8.2.1).
struct SubscribeProperties {
    std::optional<std::uint32_t> subscription_identifier{}; ///< 1 to 268,435,455
    UserProperties user_properties{};
};

/// UNSUBSCRIBE (section 3.10.2.1).
struct UnsubscribeProperties {
    UserProperties user_properties{};
};

/// DISCONNECT (section 3.14.2.2).
struct DisconnectProperties {
    std::optional<std::uint32_t> session_expiry_interval{}; ///< from a client only
    std::optional<std::string_view> reason_string{};
    std::optional<std::string_view> server_reference{}; ///< from a broker only
    UserProperties user_properties{};
};

/// AUTH (section 3.15.2.2).
struct AuthProperties {
    std::optional<std::string_view> authentication_method{};
    std::optional<Bytes> authentication_data{};
    std::optional<std::string_view> reason_string{};
    UserProperties user_properties{};
};

} // namespace culex
