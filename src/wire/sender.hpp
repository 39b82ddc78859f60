#pragma once
/// \file sender.hpp
/// What only a client, or only a server, may send.

#include <culex/packet.hpp>

#include "wire/codec.hpp"
#include "wire/fault.hpp"

namespace culex::wire {

/// Whether the type itself is its sender's to use (section 2.1.2); looked at before the body. MQTT 3.1.1 forbids no server
/// its PINGREQ in so many words, and old ones send it and are answered; from MQTT 5 on only the client pings.
[[nodiscard]] constexpr bool may_send(Sender from, PacketType type, Version version) noexcept {
    constexpr auto types = [](auto... each) { return ((1U << static_cast<unsigned>(each)) | ...); };
    unsigned wrong = 0;
    if (from == Sender::client) {
        wrong = types(PacketType::connack, PacketType::suback, PacketType::unsuback);
        if (version == Version::v5) wrong |= types(PacketType::pingresp);
    }
    if (from == Sender::server) {
        wrong = types(PacketType::connect, PacketType::subscribe, PacketType::unsubscribe);
        wrong |= version == Version::v5 ? types(PacketType::pingreq) : types(PacketType::disconnect);
    }
    return (wrong >> static_cast<unsigned>(type) & 1) == 0;
}

template <class P> [[nodiscard]] Fault sender_fault(const P&, Sender) noexcept { return {}; }
[[nodiscard]] Fault sender_fault(const Publish& packet, Sender from) noexcept;
[[nodiscard]] Fault sender_fault(const Disconnect& packet, Sender from) noexcept;
[[nodiscard]] Fault sender_fault(const Auth& packet, Sender from) noexcept;

} // namespace culex::wire
