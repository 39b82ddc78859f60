// What the session writes.
#include <algorithm>

#include "model/world.hpp"

namespace culex::model {

void World::watch_sent() {
    if (verdict_.failed()) return;
    const Bytes fresh = session_.output().bytes().subspan(watched_);
    watched_ += fresh.size();
    sent_framer_.feed(fresh);
    while (!verdict_.failed()) {
        const auto frame = sent_framer_.next();
        if (!frame) return broken("sent: {}", frame.failure().message());
        if (!*frame) return;
        wire::Arena arena;
        const auto packet = wire::decode(**frame, version_, arena, wire::Sender::client);
        if (!packet) return broken("sent: {}", packet.failure().message());
        if (last_word_) return broken("a packet behind DISCONNECT"); // [MQTT-3.14.4-1]
        if (!accepted_ && type_of(*packet) != PacketType::connect)
            return broken("{} was sent before CONNACK", to_string(type_of(*packet)));
        if (accepted_ && grant_.packet_size != 0 && (*frame)->size() > grant_.packet_size) // [MQTT-3.2.2-15]
            return broken("{} of {} bytes, above the maximum", to_string(type_of(*packet)), (*frame)->size());
        std::visit([this](const auto& one) { saw(one); }, *packet);
    }
}

// --- messages

void World::saw(const Publish& packet) {
    const std::size_t number = number_of(as_text(packet.payload));
    if (number >= calls_.size()) return broken("a message was sent that nobody has published");
    Call& call = calls_[number];
    if (call.refused) return broken("message {} was sent, although its operation has failed", number);
    if (packet.dup != (call.attempts > 0)) // [MQTT-3.3.1-1]
        return broken("message {} was sent {} DUP, tried {} times before", number, packet.dup ? "with" : "without",
                      call.attempts);
    if (call.attempts == 0) saw_first(call, packet);
    call.qos == QoS::at_most_once ? saw_once(call) : saw_tracked(call, packet);
    ++call.attempts;
    call.last_link = link_;
    waiting_.erase(number);
}

void World::saw_first(Call& call, const Publish& packet) {
    const bool early = !waiting_.empty() && waiting_.begin()->first < call.number;
    if (early && call.qos != QoS::at_most_once)
        return broken("message {} has passed message {}", call.number, waiting_.begin()->first);
    if (early && in_flight_ < granted())
        return broken("message {} has passed message {}, which there was quota for", call.number,
                      waiting_.begin()->first);
    if (call.expires == TimePoint{}) return;
    if (now_ >= call.expires) return broken("message {} was sent after it had expired", call.number);
    const auto left = std::chrono::ceil<std::chrono::seconds>(call.expires - now_).count();
    if (packet.properties.message_expiry_interval != static_cast<std::uint32_t>(left))
        broken("message {} tells another Message Expiry Interval than {} s", call.number, left);
}

void World::saw_once(Call& call) {
    if (call.attempts > 0) return broken("message {} at QoS 0 was sent twice", call.number);
    if (last_qos0_ && *last_qos0_ > call.number)
        return broken("message {} was sent behind message {}", call.number, *last_qos0_);
    last_qos0_ = call.number;
}

void World::saw_tracked(Call& call, const Publish& packet) {
    if (!call.live) return broken("message {} was sent after its end", call.number);
    if (packet.packet_id != call.id)
        return broken("message {} was sent as {}, not as {}", call.number, packet.packet_id, call.id);
    if (call.last_link == link_) return broken("message {} was sent twice on one link", call.number); // [MQTT-4.4.0-1]
    if (call.received) return broken("message {} was sent again after PUBREC", call.number);          // [MQTT-4.3.3-6]
    if (last_tracked_ && *last_tracked_ > call.number)
        return broken("message {} was sent behind message {}", call.number, *last_tracked_); // [MQTT-4.6.0-1]
    last_tracked_ = call.number;
    if (++in_flight_ > granted())
        broken("{} messages are in flight, where {} are granted", in_flight_, granted()); // [MQTT-3.3.4-7]
}

void World::saw(const Pubrel& packet) {
    const auto found = ids_.find(packet.packet_id);
    if (found == ids_.end()) {
        if (packet.reason_code == ReasonCode::packet_identifier_not_found) return;
        return broken("PUBREL for packet identifier {}, which is not in use", packet.packet_id);
    }
    const Call& call = calls_[found->second];
    if (!call.received) return broken("PUBREL for message {} came before PUBREC", call.number);
    if (call.release <= last_release_) // [MQTT-4.6.0-4]
        return broken("PUBREL for message {} is not in the order of the PUBRECs", call.number);
    last_release_ = call.release;
}

// --- requests

void World::saw(const Subscribe& packet) {
    if (ids_.contains(packet.packet_id)) return saw_request(packet.packet_id, PacketType::subscribe);
    if (!restoring_.emplace(packet.packet_id, true).second)
        return broken("packet identifier {} was used for two SUBSCRIBEs", packet.packet_id);
    for (const TopicSubscription& subscription : packet.subscriptions) {
        const Wanted& wanted = wanted_[std::string(subscription.filter)];
        // One that was begun on an earlier link may be sent again before the UNSUBSCRIBE that ends it.
        const bool ends = std::ranges::any_of(calls_, [&](const Call& call) {
            return call.live && call.kind == PacketType::unsubscribe &&
                   subscription.filter == "d/" + std::to_string(call.topic);
        });
        if (wanted.certain && !wanted.qos && !ends) broken("{} was restored, and is not wanted", subscription.filter);
    }
}

void World::saw_request(PacketId id, PacketType kind) {
    const auto found = ids_.find(id);
    if (found == ids_.end() || calls_[found->second].kind != kind || !calls_[found->second].live)
        return broken("{} for packet identifier {} that nobody has asked for", to_string(kind), id);
    Call& call = calls_[found->second];
    if (call.last_link == link_) return broken("request {} was sent twice on one link", call.number);
    if (last_request_ && *last_request_ > call.number)
        return broken("request {} was sent behind request {}", call.number, *last_request_);
    last_request_ = call.number;
    ++call.attempts;
    call.last_link = link_;
}

// --- answers

void World::saw_answer(PacketType type, PacketId id, ReasonCode code) {
    if (owed_.empty()) return broken("{} for packet identifier {} that nothing asks for", to_string(type), id);
    const Owed owed = owed_.front();
    Down& down = downs_[owed.number];
    if (owed.type != type || owed.id != id) // [MQTT-4.6.0-2] [MQTT-4.6.0-3]
        return broken("{} for packet identifier {} is not in the order of arrival", to_string(type), id);
    owed_.pop_front();
    if (down.uncertain) return;
    if (!owed.done) return broken("message {} was acknowledged before its consumer was done", owed.number);
    if (code != owed.code) return broken("message {} was acknowledged with another reason code", owed.number);
    if (type == PacketType::pubrec && failed(code)) down.known = false; // the identifier is free [MQTT-4.3.3-9]
}

void World::saw(const Pubcomp& packet) {
    if (--released_[packet.packet_id] < 0)
        return broken("PUBCOMP for packet identifier {} that nothing asks for", packet.packet_id);
    const auto found = down_ids_.find(packet.packet_id);
    if (found == down_ids_.end()) return;
    Down& down = downs_[found->second];
    const bool owed =
        !owed_.empty() && owed_.front().type == PacketType::pubcomp && owed_.front().id == packet.packet_id;
    const bool done = owed ? owed_.front().done : !down.known || down.processed;
    if (!done && !down.uncertain) return broken("message {} was completed before its consumer was done", found->second);
    if (owed) owed_.pop_front();
    down.known = false;
}

} // namespace culex::model
