#pragma once

#include <vector>

#include "support/vector.hpp"

namespace culex::testing {

inline constexpr TopicSubscription subscriptions_5[] = {
    {"a/b", QoS::at_least_once, true, true, RetainHandling::do_not_send},
    {"$share/g/t", QoS::exactly_once, false, false, RetainHandling::send_if_new}};
inline constexpr TopicSubscription one_subscription[] = {{"#", QoS::at_most_once}};
inline constexpr std::string_view one_filter[] = {"#"};
inline constexpr std::uint32_t two_identifiers[] = {1, 268'435'455};
inline constexpr ReasonCode suback_codes_5[] = {ReasonCode::granted_qos_0, ReasonCode::granted_qos_1,
                                                ReasonCode::granted_qos_2, ReasonCode::not_authorized,
                                                ReasonCode::wildcard_subscriptions_not_supported};
inline constexpr ReasonCode one_suback_code[] = {ReasonCode::granted_qos_1};
inline constexpr ReasonCode unsuback_codes_5[] = {ReasonCode::success, ReasonCode::no_subscription_existed};
inline constexpr ReasonCode one_unsuback_code[] = {ReasonCode::not_authorized};

[[nodiscard]] inline std::vector<Vector> connection_vectors_5() {
    constexpr Version v = Version::v5;
    return {
        {"connect", v, "10 0E 00 04 'MQTT' 05 02 00 3C 00 00 01 'c'", Connect{.client_id = "c"}},
        // Legal in 5 only (section 3.1.2.9); and a client id that the server is to assign.
        {"connect_with_password_alone", v, "10 11 00 04 'MQTT' 05 40 00 3C 00 00 00 00 02 00 FF",
         Connect{.clean_start = false, .password = binary_00_ff}},
        {"connect_with_everything", v,
         "10 22 00 04 'MQTT' 05 F6 FF FF 00 00 03 'dev' 00 00 03 'w/t' 00 03 'bye' 00 01 'u' 00 02 00 FF",
         Connect{.client_id = "dev",
                 .keep_alive = 65535,
                 .will = Will{.topic = "w/t", .payload = as_bytes("bye"), .qos = QoS::exactly_once, .retain = true},
                 .user_name = "u",
                 .password = binary_00_ff}},
        {"connect_with_empty_credentials", v, "10 12 00 04 'MQTT' 05 C2 00 3C 00 00 01 'c' 00 00 00 00",
         Connect{.client_id = "c", .user_name = "", .password = Bytes{}}},
        {"connect_with_all_properties", v,
         "10 3C 00 04 'MQTT' 05 02 00 3C 2E 11 00 00 00 78 15 00 05 'SCRAM' 16 00 02 AB CD 17 00 19 01 21 00 0A 22 00 "
         "05 "
         "26 00 01 'k' 00 01 '2' 26 00 01 'k' 00 00 27 00 00 04 00 00 01 'c'",
         Connect{.client_id = "c",
                 .properties = {.session_expiry_interval = 120,
                                .receive_maximum = 10,
                                .maximum_packet_size = 1024,
                                .topic_alias_maximum = 5,
                                .request_response_information = 1,
                                .request_problem_information = 0,
                                .authentication_method = "SCRAM",
                                .authentication_data = binary_ab_cd,
                                .user_properties = two_user_properties}}},
        {"connect_with_all_will_properties", v,
         "10 3E 00 04 'MQTT' 05 2E 00 3C 00 00 01 'c' 25 01 01 02 00 00 00 0A 03 00 04 'text' 08 00 03 'r/t' 09 00 02 "
         "AB CD "
         "18 00 00 00 1E 26 00 01 'k' 00 01 'v' 00 03 'w/t' 00 03 'bye'",
         Connect{.client_id = "c",
                 .will = Will{.topic = "w/t",
                              .payload = as_bytes("bye"),
                              .qos = QoS::at_least_once,
                              .retain = true,
                              .properties = {.will_delay_interval = 30,
                                             .payload_format_indicator = 1,
                                             .message_expiry_interval = 10,
                                             .content_type = "text",
                                             .response_topic = "r/t",
                                             .correlation_data = binary_ab_cd,
                                             .user_properties = one_user_property}}}},
        {"connack", v, "20 03 00 00 00", Connack{}},
        {"connack_with_session_present", v, "20 03 01 00 00", Connack{.session_present = true}},
        {"connack_refused", v, "20 03 00 84 00", Connack{.reason_code = ReasonCode::unsupported_protocol_version}},
        {"connack_with_all_properties", v,
         "20 43 00 00 40 11 FF FF FF FF 12 00 03 'id1' 13 00 1E 15 00 01 'M' 16 00 02 00 FF 1A 00 01 'r' 1C 00 01 's' "
         "1F 00 02 'ok' 21 00 14 22 00 08 24 01 25 00 26 00 01 'k' 00 01 'v' 27 00 10 00 00 28 00 29 01 2A 00",
         Connack{.properties = {.session_expiry_interval = never_expires,
                                .receive_maximum = 20,
                                .maximum_qos = 1,
                                .retain_available = 0,
                                .maximum_packet_size = 0x100000,
                                .assigned_client_identifier = "id1",
                                .topic_alias_maximum = 8,
                                .reason_string = "ok",
                                .wildcard_subscription_available = 0,
                                .subscription_identifier_available = 1,
                                .shared_subscription_available = 0,
                                .server_keep_alive = 30,
                                .response_information = "r",
                                .server_reference = "s",
                                .authentication_method = "M",
                                .authentication_data = binary_00_ff,
                                .user_properties = one_user_property}}},
        {"pingreq", v, "C0 00", Pingreq{}},
        {"pingresp", v, "D0 00", Pingresp{}},
        {"disconnect", v, "E0 00", Disconnect{}},
        {"disconnect_with_will", v, "E0 01 04", Disconnect{.reason_code = ReasonCode::disconnect_with_will}},
        {"disconnect_with_all_properties", v,
         "E0 1A 9C 18 11 00 00 00 00 1C 00 04 'host' 1F 00 02 'go' 26 00 01 'k' 00 01 'v'",
         Disconnect{.reason_code = ReasonCode::use_another_server,
                    .properties = {.session_expiry_interval = 0,
                                   .reason_string = "go",
                                   .server_reference = "host",
                                   .user_properties = one_user_property}}},
        {"disconnect_normal_with_reason_string", v, "E0 06 00 04 1F 00 01 'x'",
         Disconnect{.properties = {.reason_string = "x"}}},
        {"auth", v, "F0 00", Auth{}},
        {"auth_again", v, "F0 06 19 04 15 00 01 'M'",
         Auth{.reason_code = ReasonCode::reauthenticate, .properties = {.authentication_method = "M"}}},
        {"auth_with_all_properties", v, "F0 16 18 14 15 00 01 'M' 16 00 02 AB CD 1F 00 01 'x' 26 00 01 'k' 00 01 'v'",
         Auth{.reason_code = ReasonCode::continue_authentication,
              .properties = {.authentication_method = "M",
                             .authentication_data = binary_ab_cd,
                             .reason_string = "x",
                             .user_properties = one_user_property}}},
    };
}

[[nodiscard]] inline std::vector<Vector> message_vectors_5() {
    constexpr Version v = Version::v5;
    return {
        {"publish_at_qos_0", v, "30 06 00 01 't' 00 'hi'", Publish{.topic = "t", .payload = as_bytes("hi")}},
        {"publish_at_qos_2", v, "35 08 00 03 'a/b' 00 01 00",
         Publish{.topic = "a/b", .qos = QoS::exactly_once, .retain = true, .packet_id = 1}},
        {"publish_with_alias_alone", v, "3A 09 00 00 00 05 03 23 00 01 'p'",
         Publish{.payload = as_bytes("p"),
                 .qos = QoS::at_least_once,
                 .dup = true,
                 .packet_id = 5,
                 .properties = {.topic_alias = 1}}},
        {"publish_with_all_properties", v,
         "32 35 00 03 'a/b' 00 01 2B 01 01 02 00 00 0E 10 03 00 01 't' 08 00 01 'r' 09 00 02 00 FF 0B 01 0B FF FF FF "
         "7F "
         "23 00 07 26 00 01 'k' 00 01 '2' 26 00 01 'k' 00 00 'pl'",
         Publish{.topic = "a/b",
                 .payload = as_bytes("pl"),
                 .qos = QoS::at_least_once,
                 .packet_id = 1,
                 .properties = {.payload_format_indicator = 1,
                                .message_expiry_interval = 3600,
                                .topic_alias = 7,
                                .response_topic = "r",
                                .correlation_data = binary_00_ff,
                                .subscription_identifiers = two_identifiers,
                                .content_type = "t",
                                .user_properties = two_user_properties}}},
        {"puback", v, "40 02 00 01", Puback{.packet_id = 1}},
        {"puback_with_code", v, "40 03 00 01 10",
         Puback{.packet_id = 1, .reason_code = ReasonCode::no_matching_subscribers}},
        {"puback_with_reason_string", v, "40 0B 00 01 97 07 1F 00 04 'full'",
         Puback{.packet_id = 1, .reason_code = ReasonCode::quota_exceeded, .properties = {.reason_string = "full"}}},
        {"puback_success_with_property", v, "40 0B 00 01 00 07 26 00 01 'k' 00 01 'v'",
         Puback{.packet_id = 1, .properties = {.user_properties = one_user_property}}},
        {"pubrec", v, "50 02 00 01", Pubrec{.packet_id = 1}},
        {"pubrec_with_all_properties", v, "50 12 00 01 80 0E 1F 00 04 'full' 26 00 01 'k' 00 01 'v'",
         Pubrec{.packet_id = 1,
                .reason_code = ReasonCode::unspecified_error,
                .properties = {.reason_string = "full", .user_properties = one_user_property}}},
        {"pubrel", v, "62 02 00 01", Pubrel{.packet_id = 1}},
        {"pubrel_with_code", v, "62 03 00 01 92",
         Pubrel{.packet_id = 1, .reason_code = ReasonCode::packet_identifier_not_found}},
        {"pubrel_with_property", v, "62 08 00 01 92 04 1F 00 01 'x'",
         Pubrel{.packet_id = 1,
                .reason_code = ReasonCode::packet_identifier_not_found,
                .properties = {.reason_string = "x"}}},
        {"pubcomp", v, "70 02 00 01", Pubcomp{.packet_id = 1}},
        {"pubcomp_with_code", v, "70 03 00 01 92",
         Pubcomp{.packet_id = 1, .reason_code = ReasonCode::packet_identifier_not_found}},
        {"pubcomp_with_property", v, "70 0B 00 01 92 07 26 00 01 'k' 00 01 'v'",
         Pubcomp{.packet_id = 1,
                 .reason_code = ReasonCode::packet_identifier_not_found,
                 .properties = {.user_properties = one_user_property}}},
        {"subscribe", v, "82 07 00 01 00 00 01 '#' 00", Subscribe{.packet_id = 1, .subscriptions = one_subscription}},
        {"subscribe_with_everything", v,
         "82 20 00 01 0A 0B 80 01 26 00 01 'k' 00 01 'v' 00 03 'a/b' 2D 00 0A '$share/g/t' 12",
         Subscribe{.packet_id = 1,
                   .subscriptions = subscriptions_5,
                   .properties = {.subscription_identifier = 128, .user_properties = one_user_property}}},
        {"suback", v, "90 04 00 01 00 01", Suback{.packet_id = 1, .reason_codes = one_suback_code}},
        {"suback_with_everything", v, "90 14 00 01 0C 1F 00 02 'ok' 26 00 01 'k' 00 01 'v' 00 01 02 87 A2",
         Suback{.packet_id = 1,
                .reason_codes = suback_codes_5,
                .properties = {.reason_string = "ok", .user_properties = one_user_property}}},
        {"unsubscribe", v, "A2 06 00 02 00 00 01 '#'", Unsubscribe{.packet_id = 2, .filters = one_filter}},
        {"unsubscribe_with_property", v, "A2 0D 00 02 07 26 00 01 'k' 00 01 'v' 00 01 '#'",
         Unsubscribe{.packet_id = 2, .filters = one_filter, .properties = {.user_properties = one_user_property}}},
        {"unsuback", v, "B0 05 00 02 00 00 11", Unsuback{.packet_id = 2, .reason_codes = unsuback_codes_5}},
        {"unsuback_with_all_properties", v, "B0 10 00 02 0C 1F 00 02 'ok' 26 00 01 'k' 00 01 'v' 87",
         Unsuback{.packet_id = 2,
                  .reason_codes = one_unsuback_code,
                  .properties = {.reason_string = "ok", .user_properties = one_user_property}}},
    };
}

[[nodiscard]] inline std::vector<Vector> vectors_5() {
    std::vector<Vector> all = connection_vectors_5();
    for (const Vector& vector : message_vectors_5()) all.push_back(vector);
    return all;
}

} // namespace culex::testing
