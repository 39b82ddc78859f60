#pragma once
/// \file client.hpp
/// The blocking client: calls that wait, from any thread, and callbacks on a thread of its own.
///
///     culex::Client client{"my-id", true};
///     client.connect("localhost", 60);
///     client.subscribe({{"cool/channel", 1}});
///     client.on(culex::PUBLISH, print_cool_stuff, is_cool);
///     client.loop();
///     ... do something else ...
///
/// It is an adapter over the coroutine client (async_client.hpp), which lives on a thread that all blocking clients of
/// the process share. Every method may be called on any thread at any time, in callbacks too, the blocking ones
/// included; what a thread does by several calls is done in their order. Only a log hook (log.hpp) may find itself on
/// the shared thread: there a call that would have to wait throws `Errc::not_supported`.
///
/// Properties, and all else that is MQTT 5's, are left out under 3.1.1, which is the default: see `ClientSettings::version`.
///
/// Whatever fails throws `Error`. Arguments that break a rule are refused before anything is sent, with
/// `Errc::invalid_argument` or `Errc::packet_too_large` and a detail that names them.

#include <concepts>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include <culex/authenticator.hpp>
#include <culex/callback_data.hpp>
#include <culex/options.hpp>
#include <culex/payload.hpp>
#include <culex/statistics.hpp>
#include <culex/tls.hpp>

