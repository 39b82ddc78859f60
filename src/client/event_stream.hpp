#pragma once
/// \file event_stream.hpp
/// What stands behind `ConnectionEvents`: the events that wait for their reader.

#include <culex/connection_events.hpp>

#include "base/ring.hpp"

namespace culex::client {

/// Owned by its `ConnectionEvents`; in the client's list as long as both live.
class EventStream : public ListNode {
public:
    explicit EventStream(std::size_t capacity) noexcept : capacity_(capacity) {}
    ~EventStream();

    void push(const ConnectionEvent& event);
    /// Nothing will come any more: the client goes.
    void end() noexcept;

    [[nodiscard]] bool ready() const noexcept { return !events_.empty() || ended_; }
    [[nodiscard]] std::optional<ConnectionEvent> take();
    [[nodiscard]] std::size_t size() const noexcept { return events_.size(); }
    [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

    /// From when the reader suspends until it has run, or is dropped.
    void set_reader(NextConnectionEvent* reader) noexcept;

private:
    void wake() noexcept;

    const std::size_t capacity_; // at least 1
    Ring<ConnectionEvent> events_;
    std::uint64_t dropped_ = 0;
    NextConnectionEvent* reader_ = nullptr;
    bool ended_ = false;
};

} // namespace culex::client
