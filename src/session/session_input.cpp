// Packets from the broker, and the answers to its messages.
#include <fmt/format.h>

#include "session/failures.hpp"
#include "session/message_block.hpp"
#include "session/session.hpp"
#include "wire/roles.hpp"

namespace culex::session {
namespace {

/// What the broker says about an end: its reason string, and where it would have us go (MQTT 5, section 4.11).
template <class P> std::string words(const P& properties) {
    std::string text(properties.reason_string.value_or(""));
    if (!properties.server_reference) return text;
    return fmt::format("{}{}server reference: {}", text, text.empty() ? "" : "; ", *properties.server_reference);
}

} // namespace

void Session::handle_input(Bytes bytes, TimePoint now) {
    if (state_ != State::opening && state_ != State::connected) return;
    last_received_ = now;
    framer_.feed(bytes);
    while (state_ == State::opening || state_ == State::connected) {
        auto frame = framer_.next();
        if (!frame) return fail(std::move(frame).failure());
        if (!*frame) break;
        if (auto handled = handle_packet(**frame); !handled) return fail(std::move(handled).failure());
    }
    if (state_ != State::connected) return;
    send_answers();
    pump();
    disconnect_when_drained();
}

template <class P> Result<void> Session::decode_and_handle(const wire::Frame& frame) {
    arena_.reset();
    auto packet = wire::decode<P>(frame, config_.version, arena_, wire::Sender::server);
    if (!packet) return std::move(packet).failure();
    return handle(*packet);
}

Result<void> Session::handle_packet(const wire::Frame& frame) {
    const PacketType type = frame.type();
    const bool opens = type == PacketType::connack || type == PacketType::auth;
    if (state_ == State::opening && !opens) { // [MQTT-3.2.0-1]
        return violation(fmt::format("{} came before CONNACK", to_string(type)));
    }
    switch (type) {
    case PacketType::connack:
        return decode_and_handle<Connack>(frame);
    case PacketType::publish:
        return decode_and_handle<Publish>(frame);
    case PacketType::puback:
        return decode_and_handle<Puback>(frame);
    case PacketType::pubrec:
        return decode_and_handle<Pubrec>(frame);
    case PacketType::pubrel:
        return decode_and_handle<Pubrel>(frame);
    case PacketType::pubcomp:
        return decode_and_handle<Pubcomp>(frame);
    case PacketType::suback:
        return decode_and_handle<Suback>(frame);
    case PacketType::unsuback:
        return decode_and_handle<Unsuback>(frame);
    case PacketType::pingreq:
        return decode_and_handle<Pingreq>(frame);
    case PacketType::pingresp:
        return decode_and_handle<Pingresp>(frame);
    case PacketType::disconnect:
        return decode_and_handle<Disconnect>(frame);
    case PacketType::auth:
        return decode_and_handle<Auth>(frame);
    default: // nothing that a server may send
        return wire::decode(frame, config_.version, arena_, wire::Sender::server).failure();
    }
}

Result<void> Session::handle(const Connack& packet) {
    if (state_ == State::connected) return violation("a second CONNACK"); // [MQTT-3.2.0-2]
    if (failed(packet.reason_code)) {
        return Failure(Errc::connection_refused, words(packet.properties), packet.reason_code);
    }
    state_ = State::connected;
    limits_ = Limits::granted(packet.properties, limits_.keep_alive, limits_.session_expiry_interval);
    // A client that asked for a clean start has no session that could be present [MQTT-3.2.2-4]. One that did not may have
    // had an earlier life whose session the broker still holds, so that is accepted.
    if (packet.session_present && clean_start_) return violation("CONNACK says session present after a clean start");
    if (packet.properties.assigned_client_identifier)
        assigned_client_id_ = *packet.properties.assigned_client_identifier;
    events_.push_back(Event{.type = PacketType::connack, .session_present = packet.session_present});
    resume(packet.session_present);
    return {};
}

Result<void> Session::handle(Publish& packet) {
    if (packet.properties.topic_alias) {
        if (auto resolved = resolve_alias(packet); !resolved) return resolved;
    }
    if (packet.qos == QoS::at_most_once) {
        hand_on(PacketType::publish, 0, {MessageBlock::make(packet), {}});
        return {};
    }
    const bool full = inbound_.unacknowledged() >= config_.receive_maximum;
    if (full && wire::receive_maximum_binds(config_.version) && inbound_.takes_place(packet)) { // [MQTT-3.3.4-9]
        return violation("more unacknowledged messages than our Receive Maximum", ReasonCode::receive_maximum_exceeded);
    }
    hand_on(PacketType::publish, packet.packet_id, inbound_.handle_publish(packet));
    return {};
}

/// The broker's aliases (MQTT 5, section 3.3.2.3.4); a mapping ends with the connection [MQTT-3.3.2-7].
Result<void> Session::resolve_alias(Publish& packet) {
    const std::uint16_t alias = *packet.properties.topic_alias;
    if (alias > config_.topic_alias_maximum) {
        return violation(fmt::format("topic alias {} is above our maximum, {}", alias, config_.topic_alias_maximum),
                         ReasonCode::topic_alias_invalid);
    }
    if (aliases_.size() < alias) aliases_.resize(alias);
    std::string& topic = aliases_[alias - 1u];
    if (packet.topic.empty() && topic.empty()) {
        return violation(fmt::format("topic alias {} stands for no topic yet", alias), ReasonCode::protocol_error);
    }
    if (packet.topic.empty()) {
        packet.topic = topic;
    } else {
        topic = packet.topic;
    }
    return {};
}

Result<void> Session::handle(const Pubrel& packet) {
    if (auto explained = check_explained(packet.properties); !explained) return explained;
    Inbound::Released released = inbound_.handle_pubrel(packet.packet_id);
    if (released.early)
        return violation(fmt::format("PUBREL for packet identifier {} came before our PUBREC", packet.packet_id));
    if (released.answer) write(Pubcomp{.packet_id = packet.packet_id, .reason_code = *released.answer});
    hand_on(PacketType::pubrel, packet.packet_id, std::move(released.received));
    return {};
}

void Session::hand_on(PacketType type, PacketId id, Inbound::Received&& received) {
    if (!received.message && !config_.report_packets) return;
    events_.push_back(
        Event{.type = type, .id = id, .message = std::move(received.message), .delivery = received.delivery});
}

template <PacketType Type> Result<void> Session::handle(const PublishReply<Type>& packet) {
    if (auto explained = check_explained(packet.properties); !explained) return explained;
    if (Exchange* exchange = ids_.find(packet.packet_id)) {
        switch (next_action(exchange->step, Type, failed(packet.reason_code))) {
        case Action::complete:
            finish(*exchange, {.reason_code = packet.reason_code, .properties = &packet.properties});
            break;
        case Action::release:
            release(*exchange);
            break;
        case Action::release_again:
            write(Pubrel{.packet_id = packet.packet_id});
            break;
        case Action::violation:
            return violation(fmt::format("{} for packet identifier {} answers nothing that we have sent",
                                         to_string(Type), packet.packet_id));
        }
    } else if (Type == PacketType::pubrec) {
        // We have forgotten it, or never knew it. Other answers to nothing need none themselves.
        write(Pubrel{.packet_id = packet.packet_id, .reason_code = ReasonCode::packet_identifier_not_found});
    }
    report(Type, packet.packet_id, packet.reason_code, {}, packet.properties);
    return {};
}

/// Where we asked for no problem information, only PUBLISH, CONNACK and DISCONNECT may carry some [MQTT-3.1.2-29].
Result<void> Session::check_explained(const AckProperties& properties) const {
    if (problem_information_ || (!properties.reason_string && properties.user_properties.empty())) return {};
    return violation("a reason string or user properties, although we asked for no problem information");
}

Result<void> Session::handle(const Pingreq&) {
    write(Pingresp{});
    report(PacketType::pingreq, 0, ReasonCode::success, {}, {});
    return {};
}

Result<void> Session::handle(const Pingresp&) {
    ping_sent_.reset();
    report(PacketType::pingresp, 0, ReasonCode::success, {}, {});
    return {};
}

Result<void> Session::handle(const Disconnect& packet) {
    return Failure(Errc::disconnected, words(packet.properties), packet.reason_code);
}

Result<void> Session::handle(const Auth&) { return violation("AUTH, although CONNECT named no authentication method"); }

void Session::report(PacketType type, PacketId id, ReasonCode code, std::span<const ReasonCode> codes,
                     const AckProperties& properties) {
    if (!config_.report_packets) return;
    Event event{.type = type, .id = id, .reason_code = code};
    if (!codes.empty() || properties.reason_string || !properties.user_properties.empty()) {
        event.details = std::make_unique<AckDetails>();
        event.details->reason_codes.assign(codes.begin(), codes.end());
        event.details->reason_string = properties.reason_string.value_or("");
        for (const UserProperty& user : properties.user_properties)
            event.details->user_properties.emplace_back(user.name, user.value);
    }
    events_.push_back(std::move(event));
}

void Session::acknowledge(const Delivery& delivery, ReasonCode code) {
    // A code that PUBACK and PUBREC cannot carry still says whether the message was taken; under 3.1.1 none can.
    if (!allowed_in(code, PacketType::puback, config_.version)) {
        const bool refuse =
            failed(code) && allowed_in(ReasonCode::unspecified_error, PacketType::puback, config_.version);
        code = refuse ? ReasonCode::unspecified_error : ReasonCode::success;
    }
    inbound_.acknowledge(delivery, code);
    send_answers();
}

void Session::send_answers() {
    Answer answer;
    while (state_ == State::connected && inbound_.next_answer(answer)) {
        switch (answer.type) {
        case PacketType::puback:
            write(Puback{.packet_id = answer.id, .reason_code = answer.reason_code});
            break;
        case PacketType::pubrec:
            write(Pubrec{.packet_id = answer.id, .reason_code = answer.reason_code});
            break;
        default:
            write(Pubcomp{.packet_id = answer.id, .reason_code = answer.reason_code});
            break;
        }
    }
}

} // namespace culex::session
