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
    const char* name;
    Version version;
    const char* bytes;
    unsigned code; ///< what MQTT 5's DISCONNECT says; 3.1.1 says nothing
};

/// Rows of what a client must refuse that need a session, or show that the session obeys its reader. The reader's own rows are
/// in tests/wire/malformed_test.cpp.
const Violation violations[] = {
    {"type_0", v3, "00 00", 0x81},
    {"type_0", v5, "00 00", 0x81},
    {"auth_before_5", v3, "F0 00", 0x81},
    {"auth_without_method", v5, "F0 00", 0x82},
    {"auth_with_a_method_that_was_not_asked_for", v5, "F0 06 18 04 15 00 01 'm'", 0x82},
    {"wrong_flags", v3, "60 02 00 01", 0x81},
    {"wrong_flags", v5, "60 02 00 01", 0x81},
    {"qos_3", v3, "36 05 00 01 'a' 00 01", 0x81},
    {"qos_3", v5, "36 06 00 01 'a' 00 01 00", 0x81},
    {"five_bytes_of_length", v3, "30 FF FF FF FF 01", 0x81},
    {"five_bytes_of_length", v5, "30 FF FF FF FF 01", 0x81},
    {"above_our_maximum_packet_size", v3, "30 FF 07", 0x95},
    {"above_our_maximum_packet_size", v5, "30 FF 07", 0x95}, // before the body has come
    {"connect", v3, "10 0E 00 04 'MQTT' 04 02 00 3C 00 02 'c1'", 0x82},
    {"connect", v5, "10 0F 00 04 'MQTT' 05 02 00 3C 00 00 02 'c1'", 0x82},
    {"subscribe", v3, "82 06 00 01 00 01 'a' 00", 0x82},
    {"subscribe", v5, "82 07 00 01 00 00 01 'a' 00", 0x82},
    {"unsubscribe", v3, "A2 05 00 01 00 01 'a'", 0x82},
    {"unsubscribe", v5, "A2 06 00 01 00 00 01 'a'", 0x82},
    {"pingreq", v5, "C0 00", 0x82},
    {"disconnect", v3, "E0 00", 0x82},
    {"second_connack", v3, "20 02 00 00", 0x82},
    {"second_connack", v5, "20 03 00 00 00", 0x82},
    {"second_connack_that_refuses", v5, "20 03 00 87 00", 0x82},
    {"id_0_in_puback", v3, "40 02 00 00", 0x82},
    {"id_0_in_publish", v5, "32 06 00 01 'a' 00 00 00", 0x82},
    {"bad_utf8", v3, "30 04 00 02 C0 80", 0x81},
    {"bad_utf8", v5, "30 05 00 02 C0 80 00", 0x81},
    {"topic_with_wildcard", v3, "30 03 00 01 '#'", 0x82},
    {"topic_with_wildcard", v5, "30 04 00 01 '#' 00", 0x82},
    {"empty_topic_without_alias", v3, "30 02 00 00", 0x82},
    {"empty_topic_without_alias", v5, "30 03 00 00 00", 0x82},
    {"alias_though_we_allow_none", v5, "30 07 00 01 'a' 03 23 00 01", 0x94},
    {"trailing_bytes", v3, "40 03 00 01 00", 0x81},
    {"pingresp_with_a_body", v3, "D0 01 00", 0x81},
    {"pingresp_with_a_body", v5, "D0 01 00", 0x81},
    {"suback_code", v3, "90 03 00 01 03", 0x82},
    {"suback_without_codes", v5, "90 03 00 01 00", 0x82},
    {"puback_code", v5, "40 03 00 01 01", 0x82},
    {"pubrel_code", v5, "62 03 00 01 80", 0x82},
};

class ViolationTest : public ::testing::TestWithParam<Violation> {};
INSTANTIATE_TEST_SUITE_P(Session, ViolationTest, ::testing::ValuesIn(violations), [](const auto& row) {
    return std::string(row.param.name) + (row.param.version == v5 ? "_v5" : "_v3_1_1");
});

TEST_P(ViolationTest, ends_the_link_with_its_code_and_does_nothing_else) { // [MQTT-4.8.0-1] [MQTT-4.13.1-1]
    const Violation& row = GetParam();
    SessionPeer peer{row.version, {.maximum_packet_size = 1'000, .report_packets = true}};
    peer.connect();
    const auto& operation = peer.publish("a", "x");
    peer.sent();
    peer.events();
    peer.receive_hex(row.bytes);
    EXPECT_TRUE(peer->failure() == Errc::malformed_packet || peer->failure() == Errc::protocol_error);
    EXPECT_EQ(static_cast<unsigned>(peer->failure().reason_code()), row.code);
    EXPECT_EQ(peer->failure().phase(), Phase::session);
    EXPECT_FALSE(peer->connected());
    EXPECT_EQ(peer.sent(), row.version == v5 ? Lines{fmt::format("DISCONNECT 0x{:02X}", row.code)} : Lines{});
    EXPECT_THAT(peer.events(), IsEmpty());
    EXPECT_EQ(operation.outcome, "");
    EXPECT_EQ(peer->poll_deadline(), TimePoint::max());
    // The session lives on.
    peer.reconnect({.session_present = true});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#1 q1 dup a:x"));
    peer.receive(Puback{.packet_id = 1});
    EXPECT_EQ(operation.outcome, "ok");
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
