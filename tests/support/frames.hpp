#pragma once
/// \file frames.hpp
/// Bytes read the way a connection reads them.

#include <vector>

#include "support/hex.hpp"
#include "wire/codec.hpp"

namespace culex::testing {

/// The first packet among the bytes, whichever floor refuses it. Bytes that stop inside a packet fail with
/// `Errc::connection_lost`, which nothing else here does.
[[nodiscard]] inline Result<Packet> read_packet(Bytes bytes, Version version, wire::Arena& arena,
                                                wire::Sender from = wire::Sender::any) {
    wire::Framer framer;
    framer.feed(bytes);
    Result<std::optional<wire::Frame>> frame = framer.next();
    if (!frame) return std::move(frame).failure();
    if (!*frame) return Failure(Errc::connection_lost, framer.mid_packet() ? "inside a packet" : "no bytes");
    return wire::decode(**frame, version, arena, from); // may view `bytes`, or nothing
}

/// A packet's bytes, or nothing where it may not be written.
template <class P> [[nodiscard]] std::vector<std::byte> written(const P& packet, Version version) {
    Buffer out;
    if (!wire::encode(out, packet, version)) return {};
    return {out.bytes().begin(), out.bytes().end()};
}

} // namespace culex::testing
