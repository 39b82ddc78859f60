#include "base/text.hpp"

#include <cstring>
#include <iterator>

#include <fmt/format.h>

namespace culex {
namespace {

constexpr std::size_t quoted_limit = 60;

/// One character: its size in bytes, 0 where the bytes are ill-formed.
struct Character {
    std::uint32_t code_point = 0;
    std::size_t size = 0;
};

bool is_within(unsigned char byte, unsigned low, unsigned high) noexcept { return byte >= low && byte <= high; }

/// Whether the eight bytes at `bytes` hold neither U+0000 nor anything above 0x7F.
bool is_plain_word(const char* bytes) noexcept {
    constexpr std::uint64_t ones = 0x0101'0101'0101'0101;
    constexpr std::uint64_t highs = 0x8080'8080'8080'8080;
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof word);
    // Taking 1 from each byte borrows into a high bit only where a byte is 0 (or had that bit already).
    return ((word | (word - ones)) & highs) == 0;
}

/// The size of a part at the front that is plain ASCII without U+0000: all of it, or as much as is cheap to tell.
std::size_t plain_prefix(std::string_view text) noexcept {
    constexpr std::size_t step = sizeof(std::uint64_t);
    std::size_t at = 0;
    if (text.size() < step) {
        while (at < text.size() && is_within(static_cast<unsigned char>(text[at]), 0x01, 0x7F)) ++at;
        return at;
    }
    for (; text.size() - at >= step; at += step) {
        if (!is_plain_word(text.data() + at)) return at;
    }
    // The last word overlaps the one before, which spares topics of every size the bytes at their end.
    return is_plain_word(text.data() + text.size() - step) ? text.size() : at;
}

/// Decodes the first character. Ranges of the second byte exclude overlong forms, surrogates and what is past U+10FFFF.
Character decode(std::string_view text) noexcept {
    const auto byte = [text](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const auto tail = [&](std::size_t at) { return static_cast<std::uint32_t>(byte(at) & 0x3Fu); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) return {lead, 1};
    if (is_within(lead, 0xC2, 0xDF)) {
        if (text.size() < 2 || !is_within(byte(1), 0x80, 0xBF)) return {};
        return {(lead & 0x1Fu) << 6 | tail(1), 2};
    }
    if (is_within(lead, 0xE0, 0xEF)) {
        const unsigned low = lead == 0xE0 ? 0xA0 : 0x80;
        const unsigned high = lead == 0xED ? 0x9F : 0xBF;
        if (text.size() < 3 || !is_within(byte(1), low, high) || !is_within(byte(2), 0x80, 0xBF)) return {};
        return {(lead & 0x0Fu) << 12 | tail(1) << 6 | tail(2), 3};
    }
    if (!is_within(lead, 0xF0, 0xF4) || text.size() < 4) return {};
    const unsigned low = lead == 0xF0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xF4 ? 0x8F : 0xBF;
    if (!is_within(byte(1), low, high) || !is_within(byte(2), 0x80, 0xBF) || !is_within(byte(3), 0x80, 0xBF)) return {};
    return {(lead & 0x07u) << 18 | tail(1) << 12 | tail(2) << 6 | tail(3), 4};
}

/// Whether a terminal or a log viewer shows it as one visible thing. Line separators, and marks that turn the direction
/// of writing or show nothing, would let a peer's text pose as ours.
bool is_visible(std::uint32_t code_point) noexcept {
    if (code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0)) return false;
    if (code_point >= 0x200B && code_point <= 0x200F) return false;
    if (code_point >= 0x2028 && code_point <= 0x202E) return false;
    if (code_point >= 0x2060 && code_point <= 0x206F) return false;
    return code_point != 0xFEFF && (code_point & 0xFFFE) != 0xFFFE;
}

void append_escaped(std::string& out, std::string_view bytes) {
    for (const char c : bytes) {
        switch (c) {
        case '\n':
            out += "\\n";
            break;
        case '\r':
            out += "\\r";
            break;
        case '\t':
            out += "\\t";
            break;
        default:
            fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
        }
    }
}

/// Appends what is fit to be shown; gives what was left over because `limit` bytes were written.
std::string_view append_printable(std::string& out, std::string_view text, std::size_t limit, bool in_quotes) {
    const std::size_t end = out.size() + limit;
    while (!text.empty() && out.size() < end) {
        const Character character = decode(text);
        const std::string_view bytes = text.substr(0, character.size == 0 ? 1 : character.size);
        if (character.size == 0 || !is_visible(character.code_point)) {
            append_escaped(out, bytes);
        } else {
            if (in_quotes && (bytes == "\"" || bytes == "\\")) out += '\\';
            out += bytes;
        }
        text.remove_prefix(bytes.size());
    }
    return text;
}

} // namespace

TextFault check_text(std::string_view text) noexcept {
    while (!text.empty()) {
        text.remove_prefix(plain_prefix(text));
        // The rest of this word one by one, then fast again: text in other scripts has its ASCII runs, too.
        for (std::size_t steps = sizeof(std::uint64_t); steps > 0 && !text.empty(); --steps) {
            const Character character = decode(text);
            if (character.size == 0) return TextFault::malformed;
            if (character.code_point == 0) return TextFault::null_character;
            text.remove_prefix(character.size);
        }
    }
    return TextFault::none;
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    const std::string_view rest = append_printable(out, text, quoted_limit, true);
    out += '"';
    if (!rest.empty()) fmt::format_to(std::back_inserter(out), "... ({} bytes)", text.size());
    return out;
}

std::string printable(std::string_view text, std::size_t limit) {
    std::string out;
    const std::string_view rest = append_printable(out, text, limit, false);
    if (!rest.empty()) fmt::format_to(std::back_inserter(out), "... ({} bytes)", text.size());
    return out;
}

} // namespace culex
