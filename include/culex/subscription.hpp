#pragma once
/// \file subscription.hpp
/// A stream of received messages.

#include <chrono>
#include <coroutine>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include <culex/message.hpp>
#include <culex/reason_code.hpp>
#include <culex/scheduler.hpp>

namespace culex {

namespace client {
class Inbox;
class Core;
class Requests;
class Service;
} // namespace client

/// What `co_await subscription.next()` takes. A message that is there already comes with it; where it is dropped without
/// having been awaited, the message goes back: so the subscription must live until it is awaited or dropped. While it is
/// awaited, the subscription may go: then it gives nothing.
class [[nodiscard]] NextMessage {
public:
    explicit NextMessage(client::Inbox* inbox) noexcept : inbox_(inbox) {}
    NextMessage(const NextMessage&) = delete;
    NextMessage& operator=(const NextMessage&) = delete;
    ~NextMessage() {
        if (inbox_) leave();
        if (waits_) waiting_.~ReadyCoroutine();
    }

    [[nodiscard]] bool await_ready() const noexcept { return message_ || ready(); }
    void await_suspend(std::coroutine_handle<> waiting) noexcept;
    std::optional<Message> await_resume() {
        if (!message_) return take();
        inbox_ = nullptr;
        return std::move(message_);
    }

protected:
    /// \cond
    friend class client::Inbox;
    friend class Subscription;
    explicit NextMessage(client::Inbox& inbox);
    void take_first();
    [[nodiscard]] bool ready() const noexcept;
    std::optional<Message> take();
    void leave() noexcept;

    client::Inbox* inbox_; // null once the subscription is gone while it waits, and when it has been awaited
    Message message_;
    bool waits_ = false;
    union {
        ReadyCoroutine waiting_; // since it was awaited in vain: where a message is there, nothing that waits is made
    };
    /// \endcond
};

/// What `co_await subscription.next(5s)` takes: the same.
class [[nodiscard]] NextMessageInTime : public NextMessage {
public:
    NextMessageInTime(client::Inbox* inbox, std::chrono::milliseconds timeout);

    [[nodiscard]] bool await_ready() const noexcept { return expired_ || ready(); }
    std::optional<Message> await_resume();

private:
    struct Deadline : Timer {
        explicit Deadline(NextMessageInTime& owner_) noexcept : Timer(&NextMessageInTime::expire), owner(owner_) {}
        NextMessageInTime& owner;
    };
    static void expire(Timer& timer);

    Deadline deadline_{*this};
    bool expired_ = false;
};

/// The messages of one `subscribe`, in the order of arrival; move-only. Lives on the client's thread.
///
/// A QoS 1 or 2 message is acknowledged when its consumer asks for the next one: it was processed, not just received. At
/// most one coroutine at a time may wait in `next`.
///
/// With `Acknowledge::manual` it is acknowledged by `Message::ack` instead: in any order, one message or many later. The
/// broker hears of it in the order of arrival, as MQTT demands; so a message that is never acknowledged holds back those
/// behind it, of every stream of the client. They fill the window (`ClientOptions::properties.receive_maximum`, or what
/// the broker allows itself), and then nothing comes any more; `AsyncClient::unacknowledged` counts them. The broker
/// sends them all again on the next connection (see `AsyncClient::reconnect`), at QoS 2 those alone that no consumer has had.
///
/// Dropping a subscription sends no UNSUBSCRIBE (a persistent session would lose what it exists for; see
/// `AsyncClient::unsubscribe`). The message in hand is acknowledged. Messages that were not asked for go to the catch-all
/// stream (`AsyncClient::messages`) if there is one; otherwise they are counted as unclaimed, and acknowledged, unless that
/// is manual: then they stay as they are, but for those of QoS 2 that another stream has as well, which are now for that
/// alone.
class Subscription {
public:
    Subscription() noexcept; ///< no stream: `next` gives nothing
    Subscription(Subscription&&) noexcept;
    Subscription& operator=(Subscription&&) noexcept;
    ~Subscription();

    /// Waits for the next message, as long as it takes. Empty once the client has disconnected, was closed or
    /// destroyed, or this subscription was unsubscribed, or the broker has refused all its filters (see
    /// `reason_codes`), and everything that had arrived before was taken; throws `Error` where the client gave up by
    /// itself (`Errc::connection_refused` after bad credentials, say).
    NextMessage next() {
        if (!inbox_) return NextMessage(nullptr);
        return NextMessage(*inbox_);
    }
    /// The same for so long at most, from the call (0 = no limit, negative = at once): `Errc::timed_out`, if nothing has come by
    /// then. No message is lost by it.
    NextMessageInTime next(std::chrono::milliseconds timeout);
    /// A message that is here already, or nothing; either way the one before it is acknowledged, like in `next`.
    [[nodiscard]] std::optional<Message> try_next();
    /// Messages that have arrived and were not taken.
    [[nodiscard]] std::size_t size() const noexcept;

    /// The broker's answer (section 3.9.3): one code for each filter; `reason_code` is the first. 0, 1 and 2 are the granted
    /// QoS; 0x80 and above say no, and no message will come for that filter. Empty, and success, for streams that asked the
    /// broker for nothing.
    [[nodiscard]] std::span<const ReasonCode> reason_codes() const noexcept;
    /// The first of `reason_codes`.
    [[nodiscard]] ReasonCode reason_code() const noexcept;

private:
    friend class client::Core;
    struct Release {
        void operator()(client::Inbox* inbox) const noexcept;
    };
    explicit Subscription(client::Inbox* inbox) noexcept : inbox_(inbox) {}
    std::unique_ptr<client::Inbox, Release> inbox_;
};

} // namespace culex
