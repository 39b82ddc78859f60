#pragma once
/// \file hex.hpp
/// Bytes as tests write and read them.

#include <string>
#include <string_view>

#include <culex/types.hpp>

namespace culex::testing {

/// Pairs of hexadecimal digits, with spaces between pairs or not. Throws `Error` for anything else.
[[nodiscard]] std::string from_hex(std::string_view text);
/// `"C0 00"`; what is beyond 64 bytes is told by its size.
[[nodiscard]] std::string to_hex(Bytes bytes);

} // namespace culex::testing
