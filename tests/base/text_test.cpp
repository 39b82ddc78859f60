#include "base/text.hpp"

#include <iomanip>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace culex {
namespace {

using namespace std::string_literals;

/// The bytes of a code point as the encoding scheme has them, surrogates included; `size` may be longer than needed.
std::string encode(std::uint32_t code_point, int size) {
    const auto byte = [](std::uint32_t value) { return static_cast<char>(static_cast<unsigned char>(value)); };
    if (size == 1) return {byte(code_point)};
    std::string out;
    for (int rest = 1; rest < size; ++rest) {
        out.insert(out.begin(), byte(0x80 | (code_point & 0x3F)));
        code_point >>= 6;
    }
    const std::uint32_t mark = size == 2 ? 0xC0 : size == 3 ? 0xE0 : 0xF0;
    out.insert(out.begin(), byte(mark | code_point));
    return out;
}

int shortest_size(std::uint32_t code_point) {
    return code_point < 0x80 ? 1 : code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
}

// [MQTT-1.5.4-1], [MQTT-1.5.4-2]
TEST(Text, accepts_every_scalar_value_but_null_and_refuses_every_surrogate) {
    for (std::uint32_t code_point = 1; code_point <= 0x10FFFF; ++code_point) {
        const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
        const TextFault expected = surrogate ? TextFault::malformed : TextFault::none;
        ASSERT_EQ(check_text(encode(code_point, shortest_size(code_point))), expected) << std::hex << code_point;
    }
}

TEST(Text, refuses_overlong_forms_and_what_lies_past_the_last_code_point) {
    for (std::uint32_t code_point = 0; code_point < 0x10000; ++code_point) {
        for (int size = shortest_size(code_point) + 1; size <= 4; ++size) {
            ASSERT_EQ(check_text(encode(code_point, size)), TextFault::malformed) << std::hex << code_point;
        }
    }
    for (std::uint32_t code_point = 0x110000; code_point < 0x200000; code_point += 0x3F) {
        ASSERT_EQ(check_text(encode(code_point, 4)), TextFault::malformed) << std::hex << code_point;
    }
}

TEST(Text, refuses_bytes_that_begin_or_end_no_character) {
    const std::vector<std::string> table{
        "\x80",      "\xBF",      "\xC0",          "\xC1\x81",      "\xF5\x80\x80\x80", "\xF8\x88\x80\x80\x80",
        "\xFE",      "\xFF",      "\xC3",          "\xE2\x82",      "\xF0\x9F\x98",     "\xC3(",
        "\xE2(\xAC", "\xE2\x82(", "\xF0(\x98\x80", "\xF0\x9F(\x80", "\xF0\x9F\x98("};
    for (const std::string& text : table) {
        EXPECT_EQ(check_text(text), TextFault::malformed) << quoted(text);
        EXPECT_EQ(check_text(text + "a"), TextFault::malformed) << quoted(text);
    }
}

TEST(Text, finds_a_fault_at_every_offset_of_a_long_text) {
    for (std::size_t size = 1; size <= 40; ++size) {
        for (std::size_t at = 0; at < size; ++at) {
            std::string text(size, 'x');
            EXPECT_EQ(check_text(text), TextFault::none);
            text[at] = '\0';
            EXPECT_EQ(check_text(text), TextFault::null_character) << size << " " << at;
            text[at] = '\x80';
            EXPECT_EQ(check_text(text), TextFault::malformed) << size << " " << at;
            text[at] = '\x7F';
            EXPECT_EQ(check_text(text), TextFault::none) << size << " " << at;
            text[at] = '\x01'; // the byte from which the fast path's subtraction leaves 0
            EXPECT_EQ(check_text(text), TextFault::none) << size << " " << at;
        }
    }
}

TEST(Text, tells_of_the_first_fault) {
    EXPECT_EQ(check_text("\0\xFF"s), TextFault::null_character);
    EXPECT_EQ(check_text("\xFF\0"s), TextFault::malformed);
    EXPECT_EQ(check_text("01234567\0ab\xFF"s), TextFault::null_character);
    EXPECT_EQ(check_text("01234567\xFF\0"s), TextFault::malformed);
}

TEST(Text, accepts_controls_non_characters_and_the_byte_order_mark) {
    EXPECT_EQ(check_text(""), TextFault::none);
    EXPECT_EQ(check_text("\x01\x1F\x7F\xC2\x80\xC2\x9F"), TextFault::none);
    EXPECT_EQ(check_text("\xEF\xBF\xBE\xEF\xBF\xBF\xEF\xB7\x90"), TextFault::none); // U+FFFE, U+FFFF, U+FDD0
    EXPECT_EQ(check_text("\xEF\xBB\xBFtopic"), TextFault::none);                    // [MQTT-1.5.4-3]
    EXPECT_EQ(check_text("A\xF0\xAA\x9B\x94"), TextFault::none);                    // figure 1-2 of the standard
}

TEST(Text, agrees_with_itself_however_mixed_text_is_shifted) {
    std::mt19937 random(20'261'123);
    const std::vector<std::string> pieces{"a", "plain ascii", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\n"};
    for (int round = 0; round < 2'000; ++round) {
        std::string text;
        for (int count = 0; count < 12; ++count) text += pieces[random() % pieces.size()];
        ASSERT_EQ(check_text(text), TextFault::none) << quoted(text);
        // Every cut inside a character is ill-formed, every other cut is not.
        const std::size_t cut = random() % text.size();
        const bool inside = (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80;
        ASSERT_EQ(check_text(text.substr(0, cut)), inside ? TextFault::malformed : TextFault::none) << cut;
    }
}

TEST(Text, quotes_what_can_be_shown_and_escapes_the_rest) {
    struct Row {
        std::string text, expected;
    };
    const std::vector<Row> table{
        {"", R"("")"},
        {"a/b", R"("a/b")"},
        {"say \"hi\" \\", R"("say \"hi\" \\")"},
        {"line\r\n\tend", R"("line\r\n\tend")"},
        {"\0\x1B[31m\x7F"s, R"("\x00\x1b[31m\x7f")"},
        {"gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80", "\"gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80\""},
        {"\xFF\xC3", R"("\xff\xc3")"},
        {"\xC2\x85\xE2\x80\xA8\xE2\x80\xAE", R"("\xc2\x85\xe2\x80\xa8\xe2\x80\xae")"}, // NEL, line separator, override
    };
    for (const Row& row : table) EXPECT_EQ(quoted(row.text), row.expected);
}

/// In the presence of <iomanip>, whose std::quoted argument-dependent lookup would find for a std::string.
TEST(Text, is_quoted_by_culex_whatever_kind_of_string_it_is) {
    std::string changeable = "a\n";
    const std::string constant = changeable;
    EXPECT_EQ(quoted(changeable), R"("a\n")");
    EXPECT_EQ(quoted(constant), R"("a\n")");
    EXPECT_EQ(quoted(std::string_view(constant)), R"("a\n")");
}

TEST(Text, cuts_long_text_between_characters_and_tells_its_size) {
    EXPECT_EQ(quoted(std::string(60, 'x')), "\"" + std::string(60, 'x') + "\"");
    EXPECT_EQ(quoted(std::string(61, 'x')), "\"" + std::string(60, 'x') + "\"... (61 bytes)");
    const std::string cut = quoted(std::string(59, 'x') + "\xE2\x82\xAC" + "y");
    EXPECT_EQ(cut, "\"" + std::string(59, 'x') + "\xE2\x82\xAC\"... (63 bytes)");
    EXPECT_LT(quoted(std::string(70'000, '\0')).size(), 100u);
}

TEST(Text, prints_words_on_one_line_without_quotes) {
    EXPECT_EQ(printable("try \"later\"\n\\o/", 100), R"(try "later"\n\o/)");
    EXPECT_EQ(printable("abcdef", 4), "abcd... (6 bytes)");
}

} // namespace
} // namespace culex
