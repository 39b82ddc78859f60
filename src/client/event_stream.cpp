#include "client/event_stream.hpp"

#include <cassert>

#include <fmt/format.h>

namespace culex {
namespace client {

EventStream::~EventStream() {
    wake();
    if (reader_) reader_->stream_ = nullptr;
}

void EventStream::push(const ConnectionEvent& event) {
    if (events_.size() == capacity_) {
        events_.pop_front();
        ++dropped_;
    }
    events_.push_back(event);
    wake();
}

void EventStream::end() noexcept {
    ended_ = true;
    wake();
}

std::optional<ConnectionEvent> EventStream::take() {
    if (events_.empty()) return std::nullopt;
    return events_.take_front();
}

void EventStream::set_reader(NextConnectionEvent* reader) noexcept {
    assert((!reader || !reader_) && "culex: two coroutines wait for one stream of connection events");
    reader_ = reader;
}

void EventStream::wake() noexcept {
    if (reader_) reader_->waiter_.wake();
}

} // namespace client

using client::EventStream;

NextConnectionEvent::~NextConnectionEvent() {
    if (stream_ && waiter_.handle) stream_->set_reader(nullptr);
}

bool NextConnectionEvent::await_ready() const noexcept { return !stream_ || stream_->ready(); }

void NextConnectionEvent::await_suspend(std::coroutine_handle<> waiting) noexcept {
    waiter_.suspend(waiting);
    stream_->set_reader(this);
}

std::optional<ConnectionEvent> NextConnectionEvent::await_resume() {
    if (!stream_) return std::nullopt; // there never was a stream, or it was dropped meanwhile
    if (waiter_.handle) stream_->set_reader(nullptr);
    waiter_.handle = {};
    return stream_->take();
}

void ConnectionEvents::Release::operator()(EventStream* stream) const noexcept { delete stream; }

ConnectionEvents::ConnectionEvents() noexcept = default;
ConnectionEvents::ConnectionEvents(ConnectionEvents&&) noexcept = default;
ConnectionEvents& ConnectionEvents::operator=(ConnectionEvents&&) noexcept = default;
ConnectionEvents::~ConnectionEvents() = default;

std::optional<ConnectionEvent> ConnectionEvents::try_next() { return stream_ ? stream_->take() : std::nullopt; }
std::size_t ConnectionEvents::size() const noexcept { return stream_ ? stream_->size() : 0; }
std::uint64_t ConnectionEvents::dropped() const noexcept { return stream_ ? stream_->dropped() : 0; }

std::string_view to_string(ConnectionEvent::Kind kind) noexcept {
    using enum ConnectionEvent::Kind;
    switch (kind) {
    case attempting:
        return "attempting";
    case connected:
        return "connected";
    case attempt_failed:
        return "attempt_failed";
    case lost:
        return "lost";
    case waiting:
        return "waiting";
    case stopped:
        return "stopped";
    }
    return "?";
}

std::string ConnectionEvent::to_string() const {
    using enum Kind;
    switch (kind) {
    case attempting:
        return fmt::format("attempt {}: {}", attempt, endpoint.to_string());
    case connected:
        return fmt::format("connected to {} ({}), session {}", endpoint.to_string(), peer,
                           session_present ? "resumed" : "new");
    case attempt_failed:
        return fmt::format("attempt {} failed: {}", attempt, cause.message());
    case lost:
        return fmt::format("connection lost: {}", cause.message());
    case waiting:
        return fmt::format("attempt {} follows in {} ms", attempt,
                           std::chrono::duration_cast<std::chrono::milliseconds>(delay).count());
    case stopped:
        return cause ? fmt::format("stopped: {}", cause.message()) : "stopped";
    }
    return "?";
}

} // namespace culex
