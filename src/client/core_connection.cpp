// What is asked about the connection itself: noted here, carried out by the supervisor.
#include <algorithm>
#include <cassert>
#include <utility>

#include <fmt/format.h>

#include "base/duration.hpp"
#include "client/arguments.hpp"
#include "client/core.hpp"

namespace culex::client {

void Core::connect(Result<std::vector<Endpoint>> endpoints, const ConnectOptions& options,
                   ConnectOperation& operation) {
    if (Failure why = connect(std::move(endpoints), options, false)) return fail(operation, std::move(why));
    waiting_to_connect_.push_back(operation.place_);
}

Failure Core::connect(Result<std::vector<Endpoint>> endpoints, const ConnectOptions& options, bool keep_messages) {
    check_caller();
    if (state_ != ConnectionState::idle) {
        return Failure(Errc::already_connected, fmt::format("the state is {}", to_string(state_)));
    }
    if (settings_.fault()) return settings_.fault();
    if (!endpoints) return std::move(endpoints).failure();
    if (endpoints->empty()) return Failure(Errc::invalid_argument, "endpoints: there is none");
    route_.start(*std::move(endpoints));
    ever_connected_ = false;
    retry_first_ = options.retry;
    const bool forget = settings_.clean_start() && !keep_messages;
    if (forget) session_.abandon(Failure(Errc::session_lost)); // [MQTT-3.1.2-4]
    start();
    return Failure();
}

void Core::start() {
    route_.start_over();
    attempt_ = 0;
    our_faults_ = 0;
    hurry_ = hopeless_ = false;
    gave_up_ = Failure();
    drain_until_ = TimePoint::max();
    disconnect_waits_ = false;
    backoff_.start_over();
    session_.accept_verbs();
    session_.allow_direct(waiting_for_room_.empty());
    state_ = ConnectionState::connecting;
    supervisor_.emplace(supervise());
    supervisor_->start_on(runtime_);
}

void Core::restart() {
    assert(state_ == ConnectionState::idle && !route_.empty());
    start();
}

void Core::disconnect(const DisconnectOptions& options, DisconnectOperation& operation) {
    if (state_ == ConnectionState::idle) {
        take_stock(Failure(Errc::not_connected));
        operation.result_ = left_.look();
        operation.done_ = true;
        return;
    }
    const bool kept = settings_.keeps_session();
    if (auto checked = check(options, kept); !checked) return fail(operation, std::move(checked).failure());
    waiting_to_disconnect_.push_back(operation.place_);
    disconnect(farewell(options), options.drain);
}

void Core::disconnect(session::Farewell farewell, std::chrono::milliseconds drain) {
    check_caller();
    state_ = ConnectionState::disconnecting;
    session_.allow_direct(false);
    drain_failure_ = Failure();
    drain_until_ = runtime_.now() + bounded(drain);
    runtime_.arm(drain_alarm_, drain_until_);
    disconnect_waits_ = true;
    farewell_.use() = std::move(farewell);
    fail_all(waiting_until_connected_, Failure(Errc::closed));
    pass_on_disconnect();
    verb_done();
    changed_.notify();
}

void Core::pass_on_disconnect() {
    if (!disconnect_waits_ || !waiting_for_room_.empty()) return;
    disconnect_waits_ = false;
    session_.disconnect(farewell_.use()); // kept for when the drain has run out
}

void Core::halt(const Failure& why) {
    if (state_ == ConnectionState::idle) return;
    supervisor_.reset();
    drop_link();
    stop(why);
}

void Core::reconnect() {
    check_caller();
    hurry_ = true;
    changed_.notify();
}

void Core::wait_connected(WaitConnectedOperation& operation) {
    switch (state_) {
    case ConnectionState::connected:
        if (hurry_ || link_end_) break; // not any more, as soon as the supervisor runs
        return operation.finish();
    case ConnectionState::idle: // nothing goes on that it could wait for
        return fail(operation, gave_up_ ? Failure(gave_up_) : not_open());
    case ConnectionState::disconnecting:
        return fail(operation, Failure(Errc::closed));
    case ConnectionState::connecting:
    case ConnectionState::backing_off:
        break;
    }
    waiting_until_connected_.push_back(operation.place_);
}

void Core::before_attempt(AttemptHook hook) { hook_ = hook ? std::make_shared<AttemptHook>(std::move(hook)) : nullptr; }

ConnectionEvents Core::connection_events(std::size_t capacity) {
    auto stream = std::make_unique<EventStream>(std::max<std::size_t>(capacity, 1));
    event_streams_.push_back(*stream);
    return ConnectionEvents(stream.release());
}

void Core::call_off(const Failure& why) {
    if (!ever_connected_) halt(why);
}

// --- in vain

Failure Core::late(std::string_view what) const {
    if (session_.connected()) return Failure(Errc::timed_out, fmt::format("{} in time", what));
    return Failure(Errc::timed_out, fmt::format("{} in time: there is no connection{}", what, last_cause()));
}

Failure Core::late_for_room() const {
    const std::string detail =
        fmt::format("no room in time, the message was not taken: the queue holds {}", session_.fullness());
    return Failure(Errc::timed_out, session_.connected() ? detail : detail + "; there is no connection" + last_cause());
}

Failure Core::late_to_connect() const {
    if (session_.connected()) return Failure(Errc::timed_out, "not authenticated in time");
    return Failure(Errc::timed_out, "not connected in time" + last_cause());
}

/// Of what came before this `connect` there is nothing to be told.
std::string Core::last_cause() const {
    const bool has_failed = ever_connected_ || attempt_ > 1 || state_ == ConnectionState::backing_off;
    if (has_failed && last_failure_) return fmt::format("; last: {}", last_failure_.message());
    return attempt_ == 0 ? "" : fmt::format("; still connecting to {}", endpoint_.to_string());
}

} // namespace culex::client

namespace culex {

std::string_view to_string(ConnectionState state) noexcept {
    switch (state) {
    case ConnectionState::idle:
        return "idle";
    case ConnectionState::connecting:
        return "connecting";
    case ConnectionState::connected:
        return "connected";
    case ConnectionState::backing_off:
        return "backing_off";
    case ConnectionState::disconnecting:
        return "disconnecting";
    }
    return "?";
}

} // namespace culex
