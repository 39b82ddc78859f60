#include "session/inbound.hpp"

#include <memory>
#include <utility>

#include "session/message_block.hpp"

namespace culex::session {

Inbound::Received Inbound::handle_publish(const Publish& publish) {
    if (publish.qos == QoS::exactly_once) return handle_exactly_once(publish);
    // After PUBACK the same identifier is a new message, whatever DUP says [MQTT-4.3.2-5].
    Received received{MessageBlock::make(publish), {}};
    received.delivery = {push(PacketType::puback, publish.packet_id, false), publish.packet_id, publish.qos};
    ++unacknowledged_;
    return received;
}

Inbound::Received Inbound::handle_exactly_once(const Publish& publish) {
    if (Held* held = held_.find(publish.packet_id)) {
        // Sent again, because our answer was lost or its consumer is not done: answer, and deliver nothing [MQTT-4.3.3-10].
        const bool answer_now = deliver_on_pubrel_ || held->processed;
        count(*held);
        held->slot = push(PacketType::pubrec, publish.packet_id, answer_now);
        return {};
    }
    auto fresh = std::make_unique<Held>(publish.packet_id);
    Message message = MessageBlock::make(publish);
    fresh->slot = push(PacketType::pubrec, publish.packet_id, deliver_on_pubrel_);
    held_.insert(*fresh);
    Held& held = *fresh.release();
    count(held);
    if (deliver_on_pubrel_) {
        held.message = std::move(message);
        return {};
    }
    held.delivery = held.slot;
    return {std::move(message), {held.delivery, held.id, QoS::exactly_once}};
}

Inbound::Received Inbound::handle_pubrel(PacketId id) {
    Held* held = held_.find(id);
    if (!held) {
        push(PacketType::pubcomp, id, true, ReasonCode::packet_identifier_not_found);
        return {};
    }
    const bool hand_on = static_cast<bool>(held->message);
    const bool answer_now = !deliver_on_pubrel_ || held->processed;
    held->slot = push(PacketType::pubcomp, id, answer_now);
    if (!hand_on) return {};
    held->delivery = held->slot;
    return {std::exchange(held->message, {}), {held->delivery, id, QoS::exactly_once}};
}

void Inbound::acknowledge(const Delivery& delivery, ReasonCode code) noexcept {
    if (delivery.sequence == 0) return;
    std::uint64_t place = delivery.sequence;
    if (delivery.qos == QoS::exactly_once) {
        Held* held = held_.find(delivery.id);
        if (!held || held->delivery != delivery.sequence) return;
        held->processed = true;
        place = held->slot; // on this link the answer may stand elsewhere than where it stood at first
    }
    Slot* slot = slot_at(place);
    if (!slot || slot->done) return;
    slot->done = true;
    slot->answer.reason_code = code;
}

bool Inbound::next_answer(Answer& answer) noexcept {
    if (slots_.empty() || !slots_.front().done) return false;
    answer = slots_.front().answer;
    slots_.pop_front();
    ++first_slot_;
    answered(answer);
    return true;
}

void Inbound::answered(const Answer& answer) noexcept {
    const bool over = answer.type != PacketType::pubrec || failed(answer.reason_code); // [MQTT-4.3.3-9]
    if (over && unacknowledged_ > 0) --unacknowledged_;
    if (answer.type == PacketType::puback) return;
    Held* held = over ? held_.find(answer.id) : nullptr;
    if (!held) return;
    held_.erase(answer.id);
    delete held;
}

void Inbound::count(Held& held) noexcept {
    if (held.link == link_) return; // a repetition on the same link takes no second place
    held.link = link_;
    ++unacknowledged_;
}

std::uint64_t Inbound::push(PacketType type, PacketId id, bool done, ReasonCode code) {
    slots_.push_back(Slot{{type, id, code}, done});
    return first_slot_ + slots_.size() - 1;
}

Inbound::Slot* Inbound::slot_at(std::uint64_t sequence) noexcept {
    if (sequence < first_slot_ || sequence - first_slot_ >= slots_.size()) return nullptr;
    return &slots_[static_cast<std::size_t>(sequence - first_slot_)];
}

void Inbound::forget_link() noexcept {
    first_slot_ += slots_.size();
    slots_.clear();
    ++link_;
    unacknowledged_ = 0;
}

void Inbound::forget_session() noexcept {
    while (Held* held = held_.take_any()) delete held;
}

} // namespace culex::session
