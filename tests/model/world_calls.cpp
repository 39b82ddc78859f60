// What the application does, and how its operations may end.
#include <algorithm>

#include "model/world.hpp"

namespace culex::model {

Call& World::new_call(PacketType kind) {
    Call& call = calls_.emplace_back(static_cast<Ends&>(*this), calls_.size());
    call.kind = kind;
    return call;
}

void World::publish(const Step& step, bool lent) {
    Call& call = new_call(PacketType::publish);
    call.qos = static_cast<QoS>(step.n[0] % 3);
    call.size = step.n[1];
    call.topic = step.n[2];
    const std::string topic = "u/" + std::to_string(call.topic);
    const std::string payload = payload_of(call.number, call.size);
    Publish message{.topic = topic, .payload = as_bytes(payload), .qos = call.qos};
    if (step.n[3] != 0 && version_ == Version::v5) {
        message.properties.message_expiry_interval = step.n[3];
        call.expires = now_ + std::chrono::seconds(step.n[3]);
    }
    session_.note_time(now_);
    Result<session::Published> published = session::Published{};
    if (!lent) {
        published = session_.publish(message, &call);
    } else if (auto prepared = session_.prepare(message); !prepared) {
        published = std::move(prepared).failure();
    } else {
        const auto& ids = session_.lend_ids(4);
        if (call.qos != QoS::at_most_once && ids.size() > 0) (*prepared)->id = static_cast<PacketId>(ids.first);
        published = session_.submit(*prepared, &call);
    }
    if (!published) return not_accepted(call, published.failure());
    call.in_call = false;
    if (call.attached() == published->done) broken("operation {} is done, and is waited for", call.number);
    if (published->done && call.qos != QoS::at_most_once) broken("message {} is done unanswered", call.number);
    if (!published->done) accepted(call, published->id);
    watch_sent();
    if (published->done && call.attempts == 0) broken("message {} is done, and was not sent", call.number);
}

void World::accepted(Call& call, PacketId id) {
    call.in_call = false;
    call.live = true;
    call.id = id;
    ++live_;
    if (call.kind == PacketType::publish) waiting_.emplace(call.number, call.qos == QoS::at_most_once);
    if ((id == 0) != (call.kind == PacketType::publish && call.qos == QoS::at_most_once))
        return broken("operation {} has packet identifier {}", call.number, id);
    if (id == 0) return;
    if (restoring_.contains(id) || !ids_.emplace(id, call.number).second) // [MQTT-2.2.1-3]
        broken("operation {} was given packet identifier {}, which is in use", call.number, id);
}

bool World::bounded() const noexcept { return live_ >= setting_.messages || setting_.bytes != Setting{}.bytes; }

void World::not_accepted(Call& call, const Failure& why) {
    call.in_call = false;
    call.refused = true;
    const bool drops = setting_.when_full % when_full_count >= 2;
    const bool message = call.kind == PacketType::publish;
    if (why == Errc::queue_full && bounded() && !(message && drops)) return;
    if (why == Errc::packet_too_large && link_up_ && grant_.packet_size != 0) return;
    if (why == Errc::dropped && bounded() && message && drops) {
        const bool oldest = setting_.when_full % when_full_count == 2;
        if (oldest && setting_.bytes == Setting{}.bytes && !waiting_.empty())
            broken("message {} was dropped, and not the oldest, {}", call.number, waiting_.begin()->first);
        return;
    }
    broken("operation {} was refused: {}", call.number, why.message());
}

void World::subscribe(std::uint32_t topic, QoS qos) {
    Call& call = new_call(PacketType::subscribe);
    const std::string filter = "d/" + std::to_string(topic);
    call.topic = topic;
    const TopicSubscription subscription{.filter = filter, .qos = qos};
    const auto id = session_.subscribe({&subscription, 1}, {}, &call);
    if (!id) return not_accepted(call, id.failure());
    wanted_[filter] = {qos, true};
    accepted(call, *id);
}

void World::unsubscribe(std::uint32_t topic) {
    Call& call = new_call(PacketType::unsubscribe);
    const std::string filter = "d/" + std::to_string(topic);
    const std::string_view view = filter;
    call.topic = topic;
    const auto id = session_.unsubscribe({&view, 1}, {}, &call);
    if (!id) return not_accepted(call, id.failure());
    wanted_[filter] = {std::nullopt, true};
    accepted(call, *id);
}

void World::acknowledge(std::size_t at, ReasonCode code) {
    if (held_.empty()) return;
    const Held held = held_[at % held_.size()];
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(at % held_.size()));
    if (version_ != Version::v5) code = ReasonCode::success;
    Down& down = downs_[held.number];
    PacketType answer = PacketType::puback;
    bool counts = held.link == link_;
    if (down.qos == QoS::exactly_once) {
        answer = setting_.on_pubrel != 0 ? PacketType::pubcomp : PacketType::pubrec;
        if (answer == PacketType::pubcomp) code = ReasonCode::success; // it cannot refuse
        counts = down.known && !down.processed;
        if (counts) down.processed = true, down.code = code;
    }
    const auto owed = std::ranges::find_if(
        owed_, [&](const Owed& one) { return one.number == held.number && one.type == answer && !one.done; });
    if (counts && owed != owed_.end()) owed->done = true, owed->code = code;
    session_.acknowledge(held.delivery, code);
}

