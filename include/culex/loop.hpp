#pragma once
/// \file loop.hpp
/// The loop on which clients live: time, sockets and tasks on one thread, with libuv beneath. A program gives itself up to
/// one (`run`), or has one work on the `uv_loop_t` that it runs already (uv.hpp).

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>

#include <culex/function.hpp>
#include <culex/runtime.hpp>
#include <culex/task.hpp>

namespace culex {

namespace io {
class LoopCore;
class Mailbox;
} // namespace io

/// A loop belongs to one thread: the one that made it, until another one runs it. All but `post` is for that thread (debug
/// builds assert it).
///
/// Whatever was opened with a loop must end before it: streams, openings, listeners (debug builds assert it). Posted
/// functions that have not run by then are destroyed.
class Loop final : public Runtime {
public:
    class Poster;
    class Hold;

    /// Throws `Error` where the process is out of descriptors.
    Loop();
    /// Waits for nothing. A loop on a borrowed `uv_loop_t` leaves handles to be closed there: see `adopt`.
    ~Loop();

    /// Runs until `stop`, or until nothing is under way that could call anything: nothing is posted, no timer is armed, no
    /// stream reads or has a backlog, nothing is being opened or listens, and no `Hold` is there. Not to be called from
    /// inside itself.
    void run();
    /// Runs until `task` has ended and gives its result, or throws its exception. Where `stop` comes first the task is
    /// dropped and `Error` with `Errc::cancelled` thrown. A task that waits for what nobody does is waited for.
    template <class T> T run(Task<T> task);
    /// Makes `run` return after this turn; the next `run` where none is under way. On a borrowed loop that is `uv_stop`.
    void stop() noexcept;

    /// Runs `function` on a coming turn, in the order of the posts. From any thread while the loop is there; see
    /// `Poster` for longer. Many calls wake the loop once. `function` must not throw. Not from a signal handler: it
    /// takes a lock, and memory (see signal_set.hpp).
    void post(Function<void()> function);
    using Scheduler::post; // nodes, on the loop's own thread
    /// For other threads to keep; it may outlive the loop.
    [[nodiscard]] Poster poster() const;

    /// To the millisecond: never ahead of `Clock::now()`, and fixed while the loop calls out. A timer is never early by it.
    [[nodiscard]] TimePoint now() const noexcept override;
    /// Implements every `Transport`; `tls`, `ws` and `wss` are `Errc::not_supported` where Culex was built without TLS.
    /// Name resolution runs on libuv's own threads.
    [[nodiscard]] std::unique_ptr<Opening> open(const Endpoint& endpoint, const StreamOptions& options,
                                                OpenHandler& handler) override;
    /// Of TCP, on an IP address, or on the first one of a name, looked up at once; or a Unix socket, whose file must not
    /// exist and is removed with the listener.
    [[nodiscard]] Result<std::unique_ptr<Listener>> listen(const Endpoint& endpoint, AcceptHandler& handler) override;

private:
    friend class io::LoopCore;
    friend struct UvAccess;
    explicit Loop(std::unique_ptr<io::LoopCore> core) noexcept;

    void work_arrived() noexcept override;
    void next_timer_changed() noexcept override;

    std::unique_ptr<io::LoopCore> core_;
};

/// Posts to a loop from any thread, also when the loop may be gone. Copies are cheap.
class Loop::Poster {
public:
    /// False where the loop is gone: `function` has been destroyed. True says that it was taken, and it will run unless
    /// the loop ends first. Not from a signal handler, as `Loop::post`.
    bool post(Function<void()> function) const;

private:
    friend class Loop;
    explicit Poster(std::shared_ptr<io::Mailbox> mailbox) noexcept : mailbox_(std::move(mailbox)) {}
    std::shared_ptr<io::Mailbox> mailbox_;
};

/// While one exists, `run` waits for posts when nothing else is under way. Belongs to the loop's thread.
class [[nodiscard]] Loop::Hold {
public:
    /// Holds `loop`, which must outlive it.
    explicit Hold(Loop& loop) noexcept;
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    ~Hold();

private:
    Loop& loop_;
};

template <class T> T Loop::run(Task<T> task) {
    struct Main : TaskRoot<T> {
        Main(Task<T> body, Loop& on) noexcept
            : TaskRoot<T>(std::move(body), [](TaskRoot<T>& ended) { static_cast<Main&>(ended).loop.stop(); }),
              loop(on) {}
        Loop& loop;
    };
    const Hold hold(*this);
    Main main(std::move(task), *this);
    main.start_on(*this);
    run();
    if (!main.done()) throw Error(Failure(Errc::cancelled, "the loop was stopped before the task had ended"));
    return main.result();
}

/// The whole of a `main`: makes a loop and runs the task that `function(Loop&)` gives. A `Task<>` makes an exit status: 0,
/// or 1 when an exception has ended it, which is written to stderr. Of any other task, the result is returned and the
/// exception thrown.
template <class F> auto run(F&& function) {
    using Result = decltype(std::declval<Loop&>().run(function(std::declval<Loop&>())));
    if constexpr (std::is_void_v<Result>) {
        try {
            Loop loop;
            loop.run(function(loop));
            return EXIT_SUCCESS;
        } catch (const std::exception& error) {
            std::fprintf(stderr, "%s\n", error.what());
            return EXIT_FAILURE;
        }
    } else {
        Loop loop;
        return loop.run(function(loop));
    }
}

} // namespace culex
