// What the dispatch thread does, and the hooks.
#include <utility>

#include "base/duration.hpp"
#include "base/log.hpp"
#include "client/arguments.hpp"
#include "facade/engine.hpp"
#include "facade/io_side.hpp"

namespace culex::facade {
namespace {

constinit thread_local const Engine* dispatching_here = nullptr;

/// What a callback is given, made of an event.
class Packet {
public:
    Packet(const session::Event& event, Refusal& refusal) {
        data_.command = static_cast<Command>(event.type);
        if (event.message) data_.message = &event.message;
        if (event.delivery.qos == QoS::at_least_once) data_.refusal = &refusal;
        if (event.type == PacketType::publish) return;
        data_.mid = event.id;
        if (event.id == 0) return;
        const bool several = event.details && !event.details->reason_codes.empty();
        const std::span<const ReasonCode> codes =
            several ? std::span<const ReasonCode>(event.details->reason_codes) : std::span(&event.reason_code, 1);
        if (event.type == PacketType::suback) {
            data_.granted_qos = {reinterpret_cast<const std::uint8_t*>(codes.data()), codes.size()};
        }
        if (!event.tells_reason) return;
        data_.reason_codes = codes;
        if (event.details) add_properties(*event.details);
    }
    Packet(const Packet&) = delete;
    Packet& operator=(const Packet&) = delete;

    [[nodiscard]] const CallbackData& data() const noexcept { return data_; }

private:
    void add_properties(const session::AckDetails& details) {
        if (!details.reason_string.empty()) properties_.reason_string = details.reason_string;
        for (const auto& [name, value] : details.user_properties) user_properties_.push_back({name, value});
        properties_.user_properties = user_properties_;
        if (properties_.reason_string || !user_properties_.empty()) data_.properties = &properties_;
    }

