#pragma once
/// \file packet_tap.hpp
/// Sees every packet of a link.

#include "wire/framer.hpp"

namespace culex::session {

/// The packets of each direction come in the order of the wire. It may not call the session back, nor throw.
class PacketTap {
public:
    /// Has arrived, and is about to be handled; not looked into yet, so it may be malformed.
    virtual void on_received(const wire::Frame& packet) noexcept = 0;
    /// Is about to be handed to the transport.
    virtual void on_sent(const wire::Frame& packet) noexcept = 0;

protected:
    ~PacketTap() = default;
};

} // namespace culex::session
