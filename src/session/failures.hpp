#pragma once
/// \file failures.hpp
/// The failures that a session finds itself, as opposed to those of single packets (wire/fault.hpp).

#include <string>
#include <utility>

#include <culex/error.hpp>

namespace culex::session {

/// The broker broke the protocol; `code` is what it is told under MQTT 5.
[[nodiscard, gnu::cold]] inline Failure violation(std::string detail, ReasonCode code = ReasonCode::protocol_error) {
    return Failure(Errc::protocol_error, std::move(detail), code);
}

/// An answer to a packet of ours that waits for another one.
[[nodiscard, gnu::cold]] Failure unasked(PacketType answer, PacketId id);

/// The broker said beforehand that it does not do this; `code` is what it would have answered.
[[nodiscard, gnu::cold]] inline Failure not_granted(std::string detail, ReasonCode code) {
    return Failure(Errc::not_supported, std::move(detail), code);
}

} // namespace culex::session
