#pragma once
/// \file fault.hpp
/// What is wrong with a packet, noted without building a text: readers and measurers run on to their end after a fault,
/// and only the caller that gives up pays for the words.

#include <optional>
#include <string_view>

#include <culex/error.hpp>
#include <culex/types.hpp>

namespace culex::wire {

struct Fault {
    ReasonCode reason = ReasonCode::success; ///< what the peer that sent it would be told; success = no fault
    const char* field = "";
    const char* what = "";                 ///< a predicate of the field: "is cut short"
    std::optional<std::uint32_t> number{}; ///< the offending value
    std::string_view text{};               ///< the offending text; quoted and cut when it is shown

    explicit operator bool() const noexcept { return reason != ReasonCode::success; }
};

/// The fault as the peer's: `Errc::malformed_packet` where the bytes are no packet (0x81, 0x95), otherwise
/// `Errc::protocol_error`.
[[nodiscard]] Failure refusal(PacketType packet, const Fault& fault);

/// The fault as the caller's own: `Errc::invalid_argument`, and no reason code, since no peer was involved.
[[nodiscard]] Failure misuse(PacketType packet, const Fault& fault);

/// A text breaks the rules of section 1.5.4.
[[nodiscard]] Fault text_fault(const char* field, std::string_view text) noexcept;

/// A topic name breaks those, or has a wildcard [MQTT-3.3.2-2]. Whether it may be empty is the caller's question.
[[nodiscard]] Fault topic_fault(const char* field, std::string_view topic) noexcept;

} // namespace culex::wire
