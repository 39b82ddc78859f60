#pragma once
/// \file publish_edit.hpp
/// What a client changes in a PUBLISH that is encoded already: its topic becomes an alias, its Message Expiry Interval the
/// time that is left. The bytes are a whole packet that `encode` has made.

#include <culex/buffer.hpp>

#include "wire/plain_publish.hpp"

namespace culex::wire {

/// The property's identifier and its two bytes, at the end of the properties.
inline constexpr std::size_t topic_alias_size = 3;

[[nodiscard]] std::string_view topic_of(Bytes packet) noexcept;

/// The four bytes of the Message Expiry Interval in a packet without a topic alias; null where it has none.
[[nodiscard]] std::byte* find_message_expiry(std::byte* packet, Version version) noexcept;
[[nodiscard]] std::uint32_t read_u32(const std::byte* at) noexcept;
void write_u32(std::byte* at, std::uint32_t value) noexcept;

/// Appends a packet of version 5 that has no alias with one: together with its topic, or instead of it.
void append_with_alias(Buffer& out, Bytes packet, std::uint16_t alias, bool with_topic);

inline std::byte* put_alias_property(std::byte* to, std::uint16_t alias) noexcept {
    *to++ = std::byte{0x23};
    return put_u16(to, alias);
}

/// The same instead of its topic, for a message without properties that was not encoded: one whose topic the broker knows, so
/// that it needs no check. `p` has an identifier exactly where its QoS wants one, and `p.dup` is false.
[[gnu::always_inline]] inline void append_alias_publish(Buffer& out, const Publish& p, std::uint16_t alias) {
    const bool has_id = p.qos != QoS::at_most_once;
    const std::size_t remaining = 2 + (has_id ? 2 : 0) + 1 + topic_alias_size + p.payload.size();
    std::byte* const begin = out.reserve(remaining + 5);
    const unsigned flags = static_cast<unsigned>(p.qos) << 1 | static_cast<unsigned>(p.retain);
    *begin = static_cast<std::byte>(static_cast<unsigned>(PacketType::publish) << 4 | flags);
    std::byte* at = put_u16(put_varint(begin + 1, static_cast<std::uint32_t>(remaining)), 0);
    if (has_id) at = put_u16(at, p.packet_id);
    *at++ = std::byte{topic_alias_size};
    at = put_alias_property(at, alias);
    at = put_bytes(at, p.payload.data(), p.payload.size());
    out.commit(static_cast<std::size_t>(at - begin));
}

} // namespace culex::wire
