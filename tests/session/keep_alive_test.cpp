// PINGREQ, PINGRESP, and links that fell silent. Time is what the test says it is.
#include "support/session_peer.hpp"

namespace culex::session {
namespace {

using namespace culex::testing;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class KeepAliveTest : public SessionTest {
protected:
    KeepAliveTest() : peer(GetParam(), {.ping_timeout = 10s}) {}
    void connect(std::uint16_t keep_alive) { peer.connect({}, {.client_id = "c1", .keep_alive = keep_alive}); }
    /// Of what was sent in each second, whether it was PINGREQ.
    std::string seconds(int count) {
        std::string marks;
        for (int i = 0; i < count; ++i) {
            peer.advance(1s);
            const Lines lines = peer.sent();
            marks += lines.empty() ? '.' : lines.back() == "PINGREQ" ? 'P' : '-';
        }
        return marks;
    }
    SessionPeer peer;
};
INSTANTIATE_TEST_SUITE_P(Versions, KeepAliveTest, both_versions(), version_name);

TEST_P(KeepAliveTest, pings_before_the_interval_is_over_when_nothing_else_was_sent) { // [MQTT-3.1.2-20]
    connect(10);
    EXPECT_EQ(seconds(9), "........P");
    peer.receive(Pingresp{});
    EXPECT_EQ(seconds(9), "........P");
    EXPECT_FALSE(peer->failure());
}

TEST_P(KeepAliveTest, pings_earlier_by_the_share_of_the_keep_alive_that_it_was_given) {
    SessionPeer early(GetParam(), {.ping_earlier = 20'000});
    early.connect({}, {.client_id = "c1", .keep_alive = 10});
    const TimePoint begun = early.now;
    EXPECT_EQ(early->poll_deadline() - begun, 7s);
    early.advance(7s);
    EXPECT_THAT(early.sent(), ElementsAre("PINGREQ"));
}

TEST_P(KeepAliveTest, does_not_ping_where_other_packets_flow_both_ways) {
    connect(10);
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(seconds(5), ".....");
        peer.publish("a", "x", QoS::at_most_once);
        EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH q0 a:x"));
        peer.receive_message("a", "x");
    }
}

/// Otherwise a client that only publishes at QoS 0 would not see that nobody listens any more.
TEST_P(KeepAliveTest, pings_though_it_sends_when_nothing_was_received) {
    connect(10);
    for (int i = 0; i < 8; ++i) {
        peer.publish("a", "x", QoS::at_most_once);
        peer.sent();
        EXPECT_EQ(seconds(1), ".");
    }
    peer.publish("a", "x", QoS::at_most_once);
    EXPECT_EQ(seconds(1), "P");
}

TEST_P(KeepAliveTest, pings_though_it_receives_when_nothing_was_sent) { // [MQTT-3.1.2-20]
    connect(10);
    for (int i = 0; i < 8; ++i) {
        peer.receive_message("a", "x");
        EXPECT_EQ(seconds(1), ".");
    }
    peer.receive_message("a", "x");
    EXPECT_EQ(seconds(1), "P");
}

TEST_P(KeepAliveTest, fails_a_link_whose_broker_answers_nothing) { // [MQTT-3.12.4-1]
    connect(10);
    EXPECT_EQ(seconds(18), "........P........P"); // the promise to the broker holds meanwhile
    EXPECT_FALSE(peer->failure());
    seconds(1);
    EXPECT_EQ(peer->failure(), Errc::no_response);
    EXPECT_EQ(peer->failure().phase(), Phase::session);
    EXPECT_THAT(peer.sent(), IsEmpty()); // nobody would read a DISCONNECT
    EXPECT_EQ(peer->poll_deadline(), TimePoint::max());
}

TEST_P(KeepAliveTest, counts_whatever_comes_as_a_sign_of_life) {
    connect(60);
    EXPECT_EQ(seconds(54).back(), 'P');
    const auto large =
        Publish{.topic = "a", .payload = as_bytes("a large message on a slow link, in front of PINGRESP")};
    Buffer bytes;
    ASSERT_TRUE(wire::encode(bytes, large, GetParam()));
    for (std::size_t i = 0; i < 10; ++i) {
        seconds(4);
        peer.receive_bytes(bytes.bytes().subspan(i, 1));
    }
    EXPECT_FALSE(peer->failure());
    seconds(10);
    EXPECT_EQ(peer->failure(), Errc::no_response);
}

TEST_P(KeepAliveTest, is_off_at_0) {
    connect(0);
    EXPECT_EQ(peer->poll_deadline(), TimePoint::max());
    peer->handle_time(peer.now + 24h);
    EXPECT_THAT(peer.sent(), IsEmpty());
    EXPECT_FALSE(peer->failure());
}

TEST_P(KeepAliveTest, takes_the_longest_interval) {
    connect(65'535);
    peer.advance(58'981s);
    EXPECT_THAT(peer.sent(), IsEmpty());
    peer.advance(1s);
    EXPECT_THAT(peer.sent(), ElementsAre("PINGREQ"));
}

TEST(KeepAlive5, follows_the_broker) { // [MQTT-3.1.2-21] [MQTT-3.2.2-21]
    SessionPeer peer{Version::v5};
    peer.connect({.properties = {.server_keep_alive = 2}});
    peer.advance(1700ms);
    EXPECT_THAT(peer.sent(), IsEmpty());
    peer.advance(100ms);
    EXPECT_THAT(peer.sent(), ElementsAre("PINGREQ"));
}

TEST(KeepAlive5, is_turned_on_and_off_by_the_broker) {
    SessionPeer peer{Version::v5};
    peer.connect({.properties = {.server_keep_alive = 0}});
    EXPECT_EQ(peer->poll_deadline(), TimePoint::max());
    peer.end();
    peer.connect({.properties = {.server_keep_alive = 10}}, {.client_id = "c1", .keep_alive = 0});
    EXPECT_EQ(peer->poll_deadline(), peer.now + 9s);
}

TEST_P(KeepAliveTest, ignores_a_pingresp_that_it_did_not_ask_for) {
    connect(10);
    peer.receive(Pingresp{});
    EXPECT_FALSE(peer->failure());
    EXPECT_EQ(seconds(9), "........P");
}

TEST_P(KeepAliveTest, does_not_miss_an_answer_while_its_owner_does_not_read) {
    connect(10);
    EXPECT_EQ(seconds(9).back(), 'P');
    peer->handle_reading(false, peer.now);
    EXPECT_EQ(seconds(54), "........P........P........P........P........P........P"); // the broker still hears from us
    EXPECT_FALSE(peer->failure());
    peer->handle_reading(true, peer.now);
    EXPECT_EQ(peer->poll_deadline(), peer.now + 9s);
    seconds(9);
    EXPECT_FALSE(peer->failure());
    seconds(1); // ten seconds after reading began again
    EXPECT_EQ(peer->failure(), Errc::no_response);
}

TEST_P(KeepAliveTest, reads_a_late_answer_after_a_pause) {
    connect(10);
    peer->handle_reading(false, peer.now);
    EXPECT_EQ(seconds(63).back(), 'P');
    peer->handle_reading(true, peer.now);
    peer.receive(Pingresp{});
    EXPECT_EQ(seconds(5), ".....");
    EXPECT_FALSE(peer->failure());
}

TEST_P(KeepAliveTest, begins_anew_with_each_link) {
    connect(10);
    seconds(15); // a PINGREQ is not answered
    peer.end();
    EXPECT_EQ(peer->poll_deadline(), TimePoint::max());
    seconds(100);
    peer->handle_time(peer.now);
    peer.open({.client_id = "c1", .keep_alive = 10});
    EXPECT_EQ(peer->poll_deadline(), TimePoint::max()); // how long CONNACK may take is the owner's question
    peer.sent();
    peer.receive(Connack{});
    EXPECT_EQ(seconds(9), "........P");
    EXPECT_FALSE(peer->failure());
}

/// The answer will never come; but it is not missed on a link that did not ask.
TEST_P(KeepAliveTest, a_ping_that_waited_when_its_link_ended_is_forgotten) {
    connect(10);
    EXPECT_EQ(seconds(9).back(), 'P');
    peer.end();
    connect(10);
    EXPECT_EQ(seconds(18), "........P........P");
    EXPECT_FALSE(peer->failure());
    seconds(1); // ten seconds after the first of them
    EXPECT_EQ(peer->failure(), Errc::no_response);
}

TEST_P(KeepAliveTest, a_timer_that_comes_early_does_nothing) {
    connect(10);
    peer->handle_time(peer.now + 8s);
    EXPECT_THAT(peer.sent(), IsEmpty());
}

/// An old broker pings its clients.
TEST(KeepAlive311, answers_a_ping) {
    SessionPeer peer{Version::v3_1_1, {.report_packets = true}};
    peer.connect();
    peer.events();
    peer.receive_hex("C0 00");
    EXPECT_THAT(peer.sent(), ElementsAre("PINGRESP"));
    EXPECT_THAT(peer.events(), ElementsAre("PINGREQ"));
}

} // namespace
} // namespace culex::session
