#pragma once
/// \file plain_topic.hpp
/// The check that nearly every topic name passes, cheap enough for each PUBLISH.

#include <cstdint>
#include <cstring>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace culex::wire {

/// Eight bytes of a topic at once: not 0 if one of them is not ASCII, U+0000 or a wildcard. Taking 1 from each byte borrows
/// into its high bit only where the byte is 0, provided that no high bit was set before. `#` (0x23) and `+` (0x2B) differ in
/// one bit: with that bit set, one comparison finds both. False alarms come only beside a true one.
[[nodiscard]] constexpr std::uint64_t suspects(std::uint64_t word) noexcept {
    constexpr std::uint64_t ones = 0x0101'0101'0101'0101;
    const std::uint64_t wildcards = (word | ones * 0x08) ^ (ones * 0x2B);
    return (word | (word - ones) | (wildcards - ones)) & (ones * 0x80);
}

#ifdef __SSE2__

/// The same for sixteen bytes.
[[nodiscard]] inline unsigned suspects(__m128i bytes) noexcept {
    const __m128i wildcards = _mm_cmpeq_epi8(_mm_or_si128(bytes, _mm_set1_epi8(0x08)), _mm_set1_epi8(0x2B));
    const __m128i zeros = _mm_cmpeq_epi8(bytes, _mm_setzero_si128());
    return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(wildcards, zeros), bytes)));
}

/// Of at least eight bytes. The last step overlaps what is done already.
[[nodiscard, gnu::always_inline]] inline std::uint64_t suspects(const char* at, std::size_t size) noexcept {
    const auto load = [](const char* from) {
        __m128i bytes;
        std::memcpy(&bytes, from, sizeof bytes);
        return bytes;
    };
    if (size <= 16) {
        std::int64_t first = 0;
        std::int64_t last = 0;
        std::memcpy(&first, at, 8);
        std::memcpy(&last, at + size - 8, 8);
        return suspects(_mm_unpacklo_epi64(_mm_cvtsi64_si128(first), _mm_cvtsi64_si128(last)));
    }
    unsigned found = suspects(load(at + size - 16));
    for (std::size_t done = 0; done + 16 < size; done += 16) found |= suspects(load(at + done));
    return found;
}

#else

[[nodiscard, gnu::always_inline]] inline std::uint64_t suspects(const char* at, std::size_t size) noexcept {
    const auto load = [](const char* from) {
        std::uint64_t word = 0;
        std::memcpy(&word, from, sizeof word);
        return word;
    };
    std::uint64_t found = suspects(load(at)) | suspects(load(at + size - 8));
    for (std::size_t done = 8; done + 8 < size; done += 8) found |= suspects(load(at + done));
    return found;
}

#endif

/// Of any topic name: 0 where it has at least one character, is ASCII only, and has no wildcard and no U+0000.
[[nodiscard, gnu::always_inline]] inline std::uint64_t suspects(std::string_view topic) noexcept {
    const char* const at = topic.data();
    const std::size_t size = topic.size();
    if (size >= 8) return suspects(at, size);
    // Shorter ones are made eight bytes long by repeating some of their own.
    const auto half = [at](std::size_t offset) {
        std::uint32_t value = 0;
        std::memcpy(&value, at + offset, sizeof value);
        return std::uint64_t{value};
    };
    if (size >= 4) return suspects(half(0) << 32 | half(size - 4));
    if (size == 0) return 1;
    const auto byte = [at](std::size_t index) { return std::uint64_t{static_cast<unsigned char>(at[index])}; };
    return suspects((byte(0) | byte(size / 2) << 8 | byte(size - 1) << 16) * 0x0001'0000'0100'0001);
}

/// It needs no closer look.
[[nodiscard, gnu::always_inline]] inline bool is_plain_topic(std::string_view topic) noexcept {
    return suspects(topic) == 0;
}

} // namespace culex::wire
