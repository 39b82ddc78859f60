// What a session gives back when it has nothing to do: of ten thousand clients few are busy at a time, and each was once.
#include "session/session.hpp"

namespace culex::session {
namespace {

/// A buffer of so many bytes may stay: it would soon be there again.
constexpr std::size_t small_buffer = 256;

} // namespace

/// Before a PINGREQ. Where nothing but these has passed since the last one, the session has had nothing to do for an interval.
void Session::rest() noexcept {
    const std::uint64_t work = counters_.work();
    if (std::exchange(work_at_ping_, work) != work) return;
    give_back_memory();
    if (sink_) sink_->on_rest();
}

/// What is in use stays.
void Session::give_back_memory() noexcept {
    if (output_.empty() && output_.capacity() > small_buffer) output_.release();
    scratch_.release();
    arena_.reset();
    if (events_.empty()) events_.release();
    ids_.give_back();
    inbound_.give_back_memory();
    framer_.give_back();
}

} // namespace culex::session
