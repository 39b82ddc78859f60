#include "testing/fake_broker_session.hpp"

#include <algorithm>

#include "testing/fake_broker_connection.hpp"
#include "testing/fake_broker_core.hpp"

namespace culex::testing {

BrokerSession::BrokerSession(BrokerCore& core, std::string client_id)
    : expiry_timer(core, *this, &BrokerCore::session_expired), will_timer(core, *this, &BrokerCore::will_due),
      core_(core), client_id_(std::move(client_id)), resend_(in_flight_.end()) {}

SessionInfo BrokerSession::info() const {
    SessionInfo info{.client_id = client_id_,
                     .connected = connection_ != nullptr,
                     .queued = queue_.size(),
                     .in_flight = in_flight_.size(),
                     .unreleased = unreleased_.size(),
                     .dropped = dropped_};
    for (const auto& [filter, subscription] : subscriptions) info.subscriptions.push_back({filter, subscription.qos});
    return info;
}

void BrokerSession::attach(BrokerConnection& connection, std::uint16_t window) {
    connection_ = &connection;
    window_ = std::max<std::uint16_t>(window, 1);
    resend_ = in_flight_.begin();
    pump();
}

void BrokerSession::detach() {
    connection_ = nullptr;
    for (InFlight& message : in_flight_) message.sent = false;
    under_way_ = 0;
    std::erase_if(queue_, [](const BrokerDelivery& delivery) { return delivery.qos == QoS::at_most_once; });
}

void BrokerSession::deliver(BrokerDelivery delivery) {
    if (!connection_ && delivery.qos == QoS::at_most_once) return;
    if (queue_.size() >= core_.options().max_queued) {
        // A queue is only passed by what can be sent at once, and then it is empty.
        if (!queue_.empty() || !may_send(delivery.qos)) {
            ++dropped_;
            return;
        }
    }
    queue_.push_back(std::move(delivery));
    pump();
}

void BrokerSession::pump() {
    while (resend_ != in_flight_.end() && may_send(QoS::at_least_once)) {
        InFlight& message = *resend_++;
        message.sent = true;
        ++under_way_;
        send_again(message);
    }
    while (resend_ == in_flight_.end() && !queue_.empty() && may_send(queue_.front().qos)) {
        BrokerDelivery delivery = std::move(queue_.front());
        queue_.pop_front();
        if (!delivery.message->expired(core_.now())) send_new(std::move(delivery));
    }
}

bool BrokerSession::may_send(QoS qos) const noexcept {
    return connection_ && connection_->has_room() && (qos == QoS::at_most_once || under_way_ < window_);
}

void BrokerSession::send_new(BrokerDelivery delivery) {
    if (delivery.qos == QoS::at_most_once) {
        static_cast<void>(send(delivery, 0, false)); // too large for the client: as if it had been sent [MQTT-3.1.2-25]
        return;
    }
    const PacketId id = next_id();
    if (!send(delivery, id, false)) return;
    by_id_[id] = in_flight_.insert(in_flight_.end(), InFlight{std::move(delivery), id, true});
    ++under_way_;
}

void BrokerSession::send_again(InFlight& message) {
    if (message.released) {
        connection_->send(Pubrel{.packet_id = message.id});
    } else if (!send(message.delivery, message.id, true)) {
        finish(by_id_.at(message.id));
    }
}

bool BrokerSession::send(const BrokerDelivery& delivery, PacketId id, bool dup) {
    const BrokerMessage& message = *delivery.message;
    const Buffer properties = delivery.properties(core_.now());
    return connection_->send_publish({.topic = message.topic,
                                      .payload = as_bytes(message.payload),
                                      .properties = properties.bytes(),
                                      .packet_id = id,
                                      .qos = delivery.qos,
                                      .retain = delivery.retain,
                                      .dup = dup});
}

PacketId BrokerSession::next_id() {
    // There is a free one: fewer than the window are in use, and the window is below 65,536.
    do {
        if (++last_id_ == 0) last_id_ = 1;
    } while (by_id_.contains(last_id_));
    return last_id_;
}

bool BrokerSession::handle_puback(PacketId id) {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return true;
    if (found->second->delivery.qos != QoS::at_least_once) return false;
    finish(found->second);
    pump();
    return true;
}

bool BrokerSession::handle_pubrec(PacketId id, ReasonCode code) {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) {
        connection_->send(Pubrel{.packet_id = id, .reason_code = ReasonCode::packet_identifier_not_found});
        return true;
    }
    InFlight& message = *found->second;
    if (message.delivery.qos != QoS::exactly_once) return false;
    if (failed(code)) {
        finish(found->second);
        pump();
        return true;
    }
    message.released = true;
    connection_->send(Pubrel{.packet_id = id});
    return true;
}

bool BrokerSession::handle_pubcomp(PacketId id) {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return true;
    if (!found->second->released) return false;
    finish(found->second);
    pump();
    return true;
}

void BrokerSession::finish(InFlightList::iterator message) {
    by_id_.erase(message->id);
    if (message->sent) --under_way_;
    if (message == resend_) ++resend_;
    in_flight_.erase(message);
}

} // namespace culex::testing
