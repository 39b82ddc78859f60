// The life of a link, and the keep-alive.
#include "session/session.hpp"

#include <algorithm>
#include <cassert>

#include "wire/roles.hpp"

namespace culex::session {

Session::Session(const Config& config) : config_(config), inbound_(config.deliver_on_pubrel) {}

Session::~Session() { abandon(Failure(Errc::closed)); }

Result<void> Session::handle_open(const Connect& connect, TimePoint now) {
    assert(state_ == State::offline);
    output_.clear();
    ahead_.reset();
    if (auto written = wire::encode(output_, connect, config_.version); !written) return written;
    Counters::count(counters_.sent, PacketType::connect, output_.size());
    state_ = State::opening;
    failure_ = Failure();
    server_reference_.reset();
    limits_ = Limits{.keep_alive = std::chrono::seconds{connect.keep_alive},
                     .session_expiry_interval = connect.properties.session_expiry_interval.value_or(0)};
    clean_start_ = connect.clean_start;
    asked_to_keep_session_ = limits_.session_expiry_interval != 0;
    problem_information_ = connect.properties.request_problem_information.value_or(1) != 0;
    framer_ = wire::Framer(config_.maximum_packet_size);
    authentication_method_.assign(connect.properties.authentication_method);
    auth_turn_ = authentication_method_ ? AuthTurn::broker : AuthTurn::nobody;
    parked_.reset();
    aliases_.reset();
    last_sent_ = last_received_ = now;
    ping_sent_.reset();
    ping_timed_.reset();
    reading_ = true;
    connect_sent_ = begun_ = false;
    unflushed_answers_ = 0;
    return {};
}

void Session::handle_end() {
    if (state_ != State::offline && connect_sent_ && !begun_ && failure_ != Errc::connection_refused) in_doubt_ = true;
    state_ = State::offline;
    direct_below_ = 0;
    topic_aliases_.begin(0); // [MQTT-3.3.2-7]
    limits_ = Limits{};      // what the next link will grant is not known
    quota_ = 0;
    forget_output();
    inbound_.forget_link();
    explanations_.forget_link();
    // What was sent goes first on the next link, in the order in which it was first sent [MQTT-4.6.0-1].
    sent_.splice_back(fresh_);
    sent_.splice_back(resend_);
    resend_.splice_back(sent_);
    const auto off_link = [](Exchange& exchange) {
        exchange.holds_quota = false;
        exchange.sent_at = {};
    };
    resend_.for_each([off_link](Exchange& exchange) {
        exchange.mark_dup();
        off_link(exchange);
    });
    releases_.for_each(off_link);
    requested_.splice_back(requests_);
    requests_.splice_back(requested_);
    framer_.reset();
    give_back_memory();
}

std::size_t Session::suspend(const Failure& why) {
    const std::size_t unfinished = outstanding_;
    for (ExchangeList* list : {&requested_, &requests_}) {
        while (!list->empty()) finish(list->front(), {.failure = why});
    }
    while (Exchange* message = queue_.oldest_qos0()) finish(*message, {.failure = why});
    const auto tell_each = [this, &why](Exchange& exchange) { tell(exchange, why); };
    for (ExchangeList* list : {&releases_, &sent_, &fresh_, &resend_}) list->for_each(tell_each);
    queue_.for_each_tracked(tell_each);
    return unfinished;
}

/// Who waits for it hears no more; the message stays.
void Session::tell(Exchange& exchange, const Failure& why) {
    if (exchange.claim) {
        make_ready(exchange.fail_claim(why));
    } else {
        exchange.complete({.failure = why});
    }
}

Unfinished Session::unfinished() noexcept {
    Unfinished all;
    for (ExchangeList* list : {&requested_, &requests_}) {
        list->for_each([&all](Exchange&) { ++all.requests; });
    }
    const auto count = [&all](Exchange& exchange) { ++all.messages[static_cast<std::size_t>(exchange.qos)]; };
    for (ExchangeList* list : {&releases_, &sent_, &fresh_, &resend_}) list->for_each(count);
    queue_.for_each_tracked(count);
    all.messages[0] += queue_.depth_of_qos0().messages;
    return all;
}

void Session::abandon(const Failure& why) {
    for (ExchangeList* list : {&requested_, &requests_, &restoring_, &releases_, &sent_, &fresh_, &resend_}) {
        while (!list->empty()) finish(list->front(), {.failure = why});
    }
    while (Exchange* message = queue_.oldest()) finish(*message, {.failure = why});
    inbound_.forget_session();
    explanations_.forget_session();
    subscriptions_.clear();
    assigned_client_id_.reset();
}

// --- the end that we choose

void Session::disconnect(Farewell farewell) {
    if (disconnecting_) return;
    disconnecting_ = true;
    direct_below_ = 0;
    farewell_.use() = std::move(farewell);
    disconnect_when_drained();
}

void Session::disconnect_when_drained() {
    if (!disconnecting_ || state_ != State::connected || outstanding_ > 0 || owes()) return;
    disconnect_now(std::move(farewell_.use()));
}

void Session::disconnect_now(Farewell farewell) {
    disconnecting_ = true;
    direct_below_ = 0;
    if (state_ != State::connected) return;
    // Without a place for the code, DISCONNECT says that all is well; then silence says more.
    const bool sayable = farewell.reason_code == ReasonCode::success || wire::disconnect_tells_reason(config_.version);
    if (sayable) {
        Disconnect packet{.reason_code = farewell.reason_code};
        const std::vector<UserProperty> user = farewell.words.views();
        packet.properties.user_properties = user;
        if (!farewell.words.reason_string.empty()) packet.properties.reason_string = farewell.words.reason_string;
        // What was 0 in CONNECT cannot be raised (section 3.14.2.2.2).
        if (asked_to_keep_session_) packet.properties.session_expiry_interval = farewell.session_expiry_interval;
        write_disconnect(packet);
    }
    state_ = State::finished; // nothing may follow it [MQTT-3.14.4-1]
}

/// If the broker has no room for this, it must do without.
void Session::write_disconnect(const Disconnect& packet) {
    const std::size_t before = output_.size();
    if (wire::encode(output_, packet, config_.version, limits_.maximum_packet_size))
        Counters::count(counters_.sent, PacketType::disconnect, output_.size() - before);
}

// --- the end that we do not choose

void Session::fail(Failure why) {
    if (state_ == State::failed || state_ == State::offline) return;
    const bool ours = why == Errc::malformed_packet || why == Errc::protocol_error;
    if (ours && state_ == State::connected && wire::disconnect_tells_reason(config_.version)) {
        write_disconnect(Disconnect{.reason_code = why.reason_code()});
    }
    const Phase phase = state_ == State::opening ? Phase::mqtt : Phase::session;
    state_ = State::failed;
    direct_below_ = 0;
    failure_ = std::move(why).during(phase);
}

template <class P> void Session::write(const P& packet) {
    const std::size_t before = output_.size();
    if (auto written = wire::encode(output_, packet, config_.version, limits_.maximum_packet_size); !written) {
        return fail(std::move(written).failure());
    }
    answered(P::type, output_.size() - before);
}
template void Session::write(const Puback&);
template void Session::write(const Pubrec&);
template void Session::write(const Pubrel&);
template void Session::write(const Pubcomp&);
template void Session::write(const Pingreq&);
template void Session::write(const Pingresp&);

void Session::fail_unread() {
    fail(Failure(Errc::connection_lost, "the broker asks for answers and does not read them"));
}

// --- time

void Session::handle_flushed(TimePoint now) {
    last_sent_ = now;
    unflushed_answers_ = 0;
    if (state_ == State::opening) connect_sent_ = true;
    if (!fresh_.empty()) {
        fresh_.for_each([now](Exchange& exchange) { exchange.sent_at = now; });
        sent_.splice_back(fresh_);
    }
    if (state_ != State::connected) return;
    pump();
    disconnect_when_drained();
    review_direct();
}

void Session::handle_reading(bool on, TimePoint now) {
    if (on && !reading_ && ping_sent_) ping_sent_ = now;
    if (!on) ping_timed_.reset();
    reading_ = on;
}

void Session::handle_time(TimePoint now) {
    noted_ = now;
    if (state_ != State::connected) return;
    if (now >= answer_due()) {
        fail(Failure(Errc::no_response, "no PINGRESP in time"));
        return;
    }
    if (now < ping_due()) return;
    rest();
    write(Pingreq{});
    last_sent_ = now;
    if (ping_sent_) return;
    ping_sent_ = now;
    if (reading_) ping_timed_ = now;
}

TimePoint Session::poll_deadline() const noexcept {
    if (state_ != State::connected) return TimePoint::max();
    return std::min(ping_due(), answer_due());
}

/// When silence means that the link is dead. A PINGRESP may queue behind much else, on a slow link or within a large
/// message; so whatever comes shows that the broker lives.
TimePoint Session::answer_due() const noexcept {
    if (!ping_sent_ || !reading_) return TimePoint::max();
    return std::max(*ping_sent_, last_received_) + config_.ping_timeout;
}

TimePoint Session::ping_due() const noexcept {
    if (limits_.keep_alive.count() == 0) return TimePoint::max();
    // The broker wants to hear from us [MQTT-3.1.2-20], and we from it: a link that only takes may be dead.
    const TimePoint since = ping_sent_ ? last_sent_ : std::min(last_sent_, last_received_);
    return since + ping_interval();
}

/// A tenth earlier than promised at least: a timer that is a little late still keeps the promise.
Duration Session::ping_interval() const noexcept {
    return Duration(limits_.keep_alive) * (90'000 - config_.ping_earlier) / 100'000;
}

// --- events

std::optional<Event> Session::poll_event() {
    if (events_.empty()) return std::nullopt;
    std::optional<Event> event(std::move(events_.front()));
    events_.pop_front();
    if (sink_ && events_.empty()) events_.release(); // what remains for it is rare
    return event;
}

} // namespace culex::session
