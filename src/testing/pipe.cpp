#include <culex/testing/pipe.hpp>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <deque>

namespace culex::testing {

namespace {

/// One end. Data under way, and unread data, belong to the end that it goes to; the backlog to the end that wrote it.
/// Every call of the handler is the last thing that its function does, for the handler may destroy the stream.
class PipeEnd final : public Stream {
public:
    PipeEnd(Scheduler& scheduler, std::shared_ptr<const PipeOptions> options, std::string peer)
        : scheduler_(scheduler), options_(std::move(options)), peer_(std::move(peer)), deliver_(*this), drained_(*this),
          arrival_(*this) {}
    ~PipeEnd() override;

    static void join(PipeEnd& a, PipeEnd& b) noexcept {
        a.other_ = &b;
        b.other_ = &a;
    }

    void start(StreamHandler& handler) override;
    void write(Buffer& bytes) override;
    std::size_t backlog() const noexcept override { return backlog_.size(); }
    void set_reading(bool on) override;
    void shutdown() override;
    std::string peer() const override { return peer_; }

private:
    struct Segment {
        TimePoint arrives;
        std::size_t size;
    };
    struct Deliver : ReadyNode {
        explicit Deliver(PipeEnd& end) noexcept
            : ReadyNode([](ReadyNode& node) { static_cast<Deliver&>(node).owner.deliver(); }), owner(end) {}
        PipeEnd& owner;
    };
    struct Drained : ReadyNode {
        explicit Drained(PipeEnd& end) noexcept
            : ReadyNode([](ReadyNode& node) { static_cast<Drained&>(node).owner.drained(); }), owner(end) {}
        PipeEnd& owner;
    };
    struct Arrival : Timer {
        explicit Arrival(PipeEnd& end) noexcept
            : Timer([](Timer& timer) { static_cast<Arrival&>(timer).owner.arrive(); }), owner(end) {}
        PipeEnd& owner;
    };

    // What comes to this end.
    std::size_t room() const noexcept;
    void receive(Bytes bytes);
    void receive_end(Failure why);
    TimePoint arrival_of_next() const;
    void arrive();
    void deliver();
    void tell_end(Failure why);
    // What leaves it.
    void send_backlog();
    void drained();

    Scheduler& scheduler_;
    std::shared_ptr<const PipeOptions> options_;
    std::string peer_;
    PipeEnd* other_ = nullptr; // null once it is destroyed
    StreamHandler* handler_ = nullptr;

    Buffer incoming_;
    std::size_t arrived_ = 0;          // so many bytes of incoming_ may be read
    std::deque<Segment> on_their_way_; // the rest of incoming_
    Failure end_;                      // comes behind all of it, where it is set
    TimePoint end_arrives_{};
    bool reading_ = true;
    bool broken_ = false; // a write has found the other end gone
    bool ended_ = false;  // the handler has been told

    Buffer backlog_;
    bool shut_down_ = false;

