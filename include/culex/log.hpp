#pragma once
/// \file log.hpp
/// What Culex has to tell about itself, for whom it may concern: off until somebody asks, and then one function of yours.

#include <cstdint>
#include <string_view>

namespace culex {

/// How much something matters, least first.
enum class LogLevel : std::uint8_t {
    trace,   ///< not used so far; see `AsyncClient::tap` for packets
    debug,   ///< what went another way than it was begun
    info,    ///< attempts that failed, and connections that were lost
    warning, ///< what went wrong and was made good, or dropped by a policy
    error,   ///< what went wrong and stays so, such as an exception out of a callback
    off,     ///< as a threshold: nothing at all
};

/// `"warning"`; `"?"` for a number that is none.
[[nodiscard]] std::string_view to_string(LogLevel level) noexcept;

/// Gets one line, without a line end; it lives as long as the call. It is called on whichever thread has something to say,
/// on several at once, with none of Culex's locks held: be quick. It may call anything of Culex's; what that would log on
/// the same thread is left out. An exception is swallowed.
using LogHook = void (*)(void* context, LogLevel level, std::string_view message);

/// Sends every message of `least` and above, of the whole process, to `hook`; null turns logging off, as it is at first.
/// May be called on any thread at any time. When it returns, no hook set before runs any more, and its context may go: it
/// waits for calls on other threads to end, so do not hold a lock that your hook takes. Called within a hook it waits for
/// none.
void set_log_hook(LogHook hook, void* context = nullptr, LogLevel least = LogLevel::info);

} // namespace culex
