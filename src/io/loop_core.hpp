#pragma once
/// \file loop_core.hpp
/// The io floor: libuv's loop made into a `Runtime`, and sockets made into `Stream`s.
///
/// Theory of operation. libuv calls us for five reasons: a socket is ready, our one timer has come, another thread has
/// posted, a name is resolved, and, once in every turn just before it sleeps, "prepare". Each of these callbacks is one
/// `Turn`: it calls the handlers that the event is for, and at its end runs the scheduler's ready queue and flushes what
/// that has written (see scheduler.hpp). So a packet's answer leaves with the end of the read that brought the packet, and
/// whatever is written outside of any callback of ours leaves with the next prepare. Nothing needs a handle of its own in
/// libuv but a socket, and a signal that the program wants to hear of (signal_set): one timer serves all timers, one prepare
/// flushes for all connections, one buffer reads for all. A signal just posts, and needs no turn.
///
/// Sockets. We own the descriptors and use libuv to learn when they are ready (`uv_poll_t`), not libuv's own streams: these
/// call write(2), so that a peer's reset kills, with SIGPIPE, every process that has not thought of ignoring it. A library
/// must not change unasked how its host's process treats signals, and cannot tell libuv to pass MSG_NOSIGNAL. Reading and
/// writing are then one recv or send on an address we choose, the same for TCP and Unix sockets.
///
/// Memory. A libuv handle is heap memory that is freed in its close callback (handle.hpp); everything else is owned by the
/// caller's unique_ptr and may be destroyed at any time, inside its own callbacks too. After a handler was called, the
/// object that called it may be gone: so calling the handler is always the last thing done, and what there is to do after
/// that is posted before.
///
/// Files: loop_core (turns, timer, wake-up, ends), mailbox (posts of other threads), address, lookup (name resolution),
/// connector (an opening: addresses, attempts), socket (options, errors), socket_stream, socket_listener, signal_set. TLS
/// knows nothing of libuv: tls_context and tls_config (what connections share), tls_engine (one connection, sans I/O),
/// tls_stream (around any stream), tls_opening (around any opening); no_tls stands in for all of them in builds without.

#include <atomic>
#include <cassert>
#include <memory>
#include <span>
#include <thread>

#include <uv.h>

#include <culex/buffer.hpp>
#include <culex/loop.hpp>

#include "io/handle.hpp"
#include "io/mailbox.hpp"

namespace culex::io {

/// How many loops a thread of their own has seen off: they ended while the resolver was still at work for them.
inline std::atomic<int> loops_seen_off{0};

/// What `Loop` hides.
class LoopCore {
public:
    /// Works on `borrowed`, or where that is null on a loop of its own. Throws `Error`.
    explicit LoopCore(uv_loop_t* borrowed);
    LoopCore(const LoopCore&) = delete;
    LoopCore& operator=(const LoopCore&) = delete;
    ~LoopCore() = default;
    /// Closes all, and runs an owned loop until that is done. Nothing but the destructor may follow.
    void close() noexcept;

    void attach(Loop& loop) noexcept { loop_ = &loop; }
    [[nodiscard]] Loop& loop() const noexcept { return *loop_; }
    [[nodiscard]] uv_loop_t* uv() const noexcept { return uv_; }
    [[nodiscard]] const std::shared_ptr<Mailbox>& mailbox() const noexcept { return mailbox_; }
    /// Where every stream reads into; what was read there is used up before anything else reads.
    [[nodiscard]] std::span<std::byte> read_buffer() const noexcept { return {read_buffer_.get(), read_size}; }

    /// Memory of a backlog that is gone, for the next stream that needs some: one for all, of 4 MiB at most.
    void keep_spare(Buffer& drained) noexcept {
        drained.clear();
        if (drained.capacity() > spare_.capacity() && drained.capacity() <= most_spare) spare_.swap(drained);
        drained.release();
    }
    void take_spare(Buffer& without) noexcept {
        if (without.capacity() == 0) without.swap(spare_);
    }

    [[nodiscard]] TimePoint now() const noexcept;
    void run() noexcept;
    void stop() noexcept;
    void hold() noexcept;
    void release() noexcept;
    /// See `Scheduler`. Inside a turn there is nothing to do: its end looks at both.
    void work_arrived() noexcept;
    void next_timer_changed() noexcept;

    /// Debug builds: the caller is on the thread that made the loop or last ran it.
    void check_thread() const noexcept;

private:
    friend class Turn;
    friend class LoopUser;
    static constexpr std::size_t read_size = std::size_t{64} * 1024;
    static constexpr std::size_t most_spare = std::size_t{4} << 20;
    /// Batches of the ready queue in a turn. More than one, since what one task does often makes another one ready; and not
    /// without end, since tasks that only yield to each other must not keep sockets waiting.
    static constexpr int rounds_per_turn = 8;

    void open_handles();
    void begin_turn() noexcept;
    void end_turn() noexcept;
    void set_timer() noexcept;
    void turn_again() noexcept;
    void bind_thread() noexcept;
    void close_handles() noexcept;
    void end_owned_loop() noexcept;
    [[nodiscard]] std::uint64_t uv_time(TimePoint when) const noexcept;

    Loop* loop_ = nullptr;
    std::unique_ptr<uv_loop_t> owned_;
    uv_loop_t* uv_;
    Handle<uv_prepare_t> prepare_;
    Handle<uv_idle_t> idle_; // runs only while something is ready: keeps the loop from sleeping, and from ending
    Handle<uv_timer_t> timer_;
    Handle<uv_async_t> async_;
    std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
    std::unique_ptr<std::byte[]> read_buffer_ = std::make_unique_for_overwrite<std::byte[]>(read_size);
    Buffer spare_;
    std::int64_t clock_offset_ = 0; // milliseconds from libuv's time to that of `Clock`
    std::uint64_t timer_due_ = 0;   // in libuv's time, while the timer is active
    int users_ = 0;
    int holds_ = 0;
    bool in_turn_ = false;
    bool stopped_ = false;
#ifndef NDEBUG
    std::atomic<std::thread::id> thread_{};
#endif
};

/// Stands around everything that one callback of libuv's does; its end runs the ready queue.
class [[nodiscard]] Turn {
public:
    explicit Turn(LoopCore& core) noexcept : core_(core), scope_(core.loop()) { core_.begin_turn(); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() { core_.end_turn(); }

private:
    LoopCore& core_;
    Scheduler::CurrentScope scope_;
};

/// Part of everything that a loop has opened: the loop asserts that it is the last to go.
class LoopUser {
public:
    explicit LoopUser(LoopCore& core) noexcept : core_(core) { ++core_.users_; }
    LoopUser(const LoopUser&) = delete;
    LoopUser& operator=(const LoopUser&) = delete;
    ~LoopUser() { --core_.users_; }
    [[nodiscard]] LoopCore& core() const noexcept { return core_; }

private:
    LoopCore& core_;
};

} // namespace culex::io
