// Enhanced authentication: AUTH packets, between CONNECT and CONNACK and later (MQTT 5, section 4.12).
//
// The session keeps the rules of the exchange: who may speak, of which method, with which code. What is said is for its
// owner to know. Where a method is carried out, CONNACK has the broker's last word, which may prove that it is who it
// should be; so nothing is sent to it, and nothing is taken from it, before the owner has looked at that word (`accept`).
#include <fmt/format.h>

#include "session/failures.hpp"
#include "session/session.hpp"

namespace culex::session {

Result<void> Session::authenticate(Bytes data) {
    const bool open =
        state_ == State::opening || state_ == State::connected; // nothing follows DISCONNECT [MQTT-3.14.4-1]
    if (!open || auth_turn_ != AuthTurn::ours) return Failure(Errc::not_connected, "there is no AUTH to answer");
    return send_auth(ReasonCode::continue_authentication, data); // [MQTT-4.12.0-3]
}

Result<void> Session::reauthenticate(Bytes data) {
    if (state_ != State::connected) return Failure(Errc::not_connected);
    if (!authentication_method_)
        return Failure(Errc::not_supported, "CONNECT named no authentication method"); // [MQTT-4.12.0-7]
    if (auth_turn_ != AuthTurn::nobody) return Failure(Errc::not_supported, "an authentication is under way");
    return send_auth(ReasonCode::reauthenticate, data); // [MQTT-4.12.1-1]
}

Result<void> Session::send_auth(ReasonCode code, Bytes data) {
    Auth packet{.reason_code = code, .properties = {.authentication_method = *authentication_method_}};
    if (!data.empty()) packet.properties.authentication_data = data;
    const std::size_t before = output_.size();
    if (auto written = wire::encode(output_, packet, config_.version, limits_.maximum_packet_size); !written)
        return written;
    answered(PacketType::auth, output_.size() - before);
    auth_turn_ = AuthTurn::broker;
    return {};
}

// --- from the broker

void Session::handle(const Auth& packet) {
    if (Failure why = misplaced(packet)) {
        if (!authentication_method_) return fail(std::move(why));
        // Before CONNACK, too, a client that has named a method may send DISCONNECT [MQTT-3.1.2-30].
        const ReasonCode code = why.reason_code();
        return fail_saying(code, std::move(why));
    }
    const bool over = packet.reason_code == ReasonCode::success;
    if (!over && !config_.authenticates) {
        return reject_authentication(Failure(
            Errc::not_supported, fmt::format("the broker wants more of the authentication method {}, and there is no "
                                             "authenticator",
                                             *authentication_method_)));
    }
    auth_turn_ = over ? AuthTurn::nobody : AuthTurn::ours;
    report_auth(packet.reason_code, packet.properties.authentication_data, packet.properties.reason_string);
}

/// What is wrong with an AUTH here and now; 0x19 is none of a broker's words at all, which the reader knows.
Failure Session::misplaced(const Auth& packet) const {
    const AuthProperties& properties = packet.properties;
    if (!authentication_method_) // [MQTT-4.12.0-6]
        return violation("AUTH, although CONNECT named no authentication method");
    if (properties.authentication_method != *authentication_method_) { // [MQTT-4.12.0-5]
        return violation(properties.authentication_method ? "AUTH with another authentication method than CONNECT"
                                                          : "AUTH without an authentication method");
    }
    if (!problem_information_ && (properties.reason_string || !properties.user_properties.empty())) // [MQTT-3.1.2-29]
        return violation("AUTH explains itself, although we asked for no problem information");
    if (state_ == State::opening && packet.reason_code == ReasonCode::success) // [MQTT-4.12.0-2]
        return violation("AUTH says success where CONNACK should");
    if (auth_turn_ == AuthTurn::ours) return violation("AUTH before the last one was answered");
    if (auth_turn_ == AuthTurn::nobody) return violation("AUTH, although no authentication is under way");
    return Failure();
}

/// CONNACK names the method that CONNECT has named, and none where that named none.
bool Session::check_method(const ConnackProperties& properties) {
    const auto& method = properties.authentication_method;
    const bool same = method.has_value() == static_cast<bool>(authentication_method_) &&
                      (!method || *method == *authentication_method_);
    if (!same) {
        fail(violation(!method ? "CONNACK without the authentication method of CONNECT"
                       : authentication_method_
                           ? "CONNACK with another authentication method than CONNECT"
                           : "CONNACK with an authentication method, although CONNECT named none"));
    } else if (auth_turn_ == AuthTurn::ours) {
        fail(violation("CONNACK before the last AUTH was answered"));
    }
    auth_turn_ = AuthTurn::nobody;
    return same && state_ == State::connected;
}

void Session::await_verdict(const Connack& packet) {
    state_ = State::verifying;
    accepted_session_ = packet.session_present;
    report_auth(ReasonCode::success, packet.properties.authentication_data, packet.properties.reason_string);
}

void Session::accept(TimePoint now) {
    if (state_ != State::verifying) return;
    state_ = State::connected;
    last_received_ = now; // a broker that was not read is not silent
    begin(accepted_session_);
    const Rare<Buffer> later = std::move(parked_);
    handle_frames();
    if (state_ == State::connected && later) handle_input(later->bytes(), now);
}

/// The owner had better not read meanwhile; but what is under way comes.
void Session::park(Bytes bytes) {
    if (state_ != State::verifying) return;
    if (parked_.look().size() + bytes.size() > config_.answer_limit)
        return fail(Failure(Errc::connection_lost, "the broker sends much before it is known to be the right one"));
    parked_.use().append(bytes);
}

void Session::report_auth(ReasonCode code, std::optional<Bytes> data, std::optional<std::string_view> reason_string) {
    Event event{.type = PacketType::auth, .reason_code = code, .details = std::make_unique<AckDetails>()};
    event.details->authentication_data = as_text(data.value_or(Bytes{}));
    event.details->reason_string = reason_string.value_or("");
    events_.push_back(std::move(event));
}

void Session::fail_saying(ReasonCode code, Failure why) {
    if (state_ != State::opening && state_ != State::verifying && state_ != State::connected) return;
    write_disconnect(Disconnect{.reason_code = code});
    const Phase phase = state_ == State::connected ? Phase::session : Phase::mqtt;
    state_ = State::failed;
    direct_below_ = 0;
    failure_ = std::move(why).during(phase);
}

} // namespace culex::session
