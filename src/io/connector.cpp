#include "io/connector.hpp"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include <culex/tls.hpp>
#include <culex/websocket.hpp>

namespace culex::io {

OpeningBase::OpeningBase(LoopCore& core, OpenHandler& handler, Failure failure) : OpeningBase(core, handler) {
    deliver(std::move(failure));
}

void OpeningBase::deliver(Result<std::unique_ptr<Stream>> outcome) {
    assert(!outcome_);
    outcome_ = std::move(outcome);
    core().loop().post(notice_);
}

void OpeningBase::on_ready(ReadyNode& node) noexcept {
    OpeningBase& self = static_cast<Notice&>(node).opening;
    self.handler_.on_open(*std::move(self.outcome_)); // which may destroy the opening
}

Connector::Connector(LoopCore& core, const Endpoint& endpoint, const StreamOptions& options, OpenHandler& handler)
    : OpeningBase(core, handler), endpoint_(endpoint), options_(options) {}

void Connector::start() {
    SocketAddress address;
    if (endpoint_.transport() == Transport::unix_socket) {
        if (address.set_path(endpoint_.path())) return try_addresses({address});
        return deliver(Failure(Errc::invalid_argument, "the path is empty or too long for a Unix socket")
                           .during(Phase::connect)
                           .at(endpoint_.to_string()));
    }
    if (address.parse(endpoint_.host(), endpoint_.port())) return try_addresses({address});
    // The resolver would stop reading the name at a zero byte.
    if (endpoint_.host().find('\0') != std::string::npos) return on_resolved(UV_EAI_NONAME, {});
    const int error = lookup_.start(core(), endpoint_.host(), endpoint_.port(),
                                    [this](int status, const std::vector<SocketAddress>& found) {
                                        on_resolved(status, interleave_families(found));
                                    });
    if (error) on_resolved(error, {});
}

void Connector::on_resolved(int status, std::vector<SocketAddress> addresses) {
    if (status == 0 && addresses.empty()) status = UV_EAI_NODATA;
    if (status == 0) return try_addresses(std::move(addresses));
    deliver(lookup_failure(endpoint_.host(), status).during(Phase::resolve).at(endpoint_.to_string()));
}

void Connector::try_addresses(std::vector<SocketAddress> addresses) {
    addresses_ = std::move(addresses);
    start_next();
}

/// Begins with the next address; with those after it at once, where it fails at once.
void Connector::start_next() {
    next_timer_.disarm();
    while (next_ < addresses_.size()) {
        const SocketAddress& address = addresses_[next_++];
        const int error = begin(address);
        if (error == 0) {
            if (next_ < addresses_.size()) core().loop().arm_after(next_timer_, options_.next_address_after);
            return;
        }
        note_failure(address, error);
    }
    if (attempts_.empty()) fail();
}

int Connector::begin(const SocketAddress& address) {
    FileDescriptor socket = open_socket(address.family());
    if (!socket) return errno;
    if (const int error = prepare_socket(socket, address)) return error;
    // A socket that is connected at once, as Unix sockets are, is found writable: one way for all.
    const int connected = ::connect(socket.number(), address.get(), address.size());
    if (connected != 0 && errno != EINPROGRESS && errno != EINTR) return errno;

    Attempt& attempt = attempts_.emplace_back(*this, address, std::move(socket));
    const int error = attempt.poll.open(
        &attempt, [&](uv_poll_t* handle) { return uv_poll_init(core().uv(), handle, attempt.socket.number()); });
    if (error) {
        attempts_.pop_back();
        return -error;
    }
    uv_poll_start(attempt.poll.get(), UV_WRITABLE, &Connector::on_poll);
    return 0;
}

int Connector::prepare_socket(const FileDescriptor& socket, const SocketAddress& address) {
    if (address.is_unix() || !options_.socket_keepalive) return 0;
    return set_keepalive(socket.number(), *options_.socket_keepalive);
}

void Connector::on_timer(Timer& timer) { static_cast<NextTimer&>(timer).connector.start_next(); }

/// The socket has connected or failed. libuv's `status` only repeats that there is an error, without saying which.
// NOLINTNEXTLINE(bugprone-exception-escape): it is libuv that calls; no memory for a socket ends the program
void Connector::on_poll(uv_poll_t* poll, int status, int) noexcept {
    auto& attempt = *static_cast<Attempt*>(poll->data);
    Connector& self = attempt.connector;
    const Turn turn(self.core());
    int error = take_error(attempt.socket.number());
    if (error == 0 && status < 0) error = -status;
    SocketAddress local;
    // A connection to a port of this machine's where nobody listens can meet itself: TCP's simultaneous open.
    if (error == 0 && !attempt.address.is_unix() && local.read_local(attempt.socket.number()) &&
        local == attempt.address) {
        error = ECONNREFUSED;
    }
    if (error == 0) return self.succeed(attempt);
    self.note_failure(attempt.address, error);
    self.remove(attempt);
    self.start_next();
}

void Connector::remove(Attempt& attempt) {
    attempts_.remove_if([&](const Attempt& each) { return &each == &attempt; });
}

void Connector::note_failure(const SocketAddress& address, int error) {
    last_error_ = error;
    fmt::format_to(std::back_inserter(said_), "{}{}: {}", said_.empty() ? "" : "; ", address.to_string(),
                   error_text(error));
}

void Connector::succeed(Attempt& attempt) {
    uv_poll_stop(attempt.poll.get());
    std::unique_ptr<Stream> stream =
        std::make_unique<SocketStream>(core(), std::move(attempt.socket), std::move(attempt.poll),
                                       attempt.address.to_string(), options_.quick_ack && !attempt.address.is_unix());
    attempts_.clear();
    next_timer_.disarm();
    deliver(std::move(stream));
}

void Connector::fail() {
    deliver(system_failure(last_error_, std::move(said_)).during(Phase::connect).at(endpoint_.to_string()));
}

std::vector<SocketAddress> interleave_families(const std::vector<SocketAddress>& addresses) {
    std::vector<SocketAddress> first;
    std::vector<SocketAddress> second;
    for (const SocketAddress& address : addresses) {
        (address.family() == addresses.front().family() ? first : second).push_back(address);
    }
    std::vector<SocketAddress> mixed;
    for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
        if (i < first.size()) mixed.push_back(first[i]);
        if (i < second.size()) mixed.push_back(second[i]);
    }
    return mixed;
}

std::unique_ptr<Opening> open_stream(LoopCore& core, const Endpoint& endpoint, const StreamOptions& options,
                                     OpenHandler& handler) {
    const auto refuse = [&](Failure why) {
        return std::make_unique<OpeningBase>(core, handler,
                                             std::move(why).during(Phase::connect).at(endpoint.to_string()));
    };
    if (endpoint.transport() == Transport::tls) return open_tls(core.loop(), endpoint, options, handler);
    if (endpoint.transport() == Transport::ws || endpoint.transport() == Transport::wss)
        return open_websocket(core.loop(), endpoint, options, handler);
    if (options.socket_keepalive) {
        if (Failure bad = check_keepalive(*options.socket_keepalive)) return refuse(std::move(bad));
    }
    auto connector = std::make_unique<Connector>(core, endpoint, options, handler);
    connector->start();
    return connector;
}

} // namespace culex::io
