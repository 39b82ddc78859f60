#include <culex/scheduler.hpp>

#include <algorithm>

namespace culex {

Scheduler::~Scheduler() {
    for (Timer* timer : timers_) timer->scheduler_ = nullptr;
}

bool Scheduler::run_ready() noexcept {
    const CurrentScope scope(*this);
    // What the nodes post goes into the lists that are left behind, so a node that posts itself cannot hold the turn up.
    IntrusiveList<ReadyNode> batch;
    batch.splice_back(ready_);
    while (ReadyNode* node = batch.pop_front()) node->run_(*node);
    batch.splice_back(turn_end_);
    while (ReadyNode* node = batch.pop_front()) node->run_(*node);
    return has_ready();
}

void Scheduler::run_timers() noexcept {
    const CurrentScope scope(*this);
    const TimePoint now_at_start = now();
    const std::uint64_t armed_at_start = armed_;
    bool any = false;
    // `arm` moves times that have passed up to now, behind all that is due: the first timer that was armed meanwhile, or
    // that is not due yet, has nothing due behind it.
    while (!timers_.empty() && timers_.front()->when_ <= now_at_start && timers_.front()->order_ < armed_at_start) {
        Timer& timer = *timers_.front();
        remove(timer);
        any = true;
        timer.run_(timer);
    }
    if (any) next_timer_changed();
}

TimePoint Scheduler::next_timer() const noexcept { return timers_.empty() ? TimePoint::max() : timers_.front()->when_; }

TimePoint Scheduler::time_after(Duration delay) const noexcept {
    const TimePoint start = now();
    return delay > TimePoint::max() - start ? TimePoint::max() : start + delay;
}

void Scheduler::arm(Timer& timer, TimePoint when) {
    const TimePoint earliest_before = next_timer();
    if (timer.scheduler_ != this) {
        timer.disarm();
        timers_.push_back(&timer);
        timer.place_ = timers_.size() - 1;
        timer.scheduler_ = this;
    }
    timer.when_ = std::max(when, now());
    timer.order_ = armed_++;
    sift_up(timer.place_);
    sift_down(timer.place_);
    if (next_timer() != earliest_before) next_timer_changed();
}

bool Scheduler::before(const Timer& a, const Timer& b) noexcept {
    return a.when_ != b.when_ ? a.when_ < b.when_ : a.order_ < b.order_;
}

void Scheduler::disarm(Timer& timer) noexcept {
    const TimePoint earliest_before = next_timer();
    remove(timer);
    if (next_timer() != earliest_before) next_timer_changed();
}

void Scheduler::remove(Timer& timer) noexcept {
    const std::size_t index = timer.place_;
    timer.scheduler_ = nullptr;
    Timer* last = timers_.back();
    timers_.pop_back();
    if (last == &timer) return;
    place(index, last);
    sift_up(index);
    sift_down(last->place_);
}

void Scheduler::place(std::size_t index, Timer* timer) noexcept {
    timers_[index] = timer;
    timer->place_ = index;
}

void Scheduler::sift_up(std::size_t index) noexcept {
    Timer* timer = timers_[index];
    while (index > 0) {
        Timer* parent = timers_[(index - 1) / 2];
        if (!before(*timer, *parent)) break;
        place(index, parent);
        index = (index - 1) / 2;
    }
    place(index, timer);
}

void Scheduler::sift_down(std::size_t index) noexcept {
    Timer* timer = timers_[index];
    for (;;) {
        std::size_t child = 2 * index + 1;
        if (child >= timers_.size()) break;
        if (child + 1 < timers_.size() && before(*timers_[child + 1], *timers_[child])) ++child;
        if (!before(*timers_[child], *timer)) break;
        place(index, timers_[child]);
        index = child;
    }
    place(index, timer);
}

} // namespace culex
