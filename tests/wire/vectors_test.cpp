// The golden vectors (support/vectors.hpp), in every way in which a packet can be written, read, cut and lengthened.

#include <gtest/gtest.h>

#include <algorithm>

#include "support/equal.hpp"
#include "support/frames.hpp"
#include "support/vectors.hpp"

namespace culex::wire {
namespace {

using namespace culex::testing;

class GoldenVector : public ::testing::TestWithParam<Vector> {
protected:
    const Vector& vector() const { return GetParam(); }
    Version version() const { return vector().version; }
    std::vector<std::byte> bytes = hex(GetParam().bytes);
    Arena arena;
};

TEST_P(GoldenVector, is_written_byte_for_byte) {
    Buffer out;
    const Result<void> result = encode(out, vector().packet, version());
    ASSERT_TRUE(result) << result.failure().message();
    EXPECT_EQ(hex_of(out.bytes()), hex_of(bytes));
}

TEST_P(GoldenVector, is_measured) {
    const Result<std::size_t> size = encoded_size(vector().packet, version());
    ASSERT_TRUE(size) << size.failure().message();
    EXPECT_EQ(*size, bytes.size());
}

TEST_P(GoldenVector, is_read) {
    const Result<Packet> packet = read_packet(bytes, version(), arena);
    ASSERT_TRUE(packet) << packet.failure().message();
    EXPECT_TRUE(equal(*packet, vector().packet)) << describe(*packet);
}

TEST_P(GoldenVector, fits_a_limit_of_just_its_size_and_no_smaller_one) {
    const auto limit = static_cast<std::uint32_t>(bytes.size());
    Buffer out;
    EXPECT_TRUE(encode(out, vector().packet, version(), limit));
    Framer exact(limit);
    exact.feed(bytes);
    EXPECT_TRUE(exact.next());

    Framer narrow(limit - 1);
    narrow.feed(Bytes{bytes}.first(std::min<std::size_t>(bytes.size(), 5)));
    const auto refused = narrow.next();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.failure().reason_code(), ReasonCode::packet_too_large);
}

/// Three in a row, in pieces of one size: boundaries then fall everywhere in a packet.
TEST_P(GoldenVector, is_split_at_any_size_of_chunk) {
    std::vector<std::byte> stream;
    for (int i = 0; i < 3; ++i) stream.insert(stream.end(), bytes.begin(), bytes.end());
    for (const std::size_t chunk : {1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U, 16U, 31U, 1024U}) {
        Framer framer;
        int found = 0;
        for (Bytes rest = stream; !rest.empty();) {
            const std::size_t size = std::min(chunk, rest.size());
            const std::vector<std::byte> piece(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(size));
            rest = rest.subspan(size);
            framer.feed(piece);
            for (;;) {
                const auto frame = framer.next();
                ASSERT_TRUE(frame) << chunk << ": " << frame.failure().message();
                if (!*frame) break;
                const Result<Packet> packet = decode(**frame, version(), arena);
                ASSERT_TRUE(packet) << chunk << ": " << packet.failure().message();
                EXPECT_TRUE(equal(*packet, vector().packet)) << chunk;
                ++found;
            }
        }
        EXPECT_EQ(found, 3) << chunk;
        EXPECT_FALSE(framer.mid_packet()) << chunk;
    }
}

TEST_P(GoldenVector, is_incomplete_when_the_stream_stops_early) {
    for (std::size_t size = 1; size < bytes.size(); ++size) {
        Framer framer;
        framer.feed(Bytes{bytes}.first(size));
        const auto frame = framer.next();
        ASSERT_TRUE(frame) << size << ": " << frame.failure().message();
        EXPECT_FALSE(*frame) << size;
        EXPECT_TRUE(framer.mid_packet()) << size;
    }
}

/// With a body cut short under a header that says so, only packets that are whole in themselves may be read: a PUBLISH with
/// less payload, a reply in a shorter form, a list with fewer elements. Those can be written, and are then the same bytes.
TEST_P(GoldenVector, is_refused_when_its_body_is_cut_short) {
    const Result<std::size_t> whole = encoded_size(vector().packet, version());
    ASSERT_TRUE(whole);
    Framer framer;
    framer.feed(bytes);
    const auto framed = framer.next();
    ASSERT_TRUE(framed && *framed);
    const Frame full = **framed;
    for (std::size_t size = 0; size < full.body.size(); ++size) {
        const std::vector<std::byte> body(full.body.begin(), full.body.begin() + static_cast<std::ptrdiff_t>(size));
        const Result<Packet> packet = decode(Frame{full.first_byte, body}, version(), arena);
        if (!packet) continue;
        EXPECT_FALSE(equal(*packet, vector().packet)) << size;
        const std::vector<std::byte> again = written(*packet, version());
        ASSERT_GE(again.size(), 2U) << size << ' ' << describe(*packet);
        Framer shorter;
        shorter.feed(again);
        const auto frame = shorter.next();
        ASSERT_TRUE(frame && *frame);
        // A success code that says nothing is left out again; nothing else has two forms.
        EXPECT_TRUE((**frame).body.size() == size || (**frame).body.size() <= 2) << size;
        const Result<Packet> reread = decode(**frame, version(), arena);
        ASSERT_TRUE(reread);
        EXPECT_TRUE(equal(*reread, *packet)) << size;
    }
}

TEST_P(GoldenVector, is_refused_with_a_byte_behind_its_fields) {
    if (type_of(vector().packet) == PacketType::publish) return; // it would be payload
    Framer framer;
    framer.feed(bytes);
    const auto framed = framer.next();
    ASSERT_TRUE(framed && *framed);
    std::vector<std::byte> body((**framed).body.begin(), (**framed).body.end());
    body.push_back(std::byte{0xFF}); // no reason code, no length, no filter
    const Result<Packet> packet = decode(Frame{(**framed).first_byte, body}, version(), arena);
    ASSERT_FALSE(packet) << describe(*packet);
    EXPECT_NE(packet.failure().reason_code(), ReasonCode::success);
}

INSTANTIATE_TEST_SUITE_P(Wire, GoldenVector, ::testing::ValuesIn(vectors()), [](const auto& row) {
    return std::string{row.param.name} + (row.param.version == Version::v5 ? "_5" : "_3_1_1");
});

} // namespace
} // namespace culex::wire
