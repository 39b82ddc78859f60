#pragma once
/// \file connection_events.hpp
/// What becomes of a client's connection, told as it happens.

#include <coroutine>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <culex/endpoint.hpp>
#include <culex/error.hpp>
#include <culex/scheduler.hpp>

namespace culex {

namespace client {
class Core;
class EventStream;
} // namespace client

/// One thing that happened to a connection. Owns all that it shows.
class ConnectionEvent {
public:
    /// What happened.
    enum class Kind : std::uint8_t {
        attempting,     ///< an attempt begins: the hook, if there is one, is through
        connected,      ///< CONNACK was accepted
        attempt_failed, ///< `cause` says how; no attempt ends without this, or `connected`, or `stopped`
        lost,           ///< the connection has ended, and nobody had asked for that but `AsyncClient::reconnect`
        waiting,        ///< the next attempt follows after `delay`
        stopped,        ///< the client is idle: it was told to disconnect (no `cause`), called off, or has given up
    };

    ConnectionEvent() noexcept = default;

    /// What happened; which members have something to say is told beside each.
    Kind kind = Kind::attempting;
    TimePoint at{};      ///< the time of the client's loop
    Endpoint endpoint{}; ///< the one that this is about; of `waiting`, the next one; of `stopped`, the last
    std::string peer{};  ///< `connected`, `lost`: the address behind the endpoint, as the transport names it
    /// Empty where nothing is wrong. Its detail has the words of the resolver, of the TLS verifier, or of the broker.
    Failure cause{};
    /// Counts from 1 since `connect`, or since the connection was lost. Of `waiting`: the next; of `lost` and `stopped`: 0.
    unsigned attempt = 0;
    bool session_present = false; ///< `connected`: the broker resumes an earlier session
    Duration delay{};             ///< `waiting`

    /// What was being done; of `cause`.
    [[nodiscard]] Phase phase() const noexcept { return cause.phase(); }
    /// The broker's code; of `cause`.
    [[nodiscard]] ReasonCode reason_code() const noexcept { return cause.reason_code(); }
    /// One line for a log: `"attempt 2 failed: connecting to mqtt://a:1883: connection refused (errno 111)"`.
    [[nodiscard]] std::string to_string() const;
};
/// `"attempt_failed"`, say.
[[nodiscard]] std::string_view to_string(ConnectionEvent::Kind kind) noexcept;

/// What `co_await events.next()` takes.
class [[nodiscard]] NextConnectionEvent {
public:
    explicit NextConnectionEvent(client::EventStream* stream) noexcept : stream_(stream) {}
    NextConnectionEvent(const NextConnectionEvent&) = delete;
    NextConnectionEvent& operator=(const NextConnectionEvent&) = delete;
    ~NextConnectionEvent();

    [[nodiscard]] bool await_ready() const noexcept;
    void await_suspend(std::coroutine_handle<> waiting) noexcept;
    std::optional<ConnectionEvent> await_resume();

private:
    friend class client::EventStream;
    client::EventStream* stream_; // null once the stream is gone
    Waiter waiter_;
};

/// A stream of connection events, in the order in which things happened; move-only, on the client's thread. It begins with
/// what happens after it was made. It goes on when the client has stopped, since that may connect again. Reading it is
/// waiting like any other: events are kept, and no code of yours runs while they happen.
///
/// It holds at most as many events as it was made for: then the oldest goes, and is counted, so that one who comes late
/// sees how things stand.
class ConnectionEvents {
public:
    ConnectionEvents() noexcept; ///< no stream: `next` gives nothing
    ConnectionEvents(ConnectionEvents&&) noexcept;
    ConnectionEvents& operator=(ConnectionEvents&&) noexcept;
    ~ConnectionEvents();

    /// Waits for the next event; empty once the client was destroyed and all was taken. At most one coroutine at a time
    /// may wait.
    NextConnectionEvent next() noexcept { return NextConnectionEvent(stream_.get()); }
    /// An event that is here already, or nothing.
    [[nodiscard]] std::optional<ConnectionEvent> try_next();
    /// Events that were not taken.
    [[nodiscard]] std::size_t size() const noexcept;
    /// Events that were dropped, since nobody took them in time.
    [[nodiscard]] std::uint64_t dropped() const noexcept;

private:
    friend class client::Core;
    struct Release {
        void operator()(client::EventStream* stream) const noexcept;
    };
    explicit ConnectionEvents(client::EventStream* stream) noexcept : stream_(stream) {}
    std::unique_ptr<client::EventStream, Release> stream_;
};

} // namespace culex
