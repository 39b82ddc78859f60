#include <culex/reason_code.hpp>

#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace culex {
namespace {

/// The tables of MQTT 5, packet by packet as chapter 3 prints them, which the code keeps turned around, code by code.
const std::map<PacketType, std::set<int>> codes_of_mqtt_5{
    {PacketType::connack, {0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
                           0x8A, 0x8C, 0x90, 0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F}},      // 3.2.2.2
    {PacketType::puback, {0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99}},                   // 3.4.2.1
    {PacketType::pubrec, {0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99}},                   // 3.5.2.1
    {PacketType::pubrel, {0x00, 0x92}},                                                             // 3.6.2.1
    {PacketType::pubcomp, {0x00, 0x92}},                                                            // 3.7.2.1
    {PacketType::suback, {0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2}}, // 3.9.3
    {PacketType::unsuback, {0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91}},                             // 3.11.3
    {PacketType::disconnect,
     {0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8C, 0x8D, 0x8E, // 3.14.2.1;
      0x8F, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0x9B, 0x9C, // 0x8C is in 2.4 only
      0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2}},
    {PacketType::auth, {0x00, 0x18, 0x19}}, // 3.15.2.1
};

/// CONNACK's return codes 0 to 5 (section 3.2.2.3) as they are mapped, and SUBACK's (3.9.3).
const std::map<PacketType, std::set<int>> codes_of_mqtt_3{
    {PacketType::connack, {0x00, 0x84, 0x85, 0x86, 0x87, 0x88}},
    {PacketType::puback, {0x00}},
    {PacketType::pubrec, {0x00}},
    {PacketType::pubrel, {0x00}},
    {PacketType::pubcomp, {0x00}},
    {PacketType::suback, {0x00, 0x01, 0x02, 0x80}},
    {PacketType::disconnect, {0x00}},
};

// [MQTT-3.2.2-8], [MQTT-3.4.2-1], [MQTT-3.5.2-1], [MQTT-3.6.2-1], [MQTT-3.7.2-1], [MQTT-3.9.3-2], [MQTT-3.11.3-2],
// [MQTT-3.14.2-1], [MQTT-3.15.2-1]
TEST(ReasonCode, is_allowed_exactly_where_the_standard_lists_it) {
    for (const Version version : {Version::v3_1_1, Version::v5}) {
        const auto& table = version == Version::v5 ? codes_of_mqtt_5 : codes_of_mqtt_3;
        for (int type = 0; type < 256; ++type) {
            const auto packet = static_cast<PacketType>(type);
            const auto row = table.find(packet);
            for (int code = 0; code < 256; ++code) {
                const bool expected = row != table.end() && row->second.contains(code);
                ASSERT_EQ(allowed_in(static_cast<ReasonCode>(code), packet, version), expected)
                    << std::hex << code << " in " << to_string(packet) << " of " << to_string(version);
            }
        }
    }
}

TEST(ReasonCode, has_a_name_of_its_own_wherever_a_packet_may_carry_it) {
    std::set<std::string> names;
    for (int number = 0; number < 256; ++number) {
        const auto code = static_cast<ReasonCode>(number);
        bool known = false;
        for (const auto& [packet, codes] : codes_of_mqtt_5) known = known || codes.contains(number);
        const std::string name{to_string(code)};
        EXPECT_EQ(name != "unknown reason code", known) << std::hex << number;
        if (known) {
            EXPECT_TRUE(names.insert(name).second) << name;
        }
    }
    EXPECT_EQ(names.size(), 43u);
    EXPECT_EQ(to_string(ReasonCode::not_authorized), "Not authorized");
    EXPECT_EQ(to_string(ReasonCode::wildcard_subscriptions_not_supported), "Wildcard Subscriptions not supported");
    EXPECT_EQ(to_string(ReasonCode::granted_qos_0), "Success");
}

TEST(ReasonCode, fails_from_0x80_on) {
    for (int number = 0; number < 256; ++number) EXPECT_EQ(failed(static_cast<ReasonCode>(number)), number >= 0x80);
}

TEST(Types, are_named_as_the_standard_names_them) {
    const std::vector<std::string_view> names{
        "?",      "CONNECT",     "CONNACK",  "PUBLISH", "PUBACK",   "PUBREC",     "PUBREL", "PUBCOMP", "SUBSCRIBE",
        "SUBACK", "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH",   "?"};
    for (std::size_t number = 0; number < names.size(); ++number) {
        EXPECT_EQ(to_string(static_cast<PacketType>(number)), names[number]);
    }
    EXPECT_EQ(to_string(static_cast<PacketType>(255)), "?");
    EXPECT_EQ(to_string(QoS::at_most_once), "QoS 0");
    EXPECT_EQ(to_string(QoS::at_least_once), "QoS 1");
    EXPECT_EQ(to_string(QoS::exactly_once), "QoS 2");
    EXPECT_EQ(to_string(static_cast<QoS>(3)), "?");
    EXPECT_EQ(to_string(Version::v3_1_1), "MQTT 3.1.1");
    EXPECT_EQ(to_string(Version::v5), "MQTT 5");
    EXPECT_EQ(to_string(static_cast<Version>(3)), "?");
}

} // namespace
} // namespace culex
