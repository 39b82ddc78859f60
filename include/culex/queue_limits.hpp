#pragma once
/// \file queue_limits.hpp
/// How much may wait in a client, outbound and inbound, and what becomes of what is too much.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace culex {

/// What `publish` does when the outbound queue is full. Only messages that were never sent are dropped: one that is under
/// way, and waits for its acknowledgement, keeps its place under every policy. Whatever is dropped fails with `Errc::dropped`
/// and is counted (`Statistics::dropped`). Where nothing that was queued before can be dropped, the new message is.
///
/// SUBSCRIBE and UNSUBSCRIBE count towards the bounds like messages, and are never dropped: they make room as the policy
/// says, and fail with `Errc::queue_full` where there is none to be made. DISCONNECT and acknowledgements do not count.
enum class WhenFull : std::uint8_t {
    wait,        ///< the operation waits for room
    refuse,      ///< it fails with `Errc::queue_full`; nothing is dropped
    drop_oldest, ///< the oldest messages go
    drop_newest, ///< the new message goes
    /// Messages at QoS 0 go first, the oldest before the others, and a new one last; when there is none, the oldest messages
    /// go. So a message at QoS 0 never takes the place of one at QoS 1 or 2.
    drop_qos0_first,
};
/// How many policies there are.
inline constexpr std::size_t when_full_count = 5;

/// `"drop_oldest"`; `"?"` for a number that is none.
[[nodiscard]] std::string_view to_string(WhenFull policy) noexcept;

/// The bounds of what waits to be sent or acknowledged. Both hold at once; a single message larger than `bytes` passes
/// alone. A QoS 0 message that the connection takes at once counts nothing.
struct OutboundLimits {
    std::size_t messages = 100'000; ///< of which at most 65,535 at QoS 1 and 2: there are no more packet identifiers
    /// Topics, payloads and properties, with what it takes to keep them.
    std::size_t bytes = std::size_t{64} << 20;
    /// What happens beyond either.
    WhenFull when_full = WhenFull::wait;
};

} // namespace culex
