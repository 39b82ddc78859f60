#include <gtest/gtest.h>

#include <string>

#include "support/vectors.hpp"
#include "wire/codec.hpp"

namespace culex::wire {
namespace {

using namespace culex::testing;

TEST(Describe, shows_a_publish_in_one_line_without_its_payload) {
    const Publish packet{
        .topic = "a/b", .payload = as_bytes("0123456789abcdef"), .qos = QoS::at_least_once, .packet_id = 7};
    EXPECT_EQ(describe(packet), "PUBLISH id=7 qos=1 topic=\"a/b\" 16 bytes");
    EXPECT_EQ(describe(Publish{.topic = "x\ny", .retain = true}), "PUBLISH qos=0 retain topic=\"x\\ny\" 0 bytes");
}

TEST(Describe, never_shows_a_password_or_authentication_data) {
    const Connect packet{.client_id = "c",
                         .user_name = "me",
                         .password = as_bytes("secret"),
                         .properties = {.authentication_method = "M", .authentication_data = as_bytes("secret")}};
    EXPECT_EQ(describe(packet), "CONNECT client_id=\"c\" clean_start keep_alive=60 user_name=\"me\" password=(hidden) "
                                "authentication_method=\"M\" authentication_data=(6 bytes)");
}

TEST(Describe, tells_the_rest) {
    EXPECT_EQ(
        describe(Connect{.client_id = "c", .will = Will{.topic = "w", .payload = as_bytes("bye"), .retain = true}}),
        "CONNECT client_id=\"c\" clean_start keep_alive=60 will: qos=0 retain topic=\"w\" 3 bytes");
    EXPECT_EQ(describe(Connack{.session_present = true}), "CONNACK reason=0x00 (Success) session_present");
    EXPECT_EQ(describe(Puback{.packet_id = 3}), "PUBACK id=3");
    EXPECT_EQ(describe(Subscribe{.packet_id = 1, .subscriptions = subscriptions_5}),
              "SUBSCRIBE id=1 filter=\"a/b\" qos=1 no_local retain_as_published retain_handling=2 "
              "filter=\"$share/g/t\" qos=2 "
              "retain_handling=1");
    EXPECT_EQ(describe(Suback{.packet_id = 1, .reason_codes = one_unsuback_code}),
              "SUBACK id=1 reason=0x87 (Not authorized)");
    EXPECT_EQ(describe(Unsubscribe{.packet_id = 1, .filters = one_filter}), "UNSUBSCRIBE id=1 filter=\"#\"");
    EXPECT_EQ(describe(Pingreq{}), "PINGREQ");
    EXPECT_EQ(
        describe(Puback{.packet_id = 3, .properties = {.reason_string = "r", .user_properties = one_user_property}}),
        "PUBACK id=3 reason_string=\"r\" user_properties=\"k\":\"v\"");
}

TEST(Describe, is_one_line_for_every_packet) {
    for (const Vector& vector : vectors()) {
        const std::string line = describe(vector.packet);
        EXPECT_TRUE(line.starts_with(to_string(type_of(vector.packet)))) << line;
        EXPECT_EQ(line.find('\n'), std::string::npos) << line;
    }
}

} // namespace
} // namespace culex::wire
