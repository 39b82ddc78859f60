#include "io/socket_listener.hpp"

#include <cerrno>

#include <sys/socket.h>
#include <unistd.h>

#include "io/lookup.hpp"
#include "io/socket_stream.hpp"

namespace culex::io {
namespace {

constexpr int waiting_peers = 1024;
/// How long to leave peers waiting when the process has no descriptor for them.
constexpr std::chrono::milliseconds pause_time{100};

Result<SocketAddress> address_of(LoopCore& core, const Endpoint& endpoint) {
    SocketAddress address;
    if (endpoint.transport() == Transport::unix_socket) {
        if (address.set_path(endpoint.path())) return address;
        return Failure(Errc::invalid_argument, "the path is empty or too long for a Unix socket");
    }
    if (address.parse(endpoint.host(), endpoint.port())) return address;
    if (endpoint.host().find('\0') != std::string::npos) return lookup_failure(endpoint.host(), UV_EAI_NONAME);
    auto found = look_up_now(core, endpoint.host(), endpoint.port());
    if (!found) return std::move(found).failure();
    if (found->empty()) return lookup_failure(endpoint.host(), UV_EAI_NODATA);
    return found->front();
}

Result<FileDescriptor> bound_socket(const SocketAddress& address) {
    FileDescriptor socket = open_socket(address.family());
    if (!socket) return system_failure(errno);
    // A port whose former connections linger in TIME_WAIT is free all the same.
    const int on = 1;
    if (!address.is_unix()) ::setsockopt(socket.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(socket.number(), address.get(), address.size()) != 0) return system_failure(errno);
    if (::listen(socket.number(), waiting_peers) != 0) return system_failure(errno);
    return socket;
}

} // namespace

SocketListener::SocketListener(LoopCore& core, FileDescriptor socket, Endpoint endpoint, AcceptHandler& handler)
    : user_(core), socket_(std::move(socket)), endpoint_(std::move(endpoint)), handler_(handler) {}

SocketListener::~SocketListener() {
    if (endpoint_.transport() == Transport::unix_socket) ::unlink(endpoint_.path().c_str());
}

int SocketListener::start() {
    const int error = poll_.open(
        this, [this](uv_poll_t* handle) { return uv_poll_init(user_.core().uv(), handle, socket_.number()); });
    return error ? error : uv_poll_start(poll_.get(), UV_READABLE, &SocketListener::on_poll);
}

void SocketListener::on_poll(uv_poll_t* poll, int, int) noexcept {
    auto& self = *static_cast<SocketListener*>(poll->data);
    const Turn turn(self.user_.core());
    self.accept_one();
}

/// One for each time that the socket is ready: the handler may destroy the listener, and is the last thing that is done.
void SocketListener::accept_one() {
    FileDescriptor peer(::accept4(socket_.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!peer) {
        // Out of descriptors or memory, the peer goes on waiting and the socket stays ready: without a pause we would spin.
        // Any other error is that peer's own, which has gone.
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) pause();
        return;
    }
    auto stream = make_peer(std::move(peer));
    if (stream) handler_.on_accept(*std::move(stream)); // otherwise the peer sees its connection closed
}

void SocketListener::pause() {
    uv_poll_stop(poll_.get());
    user_.core().loop().arm_after(retry_, pause_time);
}

void SocketListener::on_timer(Timer& timer) {
    SocketListener& self = static_cast<RetryTimer&>(timer).listener;
    uv_poll_start(self.poll_.get(), UV_READABLE, &SocketListener::on_poll);
}

Result<std::unique_ptr<Stream>> SocketListener::make_peer(FileDescriptor socket) const {
    const bool is_unix = endpoint_.transport() == Transport::unix_socket;
    SocketAddress address;
    std::string name = endpoint_.to_string(); // who connects to a Unix socket has no name
    if (!is_unix) {
        set_no_delay(socket.number());
        if (address.read_peer(socket.number())) name = address.to_string();
    }
    return make_stream(user_.core(), std::move(socket), std::move(name), !is_unix);
}

Result<std::unique_ptr<Listener>> listen_on(LoopCore& core, const Endpoint& endpoint, AcceptHandler& handler) {
    const auto failed = [&](Failure why) { return std::move(why).during(Phase::connect).at(endpoint.to_string()); };
    if (endpoint.transport() != Transport::tcp && endpoint.transport() != Transport::unix_socket) {
        return failed(Failure(Errc::not_supported, "only TCP and Unix sockets listen"));
    }
    auto address = address_of(core, endpoint);
    if (!address) return failed(std::move(address).failure());
    auto socket = bound_socket(*address);
    if (!socket) return failed(std::move(socket).failure());

    SocketAddress bound;
    std::uint16_t port = endpoint.port();
    if (!address->is_unix() && bound.read_local(socket->number())) port = bound.port();
    auto listener = std::make_unique<SocketListener>(
        core, *std::move(socket), Endpoint(endpoint.transport(), endpoint.host(), port, endpoint.path()), handler);
    if (const int error = listener->start()) return failed(uv_failure(error));
    return std::unique_ptr<Listener>(std::move(listener));
}

} // namespace culex::io
