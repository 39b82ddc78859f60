// PUBLISH in pieces, and the short ways that must not differ from the long one.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "support/equal.hpp"
#include "support/frames.hpp"
#include "support/vectors.hpp"
#include "wire/plain_publish.hpp"
#include "wire/reader.hpp"

namespace culex::wire {
namespace {

using namespace culex::testing;

Frame frame_of(Bytes bytes) {
    Framer framer;
    framer.feed(bytes);
    const auto frame = framer.next();
    return frame && *frame ? **frame : Frame{};
}

std::vector<Vector> publishes() {
    std::vector<Vector> found;
    for (const Vector& vector : vectors()) {
        if (type_of(vector.packet) == PacketType::publish) found.push_back(vector);
    }
    return found;
}

class PublishInPieces : public ::testing::TestWithParam<Vector> {
protected:
    const std::vector<std::byte> bytes = hex(GetParam().bytes);
    const Version version = GetParam().version;
    const Publish& packet = std::get<Publish>(GetParam().packet);
};

TEST_P(PublishInPieces, has_all_of_the_packet) {
    const Result<PublishParts> parts = decode_publish(frame_of(bytes), version);
    ASSERT_TRUE(parts) << parts.failure().message();
    // As a session keeps a message: one block with the property bytes and room for their arrays.
    std::vector<std::byte> block(parts->properties.size() + parts->array_bytes);
    std::ranges::copy(parts->properties, block.begin());
    const std::span<std::byte> room = std::span{block}.subspan(parts->properties.size());
    Arena arena(room);
    const Result<PublishProperties> properties =
        decode_publish_properties(Bytes{block}.first(parts->properties.size()), arena);
    ASSERT_TRUE(properties) << properties.failure().message();
    EXPECT_LE(arena.used(), room.size());

    const Publish whole{.topic = parts->topic,
                        .payload = parts->payload,
                        .qos = parts->qos,
                        .retain = parts->retain,
                        .dup = parts->dup,
                        .packet_id = parts->packet_id,
                        .properties = *properties};
    EXPECT_TRUE(equal(whole, packet)) << describe(whole);
    EXPECT_EQ(parts->topic_alias, packet.properties.topic_alias.value_or(0));
    for (const UserProperty& property : properties->user_properties) {
        const auto* at = reinterpret_cast<const std::byte*>(property.name.data());
        EXPECT_TRUE(at >= block.data() && at < block.data() + block.size()) << "views the copy";
    }
}

TEST_P(PublishInPieces, is_written_as_it_was_read) {
    const Result<PublishParts> parts = decode_publish(frame_of(bytes), version);
    ASSERT_TRUE(parts);
    Buffer out;
    ASSERT_TRUE(encode_publish(out, *parts, version));
    EXPECT_EQ(hex_of(out.bytes()), hex_of(bytes));

    Buffer head;
    ASSERT_TRUE(encode_publish_head(head, *parts, version));
    EXPECT_EQ(hex_of(head.bytes()), hex_of(Bytes{bytes}.first(bytes.size() - packet.payload.size())));

    Buffer properties;
    ASSERT_TRUE(encode_publish_properties(properties, packet.properties));
    EXPECT_EQ(hex_of(properties.bytes()), hex_of(parts->properties));

    const auto limit = static_cast<std::uint32_t>(bytes.size());
    EXPECT_TRUE(encode_publish(out, *parts, version, limit));
    EXPECT_TRUE(encode_publish(out, *parts, version, limit - 1).failure() == Errc::packet_too_large);
    EXPECT_TRUE(encode_publish_head(out, *parts, version, limit - 1).failure() == Errc::packet_too_large);
    EXPECT_EQ(out.size(), 2 * bytes.size());
}

INSTANTIATE_TEST_SUITE_P(Wire, PublishInPieces, ::testing::ValuesIn(publishes()), [](const auto& row) {
    return std::string{row.param.name} + (row.param.version == Version::v5 ? "_5" : "_3_1_1");
});

/// The layout alone, as `decode` plays it where the short way says no.
Result<Publish> read_the_long_way(const Frame& frame, Version version) {
    if (!has_legal_flags(frame.first_byte)) return Failure(Errc::malformed_packet, "flags");
    Publish packet;
    Arena arena;
    Reader reader(frame.body, PacketType::publish, version, &arena);
    reader.bits("flags", static_cast<std::uint8_t>(frame.first_byte & 0x0F),
                [&](auto& bits) { Layout<Publish>::first_byte(bits, packet); });
    Layout<Publish>::run(reader, packet);
    if (!reader.ok()) return refusal(PacketType::publish, reader.fault());
    packet.properties = {}; // the arena ends here, and the short way knows no properties
    return packet;
}

/// Every body of up to five bytes over a small alphabet: the short way takes only what the long way takes, and reads it
/// alike.
TEST(ShortWay, agrees_with_the_long_one) {
    constexpr std::array<unsigned char, 7> alphabet{0x00, 0x01, 0x02, 't', '#', '+', 0x80};
    constexpr std::size_t longest = 5;
    std::size_t taken = 0;
    std::size_t combinations = 1;
    for (std::size_t size = 0; size <= longest; ++size, combinations *= alphabet.size()) {
        for (std::size_t number = 0; number < combinations; ++number) {
            std::array<std::byte, longest> body{};
            for (std::size_t i = 0, rest = number; i < size; ++i, rest /= alphabet.size()) {
                body[i] = static_cast<std::byte>(alphabet[rest % alphabet.size()]);
            }
            for (const Version version : {Version::v3_1_1, Version::v5}) {
                for (const unsigned first : {0x30U, 0x31U, 0x32U, 0x34U, 0x38U, 0x3DU, 0x36U, 0x20U}) {
                    const Frame frame{static_cast<std::uint8_t>(first), Bytes{body}.first(size)};
                    Publish packet;
                    if (!read_plain_publish(frame, version, packet)) continue;
                    ++taken;
                    const Result<Publish> other = read_the_long_way(frame, version);
                    ASSERT_TRUE(other) << other.failure().message() << hex_of(frame.body);
                    ASSERT_TRUE(equal(packet, *other)) << hex_of(frame.body);
                }
            }
        }
    }
    EXPECT_GT(taken, 100U);
}

/// The short way copies by pieces of its own, whose borders lie at 4, 8, 16, 32 and 64 bytes.
TEST(ShortPublish, is_the_same_packet_for_every_size_of_topic_and_payload) {
    std::string text(2 * short_size, '\0');
    for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 23);
    const std::string_view all = text;
    for (std::size_t topic = 1; topic <= short_size - greatest_plain_head; ++topic) {
        for (std::size_t payload = 0; topic + payload <= short_size - greatest_plain_head; ++payload) {
            for (const Version version : {Version::v3_1_1, Version::v5}) {
                const Publish packet{.topic = all.substr(0, topic),
                                     .payload = as_bytes(all.substr(topic, payload)),
                                     .qos = payload % 2 == 0 ? QoS::at_most_once : QoS::exactly_once,
                                     .retain = topic % 2 == 0,
                                     .packet_id = static_cast<PacketId>(payload % 2 == 0 ? 0 : 0x1234)};
                ASSERT_TRUE(is_short_publish(packet.topic, packet.payload));
                std::array<std::byte, short_size> written{};
                const std::byte* end = write_plain_publish<true>(written.data(), packet, version,
                                                                 plain_publish_remaining(packet, version));
                const Bytes made{written.data(), end};
                const Frame frame{std::to_integer<std::uint8_t>(made[0]), made.subspan(2)};
                ASSERT_EQ(made.size(), frame.size());
                Arena arena;
                const Result<Publish> read = decode<Publish>(frame, version, arena);
                ASSERT_TRUE(read) << read.failure().message();
                ASSERT_TRUE(equal(packet, *read)) << topic << ' ' << payload;
            }
        }
    }
}

TEST(PlainTopic, finds_the_one_bad_byte_wherever_it_stands) {
    for (std::size_t size = 1; size <= 40; ++size) {
        const std::string good(size, 'x');
        EXPECT_TRUE(is_plain_topic(good)) << size;
        for (std::size_t at = 0; at < size; ++at) {
            for (const char bad : {'+', '#', '\0', '\x80', '\xFF'}) {
                std::string topic = good;
                topic[at] = bad;
                EXPECT_FALSE(is_plain_topic(topic)) << size << ' ' << at;
            }
        }
    }
    EXPECT_FALSE(is_plain_topic(""));
}

TEST(PlainTopic, takes_every_other_ascii_character) {
    for (char c = 1; c > 0 && c < 127; ++c) {
        EXPECT_EQ(is_plain_topic(std::string(9, c)), c != '+' && c != '#') << static_cast<int>(c);
    }
}

TEST(PublishPropertyBytes, refuses_bytes_that_were_never_checked) {
    Arena arena;
    const std::vector<std::byte> bytes = hex("01 02");
    EXPECT_TRUE(decode_publish_properties(bytes, arena).failure() == Errc::protocol_error);
    Buffer out;
    EXPECT_TRUE(encode_publish_properties(out, {.payload_format_indicator = 2}).failure() == Errc::invalid_argument);
    EXPECT_TRUE(out.empty());
}

/// What arrived justifies what is allocated: the worst cases, per byte of the packet.
TEST(Decode, takes_at_most_seven_times_the_packet_from_the_arena) {
    const auto ratio = [](const char* first_bytes, const char* element, int count, Version version) {
        std::vector<std::byte> packet = hex(first_bytes);
        const std::vector<std::byte> one = hex(element);
        for (int i = 0; i < count; ++i) packet.insert(packet.end(), one.begin(), one.end());
        Arena arena;
        const Frame frame{std::to_integer<std::uint8_t>(packet[0]), Bytes{packet}.subspan(1)};
        EXPECT_TRUE(decode(frame, version, arena)) << first_bytes;
        return static_cast<double>(arena.used()) / static_cast<double>(packet.size());
    };
    EXPECT_LE(ratio("30 00 01 't' 88 27", "26 00 00 00 00", 1000, Version::v5), 7);
    EXPECT_LE(ratio("30 00 01 't' D0 0F", "0B 01", 1000, Version::v5), 7);
    EXPECT_LE(ratio("82 00 01", "00 01 'a' 00", 1000, Version::v3_1_1), 7);
    EXPECT_LE(ratio("A2 00 01", "00 01 'a'", 1000, Version::v3_1_1), 7);
    EXPECT_LE(ratio("90 00 01 00", "01", 1000, Version::v5), 7);
}

TEST(Decode, reads_a_connects_version_before_the_rest) {
    const auto version = [](const char* bytes) {
        const std::vector<std::byte> memory = hex(bytes);
        return connect_version(frame_of(memory));
    };
    EXPECT_EQ(*version("10 0D 00 04 'MQTT' 04 02 00 3C 00 01 'c'"), Version::v3_1_1);
    EXPECT_EQ(*version("10 0E 00 04 'MQTT' 05 02 00 3C 00 00 01 'c'"), Version::v5);
    EXPECT_EQ(version("10 0D 00 04 'MQTT' 06 02 00 3C 00 01 'c'").failure().reason_code(),
              ReasonCode::unsupported_protocol_version);
    EXPECT_EQ(version("10 0F 00 06 'MQIsdp' 03 02 00 3C 00 01 'c'").failure().reason_code(),
              ReasonCode::unsupported_protocol_version);
    EXPECT_EQ(version("10 03 00 04 'M'").failure().reason_code(), ReasonCode::malformed_packet);
    EXPECT_EQ(version("C0 00").failure().reason_code(), ReasonCode::protocol_error);
}

TEST(Decode, wants_the_packet_that_it_was_asked_for) {
    Arena arena;
    const std::vector<std::byte> bytes = hex("40 02 00 01");
    const Result<Pubrec> packet = decode<Pubrec>(frame_of(bytes), Version::v5, arena);
    ASSERT_FALSE(packet);
    EXPECT_EQ(packet.failure().detail(), "PUBACK: packet is not the one expected");
}

/// Forms that we never write and must understand.
TEST(Decode, takes_the_longer_forms_too) {
    const auto read = [](const char* bytes) {
        static Arena arena;
        static std::vector<std::byte> memory;
        memory = hex(bytes);
        const Result<Packet> packet = read_packet(memory, Version::v5, arena);
        return packet ? describe(*packet) : packet.failure().message();
    };
    EXPECT_EQ(read("40 03 00 01 00"), "PUBACK id=1"); // section 3.4.2.1
    EXPECT_EQ(read("40 04 00 01 00 00"), "PUBACK id=1");
    EXPECT_EQ(read("62 04 00 01 92 00"), "PUBREL id=1 reason=0x92 (Packet Identifier not found)");
    EXPECT_EQ(read("E0 01 00"), "DISCONNECT reason=0x00 (Success)");
    EXPECT_EQ(read("E0 02 8B 00"), "DISCONNECT reason=0x8B (Server shutting down)");
    EXPECT_EQ(read("F0 02 00 00"), "AUTH reason=0x00 (Success)");
    // Properties in another order, one of them between two user properties.
    EXPECT_EQ(read("40 14 00 01 00 10 26 00 01 'k' 00 00 1F 00 02 'ok' 26 00 00 00 00"),
              "PUBACK id=1 reason_string=\"ok\" user_properties=\"k\":\"\" user_properties=\"\":\"\"");
}

} // namespace
} // namespace culex::wire
