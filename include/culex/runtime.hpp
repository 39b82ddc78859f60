#pragma once
/// \file runtime.hpp
/// The interface that joins the client to a world: time, streams to endpoints, and streams from them. `Loop` (loop.hpp)
/// implements it with libuv, `testing::VirtualRuntime` with virtual time and pipes in memory.

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include <culex/endpoint.hpp>
#include <culex/result.hpp>
#include <culex/scheduler.hpp>
#include <culex/stream.hpp>

namespace culex {

class TlsContext;

/// TCP's own keep-alive (SO_KEEPALIVE): after `idle` without traffic, `count` probes, `interval` apart. Beyond the
/// ranges, which are Linux's, an attempt to connect fails with `Errc::invalid_argument`.
struct SocketKeepalive {
    /// Probes without an answer before the connection counts as dead; 1 to 127.
    int count = 3;
    /// Whole seconds without traffic before the first probe; 1 to 32,767.
    std::chrono::seconds idle{60};
    /// Whole seconds from one probe to the next; 1 to 32,767.
    std::chrono::seconds interval{10};
};

/// A line of an HTTP request.
struct HttpHeader {
    /// Without the colon.
    std::string_view name{};
    /// Without control characters.
    std::string_view value{};
};

/// How to open a stream.
struct StreamOptions {
    std::optional<SocketKeepalive> socket_keepalive{}; ///< absent = the system's keep-alive is off
    /// Ask the kernel for quick acknowledgements when the peer seems to wait for them (Linux's TCP_QUICKACK).
    bool quick_ack = true;
    /// A further address of the same name is tried when one has not answered for so long; the first to answer wins.
    std::chrono::milliseconds next_address_after{250};
    /// For `Transport::tls` (tls.hpp); must live until the opening has ended. Null: one of the process' own, with the
    /// defaults.
    const TlsContext* tls = nullptr;
    /// For ws:// and wss://: further headers of the upgrade's request, `Authorization`, say. Must live as `tls` must; a client
    /// keeps a copy. A name that is none, one of the handshake's own (`Host`, `Sec-WebSocket-...`) and a value with control
    /// characters are `Errc::invalid_argument`.
    std::span<const HttpHeader> websocket_headers{};
};

/// Hears how an opening ended. Called from the loop, never from inside `Runtime::open`.
class OpenHandler {
public:
    /// Called once, with the open stream or what went wrong.
    virtual void on_open(Result<std::unique_ptr<Stream>> stream) = 0;

protected:
    ~OpenHandler() = default;
};

/// An opening under way; destroying it calls it off, and the handler hears no more.
class Opening {
public:
    virtual ~Opening() = default;
    /// How far it is: what a failure that calls it off says.
    [[nodiscard]] virtual Phase phase() const noexcept { return Phase::connect; }
};

/// Takes the streams of peers that connect.
class AcceptHandler {
public:
    /// Called for each, on the loop; the handler owns the stream.
    virtual void on_accept(std::unique_ptr<Stream> stream) = 0;

protected:
    ~AcceptHandler() = default;
};

/// A listening address; destroying it stops listening.
class Listener {
public:
    virtual ~Listener() = default;
    /// The address with the port that the system chose where 0 was asked for.
    [[nodiscard]] virtual const Endpoint& endpoint() const noexcept = 0;
};

/// What a client lives on: a scheduler that opens streams. Belongs to one thread.
class Runtime : public Scheduler {
public:
    /// Opens a stream: resolves the name, tries every address. The failure names the phase and the address. There is no
    /// time limit: whoever has waited enough destroys the opening.
    [[nodiscard]] virtual std::unique_ptr<Opening> open(const Endpoint& endpoint, const StreamOptions& options,
                                                        OpenHandler& handler) = 0;
    /// Listens on an address; port 0 lets the system choose. `handler` must outlive the listener.
    [[nodiscard]] virtual Result<std::unique_ptr<Listener>> listen(const Endpoint& endpoint,
                                                                   AcceptHandler& handler) = 0;
    /// What draws of chance begin with, such as those of a client's delays. 0: with what the system gives.
    [[nodiscard]] virtual std::uint64_t random_seed() noexcept { return 0; }

protected:
    ~Runtime() = default;
};

} // namespace culex
