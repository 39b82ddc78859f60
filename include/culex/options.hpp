#pragma once
/// \file options.hpp
/// What a client and its operations can be told. All are aggregates for designated initialisers, `{.client_id = "c1"}`, and
/// trivially destructible views: safe inside a `co_await` expression, and copied by whatever must keep them.

#include <chrono>
#include <optional>
#include <string_view>
#include <type_traits>

#include <culex/packet.hpp>
#include <culex/runtime.hpp>

namespace culex {

/// What `publish` does when the outbound queue is full.
enum class WhenFull : std::uint8_t {
    wait,   ///< the operation waits for room
    refuse, ///< it fails with `Errc::queue_full`
};

/// The bounds of what waits to be sent or acknowledged. Both hold at once; a single message larger than `bytes` passes alone.
struct OutboundLimits {
    std::size_t messages = 100'000;
    std::size_t bytes = std::size_t{64} << 20;
    WhenFull when_full = WhenFull::wait;
};

/// The bounds of received messages that wait for their consumers, in bytes.
struct InboundLimits {
    /// Beyond this the client stops reading, and TCP holds the broker back; unless an operation waits for an answer.
    std::size_t soft_bytes = std::size_t{4} << 20;
    /// Up to this it reads on while an operation waits for an answer; beyond it QoS 0 messages are dropped and counted, and
    /// QoS 1 and 2 messages are bounded by the Receive Maximum.
    std::size_t hard_bytes = std::size_t{64} << 20;
};

/// When and how often to connect again after a connection was lost.
struct ReconnectPolicy {
    bool enabled = true;
    std::chrono::milliseconds first_delay{500};    ///< the delay is drawn evenly from 0 to this (full jitter) ...
    double multiplier = 2.0;                       ///< ... which grows by this with every attempt that fails ...
    std::chrono::milliseconds max_delay{30'000};   ///< ... up to this
    std::chrono::milliseconds reset_after{60'000}; ///< a connection that held so long makes the delay start over
    unsigned attempts = 0;                         ///< attempts in a row before the client gives up; 0 = no limit
};

struct ClientOptions {
    /// Empty: the broker chooses one; under 3.1.1 only together with `clean_start` [MQTT-3.1.3-7].
    std::string_view client_id{};
    Version version = Version::v3_1_1;
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
    ReconnectPolicy reconnect{};
    OutboundLimits outbound{};
    InboundLimits inbound{};
    StreamOptions stream{};
    /// How long one attempt to connect may take, from resolving the name to CONNACK.
    std::chrono::milliseconds connect_timeout{30'000};
    /// How long PINGRESP may take before the connection counts as lost.
    std::chrono::milliseconds ping_timeout{10'000};
};

struct ConnectOptions {
    /// Keep trying as the reconnect policy says, instead of failing with the first round of attempts.
    bool retry = false;
    std::chrono::milliseconds timeout{0}; ///< for the whole operation; 0 = none but that of each attempt
};

struct PublishOptions {
    QoS qos = QoS::at_most_once;
    bool retain = false;
    /// How long to wait, from the call; 0 = no limit. When it has passed the operation fails, and the message stays on its way.
    std::chrono::milliseconds timeout{0};
    PublishProperties properties{}; ///< MQTT 5
};

/// When a QoS 1 or 2 message is acknowledged to the broker.
enum class Acknowledge : std::uint8_t {
    automatic, ///< when its consumer asks the stream for the next one
    manual,    ///< when its consumer calls `Message::ack`
};

struct SubscribeOptions {
    std::chrono::milliseconds timeout{0};                  ///< 0 = no limit
    Acknowledge acknowledge = Acknowledge::automatic;      ///< see `Subscription`
    bool no_local = false;                                 ///< MQTT 5: not what this client publishes itself
    bool retain_as_published = false;                      ///< MQTT 5
    RetainHandling retain_handling = RetainHandling::send; ///< MQTT 5
    SubscribeProperties properties{};                      ///< MQTT 5
};

struct UnsubscribeOptions {
    std::chrono::milliseconds timeout{0}; ///< 0 = no limit
    UnsubscribeProperties properties{};   ///< MQTT 5
};

struct DisconnectOptions {
    /// How long to wait for what was published and is not acknowledged, before DISCONNECT.
    std::chrono::milliseconds drain{10'000};
    ReasonCode reason_code = ReasonCode::success; ///< MQTT 5; `disconnect_with_will` makes the broker publish the will
};

/// g++ 12 moves other aggregates bitwise inside `co_await` expressions.
template <class T> inline constexpr bool safe_in_await = std::is_aggregate_v<T> && std::is_trivially_destructible_v<T>;
static_assert(safe_in_await<ClientOptions> && safe_in_await<ConnectOptions> && safe_in_await<PublishOptions> &&
              safe_in_await<SubscribeOptions> && safe_in_await<UnsubscribeOptions> && safe_in_await<DisconnectOptions>);

} // namespace culex
