#include "session/inbound.hpp"

#include <memory>
#include <utility>

#include <culex/pool.hpp>

namespace culex::session {

void* Inbound::Held::operator new(std::size_t size) { return pool_allocate(size); }
void Inbound::Held::operator delete(void* memory, std::size_t size) noexcept { pool_free(memory, size); }

Inbound::Received Inbound::handle_publish(QoS qos, PacketId id, Message&& message) {
    if (qos == QoS::exactly_once) return handle_exactly_once(id, std::move(message));
    // After PUBACK the same identifier is a new message, whatever DUP says [MQTT-4.3.2-5].
    return {std::move(message), handle_at_least_once(id)};
}

Inbound::Received Inbound::handle_exactly_once(PacketId id, Message&& message) {
    if (Held* held = held_.find(id)) {
        const bool new_session = doubtful(*held) && !message.dup();
        const bool unseen = held->given_back && held->link != link_;
        if (!new_session && !unseen) {
            believe(*held);
            handle_repeated(*held);
            return {};
        }
        forget(*held);
    }
    auto fresh = std::make_unique<Held>(id);
    fresh->slot = push(PacketType::pubrec, id, deliver_on_pubrel_);
    held_.insert(*fresh);
    Held& held = *fresh.release();
    count(held);
    if (deliver_on_pubrel_) {
        held.message = std::move(message);
        return {};
    }
    held.delivery = held.slot;
    return {std::move(message), {held.delivery, id, QoS::exactly_once}};
}

/// The broker knows the identifier as we do: on the link of the doubt, that shows that the session is the old one.
void Inbound::believe(const Held& held) noexcept {
    if (doubtful(held) && link_ == doubted_before_) doubted_before_ = 0;
}

void Inbound::end_doubt() noexcept {
    held_.erase_if([this](Held& held) {
        const bool forgotten = doubtful(held) && !has_slot(held.slot);
        if (forgotten) delete &held;
        return forgotten;
    });
    doubted_before_ = 0;
}

/// Our answer was lost, or its consumer is not done: answer, and deliver nothing [MQTT-4.3.3-10].
void Inbound::handle_repeated(Held& held) {
    count(held);
    if (slot_at(held.slot)) return;
    held.slot = push(PacketType::pubrec, held.id, deliver_on_pubrel_ || held.processed, held.code);
}

bool Inbound::takes_place(QoS qos, PacketId id) const noexcept {
    if (qos != QoS::exactly_once) return qos == QoS::at_least_once;
    const Held* held = held_.find(id);
    return !held || held->link != link_;
}

Inbound::Released Inbound::handle_pubrel(PacketId id) {
    Held* held = held_.find(id);
    if (!held) return {.answer = ReasonCode::packet_identifier_not_found};
    if (!held->received) return {.early = true};
    believe(*held);
    if (!deliver_on_pubrel_ || held->processed) {
        forget(*held);
        return {.answer = ReasonCode::success};
    }
    if (waits_with(*held, PacketType::pubcomp)) return {};
    withdraw(*held); // a PUBREC that the broker has got before
    held->slot = push(PacketType::pubcomp, id, false);
    if (!held->message) return {}; // it was handed on before
    held->delivery = held->slot;
    return {.received = {std::exchange(held->message, {}), {held->delivery, id, QoS::exactly_once}}};
}

void Inbound::acknowledge(const Delivery& delivery, ReasonCode code) noexcept {
    if (delivery.sequence == 0) return;
    std::uint64_t place = delivery.sequence;
    if (delivery.qos == QoS::exactly_once) {
        Held* held = held_.find(delivery.id);
        if (!held || held->delivery != delivery.sequence || held->processed) return;
        held->processed = true;
        if (deliver_on_pubrel_) code = ReasonCode::success; // PUBREC has said it all; PUBCOMP cannot refuse
        held->code = code;
        place = held->slot; // on this link the answer may stand elsewhere than where it stood at first
    }
    Slot* slot = slot_at(place);
    if (!slot || slot->done) return;
    slot->done = true;
    ++done_;
    slot->answer.reason_code = code;
}

void Inbound::give_back(const Delivery& delivery) noexcept {
    if (delivery.qos != QoS::exactly_once) return; // at QoS 1 it is handed on again anyway
    Held* held = held_.find(delivery.id);
    if (held && held->delivery == delivery.sequence && !held->processed) held->given_back = true;
}

bool Inbound::awaits(const Delivery& delivery) const noexcept {
    if (delivery.qos != QoS::exactly_once) return has_slot(delivery.sequence);
    const Held* held = held_.find(delivery.id);
    return held && held->delivery == delivery.sequence && !held->processed;
}

/// An answer of QoS 2 has left the queue.
void Inbound::answered(const Answer& answer) noexcept {
    Held* held = held_.find(answer.id);
    if (!held || held->slot != first_slot_ - 1) return;
    held->received = true;
    // After PUBCOMP, or a PUBREC that refuses, the identifier is free [MQTT-4.3.3-12] [MQTT-4.3.3-9].
    if (answer.type == PacketType::pubcomp || failed(answer.reason_code)) forget(*held);
}

void Inbound::forget(Held& held) noexcept {
    withdraw(held);
    if (held.link == link_) --unacknowledged_;
    held_.erase(held.id);
    delete &held;
}

void Inbound::count(Held& held) noexcept {
    if (held.link == link_) return; // a repetition on the same link takes no second place
    held.link = link_;
    ++unacknowledged_;
}

std::uint64_t Inbound::push(PacketType type, PacketId id, bool done, ReasonCode code) {
    slots_.push_back(Slot{{id, type, code}, done});
    if (done) ++done_;
    return next_slot_++;
}

Inbound::Slot* Inbound::slot_at(std::uint64_t sequence) noexcept {
    if (!has_slot(sequence)) return nullptr;
    return &slots_[static_cast<std::size_t>(sequence - first_slot_)];
}

void Inbound::withdraw(const Held& held) noexcept {
    Slot* slot = slot_at(held.slot);
    if (!slot) return;
    slot->answer.id = 0;
    if (!std::exchange(slot->done, true)) ++done_;
}

bool Inbound::waits_with(const Held& held, PacketType answer) noexcept {
    const Slot* slot = slot_at(held.slot);
    return slot && slot->answer.type == answer;
}

std::size_t Inbound::unanswered() const noexcept {
    std::size_t count = 0;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        const Answer& answer = slots_[i].answer;
        if (answer.id != 0 && answer.type != PacketType::pubcomp) ++count;
    }
    return count;
}

bool Inbound::owes() const noexcept {
    return held_.any([this](const Held& held) { return held.processed && !held.received && !has_slot(held.slot); });
}

void Inbound::forget_link() noexcept {
    first_slot_ = next_slot_;
    slots_.clear();
    done_ = 0;
    ++link_;
    unacknowledged_ = 0;
}

void Inbound::forget_session() noexcept {
    held_.clear([](Held& held) { delete &held; });
}

} // namespace culex::session
