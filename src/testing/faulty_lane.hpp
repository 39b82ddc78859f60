#pragma once
/// \file faulty_lane.hpp
/// One direction of a faulty stream: bytes go in, wait, and come out changed, in pieces, late, or not at all.

#include <deque>
#include <vector>

#include <culex/testing/faulty_stream.hpp>

#include "wire/codec.hpp"

namespace culex::testing {

/// Cuts bytes into packets, and loses or repeats some. What is no MQTT passes as it is, from there on.
class PacketSieve {
public:
    /// `version` is shared by the two directions: CONNECT says it, whichever way that goes.
    PacketSieve(const std::vector<PacketFault>& faults, Version& version);

    void put(Bytes bytes, Buffer& out);
    /// Nothing more comes: what is no whole packet passes.
    void finish(Buffer& out);

private:
    /// How often the packet passes.
    [[nodiscard]] int judge(Bytes packet);
    [[nodiscard]] bool fits(const PacketFault& fault, const wire::Frame& frame);

    const std::vector<PacketFault>& faults_;
    std::vector<std::size_t> hits_; ///< of each fault
    Version& version_;
    bool is_mqtt_ = true;
    Buffer held_;
    wire::Arena arena_;
};

class FaultyLane {
public:
    /// `sift`: whether packets are to be looked at, for their own faults or for the other direction's.
    FaultyLane(const DirectionFaults& faults, bool sift, Version& version);
    FaultyLane(const FaultyLane&) = delete;
    FaultyLane& operator=(const FaultyLane&) = delete;

    void put(Bytes bytes, TimePoint now);
    /// Nothing more comes.
    void finish(TimePoint now);
    /// When the next piece may come out; `TimePoint::max()` where there is none, or a stall or cut is before it.
    [[nodiscard]] TimePoint next() const noexcept;
    [[nodiscard]] Buffer take(TimePoint now);
    [[nodiscard]] Duration delay() const noexcept { return faults_.delay; }

    [[nodiscard]] std::size_t size() const noexcept { return waiting_.size(); }
    [[nodiscard]] bool empty() const noexcept { return waiting_.empty(); }
    [[nodiscard]] bool is_cut() const noexcept { return faults_.cut_after && passed_ >= *faults_.cut_after; }
    [[nodiscard]] bool is_stalled() const noexcept { return faults_.stall_after && passed_ >= *faults_.stall_after; }
    /// Whether pieces come out one a turn.
    [[nodiscard]] bool is_spaced() const noexcept {
        return faults_.chunk_size != 0 || faults_.delay > Duration::zero() || faults_.interval > Duration::zero();
    }
    void release() noexcept { faults_.stall_after.reset(); }
    void clear() noexcept;

private:
    struct Portion {
        TimePoint due;
        std::size_t size;
    };
    [[nodiscard]] std::size_t due_bytes(TimePoint now) const noexcept;
    void add(TimePoint now);
    void forget_portions(std::size_t bytes);

    DirectionFaults faults_;
    bool sift_;
    PacketSieve sieve_;
    Buffer sifted_;
    Buffer waiting_;
    std::deque<Portion> portions_; ///< of `waiting_`, as they came
    std::uint64_t passed_ = 0;     ///< bytes that came out
    TimePoint next_piece_{};       ///< at the earliest, by the interval
};

} // namespace culex::testing
