// The category of Culex' own conditions, and their texts.
#include <culex/error.hpp>

namespace culex {
namespace {

std::string_view text_of(Errc code) noexcept {
    switch (code) {
    case Errc::invalid_argument:
        return "invalid argument";
    case Errc::not_connected:
        return "not connected";
    case Errc::already_connected:
        return "already connected";
    case Errc::not_supported:
        return "not supported";
    case Errc::packet_too_large:
        return "packet too large";
    case Errc::timed_out:
        return "timed out";
    case Errc::cancelled:
        return "cancelled";
    case Errc::closed:
        return "the client is closed";
    case Errc::message_expired:
        return "the message expired before it was sent";
    case Errc::queue_full:
        return "the queue is full";
    case Errc::dropped:
        return "dropped from a full queue";
    case Errc::no_packet_id:
        return "all packet identifiers are in use";
    case Errc::host_not_found:
        return "host not found";
    case Errc::end_of_stream:
        return "closed by the peer";
    case Errc::connection_lost:
        return "connection lost";
    case Errc::no_response:
        return "no response in time";
    case Errc::tls_failed:
        return "TLS failed";
    case Errc::websocket_failed:
        return "WebSocket failed";
    case Errc::malformed_packet:
        return "malformed packet from the peer";
    case Errc::protocol_error:
        return "protocol error by the peer";
    case Errc::connection_refused:
        return "refused by the broker";
    case Errc::disconnected:
        return "disconnected by the broker";
    case Errc::rejected:
        return "rejected by the broker";
    case Errc::session_lost:
        return "the broker has lost the session";
    case Errc::authentication_failed:
        return "authentication failed";
    }
    return "unknown error";
}

class Category final : public std::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "culex"; }
    [[nodiscard]] std::string message(int code) const override { return std::string{text_of(static_cast<Errc>(code))}; }
};

} // namespace

const std::error_category& culex_category() noexcept {
    // Never destroyed: a client in static storage may fail after the statics of this file ended.
    static const Category& category = *new Category;
    return category;
}

std::error_code make_error_code(Errc code) noexcept { return {static_cast<int>(code), culex_category()}; }

std::string_view to_string(Errc code) noexcept {
    switch (code) {
    case Errc::invalid_argument:
        return "invalid_argument";
    case Errc::not_connected:
        return "not_connected";
    case Errc::already_connected:
        return "already_connected";
    case Errc::not_supported:
        return "not_supported";
    case Errc::packet_too_large:
        return "packet_too_large";
    case Errc::timed_out:
        return "timed_out";
    case Errc::cancelled:
        return "cancelled";
    case Errc::closed:
        return "closed";
    case Errc::message_expired:
        return "message_expired";
    case Errc::queue_full:
        return "queue_full";
    case Errc::dropped:
        return "dropped";
    case Errc::no_packet_id:
        return "no_packet_id";
    case Errc::host_not_found:
        return "host_not_found";
    case Errc::end_of_stream:
        return "end_of_stream";
    case Errc::connection_lost:
        return "connection_lost";
    case Errc::no_response:
        return "no_response";
    case Errc::tls_failed:
        return "tls_failed";
    case Errc::websocket_failed:
        return "websocket_failed";
    case Errc::malformed_packet:
        return "malformed_packet";
    case Errc::protocol_error:
        return "protocol_error";
    case Errc::connection_refused:
        return "connection_refused";
    case Errc::disconnected:
        return "disconnected";
    case Errc::rejected:
        return "rejected";
    case Errc::session_lost:
        return "session_lost";
    case Errc::authentication_failed:
        return "authentication_failed";
    }
    return "?";
}

} // namespace culex
