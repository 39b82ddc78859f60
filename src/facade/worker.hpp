#pragma once
/// \file worker.hpp
/// A thread whose end can be waited for within a limit, and that may outlive whoever started it.

#include <memory>
#include <thread>

#include <culex/function.hpp>
#include <culex/types.hpp>

namespace culex::facade {

/// Destroying it while the thread runs leaves that to itself: a client may be destroyed by its own callback, and then nobody
/// is there to join. Threads that were left are joined when the next one is left, or at the end of the process, which
/// waits a moment for them: they still use what main's end is about to destroy.
class Worker {
public:
    /// Makes the process wait at its end for the threads left by objects that are made after this call.
    static void watch_exit();

    Worker() noexcept;
    /// What `run` has captured is destroyed on the thread as well. Throws `Error` where the system gives no thread.
    explicit Worker(Function<void()> run);
    Worker(Worker&&) noexcept;
    Worker& operator=(Worker&& other) noexcept;
    ~Worker();

    /// True where the thread has ended by then, or there is none; not to be called on the thread itself.
    bool join_until(TimePoint deadline);

private:
    class End;
    friend class LeftWorkers;
    [[nodiscard]] bool ended() const;

    std::shared_ptr<End> end_;
    std::thread thread_;
};

} // namespace culex::facade
