#include <culex/testing/faulty_stream.hpp>

#include <cassert>

#include <fmt/format.h>

#include "testing/callbacks.hpp"
#include "testing/faulty_lane.hpp"

namespace culex::testing {
namespace {

/// With so much received and not handed on, the stream inside is not read.
constexpr std::size_t most_received = std::size_t{256} * 1024;

} // namespace

/// Every call of the handler is the last thing that its function does, for the handler may destroy the stream.
class FaultyStream::Impl final : private StreamHandler {
public:
    Impl(Scheduler& scheduler, std::unique_ptr<Stream> inner, const Faults& faults)
        : scheduler_(scheduler), inner_(std::move(inner)), peer_(inner_->peer()), has_faults_(faults.any()),
          received_(faults.received, sifts(faults), version_), sent_(faults.sent, sifts(faults), version_) {}

    void release();
    void start(StreamHandler& handler);
    void write(Buffer& bytes);
    [[nodiscard]] std::size_t backlog() const noexcept { return sent_.size() + (inner_ ? inner_->backlog() : 0); }
    void set_reading(bool on);
    void shutdown();
    void acknowledge_soon() noexcept {
        if (inner_) inner_->acknowledge_soon();
    }
    [[nodiscard]] const std::string& peer() const noexcept { return peer_; }

private:
    static bool sifts(const Faults& faults) noexcept {
        return !faults.received.packets.empty() || !faults.sent.packets.empty();
    }

    void on_read(Bytes bytes) override;
    void on_end(Failure why) override;
    void on_drained() override { sent_moved(); }

    void pump_sent();
    void sent_moved();
    void received_moved();
    void follow_reading();
    void cut();
    void tell_end();

    Scheduler& scheduler_;
    std::unique_ptr<Stream> inner_; // null once it was cut
    const std::string peer_;
    const bool has_faults_;
    Version version_ = Version::v3_1_1;
    FaultyLane received_;
    FaultyLane sent_;

    StreamHandler* handler_ = nullptr;
    bool reading_ = true;
    bool inner_reading_ = true;
    bool owes_drained_ = false;
    bool shut_down_ = false;
    bool inner_shut_down_ = false;
    Failure end_; // comes behind what was received
    TimePoint end_due_{};
    bool cut_ = false;
    bool ended_ = false; // the handler has been told

    OwnedNode<Impl> sent_node_{*this, &Impl::sent_moved};
    OwnedTimer<Impl> sent_timer_{*this, &Impl::sent_moved};
    OwnedNode<Impl> received_node_{*this, &Impl::received_moved};
    OwnedTimer<Impl> received_timer_{*this, &Impl::received_moved};
    OwnedNode<Impl> end_node_{*this, &Impl::tell_end};
};

void FaultyStream::Impl::start(StreamHandler& handler) {
    handler_ = &handler;
    if (inner_) inner_->start(*this);
}

// --- sent

void FaultyStream::Impl::write(Buffer& bytes) {
    assert(!shut_down_ && "culex: a stream was written to after its shutdown");
    if (!inner_ || end_) {
        bytes.clear();
        return;
    }
    if (!has_faults_) return inner_->write(bytes);
    sent_.put(bytes.bytes(), scheduler_.now());
    bytes.clear();
    pump_sent();
    owes_drained_ = owes_drained_ || backlog() > 0;
}

void FaultyStream::Impl::pump_sent() {
    while (inner_) {
        if (sent_.is_cut() && inner_->backlog() == 0) return cut();
        const TimePoint when = sent_.next();
        if (when == TimePoint::max()) break;
        if (when > scheduler_.now()) return scheduler_.arm(sent_timer_, when);
        Buffer piece = sent_.take(scheduler_.now());
        inner_->write(piece);
        if (sent_.is_spaced() && !sent_.empty()) return scheduler_.post(sent_node_);
    }
    if (inner_ && shut_down_ && sent_.empty() && !std::exchange(inner_shut_down_, true)) inner_->shutdown();
}

void FaultyStream::Impl::sent_moved() {
    pump_sent();
    if (!owes_drained_ || backlog() > 0 || ended_ || cut_ || !handler_) return;
    owes_drained_ = false;
    handler_->on_drained();
}

void FaultyStream::Impl::shutdown() {
    if (shut_down_) return;
    if (inner_) sent_.finish(scheduler_.now());
    shut_down_ = true;
    pump_sent();
}

// --- received

void FaultyStream::Impl::on_read(Bytes bytes) {
    if (!has_faults_) return handler_->on_read(bytes);
    received_.put(bytes, scheduler_.now());
    received_moved();
}

void FaultyStream::Impl::on_end(Failure why) {
    end_ = std::move(why);
    end_due_ = scheduler_.now() + received_.delay();
    sent_.clear();
    received_.finish(scheduler_.now());
    received_moved();
}

void FaultyStream::Impl::received_moved() {
    if (!reading_ || ended_ || cut_) return;
    if (received_.empty() && end_) {
        return end_due_ > scheduler_.now() ? scheduler_.arm(received_timer_, end_due_) : tell_end();
    }
    const TimePoint when = received_.is_cut() ? scheduler_.now() : received_.next();
    if (when > scheduler_.now()) {
        if (when != TimePoint::max()) scheduler_.arm(received_timer_, when);
        return follow_reading();
    }
    const Buffer piece = received_.is_cut() ? Buffer() : received_.take(scheduler_.now());
    if (received_.is_cut()) {
        cut(); // before the owner can answer
    } else if (!received_.empty() || end_) {
        scheduler_.post(received_node_);
    }
    follow_reading();
    if (!piece.empty()) handler_->on_read(piece.bytes());
}

void FaultyStream::Impl::set_reading(bool on) {
    reading_ = on;
    follow_reading();
    if (on) scheduler_.post(received_node_);
}

void FaultyStream::Impl::follow_reading() {
    const bool wanted = reading_ && !received_.is_stalled() && received_.size() < most_received;
    if (!inner_ || wanted == inner_reading_) return;
    inner_reading_ = wanted;
    inner_->set_reading(wanted);
}

void FaultyStream::Impl::release() {
    received_.release();
    sent_.release();
    follow_reading();
    scheduler_.post(received_node_);
    scheduler_.post(sent_node_);
}

// --- ends

void FaultyStream::Impl::cut() {
    cut_ = true;
    inner_.reset();
    sent_.clear();
    received_.clear();
    end_ = Failure(std::make_error_code(std::errc::connection_reset), "a fault has cut the connection").at(peer_);
    scheduler_.post(end_node_);
}

void FaultyStream::Impl::tell_end() {
    if (ended_ || !handler_) return;
    ended_ = true;
    handler_->on_end(end_);
}

// --- the public face

FaultyStream::FaultyStream(Scheduler& scheduler, std::unique_ptr<Stream> inner, Faults faults)
    : impl_(std::make_unique<Impl>(scheduler, std::move(inner), faults)) {}
FaultyStream::~FaultyStream() = default;
void FaultyStream::release() { impl_->release(); }
void FaultyStream::start(StreamHandler& handler) { impl_->start(handler); }
void FaultyStream::write(Buffer& bytes) { impl_->write(bytes); }
std::size_t FaultyStream::backlog() const noexcept { return impl_->backlog(); }
void FaultyStream::set_reading(bool on) { impl_->set_reading(on); }
void FaultyStream::shutdown() { impl_->shutdown(); }
void FaultyStream::acknowledge_soon() noexcept { impl_->acknowledge_soon(); }
std::string FaultyStream::peer() const { return impl_->peer(); }

} // namespace culex::testing
