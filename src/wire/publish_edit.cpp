#include "wire/publish_edit.hpp"

namespace culex::wire {
namespace {

/// Where the parts of a packet begin.
struct Parts {
    const std::byte* topic;      ///< its length
    const std::byte* id;         ///< or what follows, at QoS 0
    const std::byte* properties; ///< their length, in version 5
};

/// Of a Variable Byte Integer that is known to be whole.
std::uint32_t take_varint(const std::byte*& at) noexcept {
    std::uint32_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        const auto byte = std::to_integer<std::uint32_t>(*at++);
        value |= (byte & 0x7FU) << shift;
        if ((byte & 0x80U) == 0) return value;
    }
}

Parts parts_of(const std::byte* packet) noexcept {
    const bool has_id = (packet[0] & std::byte{0x06}) != std::byte{};
    const std::byte* at = packet + 1;
    take_varint(at);
    const std::byte* const id = at + 2 + read_u16(at);
    return {at, id, id + (has_id ? 2 : 0)};
}

} // namespace

std::string_view topic_of(Bytes packet) noexcept {
    const std::byte* const topic = parts_of(packet.data()).topic;
    return as_text({topic + 2, read_u16(topic)});
}

std::uint32_t read_u32(const std::byte* at) noexcept {
    return static_cast<std::uint32_t>(read_u16(at)) << 16 | read_u16(at + 2);
}

void write_u32(std::byte* at, std::uint32_t value) noexcept { put_u16(put_u16(at, value >> 16), value & 0xFFFFU); }

/// Properties stand in the order of their numbers: before this one there can be the Payload Format Indicator alone.
std::byte* find_message_expiry(std::byte* packet, Version version) noexcept {
    if (version == Version::v3_1_1) return nullptr;
    const std::byte* at = parts_of(packet).properties;
    const std::uint32_t size = take_varint(at);
    const std::byte* const end = at + size;
    if (at != end && *at == std::byte{0x01}) at += 2;
    if (at == end || *at != std::byte{0x02}) return nullptr;
    return packet + (at + 1 - packet);
}

void append_with_alias(Buffer& out, Bytes packet, std::uint16_t alias, bool with_topic) {
    const Parts from = parts_of(packet.data());
    const std::byte* properties = from.properties;
    const std::uint32_t properties_size = take_varint(properties);
    const std::byte* const payload = properties + properties_size;
    const std::byte* const end = packet.data() + packet.size();
    const auto size = [](const std::byte* begin, const std::byte* behind) {
        return static_cast<std::size_t>(behind - begin);
    };
    const std::size_t topic_size = with_topic ? size(from.topic, from.id) : 2;
    const std::size_t new_properties_size = properties_size + topic_alias_size;
    const std::size_t remaining = topic_size + size(from.id, from.properties) + varint_size(new_properties_size) +
                                  new_properties_size + size(payload, end);

    std::byte* const begin = out.reserve(remaining + 5);
    *begin = packet[0];
    std::byte* at = put_varint(begin + 1, static_cast<std::uint32_t>(remaining));
    at = with_topic ? put_bytes(at, from.topic, topic_size) : put_u16(at, 0);
    at = put_bytes(at, from.id, size(from.id, from.properties));
    at = put_varint(at, static_cast<std::uint32_t>(new_properties_size));
    at = put_bytes(at, properties, properties_size);
    at = put_alias_property(at, alias);
    at = put_bytes(at, payload, size(payload, end));
    out.commit(static_cast<std::size_t>(at - begin));
}

} // namespace culex::wire
