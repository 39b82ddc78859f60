// What the owner hears of packets that carry no message.
#include "support/session_peer.hpp"

namespace culex::session {
namespace {

using namespace culex::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ReportTest : public SessionTest {
protected:
    ReportTest() : all(GetParam(), {.deliver_on_pubrel = true, .report_packets = true}) {}
    SessionPeer all;
};
INSTANTIATE_TEST_SUITE_P(Versions, ReportTest, both_versions(), version_name);

void play(SessionPeer& peer, bool v5) {
    const ReasonCode codes[] = {ReasonCode::granted_qos_1, ReasonCode::unspecified_error};
    const std::span<const ReasonCode> none;
    peer.connect({.session_present = true});
    peer.publish("a", "1", QoS::at_least_once);
    peer.publish("a", "2", QoS::exactly_once);
    peer.subscribe({{.filter = "a"}, {.filter = "b"}});
    peer.unsubscribe({"a", "b"});
    peer.receive(Puback{.packet_id = 1});
    peer.receive(Pubrec{.packet_id = 2});
    peer.receive(Pubcomp{.packet_id = 2});
    peer.receive(Suback{.packet_id = 3, .reason_codes = codes});
    const ReasonCode removed[] = {ReasonCode::success, ReasonCode::no_subscription_existed};
    peer.receive(Unsuback{.packet_id = 4, .reason_codes = v5 ? std::span<const ReasonCode>(removed) : none});
    peer.receive_message("a", "3", QoS::exactly_once, 9);
    peer.receive(Pubrel{.packet_id = 9});
    peer.receive(Pingresp{});
}

TEST_P(ReportTest, tells_of_every_packet_where_it_is_asked_to) {
    play(all, v5());
    EXPECT_EQ(all.events(),
              (Lines{"CONNACK present", "PUBACK#1", "PUBREC#2", "PUBCOMP#2", "SUBACK#3 0x01 0x80",
                     v5() ? "UNSUBACK#4 0x00 0x11" : "UNSUBACK#4", "PUBLISH#9", "PUBREL#9 q2 a:3", "PINGRESP"}));
}

TEST_P(ReportTest, tells_of_connack_and_messages_alone_otherwise) {
    play(peer, v5());
    EXPECT_THAT(peer.events(), ElementsAre("CONNACK present", "PUBLISH#9 q2 a:3"));
}

TEST_P(ReportTest, tells_of_repetitions_and_of_answers_to_nothing) {
    all.connect();
    all.events();
    all.receive_message("a", "x", QoS::exactly_once, 9);
    all.receive_message("a", "x", QoS::exactly_once, 9, true);
    all.receive(Pubrec{.packet_id = 5});
    EXPECT_THAT(all.events(), ElementsAre("PUBLISH#9", "PUBLISH#9", "PUBREC#5"));
    EXPECT_THAT(all.messages, IsEmpty());
}

TEST(Report5, tells_codes_reason_strings_and_user_properties) {
    SessionPeer peer{Version::v5, {.report_packets = true}};
    peer.connect();
    const UserProperty users[] = {{"k", "v"}};
    Buffer bytes;
    ASSERT_TRUE(wire::encode(bytes,
                             Puback{.packet_id = 3,
                                    .reason_code = ReasonCode::quota_exceeded,
                                    .properties = {.reason_string = "full", .user_properties = users}},
                             Version::v5));
    peer->handle_input(bytes.bytes(), peer.now);
    const auto event = peer->poll_event();
    ASSERT_TRUE(event && event->details);
    EXPECT_EQ(event->type, PacketType::puback);
    EXPECT_EQ(event->id, 3);
    EXPECT_EQ(event->reason_code, ReasonCode::quota_exceeded);
    EXPECT_EQ(event->details->reason_string, "full");
    EXPECT_THAT(event->details->user_properties, ElementsAre(std::pair<std::string, std::string>("k", "v")));
    EXPECT_FALSE(peer->poll_event());
}

} // namespace
} // namespace culex::session
