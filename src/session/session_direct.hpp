#pragma once
/// \file session_direct.hpp
/// The short ways of `Session::publish`, for a message without properties that can be sent at once, and of
/// `Session::acknowledge`. Inline, for those who count instructions: the session itself, and its client. Each answers "no" where
/// it cannot, having done nothing; the long way then finds out why, and whether it matters. `Short` as in `write_plain_publish`.

#include <cassert>

#include "session/session.hpp"

namespace culex::session {

[[nodiscard]] inline bool has_retain(Bytes packet) noexcept { return (packet[0] & std::byte{0x01}) != std::byte{}; }

template <bool Short>
[[gnu::always_inline]] inline bool Session::can_send_plain(const wire::PublishParts& message) const noexcept {
    if (output_.size() >= direct_below_) return false;
    assert(may_be_direct());
    const bool tracked = message.qos != QoS::at_most_once;
    if (tracked && outstanding_ >= direct_messages_) return false;
    if (!grants(message.qos, message.retain) || (!Short && message.topic.size() > max_string_size)) return false;
    // The protocol's own limit holds too: no broker can grant more. Where the output has to grow, the long way sees to it.
    const std::size_t greatest_size = message.topic.size() + message.payload.size() + wire::greatest_plain_head;
    if ((!Short && greatest_size > limits_.maximum_packet_size) || greatest_size > output_.room()) return false;
    if (tracked && outstanding_bytes_ + sizeof(Exchange) + greatest_size > config_.outbound_bytes) return false;
    return wire::is_plain_topic(message.topic);
}

/// For what fits. Gives how many bytes that are.
template <bool Short>
[[gnu::always_inline]] inline std::size_t Session::append_plain(const wire::PublishParts& message, Version version,
                                                                std::size_t remaining) {
    std::byte* const begin = output_.back();
    std::byte* const end = wire::write_plain_publish<Short>(begin, message, version, remaining);
    const auto size = static_cast<std::size_t>(end - begin);
    output_.commit(size);
    counters_.sent_publish(message.qos, size);
    return size;
}

template <bool Short>
[[gnu::always_inline]] inline bool Session::send_plain_once(std::string_view topic, Bytes payload, bool retain) {
    const wire::PublishParts message{.topic = topic, .payload = payload, .retain = retain};
    if (!can_send_plain<Short>(message)) return false;
    const Version version = config_.version;
    (void)append_plain<Short>(message, version, wire::plain_publish_remaining(message, version));
    return true;
}

[[gnu::always_inline]] inline bool Session::send_prepared_once(const Exchange& message) {
    const Bytes packet = message.packet();
    if (output_.size() >= direct_below_ || message.qos != QoS::at_most_once || message.version != config_.version)
        return false;
    assert(may_be_direct());
    if (message.expires_at != TimePoint{} || packet.size() > limits_.maximum_packet_size) return false;
    if (message.payload_apart()) return false;
    if (!limits_.retain_available && has_retain(packet)) return false;
    output_.append(packet);
    counters_.sent_publish(QoS::at_most_once, packet.size());
    return true;
}

/// `attach` is told of the exchange.
template <bool Short, class Attach>
[[gnu::always_inline]] inline bool Session::send_plain_for(std::string_view topic, Bytes payload, QoS qos, bool retain,
                                                           const Attach& attach) {
    wire::PublishParts message{.topic = topic, .payload = payload, .qos = qos, .retain = retain};
    if (!can_send_plain<Short>(message)) return false;
    // The next identifier is mostly free, and so is its place; where it is not, the long way looks for another.
    if (last_id_ >= direct_ids_below_) return false;
    const auto id = static_cast<PacketId>(last_id_ + 1);
    Exchange** const place = ids_.free_place(id);
    if (!place) return false;
    message.packet_id = id;
    const Version version = config_.version;
    const std::size_t remaining = wire::plain_publish_remaining(message, version);
    const std::size_t whole = 1 + (Short ? 1 : wire::varint_size(remaining)) + remaining;
    if (Short && whole > wire::short_size) __builtin_unreachable();
    void* const memory = pool::try_allocate(sizeof(Exchange) + whole);
    if (!memory) return false;
    last_id_ = id;
    Exchange* const exchange = Exchange::make_sent(memory, qos, id, whole);
    attach(*exchange);
    ids_.insert_at(place, *exchange);
    fresh_.push_back(*exchange);
    count_in(sizeof(Exchange) + whole);
    assert(quota_ > 0);
    --quota_;
    std::byte* const packet = output_.back();
    const std::size_t size = append_plain<Short>(message, version, remaining);
    assert(size == whole);
    if constexpr (Short) {
        wire::put_short_packet(exchange->editable(), packet, size);
    } else {
        wire::put_bytes(exchange->editable(), packet, size);
    }
    return true;
}

template <bool Short>
[[gnu::always_inline]] inline PacketId Session::send_plain_tracked(std::string_view topic, Bytes payload, QoS qos,
                                                                   bool retain, Operation* operation) {
    PacketId id = 0;
    (void)send_plain_for<Short>(topic, payload, qos, retain, [&id, operation](Exchange& exchange) {
        exchange.attach(operation);
        id = exchange.id;
    });
    return id;
}

template <bool Short>
[[gnu::always_inline]] inline bool Session::send_plain_tracked(std::string_view topic, Bytes payload, QoS qos,
                                                               bool retain, Claim& claim, ReadyNode::Run run) {
    return send_plain_for<Short>(topic, payload, qos, retain,
                                 [&claim, run](Exchange& exchange) { exchange.attach(claim, run); });
}

[[gnu::always_inline]] inline bool Session::acknowledge_oldest(const Delivery& delivery) {
    const bool room = output_.room() >= wire::success_size && limits_.maximum_packet_size >= wire::success_size;
    if (state_ != State::connected || !room || !inbound_.acknowledge_oldest(delivery)) return false;
    wire::put_success(output_.back(), PacketType::puback, delivery.id);
    output_.commit(wire::success_size);
    answered(PacketType::puback, wire::success_size);
    return true;
}

/// Rising, skipping 0 and what is in use [MQTT-2.2.1-3] or lent; 0 where all are.
inline PacketId Session::next_id() noexcept {
    if (!has_free_id()) return 0;
    do {
        ++last_id_;
    } while (last_id_ == 0 || lent_.contains(last_id_) || ids_.find(last_id_));
    review_ids();
    return last_id_;
}

} // namespace culex::session
