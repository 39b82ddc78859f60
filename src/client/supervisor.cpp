// When there is a connection: the one coroutine that opens, watches and reopens it.
#include <fmt/format.h>

#include "base/log.hpp"
#include "client/core.hpp"

namespace culex::client {

Task<> Core::supervise() {
    for (;;) {
        Failure why = co_await attempt();
        if (!why) {
            connected();
            co_await connection();
            why = link_end_;
            drop_link();
            backoff_.was_connected(runtime_.now() - connected_at_);
            if (observer_) observer_->on_lost(why);
        } else if (observer_) {
            observer_->on_attempt_failed(why);
        }
        if (told_to_stop()) co_return stop(Failure());
        last_failure_ = why;
        log(LogLevel::info, "{}: {}", client_id(), why.message());
        if (give_up(why)) co_return stop(why);
        co_await back_off();
        if (told_to_stop()) co_return stop(Failure());
    }
}

/// One endpoint, up to CONNACK. Empty where it has succeeded.
Task<Failure> Core::attempt() {
    if (observer_ && ever_connected_) {
        may_proceed_ = false;
        observer_->on_before_attempt();
        while (!may_proceed_ && !told_to_stop()) co_await changed_.wait();
    }
    hurry_ = false;
    if (state_ != ConnectionState::disconnecting) state_ = ConnectionState::connecting;
    const Endpoint endpoint = endpoints_[next_endpoint_];
    runtime_.arm_after(alarm_, settings_.plain().connect_timeout);
    Failure why = co_await open_link(endpoint);
    if (!why) why = co_await await_connack();
    alarm_.disarm();
    if (!why) co_return Failure();
    drop_link();
    next_endpoint_ = (next_endpoint_ + 1) % endpoints_.size();
    ++tried_;
    co_return std::move(why).at(endpoint.to_string());
}

Task<Failure> Core::open_link(const Endpoint& endpoint) {
    opened_.reset();
    opening_ = runtime_.open(endpoint, settings_.plain().stream, *this);
    while (!opened_) {
        if (Failure why = interrupted("a connection", Phase::connect)) {
            opening_.reset();
            co_return why;
        }
        co_await changed_.wait();
    }
    opening_.reset();
    Result<std::unique_ptr<Stream>> stream = *std::move(opened_);
    opened_.reset();
    if (!stream) co_return std::move(stream).failure();
    link_end_ = Failure();
    LinkOwner& owner = *this;
    link_ = std::make_unique<Link>(runtime_, session_, *std::move(stream), owner);
    if (auto opened = session_.handle_open(connect_packet(), runtime_.now()); !opened)
        co_return std::move(opened).failure();
    link_->output_arrived();
    co_return Failure();
}

Task<Failure> Core::await_connack() {
    while (!session_.connected()) {
        if (link_end_ == Errc::end_of_stream) {
            co_return Failure(Errc::end_of_stream, "the broker closed the connection before CONNACK")
                .during(Phase::mqtt);
        }
        if (link_end_) co_return Failure(link_end_).during(Phase::mqtt);
        if (Failure why = interrupted("CONNACK", Phase::mqtt)) co_return why;
        co_await changed_.wait();
    }
    co_return Failure();
}

/// What ends a wait inside an attempt besides its own end.
Failure Core::interrupted(const char* waiting_for, Phase phase) const {
    if (told_to_stop()) return Failure(Errc::closed).during(phase);
    if (alarm_.armed()) return Failure();
    return Failure(Errc::timed_out,
                   fmt::format("no {} within {} ms", waiting_for, settings_.plain().connect_timeout.count()))
        .during(phase);
}

void Core::connected() {
    if (state_ != ConnectionState::disconnecting) state_ = ConnectionState::connected;
    ever_connected_ = true;
    tried_ = 0;
    connected_at_ = runtime_.now();
    while (auto* place = waiting_to_connect_.pop_front()) {
        static_cast<ConnectOperation&>(place->operation).result_ = {session_present_};
        place->operation.finish();
    }
    if (observer_) observer_->on_connected(session_present_);
}

/// Until the link ends. Here the drain of a disconnect runs out, and a connection that was asked to go goes.
Task<> Core::connection() {
    while (!link_end_) {
        if (state_ == ConnectionState::disconnecting && runtime_.now() >= drain_until_ && session_.connected()) {
            drain_failure_ = Failure(Errc::timed_out, "not acknowledged within the time for the drain");
            session_.disconnect_now();
            link_->flush();
        }
        if (hurry_ && state_ != ConnectionState::disconnecting) {
            link_end_ = Failure(Errc::connection_lost, "a new connection was asked for");
            co_return;
        }
        co_await changed_.wait();
    }
}

Task<> Core::back_off() {
    if (state_ != ConnectionState::disconnecting) state_ = ConnectionState::backing_off;
    // Every endpoint has its turn before there is a delay.
    const bool round_is_over = tried_ % endpoints_.size() == 0;
    if (!round_is_over) co_return;
    runtime_.arm_after(alarm_, backoff_.delay());
    while (alarm_.armed() && !hurry_ && !told_to_stop()) co_await changed_.wait();
    alarm_.disarm();
}

bool Core::give_up(const Failure& why) {
    if (!ever_connected_ && !retry_first_) return tried_ >= endpoints_.size();
    if (!worth_another_try(why)) return true;
    return !backoff_.again() && !hurry_;
}

bool Core::told_to_stop() const noexcept {
    if (state_ != ConnectionState::disconnecting) return false;
    return runtime_.now() >= drain_until_ || (session_.outstanding() == 0 && waiting_for_room_.empty() && !link_);
}

void Core::drop_link() {
    opening_.reset();
    alarm_.disarm();
    left_.unacknowledged = session_.unacknowledged();
    session_.handle_end();
    if (!link_) return;
    link_->retire();
    lingering_.link = std::move(link_);
    runtime_.arm_after(lingering_, std::chrono::seconds{1});
}

/// What is left, and why, where the client was not made to give up by `why`.
void Core::take_stock(const Failure& why) {
    const session::Unfinished unfinished = session_.unfinished();
    left_.messages = unfinished.messages;
    left_.requests = unfinished.requests;
    waiting_for_room_.for_each([this](ClientOperation::Place& place) {
        ++left_.messages[static_cast<std::size_t>(place.operation.prepared_->qos)];
    });
    left_.undelivered = left_.requests;
    for (const std::size_t count : left_.messages) left_.undelivered += count;
    left_.why = Failure();
    if (left_.undelivered == 0) return;
    const Failure* const causes[] = {&why, &drain_failure_, &last_failure_};
    for (const Failure* cause : causes) {
        if (!left_.why) left_.why = *cause;
    }
    if (!left_.why) left_.why = Failure(Errc::timed_out, "no connection in time");
}

/// Idle again. `why` is empty where that was asked for.
void Core::stop(const Failure& why) {
    state_ = ConnectionState::idle;
    drain_alarm_.disarm();
    const Failure closed = why ? why : Failure(Errc::closed);
    take_stock(why);
    session_.suspend(closed);
    fail_all(waiting_for_room_, closed);
    fail_all(waiting_to_connect_, closed);
    while (auto* place = waiting_to_disconnect_.pop_front()) {
        static_cast<DisconnectOperation&>(place->operation).result_ = left_;
        place->operation.finish();
    }
    // Streams that were opened before a first connection outlive attempts that fail.
    if (ever_connected_ || !why) router_.end(why);
    if (observer_) observer_->on_stopped(why);
}

} // namespace culex::client
