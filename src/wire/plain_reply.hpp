#pragma once
/// \file plain_reply.hpp
/// The short way for PUBACK and its kin, of which there is one for each message at QoS 1 and three at QoS 2: four bytes.

#include <culex/buffer.hpp>
#include <culex/packet.hpp>

#include "wire/framer.hpp"
#include "wire/plain_publish.hpp"

namespace culex::wire {

template <class P>
concept Reply = requires(P& packet) { []<PacketType Type>(PublishReply<Type>&) {}(packet); };

/// False means "take the long way", as it does for a PUBLISH.
template <Reply P> [[nodiscard]] bool read_plain_reply(const Frame& frame, P& into) noexcept {
    if (frame.type() != P::type || !has_legal_flags(frame.first_byte) || frame.body.size() != 2) return false;
    into.packet_id = read_u16(frame.body.data());
    return into.packet_id != 0;
}

template <Reply P>
[[nodiscard]] bool append_plain_reply(Buffer& out, const P& p, std::byte first_byte, Version version,
                                      std::uint32_t maximum) {
    // 3.1.1 has no other form.
    const bool says_nothing =
        p.reason_code == ReasonCode::success && !p.properties.reason_string && p.properties.user_properties.empty();
    if (p.packet_id == 0 || maximum < 4 || (version == Version::v5 && !says_nothing)) return false;
    std::byte* const to = out.reserve(4);
    to[0] = first_byte;
    to[1] = std::byte{2};
    put_u16(to + 2, p.packet_id);
    out.commit(4);
    return true;
}

} // namespace culex::wire
