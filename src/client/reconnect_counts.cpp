#include "client/reconnect_counts.hpp"

namespace culex::client {
namespace {

/// Errors of the system, or of whatever the hook throws.
EndCause cause_by_phase(Phase phase) noexcept {
    switch (phase) {
    case Phase::resolve:
        return EndCause::resolve;
    case Phase::tls:
        return EndCause::tls;
    case Phase::connect:
    case Phase::websocket:
    case Phase::mqtt:
    case Phase::session:
        return EndCause::network;
    case Phase::none:
        break;
    }
    return EndCause::other;
}

} // namespace

EndCause end_cause(const Failure& why) noexcept {
    if (why.code().category() != culex_category()) return cause_by_phase(why.phase());
    switch (static_cast<Errc>(why.code().value())) {
    case Errc::host_not_found:
        return EndCause::resolve;
    case Errc::connection_lost:
        return EndCause::network;
    case Errc::tls_failed:
        return EndCause::tls;
    case Errc::websocket_failed:
        return why.phase() == Phase::websocket ? EndCause::refused : EndCause::protocol;
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

} // namespace culex::client
