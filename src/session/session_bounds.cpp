// How much may be queued or unacknowledged, and what the policy makes of what is too much.
#include <bit>

#include <fmt/format.h>

#include "base/log.hpp"
#include "session/session.hpp"

namespace culex::session {

/// By all that the policy allows to drop. Asked first, so that nothing is dropped in vain.
bool Session::could_make_room(QoS qos, std::size_t bytes) const noexcept {
    if (lacks_id(qos) && queue_.depth_of_tracked().messages == 0) return false;
    switch (config_.when_full) {
    case WhenFull::drop_oldest:
        return fits(bytes, queue_.depth());
    case WhenFull::drop_qos0_first: // a message at QoS 0 takes the place of its like alone
        return fits(bytes, qos == QoS::at_most_once ? queue_.depth_of_qos0() : queue_.depth());
    default:
        return false;
    }
}

/// Drops what was queued before, as the policy says, until there is a place in the bounds and an identifier; false where
/// that cannot be done.
bool Session::make_room(QoS qos, std::size_t bytes) {
    if (!could_make_room(qos, bytes)) return false;
    const bool qos0_first = config_.when_full == WhenFull::drop_qos0_first;
    const auto drop_one = [this](Exchange& victim) { finish(victim, {.failure = drop("a newer one took its place")}); };
    while (!has_room_for(bytes)) {
        Exchange* const victim = qos0_first && queue_.oldest_qos0() ? queue_.oldest_qos0() : queue_.oldest();
        drop_one(*victim);
    }
    while (lacks_id(qos)) drop_one(*queue_.oldest_tracked());
    return true;
}

/// A message finds the queue full: empty where there is room for it now.
Failure Session::overflow(QoS qos, std::size_t bytes) {
    if (config_.when_full == WhenFull::wait || config_.when_full == WhenFull::refuse) {
        const Errc code = has_room_for(bytes) ? Errc::no_packet_id : Errc::queue_full;
        // Who waits asks again and again, and wants no words.
        return config_.when_full == WhenFull::wait ? Failure(code) : Failure(code, fullness());
    }
    if (make_room(qos, bytes)) return Failure();
    return drop(config_.when_full == WhenFull::drop_newest ? "it was the newest"
                                                           : "nothing before it could be dropped");
}

std::string Session::fullness() const {
    return fmt::format("{} of {} messages and requests, {} of {} bytes", outstanding_, config_.outbound_messages,
                       outstanding_bytes_, config_.outbound_bytes);
}

/// Counts a message that is dropped, and gives the reason. The log hears of the first, and then ever less often.
Failure Session::drop(const char* what) {
    ++counters_.dropped;
    if (std::has_single_bit(counters_.dropped)) {
        log(LogLevel::warning, "the outbound queue is full: {} messages dropped so far ({})", counters_.dropped,
            to_string(config_.when_full));
    }
    return Failure(Errc::dropped,
                   fmt::format("the outbound queue was full ({}): {}", to_string(config_.when_full), what));
}

/// A message that ends without having been sent; others have no place there.
void Session::leave_queue(Exchange& exchange) noexcept {
    if (exchange.kind == PacketType::publish && exchange.linked()) (void)queue_.take(exchange).release();
}

} // namespace culex::session
