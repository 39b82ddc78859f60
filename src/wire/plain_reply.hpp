#pragma once
/// \file plain_reply.hpp
/// The short way for PUBACK and its kin, of which there is one for each message at QoS 1 and three at QoS 2: four bytes.

#include <array>
#include <cstring>

#include <culex/buffer.hpp>
#include <culex/packet.hpp>

#include "wire/framer.hpp"
#include "wire/plain_publish.hpp"

namespace culex::wire {

template <class P>
concept Reply = requires(P& packet) { []<PacketType Type>(PublishReply<Type>&) {}(packet); };

/// PUBREL alone has flags.
[[nodiscard]] constexpr std::uint8_t first_byte_of(PacketType reply) noexcept {
    return static_cast<std::uint8_t>(static_cast<unsigned>(reply) << 4 | (reply == PacketType::pubrel ? 2U : 0U));
}

/// The packet identifier of a reply in its short form; 0 means "take the long way", as false does for a PUBLISH.
[[nodiscard, gnu::always_inline]] inline PacketId plain_reply_id(const Frame& frame, PacketType reply) noexcept {
    const bool plain = frame.first_byte == first_byte_of(reply) && frame.body.size() == 2;
    return plain ? read_u16(frame.body.data()) : PacketId{};
}

template <Reply P> [[nodiscard]] bool read_plain_reply(const Frame& frame, P& into) noexcept {
    into.packet_id = plain_reply_id(frame, P::type);
    return into.packet_id != 0;
}

/// A reply that says success, alike in both versions.
inline constexpr std::size_t success_size = 4;
/// Whether one is at `at`, where so many bytes are.
[[nodiscard, gnu::always_inline]] inline bool begins_success(const std::byte* at, PacketType reply) noexcept {
    const std::array head{static_cast<std::byte>(first_byte_of(reply)), std::byte{2}};
    return std::memcmp(at, head.data(), head.size()) == 0;
}
inline void put_success(std::byte* to, PacketType reply, PacketId id) noexcept {
    to[0] = static_cast<std::byte>(first_byte_of(reply));
    to[1] = std::byte{2};
    put_u16(to + 2, id);
}

/// Appends it; false if it might be too large.
[[nodiscard]] inline bool append_success(Buffer& out, PacketType reply, PacketId id, std::uint32_t maximum) {
    if (id == 0 || maximum < success_size) return false;
    put_success(out.reserve(success_size), reply, id);
    out.commit(success_size);
    return true;
}

template <Reply P>
[[nodiscard]] bool append_plain_reply(Buffer& out, const P& p, Version version, std::uint32_t maximum) {
    // 3.1.1 has no other form.
    const bool says_nothing =
        p.reason_code == ReasonCode::success && !p.properties.reason_string && p.properties.user_properties.empty();
    return (version == Version::v3_1_1 || says_nothing) && append_success(out, P::type, p.packet_id, maximum);
}

} // namespace culex::wire
