// Everything that a broker may not do to a client that is connected, and every packet in every state.
#include "support/session_peer.hpp"

namespace culex::session {
namespace {

using namespace culex::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Version v3 = Version::v3_1_1;
constexpr Version v5 = Version::v5;

// --- one packet each

struct Violation {
    const char* name; ///< begins with the row of the conformance list's section M that it shows
    Version version;
    const char* bytes;
    unsigned code;           ///< what MQTT 5's DISCONNECT says; 3.1.1 says nothing
    const char* before = ""; ///< legal packets that lead up to it
    Config config{.maximum_packet_size = 1'000};
    std::uint8_t problem_information = 1;
};

void PrintTo(const Violation& row, std::ostream* out) { *out << row.bytes; }

constexpr Config two_aliases{.maximum_packet_size = 1'000, .topic_alias_maximum = 2};
constexpr Config receives_two{.receive_maximum = 2, .maximum_packet_size = 1'000};

/// Each row of what a client must refuse on a link that is connected. What can be wrong inside of a packet has more rows in
/// tests/wire/malformed_test.cpp; these show that the session obeys its reader, and what needs a session. Under way are
/// PUBLISH#1 at QoS 1, SUBSCRIBE#2 and UNSUBSCRIBE#3 of two filters each, and PUBLISH#4 at QoS 2.
const Violation violations[] = {
    {"m1_type_0", v3, "00 00", 0x81},
    {"m1_type_0", v5, "00 00", 0x81},
    {"m1_type_15", v3, "F0 00", 0x81},
    {"m2_pubrel_flags", v3, "60 02 00 01", 0x81},
    {"m2_pubrel_flags", v5, "60 02 00 01", 0x81},
    {"m2_publish_qos_3", v3, "36 05 00 01 'a' 00 01", 0x81},
    {"m2_publish_qos_3", v5, "36 06 00 01 'a' 00 01 00", 0x81},
    {"m3_dup_at_qos_0", v3, "38 03 00 01 'a'", 0x81},
    {"m3_dup_at_qos_0", v5, "38 04 00 01 'a' 00", 0x81},
    {"m4_five_bytes_of_length", v3, "30 FF FF FF FF 01", 0x81},
    {"m4_five_bytes_of_length", v5, "30 FF FF FF FF 01", 0x81},
    {"m5_above_our_maximum_packet_size", v3, "30 FF 07", 0x95},
    {"m5_above_our_maximum_packet_size", v5, "30 FF 07", 0x95}, // before the body has come
    {"m6_connack_of_three_bytes", v3, "20 03 00 00 00", 0x81},
    {"m6_puback_of_three_bytes", v3, "40 03 00 01 00", 0x81},
    {"m6_puback_of_one_byte", v3, "40 01 00", 0x81},
    {"m6_puback_of_one_byte", v5, "40 01 00", 0x81},
    {"m6_unsuback_of_three_bytes", v3, "B0 03 00 03 00", 0x81},
    {"m6_bytes_behind_the_fields", v5, "40 05 00 01 00 00 00", 0x81},
    {"m6_topic_past_the_end", v3, "30 04 00 03 'a' 'b'", 0x81},
    {"m6_topic_past_the_end", v5, "30 04 00 03 'a' 'b'", 0x81},
    {"m7_connect", v3, "10 0E 00 04 'MQTT' 04 02 00 3C 00 02 'c1'", 0x82},
    {"m7_connect", v5, "10 0F 00 04 'MQTT' 05 02 00 3C 00 00 02 'c1'", 0x82},
    {"m7_subscribe", v3, "82 06 00 01 00 01 'a' 00", 0x82},
    {"m7_subscribe", v5, "82 07 00 01 00 00 01 'a' 00", 0x82},
    {"m7_unsubscribe", v3, "A2 05 00 01 00 01 'a'", 0x82},
    {"m7_unsubscribe", v5, "A2 06 00 01 00 00 01 'a'", 0x82},
    {"m7_pingreq", v5, "C0 00", 0x82}, // 3.1.1: KeepAlive311.answers_a_ping
    {"m7_disconnect", v3, "E0 00", 0x82},
    {"m9_second_connack", v3, "20 02 00 00", 0x82},
    {"m9_second_connack", v5, "20 03 00 00 00", 0x82},
    {"m9_second_connack_that_refuses", v3, "20 02 00 05", 0x82},
    {"m9_second_connack_that_refuses", v5, "20 03 00 87 00", 0x82},
    {"m15_auth_without_method", v5, "F0 00", 0x82},
    {"m15_auth_with_a_method_that_was_not_asked_for", v5, "F0 06 18 04 15 00 01 'm'", 0x82}, // [MQTT-4.12.0-6]
    {"m15_reauthentication_of_the_server", v5, "F0 06 19 04 15 00 01 'm'", 0x82},
    {"m16_id_0_in_publish", v3, "32 05 00 01 'a' 00 00", 0x82},
    {"m16_id_0_in_publish", v5, "32 06 00 01 'a' 00 00 00", 0x82},
    {"m16_id_0_in_puback", v3, "40 02 00 00", 0x82},
    {"m16_id_0_in_puback", v5, "40 02 00 00", 0x82},
    {"m16_id_0_in_pubrec", v3, "50 02 00 00", 0x82},
    {"m16_id_0_in_pubrec", v5, "50 02 00 00", 0x82},
    {"m16_id_0_in_pubrel", v3, "62 02 00 00", 0x82},
    {"m16_id_0_in_pubrel", v5, "62 02 00 00", 0x82},
    {"m16_id_0_in_pubcomp", v3, "70 02 00 00", 0x82},
    {"m16_id_0_in_pubcomp", v5, "70 02 00 00", 0x82},
    {"m16_id_0_in_suback", v3, "90 03 00 00 00", 0x82},
    {"m16_id_0_in_suback", v5, "90 04 00 00 00 00", 0x82},
    {"m16_id_0_in_unsuback", v3, "B0 02 00 00", 0x82},
    {"m16_id_0_in_unsuback", v5, "B0 04 00 00 00 00", 0x82},
    {"m17_suback_without_codes", v3, "90 02 00 02", 0x82},
    {"m17_suback_without_codes", v5, "90 03 00 02 00", 0x82},
    {"m17_unsuback_without_codes", v5, "B0 03 00 03 00", 0x82},
    // m17, wrong numbers of codes: they end their operation, too (tests/session/subscribe_test.cpp).
    {"m18_suback_code", v3, "90 04 00 02 00 03", 0x82},
    {"m18_suback_code", v5, "90 05 00 02 00 00 03", 0x82},
    {"m19_puback_code", v5, "40 03 00 01 01", 0x82},
    {"m19_pubrec_code", v5, "50 03 00 04 92", 0x82},
    {"m19_pubrel_code", v5, "62 03 00 01 80", 0x82},
    {"m19_pubcomp_code", v5, "70 03 00 04 10", 0x82},
    {"m19_unsuback_code", v5, "B0 05 00 03 00 00 01", 0x82},
    {"m19_disconnect_code", v5, "E0 01 04", 0x82},
    {"m19_auth_code", v5, "F0 06 80 04 15 00 01 'm'", 0x82},
    {"m20_bad_utf8", v3, "30 04 00 02 C0 80", 0x81},
    {"m20_bad_utf8", v5, "30 05 00 02 C0 80 00", 0x81},
    {"m20_surrogate", v3, "30 05 00 03 ED A0 80", 0x81},
    {"m20_surrogate", v5, "30 06 00 03 ED A0 80 00", 0x81},
    {"m20_nul", v3, "30 05 00 03 'a' 00 'b'", 0x81},
    {"m20_nul", v5, "30 06 00 03 'a' 00 'b' 00", 0x81},
    {"m20_bad_utf8_in_a_user_property", v5, "40 0B 00 01 00 07 26 00 01 'k' 00 01 FF", 0x81},
    {"m21_topic_with_wildcard", v3, "30 03 00 01 '#'", 0x82},
    {"m21_topic_with_wildcard", v5, "30 04 00 01 '#' 00", 0x82},
    {"m22_empty_topic_without_alias", v3, "30 02 00 00", 0x82},
    {"m22_empty_topic_without_alias", v5, "30 03 00 00 00", 0x82},
    {"m23_alias_0", v5, "30 07 00 01 'a' 03 23 00 00", 0x94, "", two_aliases},
    {"m23_alias_above_our_maximum", v5, "30 07 00 01 'a' 03 23 00 03", 0x94, "", two_aliases},
    {"m23_alias_though_we_allow_none", v5, "30 07 00 01 'a' 03 23 00 01", 0x94},
    {"m24_alias_that_stands_for_nothing", v5, "30 06 00 00 03 23 00 01", 0x82, "30 07 00 01 'a' 03 23 00 02",
     two_aliases},
    {"m25_above_our_receive_maximum", v5, "32 06 00 01 'a' 00 03 00", 0x93,
     "32 06 00 01 'a' 00 01 00 34 06 00 01 'a' 00 02 00 30 04 00 01 'a' 00", receives_two},
    {"m26_response_topic_with_wildcard", v5, "30 0A 00 01 'a' 06 08 00 03 'r/#'", 0x82},
    {"m26_empty_response_topic", v5, "30 07 00 01 'a' 03 08 00 00", 0x82},
    {"m27_subscription_identifier_0", v5, "30 06 00 01 'a' 02 0B 00", 0x82},
    {"m27_subscription_identifier_of_five_bytes", v5, "30 0A 00 01 'a' 06 0B 80 80 80 80 01", 0x81},
    {"m29_unknown_property", v5, "30 06 00 01 'a' 02 04 00", 0x81},
    {"m29_property_of_another_packet", v5, "40 07 00 01 00 03 23 00 01", 0x81},
    {"m29_cut_value", v5, "30 07 00 01 'a' 03 02 00 00", 0x81},
    {"m30_property_twice", v5, "30 08 00 01 'a' 04 01 00 01 00", 0x82},
    {"m31_property_length_past_the_end", v5, "30 05 00 01 'a' 05 'x'", 0x81},
    {"m31_bytes_behind_the_properties", v5, "70 05 00 04 00 00 00", 0x81},
    {"m32_payload_format_indicator", v5, "30 06 00 01 'a' 02 01 02", 0x82},
    {"m34_authentication_data_without_method", v5, "F0 06 18 04 16 00 01 'd'", 0x82},
    {"m35_session_expiry_of_the_server", v5, "E0 07 00 05 11 00 00 00 00", 0x82},                 // [MQTT-3.14.2-2]
    {"m36_reason_string_that_we_forbade", v5, "40 08 00 01 00 04 1F 00 01 'x'", 0x82, "", {}, 0}, // [MQTT-3.1.2-29]
    {"m36_user_property_that_we_forbade", v5, "90 0C 00 02 07 26 00 01 'k' 00 01 'v' 00 00", 0x82, "", {}, 0},
    {"m38_pubrec_for_qos_1", v3, "50 02 00 01", 0x82},
    {"m38_pubrec_for_qos_1", v5, "50 02 00 01", 0x82},
    {"m38_pubcomp_for_qos_1", v3, "70 02 00 01", 0x82},
    {"m38_pubcomp_for_qos_1", v5, "70 02 00 01", 0x82},
    {"m38_puback_for_subscribe", v3, "40 02 00 02", 0x82},
    {"m38_puback_for_subscribe", v5, "40 02 00 02", 0x82},
    {"m38_pubcomp_before_pubrec", v3, "70 02 00 04", 0x82},
    {"m38_pubcomp_before_pubrec", v5, "70 02 00 04", 0x82},
    {"m45_padded_length", v3, "D0 80 00", 0x81},
    {"m45_padded_length", v5, "D0 80 00", 0x81},
    {"m45_padded_property_length", v5, "30 05 00 01 'a' 80 00", 0x81},
    {"m47_pingresp_with_a_body", v3, "D0 01 00", 0x81},
    {"m47_pingresp_with_a_body", v5, "D0 01 00", 0x81},
};

class ViolationTest : public ::testing::TestWithParam<Violation> {};
INSTANTIATE_TEST_SUITE_P(Session, ViolationTest, ::testing::ValuesIn(violations), [](const auto& row) {
    return std::string(row.param.name) + (row.param.version == v5 ? "_v5" : "_v3_1_1");
});

Config reporting(Config config) {
    config.report_packets = true;
    return config;
}

TEST_P(ViolationTest, ends_the_link_with_its_code_and_does_nothing_else) { // [MQTT-4.8.0-1] [MQTT-4.13.1-1]
    const Violation& row = GetParam();
    SessionPeer peer{row.version, reporting(row.config)};
    peer.connect({}, {.client_id = "c1",
                      .clean_start = false,
                      .properties = {.request_problem_information = row.problem_information}});
    const NotedOperation* const operations[] = {
        &peer.publish("a", "x"), &peer.subscribe({TopicSubscription{.filter = "s"}, TopicSubscription{.filter = "t"}}),
        &peer.unsubscribe({"u", "v"}), &peer.publish("a", "y", QoS::exactly_once)};
    peer.receive_hex(row.before);
    ASSERT_FALSE(peer->failure());
    peer.sent();
    peer.events();
    peer.receive_hex(row.bytes);
    EXPECT_TRUE(peer->failure() == Errc::malformed_packet || peer->failure() == Errc::protocol_error);
    EXPECT_EQ(static_cast<unsigned>(peer->failure().reason_code()), row.code);
    EXPECT_EQ(peer->failure().phase(), Phase::session);
    EXPECT_FALSE(peer->failure().detail().empty());
    EXPECT_FALSE(peer->connected());
    EXPECT_EQ(peer.sent(), row.version == v5 ? Lines{fmt::format("DISCONNECT 0x{:02X}", row.code)} : Lines{});
    EXPECT_THAT(peer.events(), IsEmpty());
    for (const NotedOperation* operation : operations) EXPECT_EQ(operation->outcome, "");
    EXPECT_EQ(peer->poll_deadline(), TimePoint::max());
    // The session lives on.
    peer.reconnect({.session_present = true});
    EXPECT_THAT(peer.sent(), ElementsAre("SUBSCRIBE#2 s:q0 t:q0", "UNSUBSCRIBE#3 u v", "PUBLISH#1 q1 dup a:x",
                                         "PUBLISH#4 q2 dup a:y"));
    peer.receive(Puback{.packet_id = 1});
    EXPECT_EQ(operations[0]->outcome, "ok");
}

/// All wrong lower halves of all first bytes that a server may send. A client's packet is refused for its type first (M7).
TEST(WrongFlags, m2_end_the_link_whatever_the_packet) { // [MQTT-2.1.3-1], 3.1.1: [MQTT-2.2.2-2]
    const std::string of_servers = "2345679BD";
    for (const Version version : {v3, v5}) {
        int wrong = 0;
        for (const char type : of_servers + (version == v5 ? "EF" : "")) {
            for (unsigned flags = 0; flags < 16; ++flags) {
                const std::string first = fmt::format("{}{:X}", type, flags);
                if (wire::has_legal_flags(static_cast<std::uint8_t>(hex(first)[0]))) continue;
                SessionPeer peer{version};
                peer.connect();
                peer.receive_hex(first + " 02 00 01");
                EXPECT_EQ(peer->failure(), Errc::malformed_packet) << first;
                EXPECT_EQ(peer.sent(), version == v5 ? Lines{"DISCONNECT 0x81"} : Lines{}) << first;
                ++wrong;
            }
        }
        // Of PUBLISH, QoS 3 in four forms and DUP at QoS 0 in two are wrong; of all others, all but one.
        EXPECT_EQ(wrong, 6 + 15 * (version == v5 ? 10 : 8));
    }
}

class ChunkTest : public SessionTest {};
INSTANTIATE_TEST_SUITE_P(Versions, ChunkTest, both_versions(), version_name);

TEST_P(ChunkTest, what_came_before_a_violation_counts_and_what_came_after_it_does_not) {
    peer.connect();
    const auto& first = peer.publish("a", "1");
    const auto& second = peer.publish("a", "2");
    peer.sent();
    peer.events();
    peer.receive_hex(v5() ? "40 02 00 01 30 04 00 01 'b' 00 00 00 40 02 00 02 30 04 00 01 'b' 00"
                          : "40 02 00 01 30 03 00 01 'b' 00 00 40 02 00 02 30 03 00 01 'b'");
    EXPECT_EQ(first.outcome, "ok");
    EXPECT_EQ(second.outcome, "");
    EXPECT_THAT(peer.events(), ElementsAre("PUBLISH q0 b:"));
    EXPECT_EQ(peer.sent(), v5() ? Lines{"DISCONNECT 0x81"} : Lines{});
}

TEST(Explained5, acknowledgements_explain_themselves_only_where_we_allow_it) { // [MQTT-3.1.2-29]
    const AckProperties why{.reason_string = "because"};
    const ReasonCode codes[] = {ReasonCode::success};
    const auto refuses = [&](const auto& packet) {
        SessionPeer peer{v5};
        peer.connect({}, {.client_id = "c1", .properties = {.request_problem_information = 0}});
        peer.publish("a", "1", QoS::at_least_once);
        peer.receive(packet);
        return peer->failure() == Errc::protocol_error;
    };
    EXPECT_TRUE(refuses(Puback{.packet_id = 1, .properties = why}));
    EXPECT_TRUE(refuses(Pubrel{.packet_id = 9, .properties = why}));
    EXPECT_TRUE(refuses(Suback{.packet_id = 9, .reason_codes = codes, .properties = why}));
    EXPECT_TRUE(refuses(Unsuback{.packet_id = 9, .reason_codes = codes, .properties = why}));
    const UserProperty property[] = {{"why", "because"}};
    EXPECT_TRUE(refuses(Puback{.packet_id = 1, .properties = {.user_properties = property}}));
    EXPECT_TRUE(refuses(Suback{.packet_id = 9, .reason_codes = codes, .properties = {.user_properties = property}}));
    EXPECT_FALSE(refuses(Puback{.packet_id = 1}));
    SessionPeer peer{v5};
    peer.connect();
    peer.publish("a", "1");
    peer.receive(Puback{.packet_id = 1, .properties = why});
    EXPECT_FALSE(peer->failure());
}

TEST(Tolerated5, information_that_we_did_not_ask_for) {
    SessionPeer peer{v5};
    const std::uint32_t identifiers[] = {3};
    peer.connect({.properties = {.response_information = "unasked"}});
    peer.receive(Publish{.topic = "a", .properties = {.subscription_identifiers = identifiers}});
    EXPECT_FALSE(peer->failure());
}

// --- every step of an exchange, and every answer to it

enum class At {
    nothing,
    queued,
    awaiting_puback,
    awaiting_pubrec,
    awaiting_pubcomp,
    awaiting_suback,
    awaiting_unsuback,
    again
};

/// Brings identifier 1 to that step.
NotedOperation* bring_to(At step, SessionPeer& peer) {
    const bool twice = step == At::awaiting_pubrec || step == At::awaiting_pubcomp;
    switch (step) {
    case At::nothing:
        return nullptr;
    case At::awaiting_suback:
        return &peer.subscribe("a");
    case At::awaiting_unsuback:
        return &peer.unsubscribe({"a"});
    case At::queued:
        peer.publish("a", "the output is full now", QoS::at_most_once);
        break;
    default:
        break;
    }
    auto& operation = peer.publish("a", "x", twice ? QoS::exactly_once : QoS::at_least_once);
    if (step == At::queued) return &operation;
    if (step == At::awaiting_pubcomp) peer.receive(Pubrec{.packet_id = 1});
    if (step == At::again) peer.reconnect({.session_present = true});
    peer.sent();
    return &operation;
}

void receive_answer(PacketType answer, ReasonCode code, SessionPeer& peer) {
    const std::span<const ReasonCode> codes(&code, 1);
    switch (answer) {
    case PacketType::puback:
        return peer.receive(Puback{.packet_id = 1, .reason_code = code});
    case PacketType::pubrec:
        return peer.receive(Pubrec{.packet_id = 1, .reason_code = code});
    case PacketType::pubcomp:
        return peer.receive(Pubcomp{.packet_id = 1, .reason_code = code});
    case PacketType::suback:
        return peer.receive(Suback{.packet_id = 1, .reason_codes = codes});
    default:
        return peer.receive(Unsuback{.packet_id = 1, .reason_codes = peer.version == v5 ? codes : codes.first(0)});
    }
}

/// One letter for what happens: nothing, done, PUBREL, or the end of the link for a protocol error.
char reaction(Version version, At step, PacketType answer, ReasonCode code) {
    SessionPeer peer{version, {.output_high_water = 10}};
    peer.connect({.session_present = true});
    const NotedOperation* operation = bring_to(step, peer);
    receive_answer(answer, code, peer);
    if (peer->failure()) return peer->failure() == Errc::protocol_error ? 'X' : '?';
    if (operation && !operation->outcome.empty()) return 'd';
    const Bytes output = peer->output().bytes();
    return step != At::queued && !output.empty() && output[0] == std::byte{0x62} ? 'r' : '.';
}

std::string reactions(Version version, At step, ReasonCode publish_code = ReasonCode::success) {
    std::string letters;
    for (const PacketType answer : {PacketType::puback, PacketType::pubrec, PacketType::pubcomp}) {
        const bool unknown = failed(publish_code) && answer == PacketType::pubcomp;
        letters += reaction(version, step, answer, unknown ? ReasonCode::packet_identifier_not_found : publish_code);
    }
    if (failed(publish_code)) return letters;
    letters += ' ';
    for (const PacketType answer : {PacketType::suback, PacketType::unsuback}) {
        letters += reaction(version, step, answer, ReasonCode::success);
    }
    return letters;
}

class ReactionTest : public SessionTest {};
INSTANTIATE_TEST_SUITE_P(Versions, ReactionTest, both_versions(), version_name);

/// PUBACK, PUBREC, PUBCOMP; SUBACK, UNSUBACK.
TEST_P(ReactionTest, to_every_answer_at_every_step) {
    const Version version = GetParam();
    EXPECT_EQ(reactions(version, At::nothing), ".r. ..");
    EXPECT_EQ(reactions(version, At::queued), "XXX XX"); // it was never sent
    EXPECT_EQ(reactions(version, At::awaiting_puback), "dXX XX");
    EXPECT_EQ(reactions(version, At::awaiting_pubrec), "drX XX");
    EXPECT_EQ(reactions(version, At::awaiting_pubcomp), "Xrd XX");
    EXPECT_EQ(reactions(version, At::awaiting_suback), "XXX dX");
    EXPECT_EQ(reactions(version, At::awaiting_unsuback), "XXX Xd");
    EXPECT_EQ(reactions(version, At::again), "dXX XX");
}

TEST(Reaction5, to_every_refusal_at_every_step) {
    const auto refused = [](At step) { return reactions(v5, step, ReasonCode::not_authorized); };
    EXPECT_EQ(refused(At::nothing), ".r.");
    EXPECT_EQ(refused(At::awaiting_puback), "dXX");
    EXPECT_EQ(refused(At::awaiting_pubrec), "ddX");
    EXPECT_EQ(refused(At::awaiting_pubcomp), "Xrd");
    EXPECT_EQ(refused(At::awaiting_suback), "XXX");
}

// --- every packet in every state of a link

/// No packet may do anything where there is no link, or none any more.
TEST_P(ReactionTest, to_every_packet_is_none_without_a_link) {
    const char* const packets[] = {
        "20 02 00 00", "30 03 00 01 'a'", "32 05 00 01 'a' 00 01", "40 02 00 01", "50 02 00 01", "62 02 00 01",
        "70 02 00 01", "90 03 00 01 00",  "B0 02 00 01",           "C0 00",       "D0 00",       "E0 00",
        "00 00",       "FF FF FF FF FF"};
    for (const char* packet : packets) {
        for (const int state : {0, 1, 2}) {
            SessionPeer other{GetParam(), {.report_packets = true}};
            if (state > 0) other.connect();
            const auto& operation = other.publish("a", "x");
            if (state == 1) other.receive_hex("00 00"); // failed
            if (state == 2) other->disconnect_now();    // finished
            const bool failed_before = static_cast<bool>(other->failure());
            other.sent();
            other.events();
            other.receive_hex(packet);
            EXPECT_THAT(other.sent(), IsEmpty()) << packet;
            EXPECT_THAT(other.events(), IsEmpty()) << packet;
            EXPECT_EQ(operation.outcome, "") << packet;
            EXPECT_EQ(static_cast<bool>(other->failure()), failed_before) << packet;
        }
    }
}

} // namespace
} // namespace culex::session
