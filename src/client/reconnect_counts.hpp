#pragma once
/// \file reconnect_counts.hpp
/// How often a client has connected, and why it had to.

#include <array>
#include <cstdint>

#include <culex/error.hpp>

namespace culex::client {

/// What ended a connection, or an attempt to make one.
enum class EndCause : std::uint8_t {
    resolve,   ///< the name did not resolve
    transport, ///< it was not made, was closed, or broke
    tls,
    timeout,  ///< the attempt took too long, or PINGRESP did not come
    broker,   ///< CONNACK or DISCONNECT said no
    protocol, ///< the broker sent what it may not
    asked,    ///< `AsyncClient::reconnect`
    other,    ///< the hook, or something wrong on our side
};
inline constexpr std::size_t end_causes = 8;

[[nodiscard]] EndCause end_cause(const Failure& why) noexcept;

/// Since the client was made.
struct ReconnectCounts {
    std::uint64_t attempts = 0;
    std::uint64_t connected = 0;
    std::array<std::uint64_t, end_causes> failed{}; ///< attempts, by `EndCause`
    std::array<std::uint64_t, end_causes> lost{};   ///< connections, by `EndCause`; wanted ends do not count

    void count_failed(const Failure& why) noexcept { ++failed[static_cast<std::size_t>(end_cause(why))]; }
    void count_lost(const Failure& why, bool asked) noexcept {
        ++lost[static_cast<std::size_t>(asked ? EndCause::asked : end_cause(why))];
    }
};

} // namespace culex::client
