#pragma once
/// \file return_code.hpp
/// The codes of MQTT 3.1.1 and the reason codes that say the same.

#include <array>
#include <optional>

#include <culex/reason_code.hpp>

namespace culex::wire {

/// CONNACK's return codes (3.1.1, section 3.2.2.3), by number.
inline constexpr std::array return_codes{
    ReasonCode::success,
    ReasonCode::unsupported_protocol_version,
    ReasonCode::client_identifier_not_valid,
    ReasonCode::server_unavailable,
    ReasonCode::bad_user_name_or_password,
    ReasonCode::not_authorized,
};

/// Empty for the reserved numbers, 6 and above [MQTT-3.2.2-6].
[[nodiscard]] constexpr std::optional<ReasonCode> from_return_code(std::uint8_t code) noexcept {
    if (code >= return_codes.size()) return std::nullopt;
    return return_codes[code];
}

/// Empty where 3.1.1 cannot say it.
[[nodiscard]] constexpr std::optional<std::uint8_t> to_return_code(ReasonCode reason) noexcept {
    for (std::size_t code = 0; code < return_codes.size(); ++code) {
        if (return_codes[code] == reason) return static_cast<std::uint8_t>(code);
    }
    return std::nullopt;
}

/// 3.1.1's SUBACK knows one failure only (section 3.9.3).
[[nodiscard]] constexpr ReasonCode to_suback_3_1_1(ReasonCode reason) noexcept {
    return failed(reason) ? ReasonCode::unspecified_error : reason;
}

} // namespace culex::wire
