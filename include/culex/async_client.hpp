#pragma once
/// \file async_client.hpp
/// The MQTT client: every operation can be awaited on the loop that the client lives on.
///
/// g++ 12 has faults in `co_await` expressions with temporaries: see "Coroutines" in the README before writing one.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <culex/client_operations.hpp>
#include <culex/connection_attempt.hpp>
#include <culex/connection_events.hpp>
#include <culex/endpoint.hpp>
#include <culex/function.hpp>
#include <culex/options.hpp>
#include <culex/payload.hpp>
#include <culex/statistics.hpp>
#include <culex/subscription.hpp>
#include <culex/tap.hpp>
#include <culex/task.hpp>

namespace culex {

class Reply;
class RequestOperation;
/// Answers one request; a coroutine. It is kept as long as it is needed: here a lambda with captures may be one.
using RequestHandler = Function<Task<Reply>(const Message&)>;

/// Where a client stands.
enum class ConnectionState : std::uint8_t {
    idle,       ///< `connect` was not called, or the client has disconnected or given up
    connecting, ///< opening a transport, or waiting for CONNACK
    connected,
    backing_off, ///< the connection was lost, the next attempt waits
    disconnecting,
};
/// `"backing_off"`; `"?"` for a number that is none.
[[nodiscard]] std::string_view to_string(ConnectionState state) noexcept;

/// Lives on the thread of its runtime's loop: every method, and the destructor, belong there (`Loop::post` brings others
/// in; debug builds assert it). Many clients share one loop. It may be destroyed at any moment: what waits ends with
/// `Errc::closed`, streams end, the transport is closed without DISCONNECT, and nothing runs afterwards.
///
/// Arguments that break a rule of MQTT make the operation fail when it is awaited, with `Errc::invalid_argument` and a detail
/// that names the argument; nothing is sent then.
///
/// Where memory runs out, `publish`, `try_publish`, `subscribe`, `unsubscribe`, `listen`, `messages` and `request`
/// throw `std::bad_alloc`, from the call itself and not from `co_await`, and have done nothing then. Where the library's own
/// work on the loop lacks memory (reading, writing, timers; writing also at the end of a large `publish`) the program ends
/// (`std::terminate`), since nobody could be told.
class AsyncClient {
public:
    /// `runtime` must outlive the client. What `options` views is copied.
    explicit AsyncClient(Runtime& runtime, const ClientOptions& options = {});
    AsyncClient(AsyncClient&&) noexcept;
    AsyncClient& operator=(AsyncClient&&) noexcept;
    ~AsyncClient();

    /// Connects, and is done with CONNACK. Several endpoints are tried in turn, each at most once, without delay; a verdict of
    /// the reconnect policy may end that before, or follow a Server Reference, but makes nothing wait. With
    /// `ConnectOptions::retry` it goes on as the policy says. Throws what the last attempt failed with; the client can be
    /// asked again. `Errc::already_connected` unless the state is idle.
    ///
    /// After success it connects again by itself whenever the connection is lost: after a delay, and where it has been, if the
    /// connection held for `ReconnectPolicy::reset_after`, or else with the endpoint behind it in the list. From there it
    /// goes on in the order of the list, and behind its end from the front. Once each has had its turn there is another delay.
    ConnectOperation connect(std::string_view url, const ConnectOptions& options = {});
    ConnectOperation connect(const Endpoint& endpoint, const ConnectOptions& options = {});
    ConnectOperation connect(const std::vector<Endpoint>& endpoints, const ConnectOptions& options = {});

    /// Ends the connection, if there is one, and connects again at once instead of after the delay of the policy.
    void reconnect();

    /// Is done when there is a connection; any number may wait. Fails with `Errc::timed_out`; with the cause when the client
    /// gives up, or has; with `Errc::not_connected` before `connect`; and with `Errc::closed` when the client disconnects or
    /// is destroyed. `timeout`: how long to wait; 0 = no limit.
    WaitConnectedOperation wait_connected(std::chrono::milliseconds timeout = {});

