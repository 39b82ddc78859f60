#pragma once
/// \file plain_publish.hpp
/// The short way for PUBLISH: no properties, plain topic, nothing wrong. Everything else answers "no", which means "take
/// the long way" and not "refuse".

#include <cassert>
#include <cstring>

#include <culex/packet.hpp>

#include "wire/framer.hpp"
#include "wire/plain_topic.hpp"
#include "wire/varint.hpp"

namespace culex::wire {

/// A PUBLISH in pieces: what receiving one needs when its properties may wait, and sending one when they are bytes already.
struct PublishParts {
    std::string_view topic{};
    Bytes payload{};
    Bytes properties{}; ///< their bytes, checked, without their length; empty in 3.1.1
    /// After decoding: what `decode_publish_properties` will take from an arena, at any alignment. Otherwise unused.
    std::size_t array_bytes = 0;
    PacketId packet_id = 0;        ///< 0 exactly at QoS 0
    std::uint16_t topic_alias = 0; ///< after decoding: the alias among the properties, or 0. Otherwise unused
    QoS qos = QoS::at_most_once;
    bool retain = false;
    bool dup = false;
};

[[nodiscard]] inline std::uint16_t read_u16(const std::byte* at) noexcept {
    return static_cast<std::uint16_t>(std::to_integer<unsigned>(at[0]) << 8 | std::to_integer<unsigned>(at[1]));
}

/// What "no properties" takes.
[[nodiscard]] constexpr std::size_t plain_length_size(Version version) noexcept {
    return version == Version::v5 ? 1 : 0;
}

/// With a packet identifier or without. The topic is not looked into. Two bytes can be read from `body`, though they may not
/// be its own.
template <bool HasId, class Target>
[[nodiscard, gnu::always_inline]] inline bool read_plain_parts(Bytes body, std::size_t length_size,
                                                               Target& into) noexcept {
    const std::size_t id_size = HasId ? 2 : 0;
    const std::byte* const begin = body.data();
    const std::size_t topic_size = read_u16(begin);
    const std::size_t head_size = 2 + topic_size + id_size + length_size;
    if (body.size() < head_size) return false;

    const std::byte* const behind_topic = begin + 2 + topic_size;
    into.packet_id = HasId ? read_u16(behind_topic) : PacketId{};
    if (HasId && into.packet_id == 0) return false;
    if (length_size != 0 && behind_topic[id_size] != std::byte{0}) return false;
    into.topic = as_text({begin + 2, topic_size});
    into.payload = {begin + head_size, body.size() - head_size};
    return true;
}
template <bool HasId, class Target>
[[nodiscard, gnu::always_inline]] inline bool read_plain_body(Bytes body, Version version, Target& into) noexcept {
    return body.size() >= 2 && read_plain_parts<HasId>(body, plain_length_size(version), into) &&
           is_plain_topic(into.topic);
}

/// `Target` is a Publish or PublishParts; filled in in part where the answer is no.
template <class Target>
[[nodiscard, gnu::always_inline]] inline bool read_plain_publish(const Frame& frame, Version version,
                                                                 Target& into) noexcept {
    const unsigned flags = frame.first_byte & 0x0FU;
    if (frame.type() != PacketType::publish || (legal_flags[3] >> flags & 1) == 0) return false;
    into.qos = static_cast<QoS>(flags >> 1 & 3);
    into.retain = (flags & 1) != 0;
    into.dup = (flags & 8) != 0;
    return into.qos == QoS::at_most_once ? read_plain_body<false>(frame.body, version, into)
                                         : read_plain_body<true>(frame.body, version, into);
}

[[nodiscard]] inline bool has_properties(const PublishProperties& p) noexcept {
    return p.payload_format_indicator || p.message_expiry_interval || p.topic_alias || p.response_topic ||
           p.correlation_data || p.content_type || !p.subscription_identifiers.empty() || !p.user_properties.empty();
}
/// 3.1.1 has no place for them.
[[nodiscard]] inline bool says_no_properties(const PublishProperties& properties, Version version) noexcept {
    return version == Version::v3_1_1 || !has_properties(properties);
}
[[nodiscard]] inline bool has_properties(const Publish& packet) noexcept { return has_properties(packet.properties); }

/// Whether the long way would find nothing wrong.
[[nodiscard]] inline bool is_plain_publish(const Publish& p) noexcept {
    const bool has_id = p.packet_id != 0;
    if (p.qos == QoS::at_most_once ? has_id || p.dup : !has_id || p.qos > QoS::exactly_once) return false;
    return p.topic.size() <= max_string_size && is_plain_topic(p.topic);
}

inline std::byte* put_u16(std::byte* to, std::size_t value) noexcept {
    to[0] = static_cast<std::byte>(value >> 8);
    to[1] = static_cast<std::byte>(value);
    return to + 2;
}

/// What `put_short` takes, in bytes: most topics, small payloads and small packets.
inline constexpr std::size_t short_size = 128;

/// Copies `size` bytes, at least `Half` and at most twice as many.
template <std::size_t Half>
[[gnu::always_inline]] inline void copy_twice(std::byte* to, const std::byte* from, std::size_t size) noexcept {
    std::memcpy(to, from, Half);
    std::memcpy(to + size - Half, from + size - Half, Half);
}

/// Two copies that overlap cost less than a call of memcpy, and leave its caller without any call.
[[gnu::always_inline]] inline std::byte* put_short(std::byte* to, const void* from, std::size_t size) noexcept {
    assert(size <= short_size);
    const auto* const source = static_cast<const std::byte*>(from);
    if (size - 8 <= 8) {
        copy_twice<8>(to, source, size);
    } else if (size - 16 <= 16) {
        copy_twice<16>(to, source, size);
    } else if (size >= 64) {
        copy_twice<64>(to, source, size);
    } else if (size >= 32) {
        copy_twice<32>(to, source, size);
    } else if (size >= 4) {
        copy_twice<4>(to, source, size);
    } else if (size != 0) { // an empty view's pointer may be null
        to[0] = source[0];
        to[size / 2] = source[size / 2];
        to[size - 1] = source[size - 1];
    }
    return to + size;
}

/// The same, and quickest for what is mostly larger.
[[gnu::always_inline]] inline void put_short_packet(std::byte* to, const std::byte* packet, std::size_t size) noexcept {
    if (size < 32) {
        put_short(to, packet, size);
    } else if (size < 64) {
        copy_twice<32>(to, packet, size);
    } else {
        copy_twice<64>(to, packet, size);
    }
}

[[gnu::always_inline]] inline std::byte* put_bytes(std::byte* to, const void* from, std::size_t size) noexcept {
    if (size <= short_size) return put_short(to, from, size);
    std::memcpy(to, from, size);
    return to + size;
}

template <class Source>
[[nodiscard]] constexpr std::size_t plain_publish_remaining(const Source& p, Version version) noexcept {
    const bool has_id = p.qos != QoS::at_most_once;
    return 2 + p.topic.size() + (has_id ? 2 : 0) + (version == Version::v5 ? 1 : 0) + p.payload.size();
}

/// Writes a checked PUBLISH without properties; gives the end. `remaining` is what `plain_publish_remaining` says: counted
/// before, since behind the first byte that is written the compiler would read all of `p` again. `Short`: it is.
template <bool Short = false, class Source>
[[gnu::always_inline]] inline std::byte* write_plain_publish(std::byte* begin, const Source& p, Version version,
                                                             std::size_t remaining) {
    const bool has_id = p.qos != QoS::at_most_once;
    const unsigned flags =
        static_cast<unsigned>(p.dup) << 3 | static_cast<unsigned>(p.qos) << 1 | static_cast<unsigned>(p.retain);
    *begin = static_cast<std::byte>(static_cast<unsigned>(PacketType::publish) << 4 | flags);
    std::byte* at = begin + 1;
    if constexpr (Short) {
        *at++ = static_cast<std::byte>(remaining);
    } else {
        at = put_varint(at, static_cast<std::uint32_t>(remaining));
    }
    const auto put = [](std::byte* to, const void* from, std::size_t size) __attribute__((always_inline)) {
        return Short ? put_short(to, from, size) : put_bytes(to, from, size);
    };
    at = put(put_u16(at, p.topic.size()), p.topic.data(), p.topic.size());
    if (has_id) at = put_u16(at, p.packet_id);
    if (version == Version::v5) *at++ = std::byte{0}; // no properties
    return put(at, p.payload.data(), p.payload.size());
}

/// What a PUBLISH without properties has at most besides topic and payload: first byte, Remaining Length, the topic's length,
/// packet identifier, the properties' length.
inline constexpr std::size_t greatest_plain_head = 1 + 4 + 2 + 2 + 1;

/// Whether such a packet is short as a whole.
[[nodiscard]] constexpr bool is_short_publish(std::string_view topic, Bytes payload) noexcept {
    return topic.size() + payload.size() <= short_size - greatest_plain_head;
}

/// Appends a checked PUBLISH without properties; false if it might be too large. `Source` is a Publish or PublishParts.
template <class Source>
[[nodiscard]] inline bool append_plain_publish(Buffer& out, const Source& p, Version version, std::uint32_t maximum) {
    const std::size_t greatest_size = p.topic.size() + p.payload.size() + greatest_plain_head;
    if (greatest_size > max_remaining_length || greatest_size > maximum) return false;
    std::byte* const begin = out.reserve(greatest_size);
    std::byte* const end = write_plain_publish(begin, p, version, plain_publish_remaining(p, version));
    out.commit(static_cast<std::size_t>(end - begin));
    return true;
}

/// The short way of `encode`.
[[nodiscard, gnu::always_inline]] inline bool encode_plain_publish(Buffer& out, const Publish& p, Version version,
                                                                   std::uint32_t maximum) {
    const bool plain = is_plain_publish(p) && (version == Version::v3_1_1 || !has_properties(p));
    return plain && append_plain_publish(out, p, version, maximum);
}

} // namespace culex::wire
