#include <algorithm>

#include <fmt/format.h>

#include <culex/topic.hpp>

#include "wire/codec.hpp"
#include "wire/plain_publish.hpp"
#include "wire/plain_reply.hpp"
#include "wire/writer.hpp"

namespace culex::wire {
namespace {

template <class P>
concept HasReasonString = requires(const P& packet) { packet.properties.reason_string; };

[[nodiscard]] constexpr std::size_t whole_size(std::size_t remaining) noexcept {
    return 1 + varint_size(remaining) + remaining;
}

[[nodiscard]] constexpr bool fits(std::size_t remaining, std::uint32_t maximum_packet_size) noexcept {
    return remaining <= max_remaining_length && whole_size(remaining) <= maximum_packet_size;
}

[[gnu::cold]] Failure too_large(PacketType type, std::size_t remaining, std::uint32_t maximum_packet_size) {
    std::string detail = remaining > max_remaining_length
                             ? fmt::format("{}: {} bytes are more than a packet can have", to_string(type), remaining)
                             : fmt::format("{}: {} bytes, where the peer takes {}", to_string(type),
                                           whole_size(remaining), maximum_packet_size);
    return Failure(Errc::packet_too_large, std::move(detail), ReasonCode::packet_too_large);
}

/// A topic name is refused in the words of `check_topic_name`, as a filter is in those of its like.
template <class P> [[gnu::cold]] Failure misuse(const P& packet, const Fault& fault) {
    if constexpr (P::type == PacketType::publish) {
        if (fault.field == std::string_view("topic")) {
            if (auto checked = check_topic_name(packet.topic); !checked) return std::move(checked).failure();
        }
    }
    return misuse(P::type, fault);
}

template <class P> Measurer measured(const P& packet, Version version) {
    Measurer measurer(P::type, version);
    if constexpr (P::type == PacketType::publish) {
        measurer.check_bits("qos", [&](auto& bits) { Layout<P>::first_byte(bits, packet); });
    }
    if constexpr (P::type == PacketType::auth) {
        measurer.require(version == Version::v5, "packet", "does not exist in 3.1.1", ReasonCode::protocol_error);
    }
    Layout<P>::run(measurer, packet);
    return measurer;
}

[[nodiscard]] constexpr std::byte first_byte(PacketType type, unsigned flags) noexcept {
    return static_cast<std::byte>(static_cast<unsigned>(type) << 4 | flags);
}

template <class P> std::byte first_byte(const P& packet) noexcept {
    if constexpr (requires { Layout<P>::flags; }) {
        return first_byte(P::type, Layout<P>::flags);
    } else { // a Publish or its parts
        BitWriter writer;
        Layout<Publish>::first_byte(writer, packet);
        return first_byte(PacketType::publish, writer.bits());
    }
}

template <class P> void write(Buffer& out, const P& packet, Version version, const Measurer& measured) {
    const std::size_t whole = whole_size(measured.size());
    std::byte* const begin = out.reserve(whole);
    *begin = first_byte(packet);
    std::byte* const body = put_varint(begin + 1, static_cast<std::uint32_t>(measured.size()));
    Writer writer(body, P::type, version, measured.property_sizes());
    Layout<P>::run(writer, packet);
    assert(writer.end() == begin + whole);
    out.commit(whole);
}

/// Takes away what may not be sent if it makes the packet too large. Both must be gone if the second one does not do.
template <class P> Measurer shrink(P& packet, Version version, std::uint32_t maximum_packet_size) {
    packet.properties.user_properties = {};
    Measurer smaller = measured(packet, version);
    if (fits(smaller.size(), maximum_packet_size)) return smaller;
    packet.properties.reason_string.reset();
    return measured(packet, version);
}

template <class P>
[[gnu::noinline]] Result<void> encode_any(Buffer& out, const P& packet, Version version,
                                          std::uint32_t maximum_packet_size) {
    const Measurer measurer = measured(packet, version);
    if (measurer.fault()) return misuse(packet, measurer.fault());
    if (fits(measurer.size(), maximum_packet_size)) {
        write(out, packet, version, measurer);
        return {};
    }
    if constexpr (HasReasonString<P>) {
        P smaller = packet;
        const Measurer shrunk = shrink(smaller, version, maximum_packet_size);
        if (fits(shrunk.size(), maximum_packet_size)) {
            write(out, smaller, version, shrunk);
            return {};
        }
    }
    return too_large(P::type, measurer.size(), maximum_packet_size);
}

std::size_t remaining_length(const PublishParts& parts, Version version) noexcept {
    std::size_t size = 2 + parts.topic.size() + parts.payload.size();
    if (parts.qos != QoS::at_most_once) size += 2;
    if (version == Version::v5) size += varint_size(parts.properties.size()) + parts.properties.size();
    return size;
}

std::byte* put_head(std::byte* to, const PublishParts& parts, Version version, std::size_t remaining) noexcept {
    *to++ = first_byte(parts);
    to = put_varint(to, static_cast<std::uint32_t>(remaining));
    to = put_u16(to, parts.topic.size());
    to = put_bytes(to, parts.topic.data(), parts.topic.size());
    if (parts.qos != QoS::at_most_once) to = put_u16(to, parts.packet_id);
    if (version == Version::v3_1_1) return to;
    to = put_varint(to, static_cast<std::uint32_t>(parts.properties.size()));
    return put_bytes(to, parts.properties.data(), parts.properties.size());
}

[[gnu::noinline]] Result<void> encode_any_parts(Buffer& out, const PublishParts& parts, Version version,
                                                std::uint32_t maximum_packet_size) {
    const std::size_t remaining = remaining_length(parts, version);
    if (!fits(remaining, maximum_packet_size)) return too_large(PacketType::publish, remaining, maximum_packet_size);
    const std::size_t whole = whole_size(remaining);
    std::byte* const head_end = put_head(out.reserve(whole), parts, version, remaining);
    put_bytes(head_end, parts.payload.data(), parts.payload.size());
    out.commit(whole);
    return {};
}

} // namespace

template <class P> Result<std::size_t> encoded_size(const P& packet, Version version) {
    const Measurer measurer = measured(packet, version);
    if (measurer.fault()) return misuse(packet, measurer.fault());
    if (!fits(measurer.size(), no_limit)) return too_large(P::type, measurer.size(), no_limit);
    return whole_size(measurer.size());
}

template <class P>
Result<void> encode(Buffer& out, const P& packet, Version version, std::uint32_t maximum_packet_size) {
    if constexpr (P::type == PacketType::publish) {
        if (encode_plain_publish(out, packet, version, maximum_packet_size)) return {};
    }
    if constexpr (Reply<P>) {
        if (append_plain_reply(out, packet, version, maximum_packet_size)) return {};
    }
    return encode_any(out, packet, version, maximum_packet_size);
}

#define CULEX_INSTANTIATE(P)                                                                                           \
    template Result<std::size_t> encoded_size(const P&, Version);                                                      \
    template Result<void> encode(Buffer&, const P&, Version, std::uint32_t);
CULEX_INSTANTIATE(Connect)
CULEX_INSTANTIATE(Connack)
CULEX_INSTANTIATE(Publish)
CULEX_INSTANTIATE(Puback)
CULEX_INSTANTIATE(Pubrec)
CULEX_INSTANTIATE(Pubrel)
CULEX_INSTANTIATE(Pubcomp)
CULEX_INSTANTIATE(Subscribe)
CULEX_INSTANTIATE(Suback)
CULEX_INSTANTIATE(Unsubscribe)
CULEX_INSTANTIATE(Unsuback)
CULEX_INSTANTIATE(Pingreq)
CULEX_INSTANTIATE(Pingresp)
CULEX_INSTANTIATE(Disconnect)
CULEX_INSTANTIATE(Auth)
#undef CULEX_INSTANTIATE

Result<std::size_t> encoded_size(const Packet& packet, Version version) {
    return std::visit([&](const auto& one) { return encoded_size(one, version); }, packet);
}

Result<void> encode(Buffer& out, const Packet& packet, Version version, std::uint32_t maximum_packet_size) {
    return std::visit([&](const auto& one) { return encode(out, one, version, maximum_packet_size); }, packet);
}

Result<void> encode_publish_properties(Buffer& out, const PublishProperties& properties) {
    Measurer measurer(PacketType::publish, Version::v5);
    const std::size_t size = measurer.property_block(properties);
    if (measurer.fault()) return misuse(PacketType::publish, measurer.fault());
    Writer writer(out.reserve(size), PacketType::publish, Version::v5, measurer.property_sizes());
    writer.property_block(properties);
    out.commit(size);
    return {};
}

Result<void> encode_publish(Buffer& out, const PublishParts& parts, Version version,
                            std::uint32_t maximum_packet_size) {
    if (parts.properties.empty() && append_plain_publish(out, parts, version, maximum_packet_size)) return {};
    return encode_any_parts(out, parts, version, maximum_packet_size);
}

Result<void> encode_publish_head(Buffer& out, const PublishParts& parts, Version version,
                                 std::uint32_t maximum_packet_size) {
    const std::size_t remaining = remaining_length(parts, version);
    if (!fits(remaining, maximum_packet_size)) return too_large(PacketType::publish, remaining, maximum_packet_size);
    const std::size_t head = whole_size(remaining) - parts.payload.size();
    put_head(out.reserve(head), parts, version, remaining);
    out.commit(head);
    return {};
}

} // namespace culex::wire
