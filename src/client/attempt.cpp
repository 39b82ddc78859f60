// One attempt to connect: the hook, the transport, CONNACK.
#include <utility>

#include <fmt/format.h>

#include "base/duration.hpp"
#include "client/core.hpp"

namespace culex::client {
namespace {

/// A hook under way. It runs on turns of its own, and is cancelled when this ends.
class HookRun : private TaskRoot<> {
public:
    HookRun(std::shared_ptr<AttemptHook> hook, ConnectionAttempt& attempt, Signal& changed)
        : TaskRoot(run(std::move(hook), attempt), &HookRun::ended), changed_(changed) {}

    void start(Scheduler& scheduler) noexcept { start_on(scheduler); }
    using TaskRoot::done;
    /// Of a hook that is done: empty, or what it has thrown.
    [[nodiscard]] Failure failure() const { return failure_of(exception(), "before_attempt", Errc::cancelled); }

private:
    /// The hook itself is called in here too: it may be a plain function that makes a task, and throw.
    static Task<> run(std::shared_ptr<AttemptHook> hook, ConnectionAttempt& attempt) { co_await (*hook)(attempt); }
    static void ended(TaskRoot& root) { static_cast<HookRun&>(root).changed_.notify(); }

    Signal& changed_;
};

/// From an opening that is called off in this phase.
const char* waited_for(Phase phase) noexcept {
    if (phase == Phase::resolve) return "address";
    return phase == Phase::tls || phase == Phase::websocket ? "end of the handshake" : "connection";
}

} // namespace

/// Empty where it has succeeded.
Task<Failure> Core::attempt() {
    if (observer_ && ever_connected_) {
        may_proceed_ = false;
        observer_->on_before_attempt();
        while (!may_proceed_ && !told_to_stop()) co_await changed_.wait();
    }
    hurry_ = false;
    if (state_ != ConnectionState::disconnecting) state_ = ConnectionState::connecting;
    ++attempt_;
    endpoint_ = route_.next();
    peer_.clear();
    attempt_until_ = runtime_.now() + bounded(settings_.plain().connect_timeout);
    runtime_.arm(alarm_, attempt_until_);
    Failure why;
    if (hook_) why = co_await ask_hook();
    if (!told_to_stop()) {
        ++counts_.attempts;
        tell(event(ConnectionEvent::Kind::attempting));
    }
    if (!why) why = co_await begin_authentication();
    if (!why) why = co_await greet();
    if (may_fall_back(why)) why = co_await fall_back(std::move(why));
    alarm_.disarm();
    if (!why) co_return Failure();
    drop_link();
    co_return std::move(why).at(endpoint_.to_string());
}

Task<Failure> Core::ask_hook() {
    ConnectionAttempt attempt(attempt_, endpoint_, last_failure_);
    HookRun hook(hook_, attempt, changed_);
    hook.start(runtime_);
    while (!hook.done()) {
        if (Failure why = interrupted("end of before_attempt", Phase::none)) co_return why;
        co_await changed_.wait();
    }
    if (Failure why = hook.failure()) co_return why;
    if (attempt.gave_up_) {
        hopeless_ = true;
        co_return std::move(attempt.gave_up_);
    }
    endpoint_ = std::move(attempt.endpoint_);
    if (!attempt.renewed_) co_return Failure();
    co_return settings_.set_credentials(attempt.user_name_, attempt.password_).failure();
}

/// The transport, and what the broker makes of CONNECT.
Task<Failure> Core::greet() {
    speak(version_for(endpoint_));
    Failure why = co_await open_link();
    if (why) co_return why;
    co_return co_await await_connack();
}

Task<Failure> Core::open_link() {
    opened_.reset();
    opening_ = runtime_.open(endpoint_, settings_.plain().stream, *this);
    while (!opened_) {
        if (Failure why = interrupted(waited_for(opening_->phase()), opening_->phase())) {
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
    if ((*stream)->resumed_tls_session()) ++counts_.tls_sessions_resumed;
    LinkOwner& owner = *this;
    link_ = std::make_unique<Link>(runtime_, session_, *std::move(stream), owner);
    peer_ = link_->peer();
    wire::Arena arena;
    const Connect packet = connect_packet(arena);
    if (auto opened = session_.handle_open(packet, runtime_.now()); !opened) co_return std::move(opened).failure();
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
        if (Failure why = authenticate()) co_return why;
        if (session_.connected() || link_end_) continue;
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

} // namespace culex::client
