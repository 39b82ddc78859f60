#include "wire/codec.hpp"
#include "wire/plain_publish.hpp"
#include "wire/plain_reply.hpp"
#include "wire/reader.hpp"
#include "wire/sender.hpp"

namespace culex::wire {
namespace {

[[nodiscard]] bool has_good_header(const Frame& frame, PacketType expected, Version version, Sender from) noexcept {
    return frame.type() == expected && has_legal_flags(frame.first_byte) && may_send(from, expected, version) &&
           (expected != PacketType::auth || version == Version::v5);
}

/// For a header that is not good.
[[gnu::cold]] Failure header_refusal(const Frame& frame, PacketType expected, Version version, Sender from) {
    const PacketType type = frame.type();
    if (type == PacketType{} || (type == PacketType::auth && version == Version::v3_1_1)) {
        const unsigned number = frame.first_byte >> 4;
        return refusal(type, {ReasonCode::malformed_packet, "packet type", "does not exist", number});
    }
    if (type != expected) return refusal(type, {ReasonCode::protocol_error, "packet", "is not the one expected"});
    if (!may_send(from, type, version)) {
        const char* what = from == Sender::server ? "is not for servers to send" : "is not for clients to send";
        return refusal(type, {ReasonCode::protocol_error, "packet", what});
    }
    return refusal(
        type, {ReasonCode::malformed_packet, "first byte", "has illegal flags", frame.first_byte}); // [MQTT-2.1.3-1]
}

template <class P> void read_packet(Reader& reader, const Frame& frame, P& packet) {
    if constexpr (P::type == PacketType::publish) {
        const auto flags = static_cast<std::uint8_t>(frame.first_byte & 0x0F);
        reader.bits("first byte", flags, [&](auto& bits) { Layout<P>::first_byte(bits, packet); });
    }
    Layout<P>::run(reader, packet);
    reader.finish();
}

/// A server that knows 3.1.1 only answers a CONNECT of 5 with two bytes, which no CONNACK of 5 can be.
Failure refused_version(const Frame& frame) {
    const auto code = std::to_integer<std::uint8_t>(frame.body[1]);
    if (code == 1 || code == static_cast<std::uint8_t>(ReasonCode::unsupported_protocol_version)) {
        return Failure(Errc::connection_refused,
                       "CONNACK of MQTT 3.1.1 with return code 1: the server does not speak MQTT 5",
                       ReasonCode::unsupported_protocol_version);
    }
    return refusal(PacketType::connack,
                   {ReasonCode::malformed_packet, "packet", "is one of MQTT 3.1.1, with return code", code});
}

/// The short ways. Nothing that they accept depends on the sender.
template <class P> bool read_plain(const Frame& frame, Version version, P& into) noexcept {
    if constexpr (P::type == PacketType::publish) return read_plain_publish(frame, version, into);
    if constexpr (Reply<P>) return read_plain_reply(frame, into);
    return false;
}

template <class P>
[[gnu::noinline]] void read_any(const Frame& frame, Version version, Arena& arena, Sender from, Result<P>& into) {
    if (!has_good_header(frame, P::type, version, from)) {
        into = header_refusal(frame, P::type, version, from);
        return;
    }
    if constexpr (P::type == PacketType::connack) {
        if (version == Version::v5 && frame.body.size() == 2) {
            into = refused_version(frame);
            return;
        }
    }
    Reader reader(frame.body, P::type, version, &arena);
    read_packet(reader, frame, *into);
    Fault fault = reader.fault();
    if (!fault) fault = sender_fault(*into, from);
    if (fault) into = refusal(P::type, fault);
}

template <std::size_t I = 0> Result<Packet> decode_any(const Frame& frame, Version version, Arena& arena, Sender from) {
    if constexpr (I == std::variant_size_v<Packet>) {
        return header_refusal(frame, PacketType{}, version, from);
    } else {
        using P = std::variant_alternative_t<I, Packet>;
        if (P::type != frame.type()) return decode_any<I + 1>(frame, version, arena, from);
        Result<P> packet = decode<P>(frame, version, arena, from);
        if (!packet) return std::move(packet).failure();
        return Packet{*packet};
    }
}

} // namespace

template <class P> Result<P> decode(const Frame& frame, Version version, Arena& arena, Sender from) {
    Result<P> result{P{}}; // the one object that is returned: a Publish is too large to be moved about
    if (!read_plain(frame, version, *result)) read_any(frame, version, arena, from, result);
    return result;
}

template Result<Connect> decode(const Frame&, Version, Arena&, Sender);
template Result<Connack> decode(const Frame&, Version, Arena&, Sender);
template Result<Publish> decode(const Frame&, Version, Arena&, Sender);
template Result<Puback> decode(const Frame&, Version, Arena&, Sender);
template Result<Pubrec> decode(const Frame&, Version, Arena&, Sender);
template Result<Pubrel> decode(const Frame&, Version, Arena&, Sender);
template Result<Pubcomp> decode(const Frame&, Version, Arena&, Sender);
template Result<Subscribe> decode(const Frame&, Version, Arena&, Sender);
template Result<Suback> decode(const Frame&, Version, Arena&, Sender);
template Result<Unsubscribe> decode(const Frame&, Version, Arena&, Sender);
template Result<Unsuback> decode(const Frame&, Version, Arena&, Sender);
template Result<Pingreq> decode(const Frame&, Version, Arena&, Sender);
template Result<Pingresp> decode(const Frame&, Version, Arena&, Sender);
template Result<Disconnect> decode(const Frame&, Version, Arena&, Sender);
template Result<Auth> decode(const Frame&, Version, Arena&, Sender);

Result<Packet> decode(const Frame& frame, Version version, Arena& arena, Sender from) {
    return decode_any(frame, version, arena, from);
}

void decode_other_publish(const Frame& frame, Version version, Result<PublishParts>& into) {
    if (!has_good_header(frame, PacketType::publish, version, Sender::any)) {
        into = header_refusal(frame, PacketType::publish, version, Sender::any);
        return;
    }
    Publish packet;
    Reader reader(frame.body, PacketType::publish, version, nullptr);
    read_packet(reader, frame, packet);
    if (!reader.ok()) {
        into = refusal(PacketType::publish, reader.fault());
        return;
    }
    into->topic = packet.topic;
    into->payload = packet.payload;
    into->properties = reader.property_bytes();
    into->array_bytes = reader.array_bytes();
    into->packet_id = packet.packet_id;
    into->topic_alias = packet.properties.topic_alias.value_or(0);
    into->qos = packet.qos;
    into->retain = packet.retain;
    into->dup = packet.dup;
}

Result<PublishProperties> decode_publish_properties(Bytes bytes, Arena& arena) {
    PublishProperties properties;
    Reader reader(bytes, PacketType::publish, Version::v5, &arena);
    reader.property_block(properties);
    if (!reader.ok()) return refusal(PacketType::publish, reader.fault());
    return properties;
}

Result<Version> connect_version(const Frame& frame) {
    if (!has_good_header(frame, PacketType::connect, Version::v5, Sender::any)) {
        return header_refusal(frame, PacketType::connect, Version::v5, Sender::any);
    }
    Reader reader(frame.body, PacketType::connect, Version::v5, nullptr);
    std::uint8_t level = 0;
    reader.literal("protocol name", "MQTT");
    reader.number("protocol level", level);
    if (!reader.ok()) return refusal(PacketType::connect, reader.fault());
    const auto version = static_cast<Version>(level);
    if (version == Version::v3_1_1 || version == Version::v5) return version;
    return refusal(PacketType::connect,
                   {ReasonCode::unsupported_protocol_version, "protocol level", "is neither 4 nor 5", level});
}

} // namespace culex::wire
