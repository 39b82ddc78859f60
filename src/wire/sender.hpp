#pragma once
/// \file sender.hpp
/// What only a client, or only a server, may send.

#include <culex/packet.hpp>

#include "wire/codec.hpp"
#include "wire/fault.hpp"

namespace culex::wire {

/// Whether the type itself is its sender's to use (section 2.1.2); looked at before the body.
[[nodiscard]] constexpr bool may_send(Sender from, PacketType type, Version version) noexcept {
    constexpr auto types = [](auto... each) { return ((1U << static_cast<unsigned>(each)) | ...); };
    constexpr unsigned only_clients =
        types(PacketType::connect, PacketType::subscribe, PacketType::unsubscribe, PacketType::pingreq);
    constexpr unsigned only_servers =
        types(PacketType::connack, PacketType::suback, PacketType::unsuback, PacketType::pingresp);
    unsigned wrong = 0;
    if (from == Sender::client) wrong = only_servers;
    if (from == Sender::server) wrong = only_clients;
    if (from == Sender::server && version == Version::v3_1_1) wrong |= types(PacketType::disconnect);
    return (wrong >> static_cast<unsigned>(type) & 1) == 0;
}

template <class P> [[nodiscard]] Fault sender_fault(const P&, Sender) noexcept { return {}; }
[[nodiscard]] Fault sender_fault(const Publish& packet, Sender from) noexcept;
[[nodiscard]] Fault sender_fault(const Disconnect& packet, Sender from) noexcept;
[[nodiscard]] Fault sender_fault(const Auth& packet, Sender from) noexcept;

} // namespace culex::wire
