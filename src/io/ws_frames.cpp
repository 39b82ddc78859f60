#include "io/ws_frames.hpp"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "base/text.hpp"

namespace culex::io {
namespace {

constexpr std::byte final_bit{0x80};
constexpr std::byte reserved_bits{0x70};
constexpr std::byte mask_bit{0x80};

// What the seven bits of a length say where it stands in the bytes behind them.
constexpr unsigned length_of_2_bytes = 126;
constexpr unsigned length_of_8_bytes = 127;

unsigned number(std::byte byte) noexcept { return std::to_integer<unsigned>(byte); }

std::uint64_t read_big_endian(Bytes bytes) noexcept {
    std::uint64_t value = 0;
    for (const std::byte byte : bytes) value = value << 8 | number(byte);
    return value;
}

std::byte* write_big_endian(std::byte* to, std::uint64_t value, unsigned size) noexcept {
    for (unsigned i = size; i-- > 0;) *to++ = static_cast<std::byte>(value >> (8 * i) & 0xFF);
    return to;
}

std::byte* write_header(std::byte* to, const WsFrame& frame, std::uint64_t size) noexcept {
    *to++ = static_cast<std::byte>(frame.opcode) | (frame.final ? final_bit : std::byte{0});
    const std::byte masked = frame.mask ? mask_bit : std::byte{0};
    // The shortest form is the only legal one (section 5.2).
    if (size < length_of_2_bytes) {
        *to++ = masked | static_cast<std::byte>(size);
    } else if (size <= 0xFFFF) {
        *to++ = masked | std::byte{length_of_2_bytes};
        to = write_big_endian(to, size, 2);
    } else {
        *to++ = masked | std::byte{length_of_8_bytes};
        to = write_big_endian(to, size, 8);
    }
    return frame.mask ? std::ranges::copy(*frame.mask, to).out : to;
}

/// The mask for what follows `count` bytes of what this one is for.
WsMask rotated(const WsMask& mask, std::size_t count) noexcept {
    WsMask next{};
    for (std::size_t i = 0; i < next.size(); ++i) next[i] = mask[(i + count) % mask.size()];
    return next;
}

/// Bytes of the header whose first two are these.
std::size_t header_size(std::byte second) noexcept {
    const unsigned length = number(second & ~mask_bit);
    const std::size_t extended = length == length_of_8_bytes ? 8 : length == length_of_2_bytes ? 2 : 0;
    return 2 + extended + ((second & mask_bit) != std::byte{0} ? 4 : 0);
}

bool is_control(WsOpcode opcode) noexcept { return opcode >= WsOpcode::close; }

} // namespace

/// Eight bytes at a time: this is done to all that is sent.
void copy_masked(std::byte* to, Bytes from, const WsMask& mask) noexcept {
    std::uint32_t half = 0;
    std::memcpy(&half, mask.data(), sizeof half);
    const std::uint64_t whole = std::uint64_t{half} << 32 | half; // the same in either order of bytes
    std::size_t at = 0;
    for (; from.size() - at >= sizeof whole; at += sizeof whole) {
        std::uint64_t word = 0;
        std::memcpy(&word, from.data() + at, sizeof word);
        word ^= whole;
        std::memcpy(to + at, &word, sizeof word);
    }
    for (; at < from.size(); ++at) to[at] = from[at] ^ mask[at % mask.size()];
}

void append_frame(Buffer& to, const WsFrame& frame, Bytes first, Bytes second) {
    const std::size_t size = first.size() + second.size();
    std::byte* const begin = to.reserve(ws_header_most + size);
    std::byte* at = write_header(begin, frame, size);
    const WsMask mask = frame.mask.value_or(WsMask{});
    copy_masked(at, first, mask);
    at += first.size();
    copy_masked(at, second, rotated(mask, first.size()));
    at += second.size();
    to.commit(static_cast<std::size_t>(at - begin));
}

std::optional<WsPiece> WsReader::next(Bytes& input) {
    while (fault_.empty()) {
        if (!in_frame_ && !take_header(input)) return std::nullopt;
        if (left_ > 0 && input.empty()) return std::nullopt;
        const WsPiece piece = take_payload(input);
        if (!is_control(opcode_)) {
            if (!piece.bytes.empty()) return piece; // an empty frame says nothing
        } else if (left_ == 0) {
            control_size_ = 0;
            return piece;
        }
    }
    return std::nullopt;
}

/// Gathers a header; true when it is whole and legal. One that is not whole waits, and takes all of the input.
bool WsReader::take_header(Bytes& input) {
    while (!input.empty()) {
        const std::size_t wanted = header_size_ < 2 ? 2 : header_size(header_[1]);
        const std::size_t count = std::min(wanted - header_size_, input.size());
        std::ranges::copy(input.first(count), header_.begin() + static_cast<std::ptrdiff_t>(header_size_));
        header_size_ += count;
        input = input.subspan(count);
        if (header_size_ < 2 || header_size_ < header_size(header_[1])) continue;
        header_size_ = 0;
        in_frame_ = check_header();
        return in_frame_;
    }
    return false;
}

bool WsReader::check_header() {
    const bool final = (header_[0] & final_bit) != std::byte{0};
    const bool masked = (header_[1] & mask_bit) != std::byte{0};
    const Bytes header(header_);
    const unsigned length = number(header_[1] & ~mask_bit);
    const std::size_t length_size = length == length_of_8_bytes ? 8 : length == length_of_2_bytes ? 2 : 0;
    left_ = length_size == 0 ? length : read_big_endian(header.subspan(2, length_size));
    if (masked) std::ranges::copy(header.subspan(2 + length_size, 4), mask_.begin());

    if ((header_[0] & reserved_bits) != std::byte{0})
        return refuse(WsClose::protocol_error, "a frame with a reserved bit, though no extension was agreed upon");
    if (!check_kind(final, number(header_[0] & std::byte{0x0F}))) return false;
    if (masked != masked_)
        return refuse(WsClose::protocol_error, masked ? "a masked frame from the server" : "a frame without a mask");
    if (left_ >> 63 != 0) return refuse(WsClose::protocol_error, "a frame whose length has its highest bit set");
    if ((length_size == 2 && left_ < length_of_2_bytes) || (length_size == 8 && left_ <= 0xFFFF))
        return refuse(WsClose::protocol_error, "a frame whose length is not in its shortest form");
    return true;
}

/// Sets `opcode_`, and follows the fragments of a message (section 5.4).
bool WsReader::check_kind(bool final, unsigned opcode) {
    switch (opcode) {
    case static_cast<unsigned>(WsOpcode::text): // [MQTT-6.0.0-1]
        return refuse(WsClose::unacceptable_data, "a text frame, where MQTT has binary frames only");
    case static_cast<unsigned>(WsOpcode::continuation):
    case static_cast<unsigned>(WsOpcode::binary):
        if (in_message_ != (opcode == static_cast<unsigned>(WsOpcode::continuation)))
            return refuse(WsClose::protocol_error,
                          in_message_ ? "a new message inside of a fragmented one" : "a continuation of no message");
        in_message_ = !final;
        opcode_ = WsOpcode::binary;
        return true;
    case static_cast<unsigned>(WsOpcode::close):
    case static_cast<unsigned>(WsOpcode::ping):
    case static_cast<unsigned>(WsOpcode::pong):
        if (!final) return refuse(WsClose::protocol_error, "a fragmented control frame");
        if (left_ > ws_control_most) return refuse(WsClose::protocol_error, "a control frame of more than 125 bytes");
        opcode_ = static_cast<WsOpcode>(opcode);
        return true;
    default:
        return refuse(WsClose::protocol_error, fmt::format("a frame with the reserved opcode {}", opcode));
    }
}

WsPiece WsReader::take_payload(Bytes& input) noexcept {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
    WsPiece piece{opcode_, input.first(count), masked_ ? mask_ : WsMask{}};
    input = input.subspan(count);
    left_ -= count;
    if (is_control(opcode_)) {
        copy_masked(control_.data() + control_size_, piece.bytes, piece.mask);
        control_size_ += count;
        piece = {opcode_, Bytes(control_).first(control_size_), {}};
    }
    if (left_ == 0) {
        in_frame_ = false;
    } else {
        mask_ = rotated(mask_, count);
    }
    return piece;
}

bool WsReader::refuse(WsClose code, std::string what) {
    close_code_ = code;
    fault_ = std::move(what);
    return false;
}

std::optional<WsCloseReason> read_close(Bytes payload) {
    if (payload.empty()) return WsCloseReason{};
    if (payload.size() == 1) return std::nullopt;
    const auto code = static_cast<std::uint16_t>(read_big_endian(payload.first(2)));
    const std::string_view text = as_text(payload.subspan(2));
    // 1004 to 1006 and 1015 are never said (section 7.4.1); 3000 to 4999 are for libraries and applications.
    const bool legal =
        (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code < 5000);
    if (!legal || check_text(text) == TextFault::malformed) return std::nullopt;
    return WsCloseReason{code, printable(text, ws_control_most)};
}

std::array<std::byte, 2> close_payload(WsClose code) noexcept {
    std::array<std::byte, 2> payload{};
    write_big_endian(payload.data(), static_cast<std::uint16_t>(code), payload.size());
    return payload;
}

} // namespace culex::io
