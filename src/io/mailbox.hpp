#pragma once
/// \file mailbox.hpp
/// What other threads want to be called on the loop.

#include <mutex>
#include <vector>

#include <uv.h>

#include <culex/function.hpp>

namespace culex::io {

/// A queue under a lock, and one wake-up for all that is posted before the loop comes to look. The loop's own turns never
/// take the lock: it does so only when it was woken. Outlives the loop where somebody still holds a `Poster`.
class Mailbox {
public:
    /// From any thread. False where the mailbox is closed; `function` then ends on the calling thread.
    bool post(Function<void()> function);

    /// The rest is for the loop's thread. `wake_up` must stay open until `close`.
    void open(uv_async_t* wake_up) noexcept;
    /// Runs what has been posted so far. What these post in turn waits for the next time, so that nobody holds up a turn.
    void run() noexcept;
    [[nodiscard]] bool waiting();
    /// Takes no more, and destroys what has not run.
    void close() noexcept;

private:
    std::mutex mutex_;
    std::vector<Function<void()>> posted_;
    uv_async_t* wake_up_ = nullptr;         // null = closed
    std::vector<Function<void()>> running_; // the loop's; kept for its memory
};

} // namespace culex::io
