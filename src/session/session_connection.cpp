// The connection's own packets, from the broker: CONNACK, pings, DISCONNECT; and what comes before CONNACK.
#include <fmt/format.h>

#include "session/failures.hpp"
#include "session/session.hpp"

namespace culex::session {
namespace {

/// What the broker says about an end: its reason string, and where it would have us go (MQTT 5, section 4.11).
template <class P> std::string words(const P& properties) {
    std::string text(properties.reason_string.value_or(""));
    if (!properties.server_reference) return text;
    return fmt::format("{}{}server reference: {}", text, text.empty() ? "" : "; ", *properties.server_reference);
}

/// What a port of another protocol answers to CONNECT. No packet of a broker's begins so: 'H' would be a PUBACK with flags,
/// and a record of TLS (an alert, or a handshake, of version 3.x) a CONNECT.
const char* other_protocol(Bytes bytes) noexcept {
    if (as_text(bytes).starts_with("HTTP")) return "the peer speaks HTTP: is the URL to be ws:// or wss://?";
    const bool is_record = bytes.size() >= 3 && (bytes[0] == std::byte{0x15} || bytes[0] == std::byte{0x16}) &&
                           bytes[1] == std::byte{0x03} && bytes[2] <= std::byte{0x04};
    return is_record ? "the peer speaks TLS: is the URL to be mqtts:// or wss://?" : nullptr;
}

} // namespace

void Session::handle_early_input(Bytes bytes, TimePoint now) {
    if (state_ != State::opening) return park(bytes);
    if (const char* what = framer_.mid_packet() ? nullptr : other_protocol(bytes)) return fail(violation(what));
    last_received_ = now;
    framer_.feed(bytes);
    handle_frames();
}

void Session::handle_first_packet(const wire::Frame& frame) {
    const PacketType type = frame.type();
    if (type == PacketType::connack || type == PacketType::auth) return handle_rare_packet(frame);
    fail(violation(fmt::format("{} came before CONNACK", to_string(type)))); // [MQTT-3.2.0-1]
}

void Session::handle(const Connack& packet) {
    if (state_ == State::connected) return fail(violation("a second CONNACK")); // [MQTT-3.2.0-2]
    if (failed(packet.reason_code)) {
        server_reference_.assign(packet.properties.server_reference);
        return fail(Failure(Errc::connection_refused, words(packet.properties), packet.reason_code));
    }
    state_ = State::connected;
    limits_ = Limits::granted(packet.properties, limits_.keep_alive, limits_.session_expiry_interval);
    // A client that asked for a clean start has no session that could be present [MQTT-3.2.2-4]. One that did not may have
    // had an earlier life whose session the broker still holds, so that is accepted.
    if (packet.session_present && clean_start_) {
        return fail(violation("CONNACK says session present after a clean start"));
    }
    if (packet.properties.assigned_client_identifier)
        assigned_client_id_.use() = *packet.properties.assigned_client_identifier;
    response_information_.assign(packet.properties.response_information);
    if (!check_method(packet.properties)) return;
    if (config_.authenticates && authentication_method_) return await_verdict(packet);
    begin(packet.session_present);
}

/// The broker has accepted us, and we it.
void Session::begin(bool session_present) {
    begun_ = true;
    events_.push_back(Event{.type = PacketType::connack, .session_present = session_present});
    resume(session_present);
}

void Session::handle(const Pingreq&) {
    write(Pingresp{});
    report(PacketType::pingreq, 0);
}

void Session::handle(const Pingresp&) {
    if (ping_timed_) counters_.ping_round_trip = last_received_ - *ping_timed_;
    ping_sent_.reset();
    ping_timed_.reset();
    report(PacketType::pingresp, 0);
}

void Session::handle(const Disconnect& packet) {
    server_reference_.assign(packet.properties.server_reference);
    fail(Failure(Errc::disconnected, words(packet.properties), packet.reason_code));
}

} // namespace culex::session
