// The words that go with a refusal (MQTT 5, sections 3.4.2.2 and 3.5.2.2).
#include "support/session_peer.hpp"

namespace culex::session {
namespace {

using namespace culex::testing;

class Explanation5 : public ::testing::Test {
protected:
    void connect(std::uint32_t maximum_packet_size) {
        peer.connect({.session_present = true, .properties = {.maximum_packet_size = maximum_packet_size}});
        (void)said();
    }
    /// What the session wants to send, and is taken as sent.
    std::string said() {
        const std::string text = hex_of(peer->output().bytes());
        peer->output().clear();
        peer->handle_flushed(peer.now);
        return text;
    }
    void refuse(QoS qos, PacketId id, const AckProperties* words) {
        peer.receive_message("a", "x", qos, id);
        peer->acknowledge(peer.deliveries.back(), ReasonCode::quota_exceeded, words);
    }

    const std::vector<UserProperty> user{{"k", "v"}};
    const AckProperties why{.reason_string = "full", .user_properties = user};
    SessionPeer peer{Version::v5};
};

constexpr QoS q1 = QoS::at_least_once;
constexpr QoS q2 = QoS::exactly_once;

TEST_F(Explanation5, goes_with_puback_and_pubrec_and_with_no_other) {
    connect(100);
    refuse(q1, 7, &why);
    EXPECT_EQ(said(), "40 12 00 07 97 0E 1F 00 04 66 75 6C 6C 26 00 01 6B 00 01 76");
    refuse(q1, 7, nullptr);
    EXPECT_EQ(said(), "40 03 00 07 97");
    refuse(q2, 8, &why);
    EXPECT_EQ(said(), "50 12 00 08 97 0E 1F 00 04 66 75 6C 6C 26 00 01 6B 00 01 76");
    peer.receive_message("a", "x", q2, 8);
    peer->acknowledge(peer.deliveries.back());
    EXPECT_EQ(said(), "50 02 00 08");
}

TEST_F(Explanation5,
       loses_what_makes_the_packet_too_large) { // [MQTT-3.4.2-2] [MQTT-3.4.2-3] [MQTT-3.5.2-2] [MQTT-3.5.2-3]
    connect(19);
    refuse(q1, 7, &why);
    EXPECT_EQ(said(), "40 0B 00 07 97 07 1F 00 04 66 75 6C 6C");
    refuse(q2, 8, &why);
    EXPECT_EQ(said(), "50 0B 00 08 97 07 1F 00 04 66 75 6C 6C");
    peer.end();
    connect(12);
    refuse(q1, 7, &why);
    EXPECT_EQ(said(), "40 03 00 07 97");
    refuse(q2, 9, &why);
    EXPECT_EQ(said(), "50 03 00 09 97");
}

TEST_F(Explanation5, waits_with_its_answer_for_the_turn) { // [MQTT-4.6.0-2]
    connect(100);
    peer.receive_message("a", "x", q1, 6);
    refuse(q1, 7, &why);
    EXPECT_EQ(said(), "");
    peer->acknowledge(peer.deliveries.front());
    EXPECT_EQ(said(), "40 02 00 06 40 12 00 07 97 0E 1F 00 04 66 75 6C 6C 26 00 01 6B 00 01 76");
}

TEST_F(Explanation5, ends_with_the_link_at_qos_1_and_outlives_it_at_qos_2) {
    connect(100);
    peer.receive_message("a", "first", q1, 6);
    refuse(q1, 7, &why);
    refuse(q2, 8, &why);
    peer.end();
    connect(100);
    peer.receive_message("a", "x", q1, 7, true);
    peer->acknowledge(peer.deliveries.back(), ReasonCode::quota_exceeded);
    EXPECT_EQ(said(), "40 03 00 07 97");
    peer.receive_message("a", "x", q2, 8, true);
    EXPECT_EQ(said(), "50 12 00 08 97 0E 1F 00 04 66 75 6C 6C 26 00 01 6B 00 01 76");
}

} // namespace
} // namespace culex::session
