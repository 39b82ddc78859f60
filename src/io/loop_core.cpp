#include "io/loop_core.hpp"

#include <algorithm>

#include "io/socket.hpp"

namespace culex::io {
namespace {

using std::chrono::milliseconds;

void check(int error) {
    if (error) throw Error(uv_failure(error, "libuv's loop could not be set up"));
}

template <class H> LoopCore& core_of(H* handle) noexcept { return *static_cast<LoopCore*>(handle->data); }

[[maybe_unused]] int count_handles(uv_loop_t* loop) noexcept {
    int count = 0;
    uv_walk(loop, [](uv_handle_t*, void* counter) { ++*static_cast<int*>(counter); }, &count);
    return count;
}

} // namespace

LoopCore::LoopCore(uv_loop_t* borrowed) : uv_(borrowed) {
    if (!borrowed) {
        auto fresh = std::make_unique<uv_loop_t>();
        check(uv_loop_init(fresh.get()));
        owned_ = std::move(fresh);
        uv_ = owned_.get();
    }
    try {
        open_handles();
    } catch (...) {
        close_handles();
        throw;
    }
    // Read before libuv reads it, and rounded down: so `now` is never ahead of the clock.
    const auto clock = std::chrono::floor<milliseconds>(Clock::now().time_since_epoch());
    uv_update_time(uv_);
    clock_offset_ = clock.count() - static_cast<std::int64_t>(uv_now(uv_));
    bind_thread();
}

void LoopCore::open_handles() {
    // The only one that can fail for lack of descriptors comes first, so that nothing is left to be closed.
    check(async_.open(this, [this](uv_async_t* handle) {
        return uv_async_init(uv_, handle, [](uv_async_t* woken) noexcept {
            LoopCore& core = core_of(woken);
            const Turn turn(core);
            core.mailbox_->run();
        });
    }));
    check(prepare_.open(this, [this](uv_prepare_t* handle) { return uv_prepare_init(uv_, handle); }));
    check(idle_.open(this, [this](uv_idle_t* handle) { return uv_idle_init(uv_, handle); }));
    check(timer_.open(this, [this](uv_timer_t* handle) { return uv_timer_init(uv_, handle); }));
    uv_unref(async_.base());
    uv_unref(prepare_.base());
    uv_unref(timer_.base());
    uv_prepare_start(prepare_.get(), [](uv_prepare_t* handle) noexcept { const Turn turn(core_of(handle)); });
    mailbox_->open(async_.get());
}

void LoopCore::close() noexcept {
    assert(!in_turn_ && "culex::Loop destroyed inside one of its own callbacks");
    bind_thread();
    mailbox_->close();
    assert(users_ == 0 && "culex::Loop destroyed before the streams, openings or listeners that it has opened");
    close_handles();
}

void LoopCore::close_handles() noexcept {
    prepare_.close();
    idle_.close();
    timer_.close();
    async_.close();
    if (owned_) end_owned_loop();
}

/// Handles close in one turn, and lookups that were called off in the next. What may be left then is a lookup that the
/// resolver is at work on: it cannot be stopped, and may take half a minute. Nobody is made to wait for it; a thread sees the
/// loop off.
void LoopCore::end_owned_loop() noexcept {
    for (int turn = 0; turn < 3 && uv_loop_alive(uv_) != 0; ++turn) uv_run(uv_, UV_RUN_NOWAIT);
    if (uv_loop_close(uv_) == 0) return;
    assert(count_handles(uv_) == 0 && "a handle of libuv's has leaked");
    const auto see_off = [](uv_loop_t* loop) noexcept {
        uv_run(loop, UV_RUN_DEFAULT);
        [[maybe_unused]] const int left = uv_loop_close(loop);
        assert(left == 0);
        delete loop;
        ++loops_seen_off;
    };
    uv_loop_t* const loop = owned_.release();
    try {
        std::thread(see_off, loop).detach();
    } catch (const std::system_error&) {
        see_off(loop);
    }
}

void LoopCore::bind_thread() noexcept {
#ifndef NDEBUG
    thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
#endif
}

void LoopCore::check_thread() const noexcept {
#ifndef NDEBUG
    assert(thread_.load(std::memory_order_relaxed) == std::this_thread::get_id() &&
           "culex::Loop used from another thread than its own; only Loop::post is for that");
#endif
}

TimePoint LoopCore::now() const noexcept {
    check_thread();
    // Inside a turn the time stands still. Elsewhere nobody knows how long ago libuv has last looked.
    if (!in_turn_) uv_update_time(uv_);
    return TimePoint(milliseconds(static_cast<std::int64_t>(uv_now(uv_)) + clock_offset_));
}

/// Rounded up: libuv's timer then comes when `now()` has reached `when`, so it is neither early nor set again in vain.
std::uint64_t LoopCore::uv_time(TimePoint when) const noexcept {
    const auto clock = std::chrono::ceil<milliseconds>(when.time_since_epoch());
    return static_cast<std::uint64_t>(std::max<std::int64_t>(clock.count() - clock_offset_, 0));
}

void LoopCore::run() noexcept {
    assert(!in_turn_ && "culex::Loop run from inside one of its own callbacks");
    bind_thread();
    do {
        // What was posted is under way too, though nothing of libuv's says so.
        const Turn turn(*this);
        mailbox_->run();
    } while (uv_run(uv_, UV_RUN_DEFAULT) == 0 && !stopped_ && mailbox_->waiting());
    stopped_ = false;
}

void LoopCore::stop() noexcept {
    check_thread();
    stopped_ = true;
    uv_stop(uv_); // is in force until a uv_run has obeyed it
}

void LoopCore::hold() noexcept {
    check_thread();
    if (holds_++ == 0) uv_ref(async_.base());
}

void LoopCore::release() noexcept {
    check_thread();
    if (--holds_ == 0) uv_unref(async_.base());
}

void LoopCore::work_arrived() noexcept {
    check_thread();
    if (!in_turn_) turn_again();
}

/// The idle handle does nothing; while it runs, libuv neither sleeps nor ends.
void LoopCore::turn_again() noexcept {
    uv_idle_start(idle_.get(), [](uv_idle_t*) {});
}

void LoopCore::next_timer_changed() noexcept {
    check_thread();
    if (!in_turn_) set_timer();
}

void LoopCore::begin_turn() noexcept {
    assert(!in_turn_ && "uv_run called from inside a callback of Culex");
    in_turn_ = true;
    bind_thread(); // a borrowed loop is run by whom it may
}

void LoopCore::end_turn() noexcept {
    bool ready = loop_->has_ready();
    for (int round = 0; ready && round < rounds_per_turn; ++round) ready = loop_->run_ready();
    set_timer();
    in_turn_ = false;
    if (ready) {
        turn_again();
    } else {
        uv_idle_stop(idle_.get());
    }
}

/// Sets libuv's timer only where it would come too late. One that comes too early finds nothing to do and is set again: so
/// timers that are moved on all the time, as keep-alives are, cost libuv nothing.
void LoopCore::set_timer() noexcept {
    const TimePoint next = loop_->next_timer();
    if (next == TimePoint::max()) {
        uv_unref(timer_.base());
        return;
    }
    uv_ref(timer_.base());
    const std::uint64_t due = uv_time(next);
    if (uv_is_active(timer_.base()) && timer_due_ <= due) return;
    timer_due_ = due;
    const std::uint64_t now = uv_now(uv_);
    const auto came = [](uv_timer_t* handle) noexcept {
        LoopCore& core = core_of(handle);
        const Turn turn(core);
        core.loop_->run_timers();
    };
    uv_timer_start(timer_.get(), came, due > now ? due - now : 0, 0);
}

} // namespace culex::io
