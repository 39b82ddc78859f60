#pragma once
/// \file roles.hpp
/// What differs between the versions apart from bytes, asked in one place.

#include <culex/types.hpp>

namespace culex::wire {

/// Whether a server may send `type` to a client at all. MQTT 3.1.1 forbids no server its PINGREQ in so many words, and old
/// ones send it; from MQTT 5 on only the client pings.
[[nodiscard]] constexpr bool client_may_receive(PacketType type, Version version) noexcept {
    switch (type) {
    case PacketType::connect:
    case PacketType::subscribe:
    case PacketType::unsubscribe: return false;
    case PacketType::pingreq: return version == Version::v3_1_1;
    case PacketType::disconnect:
    case PacketType::auth: return version == Version::v5;
    default: return true;
    }
}

/// Whether DISCONNECT says why. Under 3.1.1 it always means "all is well, discard the will", so that a protocol violation
/// is answered by closing alone [MQTT-4.8.0-1].
[[nodiscard]] constexpr bool disconnect_tells_reason(Version version) noexcept { return version == Version::v5; }

/// Whether the Receive Maximum that we announce binds the server (section 3.3.4); 3.1.1 cannot announce one.
[[nodiscard]] constexpr bool receive_maximum_binds(Version version) noexcept { return version == Version::v5; }

} // namespace culex::wire
