// Frames as bytes: the examples of RFC 6455, and every rule that a peer can break.
#include "io/ws_frames.hpp"

#include <random>

#include "ws/ws_test.hpp"

namespace culex::io {
namespace {

using culex::testing::unhex;
using ::testing::HasSubstr;

constexpr WsMask rfc_mask{std::byte{0x37}, std::byte{0xFA}, std::byte{0x21}, std::byte{0x3D}};

std::string written(const WsFrame& frame, std::string_view payload) {
    Buffer buffer;
    append_frame(buffer, frame, as_bytes(payload));
    return std::string(as_text(buffer.bytes()));
}

/// What a reader makes of an input, in pieces of that many bytes: "data:..." joined, and control frames in between.
struct Heard {
    explicit Heard(bool masked) : reader(masked) {}

    void feed(std::string_view input, std::size_t piece = SIZE_MAX) {
        while (!input.empty()) {
            const std::string_view now = input.substr(0, piece);
            input.remove_prefix(now.size());
            // A copy of exactly its size, so that AddressSanitizer sees who reads past it.
            const std::vector<std::byte> block(as_bytes(now).begin(), as_bytes(now).end());
            Bytes bytes(block);
            while (const auto next = reader.next(bytes)) add(*next);
        }
    }
    void add(const WsPiece& next) {
        std::string text(next.bytes.size(), '\0');
        copy_masked(std::as_writable_bytes(std::span(text)).data(), next.bytes, next.mask);
        if (next.opcode == WsOpcode::binary) {
            data += text;
        } else {
            controls.push_back(std::to_string(static_cast<int>(next.opcode)) + ":" + text);
        }
    }

