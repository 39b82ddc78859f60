// The model's broker.
#include "model/broker.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace culex::model {

template <class P> void Broker::write(const P& packet) {
    if (auto written = wire::encode(output_, packet, version_); !written)
        verdict_.broken("the model's broker: " + written.failure().message());
}

void Broker::open(const Grant& grant) {
    grant_ = grant;
    framer_ = wire::Framer();
    output_.clear();
    const bool v5 = version_ == Version::v5;
    alias_known_.assign(v5 ? setting_.aliases : 0, false);
    aliases_.assign(v5 ? grant.aliases : 0, {});
    connected_ = false;
}

void Broker::input(Bytes bytes) {
    if (verdict_.failed()) return;
    framer_.feed(bytes);
    while (!verdict_.failed()) {
        const auto frame = framer_.next();
        if (!frame) return verdict_.broken("to the broker: " + frame.failure().message());
        if (!*frame) return;
        wire::Arena arena;
        const auto packet = wire::decode(**frame, version_, arena, wire::Sender::client);
        if (!packet) return verdict_.broken("to the broker: " + packet.failure().message());
        if (!connected_ && type_of(*packet) != PacketType::connect) continue; // refused, or behind DISCONNECT
        std::visit([this](const auto& one) { handle(one); }, *packet);
        pump();
    }
}

void Broker::forget() {
    received_.clear();
    for (const auto* list : {&queue_, &in_flight_})
        for (const Outgoing& message : *list) downs_[message.number].due = false;
    queue_.clear();
    in_flight_.clear();
    subscriptions_.clear();
    has_session_ = false;
}

void Broker::handle(const Connect& packet) {
    if (grant_.refuse) return write(Connack{.reason_code = ReasonCode::server_unavailable});
    if (std::exchange(lost_, false) || packet.clean_start) forget();
    Connack answer{.session_present = has_session_};
    if (version_ == Version::v5) {
        if (grant_.receive_maximum != 0) answer.properties.receive_maximum = grant_.receive_maximum;
        if (grant_.aliases != 0) answer.properties.topic_alias_maximum = grant_.aliases;
        if (grant_.packet_size != 0) answer.properties.maximum_packet_size = grant_.packet_size;
    }
    write(answer);
    if (!has_session_) ++session_;
    has_session_ = connected_ = true;
    for (const Outgoing& message : in_flight_) {
        if (message.released) {
            write(Pubrel{.packet_id = message.id});
        } else {
            send(message, true);
        }
    }
}

// --- messages of the client

void Broker::handle(const Publish& packet) {
    const std::size_t number = number_of(as_text(packet.payload));
    if (number >= calls_.size()) return verdict_.broken("the broker got a message that nobody has published");
    Call& call = calls_[number];
    std::string topic(packet.topic);
    if (packet.properties.topic_alias) {
        const std::size_t alias = *packet.properties.topic_alias;
        if (alias > aliases_.size()) return verdict_.broken(fmt::format("topic alias {} was not granted", alias));
        if (topic.empty()) topic = aliases_[alias - 1];
        aliases_[alias - 1] = topic;
    }
    if (topic != "u/" + std::to_string(call.topic) || as_text(packet.payload) != payload_of(number, call.size) ||
        packet.qos != call.qos) {
        return verdict_.broken(fmt::format("message {} arrived otherwise than it was published", number));
    }
    if (packet.qos == QoS::at_most_once) return take(call);
    const auto known = received_.find(packet.packet_id);
    if (known != received_.end() && known->second != number) {
        return verdict_.broken(fmt::format("message {} came under packet identifier {}, which message {} still has",
                                           number, packet.packet_id, known->second)); // [MQTT-2.2.1-3]
    }
    const bool denied = deny_ > 0 && version_ == Version::v5 && known == received_.end();
    const ReasonCode code = denied ? ReasonCode::quota_exceeded : ReasonCode::success;
    if (denied) --deny_;
    if (packet.qos == QoS::at_least_once) {
        write(Puback{.packet_id = packet.packet_id, .reason_code = code});
    } else {
        write(Pubrec{.packet_id = packet.packet_id, .reason_code = code});
        if (known != received_.end()) return;
        if (!denied) received_[packet.packet_id] = number;
    }
    if (!denied) take(call);
}

