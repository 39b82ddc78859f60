// What becomes of messages that are too many, by policy. What was sent once is never dropped.
#include <array>
#include <random>

#include "support/session_peer.hpp"

namespace culex::session {
namespace {

using namespace culex::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr QoS q0 = QoS::at_most_once;
constexpr QoS q1 = QoS::at_least_once;
constexpr QoS q2 = QoS::exactly_once;
const std::string gone = make_error_code(Errc::dropped).message();
const std::string full = "refused: " + make_error_code(Errc::queue_full).message();

std::uint64_t dropped_by(SessionPeer& peer) {
    Statistics statistics;
    peer->count_into(statistics);
    std::uint64_t all = 0;
    for (const std::uint64_t count : statistics.outbound_dropped) all += count;
    return all;
}

class PoliciesTest : public ::testing::TestWithParam<Version> {
protected:
    [[nodiscard]] SessionPeer bounded(WhenFull policy, std::size_t messages = 3) const {
        return SessionPeer{GetParam(), {.outbound_messages = messages, .when_full = policy}};
    }
};
INSTANTIATE_TEST_SUITE_P(Versions, PoliciesTest, both_versions(), version_name);

TEST_P(PoliciesTest, drop_oldest_drops_the_oldest_whatever_its_qos) {
    SessionPeer peer = bounded(WhenFull::drop_oldest);
    NotedOperation& one = peer.publish("a", "1", q1);
    NotedOperation& two = peer.publish("a", "2", q0);
    NotedOperation& three = peer.publish("a", "3", q2);
    EXPECT_EQ(one.outcome, "");
    EXPECT_EQ(peer.publish("a", "4", q0).outcome, "");
    EXPECT_EQ(one.outcome, gone);
    EXPECT_EQ(two.outcome, "");
    EXPECT_EQ(peer.publish("a", "5", q1).outcome, "");
    EXPECT_EQ(two.outcome, gone);
    EXPECT_EQ(three.outcome, "");
    EXPECT_EQ(dropped_by(peer), 2u);
    EXPECT_EQ(peer->outstanding(), 3u);
    peer.connect();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#2 q2 a:3", "PUBLISH q0 a:4", "PUBLISH#3 q1 a:5"));
}

TEST_P(PoliciesTest, drop_newest_drops_the_new_one) {
    SessionPeer peer = bounded(WhenFull::drop_newest);
    for (const QoS qos : {q0, q1, q2}) EXPECT_EQ(peer.publish("a", "kept", qos).outcome, "");
    for (const QoS qos : {q0, q1, q2}) EXPECT_EQ(peer.publish("a", "new", qos).outcome, "refused: " + gone);
    EXPECT_EQ(dropped_by(peer), 3u);
    peer.connect();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH q0 a:kept", "PUBLISH#1 q1 a:kept", "PUBLISH#2 q2 a:kept"));
}

TEST_P(PoliciesTest, drop_qos0_first_drops_qos_0_and_then_the_oldest) {
    SessionPeer peer = bounded(WhenFull::drop_qos0_first);
    NotedOperation& one = peer.publish("a", "1", q1);
    NotedOperation& two = peer.publish("a", "2", q0);
    NotedOperation& three = peer.publish("a", "3", q0);
    peer.publish("a", "4", q2);
    EXPECT_EQ(two.outcome, gone);
    EXPECT_EQ(peer.publish("a", "5", q0).outcome, ""); // a newer one of its like
    EXPECT_EQ(three.outcome, gone);
    peer.publish("a", "6", q1);
    EXPECT_EQ(one.outcome, ""); // 5 is gone instead
    EXPECT_EQ(peer.publish("a", "7", q0).outcome, "refused: " + gone);
    EXPECT_EQ(one.outcome, "");
    peer.publish("a", "8", q1);
    EXPECT_EQ(one.outcome, gone);
    EXPECT_EQ(dropped_by(peer), 5u);
    peer.connect();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#2 q2 a:4", "PUBLISH#3 q1 a:6", "PUBLISH#4 q1 a:8"));
}

TEST_P(PoliciesTest, drop_qos0_first_takes_the_oldest_of_qos_0_and_no_more_than_it_must) {
    SessionPeer peer = bounded(WhenFull::drop_qos0_first);
    NotedOperation& oldest = peer.publish("a", "1", q0);
    NotedOperation& tracked = peer.publish("a", "2", q1);
    NotedOperation& newer = peer.publish("a", "3", q0);
    peer.publish("a", "4", q1);
    EXPECT_EQ(oldest.outcome, gone); // and not the newer of its kind
    EXPECT_EQ(newer.outcome, "");
    peer.publish("a", "5", q0); // takes the place of its like, though an older one at QoS 1 is there
    EXPECT_EQ(newer.outcome, gone);
    EXPECT_EQ(tracked.outcome, "");
    EXPECT_EQ(dropped_by(peer), 2u);
    peer.connect();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#1 q1 a:2", "PUBLISH#2 q1 a:4", "PUBLISH q0 a:5"));
}

TEST_P(PoliciesTest, refuse_drops_nothing) {
    SessionPeer peer = bounded(WhenFull::refuse);
    for (int i = 0; i < 3; ++i) peer.publish("a", "kept", q0);
    EXPECT_EQ(peer.publish("a", "new", q1).outcome, full);
    EXPECT_EQ(dropped_by(peer), 0u);
}

TEST_P(PoliciesTest, what_was_sent_is_never_dropped_on_its_link_or_after_it) {
    for (const WhenFull policy : {WhenFull::drop_oldest, WhenFull::drop_newest, WhenFull::drop_qos0_first}) {
        SessionPeer peer = bounded(policy);
        peer.connect();
        std::array<NotedOperation*, 3> sent{&peer.publish("a", "1", q1), &peer.publish("a", "2", q2),
                                            &peer.publish("a", "3", q2)};
        peer.flush();
        peer.receive(Pubrec{.packet_id = 3});
        EXPECT_EQ(peer.publish("a", "4", q1).outcome, "refused: " + gone);
        peer.end();
        EXPECT_EQ(peer.publish("a", "5", q1).outcome, "refused: " + gone);
        EXPECT_EQ(peer.publish("a", "5", q0).outcome, "refused: " + gone);
        for (const NotedOperation* operation : sent) EXPECT_EQ(operation->outcome, "");
        peer.connect({.session_present = true});
        EXPECT_THAT(peer.sent(), ElementsAre("PUBREL#3", "PUBLISH#1 q1 dup a:1", "PUBLISH#2 q2 dup a:2"));
        EXPECT_EQ(dropped_by(peer), 3u);
    }
}

TEST(Policies5, what_waits_for_quota_may_be_dropped_and_what_is_under_way_not) {
    SessionPeer peer{Version::v5, {.outbound_messages = 3, .when_full = WhenFull::drop_oldest}};
    peer.connect({.properties = {.receive_maximum = 1}});
    NotedOperation& sent = peer.publish("a", "1", q1);
    NotedOperation& waiting = peer.publish("a", "2", q1);
    peer.publish("a", "3", q1);
    peer.publish("a", "4", q1);
    EXPECT_EQ(sent.outcome, "");
    EXPECT_EQ(waiting.outcome, gone);
    EXPECT_EQ(peer.publish("a", "5", q0).outcome, "ok"); // goes straight out
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#1 q1 a:1", "PUBLISH q0 a:5"));
    peer.receive(Puback{.packet_id = 1});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#3 q1 a:3"));
}

// --- by bytes

TEST_P(PoliciesTest, drops_as_many_as_it_takes_and_none_in_vain) {
    SessionPeer peer{GetParam(), {.outbound_bytes = 10'000, .when_full = WhenFull::drop_oldest}};
    const std::string half(4'000, 'x');
    const std::string small(500, 's');
    NotedOperation& first = peer.publish("a", small);
    NotedOperation& second = peer.publish("a", half);
    NotedOperation& third = peer.publish("a", half);
    EXPECT_EQ(third.outcome, "");
    peer.publish("a", half);
    EXPECT_EQ(first.outcome, gone);
    EXPECT_EQ(second.outcome, gone);
    EXPECT_EQ(third.outcome, "");
    EXPECT_LE(peer->outstanding_bytes(), 10'000u);
    // Above the whole bound: it passes alone, all the others being droppable ...
    EXPECT_EQ(peer.publish("a", std::string(20'000, 'L')).outcome, "");
    EXPECT_EQ(third.outcome, gone);
    EXPECT_EQ(peer->outstanding(), 1u);
    peer.connect();
    peer.flush();
    peer.receive(Puback{.packet_id = 5});
    // ... but not beside what is under way, and then nothing is dropped for it.
    peer.publish("a", half);
    peer.end();
    NotedOperation& queued = peer.publish("a", small);
    EXPECT_EQ(peer.publish("a", std::string(20'000, 'L')).outcome, "refused: " + gone);
    EXPECT_EQ(queued.outcome, "");
}

TEST_P(PoliciesTest, a_qos_0_message_drops_nothing_in_vain_either) {
    SessionPeer peer{GetParam(), {.outbound_bytes = 10'000, .when_full = WhenFull::drop_qos0_first}};
    const std::string half(4'000, 'x');
    peer.publish("a", half, q1);
    NotedOperation& qos0 = peer.publish("a", half, q0);
    EXPECT_EQ(peer.publish("a", std::string(7'000, 'x'), q0).outcome, "refused: " + gone);
    EXPECT_EQ(qos0.outcome, "");
}

TEST_P(PoliciesTest, qos_0_messages_are_queued_and_bounded_while_the_link_is_congested) {
    SessionPeer peer{GetParam(),
                     {.outbound_messages = 2, .when_full = WhenFull::drop_oldest, .output_high_water = 100}};
    peer.connect();
    EXPECT_EQ(peer.publish("a", std::string(100, 'x'), q0).outcome, "ok");
    const std::size_t congested = peer->output().size();
    NotedOperation& one = peer.publish("a", "1", q0);
    for (const char* text : {"2", "3"}) EXPECT_EQ(peer.publish("a", text, q0).outcome, "");
    EXPECT_EQ(one.outcome, gone);
    EXPECT_EQ(peer->output().size(), congested);
    EXPECT_EQ(peer->outstanding(), 2u);
    peer.flush();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH q0 a:(100 bytes)", "PUBLISH q0 a:2", "PUBLISH q0 a:3"));
}

// --- what else is in the queue

TEST_P(PoliciesTest, requests_make_room_and_are_never_dropped) {
    for (const WhenFull policy : {WhenFull::drop_oldest, WhenFull::drop_qos0_first}) {
        SessionPeer peer = bounded(policy, 2);
        NotedOperation& message = peer.publish("a", "1");
        EXPECT_EQ(peer.subscribe("x").outcome, "");
        EXPECT_EQ(peer.subscribe("y").outcome, "");
        EXPECT_EQ(message.outcome, gone);
        EXPECT_EQ(peer.unsubscribe({"z"}).outcome, full);
        EXPECT_EQ(peer.publish("a", "2").outcome, "refused: " + gone);
        peer.connect();
        EXPECT_THAT(peer.sent(), ElementsAre("SUBSCRIBE#2 x:q0", "SUBSCRIBE#3 y:q0"));
    }
    SessionPeer peer = bounded(WhenFull::drop_newest, 1);
    NotedOperation& message = peer.publish("a", "1");
    EXPECT_EQ(peer.subscribe("x").outcome, full);
    EXPECT_EQ(message.outcome, "");
    EXPECT_EQ(dropped_by(peer), 0u); // a request is refused, not dropped
}

TEST_P(PoliciesTest, a_message_that_breaks_a_rule_drops_nothing) {
    for (const bool connected : {false, true}) {
        SessionPeer peer = bounded(WhenFull::drop_oldest, 1);
        NotedOperation& message = peer.publish("a", "1");
        if (connected) peer.connect();
        EXPECT_EQ(peer.publish("a/#", "x").outcome, "refused: " + make_error_code(Errc::invalid_argument).message());
        EXPECT_EQ(message.outcome, "");
        EXPECT_EQ(dropped_by(peer), 0u);
    }
}

TEST_P(PoliciesTest, a_prepared_message_meets_the_same_policies) {
    SessionPeer peer = bounded(WhenFull::drop_oldest, 1);
    NotedOperation& first = peer.publish("a", "1");
    Publish message{.topic = "a", .payload = as_bytes("2"), .qos = q1};
    auto prepared = peer->prepare(message);
    ASSERT_TRUE(prepared);
    EXPECT_EQ(first.outcome, "");
    EXPECT_TRUE(peer->submit(*prepared, nullptr));
    EXPECT_EQ(first.outcome, gone);

    SessionPeer strict = bounded(WhenFull::drop_newest, 1);
    strict.publish("a", "1");
    auto refused = strict->prepare(message);
    ASSERT_TRUE(refused);
    EXPECT_EQ(strict->submit(*refused, nullptr).failure(), Errc::dropped);
    EXPECT_TRUE(*refused); // and stays with its owner
}

// --- packet identifiers are a bound, too

TEST_P(PoliciesTest, with_65535_identifiers_in_use_a_queued_message_gives_up_its_own) {
    for (const WhenFull policy : {WhenFull::drop_oldest, WhenFull::drop_qos0_first}) {
        SessionPeer peer = bounded(policy, 100'000);
        NotedOperation& qos0 = peer.publish("a", "0", q0);
        NotedOperation& first = peer.publish("a", "1", q1);
        for (int i = 1; i < 65'535; ++i) peer.publish("a", "x", q1);
        NotedOperation& last = peer.publish("a", "2", q1);
        EXPECT_EQ(last.outcome, "");
        EXPECT_EQ(last.id, first.id);
        EXPECT_EQ(first.outcome, gone);
        EXPECT_EQ(qos0.outcome, ""); // it has none to give
        EXPECT_EQ(peer.subscribe("a").outcome, "");
        EXPECT_EQ(dropped_by(peer), 2u);
    }
    SessionPeer peer = bounded(WhenFull::drop_newest, 100'000);
    for (int i = 0; i < 65'535; ++i) peer.publish("a", "x", q1);
    EXPECT_EQ(peer.publish("a", "x", q1).outcome, "refused: " + gone);
    EXPECT_EQ(peer.publish("a", "x", q0).outcome, "");
}

// --- nobody waits in vain

/// A hundred thousand calls in any order that a program and a network may bring about: within the bounds throughout, and
/// every operation hears exactly once.
TEST_P(PoliciesTest, a_dropped_publish_whose_waiter_never_hears_does_not_exist) {
    for (const WhenFull policy :
         {WhenFull::refuse, WhenFull::drop_oldest, WhenFull::drop_newest, WhenFull::drop_qos0_first}) {
        SCOPED_TRACE(to_string(policy));
        SessionPeer peer{
            GetParam(),
            {.outbound_messages = 20, .outbound_bytes = 4'000, .when_full = policy, .output_high_water = 400}};
        std::mt19937 random{7};
        std::vector<NotedOperation*> operations;
        std::size_t refused = 0;
        bool connected = false;
        for (int i = 0; i < 20'000; ++i) {
            switch (random() % 16) {
            case 0:
                if (connected) peer.end();
                if (!connected) peer.connect({.session_present = true, .properties = {.receive_maximum = 4}});
                connected = !connected;
                break;
            case 1:
            case 2:
                peer.flush();
                break;
            case 3:
            case 4:
            case 5:
                if (connected) {
                    for (std::size_t k = operations.size() - std::min<std::size_t>(operations.size(), 40);
                         k < operations.size(); ++k) {
                        if (!operations[k]->outcome.empty() || operations[k]->id == 0) continue;
                        peer.flush();
                        // Either answers what was sent, or nothing.
                        peer.receive(Puback{.packet_id = operations[k]->id});
                        break;
                    }
                    if (peer->failure()) { // it was a QoS 2 message after its PUBREC
                        peer.end();
                        connected = false;
                    }
                }
                break;
            default: {
                const std::string payload(random() % 400, 'x');
                NotedOperation& operation = peer.publish("a", payload, static_cast<QoS>(random() % 3));
                if (operation.outcome.starts_with("refused")) {
                    ++refused;
                } else if (operation.outcome.empty()) {
                    operations.push_back(&operation);
                }
            }
            }
            ASSERT_LE(peer->outstanding(), 20u);
            ASSERT_LE(peer->outstanding_bytes(), 4'000u);
        }
        std::size_t dropped = 0;
        std::size_t waiting = 0;
        for (const NotedOperation* operation : operations) {
            ASSERT_LE(operation->completions, 1);
            if (operation->completions == 0) ++waiting;
            if (operation->outcome == gone) ++dropped;
        }
        EXPECT_EQ(waiting, peer->outstanding());
        EXPECT_EQ(dropped_by(peer), policy == WhenFull::refuse ? 0u : dropped + refused);
        EXPECT_GT(policy == WhenFull::refuse ? refused : dropped_by(peer), 100u);
        EXPECT_EQ(dropped > 0, policy == WhenFull::drop_oldest || policy == WhenFull::drop_qos0_first);
        peer->abandon(Failure(Errc::closed));
        for (const NotedOperation* operation : operations) ASSERT_EQ(operation->completions, 1);
        EXPECT_EQ(peer->outstanding(), 0u);
        EXPECT_EQ(peer->outstanding_bytes(), 0u);
    }
}

} // namespace
} // namespace culex::session
