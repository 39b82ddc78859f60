// What may not be written, what is left out, and the sizes at which encodings change.

#include <gtest/gtest.h>

#include <string>

#include "base/text.hpp"
#include "support/equal.hpp"
#include "support/frames.hpp"

namespace culex::wire {
namespace {

using namespace culex::testing;

constexpr Version v3 = Version::v3_1_1;
constexpr Version v5 = Version::v5;
constexpr UserProperty bad_user_property[] = {{"k", "\xFF"}};
constexpr TopicSubscription empty_filter[] = {{""}};
constexpr TopicSubscription filter[] = {{"a"}};
constexpr TopicSubscription bad_options[] = {{"a", static_cast<QoS>(3)}};
constexpr TopicSubscription shared_no_local[] = {{"$share/g/t", QoS::at_most_once, true}};
constexpr std::string_view bad_filters[] = {"a", "\xC0\xAF"};
constexpr std::uint32_t identifier_0[] = {0};
constexpr std::uint32_t identifier_too_large[] = {268'435'456};
constexpr ReasonCode puback_code[] = {ReasonCode::quota_exceeded, ReasonCode::packet_identifier_not_found};
constexpr std::string_view nul_inside{"a\0b", 3};
const std::string long_text(65'536, 'x');

const std::string long_topic = "topic name " + quoted(long_text) + " is longer than 65,535 bytes [MQTT-4.7.3-3]";

struct Misuse {
    const char* name = "";
    Version version = v5;
    Packet packet{};
    const char* detail = "";
};

void PrintTo(const Misuse& row, std::ostream* out) { *out << row.detail; }

class Refused : public ::testing::TestWithParam<Misuse> {};

TEST_P(Refused, is_the_callers_fault_and_leaves_the_buffer_alone) {
    const Misuse& row = GetParam();
    Buffer out;
    out.append(as_bytes("before"));
    const Result<void> result = encode(out, row.packet, row.version);
    ASSERT_FALSE(result) << hex_of(out.bytes());
    EXPECT_TRUE(result.failure() == Errc::invalid_argument) << result.failure().message();
    EXPECT_EQ(result.failure().detail(), row.detail);
    EXPECT_EQ(as_text(out.bytes()), "before");
    const Result<std::size_t> size = encoded_size(row.packet, row.version);
    ASSERT_FALSE(size);
    EXPECT_EQ(size.failure().detail(), row.detail);
}

const Misuse misuses[] = {
    {"empty_topic", v3, Publish{}, "topic name \"\" is empty [MQTT-4.7.3-1]"}, // [MQTT-4.7.3-1]
    {"alias_before_5", v3, Publish{.properties = {.topic_alias = 1}}, "topic name \"\" is empty [MQTT-4.7.3-1]"},
    {"alias_0", v5, Publish{.topic = "t", .properties = {.topic_alias = 0}}, // [MQTT-3.3.2-8]
     "PUBLISH: topic_alias is not 1 or more (0, 0x00)"},
    {"wildcard", v3, Publish{.topic = "a/#"},
     "topic name \"a/#\" contains a wildcard [MQTT-4.7.0-1]"}, // [MQTT-3.3.2-2]
    {"wildcard_plus", v5, Publish{.topic = "+"}, "topic name \"+\" contains a wildcard [MQTT-4.7.0-1]"},
    {"bad_utf_8", v5, Publish{.topic = "a\xFF"},
     "topic name \"a\\xff\" is not well-formed UTF-8 [MQTT-1.5.4-1]"}, // [MQTT-1.5.4-1]
    {"nul", v3, Publish{.topic = nul_inside},
     "topic name \"a\\x00b\" contains U+0000 [MQTT-4.7.3-2]"},           // [MQTT-1.5.3-2]
    {"long_topic", v5, Publish{.topic = long_text}, long_topic.c_str()}, // [MQTT-4.7.3-3]
    {"publish_without_id", v3, Publish{.topic = "t", .qos = QoS::at_least_once},
     "PUBLISH: packet id is 0"},                                            // [MQTT-2.3.1-1]
    {"publish_with_id_at_qos_0", v5, Publish{.topic = "t", .packet_id = 1}, // [MQTT-2.2.1-2]
     "PUBLISH: packet id is given at QoS 0"},
    {"dup_at_qos_0", v5, Publish{.topic = "t", .dup = true}, "PUBLISH: dup is set at QoS 0"}, // [MQTT-3.3.1-2]
    {"qos_3", v5, Publish{.topic = "t", .qos = static_cast<QoS>(3), .packet_id = 1},          // [MQTT-3.3.1-4]
     "PUBLISH: qos has a value out of its range (3, 0x03)"},
    {"payload_format", v5, Publish{.topic = "t", .properties = {.payload_format_indicator = 2}},
     "PUBLISH: payload_format_indicator is neither 0 nor 1 (2, 0x02)"},
    {"response_topic", v5, Publish{.topic = "t", .properties = {.response_topic = "a/+"}}, // [MQTT-3.3.2-14]
     "PUBLISH: response_topic has a wildcard: \"a/+\""},
    {"response_topic_utf_8", v5, Publish{.topic = "t", .properties = {.response_topic = "\xFF"}}, // [MQTT-3.3.2-13]
     "PUBLISH: response_topic is not UTF-8: \"\\xff\""},
    {"content_type", v5, Publish{.topic = "t", .properties = {.content_type = "\xFF"}}, // [MQTT-3.3.2-19]
     "PUBLISH: content_type is not UTF-8: \"\\xff\""},
    {"long_binary", v5, Publish{.topic = "t", .properties = {.correlation_data = as_bytes(long_text)}},
     "PUBLISH: correlation_data is longer than 65,535 bytes"},
    {"identifier_0", v5, Publish{.topic = "t", .properties = {.subscription_identifiers = identifier_0}},
     "PUBLISH: subscription_identifiers is not 1 to 268,435,455 (0, 0x00)"},
    {"identifier_too_large", v5,
     Publish{.topic = "t", .properties = {.subscription_identifiers = identifier_too_large}},
     "PUBLISH: subscription_identifiers is not 1 to 268,435,455 (268435456, 0x10000000)"},
    {"user_property", v5, Publish{.topic = "t", .properties = {.user_properties = bad_user_property}}, // [MQTT-1.5.7-1]
     "PUBLISH: user property's value is not UTF-8: \"\\xff\""},
    {"puback_without_id", v3, Puback{}, "PUBACK: packet id is 0"},
    {"puback_code", v5, Puback{.packet_id = 1, .reason_code = ReasonCode::server_busy}, // [MQTT-3.4.2-1]
     "PUBACK: reason code is not one of this packet's (137, 0x89)"},
    {"subscribe_without_filters", v5, Subscribe{.packet_id = 1},
     "SUBSCRIBE: topic filters are missing"}, // [MQTT-3.8.3-2]
    {"empty_filter", v3, Subscribe{.packet_id = 1, .subscriptions = empty_filter}, "SUBSCRIBE: topic filter is empty"},
    {"subscribe_without_id", v3, Subscribe{.subscriptions = filter}, "SUBSCRIBE: packet id is 0"},
    {"subscribe_options", v3, Subscribe{.packet_id = 1, .subscriptions = bad_options},
     "SUBSCRIBE: subscription options has a value out of its range (3, 0x03)"},
    {"shared_no_local", v5, Subscribe{.packet_id = 1, .subscriptions = shared_no_local}, // [MQTT-3.8.3-4]
     "SUBSCRIBE: no_local is set on a shared subscription"},
    {"subscription_identifier", v5,
     Subscribe{.packet_id = 1, .subscriptions = filter, .properties = {.subscription_identifier = 0}},
     "SUBSCRIBE: subscription_identifier is not 1 to 268,435,455 (0, 0x00)"},
    {"unsubscribe_without_filters", v3, Unsubscribe{.packet_id = 1}, "UNSUBSCRIBE: topic filters are missing"},
    {"bad_filters", v5, Unsubscribe{.packet_id = 1, .filters = bad_filters},
     "UNSUBSCRIBE: topic filter is not UTF-8: \"\\xc0\\xaf\""},
    {"suback_code", v5, Suback{.packet_id = 1, .reason_codes = puback_code},
     "SUBACK: reason code is not one of this packet's (146, 0x92)"},
    {"unsuback_without_codes", v5, Unsuback{.packet_id = 1}, "UNSUBACK: reason codes are missing"},
    {"connack_code", v3, Connack{.reason_code = ReasonCode::banned},
     "CONNACK: reason code has no return code in 3.1.1 (138, 0x8A)"},
    {"client_id", v3, Connect{.client_id = "\xFF"}, "CONNECT: client id is not UTF-8: \"\\xff\""}, // [MQTT-3.1.3-4]
    {"empty_client_id", v3, Connect{.clean_start = false},                                         // [MQTT-3.1.3-7]
     "CONNECT: client id is empty without a clean session"},
    {"password_alone", v3, Connect{.password = Bytes{}},
     "CONNECT: password comes without a user name"}, // [MQTT-3.1.2-22]
    {"user_name", v5, Connect{.user_name = nul_inside},
     "CONNECT: user name contains U+0000: \"a\\x00b\""}, // [MQTT-3.1.3-12]
    {"long_password", v5, Connect{.password = as_bytes(long_text)}, "CONNECT: password is longer than 65,535 bytes"},
    {"will_topic", v3, Connect{.will = Will{}}, "CONNECT: will topic is empty"},
    {"will_topic_utf_8", v3, Connect{.will = Will{.topic = "\xFF"}}, // [MQTT-3.1.3-10], 5: [MQTT-3.1.3-11]
     "CONNECT: will topic is not UTF-8: \"\\xff\""},
    {"will_wildcard", v5, Connect{.will = Will{.topic = "#"}}, "CONNECT: will topic has a wildcard: \"#\""},
    {"will_qos", v5, Connect{.will = Will{.topic = "t", .qos = static_cast<QoS>(3)}}, // [MQTT-3.1.2-12]
     "CONNECT: connect flags has a value out of its range (3, 0x03)"},
    {"will_payload", v3, Connect{.will = Will{.topic = "t", .payload = as_bytes(long_text)}},
     "CONNECT: will payload is longer than 65,535 bytes"},
    {"receive_maximum", v5, Connect{.properties = {.receive_maximum = 0}},
     "CONNECT: receive_maximum is not 1 or more (0, 0x00)"},
    {"maximum_packet_size", v5, Connect{.properties = {.maximum_packet_size = 0}},
     "CONNECT: maximum_packet_size is not 1 or more (0, 0x00)"},
    {"request_problem", v5, Connect{.properties = {.request_problem_information = 7}},
     "CONNECT: request_problem_information is neither 0 nor 1 (7, 0x07)"},
    {"authentication_data", v5, Connect{.properties = {.authentication_data = Bytes{}}},
     "CONNECT: authentication_data comes without authentication_method"},
    {"disconnect_code", v5, Disconnect{.reason_code = ReasonCode::granted_qos_1}, // [MQTT-3.14.2-1]
     "DISCONNECT: reason code is not one of this packet's (1, 0x01)"},
    {"auth_code", v5, Auth{.reason_code = ReasonCode::not_authorized}, // [MQTT-3.15.2-1]
     "AUTH: reason code is not one of this packet's (135, 0x87)"},
    {"auth_before_5", v3, Auth{}, "AUTH: packet does not exist in 3.1.1"},
};

INSTANTIATE_TEST_SUITE_P(Encode, Refused, ::testing::ValuesIn(misuses),
                         [](const auto& row) { return std::string{row.param.name}; });

std::string encoded(const auto& packet, Version version, std::uint32_t limit = no_limit) {
    Buffer out;
    const Result<void> result = encode(out, packet, version, limit);
    return result ? hex_of(out.bytes()) : result.failure().message();
}

std::string expected(const char* bytes) { return hex_of(hex(bytes)); }

TEST(Encode, leaves_out_what_3_1_1_has_no_place_for) {
    EXPECT_EQ(encoded(Publish{.topic = "t", .properties = {.content_type = "x"}}, v3), expected("30 03 00 01 't'"));
    EXPECT_EQ(encoded(Puback{.packet_id = 1, .reason_code = ReasonCode::not_authorized}, v3), expected("40 02 00 01"));
    EXPECT_EQ(encoded(Disconnect{.reason_code = ReasonCode::disconnect_with_will}, v3), expected("E0 00"));
    EXPECT_EQ(encoded(Connect{.properties = {.receive_maximum = 1, .authentication_data = Bytes{}}}, v3),
              expected("10 0C 00 04 'MQTT' 04 02 00 3C 00 00"));
    constexpr TopicSubscription options[] = {
        {"$share/g/t", QoS::at_least_once, true, true, RetainHandling::do_not_send}};
    EXPECT_EQ(encoded(Subscribe{.packet_id = 1, .subscriptions = options}, v3),
              expected("82 0F 00 01 00 0A '$share/g/t' 01"));
    constexpr ReasonCode codes[] = {ReasonCode::granted_qos_2, ReasonCode::not_authorized};
    EXPECT_EQ(encoded(Suback{.packet_id = 1, .reason_codes = codes}, v3), expected("90 04 00 01 02 80"));
    EXPECT_EQ(encoded(Unsuback{.packet_id = 1, .reason_codes = codes}, v3), expected("B0 02 00 01"));
}

TEST(Encode, uses_the_fewest_bytes_for_the_remaining_length) { // [MQTT-1.5.5-1]
    const std::string payload(2'097'152, 'p');
    const auto header_size = [&](std::size_t remaining) {
        const Publish packet{.topic = "t", .payload = as_bytes(payload).first(remaining - 3)};
        Buffer out;
        EXPECT_TRUE(encode(out, packet, v3));
        EXPECT_EQ(*encoded_size(packet, v3), out.size());
        return out.size() - remaining;
    };
    EXPECT_EQ(header_size(127), 2U);
    EXPECT_EQ(header_size(128), 3U);
    EXPECT_EQ(header_size(16'383), 3U);
    EXPECT_EQ(header_size(16'384), 4U);
    EXPECT_EQ(header_size(2'097'151), 4U);
    EXPECT_EQ(header_size(2'097'152), 5U);
}

TEST(Encode, refuses_a_packet_that_no_length_can_tell) {
    // Nobody reads the payload: its size is all that counts here.
    const Bytes unread{as_bytes(long_text).data(), max_remaining_length};
    const Publish too_large{.topic = "t", .payload = unread.first(max_remaining_length - 2)};
    const Result<std::size_t> size = encoded_size(too_large, v3);
    ASSERT_FALSE(size);
    EXPECT_TRUE(size.failure() == Errc::packet_too_large);
    EXPECT_EQ(size.failure().detail(), "PUBLISH: 268435456 bytes are more than a packet can have");
    Buffer out;
    EXPECT_FALSE(encode(out, too_large, v3));
    PublishParts parts;
    parts.topic = "t";
    parts.payload = too_large.payload;
    EXPECT_FALSE(encode_publish(out, parts, v3));
    EXPECT_EQ(out.size(), 0U);
    const Publish greatest{.topic = "t", .payload = too_large.payload.first(max_remaining_length - 3)};
    EXPECT_EQ(*encoded_size(greatest, v3), max_remaining_length + 5U);
}

TEST(Encode, respects_the_peers_maximum_packet_size) { // [MQTT-3.2.2-15]
    Buffer out;
    const Publish packet{.topic = "topic", .payload = as_bytes("payload")};
    EXPECT_TRUE(encode(out, packet, v5, 17));
    const Result<void> refused = encode(out, packet, v5, 16);
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.failure() == Errc::packet_too_large);
    EXPECT_EQ(refused.failure().reason_code(), ReasonCode::packet_too_large);
    EXPECT_EQ(refused.failure().detail(), "PUBLISH: 17 bytes, where the peer takes 16");
    EXPECT_EQ(out.size(), 17U);
}

/// [MQTT-3.4.2-2], [MQTT-3.4.2-3]: user properties go first, then the reason string; each only where it must.
TEST(Encode, drops_user_properties_and_then_the_reason_string_of_a_reply_that_is_too_large) {
    constexpr UserProperty user[] = {{"k", "v"}};
    const Puback packet{.packet_id = 1,
                        .reason_code = ReasonCode::quota_exceeded,
                        .properties = {.reason_string = "full", .user_properties = user}};
    EXPECT_EQ(encoded(packet, v5, 20), expected("40 12 00 01 97 0E 1F 00 04 'full' 26 00 01 'k' 00 01 'v'"));
    EXPECT_EQ(encoded(packet, v5, 19), expected("40 0B 00 01 97 07 1F 00 04 'full'"));
    EXPECT_EQ(encoded(packet, v5, 13), expected("40 0B 00 01 97 07 1F 00 04 'full'"));
    EXPECT_EQ(encoded(packet, v5, 12), expected("40 03 00 01 97"));
    EXPECT_EQ(encoded(packet, v5, 5), expected("40 03 00 01 97"));
    Buffer out;
    EXPECT_TRUE(encode(out, packet, v5, 4).failure() == Errc::packet_too_large);
    EXPECT_TRUE(encode(out, Puback{.packet_id = 1}, v5, 3).failure() == Errc::packet_too_large);
    EXPECT_EQ(out.size(), 0U);
}

TEST(Encode, drops_what_it_may_from_every_packet_with_a_reason_string) { // [MQTT-3.5.2-2] and its like
    constexpr ReasonCode code[] = {ReasonCode::success};
    const AckProperties ack{.reason_string = "why"};
    EXPECT_EQ(encoded(Pubrec{.packet_id = 1, .properties = ack}, v5, 4), expected("50 02 00 01"));
    EXPECT_EQ(encoded(Pubrel{.packet_id = 1, .properties = ack}, v5, 4), expected("62 02 00 01"));
    EXPECT_EQ(encoded(Pubcomp{.packet_id = 1, .properties = ack}, v5, 4), expected("70 02 00 01"));
    EXPECT_EQ(encoded(Suback{.packet_id = 1, .reason_codes = code, .properties = ack}, v5, 6),
              expected("90 04 00 01 00 00"));
    EXPECT_EQ(encoded(Unsuback{.packet_id = 1, .reason_codes = code, .properties = ack}, v5, 6),
              expected("B0 04 00 01 00 00"));
    EXPECT_EQ(encoded(Connack{.properties = {.reason_string = "why"}}, v5, 5), expected("20 03 00 00 00"));
    EXPECT_EQ(encoded(Disconnect{.properties = {.reason_string = "why"}}, v5, 2), expected("E0 00"));
    EXPECT_EQ(encoded(Auth{.properties = {.authentication_method = "M", .reason_string = "why"}}, v5, 8),
              expected("F0 06 00 04 15 00 01 'M'"));
}

TEST(Encode, appends_behind_what_the_buffer_holds) {
    Buffer out;
    ASSERT_TRUE(encode(out, Pingreq{}, v3));
    ASSERT_TRUE(encode(out, Packet{Puback{.packet_id = 258}}, v5));
    ASSERT_TRUE(encode(out, Publish{.topic = "t"}, v3));
    EXPECT_EQ(hex_of(out.bytes()), expected("C0 00 40 02 01 02 30 03 00 01 't'"));
}

TEST(Encode, takes_texts_of_the_greatest_length) {
    const std::string_view text = std::string_view{long_text}.substr(1);
    Buffer out;
    ASSERT_TRUE(encode(out, Publish{.topic = text, .properties = {.content_type = text}}, v5));
    Arena arena;
    const Result<Packet> packet = read_packet(out.bytes(), v5, arena);
    ASSERT_TRUE(packet);
    EXPECT_EQ(std::get<Publish>(*packet).topic, text);
    EXPECT_EQ(std::get<Publish>(*packet).properties.content_type, text);
}

} // namespace
} // namespace culex::wire
