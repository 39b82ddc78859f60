// What a session has to tell of itself: numbers, and its packets as they pass.
#include "session/session.hpp"

namespace culex::session {

void Session::count_into(Statistics& to) {
    to.sent = counters_.sent;
    to.received = counters_.received;
    if (counters_.acknowledged) {
        to.puback = (*counters_.acknowledged)[0];
        to.pubcomp = (*counters_.acknowledged)[1];
    }
    to.ping_round_trip = counters_.ping_round_trip;
    to.outbound_dropped[static_cast<std::size_t>(config_.when_full)] += counters_.dropped;

    to.outbound_expired = counters_.expired;

    std::size_t requests = 0;
    for (ExchangeList* list : {&requests_, &requested_}) list->for_each([&](Exchange&) { ++requests; });
    const PublishQueue::Depth queued = queue_.depth();
    const bool quota_is_lacking = connected() && must_wait(QoS::at_least_once);
    to.outbound.messages = outstanding_;
    to.outbound.bytes = outstanding_bytes_;
    to.outbound.queued = queued.messages;
    to.outbound.queued_bytes = queued.bytes;
    to.outbound.waiting_for_quota = quota_is_lacking ? queue_.depth_of_tracked().messages : 0;
    to.outbound.in_flight = outstanding_ - queued.messages - requests;
    to.inbound.unacknowledged = unacknowledged();
}

/// Before the output goes to the transport.
void Session::show_output() {
    for_each_in_output([this](const wire::Frame& packet) { tap_->on_sent(packet); });
}

/// The link has ended with it. An owner that takes output in parts may have left the rest of a packet at the front: then the
/// packets behind cannot be told, and stay counted.
void Session::forget_output() {
    bool readable = true;
    wire::Arena arena;
    const bool whole = for_each_in_output([&](const wire::Frame& packet) {
        arena.reset();
        readable = readable && wire::decode(packet, config_.version, arena, wire::Sender::client);
    });
    if (whole && readable) for_each_in_output([this](const wire::Frame& packet) { counters_.not_sent(packet); });
    output_.clear();
}

/// False where it does not end with a packet's end.
template <class F> bool Session::for_each_in_output(F visit) {
    wire::Framer framer;
    framer.feed(output().bytes());
    auto frame = framer.next();
    for (; frame && *frame; frame = framer.next()) visit(**frame);
    return frame && !framer.mid_packet();
}

} // namespace culex::session
