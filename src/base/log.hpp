#pragma once
/// \file log.hpp
/// How Culex itself logs: one relaxed load where logging is off, formatting only where it is on.

#include <atomic>

#include <fmt/core.h>

#include <culex/log.hpp>

namespace culex {

/// The least level that somebody listens to. It is a hint, read without order: the hook itself is looked up with a lock.
extern constinit std::atomic<LogLevel> log_threshold;

/// Whether a message of this level would be heard; ask where its arguments are dear.
[[nodiscard]] inline bool logs(LogLevel level) noexcept {
    return level >= log_threshold.load(std::memory_order_relaxed);
}

void log_formatted(LogLevel level, fmt::string_view format, fmt::format_args arguments) noexcept;

/// `log(LogLevel::debug, "{} bytes left", count)`; the format is checked when it is compiled. Text of unknown origin belongs
/// in `quoted` (text.hpp). It never throws: a message that cannot be told is lost.
template <class... Args>
void log(LogLevel level, fmt::format_string<const Args&...> format, const Args&... arguments) noexcept {
    if (logs(level)) [[unlikely]]
        log_formatted(level, format, fmt::make_format_args(arguments...));
}

} // namespace culex
