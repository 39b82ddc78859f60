// What callers do: they ask the I/O thread, and wait.
#include "facade/engine.hpp"

#include <utility>

#include "base/duration.hpp"
#include "client/arguments.hpp"
#include "facade/io_side.hpp"

namespace culex::facade {
namespace {

Failure never_connected() { return Failure(Errc::not_connected, "call connect first"); }

/// The I/O thread may not wait for itself: only a log hook can be there.
void check_may_wait() {
    if (!IoThread::is_current()) return;
    throw Error(Failure(Errc::not_supported, "this would wait for the thread that it was called on (a log hook's)"));
}

PacketId result_of(Answer& answer) {
    if (answer.failure) throw Error(std::move(answer.failure));
    return answer.mid;
}

} // namespace

Engine::Engine(Client& client, Profile profile)
    : client_(client), settings_(profile.settings), profile_(std::move(profile)), why_not_(never_connected()) {
    profile_.check();
    Worker::watch_exit();
}

Engine::~Engine() = default;

// --- asking and waiting

/// Until `done()`, with the hooks that are due meanwhile; see the theory of operation.
template <class Done> void Engine::wait(Lock& lock, Done done) {
    while (!done()) {
        const bool may_run_hooks = on_a_dispatch_thread() || !dispatching_ || hooks_.any_is_running_here();
        if (may_run_hooks && run_hook(lock)) continue;
        // A hook that waits for room would wait for the attempt that waits for the hook.
        if (requests_.blocked && hooks_.is_running_here(HookKind::before_reconnect)) {
            call_io([](IoSide& side) { side.open_gate(); });
        }
        changed_.wait(lock);
    }
}

/// The same inside `connect` and `reconnect`: hooks come first, since `after_connect` is part of having connected.
void Engine::wait_connecting(Lock& lock, Answer& answer) {
    for (;;) {
        if (run_hook(lock)) continue;
        if (answer.done) break;
        ++connecting_;
        changed_.wait(lock);
        --connecting_;
    }
    if (!hooks_.empty()) events_.interrupt(); // what came too late for us is the dispatch thread's
}

/// In the queue, and in the session for the first that waits there.
void Engine::wait_for_room(Lock& lock) {
    const auto must_wait = [this] { return open_ && (requests_.full() || (requests_.blocked && refuses_when_full())); };
    if (must_wait()) [[unlikely]] {
        if (refuses_when_full()) {
            count_refused();
            throw Error(Failure(Errc::queue_full));
        }
        check_may_wait();
        wait(lock, [&] { return !must_wait(); });
    }
    if (!open_) [[unlikely]]
        throw Error(why_not_);
}

void Engine::push(Request&& request) {
    requests_.add(std::move(request));
    if (!std::exchange(requests_.called, true)) call_io([](IoSide& side) { side.serve(); });
}

PacketId Engine::ask(Lock& lock, Request&& request, Answer& answer) {
    request.answer = &answer;
    push(std::move(request));
    wait(lock, [&] { return answer.done; });
    return result_of(answer);
}

PacketId Engine::ask(Answer::Verb verb) {
    check_may_wait();
    Answer answer{.verb = &verb};
    Lock lock(mutex_);
    wait_for_room(lock);
    return ask(lock, Request{}, answer);
}

/// Encoded without a lock. From QoS 1 up it is under an identifier of the loan, and at once where the loan covers it.
PacketId Engine::publish(Publish& message, const Payload* payload) {
    Request request{.message = client::prepare(message, settings_.version, payload).value()};
    Lock lock(mutex_);
    wait_for_room(lock);
    if (message.qos == QoS::at_most_once) {
        push(std::move(request));
        return 0;
    }
    const bool at_once = requests_.loan.covers(*request.message, message.retain);
    if (!at_once) check_may_wait(); // before it takes an identifier, which nobody would give back
    const PacketId id = requests_.loan.take_id();
    request.message->id = id;
    if (at_once) {
        push(std::move(request));
        return id;
    }
    Answer answer;
    return ask(lock, std::move(request), answer);
}

PacketId Engine::subscribe(std::span<const TopicSubscription> topics, const SubscribeProperties& properties) {
    client::check(topics, properties, settings_.version).value();
    // The caller waits: its arguments stay where they are.
    return ask([topics, &properties](client::Core& core) { return core.subscribe(topics, properties); });
}

PacketId Engine::unsubscribe(std::span<const std::string_view> topics, const UnsubscribeProperties& properties) {
    client::check(topics, properties, settings_.version).value();
    return ask([topics, &properties](client::Core& core) { return core.unsubscribe(topics, properties); });
}

Statistics Engine::statistics() {
    check_may_wait();
    Statistics now;
    Lock lock(mutex_);
    if (io_side_) {
        Answer answer;
        call_io([&](IoSide& side) { side.statistics(now, answer); });
        wait(lock, [&] { return answer.done; });
    }
    now.inbound_dropped += dropped();
    now.outbound_dropped[static_cast<std::size_t>(settings_.outbound.when_full)] +=
        refused_.load(std::memory_order_relaxed);
    return now;
}

Failure Engine::last_failure() {
    const std::scoped_lock lock(mutex_);
    return last_failure_;
}

void Engine::on(Command command, Callback callback, Condition condition, int priority) {
    const std::scoped_lock lock(registering_);
    registered_.push_back({command, std::move(callback), std::move(condition), priority});
    any_registered_.store(true, std::memory_order_release);
}

void Engine::on_message(Callback callback) {
    const std::scoped_lock lock(registering_);
    registered_.push_back({.callback = std::move(callback), .for_messages = true});
    any_registered_.store(true, std::memory_order_release);
}

void Engine::change_profile(Function<void(Profile&)> change) {
    const std::scoped_lock lock(mutex_);
    Profile changed = profile_;
    change(changed);
    changed.check();
    profile_ = std::move(changed);
    call_io([](IoSide& side) { side.configure(); });
}

// --- connecting and disconnecting

void Engine::connect(const Endpoint& endpoint, std::chrono::seconds keep_alive, ConnectSettings settings) {
    check_may_wait();
    ConnectRequest request{.endpoint = endpoint,
                           .keep_alive = keep_alive,
                           .socket_keepalive = settings.socket_keepalive,
                           .tls = settings.tls};
    request.hooks = std::make_shared<HookFunctions>(HookFunctions{
        std::move(settings.before_reconnect), std::move(settings.after_connect), std::move(settings.on_disconnected)});
    Answer answer;
    {
        Lock lock(mutex_);
        if (gone_) throw Error(why_not_);
        Profile profile = profile_;
        request.change(profile);
        profile.check();
        if (!io_side_) {
            if (!io_thread_) io_thread_ = IoThread::shared();
            io_side_ = std::make_unique<IoSide>(*this, io_thread_->loop());
        }
        call_io([&request, &answer](IoSide& side) { side.connect(request, answer); });
        wait_connecting(lock, answer);
    }
    result_of(answer);
}

void Engine::reconnect() {
    check_may_wait();
    Answer answer;
    Lock lock(mutex_);
    if (!io_side_) throw Error(why_not_);
    call_io([&answer](IoSide& side) { side.reconnect(answer); });
    wait_connecting(lock, answer);
    result_of(answer);
}

std::size_t Engine::disconnect() { return disconnect({.drain = settings_.drain}); }

std::size_t Engine::disconnect(const DisconnectOptions& options) {
    check_may_wait();
    Lock lock(mutex_);
    client::check(options, profile_.options().properties.session_expiry_interval.value_or(0) != 0).value();
    const std::size_t undelivered = stop_client(lock, options);
    end_loop(lock);
    return undelivered;
}

std::size_t Engine::stop_client(Lock& lock, const DisconnectOptions& options) {
    if (!io_side_) return 0;
    if (open_) why_not_ = Failure(Errc::not_connected, "the client has disconnected");
    open_ = false;
    hooks_.clear();
    changed_.notify_all();
    Answer answer;
    // The caller waits: its options stay where they are.
    call_io([&options, deadline = Clock::now() + bounded(options.drain), &answer](IoSide& side) {
        side.disconnect(options, deadline, answer);
    });
    ++disconnecting_;
    wait(lock, [&] { return answer.done; });
    --disconnecting_;
    return answer.undelivered;
}

void Engine::close() {
    Lock lock(mutex_);
    gone_ = true;
    open_ = false;
    why_not_ = Failure(Errc::closed, "the client was destroyed");
    mode_ = Mode::end;
    events_.interrupt();
    changed_.notify_all();
    if (IoThread::is_current()) {
        close_io_side_later();
    } else {
        stop_client(lock, {.drain = settings_.drain});
        close_io_side(lock);
        join_loop(lock, Clock::now() + bounded(settings_.drain));
    }
    // Where it has not ended (this may be it), it is left now and not with the engine, so that the process's end knows of it.
    const Worker left = std::move(dispatcher_);
    lock.unlock();
}

/// Everything that was called on it runs before.
void Engine::close_io_side(Lock& lock) {
    if (!io_side_) return;
    Answer answer;
    io_thread_->post([this, side = std::move(io_side_), &answer]() mutable {
        side.reset();
        this->answer(answer, Failure());
    });
    wait(lock, [&] { return answer.done; });
}

/// On the I/O thread nobody can wait for it: there the connection ends without DISCONNECT.
void Engine::close_io_side_later() {
    if (!io_side_) return;
    io_thread_->post([self = shared_from_this(), side = std::move(io_side_)]() mutable { side.reset(); });
}

} // namespace culex::facade
