// The broker's side of enhanced authentication (MQTT 5, section 4.12): the rules of the exchange are here, the method is the
// test's (`FakeBrokerOptions::authentication`).

#include <fmt/format.h>

#include "testing/fake_broker_connection.hpp"
#include "testing/fake_broker_core.hpp"

namespace culex::testing {

/// CONNECT is kept until it is known what to answer.
void BrokerConnection::begin_authentication(const Connect& connect, const wire::Frame& frame) {
    if (!core_.options().authentication)
        return refuse_connect(ReasonCode::bad_authentication_method); // [MQTT-4.12.0-1]
    method_ = *connect.properties.authentication_method;
    auth_step_ = 0;
    authenticating_ = true;
    held_connect_.clear();
    held_connect_.append(whole_of(frame));
    const Bytes data = connect.properties.authentication_data.value_or(Bytes{});
    step_authentication(data);
}

void BrokerConnection::continue_connecting(const wire::Frame& frame) {
    const auto packet = wire::decode(frame, version_, arena_, wire::Sender::client);
    if (!packet) return refuse(packet.failure());
    if (std::holds_alternative<Disconnect>(*packet)) return close(false);
    if (const Auth* const auth = std::get_if<Auth>(&*packet)) return handle(*auth);
    complain(fmt::format("{} during the authentication", to_string(frame.type()))); // [MQTT-3.1.2-30]
    drop();
}

void BrokerConnection::handle(const Auth& packet) {
    const bool again = packet.reason_code == ReasonCode::reauthenticate;
    const char* wrong = nullptr;
    if (method_.empty()) {
        wrong = "CONNECT named no authentication method"; // [MQTT-4.12.0-7]
    } else if (packet.properties.authentication_method != method_) {
        wrong = "its method is not that of CONNECT"; // [MQTT-4.12.0-5], [MQTT-4.12.1-1]
    } else if (again == authenticating_) {
        wrong = again ? "an exchange is under way" : "none is under way";
    }
    if (wrong) {
        return refuse(Failure(Errc::protocol_error, fmt::format("AUTH: {}", wrong), ReasonCode::protocol_error));
    }
    if (again) {
        auth_step_ = 0;
        authenticating_ = true;
    }
    step_authentication(packet.properties.authentication_data.value_or(Bytes{}));
}

void BrokerConnection::step_authentication(Bytes data) {
    const AuthReply reply = core_.options().authentication({.connection = number_,
                                                            .client_id = client_id_,
                                                            .method = method_,
                                                            .data = data,
                                                            .step = auth_step_++,
                                                            .connected = session_ != nullptr});
    if (state_ != State::serving) return; // it has ended it
    if (failed(reply.reason_code)) return refuse_authentication(reply.reason_code);
    last_word_ = reply.data;
    const bool over = reply.reason_code == ReasonCode::success;
    if (over) authenticating_ = false;
    if (over && !session_) return accepted();
    Auth answer{.reason_code = reply.reason_code, .properties = {.authentication_method = method_}};
    if (!last_word_.empty()) answer.properties.authentication_data = as_bytes(last_word_);
    send(answer); // [MQTT-4.12.0-2]
}

void BrokerConnection::accepted() {
    const Buffer held = std::move(held_connect_);
    const auto connect =
        wire::decode<Connect>(frame_of(held.bytes()), version_, arena_, wire::Sender::client); // it was read before
    welcome(*connect);
}

void BrokerConnection::refuse_authentication(ReasonCode code) {
    authenticating_ = false;
    if (!session_) return refuse_connect(code); // [MQTT-4.12.0-4]
    say_goodbye(code, true);                    // [MQTT-4.12.1-2]
}

} // namespace culex::testing
