#include "io/socket.hpp"

#include <cerrno>
#include <cstddef>
#include <cstring>

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>
#include <uv.h>

namespace culex::io {
namespace {

int set_option(int socket, int level, int name, int value) noexcept {
    return ::setsockopt(socket, level, name, &value, sizeof value) == 0 ? 0 : errno;
}

// What Linux takes for TCP_KEEPIDLE and TCP_KEEPINTVL, and for TCP_KEEPCNT.
constexpr std::int64_t most_seconds = 32'767;
constexpr std::int64_t most_probes = 127;

Failure check_range(std::string_view what, std::int64_t value, std::int64_t most) {
    if (value >= 1 && value <= most) return {};
    return Failure(Errc::invalid_argument, fmt::format("socket_keepalive.{}: {}, may be 1 to {}", what, value, most));
}

} // namespace

SocketAddress::SocketAddress(const sockaddr* address, socklen_t size) noexcept : size_(size) {
    std::memcpy(&storage_, address, size);
}

bool SocketAddress::parse(const std::string& host, std::uint16_t port) noexcept {
    if (host.find('\0') != std::string::npos) return false;
    if (uv_ip4_addr(host.c_str(), port, reinterpret_cast<sockaddr_in*>(&storage_)) == 0) {
        size_ = sizeof(sockaddr_in);
        return true;
    }
    if (uv_ip6_addr(host.c_str(), port, reinterpret_cast<sockaddr_in6*>(&storage_)) == 0) {
        size_ = sizeof(sockaddr_in6);
        return true;
    }
    return false;
}

bool SocketAddress::set_path(std::string_view path) noexcept {
    auto& address = *reinterpret_cast<sockaddr_un*>(&storage_);
    if (path.empty() || path.size() >= sizeof address.sun_path || path.find('\0') != path.npos) return false;
    storage_ = {};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
    return true;
}

bool SocketAddress::read(int socket, int (*from)(int, sockaddr*, socklen_t*) noexcept) noexcept {
    size_ = sizeof storage_;
    return from(socket, reinterpret_cast<sockaddr*>(&storage_), &size_) == 0;
}

void SocketAddress::set_port(std::uint16_t port) noexcept {
    if (family() == AF_INET) reinterpret_cast<sockaddr_in*>(&storage_)->sin_port = htons(port);
    if (family() == AF_INET6) reinterpret_cast<sockaddr_in6*>(&storage_)->sin6_port = htons(port);
}

std::uint16_t SocketAddress::port() const noexcept {
    if (family() == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
    if (family() == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port);
    return 0;
}

std::string SocketAddress::to_string() const {
    if (is_unix()) {
        const auto& address = *reinterpret_cast<const sockaddr_un*>(&storage_);
        return fmt::format("unix://{}", address.sun_path);
    }
    char host[NI_MAXHOST];
    // In digits: asks no name server, and writes the zone of a link-local address.
    if (::getnameinfo(get(), size_, host, sizeof host, nullptr, 0, NI_NUMERICHOST) != 0) return {};
    if (family() == AF_INET6) return fmt::format("[{}]:{}", host, port());
    return fmt::format("{}:{}", host, port());
}

bool operator==(const SocketAddress& a, const SocketAddress& b) noexcept {
    return a.size_ == b.size_ && std::memcmp(&a.storage_, &b.storage_, a.size_) == 0;
}

FileDescriptor open_socket(int family) noexcept {
    FileDescriptor socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (socket && family != AF_UNIX) set_no_delay(socket.number());
    return socket;
}

int set_keepalive(int socket, const SocketKeepalive& keepalive) noexcept {
    if (const int error = set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1)) return error;
    if (const int error = set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(keepalive.idle.count()))) {
        return error;
    }
    if (const int error =
            set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(keepalive.interval.count()))) {
        return error;
    }
    return set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, keepalive.count);
}

Failure check_keepalive(const SocketKeepalive& keepalive) {
    if (Failure bad = check_range("count", keepalive.count, most_probes)) return bad;
    if (Failure bad = check_range("idle", keepalive.idle.count(), most_seconds)) return bad;
    return check_range("interval", keepalive.interval.count(), most_seconds);
}

void set_no_delay(int socket) noexcept { set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1); }

void set_quick_ack([[maybe_unused]] int socket) noexcept {
#ifdef TCP_QUICKACK
    set_option(socket, IPPROTO_TCP, TCP_QUICKACK, 1);
#endif
}

int take_error(int socket) noexcept {
    int error = 0;
    socklen_t size = sizeof error;
    return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

Failure system_failure(int error, std::string detail) {
    return Failure(std::error_code(error, std::generic_category()), std::move(detail));
}

Failure uv_failure(int error, std::string detail) { return system_failure(-error, std::move(detail)); }

// libuv's texts, since they are static and in lower case: they stand in the middle of a line.
std::string_view error_text(int error) noexcept { return uv_strerror(-error); }

} // namespace culex::io
