#pragma once
/// \file plain_topic.hpp
/// The check that nearly every topic name passes, cheap enough for each PUBLISH.

#include <cstdint>
#include <cstring>
#include <string_view>

namespace culex::wire {

/// Eight bytes of a topic at once: not 0 if one of them is not ASCII, U+0000 or a wildcard. Taking 1 from each byte borrows
/// into its high bit only where the byte is 0, provided that no high bit was set before. `#` (0x23) and `+` (0x2B) differ in
/// one bit: with that bit set, one comparison finds both. False alarms come only beside a true one.
[[nodiscard]] constexpr std::uint64_t suspects(std::uint64_t word) noexcept {
    constexpr std::uint64_t ones = 0x0101'0101'0101'0101;
    const std::uint64_t wildcards = (word | ones * 0x08) ^ (ones * 0x2B);
    return (word | (word - ones) | (wildcards - ones)) & (ones * 0x80);
}

/// At least one character, ASCII only, no wildcard, no U+0000: a topic name that needs no closer look.
[[nodiscard]] inline bool is_plain_topic(std::string_view topic) noexcept {
    const char* const at = topic.data();
    const std::size_t size = topic.size();
    const auto word = [at]<class T>(std::size_t offset, T value) {
        std::memcpy(&value, at + offset, sizeof value);
        return value;
    };
    if (size >= 8) {
        // The last word overlaps what is done already.
        std::uint64_t found = suspects(word(0, std::uint64_t{})) | suspects(word(size - 8, std::uint64_t{}));
        for (std::size_t done = 8; done + 8 < size; done += 8) found |= suspects(word(done, std::uint64_t{}));
        return found == 0;
    }
    // Shorter ones are made eight bytes long by repeating some of their own.
    if (size >= 4)
        return suspects(std::uint64_t{word(0, std::uint32_t{})} << 32 | word(size - 4, std::uint32_t{})) == 0;
    if (size == 0) return false;
    const auto byte = [at](std::size_t index) { return std::uint64_t{static_cast<unsigned char>(at[index])}; };
    return suspects((byte(0) | byte(size / 2) << 8 | byte(size - 1) << 16) * 0x0001'0000'0100'0001) == 0;
}

} // namespace culex::wire