    Deliver deliver_;
    Drained drained_;
    Arrival arrival_;
};

Failure failure_at(std::error_code code, const std::string& peer) { return Failure(code).at(peer); }

PipeEnd::~PipeEnd() {
    if (!other_) return;
    const bool unread = !incoming_.empty() || !other_->backlog_.empty();
    other_->other_ = nullptr;
    other_->backlog_.release();
    if (unread) {
        other_->receive_end(failure_at(std::make_error_code(std::errc::connection_reset), other_->peer_));
    } else if (!other_->end_) {
        other_->receive_end(failure_at(Errc::end_of_stream, other_->peer_));
    }
}

void PipeEnd::start(StreamHandler& handler) {
    assert(!handler_);
    handler_ = &handler;
    scheduler_.post(deliver_);
}

void PipeEnd::write(Buffer& bytes) {
    assert(!shut_down_ && "culex: a stream was written to after its shutdown");
    if (!other_ || ended_) {
        bytes.clear();
        broken_ = true;
        scheduler_.post(deliver_);
        return;
    }
    if (!backlog_.empty()) {
        backlog_.append(bytes.bytes());
        bytes.clear();
        return;
    }
    backlog_.swap(bytes);
    send_backlog();
    if (backlog_.empty()) backlog_.swap(bytes); // all taken: the caller keeps its memory
}

void PipeEnd::send_backlog() {
    const std::size_t count = std::min(backlog_.size(), other_->room());
    if (count > 0) {
        other_->receive(backlog_.bytes().first(count));
        backlog_.consume(count);
    }
    if (shut_down_ && backlog_.empty()) other_->receive_end(failure_at(Errc::end_of_stream, other_->peer_));
}

void PipeEnd::set_reading(bool on) {
    reading_ = on;
    if (on) scheduler_.post(deliver_);
}

void PipeEnd::shutdown() {
    if (shut_down_) return;
    shut_down_ = true;
    if (other_) send_backlog();
}

std::size_t PipeEnd::room() const noexcept {
    return options_->capacity - std::min(options_->capacity, incoming_.size());
}

void PipeEnd::receive(Bytes bytes) {
    incoming_.append(bytes);
    // Where the latency has been lowered since, what was sent earlier still stands in front.
    on_their_way_.push_back({scheduler_.time_after(options_->latency), bytes.size()});
    arrive();
}

void PipeEnd::receive_end(Failure why) {
    end_ = std::move(why);
    end_arrives_ = scheduler_.time_after(options_->latency);
    arrive();
}

TimePoint PipeEnd::arrival_of_next() const {
    if (!on_their_way_.empty()) return on_their_way_.front().arrives;
    return end_ ? end_arrives_ : TimePoint::max();
}

void PipeEnd::arrive() {
    const TimePoint now = scheduler_.now();
    while (!on_their_way_.empty() && on_their_way_.front().arrives <= now) {
        arrived_ += on_their_way_.front().size;
        on_their_way_.pop_front();
    }
    const TimePoint next = arrival_of_next();
    if (arrived_ > 0 || next <= now) scheduler_.post(deliver_);
    if (next > now && next != TimePoint::max()) scheduler_.arm(arrival_, next);
}

void PipeEnd::deliver() {
    if (!handler_ || ended_) return;
    if (!reading_) {
        if (broken_) tell_end(failure_at(std::make_error_code(std::errc::connection_reset), peer_));
        return;
    }
    if (arrived_ == 0) {
        if (end_ && incoming_.empty() && end_arrives_ <= scheduler_.now()) tell_end(end_);
        return;
    }
    const std::size_t count = std::min(arrived_, std::max<std::size_t>(options_->chunk_size, 1));
    const auto chunk = std::make_unique_for_overwrite<std::byte[]>(count);
    std::memcpy(chunk.get(), incoming_.bytes().data(), count);
    incoming_.consume(count);
    arrived_ -= count;
    if (other_ && !other_->backlog_.empty()) {
        other_->send_backlog();
        if (other_->backlog_.empty()) scheduler_.post(other_->drained_);
    }
    arrive(); // posts this again where more is due
    handler_->on_read({chunk.get(), count});
}

void PipeEnd::drained() {
    const bool filled_again = !backlog_.empty(); // then there will be another call
    if (handler_ && !ended_ && !filled_again) handler_->on_drained();
}

void PipeEnd::tell_end(Failure why) {
    ended_ = true;
    handler_->on_end(std::move(why));
}

} // namespace

Pipe make_pipe(Scheduler& scheduler, const PipeOptions& options, std::pair<std::string, std::string> peers) {
    return make_pipe(scheduler, std::make_shared<const PipeOptions>(options), std::move(peers));
}

Pipe make_pipe(Scheduler& scheduler, std::shared_ptr<const PipeOptions> options,
               std::pair<std::string, std::string> peers) {
    auto first = std::make_unique<PipeEnd>(scheduler, options, std::move(peers.first));
    auto second = std::make_unique<PipeEnd>(scheduler, std::move(options), std::move(peers.second));
    PipeEnd::join(*first, *second);
    return {std::move(first), std::move(second)};
}

} // namespace culex::testing
