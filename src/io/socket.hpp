#pragma once
/// \file socket.hpp
/// Sockets as the system has them: addresses, options, and what its errors mean.

#include <string>
#include <string_view>

#include <sys/socket.h>

#include <culex/error.hpp>
#include <culex/runtime.hpp>

#include "io/handle.hpp"

namespace culex::io {

/// Where a socket may connect or listen: IPv4, IPv6, or a path.
class SocketAddress {
public:
    SocketAddress() = default;
    SocketAddress(const sockaddr* address, socklen_t size) noexcept;

    /// An IPv4 or IPv6 address in digits (`fe80::1%eth0` too); false where `host` is none.
    [[nodiscard]] bool parse(const std::string& host, std::uint16_t port) noexcept;
    /// False where the path is empty, too long for the system or holds a zero byte.
    [[nodiscard]] bool set_path(std::string_view path) noexcept;
    /// The peer's, or our own, address of a socket; false where it has none (any more).
    [[nodiscard]] bool read_peer(int socket) noexcept { return read(socket, ::getpeername); }
    [[nodiscard]] bool read_local(int socket) noexcept { return read(socket, ::getsockname); }
    void set_port(std::uint16_t port) noexcept;

    [[nodiscard]] const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage_); }
    [[nodiscard]] socklen_t size() const noexcept { return size_; }
    [[nodiscard]] int family() const noexcept { return storage_.ss_family; }
    [[nodiscard]] bool is_unix() const noexcept { return family() == AF_UNIX; }
    [[nodiscard]] std::uint16_t port() const noexcept; ///< 0 of a path
    /// For a person: `"127.0.0.1:1883"`, `"[::1]:1883"`, `"unix:///run/broker"`.
    [[nodiscard]] std::string to_string() const;

    friend bool operator==(const SocketAddress& a, const SocketAddress& b) noexcept;

private:
    [[nodiscard]] bool read(int socket, int (*from)(int, sockaddr*, socklen_t*) noexcept) noexcept;

    sockaddr_storage storage_{};
    socklen_t size_ = 0;
};

/// A non-blocking stream socket that no child process inherits; Nagle is off. Empty where `errno` says why.
[[nodiscard]] FileDescriptor open_socket(int family) noexcept;
/// Of a TCP socket. 0 or errno.
[[nodiscard]] int set_keepalive(int socket, const SocketKeepalive& keepalive) noexcept;
/// What the system does not take, named; no failure where all is well.
[[nodiscard]] Failure check_keepalive(const SocketKeepalive& keepalive);
void set_no_delay(int socket) noexcept;
void set_quick_ack(int socket) noexcept;
/// The error that a socket has met, 0 where there is none; asking forgets it.
[[nodiscard]] int take_error(int socket) noexcept;

/// A failure with the system's error number, comparable with `std::errc`.
[[nodiscard]] Failure system_failure(int error, std::string detail = {});
/// The same with libuv's (negative) number.
[[nodiscard]] Failure uv_failure(int error, std::string detail = {});
/// What an error number means, in a few words in lower case.
[[nodiscard]] std::string_view error_text(int error) noexcept;

} // namespace culex::io
