// When there is a connection: the one coroutine that opens, watches and reopens it.
#include <utility>

#include "base/log.hpp"
#include "client/core.hpp"

namespace culex::client {

using Kind = ConnectionEvent::Kind;

Task<> Core::supervise() {
    for (;;) {
        Failure why = co_await attempt();
        const bool was_connected = !why;
        bool held = false;
        if (was_connected) {
            connected();
            while (!connection_ends()) co_await changed_.wait();
            why = end_connection(held);
        } else {
            attempt_failed(why);
        }
        if (told_to_stop()) co_return stop(Failure());
        note_end(why);
        if (!find_next(why, was_connected, held)) co_return stop(why);
        co_await back_off();
        if (told_to_stop()) co_return stop(Failure());
    }
}

/// Why it has ended; `held`: it has earned a fresh start. This and its like are no part of the coroutine, in whose frame their
/// temporaries would stay for the life of a connection.
Failure Core::end_connection(bool& held) {
    Failure why = Failure(link_end_).during(Phase::session).at(endpoint_.to_string());
    drop_link();
    held = backoff_.was_connected(runtime_.now() - connected_at_);
    lost(why);
    return why;
}

void Core::note_end(const Failure& why) {
    last_failure_ = why;
    log(LogLevel::info, "{}: {}", client_id(), why.message());
}

void Core::connected() {
    if (state_ != ConnectionState::disconnecting) state_ = ConnectionState::connected;
    ever_connected_ = true;
    hurry_ = false; // this is what was asked for
    our_faults_ = 0;
    connected_at_ = runtime_.now();
    route_.connected();
    ++counts_.connected;
    ConnectionEvent event = this->event(Kind::connected);
    event.session_present = session_present_;
    tell(event);
    attempt_ = 0;
    while (auto* place = waiting_to_connect_.pop_front()) {
        // Kept there: the client may be gone before it is asked for it.
        static_cast<ConnectOperation&>(place->operation).result_ = {session_present_};
        place->operation.finish();
    }
    while (auto* place = waiting_until_connected_.pop_front()) place->operation.finish();
    if (requests_) requests_->connected();
    if (!services_.empty()) end_services();
    if (observer_) observer_->on_connected(session_present_);
}

/// Asked whenever something has changed. Here the drain of a disconnect runs out, and a connection that was asked to go goes.
/// No coroutine: a connected client keeps what waits for this, and a frame is memory.
bool Core::connection_ends() {
    if (link_end_) return true;
    if (state_ == ConnectionState::disconnecting && runtime_.now() >= drain_until_) {
        if (session_.connected()) {
            drain_failure_ = Failure(Errc::timed_out, "not acknowledged within the time for the drain");
            session_.disconnect_now(farewell_.use());
            link_->flush();
        }
        link_->end_soon(); // a broker that reads nothing would never get DISCONNECT
    }
    if (hurry_ && state_ != ConnectionState::disconnecting) {
        link_end_ = Failure(Errc::connection_lost, "a new connection was asked for");
    } else if (Failure why = reauthenticate()) {
        link_end_ = std::move(why);
    } else {
        return false;
    }
    return true;
}

void Core::lost(Failure why) {
    if (!told_to_stop()) {
        counts_.count_lost(why, hurry_);
        ConnectionEvent event = this->event(Kind::lost);
        event.cause = why;
        tell(event);
    }
    authentication_lost(told_to_stop() ? Failure(Errc::closed) : why);
    if (observer_) observer_->on_lost(why);
}

void Core::attempt_failed(Failure why) {
    if (!told_to_stop()) {
        counts_.count_failed(why);
        ConnectionEvent event = this->event(Kind::attempt_failed);
        event.cause = why;
        tell(event);
    }
    if (observer_) observer_->on_attempt_failed(why);
}

/// Where the next attempt goes, and whether it waits; false where there is none.
bool Core::find_next(const Failure& why, bool was_connected, bool held) {
    const bool first_connect = !ever_connected_ && !retry_first_;
    const bool may_go_on = first_connect || backoff_.again() || hurry_;
    if (held) route_.new_round();
    Verdict verdict = judge(why, held ? Verdict::try_again : Verdict::next_endpoint);
    if (verdict == Verdict::give_up || !may_go_on) return false;
    if (first_connect && verdict == Verdict::try_again) verdict = Verdict::next_endpoint; // each at most once
    patient_ = was_connected || verdict == Verdict::try_again;
    if (verdict == Verdict::follow_server_reference) {
        const bool moved = why.reason_code() == ReasonCode::server_moved;
        if (route_.redirect(session_.server_reference(), endpoint_, moved)) {
            patient_ = false;
            return true;
        }
    }
    if (verdict == Verdict::try_again) {
        route_.stay();
    } else {
        route_.pass();
    }
    patient_ = patient_ || route_.round_is_over();
    return !first_connect || !patient_;
}

Verdict Core::judge(const Failure& why, Verdict otherwise) {
    if (std::exchange(hopeless_, false)) return Verdict::give_up;
    our_faults_ = is_our_fault(why) ? our_faults_ + 1 : 0;
    if (our_faults_ >= route_.size()) return Verdict::give_up;
    return hurry_ && state_ == ConnectionState::connected ? Verdict::try_again : verdicts_.of(why, otherwise);
}

Task<> Core::back_off() {
    if (state_ != ConnectionState::disconnecting) state_ = ConnectionState::backing_off;
    if (!patient_) co_return;
    route_.new_round();
    const std::chrono::milliseconds delay = backoff_.delay();
    if (hurry_) co_return;
    session_.drop_expired(runtime_.now());
    on_flushed(); // there may be room now
    ConnectionEvent event = this->event(Kind::waiting);
    event.endpoint = route_.next();
    event.attempt = attempt_ + 1;
    event.delay = delay;
    tell(event);
    runtime_.arm_after(alarm_, delay);
    while (alarm_.armed() && !hurry_ && !told_to_stop()) co_await changed_.wait();
    alarm_.disarm();
}

bool Core::told_to_stop() const noexcept {
    if (state_ != ConnectionState::disconnecting) return false;
    const bool too_late = session_.disconnecting(); // for what waits for room: DISCONNECT has gone before it
    const bool sent = session_.outstanding() == 0 && (waiting_for_room_.empty() || too_late);
    const bool drained = sent && !(settings_.keeps_session() && session_.owes());
    return runtime_.now() >= drain_until_ || (drained && !link_);
}

void Core::drop_link() {
    authentication_.reset();
    opening_.reset();
    alarm_.disarm();
    // Of a link that has begun: an attempt that fails changes nothing in what the broker has to send again.
    const std::size_t unanswered = session_.unanswered();
    if (link_ && session_.begun() && (left_ || unanswered > 0)) left_.use().unacknowledged = unanswered;
    session_.handle_end();
    if (!link_) return;
    link_->retire();
    if (!lingering_) lingering_ = std::make_unique<Lingering>(*this);
    lingering_->link = std::move(link_);
    runtime_.arm_after(*lingering_, std::chrono::seconds{1});
}

/// What is left, and why, where the client was not made to give up by `why`.
void Core::take_stock(const Failure& why) {
    const session::Unfinished unfinished = session_.unfinished();
    DisconnectResult& left = left_.use();
    left.messages = unfinished.messages;
    left.requests = unfinished.requests;
    waiting_for_room_.for_each([&left](ClientOperation::Place& place) {
        ++left.messages[static_cast<std::size_t>(place.operation.prepared_->qos)];
    });
    left.undelivered = left.requests;
    for (const std::size_t count : left.messages) left.undelivered += count;
    left.why = Failure();
    if (left.undelivered == 0) return;
    const Failure* const causes[] = {&why, &drain_failure_, &last_failure_};
    for (const Failure* cause : causes) {
        if (!left.why) left.why = *cause;
    }
    if (!left.why) left.why = Failure(Errc::timed_out, "no connection in time");
}

/// Idle again. `why` is empty where that was asked for.
void Core::stop(const Failure& why) {
    state_ = ConnectionState::idle;
    session_.allow_direct(false);
    gave_up_ = why;
    drain_alarm_.disarm();
    const Failure closed = why ? why : Failure(Errc::closed);
    take_stock(why);
    session_.suspend(closed);
    if (requests_) requests_->end(closed);
    attempt_ = 0;
    ConnectionEvent event = this->event(Kind::stopped);
    event.cause = why;
    tell(event);
    fail_all(waiting_for_room_, closed);
    fail_all(waiting_to_connect_, closed);
    fail_all(waiting_until_connected_, closed);
    authentication_lost(closed);
    while (auto* place = waiting_to_disconnect_.pop_front()) {
        static_cast<DisconnectOperation&>(place->operation).result_ = left_.look();
        place->operation.finish();
    }
    // Streams that were opened before a first connection outlive attempts that fail.
    if (ever_connected_ || !why) router_.end(why);
    if (observer_) observer_->on_stopped(why);
}

// --- events

ConnectionEvent Core::event(ConnectionEvent::Kind kind) const {
    ConnectionEvent event;
    event.kind = kind;
    if (event_streams_.empty()) return event; // nobody will see it
    event.at = runtime_.now();
    event.endpoint = endpoint_;
    if (kind == Kind::connected || kind == Kind::lost) event.peer = peer_;
    event.attempt = attempt_;
    return event;
}

void Core::tell(const ConnectionEvent& event) {
    event_streams_.for_each([&](EventStream& stream) { stream.push(event); });
}

} // namespace culex::client
