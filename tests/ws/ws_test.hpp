#pragma once
// What the tests of WebSocket share.

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/hex.hpp"

namespace culex::testing {

/// As text, to be joined with text.
inline std::string unhex(std::string_view digits) {
    const std::vector<std::byte> bytes = hex(digits);
    return std::string(as_text(bytes));
}

} // namespace culex::testing
