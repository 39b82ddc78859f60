// Messages of ours, from the verb to the acknowledgement.
#include <fmt/format.h>

#include "session/failures.hpp"
#include "session/session.hpp"

namespace culex::session {
namespace {

constexpr Step first_step(QoS qos) noexcept {
    return qos == QoS::at_least_once ? Step::awaiting_puback : Step::awaiting_pubrec;
}

bool has_retain(Bytes packet) noexcept { return (packet[0] & std::byte{0x01}) != std::byte{}; }

/// Of a message that was received, say, and is passed on.
void strip(Publish& message) noexcept {
    message.dup = false; // tells of this very packet [MQTT-3.3.1-3]
    message.packet_id = 0;
    message.properties.topic_alias.reset();           // none of ours; the broker's mean nothing to it
    message.properties.subscription_identifiers = {}; // [MQTT-3.3.4-6]
}

} // namespace

// --- verbs

Result<Published> Session::publish(Publish& message, Operation* operation) {
    if (auto allowed = check_verb(); !allowed) return std::move(allowed).failure();
    strip(message);
    return may_send_directly(message.qos) ? send_directly(message, operation) : enqueue(message, operation);
}

Result<Exchange::Owner> Session::prepare(Publish& message) {
    strip(message);
    if (message.qos != QoS::at_most_once) message.packet_id = 1; // any; `submit` puts the real one in
    scratch_.clear();
    if (auto written = wire::encode(scratch_, message, config_.version); !written) return std::move(written).failure();
    if (auto granted = check_granted(message.qos, message.retain, scratch_.size()); !granted) {
        return std::move(granted).failure();
    }
    return Exchange::make(PacketType::publish, message.qos, message.packet_id, scratch_.bytes());
}

Result<Published> Session::submit(Exchange::Owner& prepared, Operation* operation) {
    if (auto allowed = check_verb(); !allowed) return std::move(allowed).failure();
    if (!has_room_for(prepared->packet().size())) return Failure(Errc::queue_full);
    if (prepared->qos != QoS::at_most_once) {
        const PacketId id = next_id();
        if (id == 0) return Failure(Errc::no_packet_id);
        prepared->assign_id(id);
    }
    if (may_send_directly(prepared->qos)) return submit_directly(prepared, operation);
    // Offline, congested, or behind what is: the queue. Else the quota alone is lacking.
    ExchangeList& list = pumpable() && queue_.empty() ? waiting_ : queue_;
    return Published{track(std::move(prepared), list, operation).id, false};
}

// --- what is allowed

Result<void> Session::check_verb() const {
    if (disconnecting_) return Failure(Errc::not_connected, "the client is disconnecting or has disconnected");
    return {};
}

/// What the broker grants is known while there is a link; a message that was queued before is checked when it is sent.
Result<void> Session::check_granted(QoS qos, bool retain, std::size_t packet_size) const {
    if (qos > QoS::exactly_once) return Failure(Errc::invalid_argument, "qos: 0, 1 or 2"); // [MQTT-3.3.1-4]
    if (qos > limits_.maximum_qos) {                                                       // [MQTT-3.2.2-11]
        return not_granted(fmt::format("QoS {} is above the broker's maximum, {}", static_cast<int>(qos),
                                       static_cast<int>(limits_.maximum_qos)),
                           ReasonCode::qos_not_supported);
    }
    if (retain && !limits_.retain_available) { // [MQTT-3.2.2-14]
        return not_granted("the broker does not retain messages", ReasonCode::retain_not_supported);
    }
    if (packet_size > limits_.maximum_packet_size) { // [MQTT-3.2.2-15]
        return Failure(
            Errc::packet_too_large,
            fmt::format("PUBLISH: {} bytes, where the broker takes {}", packet_size, limits_.maximum_packet_size),
            ReasonCode::packet_too_large);
    }
    return {};
}

/// A message that is larger than the whole bound may pass alone: to refuse it would be to refuse it for ever.
bool Session::has_room_for(std::size_t bytes) const noexcept {
    if (outstanding_ == 0) return true;
    return outstanding_ < config_.outbound_messages &&
           outstanding_bytes_ + sizeof(Exchange) + bytes <= config_.outbound_bytes;
}

/// Rising, skipping 0 and what is in use [MQTT-2.2.1-3]; 0 where all are.
PacketId Session::next_id() noexcept {
    if (ids_.size() == 65'535) return 0;
    do {
        ++last_id_;
    } while (last_id_ == 0 || ids_.find(last_id_));
    return last_id_;
}

// --- sending for the first time

bool Session::pumpable() const noexcept {
    return state_ == State::connected && output_.size() < config_.output_high_water;
}

/// Whether a message has to let others pass [MQTT-4.9.0-2], or may not pass others.
bool Session::must_wait(QoS qos) const noexcept {
    return qos != QoS::at_most_once && (quota_ == 0 || !resend_.empty() || !waiting_.empty());
}

bool Session::may_send_directly(QoS qos) const noexcept { return pumpable() && queue_.empty() && !must_wait(qos); }

Result<Published> Session::send_directly(Publish& message, Operation* operation) {
    if (auto granted = check_granted(message.qos, message.retain, 0); !granted) return std::move(granted).failure();
    if (message.qos != QoS::at_most_once) {
        if (!has_room_for(message.topic.size() + message.payload.size())) return Failure(Errc::queue_full);
        message.packet_id = next_id();
        if (message.packet_id == 0) return Failure(Errc::no_packet_id);
    }
    const std::size_t before = output_.size();
    if (auto written = wire::encode(output_, message, config_.version, limits_.maximum_packet_size); !written) {
        return std::move(written).failure();
    }
    if (message.qos == QoS::at_most_once) return Published{0, true};
    sent(track(Exchange::make(PacketType::publish, message.qos, message.packet_id, output_.bytes().subspan(before)),
               sent_, operation));
    return Published{message.packet_id, false};
}

Result<Published> Session::submit_directly(Exchange::Owner& prepared, Operation* operation) {
    const Bytes packet = prepared->packet();
    if (auto granted = check_granted(prepared->qos, has_retain(packet), packet.size()); !granted) {
        return std::move(granted).failure();
    }
    output_.append(packet);
    if (prepared->qos == QoS::at_most_once) {
        prepared.reset();
        return Published{0, true};
    }
    Exchange& exchange = track(std::move(prepared), sent_, operation);
    sent(exchange);
    return Published{exchange.id, false};
}

Result<Published> Session::enqueue(Publish& message, Operation* operation) {
    if (!has_room_for(message.topic.size() + message.payload.size())) return Failure(Errc::queue_full);
    auto prepared = prepare(message);
    if (!prepared) return std::move(prepared).failure();
    auto published = submit(*prepared, operation);
    if (published) message.packet_id = published->id;
    return published;
}

// --- exchanges

Exchange& Session::track(Exchange::Owner exchange, ExchangeList& list, Operation* operation) {
    if (exchange->id != 0) ids_.insert(*exchange);
    if (!exchange->restores) {
        ++outstanding_;
        outstanding_bytes_ += exchange->footprint();
    }
    exchange->attach(operation);
    return list.push_back(std::move(exchange));
}

void Session::finish(Exchange& exchange, Outcome&& outcome) {
    finish(ExchangeList::take(exchange), std::move(outcome));
}

void Session::finish(Exchange::Owner exchange, Outcome&& outcome) {
    if (exchange->id != 0) ids_.erase(exchange->id);
    if (exchange->holds_quota) ++quota_;
    if (!exchange->restores) {
        --outstanding_;
        outstanding_bytes_ -= exchange->footprint();
    }
    exchange->complete(std::move(outcome));
}

// --- sending what waits

/// A PUBLISH of QoS 1 or 2 is in the output.
void Session::sent(Exchange& exchange) noexcept {
    if (exchange.step == Step::unsent) exchange.step = first_step(exchange.qos);
    exchange.holds_quota = true;
    --quota_;
}

void Session::send(Exchange::Owner exchange) {
    const Bytes packet = exchange->packet();
    if (auto granted = check_granted(exchange->qos, has_retain(packet), packet.size()); !granted) {
        finish(std::move(exchange), {.failure = std::move(granted).failure()});
        return;
    }
    output_.append(packet);
    if (exchange->qos == QoS::at_most_once) {
        finish(std::move(exchange), {});
    } else {
        sent(sent_.push_back(std::move(exchange)));
    }
}

void Session::pump() {
    for (ExchangeList* list : {&resend_, &waiting_}) {
        while (pumpable() && quota_ > 0 && !list->empty()) send(list->pop_front());
        if (!list->empty()) break; // a later message may not overtake an earlier one
    }
    // The quota delays no QoS 0 message [MQTT-3.3.4-8].
    while (pumpable() && !queue_.empty()) {
        Exchange::Owner next = queue_.pop_front();
        if (must_wait(next->qos)) {
            waiting_.push_back(std::move(next));
        } else {
            send(std::move(next));
        }
    }
}

/// QoS 2 after PUBREC: from here on PUBREL is what would be sent again [MQTT-4.3.3-6].
void Session::release(Exchange& exchange) {
    exchange.step = Step::awaiting_pubcomp;
    releases_.push_back(ExchangeList::take(exchange));
    write(Pubrel{.packet_id = exchange.id});
}

/// After CONNACK: what earlier links left over, and then the queue [MQTT-4.4.0-1].
void Session::resume(bool session_present) {
    quota_ = limits_.receive_maximum;
    if (!session_present) { // [MQTT-3.2.2-5]
        inbound_.forget_session();
        restore_subscriptions();
    }
    releases_.for_each([this](Exchange& exchange) { write(Pubrel{.packet_id = exchange.id}); });
    resend_requests();
    pump();
}

} // namespace culex::session
