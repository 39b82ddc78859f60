#pragma once
/// \file packet.hpp
/// The fifteen control packets (chapter 3 of both standards) as plain values. They are views: what they point at must live
/// as long as they are used. A client's user meets them in scripts of the fake broker.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include <culex/properties.hpp>
#include <culex/reason_code.hpp>
#include <culex/types.hpp>

namespace culex {

/// The message that the broker publishes when the client goes without saying so (section 3.1.2.5).
struct Will {
    std::string_view topic{};
    Bytes payload{}; ///< at most 65,535 bytes
    QoS qos = QoS::at_most_once;
    bool retain = false;
    WillProperties properties{};
};

/// The client asks for a connection (section 3.1).
struct Connect {
    static constexpr auto type = PacketType::connect;
    std::string_view client_id{};
    bool clean_start = true;       ///< 3.1.1 calls it Clean Session
    std::uint16_t keep_alive = 60; ///< seconds; 0 = off
    std::optional<Will> will{};
    std::optional<std::string_view> user_name{};
    std::optional<Bytes> password{};
    ConnectProperties properties{};
};

/// The broker's answer to CONNECT (section 3.2).
struct Connack {
    static constexpr auto type = PacketType::connack;
    /// The broker goes on with an earlier session (section 3.2.2.1.1).
    bool session_present = false;
    ReasonCode reason_code = ReasonCode::success; ///< 3.1.1's return codes are mapped, see `ReasonCode`
    ConnackProperties properties{};
};

/// An application message, in either direction (section 3.3).
struct Publish {
    static constexpr auto type = PacketType::publish;
    std::string_view topic{}; ///< empty only together with a topic alias
    Bytes payload{};
    QoS qos = QoS::at_most_once;
    bool retain = false;
    bool dup = false;
    PacketId packet_id = 0; ///< 0 exactly at QoS 0
    PublishProperties properties{};
};

/// PUBACK, PUBREC, PUBREL and PUBCOMP are alike but for their number (sections 3.4 to 3.7).
template <PacketType Type> struct PublishReply {
    static constexpr auto type = Type;
    PacketId packet_id = 0;
    ReasonCode reason_code = ReasonCode::success;
    AckProperties properties{};
};
/// QoS 1: the message was taken (section 3.4).
using Puback = PublishReply<PacketType::puback>;
/// QoS 2: the message was taken (section 3.5).
using Pubrec = PublishReply<PacketType::pubrec>;
/// QoS 2: its sender has heard that, and forgets it (section 3.6).
using Pubrel = PublishReply<PacketType::pubrel>;
/// QoS 2: the exchange is over (section 3.7).
using Pubcomp = PublishReply<PacketType::pubcomp>;

/// Which retained messages a subscription asks for (section 3.8.3.1); MQTT 3.1.1 always sends them.
enum class RetainHandling : std::uint8_t { send = 0, send_if_new = 1, do_not_send = 2 };

/// One topic filter of SUBSCRIBE with its options; the last three are MQTT 5's.
struct TopicSubscription {
    std::string_view filter{};
    QoS qos = QoS::at_most_once; ///< the most that is asked for
    bool no_local = false;
    bool retain_as_published = false;
    RetainHandling retain_handling = RetainHandling::send;
};

/// The client asks for messages (section 3.8).
struct Subscribe {
    static constexpr auto type = PacketType::subscribe;
    PacketId packet_id = 0;
    std::span<const TopicSubscription> subscriptions{}; ///< at least one
    SubscribeProperties properties{};
};

/// The broker's answer to SUBSCRIBE (section 3.9).
struct Suback {
    static constexpr auto type = PacketType::suback;
    PacketId packet_id = 0;
    std::span<const ReasonCode> reason_codes{}; ///< one for each filter, in order
    AckProperties properties{};
};

/// The client asks for messages no more (section 3.10).
struct Unsubscribe {
    static constexpr auto type = PacketType::unsubscribe;
    PacketId packet_id = 0;
    std::span<const std::string_view> filters{}; ///< at least one
    UnsubscribeProperties properties{};
};

/// The broker's answer to UNSUBSCRIBE (section 3.11).
struct Unsuback {
    static constexpr auto type = PacketType::unsuback;
    PacketId packet_id = 0;
    std::span<const ReasonCode> reason_codes{}; ///< MQTT 5: one for each filter; 3.1.1: none
    AckProperties properties{};
};

/// The client shows that it is there (section 3.12).
struct Pingreq {
    static constexpr auto type = PacketType::pingreq;
};

/// And the broker (section 3.13).
struct Pingresp {
    static constexpr auto type = PacketType::pingresp;
};

/// The last packet: from a client, and under MQTT 5 from a broker, too (section 3.14).
struct Disconnect {
    static constexpr auto type = PacketType::disconnect;
    ReasonCode reason_code = ReasonCode::success;
    DisconnectProperties properties{};
};

/// A step of enhanced authentication, MQTT 5 alone (section 3.15).
struct Auth {
    static constexpr auto type = PacketType::auth;
    ReasonCode reason_code = ReasonCode::success;
    AuthProperties properties{};
};

/// In the order of their numbers: `index() + 1` is the packet type.
using Packet = std::variant<Connect, Connack, Publish, Puback, Pubrec, Pubrel, Pubcomp, Subscribe, Suback, Unsubscribe,
                            Unsuback, Pingreq, Pingresp, Disconnect, Auth>;

/// Which of the fifteen it is.
[[nodiscard]] inline PacketType type_of(const Packet& packet) noexcept {
    return static_cast<PacketType>(packet.index() + 1);
}

} // namespace culex
