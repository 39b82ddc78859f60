#pragma once
/// \file request.hpp
/// What callers ask of the I/O thread.

#include <memory>
#include <vector>

#include "client/core.hpp"

namespace culex::facade {

/// What a caller waits for, on its own stack. Guarded by the engine's mutex. The I/O thread answers each one, with
/// `Errc::closed` at the latest when the client is destroyed.
struct Answer {
    bool done = false;
    Failure failure{};
    PacketId mid = 0;
    std::size_t undelivered = 0; ///< of `disconnect`
};

/// A message, or another verb, in the order of the calls.
struct Request {
    using Verb = Function<Result<PacketId>(client::Core&)>;

    session::Exchange::Owner message{}; ///< encoded where it was published
    std::unique_ptr<Verb> verb{};       ///< the others are rare
    Answer* answer = nullptr;           ///< null where nobody waits

    [[nodiscard]] std::size_t size() const noexcept { return message ? message->footprint() : sizeof *this; }
};

/// What was asked and not taken up yet. Guarded by the engine's mutex.
struct RequestQueue {
    /// What may wait here besides what the session holds: enough to keep the I/O thread busy.
    static constexpr std::size_t most = 4096;
    static constexpr std::size_t most_bytes = std::size_t{1} << 20;

    std::vector<Request> requests{};
    std::size_t count = 0; ///< with those that the I/O thread has taken and not served yet
    std::size_t bytes = 0;
    bool called = false;  ///< the I/O thread comes to serve
    bool blocked = false; ///< the session has no room for the first

    /// A single one passes, however large.
    [[nodiscard]] bool full() const noexcept { return count >= most || (count > 0 && bytes >= most_bytes); }
};

} // namespace culex::facade