namespace culex {

namespace facade {
class Engine;
}

/// What else a client can be told when it is made.
struct ClientSettings {
    Version version = Version::v3_1_1;
    /// With `Version::v5`: go on with 3.1.1 where the broker refuses it; see `ClientOptions::fall_back_to_3_1_1`.
    bool fall_back_to_3_1_1 = false;
    /// What CONNECT says besides, under MQTT 5. An absent Session Expiry Interval is "never" without `clean_session`.
    ConnectProperties properties{};
    /// How it connects again after a connection was lost.
    ReconnectPolicy reconnect{};
    /// What may wait to be sent or acknowledged. Beyond it `publish` waits, or throws `Errc::queue_full`, or a message
    /// is dropped: the new one with `Errc::dropped` out of `publish`, if that has not returned yet (it does at once at
    /// QoS 0); of one that was queued before only the log tells. Both are counted (`Client::statistics`).
    OutboundLimits outbound{};
    /// What may wait to be dispatched: packets count as messages do. Beyond the soft limits the client stops reading, unless
    /// it waits for an answer itself. What it then reads beyond the hard limits is dropped, if nobody waits for it: QoS 0
    /// messages, and the acknowledgements of our own messages as far as callbacks hear of them (these beyond the soft limits
    /// where no loop runs); see `Client::dropped`.
    InboundLimits inbound{};
    /// MQTT 5: see `ClientOptions::outbound_topic_aliases`.
    std::uint16_t outbound_topic_aliases = 65'535;
    /// How long one attempt to connect may take, from resolving the name to CONNACK; at least 1 ms.
    std::chrono::milliseconds connect_timeout{30'000};
    /// How long PINGRESP may take before the connection counts as lost; at least 1 ms.
    std::chrono::milliseconds ping_timeout{10'000};
    /// How long `disconnect` and the destructor wait for what was published before them to be acknowledged, and for a
    /// callback that runs to return; 0 = not at all.
    std::chrono::milliseconds drain{10'000};
    /// MQTT 5: carries out an authentication method with each attempt to connect (section 4.12), on the thread that all
    /// blocking clients share; `std::make_shared<ScramSha256>(...)` (scram.hpp). Of one client alone.
    std::shared_ptr<Authenticator> authenticator{};
};

/// What `Client::connect` can be told besides host, keep-alive and port. Hooks run on the thread of `Client::loop`, or on one that
/// waits in a call: in `connect` or `reconnect`; in any while no loop runs; and in any inside a hook, or a callback of another
/// client, since what the call waits for may need them. Each runs on one thread at a time. What a hook throws is logged, and
/// changes nothing.
struct ConnectSettings {
    /// Speak TLS, with this context; the port of MQTT over TLS is 8883. Absent = a plain connection.
    std::optional<TlsContext> tls{};
    /// Speak over WebSocket, at this path and query of the server, `"/mqtt"` mostly: ws://, or wss:// with `tls`; the ports are
    /// 80 and 443. Absent = without it.
    std::optional<std::string> websocket_path{};
    /// Runs before each attempt to connect again; nothing is attempted until it returns. It may call `set_username_pw`.
    Function<void(Client&)> before_reconnect{};
    /// Runs after each successful attempt, the first included; after the last of several that came before it could run.
    Function<void(Client&)> after_connect{};
    /// Runs when the connection is lost, and says why; before the `before_reconnect` of the first attempt that follows. With
    /// `gives_up` the client is not going to connect again by itself, as far as `ReconnectPolicy` lets it: the broker has refused
    /// it, say, or sent it away (`DISCONNECT` with 0x8E, session taken over). Where it gives up at once, that is the only call;
    /// where it does so later, there is another, which also takes the place of a first that could not run yet. It may call
    /// `connect` or `reconnect`. Not called for what `disconnect`, the destructor or another `connect` ends, nor for a first
    /// connection that fails, which `connect` throws.
    Function<void(Client&, const Failure& why, bool gives_up)> on_disconnected{};
    std::optional<SocketKeepalive> socket_keepalive{}; ///< absent = off
};

/// A quality of service written as a number or as a `QoS`. Numbers but 0, 1 and 2 are refused by whatever takes them.
class QosLevel {
public:
    /// Any number; `value` is looked at where it is used.
    constexpr QosLevel(int value) noexcept : value_(value) {}
    constexpr QosLevel(QoS qos) noexcept : value_(static_cast<int>(qos)) {}
    /// The number as it was given.
    [[nodiscard]] constexpr int value() const noexcept { return value_; }

private:
    int value_;
};

/// A topic filter to subscribe to, and the greatest QoS at which its messages shall come; the rest is MQTT 5's (section
/// 3.8.3.1).
struct TopicQos {
    std::string_view filter{};
    QosLevel qos = 0;
    bool no_local = false;            ///< not what this client publishes itself
    bool retain_as_published = false; ///< messages say whether they were published as retained
    RetainHandling retain_handling = RetainHandling::send;
};

/// What converts to `Bytes` and is no text: a `std::vector<std::byte>`, a `std::array` or a span of `std::byte`. Of a
/// vector of `char` or `std::uint8_t` take the bytes, `std::as_bytes(std::span(v))`, or move it into a `Payload`.
template <class T>
concept BinaryPayload = std::convertible_to<const T&, Bytes> && !std::convertible_to<const T&, std::string_view>;

/// See the file's comment. It stays where it was made: callbacks are given references to it.
class Client {
public:
    /// `client_id` names the client to the broker. An empty one lets the broker choose; under 3.1.1 that needs
    /// `clean_session`. With `clean_session` the broker forgets the client when it goes; otherwise it keeps its subscriptions,
    /// and the messages for it [section 3.1.2.4]. Nothing is sent yet.
    explicit Client(std::string_view client_id, bool clean_session = true, const ClientSettings& settings = {});
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    /// As `disconnect`, but what has arrived and was not dispatched is dropped: no callback begins any more. Calls that wait
    /// on other threads end with `Errc::closed`. It waits no longer than `ClientSettings::drain` for the broker, and as long
    /// again for a callback that runs: one that does not return is left to itself. May be called in a callback, which is
    /// the last one then.
    ~Client();

    /// Registers a callback for a packet. The callback for a packet is, among those whose condition is true, the one with the
    /// highest priority; of equal ones, the one registered first. If there is none, the generic one: that was registered
    /// without a condition, and replaces the former generic one of the command (an empty `callback` just removes that).
    /// A callback registered while the loop runs counts from the next packet on.
    void on(Command command, Callback callback, Condition condition = {}, int priority = 0);

    /// What the broker publishes when the client goes without `disconnect`. Counts from the next attempt to connect on.
    void set_will(std::string_view topic, std::string_view payload, QosLevel qos = 0, bool retain = false);
    template <BinaryPayload P>
    void set_will(std::string_view topic, const P& payload, QosLevel qos = 0, bool retain = false) {
        set_will(topic, as_text(payload), qos, retain);
    }
    /// The same with what a will of MQTT 5 says besides: its delay, say (section 3.1.3.2).
    void set_will(std::string_view topic, std::string_view payload, QosLevel qos, bool retain,
                  const WillProperties& properties);
    /// A user name without a password is legal; a password without a user name is not under 3.1.1, and no user name is
    /// `std::nullopt`. Counts from the next attempt to connect on.
    void set_username_pw(std::optional<std::string_view> username, std::optional<std::string_view> password = {});

    /// Connects to a broker, and returns with its CONNACK, after `after_connect` has run here. `host` is a name or an IP
    /// address; `keepalive` is in seconds, 0 to 65,535, where 0 turns it off. Throws what went wrong, and the client is ready
    /// for another try. `Errc::already_connected` where it is connected, or about to be by another thread's call; a
    /// reconnection under way is replaced. `disconnect` has ended the loop: after it, call `loop` again.
    void connect(std::string_view host, int keepalive, int port = 1883, ConnectSettings settings = {});
    /// Connects again, at once: instead of after the delay of the policy, or in place of the connection that is there, or
    /// after `disconnect` (which has ended the loop: call `loop` again). Returns as `connect` does. Where it throws, the client
    /// goes on trying as before, unless it has given up. `Errc::not_connected` before the first `connect` has succeeded.
    void reconnect();
    /// Takes nothing new, waits until all that was published is sent and acknowledged, sends DISCONNECT, so that the
    /// broker discards the will, and ends the loop: when what has arrived is dispatched, or in a callback, when that
    /// returns. Waits no longer than `ClientSettings::drain` for each. Callbacks that run meanwhile, for what has
    /// arrived, can neither publish nor subscribe any more: that throws `Errc::not_connected`. Returns how many
    /// messages and requests the broker has not acknowledged.
    std::size_t disconnect();
    /// The same, and DISCONNECT says what `options` do (MQTT 5, section 3.14.2): `disconnect_with_will` makes the broker publish
    /// the will; a Session Expiry Interval replaces CONNECT's, which must not have been 0; a reason string and user properties are
    /// for people. Under 3.1.1 `disconnect_with_will` just closes the connection, and the rest is not sent. `options.drain`
    /// stands in for `ClientSettings::drain`. Throws `Errc::invalid_argument`, and goes on, where they break a rule. Of several calls
    /// at a time the first one's options count.
    std::size_t disconnect(const DisconnectOptions& options);

    /// Subscribes, and returns the mid of the request; the answer comes as a SUBACK. `Errc::not_connected` before the
    /// first `connect`, after `disconnect`, and when the client has given up (with the cause in its text); otherwise it waits
    /// for a connection.
    PacketId subscribe(std::initializer_list<TopicQos> topics) {
        return subscribe(std::span(topics.begin(), topics.size()));
    }
    PacketId subscribe(std::span<const TopicQos> topics);
    /// The same with a subscription identifier, or user properties.
    PacketId subscribe(std::initializer_list<TopicQos> topics, const SubscribeProperties& properties) {
        return subscribe(std::span(topics.begin(), topics.size()), properties);
    }
    PacketId subscribe(std::span<const TopicQos> topics, const SubscribeProperties& properties);
    /// The answer comes as an UNSUBACK.
    PacketId unsubscribe(std::initializer_list<std::string_view> topics) {
        return unsubscribe(std::span(topics.begin(), topics.size()));
    }
    PacketId unsubscribe(std::span<const std::string_view> topics);
    PacketId unsubscribe(std::initializer_list<std::string_view> topics, const UnsubscribeProperties& properties) {
        return unsubscribe(std::span(topics.begin(), topics.size()), properties);
    }
    PacketId unsubscribe(std::span<const std::string_view> topics, const UnsubscribeProperties& properties);

    /// Publishes, and returns at once: the mid, which is 0 at QoS 0 and otherwise one that no message under way has. The
    /// acknowledgement comes as PUBACK (QoS 1), or PUBREC and PUBCOMP (QoS 2). Waits for room where 65,535 messages are under
    /// way, or `ClientSettings::outbound` is used up. While the client reconnects messages are kept, and those of QoS 1 and 2
    /// are sent again until they are acknowledged. `Errc::not_connected` before the first `connect` and after `disconnect`.
    PacketId publish(std::string_view topic, std::string_view payload = {}, QosLevel qos = 0, bool retain = false);
    PacketId publish(std::string_view topic, std::nullptr_t, QosLevel qos = 0, bool retain = false) {
        return publish(topic, std::string_view(), qos, retain);
    }
    template <BinaryPayload P>
    PacketId publish(std::string_view topic, const P& payload, QosLevel qos = 0, bool retain = false) {
        return publish(topic, as_text(payload), qos, retain);
    }

    /// The same without copying a large payload; see `Payload`.
    PacketId publish(std::string_view topic, const Payload& payload, QosLevel qos = 0, bool retain = false,
                     const PublishProperties& properties = {});

    /// The same with the properties of MQTT 5. What belongs to the client (topic alias, subscription identifiers) is left out.
    PacketId publish(std::string_view topic, std::string_view payload, QosLevel qos, bool retain,
                     const PublishProperties& properties);
    template <BinaryPayload P>
    PacketId publish(std::string_view topic, const P& payload, QosLevel qos, bool retain,
                     const PublishProperties& properties) {
        return publish(topic, as_text(payload), qos, retain, properties);
    }

    /// Starts the thread on which callbacks run, one at a time, in the order of the packets. Before it, nothing is
    /// dispatched: what arrives waits. Does nothing where it runs already; after `disconnect` it is to be called again, and
    /// the callbacks are those that were there before.
    void loop();
    /// The same, and `on_message` is called for messages of every QoS that no conditional callback takes.
    void loop(Callback on_message);

    /// Whether there is a connection, as far as the client knows now; on any thread, and it waits for nothing. While it is
    /// false, `publish` may still be legal: the client reconnects.
    [[nodiscard]] bool connected() const noexcept;
    /// Why the connection was last lost, or the last attempt failed; empty if nothing ever did. It stays when the client is
    /// connected again. What `disconnect` ends is no failure. On any thread, and it waits for nothing.
    [[nodiscard]] Failure last_failure() const;

    /// What the client has done since it was made, and holds now. It waits for the I/O thread to tell. Packets that wait to be
    /// dispatched are its `inbound.messages`; `dropped` is part of its `inbound_dropped`.
    [[nodiscard]] Statistics statistics() const;

    /// Packets that were not dispatched, because too many waited; see `ClientSettings::inbound`.
    [[nodiscard]] std::uint64_t dropped() const noexcept;

private:
    std::shared_ptr<facade::Engine> engine_;
};

} // namespace culex
