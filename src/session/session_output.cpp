// Packets to the broker: the verbs, the queue, and what goes out again on a new link.
#include <fmt/format.h>

#include <culex/topic.hpp>

#include "session/session.hpp"

namespace culex::session {
namespace {

wire::Frame frame_of(Bytes packet) noexcept {
    return {std::to_integer<std::uint8_t>(packet[0]), packet.subspan(Exchange::body_offset(packet))};
}

constexpr Step first_step(const Exchange& exchange) noexcept {
    if (exchange.kind == PacketType::subscribe) return Step::awaiting_suback;
    if (exchange.kind == PacketType::unsubscribe) return Step::awaiting_unsuback;
    return exchange.qos == QoS::at_least_once ? Step::awaiting_puback : Step::awaiting_pubrec;
}

bool has_wildcard(std::string_view filter) noexcept { return filter.find_first_of("+#") != std::string_view::npos; }

} // namespace

template <class P> void Session::write(const P& packet) {
    if (auto written = wire::encode(output_, packet, config_.version, limits_.maximum_packet_size); !written) {
        fail(std::move(written).failure());
    }
}
template void Session::write(const Puback&);
template void Session::write(const Pubrec&);
template void Session::write(const Pubrel&);
template void Session::write(const Pubcomp&);
template void Session::write(const Pingreq&);
template void Session::write(const Pingresp&);
template void Session::write(const Disconnect&);

// --- verbs

Result<Published> Session::publish(Publish& message, Operation* operation) {
    if (auto allowed = check_verb(); !allowed) return std::move(allowed).failure();
    message.dup = false; // DUP tells of this very packet, not of the one it may be a copy of [MQTT-3.3.1-3]
    message.packet_id = 0;
    return may_send_directly(message.qos) ? send_directly(message, operation) : enqueue(message, operation);
}

Result<PacketId> Session::subscribe(std::span<const TopicSubscription> subscriptions,
                                    const SubscribeProperties& properties, Operation* operation) {
    if (auto granted = check_granted(subscriptions, properties); !granted) return std::move(granted).failure();
    Subscribe packet{.subscriptions = subscriptions, .properties = properties};
    return request(packet, operation);
}

Result<PacketId> Session::unsubscribe(std::span<const std::string_view> filters,
                                      const UnsubscribeProperties& properties, Operation* operation) {
    for (const std::string_view filter : filters) {
        if (auto checked = check_topic_filter(filter); !checked) return std::move(checked).failure();
    }
    Unsubscribe packet{.filters = filters, .properties = properties};
    return request(packet, operation);
}

void Session::acknowledge(const Delivery& delivery, ReasonCode code) {
    inbound_.acknowledge(delivery, code);
    if (state_ == State::connected) send_answers();
}

void Session::disconnect(ReasonCode code) {
    if (disconnecting_) return;
    disconnecting_ = true;
    disconnect_code_ = code;
    disconnect_when_drained();
}

void Session::disconnect_now(ReasonCode code) {
    disconnecting_ = true;
    if (state_ != State::connected) return;
    write(Disconnect{.reason_code = code});
    state_ = State::finished; // nothing may follow it [MQTT-3.14.4-1]
}

void Session::disconnect_when_drained() {
    if (disconnecting_ && state_ == State::connected && outstanding_ == 0) disconnect_now(disconnect_code_);
}

// --- what is allowed

Result<void> Session::check_verb() const {
    if (disconnecting_) return Failure(Errc::not_connected, "the client is disconnecting or has disconnected");
    return {};
}

/// Only a connected session knows what the broker grants; what is queued is checked when it is sent.
Result<void> Session::check_granted(QoS qos, bool retain, std::size_t packet_size) const {
    if (qos > limits_.maximum_qos) { // [MQTT-3.2.2-11]
        return Failure(Errc::not_supported,
                       fmt::format("QoS {} is above the broker's maximum, {}", static_cast<int>(qos),
                                   static_cast<int>(limits_.maximum_qos)),
                       ReasonCode::qos_not_supported);
    }
    if (retain && !limits_.retain_available) { // [MQTT-3.2.2-14]
        return Failure(Errc::not_supported, "the broker does not retain messages", ReasonCode::retain_not_supported);
    }
    if (packet_size > limits_.maximum_packet_size) { // [MQTT-3.2.2-15]
        return Failure(Errc::packet_too_large,
                       fmt::format("a packet of {} bytes is above the broker's maximum, {}", packet_size,
                                   limits_.maximum_packet_size),
                       ReasonCode::packet_too_large);
    }
    return {};
}

Result<void> Session::check_granted(std::span<const TopicSubscription> subscriptions,
                                    const SubscribeProperties& properties) const {
    if (properties.subscription_identifier && !limits_.subscription_identifiers) {
        return Failure(Errc::not_supported, "the broker takes no subscription identifiers",
                       ReasonCode::subscription_identifiers_not_supported);
    }
    for (const TopicSubscription& subscription : subscriptions) {
        if (auto checked = check_topic_filter(subscription.filter); !checked) return checked;
        if (!limits_.wildcard_subscriptions && has_wildcard(subscription.filter)) {
            return Failure(Errc::not_supported, "the broker takes no wildcards in topic filters",
                           ReasonCode::wildcard_subscriptions_not_supported);
        }
        if (!limits_.shared_subscriptions && parse_shared(subscription.filter)) {
            return Failure(Errc::not_supported, "the broker has no shared subscriptions",
                           ReasonCode::shared_subscriptions_not_supported);
        }
    }
    return {};
}

bool Session::has_room() const noexcept {
    return outstanding_ < config_.outbound_messages && outstanding_bytes_ < config_.outbound_bytes &&
           ids_.size() < 65'535;
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

bool Session::may_send_directly(QoS qos) noexcept {
    if (!pumpable() || !queue_.empty()) return false;
    return qos == QoS::at_most_once || (quota_ > 0 && resend_.empty() && waiting_.empty());
}

Result<Published> Session::send_directly(Publish& message, Operation* operation) {
    if (auto granted = check_granted(message.qos, message.retain, 0); !granted) return std::move(granted).failure();
    if (message.qos != QoS::at_most_once) {
        if (!has_room_for(message.topic.size() + message.payload.size())) return Failure(Errc::queue_full);
        message.packet_id = next_id();
        if (message.packet_id == 0) return Failure(Errc::no_packet_id, "65,535 packets are in flight");
    }
    const std::size_t before = output_.size();
    if (auto written = wire::encode(output_, message, config_.version, limits_.maximum_packet_size); !written) {
        return std::move(written).failure();
    }
    if (message.qos == QoS::at_most_once) return Published{0, true};
    Exchange& exchange =
        track(Exchange::make(PacketType::publish, message.qos, message.packet_id, output_.bytes().subspan(before)),
              sent_, operation);
    exchange.step = first_step(exchange);
    exchange.holds_quota = true;
    --quota_;
    return Published{message.packet_id, false};
}

Result<Published> Session::enqueue(Publish& message, Operation* operation) {
    if (!has_room_for(message.topic.size() + message.payload.size())) return Failure(Errc::queue_full);
    auto prepared = prepare(message);
    if (!prepared) return std::move(prepared).failure();
    return submit(*prepared, operation);
}

Result<Exchange::Owner> Session::prepare(Publish& message) {
    message.dup = false;
    message.packet_id = message.qos == QoS::at_most_once ? 0 : 1; // any; `submit` puts the real one in
    scratch_.clear();
    if (auto written = wire::encode(scratch_, message, config_.version); !written) return std::move(written).failure();
    if (state_ == State::connected) {
        if (auto granted = check_granted(message.qos, message.retain, scratch_.size()); !granted) {
            return std::move(granted).failure();
        }
    }
    return Exchange::make(PacketType::publish, message.qos, message.packet_id, scratch_.bytes());
}

Result<Published> Session::submit(Exchange::Owner& prepared, Operation* operation) {
    if (auto allowed = check_verb(); !allowed) return std::move(allowed).failure();
    if (!has_room_for(prepared->packet().size())) return Failure(Errc::queue_full);
    PacketId id = 0;
    if (prepared->qos != QoS::at_most_once) {
        id = next_id();
        if (id == 0) return Failure(Errc::no_packet_id, "65,535 packets are in flight");
        prepared->assign_id(id);
    }
    track(std::move(prepared), queue_, operation);
    pump();
    return Published{id, false};
}

template <class P> Result<PacketId> Session::request(P& packet, Operation* operation) {
    if (auto allowed = check_verb(); !allowed) return std::move(allowed).failure();
    packet.packet_id = next_id();
    if (packet.packet_id == 0) return Failure(Errc::no_packet_id, "65,535 packets are in flight");
    scratch_.clear();
    const std::uint32_t limit = state_ == State::connected ? limits_.maximum_packet_size : unlimited_packet_size;
    if (auto written = wire::encode(scratch_, packet, config_.version, limit); !written)
        return std::move(written).failure();
    if (!has_room_for(scratch_.size())) return Failure(Errc::queue_full);
    Exchange& exchange =
        track(Exchange::make(P::type, QoS::at_most_once, packet.packet_id, scratch_.bytes()), requests_, operation);
    if (state_ == State::connected) send_request(ExchangeList::take(exchange));
    return packet.packet_id;
}
template Result<PacketId> Session::request(Subscribe&, Operation*);
template Result<PacketId> Session::request(Unsubscribe&, Operation*);

void Session::send_request(Exchange::Owner exchange) {
    exchange->step = first_step(*exchange);
    output_.append(exchange->packet());
    requested_.push_back(std::move(exchange));
}

Exchange& Session::track(Exchange::Owner exchange, ExchangeList& list, Operation* operation) {
    if (exchange->id != 0) ids_.insert(*exchange);
    ++outstanding_;
    outstanding_bytes_ += exchange->footprint();
    exchange->attach(operation);
    return list.push_back(std::move(exchange));
}

void Session::finish(Exchange& exchange, Outcome&& outcome) {
    finish(ExchangeList::take(exchange), std::move(outcome));
}

void Session::finish(Exchange::Owner exchange, Outcome&& outcome) {
    if (exchange->id != 0) ids_.erase(exchange->id);
    if (exchange->holds_quota) ++quota_;
    --outstanding_;
    outstanding_bytes_ -= exchange->footprint();
    exchange->complete(std::move(outcome));
}

// --- sending what waits

bool Session::pumpable() const noexcept {
    return state_ == State::connected && output_.size() < config_.output_high_water;
}

void Session::pump() {
    for (ExchangeList* list : {&resend_, &waiting_}) {
        while (pumpable() && quota_ > 0 && !list->empty()) send(list->pop_front());
        if (!list->empty()) break; // a later message may not overtake an earlier one
    }
    pump_queue();
}

void Session::pump_queue() {
    while (pumpable() && !queue_.empty()) {
        Exchange::Owner next = queue_.pop_front();
        const bool must_wait = next->qos != QoS::at_most_once && (quota_ == 0 || !resend_.empty() || !waiting_.empty());
        if (must_wait) {
            waiting_.push_back(std::move(next));
        } else {
            send(std::move(next));
        }
    }
}

void Session::send(Exchange::Owner exchange) {
    const Bytes packet = exchange->packet();
    const bool retain = (packet[0] & std::byte{0x01}) != std::byte{};
    if (auto granted = check_granted(exchange->qos, retain, packet.size()); !granted) {
        finish(std::move(exchange), {.failure = std::move(granted).failure()});
        return;
    }
    output_.append(packet);
    if (exchange->qos == QoS::at_most_once) {
        finish(std::move(exchange), {});
        return;
    }
    if (exchange->step == Step::unsent) exchange->step = first_step(*exchange);
    exchange->holds_quota = true;
    --quota_;
    sent_.push_back(std::move(exchange));
}

/// QoS 2 after PUBREC: from here on PUBREL is what would be sent again [MQTT-4.3.3-6].
void Session::release(Exchange& exchange) {
    exchange.step = Step::awaiting_pubcomp;
    releases_.push_back(ExchangeList::take(exchange));
    write(Pubrel{.packet_id = exchange.id});
}

void Session::send_answers() {
    Answer answer;
    while (inbound_.next_answer(answer)) {
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

/// After CONNACK: what earlier links left over, and then the queue [MQTT-4.4.0-1].
void Session::resume() {
    quota_ = limits_.receive_maximum;
    releases_.for_each([this](Exchange& exchange) { write(Pubrel{.packet_id = exchange.id}); });
    while (!requests_.empty()) send_request(requests_.pop_front());
    pump();
}

void Session::restore_subscriptions() {
    const std::size_t room = std::min<std::size_t>(limits_.maximum_packet_size, std::size_t{32} << 10);
    subscriptions_.restore(room, [this](Subscribe packet) {
        packet.packet_id = next_id();
        if (packet.packet_id == 0) return; // unreachable in practice: 65,535 exchanges wait for a broker
        scratch_.clear();
        if (!wire::encode(scratch_, packet, config_.version)) return;
        Exchange& exchange =
            track(Exchange::make(PacketType::subscribe, QoS::at_most_once, packet.packet_id, scratch_.bytes()),
                  restoring_, nullptr);
        exchange.step = Step::awaiting_suback;
        output_.append(exchange.packet());
    });
}

// --- the answers to requests

namespace {

Result<void> check_count(std::size_t codes, std::size_t filters, const char* packet) {
    if (codes == filters) return {};
    return Failure(Errc::protocol_error,
                   fmt::format("{} has {} reason codes for {} topic filters", packet, codes, filters),
                   ReasonCode::protocol_error);
}

} // namespace

Result<void> Session::handle(const Suback& packet) {
    Exchange* exchange = find_request(packet.packet_id, Step::awaiting_suback);
    if (!exchange) return {}; // [MQTT-3.8.4-2]: nothing waits for it
    wire::Arena arena;
    const auto asked = wire::decode<Subscribe>(frame_of(exchange->packet()), config_.version, arena);
    if (auto counted = check_count(packet.reason_codes.size(), asked->subscriptions.size(), "SUBACK"); !counted)
        return counted;
    for (std::size_t i = 0; i < packet.reason_codes.size(); ++i) {
        if (failed(packet.reason_codes[i])) continue;
        subscriptions_.granted(asked->subscriptions[i], asked->properties.subscription_identifier);
    }
    report(PacketType::suback, packet.packet_id, ReasonCode::success, packet.reason_codes, packet.properties);
    finish(*exchange, {.reason_codes = packet.reason_codes, .properties = &packet.properties});
    return {};
}

Result<void> Session::handle(const Unsuback& packet) {
    Exchange* exchange = find_request(packet.packet_id, Step::awaiting_unsuback);
    if (!exchange) return {};
    wire::Arena arena;
    const auto asked = wire::decode<Unsubscribe>(frame_of(exchange->packet()), config_.version, arena);
    if (!packet.reason_codes.empty()) { // 3.1.1's UNSUBACK has none
        auto counted = check_count(packet.reason_codes.size(), asked->filters.size(), "UNSUBACK");
        if (!counted) return counted;
    }
    for (const std::string_view filter : asked->filters) subscriptions_.removed(filter);
    report(PacketType::unsuback, packet.packet_id, ReasonCode::success, packet.reason_codes, packet.properties);
    finish(*exchange, {.reason_codes = packet.reason_codes, .properties = &packet.properties});
    return {};
}

} // namespace culex::session
