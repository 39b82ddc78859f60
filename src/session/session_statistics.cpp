// What a session has to tell of itself: numbers, and its packets as they pass.
#include "session/session.hpp"

namespace culex::session {

void Session::count_into(Statistics& to) {
    to.sent = counters_.sent;
    to.received = counters_.received;
    to.puback = counters_.acknowledged[1];
    to.pubcomp = counters_.acknowledged[2];
    to.ping_round_trip = counters_.ping_round_trip;
    to.outbound_dropped[static_cast<std::size_t>(config_.when_full)] += counters_.dropped;

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

/// After the last of it could.
void Session::forget_output() {
    for_each_in_output([this](const wire::Frame& packet) { counters_.not_sent(packet); });
    output_.clear();
}

/// They are ours, and whole.
template <class F> void Session::for_each_in_output(F visit) {
    wire::Framer framer;
    framer.feed(output_.bytes());
    for (auto frame = framer.next(); frame && *frame; frame = framer.next()) visit(**frame);
}

} // namespace culex::session