    /// MQTT 5: authenticates again on the connection that is there, with `ClientOptions::authenticator`, whose `begin` is called
    /// anew; messages flow meanwhile (section 4.12.1). Done when the broker is satisfied, and the authenticator with it. Where
    /// either is not, or the exchange takes longer than `ClientOptions::connect_timeout`, the connection ends, and the
    /// operation fails with the cause: the broker's DISCONNECT is `Errc::disconnected` with its reason code. What `begin`
    /// throws fails the operation alone. `Errc::not_supported` without an authenticator, `Errc::not_connected` without a
    /// connection. A call while an exchange is under way waits for the next one.
    ReauthenticateOperation reauthenticate(const ReauthenticateOptions& options = {});

    /// The hook runs before each attempt to connect, the first included, as a task of its own: it may renew the credentials,
    /// choose another endpoint, or give up; see `ConnectionAttempt`. Where it throws, the attempt has failed with that cause.
    /// Its time counts towards `ClientOptions::connect_timeout`, and it is cancelled when that is over, when the client
    /// stops, and when it is destroyed; so it must neither destroy the client itself nor drop the first `connect`, or who
    /// awaits that (`ConnectionAttempt::give_up` ends it). A later hook replaces an earlier one; an empty one is none. The hook
    /// lives as long as its call: here a lambda with captures may be a coroutine.
    void before_attempt(AttemptHook hook);

    /// A stream of what becomes of the connection from now on; any number may be there. `capacity`, at least 1: how many
    /// events it keeps for a reader that is slow.
    [[nodiscard]] ConnectionEvents connection_events(std::size_t capacity = 256);

    /// Publishes (section 3.3). Done at QoS 0 when the message is in the transport's buffer, at QoS 1 with PUBACK, at QoS 2 with
    /// PUBCOMP. While the connection is lost the message waits, and is sent again until it is acknowledged. Topic and
    /// payload are copied (or encoded) before `publish` returns. `Errc::not_connected` before `connect` and after
    /// `disconnect`.
    PublishOperation publish(std::string_view topic, Bytes payload, const PublishOptions& options = publish_defaults) {
        return PublishOperation(*core_, topic, payload, options);
    }
    PublishOperation publish(std::string_view topic, std::string_view text,
                             const PublishOptions& options = publish_defaults) {
        return publish(topic, as_bytes(text), options);
    }
    /// The same without copying a large payload: it is kept until the message is sent and acknowledged, and handed to the
    /// socket from where it stands (TLS and WebSocket, which change the bytes, copy it once).
    PublishOperation publish(std::string_view topic, const Payload& payload,
                             const PublishOptions& options = publish_defaults) {
        return PublishOperation(*core_, topic, payload, options);
    }
    /// The same without waiting for anything: the packet identifier (0 at QoS 0), or why the message was not taken. What
    /// becomes of it is not told. Never waits for room, whatever `OutboundLimits::when_full` says.
    [[nodiscard]] Result<PacketId> try_publish(std::string_view topic, Bytes payload,
                                               const PublishOptions& options = {});

    /// Subscribes (section 3.8), and is done with SUBACK. Messages flow into the stream from the call on. A broker's refusal is
    /// in the stream's reason codes. A message that matches several streams goes to each of them, and is acknowledged when all
    /// are done with it.
    SubscribeOperation subscribe(std::string_view filter, QoS qos = QoS::at_most_once,
                                 const SubscribeOptions& options = {});
    /// One stream for several filters.
    SubscribeOperation subscribe(std::span<const TopicSubscription> subscriptions,
                                 const SubscribeOptions& options = {});
    /// Several filters are a named array. Two literals in braces would be one text, from the first to the second.
    SubscribeOperation subscribe(std::initializer_list<const char*> filters, QoS qos = QoS::at_most_once,
                                 const SubscribeOptions& options = {}) = delete;
    /// Unsubscribes (section 3.10). Streams end that have no other filter left.
    UnsubscribeOperation unsubscribe(std::string_view filter, const UnsubscribeOptions& options = {});
    UnsubscribeOperation unsubscribe(std::span<const std::string_view> filters, const UnsubscribeOptions& options = {});
    /// As for `subscribe`: a named array.
    UnsubscribeOperation unsubscribe(std::initializer_list<const char*> filters,
                                     const UnsubscribeOptions& options = {}) = delete;