void Broker::take(Call& call) {
    ++call.arrivals;
    const bool again = call.arrivals > 1 && call.session == session_;
    if (again && call.qos == QoS::exactly_once)
        verdict_.broken(fmt::format("message {} at QoS 2 was taken twice", call.number));
    call.session = session_;
}

void Broker::handle(const Pubrel& packet) {
    const bool known = received_.erase(packet.packet_id) > 0;
    const bool tells = version_ == Version::v5 && !known;
    write(Pubcomp{.packet_id = packet.packet_id,
                  .reason_code = tells ? ReasonCode::packet_identifier_not_found : ReasonCode::success});
}

// --- messages to the client

void Broker::inject(QoS qos, std::uint32_t size, std::uint32_t topic) {
    const auto found = subscriptions_.find("d/" + std::to_string(topic));
    if (found == subscriptions_.end()) return;
    const QoS granted = std::min(qos, found->second);
    if (granted == QoS::at_most_once && !connected_) return;
    downs_.push_back({.qos = granted, .size = size, .topic = topic, .due = granted != QoS::at_most_once});
    queue_.push_back({downs_.size() - 1, granted});
    pump();
}

void Broker::pump() {
    constexpr std::size_t most = 6; // few, so that identifiers are used again soon
    const std::size_t window = std::min<std::size_t>(most, setting_.receive_maximum);
    while (connected_ && !queue_.empty()) {
        Outgoing next = queue_.front();
        if (next.qos != QoS::at_most_once) {
            if (in_flight_.size() >= window) return;
            do {
                last_id_ = static_cast<PacketId>(last_id_ % most + 1);
            } while (find(last_id_) != in_flight_.end());
            next.id = last_id_;
            in_flight_.push_back(next);
        }
        queue_.pop_front();
        send(next, false);
    }
}

void Broker::send(const Outgoing& message, bool dup) {
    const Down& down = downs_[message.number];
    const std::string topic = "d/" + std::to_string(down.topic);
    const std::string payload = payload_of(message.number, down.size);
    Publish packet{
        .topic = topic, .payload = as_bytes(payload), .qos = message.qos, .dup = dup, .packet_id = message.id};
    if (down.topic < alias_known_.size()) {
        packet.properties.topic_alias = static_cast<std::uint16_t>(down.topic + 1);
        if (alias_known_[down.topic]) packet.topic = {};
        alias_known_[down.topic] = true;
    }
    write(packet);
}

std::deque<Broker::Outgoing>::iterator Broker::find(PacketId id) {
    return std::ranges::find(in_flight_, id, &Outgoing::id);
}

bool Broker::expect(std::deque<Outgoing>::iterator at, QoS qos, bool released, const char* packet) {
    if (at != in_flight_.end() && at->qos == qos && at->released == released) return true;
    verdict_.broken(fmt::format("{} for a message that is not under way so", packet));
    return false;
}

void Broker::done(std::deque<Outgoing>::iterator at) {
    downs_[at->number].due = false;
    in_flight_.erase(at);
}

void Broker::handle(const Puback& packet) {
    if (const auto at = find(packet.packet_id); expect(at, QoS::at_least_once, false, "PUBACK")) done(at);
}
void Broker::handle(const Pubrec& packet) {
    const auto at = find(packet.packet_id);
    if (!expect(at, QoS::exactly_once, false, "PUBREC")) return;
    if (failed(packet.reason_code)) return done(at); // [MQTT-4.3.3-4]
    at->released = true;
    write(Pubrel{.packet_id = packet.packet_id});
}
void Broker::handle(const Pubcomp& packet) {
    if (const auto at = find(packet.packet_id); expect(at, QoS::exactly_once, true, "PUBCOMP")) done(at);
}

// --- subscriptions

void Broker::handle(const Subscribe& packet) {
    std::vector<ReasonCode> codes;
    for (const TopicSubscription& subscription : packet.subscriptions) {
        subscriptions_[std::string(subscription.filter)] = subscription.qos;
        codes.push_back(static_cast<ReasonCode>(subscription.qos));
    }
    write(Suback{.packet_id = packet.packet_id, .reason_codes = codes});
}
void Broker::handle(const Unsubscribe& packet) {
    std::vector<ReasonCode> codes;
    for (const std::string_view filter : packet.filters) {
        subscriptions_.erase(std::string(filter));
        if (version_ == Version::v5) codes.push_back(ReasonCode::success);
    }
    write(Unsuback{.packet_id = packet.packet_id, .reason_codes = codes});
}

} // namespace culex::model
