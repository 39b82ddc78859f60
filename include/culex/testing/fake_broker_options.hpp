#pragma once
/// \file fake_broker_options.hpp
/// How a fake broker behaves. Options may be changed while it runs (`FakeBroker::options`) and hold from then on.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <culex/function.hpp>
#include <culex/packet.hpp>
#include <culex/testing/faulty_stream.hpp>

namespace culex::testing {

/// A client that may come.
struct FakeBrokerUser {
    /// Compared byte by byte, as the password is.
    std::string name{};
    std::string password{};
};

/// One word of a client's in an exchange of enhanced authentication (MQTT 5, section 4.12).
struct AuthWord {
    std::size_t connection = 0; ///< its number, from 1 on: what a method's server side keeps, it keeps by this
    std::string_view client_id{};
    /// Authentication Method (section 3.1.2.11.9).
    std::string_view method{};
    Bytes data{};           ///< empty where there was none
    std::size_t step = 0;   ///< 0: of CONNECT, or of AUTH 0x19; then counts the answers
    bool connected = false; ///< it authenticates again, on a connection that is up
};

/// And the broker's: `continue_authentication` (AUTH 0x18), `success` (CONNACK, or AUTH 0x00), or a failure (CONNACK, or
/// DISCONNECT).
struct AuthReply {
    ReasonCode reason_code = ReasonCode::success;
    std::string data{}; ///< empty: none
};

/// The functions are called while a packet is being handled; they may call the broker, and even destroy it. What they are
/// given are views that end with the call.
struct FakeBrokerOptions {
    // Who may come.

    /// Where there are any, only these may connect; others get CONNACK 4 (0x86).
    std::vector<FakeBrokerUser> users{};
    /// Asked about each CONNECT that has passed so far; a failure is what CONNACK says.
    Function<ReasonCode(const Connect&)> authenticate{};
    /// The broker's side of authentication methods: asked about each CONNECT with a method that has passed so far, and about
    /// each AUTH. Without it, methods are refused (0x8C).
    Function<AuthReply(const AuthWord&)> authentication{};
    /// While set, every CONNECT is answered with this failure.
    std::optional<ReasonCode> refuse_connect{};
    /// Close the connections of clients that were silent for one and a half times their keep-alive [MQTT-3.1.2-24]. That is
    /// also a complaint, but on connections for which faults were injected.
    bool enforce_keep_alive = true;

    // What they may do.

    /// The greatest that SUBACK grants. What a client may publish is `ConnackProperties::maximum_qos`.
    QoS maximum_qos = QoS::exactly_once;
    /// While set, every PUBLISH at QoS 1 or 2 is acknowledged with this failure under MQTT 5, and every PUBLISH is dropped;
    /// the same for each filter of SUBSCRIBE, and of UNSUBSCRIBE under MQTT 5. A code that the packet cannot carry is said as
    /// 0x80.
    std::optional<ReasonCode> refuse_publish{};
    /// See `refuse_publish`.
    std::optional<ReasonCode> refuse_subscribe{};
    /// See `refuse_publish`.
    std::optional<ReasonCode> refuse_unsubscribe{};
    /// Filters that SUBACK refuses: 0x80, or 0x87 under MQTT 5.
    std::vector<std::string> refused_filters{};
    /// Asked about each filter that has passed so far: the granted QoS, or a failure. The QoS may be below what was asked.
    Function<ReasonCode(std::string_view client_id, const TopicSubscription&)> authorize_subscribe{};
    /// Asked about each PUBLISH; after a failure the message is acknowledged (with that code under MQTT 5) and dropped.
    Function<ReasonCode(std::string_view client_id, const Publish&)> authorize_publish{};

    // How much.

    /// Messages at QoS 1 and 2 that are under way to one client at a time; a client of MQTT 5 may ask for fewer.
    std::uint16_t max_in_flight = 20;
    /// Messages that wait for one client, there or not; what comes when so many wait is dropped, and counted.
    std::size_t max_queued = 1000;
    /// Bytes that a connection takes while its client does not read them; beyond them messages wait in the queue.
    std::size_t max_backlog = std::size_t{1} << 20;
    /// The greatest packet that a client may send.
    std::uint32_t maximum_packet_size = max_remaining_length + 5;
    /// A message for several overlapping subscriptions of one client is sent once for each, instead of once at the greatest
    /// QoS; section 3.3.5 allows both.
    bool copy_for_each_subscription = false;

    /// Makes of each stream that comes to an endpoint of `Transport::tls` the one to speak over: a `TlsServer`
    /// (tls_server.hpp). Where it is set, `listen()` without an address listens at mqtts://.
    Function<std::unique_ptr<Stream>(Scheduler&, std::unique_ptr<Stream>)> tls{};
    /// The same for `Transport::ws`, and for `Transport::wss` around what `tls` makes: a `WebSocketServer`
    /// (websocket_server.hpp). Where it is set, `listen()` without an address listens at ws://, or with `tls` at wss://.
    Function<std::unique_ptr<Stream>(Scheduler&, std::unique_ptr<Stream>)> websocket{};

    /// Of every connection that begins from now on; see also `FakeBroker::inject`.
    Faults faults{};

    // What is kept for the test to look at. The oldest goes first.

    std::size_t log_bytes = std::size_t{1} << 20;           ///< of packets, both directions; 0 = no log
    std::size_t kept_messages = 10'000;                     ///< of `FakeBroker::messages`
    std::size_t kept_message_bytes = std::size_t{64} << 20; ///< ... and of their topics and payloads

    // MQTT 5. Views must live as long as they are here.

    /// What CONNACK says besides what the broker says by itself, and what the broker then holds its clients to:
    ///
    /// | property                            | a client that does not keep to it                                         |
    /// |-------------------------------------|---------------------------------------------------------------------------|
    /// | `maximum_qos`                       | PUBLISH above it: DISCONNECT 0x9B; a will: CONNACK 0x9B; SUBACK grants it |
    /// | `retain_available` 0                | PUBLISH with RETAIN: DISCONNECT 0x9A; a will: CONNACK 0x9A                |
    /// | `maximum_packet_size`               | DISCONNECT 0x95                                                           |
    /// | `receive_maximum`                   | DISCONNECT 0x93; see `hold_acknowledgements`                              |
    /// | `topic_alias_maximum`               | DISCONNECT 0x94                                                           |
    /// | `wildcard_subscription_available` 0 | SUBACK 0xA2 for the filter                                                |
    /// | `subscription_identifier_available` 0 | SUBACK 0xA1 for all filters                                             |
    /// | `shared_subscription_available` 0   | SUBACK 0x9E for the filter                                                |
    ///
    /// The broker keeps to `server_keep_alive` and `session_expiry_interval` itself. `assigned_client_identifier` takes
    /// the place of the one that it would make up for a client without a name. `response_information` is said to
    /// whoever asks for it [MQTT-3.1.2-28]. `server_reference` is said in a CONNACK that refuses with 0x9C or 0x9D,
    /// `reason_string` and `user_properties` in every CONNACK.
    ConnackProperties connack{};
    /// What every PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK and UNSUBACK says besides its code, to clients that have not
    /// forbidden it [MQTT-3.1.2-29], and every DISCONNECT. What makes a packet too large for its client is left out.
    AckProperties explanation{};
    /// Messages to a client that allows topic aliases use them: each new topic gets one while there are some left.
    bool use_topic_aliases = false;
    /// While set, PUBACK and PUBREC wait (for both versions); see `FakeBroker::release_acknowledgements`.
    bool hold_acknowledgements = false;
};

} // namespace culex::testing
