// What the session gets, read before it gets it: what has to follow.
#include <algorithm>

#include "model/world.hpp"

namespace culex::model {

void World::watch_received(Bytes bytes) {
    if (verdict_.failed()) return;
    received_framer_.feed(bytes);
    while (!verdict_.failed()) {
        const auto frame = received_framer_.next();
        if (!frame) return broken("received: {}", frame.failure().message());
        if (!*frame) return;
        wire::Arena arena;
        const auto packet = wire::decode(**frame, version_, arena, wire::Sender::server);
        if (!packet) return broken("received: {}", packet.failure().message());
        std::visit([this](const auto& one) { came(one); }, *packet);
    }
}

void World::came(const Connack& packet) {
    if (failed(packet.reason_code)) return;
    accepted_ = true;
    restoring_.clear();
    if (packet.session_present) return;
    for (Down& down : downs_) down.known = false;
    known_session_ = broker_.session();
}

// --- messages

void World::came(const Publish& packet) {
    const std::size_t number = number_of(as_text(packet.payload));
    if (packet.qos == QoS::exactly_once) return came_exactly_once(number, packet);
    due_.emplace_back(number, true);
    if (packet.qos == QoS::at_least_once) owed_.push_back({PacketType::puback, packet.packet_id, number});
}

void World::came_exactly_once(std::size_t number, const Publish& packet) {
    Down& down = downs_[number];
    const bool on_pubrel = setting_.on_pubrel != 0;
    if (!down.known) {
        // A session was lost and the CONNACK that said so as well: then this may be a message of the former one, for all that
        // the client can know. Without DUP it cannot.
        const auto former = down_ids_.find(packet.packet_id);
        const bool unclear = known_session_ != broker_.session() && packet.dup;
        down.uncertain = unclear && former != down_ids_.end() && downs_[former->second].known;
        down.known = true;
        down.processed = false;
        down.code = ReasonCode::success;
        down.held = on_pubrel;
        down_ids_[packet.packet_id] = number;
        if (!on_pubrel) due_.emplace_back(number, !down.uncertain);
    }
    owed_.push_back({PacketType::pubrec, packet.packet_id, number, on_pubrel || down.processed,
                     on_pubrel ? ReasonCode::success : down.code});
}

void World::came(const Pubrel& packet) {
    ++released_[packet.packet_id];
    const auto found = down_ids_.find(packet.packet_id);
    if (setting_.on_pubrel == 0 || found == down_ids_.end()) return;
    Down& down = downs_[found->second];
    if (!down.known || down.processed) return;
    owed_.push_back({PacketType::pubcomp, packet.packet_id, found->second});
    if (std::exchange(down.held, false)) due_.emplace_back(found->second, !down.uncertain);
}

void World::on_message(Message&& message, const session::Delivery& delivery) {
    const std::size_t number = number_of(message.text());
    while (!due_.empty() && due_.front().first != number && !due_.front().second) due_.pop_front();
    if (due_.empty() || due_.front().first != number)
        return broken("message {} of the broker was handed on, and was not due", number);
    due_.pop_front();
    Down& down = downs_[number];
    if (message.topic() != "d/" + std::to_string(down.topic) || message.text() != payload_of(number, down.size) ||
        message.qos() != down.qos) {
        return broken("message {} was handed on otherwise than it was sent", number);
    }
    if (++down.deliveries == 1) {
        std::size_t& last = first_[down.topic * 3 + static_cast<std::uint32_t>(down.qos)];
        if (last > number + 1) return broken("message {} was handed on behind message {}", number, last - 1);
        last = number + 1;
    }
    if ((delivery.sequence != 0) != (down.qos != QoS::at_most_once))
        return broken("message {} cannot be acknowledged, or need not be", number);
    if (delivery.sequence != 0) held_.push_back({delivery, number, link_});
}

// --- answers

void World::answered(PacketType type, PacketId id, ReasonCode code) {
    if (type == PacketType::suback && restoring_.erase(id) > 0) return;
    const auto found = ids_.find(id);
    if (found == ids_.end()) return;
    Call& call = calls_[found->second];
    if (type == PacketType::pubrec && !failed(code)) {
        call.received = true;
        call.release = ++releases_;
        return;
    }
    call.answered = true;
    call.code = code;
    answered_.push_back(call.number);
    if (call.kind == PacketType::publish && call.last_link == link_) --in_flight_;
    ids_.erase(found);
}

} // namespace culex::model
