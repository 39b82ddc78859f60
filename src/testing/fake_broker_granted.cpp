// What CONNACK grants, and what becomes of a client of MQTT 5 that does not keep to it.

#include <algorithm>

#include <fmt/format.h>

#include <culex/topic.hpp>

#include "testing/fake_broker_connection.hpp"
#include "testing/fake_broker_core.hpp"

namespace culex::testing {
namespace {

Failure above_granted(std::string_view what, ReasonCode code) {
    return Failure(Errc::protocol_error, fmt::format("PUBLISH: {}", what), code);
}

} // namespace

ConnackProperties BrokerConnection::connack_for(const Connect& connect) const {
    ConnackProperties granted = core_.options().connack;
    granted.server_reference.reset(); // for refusals
    if (connect.properties.request_response_information.value_or(0) == 0) granted.response_information.reset();
    return granted;
}

/// From here on the client is held to `granted`.
void BrokerConnection::keep_to(const Connect& connect, const ConnackProperties& granted) {
    maximum_packet_size_ = connect.properties.maximum_packet_size.value_or(wire::no_limit);
    if (version_ != Version::v5) return;
    granted_ = {.receive_maximum = granted.receive_maximum,
                .maximum_qos = granted.maximum_qos,
                .retain_available = granted.retain_available,
                .wildcard_subscription_available = granted.wildcard_subscription_available,
                .subscription_identifier_available = granted.subscription_identifier_available,
                .shared_subscription_available = granted.shared_subscription_available};
    aliases_.assign(granted.topic_alias_maximum.value_or(0), {});
    explains_ = connect.properties.request_problem_information.value_or(1) != 0;
    client_alias_maximum_ = connect.properties.topic_alias_maximum.value_or(0);
    framer_.set_maximum_packet_size(
        std::min(granted.maximum_packet_size.value_or(wire::no_limit), core_.options().maximum_packet_size));
}

ReasonCode BrokerConnection::check_granted(const Will& will) const {
    if (version_ != Version::v5) return ReasonCode::success;
    const ConnackProperties& granted = core_.options().connack;
    if (static_cast<std::uint8_t>(will.qos) > granted.maximum_qos.value_or(2)) return ReasonCode::qos_not_supported;
    if (will.retain && granted.retain_available.value_or(1) == 0) return ReasonCode::retain_not_supported;
    return ReasonCode::success;
}

Result<void> BrokerConnection::check_granted(const Publish& packet) const {
    if (static_cast<std::uint8_t>(packet.qos) > granted_.maximum_qos.value_or(2)) {
        return above_granted("QoS is above the granted one", ReasonCode::qos_not_supported); // [MQTT-3.2.2-11]
    }
    if (packet.retain && granted_.retain_available.value_or(1) == 0) {
        return above_granted("retain is not available", ReasonCode::retain_not_supported); // [MQTT-3.2.2-14]
    }
    const bool takes_place = packet.qos != QoS::at_most_once && !receiving_.contains(packet.packet_id);
    if (takes_place && receiving_.size() >= granted_.receive_maximum.value_or(65'535)) {
        return above_granted("above the receive maximum", ReasonCode::receive_maximum_exceeded); // [MQTT-3.3.4-7]
    }
    return {};
}

ReasonCode BrokerConnection::check_granted(const TopicSubscription& asked, bool has_identifier) const {
    const auto lacks = [](const std::optional<std::uint8_t>& available) { return available.value_or(1) == 0; };
    if (has_identifier && lacks(granted_.subscription_identifier_available)) {
        return ReasonCode::subscription_identifiers_not_supported;
    }
    const auto shared = parse_shared(asked.filter);
    if (shared && lacks(granted_.shared_subscription_available)) {
        return ReasonCode::shared_subscriptions_not_supported;
    }
    const bool wildcard = asked.filter.find_first_of("+#") != std::string_view::npos;
    if (wildcard && lacks(granted_.wildcard_subscription_available)) {
        return ReasonCode::wildcard_subscriptions_not_supported;
    }
    return ReasonCode::success;
}

/// The first time with topic and alias, then with the alias alone; with the topic alone once there is no alias left.
bool BrokerConnection::send_with_alias(const wire::PublishParts& parts) {
    const auto known = client_aliases_.find(parts.topic);
    const bool is_new = known == client_aliases_.end();
    wire::PublishParts sent = parts;
    Buffer properties;
    properties.append(parts.properties);
    if (is_new && client_aliases_.size() >= client_alias_maximum_) return send_plainly(parts);
    const auto alias = is_new ? static_cast<std::uint16_t>(client_aliases_.size() + 1) : known->second;
    wire::encode_publish_properties(properties, {.topic_alias = alias}).value();
    sent.properties = properties.bytes();
    if (!is_new) sent.topic = {};
    if (!send_plainly(sent)) return false;
    if (is_new) client_aliases_.emplace(parts.topic, alias);
    return true;
}

} // namespace culex::testing
