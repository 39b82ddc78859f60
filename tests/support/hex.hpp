#pragma once
/// \file hex.hpp
/// Bytes written for people: `"30 05 00 01 't' 'hi'"`. Text stands in single quotes, and `00*125` repeats a byte.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <culex/types.hpp>

namespace culex::testing {

[[nodiscard]] inline std::vector<std::byte> hex(std::string_view text) {
    std::vector<std::byte> bytes;
    while (!text.empty()) {
        const char c = text.front();
        if (c == ' ') {
            text.remove_prefix(1);
        } else if (c == '\'') {
            const std::string_view quoted = text.substr(1, text.find('\'', 1) - 1);
            for (const char letter : quoted) bytes.push_back(static_cast<std::byte>(letter));
            text.remove_prefix(quoted.size() + 2);
        } else if (c == '*') {
            const std::string count{text.substr(1, text.find(' ') - 1)};
            const std::byte repeated = bytes.back();
            for (unsigned long left = std::strtoul(count.c_str(), nullptr, 10); left > 1; --left)
                bytes.push_back(repeated);
            text.remove_prefix(count.size() + 1);
        } else {
            const std::string digits{text.substr(0, 2)};
            bytes.push_back(static_cast<std::byte>(std::strtoul(digits.c_str(), nullptr, 16)));
            text.remove_prefix(digits.size());
        }
    }
    return bytes;
}

/// For messages of failed tests. Static, since src/testing has a function of this name that writes a little differently.
[[nodiscard]] static inline std::string to_hex(Bytes bytes) {
    std::string text;
    for (const std::byte byte : bytes) {
        char digits[4];
        std::snprintf(digits, sizeof digits, "%02X ", std::to_integer<unsigned>(byte));
        text += digits;
    }
    return text;
}

} // namespace culex::testing
