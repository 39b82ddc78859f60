#include "testing/fake_broker_message.hpp"

#include <algorithm>
#include <cassert>

#include "wire/codec.hpp"
#include "wire/plain_publish.hpp"

namespace culex::testing {
namespace {

void append_properties(Buffer& out, const PublishProperties& properties) {
    // They were decoded, or encoded before: there is nothing to refuse.
    [[maybe_unused]] const Result<void> encoded = wire::encode_publish_properties(out, properties);
    assert(encoded);
}

} // namespace

std::shared_ptr<BrokerMessage> make_message(const Publish& publish, std::string_view client_id) {
    auto message = std::make_shared<BrokerMessage>();
    message->topic = publish.topic;
    message->payload = as_text(publish.payload);
    message->qos = publish.qos;
    message->retain = publish.retain;
    message->client_id = client_id;
    message->expiry_interval = publish.properties.message_expiry_interval;
    if (!wire::has_properties(publish)) return message;
    PublishProperties forwarded = publish.properties;
    forwarded.message_expiry_interval.reset();
    forwarded.topic_alias.reset();
    forwarded.subscription_identifiers = {};
    append_properties(message->properties, forwarded);
    return message;
}

std::shared_ptr<BrokerMessage> make_message(const Will& will, std::string_view client_id) {
    Publish publish{.topic = will.topic, .payload = will.payload, .qos = will.qos, .retain = will.retain};
    publish.properties.payload_format_indicator = will.properties.payload_format_indicator;
    publish.properties.message_expiry_interval = will.properties.message_expiry_interval;
    publish.properties.content_type = will.properties.content_type;
    publish.properties.response_topic = will.properties.response_topic;
    publish.properties.correlation_data = will.properties.correlation_data;
    publish.properties.user_properties = will.properties.user_properties;
    auto message = make_message(publish, client_id);
    message->will = true;
    return message;
}

Buffer BrokerDelivery::properties(TimePoint now) const {
    Buffer bytes;
    bytes.append(message->properties.bytes());
    if (identifiers.empty() && !message->expires) return bytes;
    PublishProperties added;
    added.subscription_identifiers = identifiers;
    if (message->expires) {
        // What is left of it [MQTT-3.3.2-6].
        const auto left = std::chrono::ceil<std::chrono::seconds>(std::max(*message->expires - now, Duration::zero()));
        added.message_expiry_interval = static_cast<std::uint32_t>(left.count());
    }
    append_properties(bytes, added);
    return bytes;
}

} // namespace culex::testing
