// Bytes of a peer through the framer and the codec, in both versions and from either side.
//
// Invariant: a stream gives the same packets however it is cut. What the codec accepts it can also write, in as many bytes as
// it says, and reads it back as an equal packet, whose bytes are the same again. Whoever may send a packet, nobody reads
// another one from it; and the short way for PUBLISH accepts what the long one does, and the same. Memory is bounded by the
// bytes that came.

#include <vector>

#include "fuzz/fuzz.hpp"
#include "support/equal.hpp"
#include "wire/codec.hpp"

namespace culex::fuzz {
namespace {

using wire::Arena;
using wire::Frame;
using wire::Sender;

/// A frame that lives on.
struct Cut {
    std::uint8_t first_byte = 0;
    std::vector<std::byte> body;

    bool operator==(const Cut&) const = default;
    [[nodiscard]] Frame frame() const noexcept { return {first_byte, body}; }
};

/// How the stream ends. A packet with illegal flags counts as refused, because the framer refuses it as soon as it sees that
/// it has not come whole, and leaves it to the codec where it has.
enum class End { clean, inside_a_packet, refused };

struct Framed {
    std::vector<Cut> frames;
    End end = End::clean;
};

/// False once the stream is refused.
bool take_frames(wire::Framer& framer, Framed& into) {
    for (;;) {
        const Result<std::optional<Frame>> frame = framer.next();
        if (frame && !*frame) return true;
        if (!frame || !wire::has_legal_flags((*frame)->first_byte)) {
            into.end = End::refused;
            return false;
        }
        into.frames.push_back({(*frame)->first_byte, {(*frame)->body.begin(), (*frame)->body.end()}});
    }
}

/// In pieces of one to `most` bytes, which a plain generator makes from the seed.
Framed framed(Bytes stream, std::uint32_t maximum, std::size_t most, unsigned seed) {
    wire::Framer framer(maximum);
    Framed result;
    while (!stream.empty()) {
        seed = seed * 1'103'515'245U + 12'345U;
        const std::size_t size = std::min(stream.size(), 1 + (seed >> 16) % most);
        const std::vector<std::byte> piece(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(size));
        stream = stream.subspan(size);
        framer.feed(piece);
        if (!take_frames(framer, result)) return result;
        FUZZ_CHECK(framer.stash_capacity() <= 4096 + 4 * (size + stream.size() + 70'000), "{} bytes of stash",
                   framer.stash_capacity());
    }
    if (framer.mid_packet()) result.end = End::inside_a_packet;
    return result;
}

std::vector<std::byte> encoded(const Packet& packet, Version version) {
    Buffer out;
    const Result<void> written = wire::encode(out, packet, version);
    FUZZ_CHECK(written, "{} cannot be written: {}", wire::describe(packet), written.failure().message());
    const Result<std::size_t> size = wire::encoded_size(packet, version);
    FUZZ_CHECK(size && *size == out.size(), "{} has {} bytes", wire::describe(packet), out.size());
    return {out.bytes().begin(), out.bytes().end()};
}

void check_round_trip(const Packet& packet, Version version) {
    const std::vector<std::byte> bytes = encoded(packet, version);
    wire::Framer framer;
    framer.feed(bytes);
    const Result<std::optional<Frame>> frame = framer.next();
    FUZZ_CHECK(frame && *frame && (*frame)->size() == bytes.size(), "{}", wire::describe(packet));
    Arena arena;
    const Result<Packet> again = wire::decode(**frame, version, arena);
    FUZZ_CHECK(again, "{} is not read back: {}", wire::describe(packet), again.failure().message());
    FUZZ_CHECK(testing::equal(packet, *again), "{} became {}", wire::describe(packet), wire::describe(*again));
    FUZZ_CHECK(encoded(*again, version) == bytes, "{} is written in two ways", wire::describe(packet));
}

void check_publish(const Frame& frame, Version version, const Result<Packet>& packet) {
    const Result<wire::PublishParts> parts = wire::decode_publish(frame, version);
    FUZZ_CHECK(bool(parts) == bool(packet), "the ways of reading PUBLISH disagree: {}",
               parts ? packet.failure().message() : parts.failure().message());
    if (!parts) return;
    const auto& whole = std::get<Publish>(*packet);
    FUZZ_CHECK(parts->topic == whole.topic && std::ranges::equal(parts->payload, whole.payload) &&
                   parts->packet_id == whole.packet_id && parts->qos == whole.qos && parts->retain == whole.retain &&
                   parts->dup == whole.dup && parts->topic_alias == whole.properties.topic_alias.value_or(0),
               "the ways of reading PUBLISH differ: {}", wire::describe(*packet));
    Arena arena;
    const Result<PublishProperties> properties = wire::decode_publish_properties(parts->properties, arena);
    FUZZ_CHECK(properties && testing::equal(*properties, whole.properties), "{}", wire::describe(*packet));
}

void check_frame(const Frame& frame, Version version) {
    Arena arena;
    const Result<Packet> any = wire::decode(frame, version, arena);
    if (any) check_round_trip(*any, version);
    if (!any) FUZZ_CHECK(failed(any.failure().reason_code()), "{}", any.failure().message());
    if (frame.type() == PacketType::publish) check_publish(frame, version, any);
    if (frame.type() == PacketType::connect) (void)wire::connect_version(frame);
    for (const Sender sender : {Sender::client, Sender::server}) {
        Arena other;
        const Result<Packet> packet = wire::decode(frame, version, other, sender);
        if (!packet) continue;
        FUZZ_CHECK(any && testing::equal(*packet, *any), "{} is read for one side alone", wire::describe(*packet));
    }
}

void run(Input input) {
    const std::uint8_t how = input.byte();
    const unsigned seed = input.byte();
    const Version version = (how & 1) != 0 ? Version::v5 : Version::v3_1_1;
    const std::uint32_t maximum = (how & 2) != 0 ? 16 + (how >> 2) : wire::no_limit;
    const Bytes stream = input.rest();
    const Memory memory;
    const Framed whole = framed(stream, maximum, 1 << 20, seed);
    for (const std::size_t most : {std::size_t{1}, std::size_t{9}, std::size_t{300}}) {
        const Framed pieces = framed(stream, maximum, most, seed);
        FUZZ_CHECK(pieces.frames == whole.frames && pieces.end == whole.end, "cut otherwise in pieces of up to {}",
                   most);
    }
    for (const Cut& cut : whole.frames) {
        FUZZ_CHECK(cut.frame().size() <= maximum, "{} bytes passed a limit of {}", cut.frame().size(), maximum);
        check_frame(cut.frame(), version);
    }
    FUZZ_CHECK(memory.taken() <= 65'536 + 64 * stream.size(), "{} bytes are held after {} came", memory.taken(),
               stream.size());
}

} // namespace
} // namespace culex::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    culex::fuzz::run(culex::fuzz::Input(data, size));
    return 0;
}
