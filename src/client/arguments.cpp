#include "client/arguments.hpp"

#include <culex/topic.hpp>

#include "wire/codec.hpp"

namespace culex::client {
namespace {

/// A thread that has sent one large message does not keep the memory for it.
constexpr std::size_t kept_scratch = std::size_t{64} << 10;

template <class P> Result<void> check_packet(const P& packet, Version version) {
    if (auto size = wire::encoded_size(packet, version); !size) return std::move(size).failure();
    return {};
}

} // namespace

Result<session::Exchange::Owner> prepare(Publish& message, Version version, const Payload* payload) {
    static thread_local Buffer scratch;
    message.dup = false;
    message.packet_id = message.qos == QoS::at_most_once ? 0 : 1; // any: the session puts the real one in
    auto prepared = session::Exchange::encode(message, payload, version, scratch);
    if (!prepared) return prepared;
    if (message.properties.message_expiry_interval) (*prepared)->expires_at = session::Exchange::expiry_not_begun;
    if (scratch.capacity() > kept_scratch) scratch.release();
    return prepared;
}

Result<void> check(std::span<const TopicSubscription> subscriptions, const SubscribeProperties& properties,
                   Version version) {
    for (const TopicSubscription& subscription : subscriptions) {
        if (auto checked = check_topic_filter(subscription.filter); !checked) return checked;
    }
    return check_packet(Subscribe{.packet_id = 1, .subscriptions = subscriptions, .properties = properties}, version);
}

Result<void> check(std::span<const std::string_view> filters, const UnsubscribeProperties& properties,
                   Version version) {
    for (const std::string_view filter : filters) {
        if (auto checked = check_topic_filter(filter); !checked) return checked;
    }
    return check_packet(Unsubscribe{.packet_id = 1, .filters = filters, .properties = properties}, version);
}

Result<void> check(const AckProperties& properties) {
    return check_packet(Puback{.packet_id = 1, .properties = properties}, Version::v5);
}

Result<void> check(const DisconnectOptions& options, bool keeps_session) {
    if (options.session_expiry_interval.value_or(0) != 0 && !keeps_session) {
        return Failure(Errc::invalid_argument, "session_expiry_interval: it was 0 in CONNECT and cannot be raised");
    }
    // Under 3.1.1 nothing of it is sent; but what is wrong is wrong.
    return check_packet(
        Disconnect{.reason_code = options.reason_code,
                   .properties = {.reason_string = options.reason_string, .user_properties = options.user_properties}},
        Version::v5);
}

session::Farewell farewell(const DisconnectOptions& options) {
    return {.reason_code = options.reason_code,
            .session_expiry_interval = options.session_expiry_interval,
            .words = session::Explanation(
                {.reason_string = options.reason_string, .user_properties = options.user_properties})};
}

} // namespace culex::client
