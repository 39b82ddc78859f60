// What a broker may not send in answer to CONNECT. Before a CONNACK that accepts there is nothing to send but the end.
#include "support/session_peer.hpp"

namespace culex::session {
namespace {

using namespace culex::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Version v3 = Version::v3_1_1;
constexpr Version v5 = Version::v5;

struct BadStart {
    const char* name;
    Version version;
    const char* bytes;
    Errc error;
    unsigned code;
};

void PrintTo(const BadStart& row, std::ostream* out) { *out << row.bytes; }

constexpr Errc malformed = Errc::malformed_packet;
constexpr Errc protocol = Errc::protocol_error;

const BadStart bad_starts[] = {
    {"m1_type_0", v3, "00 00", protocol, 0x82},
    {"m1_type_0", v5, "00 00", protocol, 0x82},
    {"m2_connack_flags", v3, "21 02 00 00", malformed, 0x81},
    {"m2_connack_flags", v5, "21 03 00 00 00", malformed, 0x81},
    {"m6_connack_of_one_byte", v3, "20 01 00", malformed, 0x81},
    {"m6_connack_of_three_bytes", v3, "20 03 00 00 00", malformed, 0x81},
    {"m6_connack_with_bytes_behind_it", v5, "20 04 00 00 00 00", malformed, 0x81},
    {"m8_publish", v3, "30 03 00 01 'a'", protocol, 0x82},
    {"m8_publish", v5, "30 04 00 01 'a' 00", protocol, 0x82},
    {"m8_suback", v3, "90 03 00 01 00", protocol, 0x82},
    {"m8_suback", v5, "90 04 00 01 00 00", protocol, 0x82},
    {"m8_pingresp", v3, "D0 00", protocol, 0x82},
    {"m8_pingresp", v5, "D0 00", protocol, 0x82},
    {"m8_disconnect", v5, "E0 01 8B", protocol, 0x82}, // [MQTT-3.14.0-1]
    {"m10_acknowledge_flags", v3, "20 02 02 00", malformed, 0x81},
    {"m10_acknowledge_flags", v5, "20 03 80 00 00", malformed, 0x81},
    {"m11_return_code_6", v3, "20 02 00 06", protocol, 0x82},
    {"m11_return_code_of_3_1_1", v5, "20 03 00 05 00", protocol, 0x82},
    {"m11_code_of_another_packet", v5, "20 03 00 8E 00", protocol, 0x82},
    {"m12_connack_of_3_1_1", v5, "20 02 00 01", Errc::connection_refused, 0x84},
    {"m15_auth_though_there_is_no_method", v5, "F0 06 18 04 15 00 01 'm'", protocol, 0x82},
    {"m20_bad_utf8", v5, "20 07 00 00 04 1F 00 01 FF", malformed, 0x81},
    {"m29_property_of_another_packet", v5, "20 06 00 00 03 23 00 01", malformed, 0x81},
    {"m30_property_twice", v5, "20 07 00 00 04 25 01 25 01", protocol, 0x82},
    {"m31_property_length_past_the_end", v5, "20 03 00 00 05", malformed, 0x81},
    {"m32_maximum_qos_2", v5, "20 05 00 00 02 24 02", protocol, 0x82},
    {"m32_retain_available_2", v5, "20 05 00 00 02 25 02", protocol, 0x82},
    {"m32_wildcard_available_2", v5, "20 05 00 00 02 28 02", protocol, 0x82},
    {"m32_identifiers_available_2", v5, "20 05 00 00 02 29 02", protocol, 0x82},
    {"m32_shared_available_2", v5, "20 05 00 00 02 2A 02", protocol, 0x82},
    {"m33_receive_maximum_0", v5, "20 06 00 00 03 21 00 00", protocol, 0x82},
    {"m33_maximum_packet_size_0", v5, "20 08 00 00 05 27 00 00 00 00", protocol, 0x82},
    {"m34_authentication_data_without_method", v5, "20 07 00 00 04 16 00 01 'd'", protocol, 0x82},
};

class BadStartTest : public ::testing::TestWithParam<BadStart> {};
INSTANTIATE_TEST_SUITE_P(Session, BadStartTest, ::testing::ValuesIn(bad_starts), [](const auto& row) {
    return std::string(row.param.name) + (row.param.version == v5 ? "_v5" : "_v3_1_1");
});

TEST_P(BadStartTest, ends_the_link_without_a_word) { // [MQTT-3.2.0-1] [MQTT-4.8.0-1]
    const BadStart& row = GetParam();
    SessionPeer peer{row.version, {.report_packets = true}};
    const auto& operation = peer.publish("a", "x");
    peer.open();
    EXPECT_THAT(peer.sent(), ElementsAre("CONNECT"));
    peer.receive_hex(row.bytes);
    EXPECT_EQ(peer->failure(), row.error) << peer->failure().message();
    EXPECT_EQ(static_cast<unsigned>(peer->failure().reason_code()), row.code);
    EXPECT_FALSE(peer->failure().detail().empty());
    EXPECT_FALSE(peer->connected());
    EXPECT_THAT(peer.sent(), IsEmpty());
    EXPECT_THAT(peer.events(), IsEmpty());
    EXPECT_EQ(operation.outcome, "");
    peer.reconnect({});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#1 q1 a:x"));
}

} // namespace
} // namespace culex::session
