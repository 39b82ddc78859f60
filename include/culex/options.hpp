#pragma once
/// \file options.hpp
/// What a client and its operations can be told. All are aggregates for designated initialisers, `{.client_id = "c1"}`, and
/// trivially destructible views: safe inside a `co_await` expression, and copied by whatever must keep them. A `timeout` of 0 is
/// no limit; a negative one has passed already.

#include <chrono>
#include <optional>
#include <string_view>
#include <type_traits>

#include <culex/packet.hpp>
#include <culex/queue_limits.hpp>
#include <culex/reconnect_policy.hpp>
#include <culex/runtime.hpp>

namespace culex {

class Event; // event.hpp

/// The bounds of received messages that wait for their consumers. Bytes and numbers hold at once, and for all streams
/// together: there is one connection, and to stop it is to stop it for each of them. So a stream that nobody reads holds up
/// the others; drop it, or give it a client of its own.
struct InboundLimits {
    /// Beyond these the client stops reading, and TCP holds the broker back; unless an operation waits for an answer.
    std::size_t soft_bytes = std::size_t{4} << 20;
    /// The same by number.
    std::size_t soft_messages = 100'000;
    /// Up to these it reads on while an operation waits for an answer. Beyond them QoS 0 messages are dropped and counted,
    /// and QoS 1 and 2 messages are bounded by the Receive Maximum: by their number, and by the greatest packet in bytes
    /// (`ConnectProperties::receive_maximum`, `maximum_packet_size`). A broker of 3.1.1 knows no such maximum: there reading
    /// stops in the end, with so many messages unacknowledged, also for whoever waits for an answer.
    std::size_t hard_bytes = std::size_t{64} << 20;
    /// The same by number.
    std::size_t hard_messages = 1'000'000;
};

class Authenticator; // authenticator.hpp

/// What a client is, and how it behaves; copied when it is made.
struct ClientOptions {
    /// Empty: the broker chooses one; under 3.1.1 only together with `clean_start` [MQTT-3.1.3-7].
    std::string_view client_id{};
    Version version = Version::v3_1_1;
    /// With `Version::v5`: a broker that refuses it is asked for 3.1.1, at once and within the same attempt. It refuses with
    /// CONNACK 0x84, with 3.1.1's `20 02 00 01`, or by closing before CONNACK. Once 3.1.1 has worked, or the refusal was put
    /// into words, the endpoint's next attempts begin with 3.1.1. What only MQTT 5 has, is then left out of what is sent;
    /// the options must be good for both versions.
    bool fall_back_to_3_1_1 = false;
    /// 3.1.1's Clean Session: ask the broker to forget what it knows of this client id (section 3.1.2.4).
    bool clean_start = true;
    /// 0 to 65,535 seconds; 0 turns it off (section 3.1.2.10).
    std::chrono::seconds keep_alive{60};
    std::optional<std::string_view> user_name{};
    std::optional<std::string_view> password{}; ///< any bytes
    std::optional<Will> will{};
    /// MQTT 5. `receive_maximum` bounds the messages that are delivered and not acknowledged under 3.1.1 too, where the client
    /// stops reading at it; absent = 65,535.
    ConnectProperties properties{};
    /// How it connects again after a connection was lost.
    ReconnectPolicy reconnect{};
    /// What may wait to be sent or acknowledged.
    OutboundLimits outbound{};
    /// What may have arrived and not been taken.
    InboundLimits inbound{};
    /// How it opens connections.
    StreamOptions stream{};
    /// For mqtts:// (tls.hpp): the client keeps a copy. Null: what `stream` says, or else one of the process' own, with the
    /// defaults.
    const TlsContext* tls = nullptr;
    /// MQTT 5: how many topic aliases the client makes for what it publishes, at most; 0: none (section 3.3.2.3.4). They are made
    /// by themselves, as far as the broker takes them (its Topic Alias Maximum), and not more than 1024 on a connection.
    std::uint16_t outbound_topic_aliases = 65'535;
    /// MQTT 5: carries out an authentication method with each attempt to connect (section 4.12); authenticator.hpp, scram.hpp.
    /// Must outlive the client. `properties.authentication_method` stays empty then.
    Authenticator* authenticator = nullptr;
    /// How long one attempt to connect may take, from `AsyncClient::before_attempt`'s hook to CONNACK; at least 1 ms.
    std::chrono::milliseconds connect_timeout{30'000};
    /// How long PINGRESP may take before the connection counts as lost; at least 1 ms.
    std::chrono::milliseconds ping_timeout{10'000};
};

/// Of `AsyncClient::connect`.
struct ConnectOptions {
    /// Keep trying as the reconnect policy says, instead of failing with the first round of attempts.
    bool retry = false;
    std::chrono::milliseconds timeout{0}; ///< for the whole operation; 0 = none but that of each attempt
};

/// Of `AsyncClient::publish` and `try_publish`.
struct PublishOptions {
    QoS qos = QoS::at_most_once;
    bool retain = false;
    /// How long to wait, from the call; 0 = no limit. When it has passed the operation fails, and the message stays on its way.
    std::chrono::milliseconds timeout{0};
    PublishProperties properties{}; ///< MQTT 5
};

/// Where none are given: so that they are not made anew for every message.
inline constexpr PublishOptions publish_defaults{};

/// When a QoS 1 or 2 message is acknowledged to the broker.
enum class Acknowledge : std::uint8_t {
    automatic, ///< when its consumer asks the stream for the next one
    manual,    ///< when its consumer calls `Message::ack`
};

/// Of `AsyncClient::subscribe`.
struct SubscribeOptions {
    std::chrono::milliseconds timeout{0};                  ///< 0 = no limit
    Acknowledge acknowledge = Acknowledge::automatic;      ///< see `Subscription`
    bool no_local = false;                                 ///< MQTT 5: not what this client publishes itself
    bool retain_as_published = false;                      ///< MQTT 5
    RetainHandling retain_handling = RetainHandling::send; ///< MQTT 5
    SubscribeProperties properties{};                      ///< MQTT 5
};

/// Of `AsyncClient::unsubscribe`.
struct UnsubscribeOptions {
    std::chrono::milliseconds timeout{0}; ///< 0 = no limit
    UnsubscribeProperties properties{};   ///< MQTT 5
};

/// Of `AsyncClient::request`.
struct RequestOptions {
    QoS qos = QoS::at_least_once; ///< of the request
    /// How long to wait for the reply, from the call; 0 = no limit, also where nobody ever answers.
    std::chrono::milliseconds timeout{30'000};
    /// Response topic and correlation data are the client's own business, and must be absent. An absent Message Expiry Interval
    /// is `timeout`, in whole seconds and rounded up: nobody need work on a request that its asker has given up.
    PublishProperties properties{};
};

/// Of `AsyncClient::serve`.
struct ServeOptions {
    QoS qos = QoS::at_least_once; ///< the greatest at which requests come; a reply has that of its request
    /// How many handlers may run at once, at least 1. Further requests wait in the stream, within `InboundLimits`.
    std::size_t concurrency = 16;
    /// Set when the broker has granted the subscription: what is asked before that may find nobody. It must live as long as
    /// the task that `serve` gives; null = nobody waits.
    Event* ready = nullptr;
};

/// Of `AsyncClient::reauthenticate`.
struct ReauthenticateOptions {
    /// 0 = no limit but `ClientOptions::connect_timeout`, which is that of the exchange itself.
    std::chrono::milliseconds timeout{0};
};

/// Of `disconnect`, of both clients.
struct DisconnectOptions {
    /// How long to wait for what was published and is not acknowledged, before DISCONNECT; 0 = not at all.
    std::chrono::milliseconds drain{10'000};
    ReasonCode reason_code = ReasonCode::success; ///< MQTT 5; `disconnect_with_will` makes the broker publish the will
    /// MQTT 5: seconds for which the broker keeps the session from now on, instead of what CONNECT asked for; 0xFFFFFFFF = for
    /// ever. Where CONNECT asked for 0, only 0 is allowed: `Errc::invalid_argument` (section 3.14.2.2.2).
    std::optional<std::uint32_t> session_expiry_interval{};
    /// MQTT 5, for people; at most 65,535 bytes of UTF-8. Left out where DISCONNECT would be too large for the broker
    /// [MQTT-3.14.2-3].
    std::string_view reason_string{};
    UserProperties user_properties{}; ///< MQTT 5; left out likewise, and first [MQTT-3.14.2-4]
};

/// g++ 12 moves other aggregates bitwise inside `co_await` expressions.
template <class T> inline constexpr bool safe_in_await = std::is_aggregate_v<T> && std::is_trivially_destructible_v<T>;
static_assert(safe_in_await<ClientOptions> && safe_in_await<ConnectOptions> && safe_in_await<PublishOptions> &&
              safe_in_await<SubscribeOptions> && safe_in_await<UnsubscribeOptions> &&
              safe_in_await<ReauthenticateOptions> && safe_in_await<DisconnectOptions> &&
              safe_in_await<RequestOptions> && safe_in_await<ServeOptions>);

} // namespace culex
