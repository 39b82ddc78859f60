#pragma once
/// \file async_client.hpp
/// The MQTT client: every operation can be awaited on the loop that the client lives on.
///
/// g++ 12 has faults in `co_await` expressions with temporaries: see "Coroutines" in the README before writing one.

#include <array>
#include <coroutine>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <culex/connection_attempt.hpp>
#include <culex/connection_events.hpp>
#include <culex/endpoint.hpp>
#include <culex/function.hpp>
#include <culex/operation.hpp>
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

/// What every awaited operation of a client is. An operation begins when it is called, not when it is awaited: two that are
/// called one after the other go out in that order, also when both are awaited later. Its deadline (`timeout` in its
/// options; `drain` of `disconnect`) counts from the call, too. To cancel an operation is to drop it, or the task that
/// awaits it. Either ends the waiting, and nothing else; what was asked for goes on like this:
///
///              deadline or dropped           connection lost       gave up, or disconnect         client destroyed
///     connect  called off: idle again        next endpoint, retry  fails: the last cause, closed  fails: closed
///     publish  stays on its way; what waits  waits, and is sent    fails: the cause, or closed;   fails: closed;
///              for room is not taken         again (QoS 1, 2)      QoS 1 and 2 are kept (1)       the message is lost
///     subscribe    stays on its way; the     waits, and is sent    fails: the cause, or closed;   fails: closed
///              stream ends (2)               again                 it is forgotten
///     unsubscribe  stays on its way          the same              the same                       fails: closed
///     disconnect   deadline: reports what    connects again while  gives the report               fails: closed
///              is left. Dropped: goes on     something is left
///     wait_connected  waits no more          waits                 fails: the cause, or closed    fails: closed
///     request  waits no more; the reply is   waits, and is sent    fails: the cause, or closed    fails: closed
///              dropped, and counted          again (QoS 1, 2)
///     reauthenticate  waits no more          fails: the cause      fails: the cause, or closed    fails: closed
///     next     waits no more, loses nothing  waits                 what is there, then the        what is there, then
///              (3)                                                 cause, or empty                empty
///
/// A deadline that has passed fails with `Errc::timed_out`; what is dropped hears nothing.
/// (1) For the next `connect`, unless that starts clean. (2) No UNSUBSCRIBE is sent: where the broker grants it after all,
/// its messages are unclaimed, as those of a dropped `Subscription`. (3) `Subscription::next(timeout)`; also when it is
/// dropped after a message had come for it.
class [[nodiscard]] ClientOperation : private session::Operation {
public:
    ClientOperation(const ClientOperation&) = delete;
    ClientOperation& operator=(const ClientOperation&) = delete;

    [[nodiscard]] bool await_ready() const noexcept { return done_; }
    void await_suspend(std::coroutine_handle<> waiting) noexcept;

protected:
    /// \cond
    friend class client::Core;
    friend class client::Requests;
    ClientOperation(client::Core& core, Completed completed) noexcept;
    ~ClientOperation();
    /// Counts from now until the operation ends. Before its verb, so that what has been done cannot fail here.
    void begin_deadline(std::chrono::milliseconds timeout);
    /// Throws what went wrong, if anything did.
    void check();

    /// A place in one of the client's own lists: waiting for room, for the connection, for its end.
    struct Place : ListNode {
        explicit Place(ClientOperation& operation_) noexcept : operation(operation_) {}
        ClientOperation& operation;
    };

    Place place_{*this};
    struct Deadline : Timer {
        explicit Deadline(ClientOperation& operation_) noexcept
            : Timer(&ClientOperation::expired), operation(operation_) {}
        ClientOperation& operation;
    };

    static ClientOperation& from(session::Operation& operation) noexcept {
        return static_cast<ClientOperation&>(operation);
    }
    /// Notes the outcome of an exchange.
    static void on_completed(session::Operation& operation, session::Outcome&& outcome);

    client::Core* core_;
    ReadyCoroutine waiting_;
    Deadline deadline_{*this};
    session::Exchange* prepared_ = nullptr; // owned: a message that waits for room
    Failure failure_;
    ReasonCode reason_code_ = ReasonCode::success;
    PacketId id_ = 0;
    bool done_ = false;

    bool connects_ = false;     // where it ends early, so does the attempt to connect
    bool awaits_reply_ = false; // it is not done when its message is
    void note(session::Outcome&& outcome);
    void finish() noexcept;
    /// \endcond

private:
    static void expired(Timer& timer);
};

/// How a publish ended.
struct PublishResult {
    /// The broker's answer; always success at QoS 0 and under 3.1.1. 0x10 says that nobody subscribes; 0x80 and above that the
    /// broker did not take the message, which is not sent again.
    ReasonCode reason_code = ReasonCode::success;
    PacketId packet_id = 0; ///< 0 at QoS 0
};

/// Like the other operations. What is done in its own call, as a QoS 0 message mostly is, costs little more than the copy of
/// its bytes: there is nothing to wait for, and so nothing that waits is made. What is sent in its own call and has no
/// deadline waits for its acknowledgement alone.
class [[nodiscard]] PublishOperation {
public:
    PublishOperation(const PublishOperation&) = delete;
    PublishOperation& operator=(const PublishOperation&) = delete;
    ~PublishOperation() {
        if (claim_.open()) end();
    }

    [[nodiscard]] bool await_ready() const noexcept {
        return claim_.state != State::waiting && (claim_.state != State::pending || pending_.await_ready());
    }
    void await_suspend(std::coroutine_handle<> waiting) noexcept {
        if (claim_.state == State::waiting) {
            claim_.node->waiting = waiting.address();
        } else {
            pending_.await_suspend(waiting);
        }
    }
    PublishResult await_resume() {
        if (claim_.state == State::answered) return {claim_.reason_code, claim_.id};
        if (claim_.state == State::none) return {};
        return slow_result();
    }

private:
    friend class AsyncClient;
    friend class client::Core;
    friend class client::Service;
    using State = session::Claim::State;

