// What the I/O thread tells the engine.
#include <utility>

#include "facade/engine.hpp"

namespace culex::facade {

void Engine::take_requests(Ring<Request>& pending) {
    const std::scoped_lock lock(mutex_);
    requests_.called = false;
    for (Request& request : requests_.requests) pending.push_back(std::move(request));
    requests_.requests.clear();
}

void Engine::served(std::vector<Served>& answers, std::size_t count, std::size_t bytes, bool blocked,
                    const Loan& loan) {
    const std::scoped_lock lock(mutex_);
    const bool was_full = requests_.full() || requests_.blocked;
    requests_.count -= count;
    requests_.bytes -= bytes;
    requests_.blocked = blocked;
    requests_.renew(loan);
    for (Served& served : answers) {
        served.answer->done = true;
        if (served.result) {
            served.answer->mid = *served.result;
        } else {
            served.answer->failure = std::move(served.result).failure();
        }
    }
    if (was_full || blocked || !answers.empty()) changed_.notify_all();
    answers.clear();
}

void Engine::answer(Answer& answer, const Failure& failure, std::size_t undelivered) {
    const std::scoped_lock lock(mutex_);
    answer.failure = failure;
    answer.undelivered = undelivered;
    answer.done = true;
    changed_.notify_all();
}

void Engine::begin(ConnectRequest& request) {
    const std::scoped_lock lock(mutex_);
    request.change(profile_);
    hooks_.clear();
    hooks_.swap_functions(request.hooks);
}

Profile Engine::profile() {
    const std::scoped_lock lock(mutex_);
    return profile_;
}

void Engine::connected(std::vector<Answer*>& answers) {
    const std::scoped_lock lock(mutex_);
    connected_.store(true, std::memory_order_release);
    if (disconnecting_ == 0 && !gone_) {
        open_ = true;
        make_due({.kind = HookKind::after_connect});
    }
    for (Answer* answer : answers) answer->done = true;
    answers.clear();
    changed_.notify_all();
}

void Engine::note_failure(const Failure& why) {
    const std::scoped_lock lock(mutex_);
    last_failure_ = why;
}

void Engine::lost(const Failure& why) {
    const std::scoped_lock lock(mutex_);
    if (disconnecting_ == 0 && !gone_) make_due({.kind = HookKind::on_disconnected, .why = why});
}

void Engine::stopped(const Failure& why, bool gives_up) {
    const std::scoped_lock lock(mutex_);
    hooks_.clear();
    if (gives_up && disconnecting_ == 0 && !gone_) {
        make_due({.kind = HookKind::on_disconnected, .why = why, .gives_up = true});
    }
    if (open_) {
        why_not_ = Failure(Errc::not_connected, "the client has disconnected");
        if (why) why_not_ = Failure(Errc::not_connected, "the client has given up: " + why.message());
    }
    open_ = false;
    changed_.notify_all();
}

bool Engine::ask_before_attempt(std::uint64_t attempt) {
    const std::scoped_lock lock(mutex_);
    if (gone_ || !hooks_.has(HookKind::before_reconnect)) return false;
    make_due({.kind = HookKind::before_reconnect, .attempt = attempt});
    return true;
}

/// Whoever waits in `connect` or `reconnect` runs it, and otherwise the dispatch thread.
void Engine::make_due(HookQueue::Due hook) {
    hooks_.add(std::move(hook));
    if (!hooks_.empty() && connecting_ == 0) events_.interrupt();
    changed_.notify_all();
}

bool Engine::runs_before_reconnect() {
    const std::scoped_lock lock(mutex_);
    return hooks_.is_running(HookKind::before_reconnect);
}

} // namespace culex::facade