    CallbackData data_;
    AckProperties properties_;
    std::vector<UserProperty> user_properties_;
};

/// Calls something of the user's. An exception ends here, and in the log, with `what` and `of` as its subject.
template <class Call> void guarded(const char* what, std::string_view of, Call call) noexcept {
    try {
        call();
    } catch (const std::exception& error) {
        log(LogLevel::error, "{}{} threw: {}", what, of, error.what());
    } catch (...) {
        log(LogLevel::error, "{}{} threw something that is no std::exception", what, of);
    }
}

/// About what it costs to tell that packets are done with; so it is not done for each.
constexpr std::size_t worth_reporting = std::size_t{64} << 10;

} // namespace

void Engine::loop() {
    const std::scoped_lock lock(mutex_);
    if (gone_) return;
    mode_ = Mode::run;
    if (dispatching_) return;
    dispatcher_.join_until(TimePoint::max()); // of an earlier `loop`: it has ended but for its return
    dispatcher_ = Worker([self = shared_from_this()] { self->dispatch_all(); });
    dispatching_ = true;
    looping_ = true;
    if (!hooks_.empty()) events_.interrupt(); // the loop before it has ended without them
}

bool Engine::on_dispatch_thread() const noexcept { return dispatching_here == this; }
bool Engine::on_a_dispatch_thread() noexcept { return dispatching_here != nullptr; }

void Engine::dispatch_all() {
    dispatching_here = this;
    while (look_around()) {
        if (arrived_.empty()) {
            events_.wait(arrived_);
            continue; // what was registered meanwhile counts for what has come
        }
        const session::Event event = arrived_.take_front();
        if (dispatch(event)) {
            done_with(cost(event), event.delivery);
        } else {
            done_with(cost(event), {});
        }
    }
    dispatching_here = nullptr;
}

/// Looks for what there is besides packets. False where the loop is to end: then somebody else may dispatch already.
bool Engine::look_around() {
    learn_callbacks();
    if (!events_.interrupted()) return true;
    Lock lock(mutex_);
    while (connecting_ == 0 && mode_ == Mode::run && run_hook(lock)) {
    }
    if (mode_ == Mode::run) return true;
    if (mode_ == Mode::finish && (!arrived_.empty() || events_.take(arrived_))) {
        events_.interrupt(); // to be asked again after the next packet
        return true;
    }
    dispatching_ = false;
    looping_ = false;
    changed_.notify_all();
    return false;
}

void Engine::learn_callbacks() {
    if (!any_registered_.load(std::memory_order_relaxed)) return;
    std::vector<Registration> registered;
    {
        const std::scoped_lock lock(registering_);
        any_registered_.store(false, std::memory_order_relaxed);
        registered.swap(registered_);
    }
    for (Registration& one : registered) {
        if (one.for_messages) {
            callbacks_.set_message_callback(std::move(one.callback));
        } else {
            callbacks_.add(one.command, std::move(one.callback), std::move(one.condition), one.priority);
        }
    }
}

/// False where a callback has refused the message, so that it is not to be acknowledged any more.
bool Engine::dispatch(const session::Event& event) {
    const Packet packet(event, refusal_);
    Callback* const callback = callbacks_.select(packet.data());
    if (!callback || gone_) return true; // a condition may have destroyed the client
    guarded("the callback for ", to_string(event.type), [&] { (*callback)(client_, packet.data()); });
    if (!failed(refusal_.reason_code)) [[likely]]
        return true;
    const std::scoped_lock lock(mutex_);
    call_io([delivery = event.delivery, refusal = std::exchange(refusal_, {})](IoSide& side) {
        side.refuse(delivery, refusal);
    });
    return false;
}

/// Acknowledgements go at once, the rest when it is worth while.
void Engine::done_with(std::size_t bytes, const session::Delivery& delivery) {
    unreported_.add(bytes);
    const bool worth_while = delivery.sequence != 0 || unreported_.bytes >= worth_reporting || arrived_.empty();
    if (!worth_while || !events_.done(std::exchange(unreported_, {}), delivery)) return;
    const std::scoped_lock lock(mutex_);
    call_io([](IoSide& side) { side.collect(); });
}

/// True where there was one that this thread may run.
bool Engine::run_hook(Lock& lock) {
    if (gone_) return false;
    auto due = hooks_.take();
    if (!due) return false;
    lock.unlock();
    const bool before = due->kind == HookKind::before_reconnect;
    guarded("", to_string(due->kind), [&] { due->run(client_); });
    due->functions.reset(); // perhaps they were the last to refer to what these have captured
    lock.lock();
    hooks_.ran(*due);
    if (before) call_io([attempt = due->attempt](IoSide& side) { side.proceed(attempt); });
    if (!hooks_.empty()) events_.interrupt();
    changed_.notify_all();
    return true;
}

/// After `disconnect`: what has arrived is still dispatched, unless this is a callback.
void Engine::end_loop(Lock& lock) {
    if (!dispatching_) return;
    const bool here = on_dispatch_thread();
    if (here || mode_ == Mode::run) mode_ = here ? Mode::end : Mode::finish;
    events_.interrupt();
    if (!here) join_loop(lock, Clock::now() + bounded(settings_.drain));
}

void Engine::join_loop(Lock& lock, TimePoint deadline) {
    if (on_dispatch_thread()) return;
    const auto over = [this] { return !dispatching_ || (mode_ == Mode::run && !gone_); }; // or begun anew
    if (!changed_.wait_until(lock, deadline, over)) {
        mode_ = Mode::end;
        events_.interrupt();
        if (!changed_.wait_for(lock, bounded(settings_.drain), over)) {
            lock.unlock();
            log(LogLevel::warning, "a callback does not return: its thread is left to itself");
            lock.lock();
            return;
        }
    }
    if (dispatching_) return;
    Worker dispatcher = std::move(dispatcher_);
    lock.unlock();
    dispatcher.join_until(TimePoint::max());
    lock.lock();
}

} // namespace culex::facade

namespace culex {

bool CallbackData::reject(ReasonCode reason_code, const AckProperties& with) const {
    client::check(with).value();
    if (!refusal) return false;
    *refusal = {failed(reason_code) ? reason_code : ReasonCode::unspecified_error, session::Explanation(with)};
    return true;
}

} // namespace culex
