#pragma once
/// \file lookup.hpp
/// A name's addresses.

#include <vector>

#include "io/loop_core.hpp"
#include "io/socket.hpp"

namespace culex::io {

/// Looks a name up on a thread of libuv's. Destroying it calls it off: the request itself lives until the resolver has let
/// go of it, which cannot be hurried, and then ends unheard.
class Lookup {
public:
    /// `status` is 0, or libuv's error. Called inside a turn, once; it may destroy the lookup.
    using Done = Function<void(int status, std::vector<SocketAddress> addresses)>;

    Lookup() = default;
    Lookup(const Lookup&) = delete;
    Lookup& operator=(const Lookup&) = delete;
    ~Lookup();

    /// 0, or libuv's error, and then `done` is not called. To be called once.
    [[nodiscard]] int start(LoopCore& core, const std::string& host, std::uint16_t port, Done done);

private:
    struct Request;
    static void on_resolved(uv_getaddrinfo_t* handle, int status, addrinfo* found) noexcept;

    Request* request_ = nullptr;
};

/// The same at once: waits for the resolver.
[[nodiscard]] Result<std::vector<SocketAddress>> look_up_now(LoopCore& core, const std::string& host,
                                                             std::uint16_t port);

/// Why a name has no address.
[[nodiscard]] Failure lookup_failure(const std::string& host, int status);

} // namespace culex::io
