#pragma once
/// \file roles.hpp
/// What differs between the versions apart from bytes, asked in one place. Who may send what is in sender.hpp.

#include <culex/types.hpp>

namespace culex::wire {

/// Whether DISCONNECT says why. Under 3.1.1 it always means "all is well, discard the will", so that a protocol violation
/// is answered by closing alone [MQTT-4.8.0-1].
[[nodiscard]] constexpr bool disconnect_tells_reason(Version version) noexcept { return version == Version::v5; }

/// Whether the Receive Maximum that we announce binds the server (section 3.3.4); 3.1.1 cannot announce one.
[[nodiscard]] constexpr bool receive_maximum_binds(Version version) noexcept { return version == Version::v5; }

/// Whether packets carry properties, so that a PUBLISH can say where its response goes (section 3.3.2.3.5).
[[nodiscard]] constexpr bool carries_properties(Version version) noexcept { return version == Version::v5; }

/// Whether there is an AUTH packet, and an authentication method in CONNECT (section 4.12).
[[nodiscard]] constexpr bool has_authentication(Version version) noexcept { return version == Version::v5; }

} // namespace culex::wire
