#pragma once
/// \file signal_set.hpp
/// Signals of the process, to be awaited: how a service learns that it is to end.

#include <initializer_list>
#include <memory>

#include <culex/loop.hpp>
#include <culex/task.hpp>

namespace culex {

/// Catches some signals as long as it lives; their default action is off meanwhile:
///
///     culex::SignalSet stop(loop, {SIGINT, SIGTERM}); // <csignal>
///     co_await culex::when_any(work(client), stop.next()); // whichever ends first; the other one is dropped
///     co_await client.disconnect({.drain = 5s});
///
/// Belongs to the loop's thread, whichever thread the signal comes to. Waiting for a signal does not keep `Loop::run()` from
/// returning; `Loop::run` of a task runs until the task has ended in any case. Several sets, of several loops too, may catch
/// the same signal: each gets it. When the last one goes, the default action is on, whatever the program had there before.
class SignalSet {
public:
    /// `loop` must outlive it. Throws `Errc::invalid_argument` for a number that is no signal, or one that cannot be caught
    /// (SIGKILL, SIGSTOP). Not for faults of the program itself (SIGSEGV, SIGFPE): these would come again for ever.
    SignalSet(Loop& loop, std::initializer_list<int> numbers);
    SignalSet(const SignalSet&) = delete;
    SignalSet& operator=(const SignalSet&) = delete;
    ~SignalSet();

    /// Waits for one of the signals and gives its number. One that came when nobody waited is kept, once for each number, in
    /// the order of arrival. A `next` that is dropped while it waits takes none; one that `when_any` drops on the turn on which
    /// it has ended has taken its number (see when_any.hpp). So in a loop, catch all signals with one set, in a task of its
    /// own. The set must outlive those who wait.
    [[nodiscard]] Task<int> next();

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace culex
