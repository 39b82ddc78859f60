// Packet identifiers that are known before their messages come to the session.
#include "support/session_peer.hpp"

namespace culex::session {
namespace {

using namespace culex::testing;

class LentIdsTest : public ::testing::TestWithParam<Version> {
protected:
    LentIdsTest() { peer.connect(); }

    /// Submits a message under an identifier of the loan, and gives what it was sent under.
    std::string submit(PacketId id, QoS qos = QoS::at_least_once) {
        Publish message{.topic = "a", .payload = as_bytes("x"), .qos = qos};
        auto prepared = peer->prepare(message);
        EXPECT_TRUE(prepared);
        (*prepared)->id = id;
        const auto submitted = peer->submit(*prepared, nullptr);
        if (!submitted) return submitted.failure().code().message();
        EXPECT_EQ(id, submitted->id);
        const Lines sent = peer.sent();
        return sent.size() == 1 ? sent.front() : fmt::format("{} packets", sent.size());
    }
    void acknowledge(PacketId id) { peer.receive(Puback{.packet_id = id}); }
    /// Uses and frees identifiers up to this one.
    void advance_to(PacketId last) {
        for (PacketId id = 0; id != last;) {
            id = peer.publish("a", "x").id;
            acknowledge(id);
            peer->output().clear();
        }
    }

    SessionPeer peer{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Versions, LentIdsTest, both_versions(), version_name);

TEST_P(LentIdsTest, are_a_run_that_nobody_else_gets) { // [MQTT-2.2.1-3]
    EXPECT_EQ(1, peer.publish("a", "x").id);
    const auto& ids = peer->lend_ids(100);
    EXPECT_EQ(2u, ids.first);
    EXPECT_EQ(102u, ids.end);
    EXPECT_EQ(102, peer.publish("a", "x").id);
    EXPECT_EQ(103, peer.subscribe("b").id);
    peer.sent();
    EXPECT_THAT(submit(2), ::testing::StartsWith("PUBLISH#2 "));
    EXPECT_THAT(submit(3, QoS::exactly_once), ::testing::StartsWith("PUBLISH#3 "));
    EXPECT_EQ(4u, ids.first);
}

TEST_P(LentIdsTest, are_made_more_as_they_are_used) {
    peer->lend_ids(10);
    for (PacketId id = 1; id <= 1000; ++id) {
        ASSERT_THAT(submit(id), ::testing::StartsWith("PUBLISH#" + std::to_string(id)));
        acknowledge(id);
        ASSERT_EQ(10u, peer->lend_ids(10).size());
    }
}

TEST_P(LentIdsTest, begin_elsewhere_once_they_are_used_and_others_have_gone_on) {
    peer->lend_ids(2);
    EXPECT_EQ(3, peer.publish("a", "x").id);
    peer.sent();
    EXPECT_EQ(2u, peer->lend_ids(10).size()); // 3 is in use behind them
    submit(1);
    submit(2);
    const auto& ids = peer->lend_ids(10);
    EXPECT_EQ(4u, ids.first);
    EXPECT_EQ(14u, ids.end);
}

TEST_P(LentIdsTest, that_are_passed_over_are_the_sessions_again) {
    peer->lend_ids(3);
    peer->forgo_id(1);
    submit(3);         // so 2 is passed over as well
    peer->forgo_id(3); // it is used up already
    acknowledge(3);
    advance_to(65'535);
    EXPECT_EQ(1, peer.publish("a", "x").id);
    EXPECT_EQ(2, peer.publish("a", "x").id);
}

TEST_P(LentIdsTest, stop_at_one_in_use_and_at_the_last_one) {
    EXPECT_EQ(1, peer.publish("a", "x").id);
    advance_to(65'530);
    peer.sent();
    EXPECT_EQ(65'536u, peer->lend_ids(100).end);
    EXPECT_EQ(5u, peer->lend_ids(100).size());
    EXPECT_EQ(2, peer.publish("a", "x").id); // it wraps, and 1 is in use
    peer.sent();
    for (unsigned id = 65'531; id <= 65'535; ++id) {
        EXPECT_THAT(submit(static_cast<PacketId>(id)), ::testing::StartsWith("PUBLISH#" + std::to_string(id)));
    }
    EXPECT_EQ(3u, peer->lend_ids(100).first);
}

TEST_P(LentIdsTest, are_nobody_elses_when_identifiers_begin_anew) { // [MQTT-2.2.1-3]
    advance_to(99);
    EXPECT_EQ(100u, peer->lend_ids(10).first);
    advance_to(65'535);
    advance_to(99);
    EXPECT_EQ(110, peer.publish("a", "x").id);
    peer.sent();
    EXPECT_EQ(111, peer.subscribe("b").id);
    peer.sent();
    EXPECT_THAT(submit(100), ::testing::StartsWith("PUBLISH#100 "));
}

TEST_P(LentIdsTest, leave_a_quarter_of_all_to_others_and_count_as_used_for_them) {
    const auto& ids = peer->lend_ids(65'535);
    EXPECT_EQ(49'152u, ids.size());
    for (unsigned id = 49'153; id <= 65'535; ++id) {
        ASSERT_EQ(id, peer.publish("a", "x").id);
        peer->output().clear();
    }
    EXPECT_EQ(peer.publish("a", "x").outcome, "refused: all packet identifiers are in use");
    EXPECT_THAT(submit(1), ::testing::StartsWith("PUBLISH#1 "));
    EXPECT_EQ(peer.subscribe("b").outcome, "refused: all packet identifiers are in use");
    acknowledge(50'000);
    EXPECT_EQ(50'000, peer.publish("a", "x").id);
}

TEST_P(LentIdsTest, survive_a_link_and_a_forgotten_session) {
    peer->lend_ids(10);
    EXPECT_EQ(11, peer.publish("a", "x").id);
    peer.end();
    EXPECT_EQ(12, peer.publish("a", "x").id);
    peer->abandon(Failure(Errc::session_lost));
    peer.connect();
    EXPECT_THAT(submit(1), ::testing::StartsWith("PUBLISH#1 "));
    EXPECT_EQ(13, peer.publish("a", "x").id);
}

} // namespace
} // namespace culex::session
