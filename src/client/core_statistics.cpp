// What a client has done and holds, as numbers.
#include "client/core.hpp"

namespace culex::client {
namespace {

EndCause cause_of(const Failure& why) noexcept {
    if (why.code().category() != culex_category()) return EndCause::network;
    switch (static_cast<Errc>(why.code().value())) {
    case Errc::host_not_found:
        return EndCause::resolve;
    case Errc::connection_lost:
        return EndCause::network;
    case Errc::tls_failed:
        return EndCause::tls;
    case Errc::timed_out:
        return EndCause::timed_out;
    case Errc::end_of_stream:
        return EndCause::end_of_stream;
    case Errc::no_response:
        return EndCause::no_response;
    case Errc::malformed_packet:
    case Errc::protocol_error:
        return EndCause::protocol;
    case Errc::connection_refused:
        return EndCause::refused;
    case Errc::disconnected:
        return EndCause::disconnected;
    default:
        return EndCause::other;
    }
}

} // namespace

/// A connection that was made, or an attempt that was not accepted, is over, and nobody has told us to stop.
void Core::count_end(const Failure& why, bool was_connected) noexcept {
    const bool requested = was_connected && hurry_ && why == Errc::connection_lost;
    const EndCause cause = requested ? EndCause::requested : cause_of(why);
    ++(was_connected ? lost_ : failed_attempts_)[static_cast<std::size_t>(cause)];
}

Statistics Core::statistics() {
    Statistics now;
    session_.count_into(now);
    now.outbound_dropped[static_cast<std::size_t>(settings_.plain().outbound.when_full)] += refused_;
    waiting_for_room_.for_each([&](ClientOperation::Place&) { ++now.outbound.waiting_for_room; });
    now.inbound.messages = router_.messages() + held_messages_;
    now.inbound.bytes = router_.bytes() + held_bytes_;
    now.inbound_dropped = router_.dropped_count();
    now.unclaimed = router_.unclaimed_count();
    now.connections = connections_;
    now.lost = lost_;
    now.failed_attempts = failed_attempts_;
    return now;
}

void Core::tap(Tap::See see) {
    check_caller();
    tap_.set(std::move(see));
    session_.set_tap(tap_.on() ? &tap_ : nullptr);
}

} // namespace culex::client

namespace culex {

std::string_view to_string(EndCause cause) noexcept {
    constexpr std::string_view names[end_cause_count] = {"resolve",       "network",     "tls",      "timed_out",
                                                         "end_of_stream", "no_response", "protocol", "refused",
                                                         "disconnected",  "requested",   "other"};
    const auto index = static_cast<std::size_t>(cause);
    return index < end_cause_count ? names[index] : "?";
}

} // namespace culex
