#include "session/publish_queue.hpp"

namespace culex {

std::string_view to_string(WhenFull policy) noexcept {
    switch (policy) {
    case WhenFull::wait:
        return "wait";
    case WhenFull::refuse:
        return "refuse";
    case WhenFull::drop_oldest:
        return "drop_oldest";
    case WhenFull::drop_newest:
        return "drop_newest";
    case WhenFull::drop_qos0_first:
        return "drop_qos0_first";
    }
    return "?";
}

namespace session {

Exchange& PublishQueue::push_back(Exchange::Owner&& exchange) noexcept {
    Lane& lane = lane_of(*exchange);
    ++messages_;
    ++lane.depth.messages;
    lane.depth.bytes += exchange->footprint();
    exchange->order = next_order_++;
    return lane.list.push_back(std::move(exchange));
}

Exchange* PublishQueue::oldest() noexcept {
    Exchange* const qos0 = oldest_qos0();
    Exchange* const tracked = oldest_tracked();
    if (!qos0 || !tracked) return qos0 ? qos0 : tracked;
    // The numbers may run over; they never lie further apart than half of their range.
    const bool qos0_is_later = tracked->order - qos0->order > 0x8000'0000U;
    return qos0_is_later ? tracked : qos0;
}

Exchange::Owner PublishQueue::take(Exchange& exchange) noexcept {
    Lane& lane = lane_of(exchange);
    --messages_;
    --lane.depth.messages;
    lane.depth.bytes -= exchange.footprint();
    return ExchangeList::take(exchange);
}

} // namespace session
} // namespace culex
