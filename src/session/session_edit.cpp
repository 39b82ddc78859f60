// What is changed in messages when they are sent: topics become aliases, and a Message Expiry Interval the time that is left.
#include <algorithm>

#include "session/session.hpp"
#include "wire/publish_edit.hpp"

namespace culex::session {
namespace {

using std::chrono::seconds;

} // namespace

// --- topic aliases. The kept bytes never hold one: they may be sent again on another link.

/// Of a message at QoS 0.
Result<void> Session::append_by_alias(Publish& message) {
    if (message.payload.size() + message.topic.size() + 16 <= limits_.maximum_packet_size &&
        !wire::has_properties(message)) {
        if (const std::uint16_t alias = topic_aliases_.find(message.topic)) {
            wire::append_alias_publish(output_, message, alias);
            return {};
        }
    }
    message.properties.topic_alias.reset(); // as `prepare` does
    message.properties.subscription_identifiers = {};
    scratch_.clear();
    if (auto written = wire::encode(scratch_, message, config_.version, limits_.maximum_packet_size); !written)
        return written;
    append_with_alias(scratch_.bytes());
    return {};
}

void Session::append_with_alias(Bytes packet) {
    const std::string_view topic = wire::topic_of(packet);
    if (const std::uint16_t known = topic_aliases_.find(topic)) {
        return wire::append_with_alias(output_, packet, known, false);
    }
    // The property, and what the two lengths may grow by.
    const std::size_t size = packet.size() + wire::topic_alias_size + 2;
    (void)output_.reserve(size); // or else an alias might be known here alone
    const bool fits = size <= limits_.maximum_packet_size;
    if (const std::uint16_t alias = fits ? topic_aliases_.introduce(topic) : std::uint16_t{}) {
        return wire::append_with_alias(output_, packet, alias, true);
    }
    output_.append(packet);
}

// --- message expiry (MQTT 5, section 3.3.2.3.3)

void Session::begin_expiry(Exchange& message, std::uint32_t interval) noexcept {
    // At 0 it may be sent at once, or not at all.
    message.expires_at = latest() + std::max<Duration>(seconds{interval}, Duration{1});
}

/// Of a message that was prepared where no time was known.
void Session::begin_expiry(Exchange& message) noexcept {
    const std::byte* const place = wire::find_message_expiry(message.editable(), config_.version);
    message.expires_at = {};
    if (place) begin_expiry(message, wire::read_u32(place));
}

/// Before a message is sent. False where its time is over: but what was sent once is finished in any case [MQTT-4.3.3-7]. Then
/// it says one second, since 0 means "never" to some brokers.
bool Session::apply_expiry(Exchange& message) noexcept {
    std::byte* const place = wire::find_message_expiry(message.editable(), config_.version);
    if (latest() >= message.expires_at && message.step == Step::unsent) {
        ++counters_.expired;
        return false;
    }
    if (!place) return true;
    const auto left = std::max<std::int64_t>(std::chrono::ceil<seconds>(message.expires_at - latest()).count(), 1);
    wire::write_u32(place, std::min(wire::read_u32(place), static_cast<std::uint32_t>(left)));
    return true;
}

void Session::drop_expired(TimePoint now) {
    note_time(now);
    bool any = false;
    const auto is_over = [now](const Exchange& message) {
        return message.expires_at != TimePoint{} && message.expires_at <= now;
    };
    const auto look = [&](const Exchange& message) { any = any || is_over(message); };
    queue_.for_each_qos0(look);
    queue_.for_each_tracked(look);
    if (!any) return;
    ExchangeList all;
    while (Exchange* oldest = queue_.oldest()) all.push_back(queue_.take(*oldest));
    while (!all.empty()) {
        Exchange::Owner next = all.pop_front();
        if (is_over(*next)) {
            ++counters_.expired;
            finish(*next.release(), {.failure = expired()});
        } else {
            queue_.push_back(std::move(next));
        }
    }
}

Failure Session::expired() {
    return Failure(Errc::message_expired, "its Message Expiry Interval has passed in the queue");
}

} // namespace culex::session
