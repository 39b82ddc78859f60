#include "facade/event_queue.hpp"

#include <utility>

namespace culex::facade {

std::size_t cost(const session::Event& event) noexcept {
    std::size_t bytes = sizeof event;
    if (event.message) bytes += 64 + event.message.topic().size() + event.message.payload().size();
    if (event.details) bytes += sizeof *event.details + event.details->reason_codes.size();
    return bytes;
}

bool EventQueue::push(Events& events, bool anxious) {
    const std::scoped_lock lock(mutex_);
    anxious_ = anxious;
    if (events_.empty() && !events.empty()) {
        events_.swap(events);
        arrived_.notify_one();
    }
    while (!events.empty()) events_.push_back(events.take_front());
    return anxious && progress_.bytes > 0;
}

void EventQueue::collect(Progress& into) {
    into.deliveries.clear();
    const std::scoped_lock lock(mutex_);
    called_ = false;
    into.bytes = std::exchange(progress_.bytes, 0);
    into.deliveries.swap(progress_.deliveries);
}

void EventQueue::wait(Events& events) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [this] { return !events_.empty() || interrupted_.load(std::memory_order_relaxed); });
    if (!events_.empty()) events_.swap(events);
}

bool EventQueue::take(Events& events) {
    const std::scoped_lock lock(mutex_);
    if (events_.empty()) return false;
    events_.swap(events);
    return true;
}

bool EventQueue::done(std::size_t bytes, const session::Delivery& delivery) {
    const std::scoped_lock lock(mutex_);
    progress_.bytes += bytes;
    const bool acknowledges = delivery.sequence != 0;
    if (acknowledges) progress_.deliveries.push_back(delivery);
    if (called_ || !(anxious_ || acknowledges)) return false;
    called_ = true;
    return true;
}

void EventQueue::interrupt() {
    const std::scoped_lock lock(mutex_);
    interrupted_.store(true, std::memory_order_release);
    arrived_.notify_one();
}

} // namespace culex::facade
