#include "wire/framer.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "wire/fault.hpp"
#include "wire/varint.hpp"

namespace culex::wire {
namespace {

/// An idle connection keeps no more than this, and a busy one with small packets never gives anything back.
constexpr std::size_t kept_capacity = 4096;

PacketType type_in(Bytes bytes) noexcept { return Frame{std::to_integer<std::uint8_t>(bytes[0])}.type(); }

Failure length_failure(Bytes bytes, const char* what) {
    return refusal(type_in(bytes), {ReasonCode::malformed_packet, "remaining length", what});
}

} // namespace

Result<std::optional<Frame>> Framer::next_other() {
    if (stash_done_) {
        clear_stash();
        return next();
    }
    return stash_.empty() ? next_in_chunk() : next_in_stash();
}

Result<std::optional<Frame>> Framer::next_in_chunk() {
    const Bytes bytes{at_, end_};
    if (bytes.empty()) {
        kept_.reset();
        return std::optional<Frame>{};
    }
    const Result<Header> header = parse_header(bytes);
    if (!header) return header.failure();
    if (header->size != 0 && header->whole <= bytes.size()) {
        at_ += header->whole;
        return std::optional{
            Frame{std::to_integer<std::uint8_t>(bytes[0]), bytes.subspan(header->size, header->whole - header->size)}};
    }
    stash_.append(bytes);
    at_ = end_;
    kept_.reset();
    return std::optional<Frame>{};
}

Result<std::optional<Frame>> Framer::next_in_stash() {
    for (;;) {
        const Bytes begun = stash_.bytes();
        const Result<Header> header = parse_header(begun);
        if (!header) return header.failure();
        if (header->size != 0 && header->whole == begun.size()) {
            stash_done_ = true;
            return std::optional{Frame{std::to_integer<std::uint8_t>(begun[0]), begun.subspan(header->size)}};
        }
        // Until the header is whole, its end is not known: byte by byte.
        const std::size_t missing = header->size == 0 ? 1 : header->whole - begun.size();
        const std::size_t taken = std::min(missing, static_cast<std::size_t>(end_ - at_));
        if (taken == 0) return std::optional<Frame>{};
        stash_.append({at_, taken});
        at_ += taken;
    }
}

Result<Framer::Header> Framer::parse_header(Bytes bytes) const {
    const auto first_byte = std::to_integer<std::uint8_t>(bytes[0]);
    const Varint remaining = parse_varint(bytes.subspan(1));
    if (remaining.state == VarintState::too_long) return length_failure(bytes, "has more than four bytes");
    if (remaining.state == VarintState::padded) return length_failure(bytes, "is not in its shortest form");
    Header header;
    if (remaining.state == VarintState::complete) {
        header.size = 1U + remaining.size;
        header.whole = header.size + remaining.value;
        if (header.whole > maximum_) {
            return refusal(type_in(bytes), {ReasonCode::packet_too_large, "packet", "is above the maximum packet size",
                                            static_cast<std::uint32_t>(header.whole)});
        }
        if (header.whole <= bytes.size()) return header; // its reader will look at the flags
    }
    // Who speaks another protocol is told now, and not when the bytes that its second byte seems to promise have come.
    if (!has_legal_flags(first_byte)) {
        return refusal(type_in(bytes), {ReasonCode::malformed_packet, "first byte", "has illegal flags", first_byte});
    }
    return header;
}

void Framer::keep() {
    if (at_ == end_) return;
    Buffer rest; // and not kept_ itself, where the bytes may lie already
    rest.append({at_, end_});
    kept_.use().swap(rest);
    at_ = kept_->bytes().data();
    end_ = at_ + kept_->size();
    set_short_end();
}

Buffer Framer::take_stash() noexcept {
    if (!stash_done_) return {};
    stash_done_ = false;
    Buffer taken = std::move(stash_);
    set_short_end();
    return taken;
}

void Framer::clear_stash() noexcept {
    stash_done_ = false;
    if (stash_.capacity() > kept_capacity) {
        stash_.release();
    } else {
        stash_.clear();
    }
    set_short_end();
}

void Framer::reset() noexcept {
    at_ = end_ = nullptr;
    stash_done_ = false;
    stash_.release();
    kept_.reset();
    set_short_end();
}

} // namespace culex::wire
