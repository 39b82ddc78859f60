#pragma once

#include <vector>

#include "support/vector.hpp"

namespace culex::testing {

inline constexpr TopicSubscription subscriptions_3_1_1[] = {{"a/b", QoS::at_least_once}, {"c/#", QoS::exactly_once}};
inline constexpr std::string_view hundred_and_twenty_three =
    "012345678900000000000000000000000000000000000000000000000000"
    "000000000000000000000000000000000000000000000000000000000000000";
inline constexpr std::string_view filters_3_1_1[] = {"a/b", "c/+"};
inline constexpr ReasonCode codes_3_1_1[] = {ReasonCode::granted_qos_0, ReasonCode::granted_qos_1,
                                             ReasonCode::granted_qos_2, ReasonCode::unspecified_error};

[[nodiscard]] inline std::vector<Vector> vectors_3_1_1() {
    constexpr Version v = Version::v3_1_1;
    return {
        {"connect", v, "10 0D 00 04 'MQTT' 04 02 00 3C 00 01 'c'", Connect{.client_id = "c"}},
        {"connect_with_empty_client_id", v, "10 0C 00 04 'MQTT' 04 02 00 00 00 00", Connect{.keep_alive = 0}},
        {"connect_with_everything", v,
         "10 20 00 04 'MQTT' 04 F6 FF FF 00 03 'dev' 00 03 'w/t' 00 03 'bye' 00 01 'u' 00 02 00 FF",
         Connect{.client_id = "dev",
                 .keep_alive = 65535,
                 .will = Will{.topic = "w/t", .payload = as_bytes("bye"), .qos = QoS::exactly_once, .retain = true},
                 .user_name = "u",
                 .password = binary_00_ff}},
        {"connect_with_empty_will_and_old_session", v, "10 12 00 04 'MQTT' 04 0C 00 3C 00 01 'a' 00 01 't' 00 00",
         Connect{.client_id = "a", .clean_start = false, .will = Will{.topic = "t", .qos = QoS::at_least_once}}},
        {"connect_with_empty_credentials", v, "10 11 00 04 'MQTT' 04 C2 00 3C 00 01 'c' 00 00 00 00",
         Connect{.client_id = "c", .user_name = "", .password = Bytes{}}},
        {"connack", v, "20 02 00 00", Connack{}},
        {"connack_with_session_present", v, "20 02 01 00", Connack{.session_present = true}},
        {"connack_protocol_version", v, "20 02 00 01",
         Connack{.reason_code = ReasonCode::unsupported_protocol_version}},
        {"connack_identifier_rejected", v, "20 02 00 02",
         Connack{.reason_code = ReasonCode::client_identifier_not_valid}},
        {"connack_server_unavailable", v, "20 02 00 03", Connack{.reason_code = ReasonCode::server_unavailable}},
        {"connack_bad_user_or_password", v, "20 02 00 04",
         Connack{.reason_code = ReasonCode::bad_user_name_or_password}},
        {"connack_not_authorized", v, "20 02 00 05", Connack{.reason_code = ReasonCode::not_authorized}},
        {"publish_at_qos_0", v, "30 05 00 01 't' 'hi'", Publish{.topic = "t", .payload = as_bytes("hi")}},
        {"publish_without_payload", v, "31 05 00 03 'a/b'", Publish{.topic = "a/b", .retain = true}},
        {"publish_at_qos_1", v, "32 08 00 03 'a/b' 01 02 'x'",
         Publish{.topic = "a/b", .payload = as_bytes("x"), .qos = QoS::at_least_once, .packet_id = 0x0102}},
        {"publish_at_qos_2_again", v, "3D 07 00 02 '/a' FF FF 00",
         Publish{.topic = "/a",
                 .payload = Bytes{binary_00_ff}.first(1),
                 .qos = QoS::exactly_once,
                 .retain = true,
                 .dup = true,
                 .packet_id = 0xFFFF}},
        // U+FEFF at the front of a text is kept [MQTT-1.5.3-3]; a control character is legal.
        {"publish_with_unicode_topic", v, "30 0C 00 08 EF BB BF E2 82 AC 01 'x' 'hi'",
         Publish{.topic = "\xEF\xBB\xBF\xE2\x82\xAC\x01x", .payload = as_bytes("hi")}},
        {"publish_with_two_bytes_of_length", v, "30 80 01 00 03 'big' '0123456789' '0'*113",
         Publish{.topic = "big", .payload = as_bytes(hundred_and_twenty_three)}},
        {"puback", v, "40 02 12 34", Puback{.packet_id = 0x1234}},
        {"pubrec", v, "50 02 12 34", Pubrec{.packet_id = 0x1234}},
        {"pubrel", v, "62 02 12 34", Pubrel{.packet_id = 0x1234}},
        {"pubcomp", v, "70 02 12 34", Pubcomp{.packet_id = 0x1234}},
        {"subscribe", v, "82 0E 00 0A 00 03 'a/b' 01 00 03 'c/#' 02",
         Subscribe{.packet_id = 10, .subscriptions = subscriptions_3_1_1}},
        {"suback", v, "90 06 00 0A 00 01 02 80", Suback{.packet_id = 10, .reason_codes = codes_3_1_1}},
        {"unsubscribe", v, "A2 0C 00 0B 00 03 'a/b' 00 03 'c/+'",
         Unsubscribe{.packet_id = 11, .filters = filters_3_1_1}},
        {"unsuback", v, "B0 02 00 0B", Unsuback{.packet_id = 11}},
        {"pingreq", v, "C0 00", Pingreq{}},
        {"pingresp", v, "D0 00", Pingresp{}},
        {"disconnect", v, "E0 00", Disconnect{}},
    };
}

} // namespace culex::testing
