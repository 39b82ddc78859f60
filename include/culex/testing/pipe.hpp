#pragma once
/// \file pipe.hpp
/// Two streams joined back to back in memory, on any scheduler: a connection without a network.
///
/// Where `Stream` leaves something open, the pipe does what TCP does, in its least convenient form:
/// - What is written arrives in order, at the earliest on the next turn, after `latency`. One `on_read` has `chunk_size`
///   bytes at most, and there is one to a turn. Its bytes are a block of exactly their size that is freed after the call,
///   so that AddressSanitizer sees who reads past them or keeps them.
/// - `capacity` bytes are under way or unread per direction; what is beyond stays in the writer's backlog. `on_drained`
///   comes on the turn after the reader has made room for the last of it.
/// - A `shutdown`, and the destruction of an end, reach the other end as `Errc::end_of_stream`, behind all the data that was
///   taken from the backlog before. An end destroyed while data for it is unread, under way, or in the other's backlog
///   gives `std::errc::connection_reset` instead, also behind the data.
/// - While reading is off neither data nor the end are told, as with TCP. But writing to an end that is gone is told as
///   `std::errc::connection_reset` even then.
/// - After `on_end` what is written is dropped; what was in the backlog still goes while the other end reads. Writing after
///   `shutdown` is a programming error.
/// - Before `start` an end may write; what comes for it waits.

#include <memory>
#include <string>
#include <utility>

#include <culex/scheduler.hpp>
#include <culex/stream.hpp>

namespace culex::testing {

/// How much goes through a pipe, and how fast.
struct PipeOptions {
    std::size_t capacity = 256 * 1024;  ///< bytes under way or unread, per direction; at least 1
    std::size_t chunk_size = 64 * 1024; ///< greatest number of bytes in one `on_read`; at least 1
    Duration latency{};                 ///< from one end to the other
};

/// Its two ends.
using Pipe = std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>>;

/// Two joined streams. `peers` is what the first and the second say when asked for their `peer()`. They must be destroyed
/// before `scheduler` is.
[[nodiscard]] Pipe make_pipe(Scheduler& scheduler, const PipeOptions& options = {},
                             std::pair<std::string, std::string> peers = {"pipe", "pipe"});
/// The same with options that the caller may go on changing: latency and chunk size for what is sent and read from then
/// on, capacity at once.
[[nodiscard]] Pipe make_pipe(Scheduler& scheduler, std::shared_ptr<const PipeOptions> options,
                             std::pair<std::string, std::string> peers = {"pipe", "pipe"});

} // namespace culex::testing
