#pragma once
/// \file duration.hpp
/// Times that a caller gives in milliseconds.

#include <algorithm>
#include <chrono>

#include <culex/types.hpp>

namespace culex {

/// In nanoseconds, of which `milliseconds::max()` has too many: a century at most, which is without end, and added to a time
/// still is one. What is negative is nothing.
[[nodiscard]] constexpr Duration bounded(std::chrono::milliseconds time) noexcept {
    constexpr std::chrono::milliseconds century = std::chrono::years{100};
    return std::clamp(time, std::chrono::milliseconds{0}, century);
}

} // namespace culex