// --- how they end

void World::ended(std::size_t operation, const session::Outcome& outcome) {
    Call& call = calls_[operation];
    if (++call.ends > 1) return broken("operation {} ended twice", operation);
    if (call.in_call) return broken("operation {} ended before its verb returned", operation);
    if (!call.live) return broken("operation {} ended, and was not under way", operation);
    call.live = false;
    --live_;
    if (outcome.failure) {
        check_cause(call, outcome.failure);
        call.refused = true;
        if (call.id != 0) ids_.erase(call.id);
    } else if (call.id != 0) {
        if (!call.answered) return broken("operation {} ended without an answer", operation);
        if (call.kind == PacketType::publish && outcome.reason_code != call.code)
            return broken("operation {} ended otherwise than it was answered", operation);
        call.refused = failed(call.code);
    }
    // A message at QoS 0 goes when it is in the output, where it will be seen.
    if (call.id != 0 || call.refused) waiting_.erase(operation);
}

void World::check_cause(const Call& call, const Failure& why) {
    if (call.kind != PacketType::publish) wanted_["d/" + std::to_string(call.topic)].certain = false;
    if (why == Errc::packet_too_large && link_up_ && grant_.packet_size != 0) return;
    const bool unsent = call.kind == PacketType::publish && call.attempts == 0;
    if (why == Errc::message_expired && unsent && call.expires != TimePoint{} && now_ >= call.expires) return;
    if (why == Errc::dropped && unsent) return check_victim(call);
    broken("operation {} has failed: {}", call.number, why.message());
}

/// The policy has chosen it, and the choice was right.
void World::check_victim(const Call& call) {
    const auto policy = static_cast<WhenFull>(setting_.when_full % when_full_count);
    if (policy != WhenFull::drop_oldest && policy != WhenFull::drop_qos0_first)
        return broken("message {} was dropped under a policy that drops nothing queued", call.number);
    if (live_ + 1 < setting_.messages && setting_.bytes == Setting{}.bytes)
        return broken("message {} was dropped, and there was room", call.number);
    auto first = waiting_.begin();
    if (policy == WhenFull::drop_qos0_first) {
        first = std::ranges::find_if(waiting_, [](const auto& one) { return one.second; });
        if (first == waiting_.end()) first = waiting_.begin();
    }
    if (first == waiting_.end() || first->first != call.number)
        broken("message {} was dropped, and another one should have been", call.number);
}

void World::check_bounds() {
    if (session_.outstanding() != live_)
        return broken("{} operations are outstanding, and {} have not ended", session_.outstanding(), live_);
    if (live_ > setting_.messages && live_ > 1) broken("{} are outstanding: above the bound", live_);
    if (session_.outstanding_bytes() > setting_.bytes && live_ > 1)
        broken("{} bytes are outstanding: above the bound", session_.outstanding_bytes());
}

} // namespace culex::model