    PublishOperation(client::Core& core, std::string_view topic, Bytes payload, const PublishOptions& options)
        : claim_(options.qos == QoS::at_most_once && send_once(core, topic, payload, options) ? State::none
                                                                                              : State::pending) {
        if (claim_.state != State::none) begin(core, topic, payload, options);
    }
    PublishOperation(client::Core& core, std::string_view topic, const Payload& payload, const PublishOptions& options);
    PublishOperation(client::Core& core, Publish& message);

    struct Pending : ClientOperation {
        explicit Pending(client::Core& core) noexcept;
        using ClientOperation::begin_deadline;
        PublishResult result();
    };
    /// True where the message is in the output already.
    static bool send_once(client::Core& core, std::string_view topic, Bytes payload, const PublishOptions& options);
    template <bool Short>
    bool send_tracked(client::Core& core, std::string_view topic, Bytes payload, const PublishOptions& options);
    void begin(client::Core& core, std::string_view topic, const Bytes& payload, const PublishOptions& options);
    void begin_long(client::Core& core, std::string_view topic, Bytes payload, const PublishOptions& options);
    void begin_pending(client::Core& core, Publish& message, const Payload* payload, std::chrono::milliseconds timeout);
    static void resume(ReadyNode& answered);
    PublishResult slow_result();
    void end() noexcept;

    session::Claim claim_; // on the message, where it is in the output, and PUBACK or PUBCOMP is to come
    union {
        Pending pending_; // where the claim says so
    };
};

/// What `subscribe` returns: `co_await` gives the stream, also where the broker has refused; see `Subscription::reason_codes`.
class SubscribeOperation : public ClientOperation {
public:
    Subscription await_resume();

private:
    friend class client::Core;
    friend class AsyncClient;
    friend class client::Requests;
    friend class client::Service;
    SubscribeOperation(client::Core& core, std::span<const TopicSubscription> subscriptions,
                       const SubscribeOptions& options);
    static void on_granted(session::Operation& operation, session::Outcome&& outcome);

    Subscription subscription_;
};

/// What `unsubscribe` returns.
class UnsubscribeOperation : public ClientOperation {
public:
    /// The broker's answer for the first filter: success, or 0x11 for "no subscription existed", or a failure.
    ReasonCode await_resume() {
        check();
        return reason_code_;
    }

private:
    friend class client::Core;
    friend class AsyncClient;
    UnsubscribeOperation(client::Core& core, std::span<const std::string_view> filters,
                         const UnsubscribeOptions& options);
};

/// What CONNACK said.
struct ConnectResult {
    bool session_present = false; ///< the broker resumes an earlier session (section 3.2.2.1.1)
};

/// Dropping it, or its timeout, calls the first connection off: the client is idle again.
class ConnectOperation : public ClientOperation {
public:
    ~ConnectOperation();
    ConnectResult await_resume() {
        check();
        return result_;
    }

private:
    friend class client::Core;
    friend class AsyncClient;
    ConnectOperation(client::Core& core, Result<std::vector<Endpoint>> endpoints, const ConnectOptions& options);

    ConnectResult result_;
};

/// What `wait_connected` returns.
class WaitConnectedOperation : public ClientOperation {
public:
    void await_resume() { check(); }

private:
    friend class client::Core;
    friend class AsyncClient;
    friend class client::Requests;
    WaitConnectedOperation(client::Core& core, std::chrono::milliseconds timeout);
};

/// What `reauthenticate` returns.
class ReauthenticateOperation : public ClientOperation {
public:
    void await_resume() { check(); }

private:
    friend class client::Core;
    friend class AsyncClient;
    ReauthenticateOperation(client::Core& core, const ReauthenticateOptions& options);
};

/// What was left when the connection was closed. Operations that waited for it have failed, each with the cause.
struct DisconnectResult {
    std::size_t undelivered = 0;           ///< messages and requests that the broker has not acknowledged: all of these
    std::array<std::size_t, 3> messages{}; ///< ... by QoS; those of QoS 1 and 2 are kept for the next `connect`
    std::size_t requests = 0;              ///< ... SUBSCRIBE and UNSUBSCRIBE
    /// Received messages that were not acknowledged to the broker: those of a persistent session come again.
    std::size_t unacknowledged = 0;
    /// Why something is undelivered: `Errc::timed_out` where the broker was there and has not acknowledged it in time, or
    /// else what kept the client from connecting again. Empty where nothing is.
    Failure why{};
};

/// What `disconnect` returns.
class DisconnectOperation : public ClientOperation {
public:
    DisconnectResult await_resume() {
        check();
        return std::move(result_);
    }

private:
    friend class client::Core;
    friend class AsyncClient;
    DisconnectOperation(client::Core& core, const DisconnectOptions& options);

    DisconnectResult result_;
};

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
    /// stops, and when it is destroyed; so it must not destroy the client itself. A later hook replaces an earlier one; an
    /// empty one is none. The hook lives as long as its call: here a lambda with captures may be a coroutine.
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
    /// Unsubscribes (section 3.10). Streams end that have no other filter left.
    UnsubscribeOperation unsubscribe(std::string_view filter, const UnsubscribeOptions& options = {});
    UnsubscribeOperation unsubscribe(std::span<const std::string_view> filters, const UnsubscribeOptions& options = {});

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
    /// what is left. While something is left a connection that is lost is made again. Streams end after what they hold. The
    /// client can connect again.
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
