#pragma once
/// \file framer.hpp
/// Cuts a stream of bytes into packets.

#include <cassert>
#include <optional>

#include <culex/buffer.hpp>
#include <culex/result.hpp>
#include <culex/types.hpp>

#include "base/rare.hpp"
#include "wire/varint.hpp"

namespace culex::wire {

/// No limit but the protocol's own.
inline constexpr std::uint32_t no_limit = 0xFFFF'FFFF;

/// One packet, not looked into: its first byte, and what its Remaining Length covers. A view.
struct Frame {
    std::uint8_t first_byte = 0;
    Bytes body{};

    [[nodiscard]] PacketType type() const noexcept { return static_cast<PacketType>(first_byte >> 4); }
    /// Of the whole packet, in bytes.
    [[nodiscard]] std::size_t size() const noexcept { return 1 + varint_size(body.size()) + body.size(); }
};

/// The bits that the first byte's lower half may have for each packet type, one bit of the mask for each of the 16 values:
/// reserved flags are 0 or, for PUBREL, SUBSCRIBE and UNSUBSCRIBE, 2 [MQTT-2.1.3-1]; PUBLISH has neither QoS 3 nor DUP at
/// QoS 0 [MQTT-3.3.1-4], [MQTT-3.3.1-2]. Type 0 is no packet.
inline constexpr std::uint16_t legal_flags[16] = {0, 1, 1, 0x3C3F, 1, 1, 4, 1, 4, 1, 4, 1, 1, 1, 1, 1};
[[nodiscard]] constexpr bool has_legal_flags(std::uint8_t first_byte) noexcept {
    return (legal_flags[first_byte >> 4] >> (first_byte & 0x0F) & 1) != 0;
}

/// Frames lie in the chunk that was fed, in place, or, where a packet came in pieces, in the framer's stash. The stash holds
/// only bytes that have arrived: a header that promises 256 MB costs nothing until they come. It is given back when it is
/// empty and large.
///
///     framer.feed(chunk);
///     while (auto frame = framer.next(); ...)   // until it is empty or fails
///
/// A failure is final: every later `next` repeats it.
class Framer {
public:
    Framer() = default;
    explicit Framer(std::uint32_t maximum_packet_size) noexcept : maximum_(maximum_packet_size) {}

    /// The greatest whole packet, header included, that is let through; a greater one fails before its body is read
    /// [MQTT-3.1.2-24].
    void set_maximum_packet_size(std::uint32_t bytes) noexcept {
        maximum_ = bytes;
        set_short_end();
    }

    /// Gives the next bytes, which must stay where they are until `next` has said that nothing is left, or `keep` was
    /// called. Not to be called before that either.
    void feed(Bytes chunk) noexcept {
        assert(at_ == end_);
        at_ = chunk.data();
        end_ = at_ + chunk.size();
        set_short_end();
    }

    /// The short way of `next`: a packet of less than 130 bytes that came whole, as most packets do. False: ask `next`.
    [[nodiscard, gnu::always_inline]] bool next_short(Frame& into) noexcept {
        const std::byte* const at = at_;
        if (short_end_ - at < 2) return false;
        const auto size = std::to_integer<std::size_t>(at[1]);
        const std::byte* const body = at + 2;
        if (size >= 0x80 || size > static_cast<std::size_t>(short_end_ - body)) return false;
        into = Frame{std::to_integer<std::uint8_t>(at[0]), {body, size}};
        at_ = body + size;
        return true;
    }
    /// What `next_short` would look at, for who can do with a look at the bytes; and that it is used up to `at`.
    [[nodiscard]] Bytes short_bytes() const noexcept { return at_ < short_end_ ? Bytes{at_, short_end_} : Bytes{}; }
    /// Of these; 0, which no packet begins with, where there are none.
    [[nodiscard]] std::uint8_t short_first_byte() const noexcept {
        return at_ < short_end_ ? std::to_integer<std::uint8_t>(*at_) : std::uint8_t{};
    }
    void skip_to(const std::byte* at) noexcept { at_ = at; }
    /// The next whole packet, valid until the next call; empty if there is none, which leaves nothing in the chunk. Who
    /// stops half way may go on later, as long as the chunk lives.
    /// Fails with `Errc::malformed_packet` and reason 0x81 (a Remaining Length of more than four bytes or not in its
    /// shortest form; illegal flags of a packet that is not complete yet) or 0x95 (above the maximum packet size).
    Result<std::optional<Frame>> next() {
        Frame frame;
        if (next_short(frame)) return std::optional{frame};
        return next_other();
    }

    /// Copies what is left of the chunk, so that the chunk may go: for who stops half way and returns to the loop.
    void keep();

    /// The memory of the frame that `next` gave last, if it lies in the stash; the frame's views stay valid with it. Empty
    /// otherwise. So a large message can keep the block that it was received into.
    [[nodiscard]] Buffer take_stash() noexcept;

    /// True inside a packet: if the connection ends here, it was cut.
    [[nodiscard]] bool mid_packet() const noexcept { return at_ != end_ || (!stash_.empty() && !stash_done_); }

    /// The memory that the stash holds now.
    [[nodiscard]] std::size_t stash_capacity() const noexcept { return stash_.capacity(); }

    /// The memory of a stash that holds nothing, or only a frame that was handed out, whose views end.
    void give_back() noexcept {
        if (mid_packet()) return;
        stash_done_ = false;
        stash_.release();
        set_short_end();
    }

    /// Forgets everything for a new connection; the limit stays.
    void reset() noexcept;

private:
    struct Header {
        std::size_t size = 0;  // 0: not complete yet
        std::size_t whole = 0; // header and body
    };

    /// The short way is for a stash that is empty, and for a limit that no short packet can exceed.
    void set_short_end() noexcept { short_end_ = stash_.empty() && maximum_ >= 2 + 0x7F ? end_ : at_; }
    Result<std::optional<Frame>> next_other();
    Result<std::optional<Frame>> next_in_chunk();
    Result<std::optional<Frame>> next_in_stash();
    Result<Header> parse_header(Bytes bytes) const;
    void clear_stash() noexcept;

    const std::byte* at_ = nullptr;
    const std::byte* end_ = nullptr;
    const std::byte* short_end_ = nullptr; // `end_`, or `at_` where the short way is closed
    std::uint32_t maximum_ = no_limit;
    bool stash_done_ = false; // the stash holds a frame that was handed out
    Buffer stash_;            // the beginning of one packet
    Rare<Buffer> kept_;       // the rest of a chunk, see `keep`
};

} // namespace culex::wire