    /// Publishes a request, and is done with its reply (MQTT 5, section 4.10); see request.hpp, which is to be included.
    /// `Errc::not_supported` under 3.1.1, which has no response topics.
    RequestOperation request(std::string_view topic, Bytes payload, const RequestOptions& options = {});
    RequestOperation request(std::string_view topic, std::string_view text, const RequestOptions& options = {});
    /// Subscribes to `filter`, and answers what comes; see request.hpp, which is to be included. A task: it begins where it is
    /// awaited or spawned.
    Task<> serve(std::string_view filter, RequestHandler handler, const ServeOptions& options = {});

    /// A stream of the messages that match `filter`, without asking the broker for them: for persistent sessions, whose
    /// messages may come before the program has subscribed again. Throws `Errc::invalid_argument` for a malformed filter.
    [[nodiscard]] Subscription listen(std::string_view filter, Acknowledge acknowledge = Acknowledge::automatic);
    /// The catch-all stream: messages that match no other stream. A later one replaces an earlier one, which ends. Without
    /// one, such messages are acknowledged, counted and dropped [MQTT-4.5.0-2].
    [[nodiscard]] Subscription messages(Acknowledge acknowledge = Acknowledge::automatic);

    /// Takes nothing new, waits for what is on its way for at most `options.drain`, sends DISCONNECT and closes; then reports
    /// what is left. While something is left a connection that is lost is made again; also, where the session outlives it, to
    /// tell the broker of QoS 2 messages that were acknowledged while there was none. It does not wait for consumers: streams
    /// end after what they hold. The client can connect again.
    DisconnectOperation disconnect(const DisconnectOptions& options = {});

    /// How things stand now; `connection_events` tells what happens.
    [[nodiscard]] ConnectionState state() const noexcept;
    /// The client identifier in use: the configured one, or what an MQTT 5 broker has assigned.
    [[nodiscard]] std::string_view client_id() const noexcept;
    /// Why the connection was lost, or the last attempt failed; empty if nothing ever did.
    [[nodiscard]] const Failure& last_failure() const noexcept;
    /// Messages and requests that wait to be sent or acknowledged.
    [[nodiscard]] std::size_t outstanding() const noexcept;
    /// Messages received at QoS 1 and 2 on this connection for which the broker still waits: to be acknowledged (see
    /// `Subscription`), or at QoS 2 on their way to the end.
    [[nodiscard]] std::size_t unacknowledged() const noexcept;
    /// Received messages that no stream wanted (see `messages`). Those dropped beyond the hard limits are not among
    /// them: see `dropped`.
    [[nodiscard]] std::uint64_t unclaimed() const noexcept;
    /// QoS 0 messages dropped beyond the hard limits of `InboundLimits`.
    [[nodiscard]] std::uint64_t dropped() const noexcept;

    /// What the client has done since it was made, and holds now.
    [[nodiscard]] Statistics statistics() const;
    /// Shows every packet to `see`, in both directions, in the order of the wire; an empty function ends that. It runs inside
    /// the client's own work: it may neither call nor destroy the client or its streams (asserted; `state` and what else
    /// only looks is harmless), and should be quick. An exception is logged.
    void tap(Function<void(const TappedPacket&)> see);

    /// For the blocking client (client.hpp), which is an adapter over this.
    [[nodiscard]] client::Core& core() noexcept { return *core_; }

private:
    friend class client::Core;
    std::unique_ptr<client::Core> core_;
};

} // namespace culex
