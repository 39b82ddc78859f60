// What a client has done and holds, as numbers.
#include "client/core.hpp"

namespace culex::client {
Statistics Core::statistics() {
    Statistics now;
    session_.count_into(now);
    now.outbound_dropped[static_cast<std::size_t>(settings_.plain().when_full)] += refused_;
    waiting_for_room_.for_each([&](ClientOperation::Place&) { ++now.outbound.waiting_for_room; });
    now.inbound.messages = router_.messages() + held_messages_;
    now.inbound.bytes = router_.bytes() + held_bytes_;
    now.inbound_dropped = router_.dropped_count();
    now.unclaimed = router_.unclaimed_count();
    if (requests_) requests_->count_into(now);
    now.attempts = counts_.attempts;
    now.connections = counts_.connected;
    now.tls_sessions_resumed = counts_.tls_sessions_resumed;
    now.lost = counts_.ends.look().lost;
    now.failed_attempts = counts_.ends.look().failed;
    return now;
}

void Core::tap(Tap::See see) {
    check_caller();
    if (!tap_) tap_ = std::make_unique<Tap>(runtime_, session_.version());
    tap_->set(std::move(see));
    session_.set_tap(tap_->on() ? tap_.get() : nullptr);
}

} // namespace culex::client

namespace culex {

std::string_view to_string(EndCause cause) noexcept {
    constexpr std::string_view names[end_cause_count] = {"resolve",       "network",     "tls",      "timed_out",
                                                         "end_of_stream", "no_response", "protocol", "refused",
                                                         "disconnected",  "requested",   "other"};
    const auto index = static_cast<std::size_t>(cause);
    return index < end_cause_count ? names[index] : "?";
}

} // namespace culex
