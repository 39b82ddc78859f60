#pragma once
/// \file codec.hpp
/// Packets to bytes and back, MQTT 3.1.1 and 5.
///
/// How it works. A Framer (framer.hpp) cuts the stream into packets without looking into them. What a packet looks like is
/// said once, in layout.hpp, and played by three kinds of `io`: the Measurer checks a packet and counts its bytes, the
/// Writer writes what the Measurer has passed, the Reader fills a packet in and checks it. A property of MQTT 5 is one row
/// of property_rows.hpp. PUBLISH and its replies have a short way past all that, in both directions, for the packets that
/// most packets are: valid, plain topic, no properties (plain_publish.hpp, plain_reply.hpp). Whatever the short way does
/// not like takes the long one, which finds the words for what is wrong; so there is one truth, and the short way need only
/// be careful.
///
/// Reading copies nothing: the texts and payloads of a packet are views on the frame, and its arrays lie in an arena. What
/// is refused:
/// - everything that the standards call malformed, and their protocol errors as far as one packet shows them;
/// - lengths and identifiers that are not in their shortest form, in both versions (the standard binds the sender only);
/// - reason codes that are not in the packet's own list.
/// Accepted: control characters and non-characters in texts; in SUBSCRIBE and UNSUBSCRIBE, filters that break the rules for
/// wildcards (a broker answers these with 0x8F; a client checks before it asks, see <culex/topic.hpp>); AUTH without a
/// method (whether one was agreed on is the session's knowledge). A failure's detail names packet and field, and its
/// reason code is the one that the peer would be told.
///
/// MQTT 3.1.1 is MQTT 5 without properties: where a packet has some, or a reason code that 3.1.1 has no place for, they are
/// not written. CONNACK's return codes are mapped to reason codes and back; a SUBACK code of 0x80 or above is written as
/// 0x80.

#include <cstdint>
#include <string>

#include <culex/buffer.hpp>
#include <culex/packet.hpp>
#include <culex/result.hpp>

#include "wire/arena.hpp"
#include "wire/framer.hpp"
#include "wire/plain_publish.hpp"

namespace culex::wire {

/// Who sent a packet, for the rules that differ: packet types, and a few reason codes and properties (sections 3.14.2,
/// 3.15.2.1, 3.3.4).
enum class Sender : std::uint8_t { any, client, server };

/// Reads a frame as a `P`. Its texts and payloads are views on `frame`, its arrays lie in `arena`.
/// A CONNACK of 3.1.1 that answers a CONNECT of 5 fails with `Errc::connection_refused` and reason
/// `unsupported_protocol_version`; everything else with `Errc::malformed_packet` or `Errc::protocol_error`.
template <class P> Result<P> decode(const Frame& frame, Version version, Arena& arena, Sender from = Sender::any);

/// The same for any packet.
Result<Packet> decode(const Frame& frame, Version version, Arena& arena, Sender from = Sender::any);

/// The version that a CONNECT asks for; a server must know it before it can read the rest.
/// Fails with reason `unsupported_protocol_version` where it is neither 3.1.1 nor 5.
Result<Version> connect_version(const Frame& frame);

/// The size of the whole packet, fixed header included. Fails as `encode` does.
template <class P> Result<std::size_t> encoded_size(const P& packet, Version version);
Result<std::size_t> encoded_size(const Packet& packet, Version version);

/// Appends the packet, or leaves `out` as it is and fails: `Errc::invalid_argument`, with a detail that names the field, for
/// a packet that may not be sent; `Errc::packet_too_large` above `maximum_packet_size` or the protocol's own limit.
/// A packet that is too large first loses its user properties and then, if that does not do, its reason string, where it
/// has such a member: the standard forbids to send them then ([MQTT-3.4.2-2], [MQTT-3.4.2-3] and their like).
/// Short forms are used wherever there are some.
template <class P>
Result<void> encode(Buffer& out, const P& packet, Version version, std::uint32_t maximum_packet_size = no_limit);
Result<void> encode(Buffer& out, const Packet& packet, Version version, std::uint32_t maximum_packet_size = no_limit);

/// The long way of `decode_publish`.
void decode_other_publish(const Frame& frame, Version version, Result<PublishParts>& into);

/// Takes a PUBLISH apart and checks all of it, properties included, without allocating.
inline Result<PublishParts> decode_publish(const Frame& frame, Version version) {
    Result<PublishParts> parts{PublishParts{}}; // filled in where it is returned
    if (!read_plain_publish(frame, version, *parts)) decode_other_publish(frame, version, parts);
    return parts;
}

/// Reads a PUBLISH's property bytes, which may have been copied since they were checked: the result views `bytes`.
Result<PublishProperties> decode_publish_properties(Bytes bytes, Arena& arena);

/// Appends property bytes as `PublishParts` holds them. Fails with `Errc::invalid_argument`.
Result<void> encode_publish_properties(Buffer& out, const PublishProperties& properties);

/// Appends a PUBLISH whose parts were checked by the caller: only its size can make it fail (`Errc::packet_too_large`).
Result<void> encode_publish(Buffer& out, const PublishParts& parts, Version version,
                            std::uint32_t maximum_packet_size = no_limit);

/// The same up to the payload, for a large one that is to be written from where it lies.
Result<void> encode_publish_head(Buffer& out, const PublishParts& parts, Version version,
                                 std::uint32_t maximum_packet_size = no_limit);

/// One line for logs: `PUBLISH id=7 qos=1 topic="a/b" 16 bytes`. Payloads, passwords and authentication data are not shown.
[[nodiscard]] std::string describe(const Packet& packet);

} // namespace culex::wire
