#include "client/reconnect_counts.hpp"

namespace culex::client {

EndCause end_cause(const Failure& why) noexcept {
    if (why == Errc::timed_out || why == Errc::no_response) return EndCause::timeout;
    if (why == Errc::connection_refused || why == Errc::disconnected) return EndCause::broker;
    if (why == Errc::malformed_packet || why == Errc::protocol_error) return EndCause::protocol;
    if (why == Errc::tls_failed) return EndCause::tls;
    if (why == Errc::end_of_stream || why == Errc::connection_lost) return EndCause::transport;
    if (why == Errc::invalid_argument || why == Errc::not_supported) return EndCause::other;
    switch (why.phase()) { // errors of the system, or the hook's own
    case Phase::resolve:
        return EndCause::resolve;
    case Phase::tls:
        return EndCause::tls;
    case Phase::connect:
    case Phase::mqtt:
    case Phase::session:
        return EndCause::transport;
    case Phase::none:
        break;
    }
    return EndCause::other;
}

} // namespace culex::client
