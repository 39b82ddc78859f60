#pragma once
/// \file text.hpp
/// MQTT's idea of text (section 1.5.4), and text that came from anywhere made fit for a message.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace culex {

/// What makes a text unfit for a packet; the first fault counts.
enum class TextFault : std::uint8_t {
    none,
    malformed,      ///< no well-formed UTF-8: cut short, overlong, a surrogate, or above U+10FFFF [MQTT-1.5.4-1]
    null_character, ///< U+0000 [MQTT-1.5.4-2]
};

/// Checks well-formedness as Unicode defines it (chapter 3, table 3-7). Control characters and non-characters pass: the
/// standard lets a receiver refuse them, and brokers differ. U+FEFF is a character like any other [MQTT-1.5.4-3]. The
/// length is not looked at: a field that is too long is its writer's business.
[[nodiscard]] TextFault check_text(std::string_view text) noexcept;

/// The text in double quotes, for messages: what could break a line or deceive a reader (controls, ill-formed bytes,
/// quotes, marks that change the direction of writing) is escaped; past about 60 bytes it is cut, and its size is told.
[[nodiscard]] std::string quoted(std::string_view text);
// For a std::string, argument-dependent lookup prefers <iomanip>'s std::quoted wherever that header got in: these two win.
[[nodiscard]] inline std::string quoted(const std::string& text) { return quoted(std::string_view{text}); }
[[nodiscard]] inline std::string quoted(std::string& text) { return quoted(std::string_view{text}); }

/// The same without quotes, for words that are the message themselves; quotes and backslashes stay. It is cut at `limit`.
[[nodiscard]] std::string printable(std::string_view text, std::size_t limit);

} // namespace culex
