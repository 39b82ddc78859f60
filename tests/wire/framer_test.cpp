#include <gtest/gtest.h>

#include "support/hex.hpp"
#include "wire/framer.hpp"

namespace culex::wire {
namespace {

using testing::hex;
using testing::hex_of;

/// What `next` says, as text: the packet, "none", or the failure's detail.
std::string next_of(Framer& framer) {
    const auto frame = framer.next();
    if (!frame) return frame.failure().detail();
    if (!*frame) return "none";
    const std::byte first[] = {static_cast<std::byte>((**frame).first_byte)};
    const std::string body = hex_of((**frame).body);
    return hex_of(first) + (body.empty() ? "" : " ") + body;
}

bool lies_in(Bytes part, Bytes whole) {
    return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

TEST(Framer, gives_packets_in_place) {
    const std::vector<std::byte> chunk = hex("40 02 00 01 C0 00 30 80 01 00 01 't' 00*125 D0 00");
    Framer framer;
    framer.feed(chunk);
    for (const std::size_t size : {2U, 0U, 128U, 0U}) {
        const auto frame = framer.next();
        ASSERT_TRUE(frame && *frame);
        EXPECT_EQ((**frame).body.size(), size);
        EXPECT_TRUE(lies_in((**frame).body, chunk));
    }
    EXPECT_EQ(next_of(framer), "none");
    EXPECT_FALSE(framer.mid_packet());
}

TEST(Framer, copies_only_a_packet_that_comes_in_pieces) {
    const std::vector<std::byte> first = hex("C0 00 40 02 00");
    const std::vector<std::byte> second = hex("07 D0 00");
    Framer framer;
    framer.feed(first);
    EXPECT_EQ(next_of(framer), "C0");
    EXPECT_EQ(next_of(framer), "none");
    EXPECT_TRUE(framer.mid_packet());
    framer.feed(second);
    EXPECT_EQ(next_of(framer), "40 00 07");
    const auto in_place = framer.next();
    ASSERT_TRUE(in_place && *in_place);
    EXPECT_TRUE(lies_in((**in_place).body, second));
    EXPECT_FALSE(framer.mid_packet());
}

TEST(Framer, may_be_left_half_way_and_continued) {
    const std::vector<std::byte> chunk = hex("C0 00 D0 00 E0 00");
    Framer framer;
    framer.feed(chunk);
    EXPECT_EQ(next_of(framer), "C0");
    EXPECT_EQ(next_of(framer), "D0");
    EXPECT_EQ(next_of(framer), "E0");
    EXPECT_EQ(next_of(framer), "none");
}

/// The read buffer is shared by a loop's connections: who pauses must not count on it.
TEST(Framer, keeps_the_rest_of_a_chunk_that_goes_away) {
    std::vector<std::byte> chunk = hex("C0 00 40 02 00 01 D0 00 40 02 00");
    Framer framer;
    framer.feed(chunk);
    EXPECT_EQ(next_of(framer), "C0");
    framer.keep();
    chunk.assign(chunk.size(), std::byte{0xEE});
    EXPECT_EQ(next_of(framer), "40 00 01");
    framer.keep(); // once more, from its own memory
    EXPECT_EQ(next_of(framer), "D0");
    EXPECT_EQ(next_of(framer), "none");
    EXPECT_TRUE(framer.mid_packet());
    const std::vector<std::byte> rest = hex("02");
    framer.feed(rest);
    EXPECT_EQ(next_of(framer), "40 00 02");
    EXPECT_EQ(next_of(framer), "none");
}

TEST(Framer, allows_the_greatest_remaining_length_of_four_bytes_and_refuses_a_fifth) {
    const std::vector<std::byte> greatest = hex("30 FF FF FF 7F");
    Framer patient;
    patient.feed(greatest);
    EXPECT_EQ(next_of(patient), "none");
    EXPECT_TRUE(patient.mid_packet());

    const std::vector<std::byte> beyond = hex("30 FF FF FF FF");
    Framer framer;
    framer.feed(beyond);
    EXPECT_EQ(next_of(framer), "PUBLISH: remaining length has more than four bytes");
}

TEST(Framer, repeats_its_failure) {
    const std::vector<std::byte> first = hex("30 80");
    const std::vector<std::byte> second = hex("00 C0 00");
    Framer framer;
    framer.feed(first);
    EXPECT_EQ(next_of(framer), "none");
    framer.feed(second);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(next_of(framer), "PUBLISH: remaining length is not in its shortest form");
}

TEST(Framer, refuses_a_packet_above_the_limit_before_its_body_has_come) { // [MQTT-3.1.2-24]
    const std::vector<std::byte> header = hex("30 80 01");
    for (const bool in_pieces : {false, true}) {
        Framer framer;
        framer.set_maximum_packet_size(130);
        framer.feed(Bytes{header}.first(in_pieces ? 2 : 3));
        if (in_pieces) {
            EXPECT_EQ(next_of(framer), "none");
            framer.feed(Bytes{header}.subspan(2));
        }
        const auto refused = framer.next();
        ASSERT_FALSE(refused);
        EXPECT_TRUE(refused.failure() == Errc::malformed_packet);
        EXPECT_EQ(refused.failure().reason_code(), ReasonCode::packet_too_large);
        EXPECT_EQ(refused.failure().detail(), "PUBLISH: packet is above the maximum packet size (131, 0x83)");
    }
    Framer framer(131);
    framer.feed(header);
    EXPECT_EQ(next_of(framer), "none");
}

/// An HTTP server's answer, a TLS alert: no packet, and told at once, although the second byte promises a long body.
TEST(Framer, refuses_another_protocol_at_its_first_bytes) {
    for (const char* bytes : {"'HTTP/1.1 400 Bad Request'", "15 03 03", "00 7F"}) {
        const std::vector<std::byte> other = hex(bytes);
        Framer framer;
        framer.feed(other);
        const auto refused = framer.next();
        ASSERT_FALSE(refused) << bytes;
        EXPECT_EQ(refused.failure().reason_code(), ReasonCode::malformed_packet) << bytes;
    }
    const std::vector<std::byte> first = hex("'H'"); // even if only one byte has come
    Framer framer;
    framer.feed(first);
    EXPECT_FALSE(framer.next());
}

TEST(Framer, takes_no_memory_for_what_was_promised_and_has_not_come) {
    const std::vector<std::byte> header = hex("30 FF FF FF 7F 00 01 't'");
    const std::vector<std::byte> kilobyte = hex("00*1024");
    Framer framer;
    framer.feed(header);
    EXPECT_EQ(next_of(framer), "none");
    for (int i = 0; i < 64; ++i) {
        framer.feed(kilobyte);
        EXPECT_EQ(next_of(framer), "none");
    }
    EXPECT_LE(framer.stash_capacity(), 4U * 65 * 1024);
    framer.reset();
    EXPECT_EQ(framer.stash_capacity(), 0U);
    EXPECT_FALSE(framer.mid_packet());
}

TEST(Framer, gives_a_large_stash_back_and_keeps_a_small_one) {
    for (const bool large : {false, true}) {
        std::vector<std::byte> packet = hex(large ? "30 80 80 02" : "30 80 02");
        packet.resize(packet.size() + (large ? 32768 : 256));
        Framer framer;
        framer.feed(Bytes{packet}.first(packet.size() / 2));
        EXPECT_EQ(next_of(framer), "none");
        framer.feed(Bytes{packet}.subspan(packet.size() / 2));
        ASSERT_TRUE(framer.next());
        EXPECT_GE(framer.stash_capacity(), packet.size());
        EXPECT_EQ(next_of(framer), "none");
        EXPECT_EQ(framer.stash_capacity() == 0, large);
    }
}

TEST(Framer, hands_the_memory_of_a_packet_over) {
    const std::vector<std::byte> packet = hex("30 09 00 01 't' 'abcdef'");
    Framer framer;
    framer.feed(packet);
    ASSERT_TRUE(framer.next());
    EXPECT_TRUE(framer.take_stash().empty()) << "it lies in the chunk";
    ASSERT_TRUE(framer.next());

    framer.feed(Bytes{packet}.first(4));
    EXPECT_EQ(next_of(framer), "none");
    framer.feed(Bytes{packet}.subspan(4));
    const auto frame = framer.next();
    ASSERT_TRUE(frame && *frame);
    const Buffer memory = framer.take_stash();
    EXPECT_TRUE(lies_in((**frame).body, memory.bytes()));
    EXPECT_EQ(next_of(framer), "none");
    EXPECT_EQ(hex_of((**frame).body), hex_of(Bytes{packet}.subspan(2)));
}

} // namespace
} // namespace culex::wire
