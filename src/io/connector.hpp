#pragma once
/// \file connector.hpp
/// An opening: from an endpoint to a connected socket.

#include <list>
#include <vector>

#include "io/lookup.hpp"
#include "io/socket_stream.hpp"

namespace culex::io {

/// Delivers the outcome of an opening from the ready queue, so never from inside `Runtime::open`, and at most once. What
/// cannot even begin (a transport that is not there) is one of these with a failure.
class OpeningBase : public Opening {
public:
    OpeningBase(LoopCore& core, OpenHandler& handler) noexcept : user_(core), handler_(handler) {}
    OpeningBase(LoopCore& core, OpenHandler& handler, Failure failure);

protected:
    void deliver(Result<std::unique_ptr<Stream>> outcome);
    [[nodiscard]] LoopCore& core() const noexcept { return user_.core(); }

private:
    struct Notice : ReadyNode {
        explicit Notice(OpeningBase& of) noexcept : ReadyNode(&OpeningBase::on_ready), opening(of) {}
        OpeningBase& opening;
    };
    static void on_ready(ReadyNode& node) noexcept;

    LoopUser user_;
    OpenHandler& handler_;
    std::optional<Result<std::unique_ptr<Stream>>> outcome_;
    Notice notice_{*this};
};

/// Tries the addresses of one endpoint in their order, which alternates between the families (RFC 8305, section 4). The next one
/// is begun when one has failed, or has not answered for a while; those that are slow stay in the race. The first to
/// connect wins. When the last has failed, the failure says what each one said.
class Connector final : public OpeningBase {
public:
    Connector(LoopCore& core, const Endpoint& endpoint, const StreamOptions& options, OpenHandler& handler);

    /// Begins with the name of the endpoint, or its path, or with these addresses.
    void start();
    void try_addresses(std::vector<SocketAddress> addresses);
    [[nodiscard]] Phase phase() const noexcept override { return addresses_.empty() ? Phase::resolve : Phase::connect; }

private:
    /// One address that has not answered yet. Destroying it closes its socket.
    struct Attempt {
        Connector& connector;
        SocketAddress address;
        FileDescriptor socket;
        Handle<uv_poll_t> poll{};
    };
    struct NextTimer : Timer {
        explicit NextTimer(Connector& of) noexcept : Timer(&Connector::on_timer), connector(of) {}
        Connector& connector;
    };

    static void on_timer(Timer& timer);
    static void on_poll(uv_poll_t* poll, int status, int events) noexcept;
    void on_resolved(int status, std::vector<SocketAddress> addresses);
    void start_next();
    [[nodiscard]] int begin(const SocketAddress& address);
    [[nodiscard]] int prepare_socket(const FileDescriptor& socket, const SocketAddress& address);
    void remove(Attempt& attempt);
    void note_failure(const SocketAddress& address, int error);
    void succeed(Attempt& attempt);
    void fail();

    Endpoint endpoint_;
    StreamOptions options_;
    Lookup lookup_;
    std::vector<SocketAddress> addresses_;
    std::size_t next_ = 0;
    std::list<Attempt> attempts_;
    NextTimer next_timer_{*this};
    std::string said_; // by the addresses that have failed
    int last_error_ = 0;
};

/// See `Runtime::open`. Openings of TLS and WebSocket wrap a connector.
[[nodiscard]] std::unique_ptr<Opening> open_stream(LoopCore& core, const Endpoint& endpoint,
                                                   const StreamOptions& options, OpenHandler& handler);

/// The addresses in an order in which the families take turns, beginning with that of the first: a family that goes nowhere
/// then costs one wait, not one for each of its addresses.
[[nodiscard]] std::vector<SocketAddress> interleave_families(const std::vector<SocketAddress>& addresses);

} // namespace culex::io
