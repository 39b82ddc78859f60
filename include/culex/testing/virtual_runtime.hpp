#pragma once
/// \file virtual_runtime.hpp
/// A world in which tests run: time stands still until everything that can happen at an instant has happened, then jumps to
/// the next timer; streams are pipes in memory (pipe.hpp). No sleeps, no ports, and the same order of events in every run.
///
///     culex::testing::VirtualRuntime runtime;
///     auto listener = runtime.listen({culex::Transport::tcp, "broker", 1883}, handler);
///     runtime.run(connect_and_publish(runtime));  // hours of keep-alive pass in no time
///     runtime.advance(10min);

#include <memory>
#include <string>

#include <culex/runtime.hpp>
#include <culex/task.hpp>
#include <culex/testing/pipe.hpp>

namespace culex::testing {

/// Not thread-safe. Streams, openings and listeners must be destroyed before it.
///
/// Hosts are names without meaning: `open` reaches the listener that has the same host (letter for letter) and port, or path
/// for `unix://`. Where there is none the peer refuses (`std::errc::connection_refused`). Transports other than TCP and
/// Unix sockets are `Errc::not_supported`, but for TLS after `set_tls` and WebSocket after `set_websocket`. `StreamOptions`
/// have no effect on others.
class VirtualRuntime final : public Runtime {
public:
    /// Pipes and openings start with these options; see the setters.
    explicit VirtualRuntime(const PipeOptions& options = {});
    ~VirtualRuntime();

    /// Begins at an hour after the clock's epoch, so that times before it can be named.
    [[nodiscard]] TimePoint now() const noexcept override { return now_; }
    [[nodiscard]] std::unique_ptr<Opening> open(const Endpoint& endpoint, const StreamOptions& options,
                                                OpenHandler& handler) override;
    [[nodiscard]] Result<std::unique_ptr<Listener>> listen(const Endpoint& endpoint, AcceptHandler& handler) override;
    /// 1, 2, 3, ...: clients draw the same delays in every run.
    [[nodiscard]] std::uint64_t random_seed() noexcept override { return ++seeds_; }

    // Time. All of these throw `Error` (`std::errc::resource_deadlock_would_occur`) when the turn limit is reached without
    // time passing: something posts itself forever. None may be called by what they run.

    /// Runs everything that can happen without time passing.
    void run_until_idle();
    /// Lets `duration` pass, stopping at each timer, and runs everything that is due by its end.
    void advance(Duration duration);
    /// Runs a turn if anything can happen now, or else lets time pass up to the next timer; false where nothing can
    /// ever happen.
    bool step();
    /// Runs the task to its end, letting time pass as needed, and gives its result or throws its exception. It throws
    /// `Error` where the task can never end (`std::errc::resource_deadlock_would_occur`: nothing is ready and no timer
    /// armed), or does not end within `limit` of virtual time (`Errc::timed_out`).
    template <class T> T run(Task<T> task, Duration limit = std::chrono::hours(24)) {
        turns_at_this_instant_ = 0;
        TaskRoot<T> root(std::move(task));
        root.start_on(*this);
        const TimePoint end = time_after(limit);
        while (!root.done()) step_of_run(end);
        return root.result();
    }
    /// Runs until `done()` is true, asked after every turn; false where `limit` of virtual time passes, or nothing can
    /// happen any more, before.
    template <class Done> bool run_until(Done done, Duration limit = std::chrono::hours(24)) {
        turns_at_this_instant_ = 0;
        const TimePoint end = time_after(limit);
        while (!done()) {
            if (next_event() > end || !step()) return false;
        }
        return true;
    }

    // The network. These hold for what begins afterwards, and for the pipes that are open: see `make_pipe`.

    /// How to open what is `Transport::tls`: `runtime.set_tls(&culex::open_tls)`. It is not there by itself, so that tests
    /// without TLS need no library for it.
    using TlsOpener = std::unique_ptr<Opening> (*)(Runtime&, const Endpoint&, const StreamOptions&, OpenHandler&);
    /// Holds for openings from now on; null: none.
    void set_tls(TlsOpener open_tls) noexcept { open_tls_ = open_tls; }
    /// The same for `Transport::ws`, and with `set_tls` for `Transport::wss`: `runtime.set_websocket(&culex::open_websocket)`.
    void set_websocket(TlsOpener open_websocket) noexcept { open_websocket_ = open_websocket; }
    /// Names that do not resolve (`Errc::host_not_found`), and hosts that never answer: an opening never ends.
    void set_unresolvable(const std::string& host, bool on = true);
    /// Hosts that never answer.
    void set_black_hole(const std::string& host, bool on = true);
    /// How long an opening takes, and bytes from one end to the other, also on connections that are there: an hour makes them
    /// silent. 0 by default; still nothing happens inline.
    void set_latency(Duration latency) noexcept { options_->latency = latency; }
    /// See `PipeOptions`.
    void set_chunk_size(std::size_t bytes) noexcept { options_->chunk_size = bytes; }
    /// See `PipeOptions`.
    void set_capacity(std::size_t bytes) noexcept { options_->capacity = bytes; }

    /// So many turns may pass at one instant, 10 million by default.
    void set_turn_limit(int turns) noexcept { turn_limit_ = turns; }

private:
    class PipeOpening;
    class PipeListener;
    struct Network;

    void turn();
    void step_of_run(TimePoint end);
    [[nodiscard]] TimePoint next_event() const noexcept { return has_ready() ? now_ : next_timer(); }
    void work_arrived() noexcept override {}
    void next_timer_changed() noexcept override {}

    TimePoint now_{std::chrono::hours(1)};
    std::uint64_t seeds_ = 0;
    int turn_limit_ = 10'000'000;
    int turns_at_this_instant_ = 0;
    bool turning_ = false;
    TlsOpener open_tls_ = nullptr;
    TlsOpener open_websocket_ = nullptr;
    std::shared_ptr<PipeOptions> options_;
    std::unique_ptr<Network> network_;
};

} // namespace culex::testing
