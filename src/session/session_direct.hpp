#pragma once
/// \file session_direct.hpp
/// The short ways of `Session::publish`, for a message without properties that can be sent at once, and of
/// `Session::acknowledge`. Inline, for those who count instructions: the session itself, and its client. Each answers "no" where it cannot, having done
/// nothing; the long way then finds out why, and whether it matters. `Short` as in `write_plain_publish`.

#include <cassert>

#include "session/session.hpp"

namespace culex::session {

[[nodiscard]] inline bool has_retain(Bytes packet) noexcept { return (packet[0] & std::byte{0x01}) != std::byte{}; }

template <bool Short>
[[gnu::always_inline]] inline bool Session::can_send_plain(const wire::PublishParts& message) const noexcept {
    if (output_.size() >= direct_below_) return false;
    assert(may_be_direct());
    if (message.qos != QoS::at_most_once && quota_ == 0) return false;
    if (!grants(message.qos, message.retain) || (!Short && message.topic.size() > max_string_size)) return false;
    // The protocol's own limit holds too: no broker can grant more. Where the output has to grow, the long way sees to it.
    const std::size_t greatest_size = message.topic.size() + message.payload.size() + wire::greatest_plain_head;
    if (greatest_size > limits_.maximum_packet_size || greatest_size > output_.room()) return false;
    return wire::is_plain_topic(message.topic);
}

/// For what fits.
template <bool Short>
[[gnu::always_inline]] inline void Session::append_plain(const wire::PublishParts& message, Version version,
                                                         std::size_t remaining) {
    std::byte* const begin = output_.back();
    std::byte* const end = wire::write_plain_publish<Short>(begin, message, version, remaining);
    const auto size = static_cast<std::size_t>(end - begin);
    output_.commit(size);
    counters_.sent_publish(message.qos, size);
}

template <bool Short>
[[gnu::always_inline]] inline bool Session::send_plain_once(std::string_view topic, Bytes payload, bool retain) {
    const wire::PublishParts message{.topic = topic, .payload = payload, .retain = retain};
    if (!can_send_plain<Short>(message)) return false;
    const Version version = config_.version;
    append_plain<Short>(message, version, wire::plain_publish_remaining(message, version));
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

template <bool Short>
[[gnu::always_inline]] inline PacketId Session::send_plain_tracked(std::string_view topic, Bytes payload, QoS qos,
                                                                   bool retain, Operation* operation) {
    wire::PublishParts message{.topic = topic, .payload = payload, .qos = qos, .retain = retain};
    if (!can_send_plain<Short>(message) || !has_room_for(topic.size() + payload.size() + wire::greatest_plain_head))
        return 0;
    // The next identifier is mostly free, and so is its place; where it is not, the long way looks for another.
    const auto id = static_cast<PacketId>(last_id_ + 1);
    Exchange** const place = ids_.free_place(id);
    if (!place || id == 0 || lent_.contains(id)) return 0;
    message.packet_id = id;
    const Version version = config_.version;
    const std::size_t remaining = wire::plain_publish_remaining(message, version);
    const std::size_t whole = 1 + wire::varint_size(remaining) + remaining;
    void* const memory = pool::try_allocate(sizeof(Exchange) + whole);
    if (!memory) return 0;
    last_id_ = id;
    Exchange* const exchange = Exchange::make_in(memory, PacketType::publish, qos, id, whole);
    std::byte* const packet = output_.back();
    append_plain<Short>(message, version, remaining);
    if constexpr (Short) {
        wire::put_short(exchange->editable(), packet, whole);
    } else {
        wire::put_bytes(exchange->editable(), packet, whole);
    }
    ids_.insert_at(place, *exchange);
    count_in(*exchange);
    exchange->attach(operation);
    fresh_.push_back(*exchange);
    exchange->step = first_step(qos);
    exchange->holds_quota = true;
    --quota_;
    return id;
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
    return last_id_;
}

} // namespace culex::session
