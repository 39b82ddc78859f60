#include "facade/event_queue.hpp"

#include <utility>

namespace culex::facade {

std::size_t cost(const session::Event& event) noexcept {
    std::size_t bytes = sizeof event;
    if (event.message) bytes += 64 + event.message.topic().size() + event.message.payload().size();
    if (event.details) bytes += sizeof *event.details + event.details->reason_codes.size();
    return bytes;
}

void EventQueue::push(Events& events, Held& held, const Held& limit) {
    const std::scoped_lock lock(mutex_);
    if (events_.empty() && !events.empty()) {
        events_.swap(events);
        arrived_.notify_one();
    }
    while (!events.empty()) events_.push_back(events.take_front());
    update(held, limit);
}

void EventQueue::collect(std::vector<session::Delivery>& deliveries, Held& held, const Held& limit) {
    deliveries.clear();
    const std::scoped_lock lock(mutex_);
    called_ = false;
    deliveries.swap(deliveries_done_);
    update(held, limit);
}

void EventQueue::update(Held& held, const Held& limit) noexcept {
    const Held done = std::exchange(done_, {});
    held.packets -= done.packets;
    held.bytes -= done.bytes;
    anxious_ = held.above(limit);
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

bool EventQueue::done(const Held& some, const session::Delivery& delivery) {
    const std::scoped_lock lock(mutex_);
    done_.packets += some.packets;
    done_.bytes += some.bytes;
    const bool acknowledges = delivery.sequence != 0;
    if (acknowledges) deliveries_done_.push_back(delivery);
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
