#pragma once
/// \file reconnect_counts.hpp
/// How often a client has connected, and why it had to.

#include <culex/error.hpp>
#include <culex/statistics.hpp>

#include "base/rare.hpp"

namespace culex::client {

[[nodiscard]] EndCause end_cause(const Failure& why) noexcept;

/// Since the client was made.
struct ReconnectCounts {
    std::uint64_t attempts = 0;
    std::uint64_t connected = 0;
    std::uint64_t tls_sessions_resumed = 0;
    struct Ends {
        std::array<std::uint64_t, end_cause_count> failed{}; ///< attempts
        std::array<std::uint64_t, end_cause_count> lost{};   ///< connections; wanted ends do not count
    };
    Rare<Ends> ends;

    void count_failed(const Failure& why) { ++ends.use().failed[static_cast<std::size_t>(end_cause(why))]; }
    void count_lost(const Failure& why, bool asked) {
        ++ends.use().lost[static_cast<std::size_t>(asked ? EndCause::requested : end_cause(why))];
    }
};

} // namespace culex::client
