#include "testing/faulty_lane.hpp"

#include <algorithm>

#include "wire/varint.hpp"

namespace culex::testing {

// --- packets

PacketSieve::PacketSieve(const std::vector<PacketFault>& faults, Version& version)
    : faults_(faults), hits_(faults.size()), version_(version) {}

void PacketSieve::put(Bytes bytes, Buffer& out) {
    held_.append(bytes);
    while (is_mqtt_ && held_.size() >= 2) {
        const wire::Varint length = wire::parse_varint(held_.bytes().subspan(1));
        if (length.state == wire::VarintState::cut_short) return;
        is_mqtt_ = length.state == wire::VarintState::complete;
        if (!is_mqtt_) break;
        const std::size_t whole = std::size_t{1} + length.size + length.value;
        if (held_.size() < whole) return;
        const Bytes packet = held_.bytes().first(whole);
        for (int times = judge(packet); times > 0; --times) out.append(packet);
        held_.consume(whole);
    }
    if (!is_mqtt_) finish(out);
}

void PacketSieve::finish(Buffer& out) {
    out.append(held_.bytes());
    held_.clear();
}

int PacketSieve::judge(Bytes packet) {
    const wire::Varint length = wire::parse_varint(packet.subspan(1));
    const wire::Frame frame{std::to_integer<std::uint8_t>(packet[0]), packet.subspan(std::size_t{1} + length.size)};
    if (frame.type() == PacketType::connect) {
        if (const Result<Version> asked = wire::connect_version(frame)) version_ = *asked;
    }
    int times = 1;
    for (std::size_t at = 0; at < faults_.size(); ++at) {
        const PacketFault& fault = faults_[at];
        if (!fits(fault, frame)) continue;
        const bool strikes = ++hits_[at] == fault.nth || fault.nth == 0;
        if (strikes) times = fault.kind == PacketFault::Kind::drop ? 0 : times * 2;
    }
    return times;
}

bool PacketSieve::fits(const PacketFault& fault, const wire::Frame& frame) {
    if (fault.type && *fault.type != frame.type()) return false;
    if (!fault.condition) return true;
    arena_.reset();
    const Result<Packet> packet = wire::decode(frame, version_, arena_);
    return packet && fault.condition(*packet);
}

// --- bytes

FaultyLane::FaultyLane(const DirectionFaults& faults, bool sift, Version& version)
    : faults_(faults), sift_(sift), sieve_(faults_.packets, version) {}

void FaultyLane::put(Bytes bytes, TimePoint now) {
    if (sift_) {
        sieve_.put(bytes, sifted_);
    } else {
        sifted_.append(bytes);
    }
    add(now);
}

void FaultyLane::finish(TimePoint now) {
    sieve_.finish(sifted_);
    add(now);
}

void FaultyLane::add(TimePoint now) {
    if (sifted_.empty()) return;
    const std::uint64_t begin = passed_ + waiting_.size();
    const std::size_t size = sifted_.size();
    std::byte* const copy = waiting_.reserve(size);
    std::memcpy(copy, sifted_.bytes().data(), size);
    for (const CorruptByte& one : faults_.corrupt) {
        if (one.at >= begin && one.at - begin < size) copy[one.at - begin] ^= std::byte{one.mask};
    }
    waiting_.commit(size);
    sifted_.clear();
    portions_.push_back({now + faults_.delay, size});
}

TimePoint FaultyLane::next() const noexcept {
    if (waiting_.empty() || is_stalled() || is_cut()) return TimePoint::max();
    return std::max(portions_.front().due, next_piece_);
}

std::size_t FaultyLane::due_bytes(TimePoint now) const noexcept {
    if (faults_.chunk_size == 0) return portions_.front().size;
    std::size_t bytes = 0;
    for (const Portion& portion : portions_) {
        if (portion.due > now || bytes >= faults_.chunk_size) break;
        bytes += portion.size;
    }
    return std::min(bytes, faults_.chunk_size);
}

Buffer FaultyLane::take(TimePoint now) {
    std::uint64_t size = due_bytes(now);
    if (faults_.stall_after) size = std::min(size, *faults_.stall_after - passed_);
    if (faults_.cut_after) size = std::min(size, *faults_.cut_after - passed_);
    Buffer piece;
    piece.append(waiting_.bytes().first(static_cast<std::size_t>(size)));
    waiting_.consume(piece.size());
    forget_portions(piece.size());
    passed_ += piece.size();
    next_piece_ = now + faults_.interval;
    return piece;
}

void FaultyLane::forget_portions(std::size_t bytes) {
    while (bytes > 0) {
        Portion& first = portions_.front();
        const std::size_t taken = std::min(bytes, first.size);
        first.size -= taken;
        bytes -= taken;
        if (first.size == 0) portions_.pop_front();
    }
}

void FaultyLane::clear() noexcept {
    waiting_.release();
    portions_.clear();
}

} // namespace culex::testing
