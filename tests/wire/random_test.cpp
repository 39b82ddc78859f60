// Random packets there and back, and random bytes that must do no harm. The seeds are fixed; a failure prints its own.

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "support/equal.hpp"
#include "support/frames.hpp"
#include "support/random_packets.hpp"
#include "support/vectors.hpp"

namespace culex::wire {
namespace {

using namespace culex::testing;

class Random : public ::testing::TestWithParam<Version> {};

TEST_P(Random, packets_come_back_as_they_were) {
    const Version version = GetParam();
    for (unsigned seed = 1; seed <= 3000; ++seed) {
        RandomPackets random(seed, version);
        const Packet packet = random.packet();
        Buffer out;
        const Result<void> written = encode(out, packet, version);
        ASSERT_TRUE(written) << seed << ": " << written.failure().message();
        ASSERT_EQ(*encoded_size(packet, version), out.size()) << seed;
        Arena arena;
        const Result<Packet> read = read_packet(out.bytes(), version, arena);
        ASSERT_TRUE(read) << seed << ": " << read.failure().message();
        ASSERT_TRUE(equal(*read, packet)) << seed << ": " << describe(packet) << " / " << describe(*read);
    }
}

/// Whatever is read can be written, and means the same: no packet is accepted that could not be.
void expect_harmless(Bytes bytes, Version version, unsigned seed) {
    Arena arena;
    const Result<Packet> packet = read_packet(bytes, version, arena);
    if (!packet) return;
    Buffer out;
    const Result<void> written = encode(out, *packet, version);
    ASSERT_TRUE(written) << seed << ": " << written.failure().message() << ' ' << hex_of(bytes);
    const Result<Packet> again = read_packet(out.bytes(), version, arena);
    ASSERT_TRUE(again) << seed << ": " << again.failure().message();
    EXPECT_TRUE(equal(*packet, *again)) << seed << ": " << hex_of(bytes);
}

/// The bytes lie at the end of a block of their own, where the sanitizer sees every step past it.
TEST_P(Random, bytes_do_no_harm) {
    for (unsigned seed = 1; seed <= 20'000; ++seed) {
        std::mt19937 random(seed);
        std::vector<std::byte> bytes(2 + random() % 40);
        for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() % 4 == 0 ? random() : random() % 8);
        bytes[0] = static_cast<std::byte>(random());
        bytes[1] = static_cast<std::byte>(bytes.size() - 2);
        expect_harmless(bytes, GetParam(), seed);
    }
}

TEST_P(Random, damage_to_a_good_packet_does_no_harm) {
    unsigned seed = 0;
    for (const Vector& vector : vectors()) {
        const std::vector<std::byte> good = hex(vector.bytes);
        for (int i = 0; i < 200; ++i) {
            std::mt19937 random(++seed);
            std::vector<std::byte> bytes = good;
            for (auto hits = 1 + random() % 3; hits > 0; --hits) {
                bytes[random() % bytes.size()] = static_cast<std::byte>(random() % 2 == 0 ? random() : random() % 48);
            }
            expect_harmless(bytes, GetParam(), seed);
        }
    }
}

TEST_P(Random, streams_are_cut_alike_however_they_come) {
    const Version version = GetParam();
    for (unsigned seed = 1; seed <= 200; ++seed) {
        RandomPackets random(seed, version);
        Buffer stream;
        std::vector<Packet> sent;
        for (int i = 0; i < 20; ++i) {
            sent.push_back(random.packet());
            ASSERT_TRUE(encode(stream, sent.back(), version));
        }
        Framer framer;
        Arena arena;
        std::size_t received = 0;
        while (!stream.empty()) {
            const std::size_t size = std::min<std::size_t>(1 + random.below(60), stream.size());
            const std::vector<std::byte> chunk(stream.bytes().begin(), stream.bytes().begin() + static_cast<int>(size));
            stream.consume(size);
            framer.feed(chunk);
            for (auto frame = framer.next(); *frame; frame = framer.next()) {
                const Result<Packet> packet = decode(**frame, version, arena);
                ASSERT_TRUE(packet) << seed << ": " << packet.failure().message();
                ASSERT_TRUE(equal(*packet, sent.at(received++))) << seed;
            }
        }
        EXPECT_EQ(received, sent.size()) << seed;
    }
}

INSTANTIATE_TEST_SUITE_P(Wire, Random, ::testing::Values(Version::v3_1_1, Version::v5),
                         [](const auto& row) { return row.param == Version::v5 ? "v5" : "v3_1_1"; });

} // namespace
} // namespace culex::wire
