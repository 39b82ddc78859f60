#pragma once
/// \file types.hpp
/// The small vocabulary that every other header speaks: bytes, quality of service, protocol version, packet types, time.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace culex {

/// A view on bytes that live elsewhere.
using Bytes = std::span<const std::byte>;

/// Time never follows the wall clock: a deadline holds when somebody sets the date (see `Scheduler::now`).
using Clock = std::chrono::steady_clock;
/// A point in time of that clock.
using TimePoint = Clock::time_point;
/// A span of time, as fine as that clock.
using Duration = Clock::duration;

/// Quality of service (MQTT 3.1.1 and 5, section 4.3): how often a message may arrive.
enum class QoS : std::uint8_t {
    at_most_once = 0,  ///< handed to the network once, never repeated
    at_least_once = 1, ///< repeated until acknowledged, may arrive twice
    exactly_once = 2,  ///< repeated until acknowledged, arrives once
};

/// The protocol level that CONNECT names (section 3.1.2.2).
enum class Version : std::uint8_t { v3_1_1 = 4, v5 = 5 };

/// The control packet types and their numbers in the fixed header (section 2.1.2).
enum class PacketType : std::uint8_t {
    connect = 1,
    connack = 2,
    publish = 3,
    puback = 4,
    pubrec = 5,
    pubrel = 6,
    pubcomp = 7,
    subscribe = 8,
    suback = 9,
    unsubscribe = 10,
    unsuback = 11,
    pingreq = 12,
    pingresp = 13,
    disconnect = 14,
    auth = 15, ///< MQTT 5 only
};

/// The name as the standard prints it, `"PUBREC"`; `"?"` for a number that is none.
[[nodiscard]] std::string_view to_string(PacketType type) noexcept;
[[nodiscard]] std::string_view to_string(QoS qos) noexcept;
[[nodiscard]] std::string_view to_string(Version version) noexcept;

/// A packet identifier (section 2.2.1): 1 to 65,535; 0 stands for "none".
using PacketId = std::uint16_t;

/// The longest string, topic or binary field, in bytes (section 1.5.4).
inline constexpr std::size_t max_string_size = 65'535;
/// The greatest Remaining Length (section 2.1.4), and so about the greatest packet.
inline constexpr std::uint32_t max_remaining_length = 268'435'455;

/// The bytes of a text; the text must outlive the view.
[[nodiscard]] inline Bytes as_bytes(std::string_view text) noexcept {
    return std::as_bytes(std::span{text.data(), text.size()});
}
/// The same bytes seen as text; nothing is checked.
[[nodiscard]] inline std::string_view as_text(Bytes bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

} // namespace culex
