#pragma once
/// \file varint.hpp
/// Variable byte integers (MQTT 5 section 1.5.5; 3.1.1 section 2.2.3): seven bits a byte, least significant first.

#include <culex/types.hpp>

namespace culex::wire {

[[nodiscard]] constexpr std::size_t varint_size(std::size_t value) noexcept {
    return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20'0000 ? 3 : 4;
}

/// Writes `value`, at most `max_remaining_length`, in the fewest bytes [MQTT-1.5.5-1]; gives the end.
inline std::byte* put_varint(std::byte* to, std::uint32_t value) noexcept {
    for (; value >= 0x80; value >>= 7) *to++ = static_cast<std::byte>(value | 0x80);
    *to++ = static_cast<std::byte>(value);
    return to;
}

enum class VarintState : std::uint8_t {
    complete,
    cut_short, ///< more bytes are needed
    too_long,  ///< a fourth byte that promises a fifth
    padded,    ///< a last byte that adds nothing: the same value fits in fewer bytes
};

struct Varint {
    VarintState state = VarintState::cut_short;
    std::uint8_t size = 0; ///< bytes, where complete
    std::uint32_t value = 0;
};

[[nodiscard]] inline Varint parse_varint(Bytes bytes) noexcept {
    std::uint32_t value = 0;
    for (std::uint8_t at = 0; at < 4; ++at) {
        if (at == bytes.size()) return {};
        const auto byte = std::to_integer<std::uint32_t>(bytes[at]);
        value |= (byte & 0x7F) << (7 * at);
        if (byte >= 0x80) continue;
        const bool padded = byte == 0 && at > 0;
        return {padded ? VarintState::padded : VarintState::complete, static_cast<std::uint8_t>(at + 1), value};
    }
    return {VarintState::too_long, 0, 0};
}

} // namespace culex::wire
