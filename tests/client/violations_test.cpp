// What a broker may not send, from the caller's side: which error the operation that waits ends with, and what the broker is
// told. The names begin with the row of the conformance list's section M; tests/session/violations_test.cpp has more of each.
#include "client/client_test.hpp"

namespace culex {
namespace {

using culex::testing::Script;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Version v3 = Version::v3_1_1;
constexpr Version v5 = Version::v5;
constexpr Errc malformed = Errc::malformed_packet;
constexpr Errc protocol = Errc::protocol_error;

struct Violation {
    const char* name;
    Version version;
    const char* bytes;
    unsigned code; ///< of DISCONNECT, which 3.1.1 does not send
    Errc error;
    const char* words; ///< of the error's text
};

void PrintTo(const Violation& row, std::ostream* out) { *out << row.bytes; }

std::string name_of(const ::testing::TestParamInfo<Violation>& row) {
    return std::string(row.param.name) + (row.param.version == v5 ? "_v5" : "_v3_1_1");
}

class ViolationTest : public ::testing::TestWithParam<Violation> {
protected:
    ViolationTest() { broker.listen("mqtt://broker"); }

    [[nodiscard]] static ClientOptions options() {
        ClientOptions once{.client_id = "client", .version = GetParam().version};
        once.reconnect.enabled = false;
        if (once.version == v5) {
            once.properties = {.receive_maximum = 2, .maximum_packet_size = 1'000, .topic_alias_maximum = 2};
        }
        return once;
    }
    static Task<Failure> failure_of(Task<> task) {
        try {
            co_await std::move(task);
        } catch (const Error& error) {
            co_return error.failure();
        }
        co_return Failure();
    }
    static Task<> connect(AsyncClient& client) { co_await client.connect("mqtt://broker"); }
    static Task<> publish(AsyncClient& client) { co_await client.publish("a", "x", {.qos = QoS::at_least_once}); }
    static void expect_row(const Failure& failure, Phase phase) {
        const Violation& row = GetParam();
        EXPECT_TRUE(failure == row.error) << failure.message();
        EXPECT_EQ(static_cast<unsigned>(failure.reason_code()), row.code) << failure.message();
        EXPECT_EQ(failure.phase(), phase) << failure.message();
        EXPECT_THAT(failure.message(), AllOf(HasSubstr("broker"), HasSubstr(row.words)));
    }

    culex::testing::VirtualRuntime runtime;
    culex::testing::FakeBroker broker{runtime};
};

/// On a connection, with PUBLISH#1 under way.
class Violations : public ViolationTest {};

TEST_P(Violations, end_what_waits_with_an_error_that_says_which) { // [MQTT-4.13.1-1], 3.1.1: [MQTT-4.8.0-1]
    const Violation& row = GetParam();
    Script script{row.name};
    script.expect(PacketType::connect).reply(Connack{}).expect(PacketType::publish).reply_bytes(row.bytes);
    if (row.version == v5) {
        script.expect<Disconnect>(
            [&row](const Disconnect& packet) { return static_cast<unsigned>(packet.reason_code) == row.code; },
            "has the code of the row");
    }
    broker.script(script.expect_close());
    AsyncClient client(runtime, options());
    runtime.run(connect(client));
    const Failure failure = runtime.run(failure_of(publish(client)));
    expect_row(failure, Phase::session);
    EXPECT_EQ(client.state(), ConnectionState::idle);
    runtime.run_until_idle();
    EXPECT_THAT(broker.verify(), IsEmpty());
}

const Violation violations[] = {
    {"m1_type_0", v3, "00 00", 0x81, malformed, "packet type does not exist"},
    {"m1_type_0", v5, "00 00", 0x81, malformed, "packet type does not exist"},
    {"m1_type_15", v3, "F0 00", 0x81, malformed, "AUTH"},
    {"m2_flags", v3, "60 02 00 01", 0x81, malformed, "PUBREL"},
    {"m2_flags", v5, "60 02 00 01", 0x81, malformed, "PUBREL"},
    {"m2_qos_3", v3, "36 05 00 01 61 00 01", 0x81, malformed, "PUBLISH"},
    {"m2_qos_3", v5, "36 06 00 01 61 00 01 00", 0x81, malformed, "PUBLISH"},
    {"m3_dup_at_qos_0", v3, "38 03 00 01 61", 0x81, malformed, "PUBLISH"},
    {"m3_dup_at_qos_0", v5, "38 04 00 01 61 00", 0x81, malformed, "PUBLISH"},
    {"m4_length", v3, "30 FF FF FF FF 01", 0x81, malformed, "length"},
    {"m4_length", v5, "30 FF FF FF FF 01", 0x81, malformed, "length"},
    {"m5_too_large", v5, "30 FF 07", 0x95, malformed, "above the maximum packet size"},
    {"m6_bytes_behind_the_fields", v3, "40 03 00 01 00", 0x81, malformed, "PUBACK"},
    {"m6_bytes_behind_the_fields", v5, "40 05 00 01 00 00 00", 0x81, malformed, "PUBACK"},
    {"m7_subscribe", v3, "82 06 00 01 00 01 61 00", 0x82, protocol, "SUBSCRIBE"},
    {"m7_subscribe", v5, "82 07 00 01 00 00 01 61 00", 0x82, protocol, "SUBSCRIBE"},
    {"m7_disconnect", v3, "E0 00", 0x82, protocol, "DISCONNECT"},
    {"m9_second_connack", v3, "20 02 00 00", 0x82, protocol, "second CONNACK"},
    {"m9_second_connack", v5, "20 03 00 00 00", 0x82, protocol, "second CONNACK"},
    {"m15_auth", v5, "F0 06 18 04 15 00 01 6D", 0x82, protocol, "AUTH"},
    {"m16_id_0", v3, "40 02 00 00", 0x82, protocol, "PUBACK: packet id is 0"},
    {"m16_id_0", v5, "40 02 00 00", 0x82, protocol, "PUBACK: packet id is 0"},
    {"m17_no_codes", v3, "90 02 00 01", 0x82, protocol, "SUBACK"},
    {"m17_no_codes", v5, "90 03 00 01 00", 0x82, protocol, "SUBACK"},
    {"m18_suback_code", v3, "90 03 00 01 03", 0x82, protocol, "SUBACK"},
    {"m18_suback_code", v5, "90 04 00 01 00 03", 0x82, protocol, "SUBACK"},
    {"m19_puback_code", v5, "40 03 00 01 92", 0x82, protocol, "PUBACK: reason code"},
    {"m20_utf_8", v3, "30 04 00 02 C0 80", 0x81, malformed, "PUBLISH: topic is not UTF-8"},
    {"m20_utf_8", v5, "30 05 00 02 C0 80 00", 0x81, malformed, "PUBLISH: topic is not UTF-8"},
    {"m21_wildcard", v3, "30 03 00 01 23", 0x82, protocol, "topic has a wildcard"},
    {"m21_wildcard", v5, "30 04 00 01 23 00", 0x82, protocol, "topic has a wildcard"},
    {"m22_empty_topic", v3, "30 02 00 00", 0x82, protocol, "topic is empty"},
    {"m22_empty_topic", v5, "30 03 00 00 00", 0x82, protocol, "topic is empty"},
    {"m23_alias", v5, "30 07 00 01 61 03 23 00 03", 0x94, protocol, "alias"},
    {"m24_alias_that_stands_for_nothing", v5, "30 06 00 00 03 23 00 01", 0x82, protocol, "alias"},
    {"m25_receive_maximum", v5, "32 06 00 01 61 00 01 00 32 06 00 01 61 00 02 00 32 06 00 01 61 00 03 00", 0x93,
     protocol, "3"},
    {"m26_response_topic", v5, "30 08 00 01 61 04 08 00 01 23", 0x82, protocol, "response_topic has a wildcard"},
    {"m27_subscription_identifier", v5, "30 06 00 01 61 02 0B 00", 0x82, protocol, "subscription_identifier"},
    {"m29_unknown_property", v5, "30 06 00 01 61 02 04 00", 0x81, malformed, "property"},
    {"m30_property_twice", v5, "30 08 00 01 61 04 01 00 01 00", 0x82, protocol, "payload_format_indicator"},
    {"m31_property_length", v5, "30 05 00 01 61 05 78", 0x81, malformed, "PUBLISH"},
    {"m32_payload_format", v5, "30 06 00 01 61 02 01 02", 0x82, protocol, "payload_format_indicator"},
    {"m34_data_without_method", v5, "F0 06 18 04 16 00 01 64", 0x82, protocol, "authentication_data"},
    {"m35_session_expiry", v5, "E0 07 00 05 11 00 00 00 00", 0x82, protocol, "session_expiry_interval"},
    {"m38_pubrec_for_qos_1", v3, "50 02 00 01", 0x82, protocol, "PUBREC"},
    {"m38_pubrec_for_qos_1", v5, "50 02 00 01", 0x82, protocol, "PUBREC"},
    {"m45_padded_length", v3, "D0 80 00", 0x81, malformed, "length"},
    {"m45_padded_length", v5, "D0 80 00", 0x81, malformed, "length"},
    {"m47_pingresp_with_a_body", v3, "D0 01 00", 0x81, malformed, "PINGRESP"},
    {"m47_pingresp_with_a_body", v5, "D0 01 00", 0x81, malformed, "PINGRESP"},
};
INSTANTIATE_TEST_SUITE_P(Connected, Violations, ::testing::ValuesIn(violations), name_of);

/// In place of a CONNACK that accepts.
class BadStarts : public ViolationTest {};

TEST_P(BadStarts, fail_connect_with_an_error_that_says_which) {
    const Violation& row = GetParam();
    broker.script(Script{row.name}.expect(PacketType::connect).reply_bytes(row.bytes).expect_close());
    AsyncClient client(runtime, options());
    const Failure failure = runtime.run(failure_of(connect(client)));
    expect_row(failure, Phase::mqtt);
    runtime.run_until_idle();
    EXPECT_THAT(broker.verify(), IsEmpty());
    runtime.run(connect(client)); // the next attempt is a new one
    EXPECT_EQ(client.state(), ConnectionState::connected);
}

const Violation bad_starts[] = {
    {"m8_publish", v3, "30 03 00 01 61", 0x82, protocol, "PUBLISH came before CONNACK"},
    {"m8_publish", v5, "30 04 00 01 61 00", 0x82, protocol, "PUBLISH came before CONNACK"},
    {"m8_disconnect", v5, "E0 01 8B", 0x82, protocol, "DISCONNECT came before CONNACK"}, // [MQTT-3.14.0-1]
    {"m10_acknowledge_flags", v3, "20 02 02 00", 0x81, malformed, "CONNACK"},
    {"m10_acknowledge_flags", v5, "20 03 02 00 00", 0x81, malformed, "CONNACK"},
    {"m11_code", v3, "20 02 00 06", 0x82, protocol, "CONNACK"},
    {"m11_code", v5, "20 03 00 05 00", 0x82, protocol, "CONNACK"},
    {"m12_server_of_3_1_1", v5, "20 02 00 01", 0x84, Errc::connection_refused, "does not speak MQTT 5"},
    {"m15_auth", v5, "F0 06 18 04 15 00 01 6D", 0x82, protocol, "AUTH"},
    {"m32_maximum_qos", v5, "20 05 00 00 02 24 02", 0x82, protocol, "maximum_qos"},
    {"m33_receive_maximum_0", v5, "20 06 00 00 03 21 00 00", 0x82, protocol, "receive_maximum is not 1 or more"},
};
INSTANTIATE_TEST_SUITE_P(Connecting, BadStarts, ::testing::ValuesIn(bad_starts), name_of);

} // namespace
} // namespace culex
