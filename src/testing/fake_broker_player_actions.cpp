// The steps of a script in which the broker does something, and waits for nobody.

#include <vector>

#include <fmt/format.h>

#include "testing/fake_broker_connection.hpp"
#include "testing/fake_broker_core.hpp"
#include "testing/fake_broker_player.hpp"

namespace culex::testing {

ScriptPlayer::Progress ScriptPlayer::perform(const ScriptStep::Send& step) {
    const bool v5 = connection_.version() == Version::v5;
    const std::string& fault = v5 ? step.fault_5 : step.fault_3_1_1;
    if (!fault.empty()) return fail(fmt::format("cannot send this: {}", fault));
    last_is_open_ = false;
    connection_.send_raw(as_bytes(v5 ? step.v5 : step.v3_1_1));
    return Progress::next;
}

ScriptPlayer::Progress ScriptPlayer::perform(const ScriptStep::Make& step) {
    if (!last_packet_) return fail("has expected no packet that could be replied to");
    const Packet packet = (*step.make)(*last_packet_);
    send(packet);
    return Progress::next;
}

ScriptPlayer::Progress ScriptPlayer::perform(const ScriptStep::Acknowledge& step) {
    if (!last_packet_) return fail("has expected no packet that could be acknowledged");
    acknowledge(*last_packet_, step.code);
    return Progress::next;
}

void ScriptPlayer::send(const Packet& packet) {
    if (!connection_.serving()) return;
    Buffer bytes;
    if (const Result<void> encoded = wire::encode(bytes, packet, connection_.version()); !encoded) {
        fail(fmt::format("cannot send this: {}", encoded.failure().message()));
        return;
    }
    last_is_open_ = false;
    connection_.send_raw(bytes.bytes());
}

void ScriptPlayer::acknowledge(const Packet& packet, ReasonCode code) {
    const bool v5 = connection_.version() == Version::v5;
    std::vector<ReasonCode> codes;
    switch (type_of(packet)) {
    case PacketType::connect:
        return send(Connack{.reason_code = code});
    case PacketType::pubrec:
        return send(Pubrel{.packet_id = std::get<Pubrec>(packet).packet_id, .reason_code = code});
    case PacketType::pubrel:
        return send(Pubcomp{.packet_id = std::get<Pubrel>(packet).packet_id, .reason_code = code});
    case PacketType::pingreq:
        return send(Pingresp{});
    case PacketType::publish: {
        const auto& publish = std::get<Publish>(packet);
        if (publish.qos == QoS::at_least_once) send(Puback{.packet_id = publish.packet_id, .reason_code = code});
        if (publish.qos == QoS::exactly_once) send(Pubrec{.packet_id = publish.packet_id, .reason_code = code});
        return;
    }
    case PacketType::subscribe: {
        const auto& subscribe = std::get<Subscribe>(packet);
        for (const TopicSubscription& each : subscribe.subscriptions) {
            codes.push_back(failed(code) ? code : static_cast<ReasonCode>(each.qos));
        }
        return send(Suback{.packet_id = subscribe.packet_id, .reason_codes = codes});
    }
    case PacketType::unsubscribe: {
        const auto& unsubscribe = std::get<Unsubscribe>(packet);
        if (v5) codes.assign(unsubscribe.filters.size(), code);
        return send(Unsuback{.packet_id = unsubscribe.packet_id, .reason_codes = codes});
    }
    default:
        fail(fmt::format("{} has no acknowledgement", to_string(type_of(packet))));
    }
}

ScriptPlayer::Progress ScriptPlayer::perform(const ScriptStep::Wait& step) {
    return is_over(step.duration) ? Progress::next : Progress::wait;
}

ScriptPlayer::Progress ScriptPlayer::perform(const ScriptStep::SetReading& step) {
    connection_.set_reading(step.on);
    return Progress::next;
}

ScriptPlayer::Progress ScriptPlayer::perform(const ScriptStep::Call& step) {
    (*step.call)();
    return Progress::next;
}

// Both come back as `handle_end`.
ScriptPlayer::Progress ScriptPlayer::perform(const ScriptStep::Drop&) {
    connection_.drop();
    return Progress::wait;
}
ScriptPlayer::Progress ScriptPlayer::perform(const ScriptStep::Close&) {
    connection_.close(true);
    return Progress::wait;
}

ScriptPlayer::Progress ScriptPlayer::perform(const ScriptStep::Pass&) {
    if (last_.empty()) return fail("has expected nothing that could be passed on");
    last_is_open_ = false;
    connection_.serve(frame_of(as_bytes(last_)));
    return Progress::next;
}

ScriptPlayer::Progress ScriptPlayer::perform(const ScriptStep::PassToBroker&) {
    handed_over_ = true;
    const bool connect_is_last = connect_ == last_;
    if (!connect_.empty() && !connection_.has_session()) connection_.serve(frame_of(as_bytes(connect_)));
    if (last_is_open_ && !connect_is_last && connection_.serving()) connection_.serve(frame_of(as_bytes(last_)));
    while (!inbox_.empty() && connection_.serving()) {
        const std::string packet = std::move(inbox_.front());
        inbox_.pop_front();
        connection_.serve(frame_of(as_bytes(packet)));
    }
    return Progress::wait;
}

} // namespace culex::testing
