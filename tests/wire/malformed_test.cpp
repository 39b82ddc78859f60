// What a client must refuse, and which code it then gives: the rows of section M of the conformance list that one packet
// shows by itself.

#include <gtest/gtest.h>

#include "support/frames.hpp"

namespace culex::wire {
namespace {

using namespace culex::testing;

struct Case {
    const char* name = "";
    Version version = Version::v5;
    const char* bytes = "";
    Errc code = Errc::malformed_packet;
    ReasonCode reason = ReasonCode::malformed_packet;
    Sender from = Sender::any;
};

void PrintTo(const Case& row, std::ostream* out) { *out << row.bytes; }

constexpr Version v3 = Version::v3_1_1;
constexpr Version v5 = Version::v5;
constexpr Errc protocol = Errc::protocol_error;
constexpr ReasonCode x82 = ReasonCode::protocol_error;
constexpr ReasonCode x84 = ReasonCode::unsupported_protocol_version;
constexpr ReasonCode x94 = ReasonCode::topic_alias_invalid;

class Malformed : public ::testing::TestWithParam<Case> {};

TEST_P(Malformed, is_refused_with_its_code) {
    const Case& row = GetParam();
    const std::vector<std::byte> bytes = hex(row.bytes);
    Arena arena;
    const Result<Packet> packet = read_packet(bytes, row.version, arena, row.from);
    ASSERT_FALSE(packet) << describe(*packet);
    EXPECT_EQ(packet.failure().code(), make_error_code(row.code)) << packet.failure().message();
    EXPECT_EQ(packet.failure().reason_code(), row.reason) << packet.failure().message();
    EXPECT_FALSE(packet.failure().detail().empty());
}

/// The hot path reads PUBLISH in pieces; it refuses the same, in the same words.
TEST_P(Malformed, publish_is_refused_in_pieces_as_it_is_as_a_whole) {
    const Case& row = GetParam();
    if (row.from != Sender::any) return; // pieces may be anybody's
    const std::vector<std::byte> bytes = hex(row.bytes);
    Framer framer;
    framer.feed(bytes);
    const auto frame = framer.next();
    if (!frame || !*frame || (*frame)->type() != PacketType::publish) return;
    Arena arena;
    const Result<Publish> whole = decode<Publish>(**frame, row.version, arena);
    const Result<PublishParts> parts = decode_publish(**frame, row.version);
    ASSERT_FALSE(whole);
    ASSERT_FALSE(parts);
    EXPECT_EQ(parts.failure().message(), whole.failure().message());
    EXPECT_EQ(parts.failure().reason_code(), whole.failure().reason_code());
}

const Case headers[] = {
    {"m1_type_0", v3, "00 00"},
    {"m1_type_0", v5, "00 00"},
    {"m1_auth_before_5", v3, "F0 00"},
    {"m2_connack_flags", v3, "21 02 00 00"},
    {"m2_publish_qos_3", v3, "36 05 00 01 't' 00 01"},
    {"m2_publish_qos_3", v5, "36 06 00 01 't' 00 01 00"}, // [MQTT-3.3.1-4]
    {"m2_puback_flags", v5, "41 02 00 01"},
    {"m2_pubrec_flags", v5, "52 02 00 01"},
    {"m2_pubrel_flags_0", v3, "60 02 00 01"}, // [MQTT-3.6.1-1]
    {"m2_pubrel_flags_3", v5, "63 02 00 01"},
    {"m2_pubcomp_flags", v5, "72 02 00 01"},
    {"m2_subscribe_flags", v5, "80 07 00 01 00 00 01 '#' 00"},
    {"m2_suback_flags", v5, "98 04 00 01 00 01"},
    {"m2_unsubscribe_flags", v5, "A0 06 00 02 00 00 01 '#'"},
    {"m2_unsuback_flags", v3, "B1 02 00 01"},
    {"m2_pingreq_flags", v3, "C1 00"},
    {"m2_pingresp_flags", v5, "D1 00"},
    {"m2_disconnect_flags", v5, "E1 00"}, // [MQTT-3.14.1-1]
    {"m2_auth_flags", v5, "F1 00"},       // [MQTT-3.15.1-1]
    {"m2_connect_flags", v5, "11 0E 00 04 'MQTT' 05 02 00 3C 00 00 01 'c'"},
    {"m3_dup_at_qos_0", v3, "38 03 00 01 't'"}, // [MQTT-3.3.1-2]
    {"m3_dup_at_qos_0", v5, "39 04 00 01 't' 00"},
    {"m4_five_bytes_of_length", v5, "30 80 80 80 80 01"},
    {"m4_ff_length", v3, "30 FF FF FF FF"},
    {"m45_padded_length", v3, "C0 80 00"},
    {"m45_padded_length", v5, "D0 80 80 80 00"},
    {"m45_padded_property_length", v5, "30 05 00 01 't' 80 00"},
    {"m45_padded_property_number", v5, "30 07 00 01 't' 03 81 00 01"},
    {"m6_connack_of_one_byte", v3, "20 01 00"},
    {"m6_connack_of_three_bytes", v3, "20 03 00 00 00"},
    {"m6_puback_of_three_bytes", v3, "40 03 00 01 00"},
    {"m6_puback_of_one_byte", v5, "40 01 00"},
    {"m6_unsuback_with_codes", v3, "B0 03 00 01 00"},
    {"m6_unsuback_of_two_bytes", v5, "B0 02 00 01"},
    {"m6_disconnect_with_code", v3, "E0 01 00"},
    {"m6_auth_without_property_length", v5, "F0 01 18"},
    {"m6_publish_topic_past_the_end", v3, "30 04 00 03 't' 'x'"},
    {"m6_publish_without_id", v3, "32 03 00 01 't'"},
    {"m6_publish_without_property_length", v5, "30 03 00 01 't'"},
    {"m6_empty_publish", v3, "30 00"},
    {"m47_pingresp_with_body", v3, "D0 01 00"},
    {"m47_pingreq_with_body", v5, "C0 01 00"},
};

const Case roles[] = {
    {"m7_connect", v3, "10 0D 00 04 'MQTT' 04 02 00 3C 00 01 'c'", protocol, x82, Sender::server},
    {"m7_broken_connect", v5, "10 00", protocol, x82, Sender::server},
    {"m7_subscribe", v5, "82 07 00 01 00 00 01 '#' 00", protocol, x82, Sender::server},
    {"m7_unsubscribe", v5, "A2 06 00 02 00 00 01 '#'", protocol, x82, Sender::server},
    {"m7_pingreq", v5, "C0 00", protocol, x82, Sender::server},
    {"m7_disconnect_before_5", v3, "E0 00", protocol, x82, Sender::server},
    {"m7_connack", v5, "20 03 00 00 00", protocol, x82, Sender::client},
    {"m7_suback", v3, "90 03 00 01 00", protocol, x82, Sender::client},
    {"m7_unsuback", v3, "B0 02 00 01", protocol, x82, Sender::client},
    {"m7_pingresp", v5, "D0 00", protocol, x82, Sender::client},
    {"m19_disconnect_with_will_from_server", v5, "E0 01 04", protocol, x82, Sender::server},
    {"m19_server_code_from_client", v5, "E0 01 8B", protocol, x82, Sender::client},
    {"m15_reauthentication_from_server", v5, "F0 06 19 04 15 00 01 'M'", protocol, x82, Sender::server},
    {"m15_auth_success_from_client", v5, "F0 00", protocol, x82, Sender::client},
    {"m35_session_expiry_from_server", v5, "E0 07 00 05 11 00 00 00 00", protocol, x82,
     Sender::server}, // [MQTT-3.14.2-2]
    {"server_reference_from_client", v5, "E0 06 00 04 1C 00 01 's'", protocol, x82, Sender::client},
    // [MQTT-3.3.4-6]
    {"subscription_identifier_from_client", v5, "30 06 00 01 't' 02 0B 01", protocol, x82, Sender::client},
};

const Case codes[] = {
    {"m10_acknowledge_flags", v3, "20 02 02 00"},
    {"m10_acknowledge_flags", v5, "20 03 80 00 00"},
    {"m11_return_code_6", v3, "20 02 00 06", protocol, x82}, // [MQTT-3.2.2-6]
    {"m11_return_code_ff", v3, "20 02 00 FF", protocol, x82},
    {"m11_return_code_1_in_5", v5, "20 03 00 01 00", protocol, x82}, // [MQTT-3.2.2-8]
    {"m11_unlisted_connack_code", v5, "20 03 00 8E 00", protocol, x82},
    {"m12_connack_of_3_1_1", v5, "20 02 00 01", Errc::connection_refused, x84}, // [MQTT-3.1.2-2]
    {"m12_accepting_connack_of_3_1_1", v5, "20 02 00 00"},
    {"m16_publish_id_0", v3, "32 05 00 01 't' 00 00", protocol, x82}, // [MQTT-2.3.1-1]
    {"m16_publish_id_0", v5, "34 06 00 01 't' 00 00 00", protocol, x82},
    {"m16_puback_id_0", v3, "40 02 00 00", protocol, x82},
    {"m16_pubrec_id_0", v5, "50 02 00 00", protocol, x82},
    {"m16_pubrel_id_0", v5, "62 02 00 00", protocol, x82},
    {"m16_pubcomp_id_0", v5, "70 03 00 00 00", protocol, x82},
    {"m16_subscribe_id_0", v3, "82 06 00 00 00 01 '#' 00", protocol, x82},
    {"m16_suback_id_0", v3, "90 03 00 00 00", protocol, x82},
    {"m16_unsubscribe_id_0", v3, "A2 05 00 00 00 01 '#'", protocol, x82},
    {"m16_unsuback_id_0", v3, "B0 02 00 00", protocol, x82},
    {"m17_suback_without_codes", v3, "90 02 00 01", protocol, x82},
    {"m17_suback_without_codes", v5, "90 03 00 01 00", protocol, x82},
    {"m17_unsuback_without_codes", v5, "B0 03 00 01 00", protocol, x82},
    {"m18_suback_code_3", v3, "90 03 00 01 03", protocol, x82}, // [MQTT-3.9.3-2]
    {"m18_suback_code_87", v3, "90 03 00 01 87", protocol, x82},
    {"m18_suback_code_11", v5, "90 04 00 01 00 11", protocol, x82},
    {"m18_second_suback_code", v5, "90 05 00 01 00 00 04", protocol, x82},
    {"m19_puback_code", v5, "40 03 00 01 92", protocol, x82},             // [MQTT-3.4.2-1]
    {"m19_pubrec_code", v5, "50 03 00 01 01", protocol, x82},             // [MQTT-3.5.2-1]
    {"m19_pubrel_code", v5, "62 03 00 01 80", protocol, x82},             // [MQTT-3.6.2-1]
    {"m19_pubcomp_code", v5, "70 03 00 01 10", protocol, x82},            // [MQTT-3.7.2-1]
    {"m19_unsuback_code", v5, "B0 04 00 01 00 01", protocol, x82},        // [MQTT-3.11.3-2]
    {"m19_disconnect_code", v5, "E0 01 01", protocol, x82},               // [MQTT-3.14.2-1]
    {"m19_auth_code", v5, "F0 06 80 04 15 00 01 'M'", protocol, x82},     // [MQTT-3.15.2-1]
    {"subscribe_without_filters", v3, "82 02 00 01", protocol, x82},      // [MQTT-3.8.3-3]
    {"unsubscribe_without_filters", v5, "A2 03 00 01 00", protocol, x82}, // [MQTT-3.10.3-2]
    {"subscribe_with_empty_filter", v3, "82 05 00 01 00 00 00", protocol, x82},
    {"subscribe_qos_3", v3, "82 06 00 01 00 01 '#' 03"}, // [MQTT-3-8.3-4]
    {"subscribe_options_of_5", v3, "82 06 00 01 00 01 '#' 04"},
    {"subscribe_reserved_options", v5, "82 07 00 01 00 00 01 '#' 40"}, // [MQTT-3.8.3-5]
    {"subscribe_retain_handling_3", v5, "82 07 00 01 00 00 01 '#' 30"},
    {"subscribe_shared_with_no_local", v5, "82 10 00 01 00 00 0A '$share/g/t' 04", protocol, x82}, // [MQTT-3.8.3-4]
};

const Case texts[] = {
    {"m20_lone_continuation", v3, "30 03 00 01 80"},  // [MQTT-1.5.3-1]
    {"m20_surrogate", v5, "30 06 00 03 ED A0 80 00"}, // [MQTT-1.5.4-1]
    {"m20_overlong", v5, "30 05 00 02 C0 AF 00"},
    {"m20_above_10ffff", v5, "30 07 00 04 F4 90 80 80 00"},
    {"m20_cut_character", v5, "30 05 00 02 E2 82 00"},
    {"m20_nul", v3, "30 05 00 03 't' 00 't'"}, // [MQTT-1.5.3-2]
    {"m20_nul_in_long_topic", v5, "30 0D 00 0A 'topic/' 00 'end' 00"},
    {"m20_user_property_name", v5, "30 0B 00 01 't' 07 26 00 01 FF 00 01 'v'"}, // [MQTT-1.5.7-1]
    {"m20_user_property_value", v5, "30 0B 00 01 't' 07 26 00 01 'k' 00 01 00"},
    {"m20_reason_string", v5, "E0 06 80 04 1F 00 01 C3"},
    {"m20_content_type", v5, "30 08 00 01 't' 04 03 00 01 FF"},
    {"m20_subscribe_filter", v3, "82 06 00 01 00 01 FF 00"},          // [MQTT-3.8.3-1]
    {"m20_client_id", v3, "10 0D 00 04 'MQTT' 04 02 00 3C 00 01 FF"}, // [MQTT-3.1.3-4]
    {"m21_plus", v3, "30 03 00 01 '+'", protocol, x82},               // [MQTT-3.3.2-2]
    {"m21_hash", v5, "30 06 00 03 'a/#' 00", protocol, x82},
    {"m21_hash_in_long_topic", v5, "30 0E 00 0B 'one/two/#/x' 00", protocol, x82},
    {"m22_empty_topic", v3, "30 02 00 00", protocol, x82}, // [MQTT-4.7.3-1]
    {"m22_empty_topic_without_alias", v5, "30 03 00 00 00", protocol, x82},
    {"m23_alias_0", v5, "30 07 00 01 't' 03 23 00 00", protocol, x94},                     // [MQTT-3.3.2-8]
    {"m26_response_topic_wildcard", v5, "30 08 00 01 't' 04 08 00 01 '#'", protocol, x82}, // [MQTT-3.3.2-14]
    {"m26_response_topic_empty", v5, "30 07 00 01 't' 03 08 00 00", protocol, x82},
    {"m27_subscription_identifier_0", v5, "30 06 00 01 't' 02 0B 00", protocol, x82},
    {"m27_subscription_identifier_0_in_subscribe", v5, "82 09 00 01 02 0B 00 00 01 '#' 00", protocol, x82},
    {"m27_subscription_identifier_too_long", v5, "30 0A 00 01 't' 06 0B 80 80 80 80 01"},
};

const Case properties[] = {
    {"m29_unknown_property", v5, "30 06 00 01 't' 02 04 00"},
    {"m29_property_0", v5, "30 06 00 01 't' 02 00 00"},
    {"m29_two_byte_number", v5, "30 07 00 01 't' 03 80 01 00"},
    {"m29_receive_maximum_in_publish", v5, "30 07 00 01 't' 03 21 00 01"},
    {"m29_reason_string_in_publish", v5, "30 08 00 01 't' 04 1F 00 01 'x'"},
    {"m29_topic_alias_in_puback", v5, "40 07 00 01 00 03 23 00 01"},
    {"m29_session_expiry_in_suback", v5, "90 09 00 01 05 11 00 00 00 00 01"},
    {"m29_will_delay_in_connect", v5, "10 13 00 04 'MQTT' 05 02 00 3C 05 18 00 00 00 00 00 01 'c'"},
    {"m29_cut_number", v5, "30 07 00 01 't' 03 02 00 00"},
    {"m29_cut_string", v5, "30 08 00 01 't' 04 03 00 02 'x'"},
    {"m29_cut_pair", v5, "30 08 00 01 't' 04 26 00 01 'k'"},
    {"m30_payload_format_twice", v5, "30 08 00 01 't' 04 01 00 01 00", protocol, x82},
    {"m30_reason_string_twice", v5, "40 0C 00 01 00 08 1F 00 01 'x' 1F 00 01 'x'", protocol, x82},
    {"m30_subscription_identifier_twice_in_subscribe", v5, "82 0B 00 01 04 0B 01 0B 02 00 01 '#' 00", protocol, x82},
    {"m31_property_length_past_the_end", v5, "30 05 00 01 't' 05 'x'"},
    {"m31_bytes_behind_properties", v5, "40 05 00 01 00 00 00"},
    {"m31_property_length_past_the_end_of_ack", v5, "40 04 00 01 00 02"},
    {"m31_property_length_of_five_bytes", v5, "30 09 00 01 't' 80 80 80 80 01 'x'"},
    {"m32_maximum_qos_2", v5, "20 05 00 00 02 24 02", protocol, x82},
    {"m32_retain_available_2", v5, "20 05 00 00 02 25 02", protocol, x82},
    {"m32_wildcard_available_2", v5, "20 05 00 00 02 28 02", protocol, x82},
    {"m32_subscription_identifier_available_2", v5, "20 05 00 00 02 29 FF", protocol, x82},
    {"m32_shared_available_2", v5, "20 05 00 00 02 2A 02", protocol, x82},
    {"m32_payload_format_2", v5, "30 06 00 01 't' 02 01 02", protocol, x82},
    {"m32_request_problem_information_2", v5, "10 10 00 04 'MQTT' 05 02 00 3C 02 17 02 00 01 'c'", protocol, x82},
    {"m32_request_response_information_2", v5, "10 10 00 04 'MQTT' 05 02 00 3C 02 19 02 00 01 'c'", protocol, x82},
    {"m33_receive_maximum_0", v5, "20 06 00 00 03 21 00 00", protocol, x82},
    {"m33_maximum_packet_size_0", v5, "20 08 00 00 05 27 00 00 00 00", protocol, x82},
    {"m34_data_without_method_in_connack", v5, "20 07 00 00 04 16 00 01 'd'", protocol, x82},
    {"m34_data_without_method_in_auth", v5, "F0 06 18 04 16 00 01 'd'", protocol, x82},
    {"m34_data_without_method_in_connect", v5, "10 12 00 04 'MQTT' 05 02 00 3C 04 16 00 01 'd' 00 01 'c'", protocol,
     x82},
};

const Case connects[] = {
    {"protocol_name", v5, "10 0E 00 04 'MQTX' 05 02 00 3C 00 00 01 'c'", protocol, x84}, // [MQTT-3.1.2-1]
    {"protocol_name_of_3_1", v3, "10 0F 00 06 'MQIsdp' 03 02 00 3C 00 01 'c'", protocol, x84},
    {"protocol_level", v5, "10 0D 00 04 'MQTT' 04 02 00 3C 00 01 'c'", protocol, x84}, // [MQTT-3.1.2-2]
    {"reserved_connect_flag", v3, "10 0D 00 04 'MQTT' 04 03 00 3C 00 01 'c'"},         // [MQTT-3.1.2-3]
    {"will_qos_without_will", v3, "10 0D 00 04 'MQTT' 04 0A 00 3C 00 01 'c'"},         // [MQTT-3.1.2-13]
    {"will_retain_without_will", v5, "10 0E 00 04 'MQTT' 05 22 00 3C 00 00 01 'c'"},   // [MQTT-3.1.2-15]
    {"will_qos_3", v3, "10 12 00 04 'MQTT' 04 1E 00 3C 00 01 'c' 00 01 't' 00 00"},    // [MQTT-3.1.2-14]
    {"will_topic_wildcard", v3, "10 12 00 04 'MQTT' 04 06 00 3C 00 01 'c' 00 01 '#' 00 00", protocol, x82},
    {"will_topic_empty", v3, "10 11 00 04 'MQTT' 04 06 00 3C 00 01 'c' 00 00 00 00", protocol, x82},
    {"password_without_user", v3, "10 10 00 04 'MQTT' 04 42 00 3C 00 01 'c' 00 01 'p'"},     // [MQTT-3.1.2-22]
    {"empty_id_without_clean_session", v3, "10 0C 00 04 'MQTT' 04 00 00 3C 00 00", protocol, // [MQTT-3.1.3-7]
     ReasonCode::client_identifier_not_valid},
    {"missing_user_name", v3, "10 0D 00 04 'MQTT' 04 82 00 3C 00 01 'c'"}, // [MQTT-3.1.2-19]
};

std::string name_of(const ::testing::TestParamInfo<Case>& row) {
    const char* sender = row.param.from == Sender::any ? "" : row.param.from == Sender::server ? "_server" : "_client";
    return std::string{row.param.name} + (row.param.version == v5 ? "_5" : "_3_1_1") + sender;
}

INSTANTIATE_TEST_SUITE_P(Headers, Malformed, ::testing::ValuesIn(headers), name_of);
INSTANTIATE_TEST_SUITE_P(Roles, Malformed, ::testing::ValuesIn(roles), name_of);
INSTANTIATE_TEST_SUITE_P(Codes, Malformed, ::testing::ValuesIn(codes), name_of);
INSTANTIATE_TEST_SUITE_P(Texts, Malformed, ::testing::ValuesIn(texts), name_of);
INSTANTIATE_TEST_SUITE_P(Properties, Malformed, ::testing::ValuesIn(properties), name_of);
INSTANTIATE_TEST_SUITE_P(Connects, Malformed, ::testing::ValuesIn(connects), name_of);

/// Every packet type with every lower half of its first byte: 240 bytes, of which the standard allows 25.
TEST(Flags, exactly_the_listed_ones_are_legal) {
    int legal = 0;
    for (unsigned first = 0; first < 256; ++first) legal += has_legal_flags(static_cast<std::uint8_t>(first)) ? 1 : 0;
    EXPECT_EQ(legal, 14 + 10);
    EXPECT_TRUE(has_legal_flags(0x62) && has_legal_flags(0x82) && has_legal_flags(0xA2));
    EXPECT_FALSE(has_legal_flags(0x60) || has_legal_flags(0x00) || has_legal_flags(0x38) || has_legal_flags(0x36));
}

/// Old servers of 3.1.1 ping their clients, and are answered.
TEST(Sender, both_sides_may_ping_under_3_1_1) {
    for (const Sender from : {Sender::client, Sender::server}) {
        for (const char* bytes : {"C0 00", "D0 00"}) {
            Arena arena;
            const std::vector<std::byte> memory = hex(bytes);
            EXPECT_TRUE(read_packet(memory, v3, arena, from)) << bytes;
        }
    }
}

TEST(Refusal, names_packet_field_and_value) {
    Arena arena;
    const auto detail = [&](const char* bytes) {
        const std::vector<std::byte> memory = hex(bytes);
        return read_packet(memory, v5, arena).failure().detail();
    };
    EXPECT_EQ(detail("20 06 00 00 03 21 00 00"), "CONNACK: receive_maximum is not 1 or more (0, 0x00)");
    EXPECT_EQ(detail("30 06 00 03 'a/#' 00"), "PUBLISH: topic has a wildcard: \"a/#\"");
    EXPECT_EQ(detail("40 07 00 01 00 03 23 00 01"), "PUBACK: topic_alias is no property of this packet (35, 0x23)");
    EXPECT_EQ(detail("20 02 00 01"), "CONNACK of MQTT 3.1.1 with return code 1: the server does not speak MQTT 5");
    EXPECT_EQ(detail("00 00"), "packet: packet type does not exist (0, 0x00)");
}

} // namespace
} // namespace culex::wire
