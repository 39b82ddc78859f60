// How much may be queued or unacknowledged, and messages that wait for room outside of the session.
#include <array>

#include "support/session_peer.hpp"

namespace culex::session {
namespace {

using namespace culex::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr QoS q0 = QoS::at_most_once;
constexpr QoS q1 = QoS::at_least_once;
const std::string full = "refused: the queue is full";

class BoundsTest : public SessionTest {
protected:
    static Exchange::Owner prepare(SessionPeer& peer, std::string_view payload, QoS qos = q1) {
        Publish message{.topic = "a", .payload = as_bytes(payload), .qos = qos};
        auto prepared = peer->prepare(message);
        EXPECT_TRUE(prepared);
        return *std::move(prepared);
    }
};
INSTANTIATE_TEST_SUITE_P(Versions, BoundsTest, both_versions(), version_name);

TEST_P(BoundsTest, refuses_messages_above_their_number) {
    SessionPeer bounded{GetParam(), {.outbound_messages = 3}};
    bounded.publish("a", "1", q0);
    bounded.publish("a", "2", q1);
    bounded.subscribe("a");
    EXPECT_EQ(bounded.publish("a", "4", q0).outcome, full);
    EXPECT_EQ(bounded.publish("a", "4", q1).outcome, full);
    EXPECT_EQ(bounded.subscribe("b").outcome, full);
    EXPECT_EQ(bounded.unsubscribe({"b"}).outcome, full);
    EXPECT_EQ(bounded->outstanding(), 3u);
    bounded.connect();
    EXPECT_THAT(bounded.sent(), ElementsAre("SUBSCRIBE#2 a:q0", "PUBLISH q0 a:1", "PUBLISH#1 q1 a:2"));
    EXPECT_EQ(bounded.publish("a", "5", q1).outcome, ""); // the QoS 0 message made room
    EXPECT_EQ(bounded.publish("a", "6", q1).outcome, full);
    EXPECT_EQ(bounded.publish("a", "6", q0).outcome, "ok"); // goes straight out, and takes none
    bounded.receive(Puback{.packet_id = 1});
    EXPECT_EQ(bounded.publish("a", "7", q1).outcome, "");
}

TEST_P(BoundsTest, refuses_messages_above_their_bytes) {
    for (const bool connected : {false, true}) {
        SessionPeer bounded{GetParam(), {.outbound_bytes = 10'000}};
        if (connected) bounded.connect();
        const std::string payload(4'000, 'x');
        EXPECT_EQ(bounded.publish("a", payload).outcome, "");
        EXPECT_EQ(bounded.publish("a", payload).outcome, "");
        EXPECT_EQ(bounded.publish("a", payload).outcome, full);
        EXPECT_EQ(bounded.publish("a", "small").outcome, "");
        EXPECT_EQ(bounded.subscribe(payload).outcome, full);
        EXPECT_GT(bounded->outstanding_bytes(), 8'000u);
        EXPECT_LE(bounded->outstanding_bytes(), 10'000u);
    }
}

TEST(Bounds5, properties_count) {
    SessionPeer bounded{Version::v5, {.outbound_bytes = 1'000}};
    bounded.connect();
    bounded.publish("a", "1");
    bounded.flush();
    const std::string name(750, 'n');
    const std::array properties{UserProperty{name, "of a property"}};
    Publish message{.topic = "a", .qos = q1, .properties = {.user_properties = properties}};
    EXPECT_EQ(bounded.publish(message).outcome, "");
    EXPECT_EQ(bounded.publish(message).outcome, full);
    EXPECT_LE(bounded->outstanding_bytes(), 1'000u);
    EXPECT_EQ(bounded.sent().size(), 2u);
}

/// To refuse it would be to refuse it for ever.
TEST_P(BoundsTest, lets_a_message_above_the_whole_bound_pass_alone) {
    for (const bool connected : {false, true}) {
        SessionPeer bounded{GetParam(), {.outbound_bytes = 100}};
        if (connected) bounded.connect();
        const std::string payload(4'000, 'x');
        EXPECT_EQ(bounded.publish("a", payload).outcome, "");
        EXPECT_EQ(bounded.publish("a", payload).outcome, full);
        EXPECT_EQ(bounded.publish("a", "").outcome, full);
        if (!connected) bounded.connect();
        bounded.receive(Puback{.packet_id = 1});
        EXPECT_EQ(bounded.publish("a", "").outcome, "");
        EXPECT_EQ(bounded.publish("a", payload).outcome, full);
    }
}

TEST_P(BoundsTest, counts_to_zero_whatever_happens) {
    SessionPeer other{GetParam()};
    other.publish("a", "1", q0);
    other.publish("a", "2", q1);
    other.connect();
    other.publish("a", "3", QoS::exactly_once);
    other.subscribe("b");
    other.unsubscribe({"c"});
    other.reconnect({.session_present = true});
    EXPECT_EQ(other->outstanding(), 4u);
    other->abandon(Failure(Errc::closed));
    EXPECT_EQ(other->outstanding(), 0u);
    EXPECT_EQ(other->outstanding_bytes(), 0u);
}

// --- in two steps

TEST_P(BoundsTest, a_prepared_message_holds_none_of_the_bounds) {
    SessionPeer bounded{GetParam(), {.outbound_messages = 1}};
    bounded.connect();
    bounded.publish("a", "1");
    Exchange::Owner prepared = prepare(bounded, "2");
    EXPECT_EQ(bounded->outstanding(), 1u);
    NotedOperation operation;
    EXPECT_EQ(bounded->submit(prepared, &operation).failure(), Errc::queue_full);
    ASSERT_TRUE(prepared); // left to its owner, who may try again
    EXPECT_FALSE(operation.attached());
    bounded.receive(Puback{.packet_id = 1});
    bounded.sent();
    const auto submitted = bounded->submit(prepared, &operation);
    ASSERT_TRUE(submitted);
    EXPECT_FALSE(prepared);
    EXPECT_THAT(bounded.sent(), ElementsAre(fmt::format("PUBLISH#{} q1 a:2", submitted->id)));
    bounded.receive(Puback{.packet_id = submitted->id});
    EXPECT_EQ(operation.outcome, "ok");
}

TEST_P(BoundsTest, a_prepared_message_is_a_copy) {
    peer.connect();
    std::string payload = "before";
    Exchange::Owner prepared = prepare(peer, payload);
    payload = "after";
    ASSERT_TRUE(peer->submit(prepared, nullptr));
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#1 q1 a:before"));
}

TEST_P(BoundsTest, a_prepared_message_finds_the_place_of_its_identifier) {
    peer.connect();
    peer.publish("a", "x");
    peer.sent();
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{200}, std::size_t{20'000}}) { // 1, 2 and 3 bytes of length
        const std::string payload(size, 'x');
        Publish message{.topic = "a/longer/topic", .payload = as_bytes(payload), .qos = q1};
        auto prepared = peer->prepare(message);
        ASSERT_TRUE(prepared);
        const auto submitted = peer->submit(*prepared, nullptr);
        ASSERT_TRUE(submitted);
        EXPECT_THAT(peer.sent(), ElementsAre(StartsWith(fmt::format("PUBLISH#{} q1 a/longer/topic:", submitted->id))));
    }
}

TEST_P(BoundsTest, a_prepared_qos_0_message_is_done_when_it_is_submitted) {
    peer.connect();
    Exchange::Owner prepared = prepare(peer, "x", q0);
    NotedOperation operation;
    const auto submitted = peer->submit(prepared, &operation);
    ASSERT_TRUE(submitted);
    EXPECT_TRUE(submitted->done);
    EXPECT_EQ(operation.completions, 0); // the verb has said it
    EXPECT_FALSE(operation.attached());
    EXPECT_FALSE(prepared);
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH q0 a:x"));
}

TEST_P(BoundsTest, a_prepared_message_queues_where_it_must) {
    Exchange::Owner first = prepare(peer, "1");
    Exchange::Owner second = prepare(peer, "2", q0);
    NotedOperation operation;
    ASSERT_TRUE(peer->submit(second, &operation));
    ASSERT_TRUE(peer->submit(first, nullptr));
    EXPECT_EQ(operation.completions, 0);
    peer.connect();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH q0 a:2", "PUBLISH#1 q1 a:1"));
    EXPECT_EQ(operation.outcome, "ok");
}

TEST(Bounds5, a_prepared_message_is_checked_against_the_link_that_takes_it) {
    SessionPeer peer{Version::v5};
    Publish message{.topic = "a", .payload = as_bytes("0123456789"), .retain = true};
    auto retained = peer->prepare(message);
    message.retain = false;
    auto large = peer->prepare(message);
    ASSERT_TRUE(retained && large);
    peer.connect({.properties = {.retain_available = 0, .maximum_packet_size = 10}});
    EXPECT_EQ(peer->submit(*retained, nullptr).failure(), Errc::not_supported);
    EXPECT_EQ(peer->submit(*large, nullptr).failure(), Errc::packet_too_large);
    EXPECT_THAT(peer.sent(), IsEmpty());
}

TEST_P(BoundsTest, a_prepared_message_may_be_dropped) {
    prepare(peer, "x").reset();
    EXPECT_EQ(peer->outstanding(), 0u);
}

} // namespace
} // namespace culex::session
