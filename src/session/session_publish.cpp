// Messages of ours, from the verb to the acknowledgement.
#include <fmt/format.h>

#include "session/failures.hpp"
#include "session/session_direct.hpp"
#include "wire/publish_edit.hpp"

namespace culex::session {
namespace {

/// The properties of a message that was received, say, and is passed on.
void strip(PublishProperties& properties) noexcept {
    properties.topic_alias.reset();           // none of ours; the broker's mean nothing to it
    properties.subscription_identifiers = {}; // [MQTT-3.3.4-6]
}

} // namespace

/// To the output, if the broker takes it.
Result<void> Session::append(Publish& message) {
    const std::uint32_t limit = limits_.maximum_packet_size;
    if (!grants(message.qos, message.retain)) return check_granted(message.qos, message.retain, 0);
    if (topic_aliases_.in_use()) [[unlikely]]
        return append_by_alias(message);
    strip(message.properties);
    return wire::encode(output_, message, config_.version, limit);
}

/// Gives how many bytes that are. What is sent again says all by itself, and what is large can do without an alias.
inline std::size_t Session::append_packet(const Exchange& exchange) {
    const Bytes packet = exchange.packet();
    if (const Payload* const apart = exchange.payload_apart()) [[unlikely]] {
        (void)output_.reserve(packet.size()); // what throws leaves nothing here, and no `ahead_` without content
        Ahead& ahead = ahead_.use();
        output_.append(packet);
        ahead = {std::exchange(output_, {}), *apart};
        return exchange.packet_size();
    }
    const std::size_t before = output_.size();
    if (topic_aliases_.in_use() && exchange.step == Step::unsent) {
        append_with_alias(packet);
    } else {
        output_.append(packet);
    }
    return output_.size() - before;
}

void Session::merge_ahead() {
    Ahead ahead = std::move(*ahead_);
    ahead_.reset();
    ahead.before.append(ahead.payload.bytes());
    ahead.before.append(output_.bytes());
    output_ = std::move(ahead.before);
}

// --- verbs

Result<Published> Session::publish(Publish& message, Operation* operation) {
    if (disconnecting_) [[unlikely]]
        return refuse_verb();
    if (!may_send_directly(message.qos)) return enqueue(message, operation);
    const bool plain = wire::says_no_properties(message.properties, config_.version);
    if (message.qos == QoS::at_most_once) {
        message.packet_id = 0;
        if (plain && send_plain_once<false>(message.topic, message.payload, message.retain)) return Published{0, true};
        return send_once(message);
    }
    if (plain) {
        message.packet_id =
            send_plain_tracked<false>(message.topic, message.payload, message.qos, message.retain, operation);
        if (message.packet_id != 0) return Published{message.packet_id, false};
    }
    return send_tracked(message, operation);
}

Result<Exchange::Owner> Session::prepare(Publish& message, const Payload* payload) {
    message.dup = false;
    message.packet_id = message.qos == QoS::at_most_once ? 0 : 1; // any; `submit` puts the real one in
    strip(message.properties);
    auto written = Exchange::encode(message, payload, config_.version, scratch_);
    if (!written) return written;
    Exchange::Owner prepared = *std::move(written);
    if (auto granted = check_granted(message.qos, message.retain, prepared->packet_size()); !granted)
        return std::move(granted).failure();
    if (message.properties.message_expiry_interval)
        begin_expiry(*prepared, *message.properties.message_expiry_interval);
    return prepared;
}

Result<Published> Session::submit(Exchange::Owner& prepared, Operation* operation) {
    if (disconnecting_) return refuse_verb();
    if (prepared->version != config_.version && !bring_up_to_date(prepared)) [[unlikely]]
        return Failure(Errc::not_supported, "not in the version that the broker speaks");
    if (prepared->expires_at == Exchange::expiry_not_begun) [[unlikely]]
        begin_expiry(*prepared);
    const bool has_id = prepared->id != 0;
    if (!has_room_for(prepared->packet_size()) || (!has_id && lacks_id(prepared->qos))) {
        if (Failure why = overflow(prepared->qos, prepared->packet_size())) return why;
    }
    assert(!has_id || lent_.contains(prepared->id));
    forgo_id(prepared->id);
    if (prepared->qos != QoS::at_most_once) prepared->assign_id(has_id ? prepared->id : next_id());
    if (may_send_directly(prepared->qos)) return submit_directly(prepared, operation);
    direct_below_ = 0;
    return Published{track(std::move(prepared), queue_, operation).id, false};
}

// --- identifiers that are known before their messages

const LentIds& Session::lend_ids(std::uint32_t most) noexcept {
    constexpr std::size_t never_lent = max_packet_id / 4;
    const auto may_lend = [this] { return ids_.size() + lent_.size() + never_lent < max_packet_id; };
    if (lent_.size() == 0) {
        if (!may_lend()) return lent_;
        lent_ = {};
        lent_.first = next_id();
        lent_.end = lent_.first + 1;
    }
    // Behind what others have had since, nothing can be added to the run.
    while (lent_.size() < most && lent_.end == last_id_ + 1u && lent_.end <= max_packet_id && may_lend() &&
           !ids_.find(static_cast<PacketId>(lent_.end))) {
        last_id_ = static_cast<PacketId>(lent_.end++);
    }
    review_ids();
    return lent_;
}

// --- what is allowed

Failure Session::refuse_verb() const {
    return Failure(Errc::not_connected, "the client is disconnecting or has disconnected");
}

/// What the broker grants is known while there is a link; a message that was queued before is checked when it is sent.
Result<void> Session::check_granted(QoS qos, bool retain, std::size_t packet_size) const {
    if (qos > QoS::exactly_once) { // [MQTT-3.3.1-4]
        return Failure(Errc::invalid_argument, fmt::format("qos is {}: 0, 1 or 2", static_cast<int>(qos)));
    }
    if (qos > limits_.maximum_qos) { // [MQTT-3.2.2-11]
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

// --- sending for the first time

Result<Published> Session::send_once(Publish& message) {
    message.dup = false;
    message.packet_id = 0;
    const std::size_t before = output_.size();
    if (auto written = append(message); !written) return std::move(written).failure();
    counters_.sent_publish(QoS::at_most_once, output_.size() - before);
    return Published{0, true};
}

/// Where aliases are in use and this topic has one, the kept bytes hold the topic, those for the link its alias: each is
/// written once. All else is prepared first; that introduces topics, too.
Result<Published> Session::send_tracked(Publish& message, Operation* operation) {
    const std::size_t greatest_size = message.topic.size() + message.payload.size() + wire::greatest_plain_head;
    if (!topic_aliases_.in_use() || wire::has_properties(message) || greatest_size > limits_.maximum_packet_size)
        return enqueue(message, operation);
    if (!has_room_for(greatest_size) || !grants(message.qos, message.retain)) return enqueue(message, operation);
    const std::uint16_t alias = topic_aliases_.find(message.topic);
    const PacketId id = alias == 0 ? PacketId{} : next_id();
    if (id == 0) return enqueue(message, operation);
    message.dup = false; // tells of this very packet [MQTT-3.3.1-3]
    message.packet_id = id;
    const std::size_t remaining = wire::plain_publish_remaining(message, config_.version);
    auto kept =
        Exchange::make_blank(PacketType::publish, message.qos, id, 1 + wire::varint_size(remaining) + remaining);
    wire::write_plain_publish(kept->editable(), message, config_.version, remaining);
    ids_.make_place(id);
    const std::size_t before = output_.size();
    wire::append_alias_publish(output_, message, alias);
    counters_.sent_publish(message.qos, output_.size() - before);
    sent(track(std::move(kept), fresh_, operation));
    return Published{id, false};
}

Result<Published> Session::submit_directly(Exchange::Owner& prepared, Operation* operation) {
    if (prepared->expires_at != TimePoint{} && !apply_expiry(*prepared)) return expired();
    if (auto granted = check_granted(prepared->qos, has_retain(prepared->packet()), prepared->packet_size()); !granted)
        return std::move(granted).failure();
    if (prepared->id != 0) ids_.make_place(prepared->id); // before the first byte is written
    counters_.sent_publish(prepared->qos, append_packet(*prepared));
    if (prepared->qos == QoS::at_most_once) {
        prepared.reset();
        return Published{0, true};
    }
    Exchange& exchange = track(std::move(prepared), fresh_, operation);
    sent(exchange);
    return Published{exchange.id, false};
}

/// The message is checked before anything is dropped for it.
Result<Published> Session::enqueue(Publish& message, Operation* operation) {
    auto prepared = prepare(message);
    if (!prepared) return std::move(prepared).failure();
    auto published = submit(*prepared, operation);
    if (published) message.packet_id = published->id;
    return published;
}

// --- sending what waits

void Session::send(Exchange::Owner exchange) {
    if (exchange->expires_at != TimePoint{} && !apply_expiry(*exchange)) {
        finish(*exchange.release(), {.failure = expired()});
        return;
    }
    if (auto granted = check_granted(exchange->qos, has_retain(exchange->packet()), exchange->packet_size());
        !granted) {
        finish(*exchange.release(), {.failure = std::move(granted).failure()});
        return;
    }
    counters_.sent_publish(exchange->qos, append_packet(*exchange));
    if (exchange->qos == QoS::at_most_once) {
        finish(*exchange.release(), {});
    } else {
        sent(fresh_.push_back(std::move(exchange)));
    }
}

void Session::pump() {
    while (pumpable() && quota_ > 0 && !resend_.empty()) send(resend_.pop_front());
    while (pumpable() && !queue_.empty()) {
        // A later message may not overtake an earlier one; but the quota delays none at QoS 0 [MQTT-3.3.4-8].
        Exchange* const next = must_wait(QoS::at_least_once) ? queue_.oldest_qos0() : queue_.oldest();
        if (!next) break;
        send(queue_.take(*next));
    }
}

/// QoS 2 after PUBREC: from here on PUBREL is what would be sent again [MQTT-4.3.3-6].
void Session::release(Exchange& exchange) {
    exchange.step = Step::awaiting_pubcomp;
    exchange.unlink(); // from one list of ours into the other
    releases_.push_back(exchange);
    answer({exchange.id, PacketType::pubrel});
}

/// After CONNACK: what earlier links left over, and then the queue [MQTT-4.4.0-1].
void Session::resume(bool session_present) {
    quota_ = limits_.receive_maximum;
    topic_aliases_.begin(std::min(limits_.topic_alias_maximum, config_.outbound_topic_aliases));
    review_direct();
    const bool in_doubt = std::exchange(in_doubt_, false);
    if (!session_present) { // [MQTT-3.2.2-5]
        inbound_.forget_session();
        explanations_.forget_session();
        restore_subscriptions(false);
    } else if (in_doubt) {
        inbound_.doubt_session();
        restore_subscriptions(true);
    }
    releases_.for_each([this](Exchange& exchange) { answer({exchange.id, PacketType::pubrel}); });
    resend_requests();
    pump();
}

} // namespace culex::session
