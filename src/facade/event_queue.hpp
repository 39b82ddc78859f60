#pragma once
/// \file event_queue.hpp
/// Packets on their way from the I/O thread to the dispatch thread, and the news of their end on the way back.

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "base/ring.hpp"
#include "client/core.hpp"

namespace culex::facade {

/// What an event counts for in the bounds of what may wait.
[[nodiscard]] std::size_t cost(const session::Event& event) noexcept;

/// How much waits, or is done with.
struct Held {
    std::size_t packets = 0;
    std::size_t bytes = 0;

    void add(std::size_t more_bytes) noexcept {
        ++packets;
        bytes += more_bytes;
    }
    [[nodiscard]] bool above(const Held& limit) const noexcept {
        return bytes > limit.bytes || packets > limit.packets;
    }
};

/// Both ways go in batches: a lock for many packets, not for each. How much may wait is the I/O thread's to decide, which
/// counts what it puts in and what is told to be done with.
class EventQueue {
public:
    using Events = Ring<session::Event>;

    // --- the I/O thread

    // Both take off `held`, what the I/O thread thinks that waits, what is done with since. Where it is still above `limit`,
    // the dispatch thread will call for all of its progress, and otherwise only for acknowledgements.

    /// Takes all of `events`.
    void push(Events& events, Held& held, const Held& limit);
    /// Gives the messages that are to be acknowledged.
    void collect(std::vector<session::Delivery>& deliveries, Held& held, const Held& limit);

    // --- the dispatch thread

    /// Waits until there is something in the queue, which is swapped with `events` (they must be empty), or to look after.
    void wait(Events& events);
    /// The same without waiting; false where there is nothing.
    bool take(Events& events);
    /// So many packets are done with, and with them a message that wants to be acknowledged, perhaps. True where the
    /// I/O thread must be called to `collect`.
    [[nodiscard]] bool done(const Held& some, const session::Delivery& delivery);
    /// Whether `interrupt` was called since it was last asked.
    [[nodiscard]] bool interrupted() noexcept {
        return interrupted_.load(std::memory_order_relaxed) && interrupted_.exchange(false, std::memory_order_acquire);
    }

    /// From any thread: there is something to look after besides packets.
    void interrupt();

private:
    void update(Held& held, const Held& limit) noexcept;

    std::mutex mutex_;
    std::condition_variable arrived_;
    std::atomic<bool> interrupted_ = false; // set under the mutex, so that no `wait` misses it
    Events events_;
    Held done_;
    std::vector<session::Delivery> deliveries_done_;
    bool anxious_ = false;
    bool called_ = false; // to collect
};

} // namespace culex::facade
