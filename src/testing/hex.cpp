#include "testing/hex.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

#include <fmt/format.h>

#include <culex/error.hpp>

namespace culex::testing {

std::string from_hex(std::string_view text) {
    std::string bytes;
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] == ' ' || text[at] == '\n') {
            ++at;
            continue;
        }
        const std::string_view pair = text.substr(at, 2);
        unsigned value = 0;
        const auto [end, code] = std::from_chars(pair.data(), pair.data() + pair.size(), value, 16);
        if (pair.size() != 2 || code != std::errc{} || end != pair.data() + 2) {
            throw Error(Failure(Errc::invalid_argument, fmt::format("\"{}\" is no pair of hexadecimal digits", pair)));
        }
        bytes.push_back(static_cast<char>(value));
        at += 2;
    }
    return bytes;
}

std::string to_hex(Bytes bytes) {
    constexpr std::size_t most = 64;
    std::string text;
    for (const std::byte byte : bytes.first(std::min(bytes.size(), most))) {
        fmt::format_to(std::back_inserter(text), "{}{:02X}", text.empty() ? "" : " ", std::to_integer<unsigned>(byte));
    }
    if (bytes.size() > most) text += fmt::format(" ... ({} bytes)", bytes.size());
    return text;
}

} // namespace culex::testing
