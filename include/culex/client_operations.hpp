#pragma once
/// \file client_operations.hpp
/// What the calls of `AsyncClient` return, to be awaited; and what awaiting them gives.

#include <array>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <culex/endpoint.hpp>
#include <culex/error.hpp>
#include <culex/operation.hpp>
#include <culex/options.hpp>
#include <culex/payload.hpp>
#include <culex/result.hpp>
#include <culex/scheduler.hpp>
#include <culex/subscription.hpp>

namespace culex {

class AsyncClient;

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
    /// Received messages for which the broker got neither PUBACK nor PUBREC: those of a persistent session come again.
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

} // namespace culex