    WsReader reader;
    std::string data;
    std::vector<std::string> controls;
};

// --- writing

TEST(WsFrames, are_written_as_in_the_examples_of_the_rfc) { // section 5.7, which has text where MQTT has binary
    EXPECT_EQ(written({.opcode = WsOpcode::text}, "Hello"), unhex("81 05 48 65 6c 6c 6f"));
    EXPECT_EQ(written({.opcode = WsOpcode::text, .mask = rfc_mask}, "Hello"),
              unhex("81 85 37 fa 21 3d 7f 9f 4d 51 58"));
    EXPECT_EQ(written({.opcode = WsOpcode::text, .final = false}, "Hel"), unhex("01 03 48 65 6c"));
    EXPECT_EQ(written({.opcode = WsOpcode::continuation}, "lo"), unhex("80 02 6c 6f"));
    EXPECT_EQ(written({.opcode = WsOpcode::ping}, "Hello"), unhex("89 05 48 65 6c 6c 6f"));
    EXPECT_EQ(written({.opcode = WsOpcode::pong, .mask = rfc_mask}, "Hello"),
              unhex("8a 85 37 fa 21 3d 7f 9f 4d 51 58"));
    EXPECT_EQ(written({}, std::string(256, 'x')), unhex("82 7e 01 00") + std::string(256, 'x'));
    EXPECT_EQ(written({}, std::string(65'536, 'x')), unhex("82 7f 00 00 00 00 00 01 00 00") + std::string(65'536, 'x'));
}

TEST(WsFrames, have_the_shortest_form_of_each_length) {
    EXPECT_EQ(written({}, std::string(125, 'x')).substr(0, 2), unhex("82 7d"));
    EXPECT_EQ(written({}, std::string(126, 'x')).substr(0, 4), unhex("82 7e 00 7e"));
    EXPECT_EQ(written({}, std::string(65'535, 'x')).substr(0, 4), unhex("82 7e ff ff"));
    EXPECT_EQ(written({}, {}), unhex("82 00"));
}

TEST(WsFrames, are_masked_the_same_whatever_their_length_and_wherever_they_are_parted) {
    std::string text;
    for (int i = 0; i < 40; ++i) text += static_cast<char>('a' + i % 26);
    for (std::size_t size = 0; size <= text.size(); ++size) {
        const std::string payload = text.substr(0, size);
        std::string expected = payload;
        for (std::size_t i = 0; i < size; ++i)
            expected[i] = static_cast<char>(expected[i] ^ std::to_integer<char>(rfc_mask[i % 4]));
        for (std::size_t cut = 0; cut <= size; ++cut) {
            Buffer buffer;
            append_frame(buffer, {.mask = rfc_mask}, as_bytes(payload).first(cut), as_bytes(payload).subspan(cut));
            EXPECT_EQ(as_text(buffer.bytes()).substr(6), expected) << size << " parted at " << cut;
        }
    }
}

// --- reading

TEST(WsReader, reads_the_examples_of_the_rfc) { // section 5.7, with the opcode of binary
    Heard client(false);
    client.feed(unhex("82 05 48 65 6c 6c 6f  02 03 48 65 6c  89 05 48 65 6c 6c 6f  80 02 6c 6f  82 7e 01 00") +
                std::string(256, 'x') + unhex("82 7f 00 00 00 00 00 01 00 00") + std::string(65'536, 'y'));
    EXPECT_EQ(client.data, "HelloHello" + std::string(256, 'x') + std::string(65'536, 'y'));
    EXPECT_THAT(client.controls, ::testing::ElementsAre("9:Hello"));
    EXPECT_EQ(client.reader.fault(), "");

    Heard server(true);
    server.feed(unhex("82 85 37 fa 21 3d 7f 9f 4d 51 58  8a 85 37 fa 21 3d 7f 9f 4d 51 58"));
    EXPECT_EQ(server.data, "Hello");
    EXPECT_THAT(server.controls, ::testing::ElementsAre("10:Hello"));
}

TEST(WsReader, reads_the_same_however_the_bytes_are_cut) {
    std::mt19937 random(7);
    for (const bool masked : {false, true}) {
        std::string input;
        std::string data;
        std::vector<std::string> controls;
        const auto add = [&](WsFrame frame, const std::string& payload) {
            if (masked) frame.mask = WsMask{std::byte(random()), std::byte(random()), std::byte(1), std::byte(2)};
            input += written(frame, payload);
        };
        for (int i = 0; i < 60; ++i) {
            const std::size_t sizes[] = {0, 1, 3, 125, 126, 300, 70'000};
            const std::string payload(sizes[random() % 7], static_cast<char>('a' + i % 26));
            data += payload;
            const std::size_t cut = payload.size() / 3;
            add({.final = false}, payload.substr(0, cut));
            add({.opcode = WsOpcode::ping}, std::string(static_cast<std::size_t>(i), 'p'));
            controls.push_back("9:" + std::string(static_cast<std::size_t>(i), 'p'));
            add({.opcode = WsOpcode::continuation}, payload.substr(cut));
        }
        for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}, std::size_t{64},
                                        std::size_t{1000}, std::size_t{65'536}, std::size_t{1} << 30}) {
            Heard heard(masked);
            heard.feed(input, piece);
            EXPECT_EQ(heard.reader.fault(), "") << piece;
            EXPECT_TRUE(heard.data == data) << piece;
            EXPECT_EQ(heard.controls, controls) << piece;
        }
    }
}

TEST(WsReader, takes_no_memory_for_a_length_that_is_only_claimed) {
    Heard heard(false);
    heard.feed(unhex("82 7f 7f ff ff ff ff ff ff ff") + "what there is");
    EXPECT_EQ(heard.reader.fault(), ""); // the greatest that the RFC allows
    EXPECT_EQ(heard.data, "what there is");
}

struct Violation {
    const char* name;
    const char* bytes; // from a server
    WsClose code;
    const char* says;
};
void PrintTo(const Violation& violation, std::ostream* out) { *out << violation.name; }

class WsViolation : public ::testing::TestWithParam<Violation> {};
INSTANTIATE_TEST_SUITE_P(
    Frames, WsViolation,
    ::testing::Values(
        Violation{"text", "81 01 78", WsClose::unacceptable_data, "a text frame, where MQTT has binary frames only"},
        Violation{"empty_text", "81 00", WsClose::unacceptable_data, "a text frame"},
        Violation{"masked", "82 81 01 02 03 04 79", WsClose::protocol_error, "a masked frame from the server"},
        Violation{"masked_ping", "89 80 01 02 03 04", WsClose::protocol_error, "a masked frame from the server"},
        Violation{"rsv1", "c2 01 78", WsClose::protocol_error, "a reserved bit"},
        Violation{"rsv2", "a2 01 78", WsClose::protocol_error, "a reserved bit"},
        Violation{"rsv3", "92 01 78", WsClose::protocol_error, "a reserved bit"},
        Violation{"rsv1_of_a_ping", "c9 00", WsClose::protocol_error, "a reserved bit"},
        Violation{"opcode_3", "83 00", WsClose::protocol_error, "the reserved opcode 3"},
        Violation{"opcode_7", "87 00", WsClose::protocol_error, "the reserved opcode 7"},
        Violation{"opcode_11", "8b 00", WsClose::protocol_error, "the reserved opcode 11"},
        Violation{"opcode_15", "8f 00", WsClose::protocol_error, "the reserved opcode 15"},
        Violation{"long_ping", "89 7e 00 7e", WsClose::protocol_error, "a control frame of more than 125 bytes"},
        Violation{"long_close", "88 7f 00 00 00 00 00 01 00 00", WsClose::protocol_error, "more than 125 bytes"},
        Violation{"fragmented_ping", "09 01 78", WsClose::protocol_error, "a fragmented control frame"},
        Violation{"fragmented_close", "08 00", WsClose::protocol_error, "a fragmented control frame"},
        Violation{"continuation_of_nothing", "80 01 78", WsClose::protocol_error, "a continuation of no message"},
        Violation{"continuation_of_what_has_ended", "02 01 78 80 01 78 80 01 78", WsClose::protocol_error,
                  "a continuation of no message"},
        Violation{"message_in_a_message", "02 01 78 82 01 78", WsClose::protocol_error,
                  "a new message inside of a fragmented one"},
        Violation{"text_in_a_message", "02 01 78 81 01 78", WsClose::unacceptable_data, "a text frame"},
        Violation{"highest_bit", "82 7f 80 00 00 00 00 00 00 00", WsClose::protocol_error, "its highest bit set"},
        Violation{"long_form_of_125", "82 7e 00 7d", WsClose::protocol_error, "not in its shortest form"},
        Violation{"long_form_of_65535", "82 7f 00 00 00 00 00 00 ff ff", WsClose::protocol_error,
                  "not in its shortest form"}),
    [](const auto& of) { return of.param.name; });

TEST_P(WsViolation, is_named_with_its_code_and_nothing_behind_it_is_read) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, SIZE_MAX}) {
        Heard heard(false);
        heard.feed(unhex("82 05 48 65 6c 6c 6f")); // what comes before it is good
        heard.feed(unhex(GetParam().bytes) + unhex("82 01 7a"), piece);
        EXPECT_THAT(heard.reader.fault(), HasSubstr(GetParam().says));
        EXPECT_EQ(heard.reader.close_code(), GetParam().code);
        EXPECT_EQ(heard.data.substr(0, 5), "Hello");
        EXPECT_EQ(heard.data.find('z'), std::string::npos);
    }
}

TEST(WsReader, of_a_server_refuses_what_is_not_masked) {
    Heard heard(true);
    heard.feed(unhex("82 01 78"));
    EXPECT_EQ(heard.reader.fault(), "a frame without a mask");
}

TEST(WsReader, bears_any_bytes) {
    std::mt19937 random(11);
    int faults = 0;
    for (int i = 0; i < 20'000; ++i) {
        std::string input(1 + random() % 40, '\0');
        for (char& each : input) each = static_cast<char>(random());
        if (i % 2 == 0) input[0] = static_cast<char>(0x82); // else hardly any gets past the first byte
        Heard heard(i % 4 < 2);
        heard.feed(input, 1 + random() % 8);
        EXPECT_LE(heard.data.size(), input.size());
        faults += heard.reader.fault().empty() ? 0 : 1;
    }
    EXPECT_GT(faults, 5'000);
    EXPECT_LT(faults, 20'000);
}

// --- close frames

TEST(WsClosing, reads_codes_and_texts) {
    EXPECT_EQ(read_close({})->code, 0);
    const auto away = read_close(as_bytes(unhex("03 e9") + "going away"));
    ASSERT_TRUE(away);
    EXPECT_EQ(away->code, 1001);
    EXPECT_EQ(away->text, "going away");
    for (const char* good : {"03 e8", "03 eb", "03 ef", "03 f6", "0b b8", "13 87"})
        EXPECT_TRUE(read_close(as_bytes(unhex(good)))) << good;
    for (const char* bad : {"03", "00 00", "03 e7", "03 ec", "03 ed", "03 ee", "03 f7", "0b b7", "13 88", "ff ff",
                            "03 e8 c3 28"}) // the last one's text is no UTF-8
        EXPECT_FALSE(read_close(as_bytes(unhex(bad)))) << bad;
}

} // namespace
} // namespace culex::io
