// Messages of the broker, and the answers to them.
#include <fmt/format.h>

#include "session/failures.hpp"
#include "session/message_block.hpp"
#include "session/plain_run.hpp"
#include "session/session.hpp"
#include "wire/plain_reply.hpp"
#include "wire/roles.hpp"

namespace culex::session {

[[gnu::always_inline]] inline void Session::hand_on(PacketType type, PacketId id, Inbound::Received&& received) {
    if (sink_) {
        if (received.message) sink_->on_message(std::move(received.message), received.delivery);
        return;
    }
    if (!received.message && !config_.report_packets) return;
    events_.emplace_back(type, id, ReasonCode::success, false, std::move(received.message), received.delivery, nullptr,
                         wire::carries_properties(config_.version));
}

/// Hands a message on, if the broker may send it.
template <class Source> [[gnu::always_inline]] inline void Session::take(const Source& publish) {
    ++counters_.received.publishes[static_cast<std::size_t>(publish.qos)];
    if (publish.qos == QoS::at_most_once) {
        return hand_on(PacketType::publish, 0, {MessageBlock::make(publish), {}});
    }
    const bool full = inbound_.unacknowledged() >= config_.receive_maximum;
    if (full && wire::receive_maximum_binds(config_.version) &&
        inbound_.takes_place(publish.qos, publish.packet_id)) { // [MQTT-3.3.4-9]
        return fail(
            violation("more unacknowledged messages than our Receive Maximum", ReasonCode::receive_maximum_exceeded));
    }
    hand_on(PacketType::publish, publish.packet_id,
            inbound_.handle_publish(publish.qos, publish.packet_id, MessageBlock::make(publish)));
}

namespace {

template <QoS Qos> void take_each(MessageSink& sink, PlainRun& run) {
    for (wire::PublishParts next{.qos = Qos}; run.look<Qos>(next) && wire::is_plain_topic(next.topic);) {
        Message message = run.take<Qos>(next);
        const Delivery delivery = MessageBlock::delivery(message);
        sink.on_message(std::move(message), delivery);
    }
}

} // namespace

void MessageSink::on_run(PlainRun& run) {
    if (run.qos == QoS::at_most_once) return take_each<QoS::at_most_once>(*this, run);
    take_each<QoS::at_least_once>(*this, run);
}

void Session::take_run(QoS qos) {
    const Bytes bytes = framer_.short_bytes();
    PlainRun run(qos, bytes, config_.version, inbound_, config_.receive_maximum);
    sink_->on_run(run);
    if (run.count() == 0) return;
    framer_.skip_to(run.at());
    counters_.received_publishes(qos, run.count(), static_cast<std::size_t>(run.at() - bytes.data()));
}

void Session::handle_publish(const wire::Frame& frame) {
    wire::PublishParts plain;
    if (wire::read_plain_publish(frame, config_.version, plain)) return take(plain);
    return handle_other_publish(frame);
}

void Session::handle_other_publish(const wire::Frame& frame) {
    auto packet = wire::decode<Publish>(frame, config_.version, fresh_arena(), wire::Sender::server);
    if (!packet) return fail(std::move(packet).failure());
    if (packet->properties.topic_alias && !resolve_alias(*packet)) return;
    take(*packet);
}

/// The broker's aliases (MQTT 5, section 3.3.2.3.4); a mapping ends with the connection [MQTT-3.3.2-7].
bool Session::resolve_alias(Publish& packet) {
    const std::uint16_t alias = *packet.properties.topic_alias;
    if (alias > config_.topic_alias_maximum) {
        fail(violation(fmt::format("topic alias {} is above our maximum, {}", alias, config_.topic_alias_maximum),
                       ReasonCode::topic_alias_invalid));
        return false;
    }
    std::vector<std::string>& known = aliases_.use();
    if (known.size() < alias) known.resize(alias);
    std::string& topic = known[alias - 1u];
    if (packet.topic.empty() && topic.empty()) {
        fail(violation(fmt::format("topic alias {} stands for no topic yet", alias)));
        return false;
    }
    if (packet.topic.empty()) {
        packet.topic = topic;
    } else {
        topic = packet.topic;
    }
    return true;
}

void Session::handle_released(PacketId id) {
    Inbound::Released released = inbound_.handle_pubrel(id);
    if (released.early) {
        return fail(violation(fmt::format("PUBREL for packet identifier {} came before our PUBREC", id)));
    }
    if (released.answer) answer({id, PacketType::pubcomp, *released.answer});
    hand_on(PacketType::pubrel, id, std::move(released.received));
}

// --- the answers

void Session::acknowledge(const Delivery& delivery, ReasonCode code, const AckProperties* why) {
    // A code that PUBACK and PUBREC cannot carry still says whether the message was taken; under 3.1.1 none can.
    if (code != ReasonCode::success && !allowed_in(code, PacketType::puback, config_.version)) {
        const bool refuse =
            failed(code) && allowed_in(ReasonCode::unspecified_error, PacketType::puback, config_.version);
        code = refuse ? ReasonCode::unspecified_error : ReasonCode::success;
    }
    if (failed(code) && inbound_.awaits(delivery)) [[unlikely]]
        explanations_.keep(delivery, why);
    inbound_.acknowledge(delivery, code);
    send_answers();
}

void Session::send_answers() {
    while (state_ == State::connected && inbound_.has_answer()) {
        if (const Answer next = inbound_.take_answer(); next.id != 0) answer(next);
    }
}

void Session::answer_at_length(Answer answer) {
    switch (answer.type) {
    case PacketType::puback:
        return refuse<Puback>(answer);
    case PacketType::pubrec:
        return refuse<Pubrec>(answer);
    case PacketType::pubrel:
        return write(Pubrel{.packet_id = answer.id, .reason_code = answer.reason_code});
    default:
        return write(Pubcomp{.packet_id = answer.id, .reason_code = answer.reason_code});
    }
}

/// The broker hears why, as far as its Maximum Packet Size allows [MQTT-3.4.2-2] [MQTT-3.4.2-3] [MQTT-3.5.2-2] [MQTT-3.5.2-3].
template <class P> void Session::refuse(Answer answer) {
    const QoS qos = P::type == PacketType::puback ? QoS::at_least_once : QoS::exactly_once;
    const Explanation words = explanations_.take(answer.id, qos);
    const std::vector<UserProperty> user = words.views();
    P packet{.packet_id = answer.id, .reason_code = answer.reason_code, .properties = {.user_properties = user}};
    if (!words.reason_string.empty()) packet.properties.reason_string = words.reason_string;
    write(packet);
}

} // namespace culex::session
