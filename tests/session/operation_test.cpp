// Operations: who waits may go at any time, and so may the session.
#include "support/session_peer.hpp"

namespace culex::session {
namespace {

using namespace culex::testing;
using ::testing::ElementsAre;

class OperationTest : public SessionTest {
protected:
    Publish message(QoS qos = QoS::at_least_once) { return {.topic = "a", .payload = as_bytes("x"), .qos = qos}; }
};
INSTANTIATE_TEST_SUITE_P(Versions, OperationTest, both_versions(), version_name);

TEST_P(OperationTest, may_go_while_its_message_is_under_way) {
    peer.connect();
    {
        NotedOperation operation;
        Publish publish = message();
        ASSERT_TRUE(peer->publish(publish, &operation));
        EXPECT_TRUE(operation.attached());
    }
    EXPECT_EQ(peer->outstanding(), 1u); // the message is the session's
    peer.reconnect({.session_present = true});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#1 q1 dup a:x"));
    peer.receive(Puback{.packet_id = 1});
    EXPECT_EQ(peer->outstanding(), 0u);
}

TEST_P(OperationTest, may_stop_waiting_and_wait_for_something_else) {
    peer.connect();
    NotedOperation operation;
    Publish publish = message();
    ASSERT_TRUE(peer->publish(publish, &operation));
    operation.detach();
    operation.detach(); // twice is once
    EXPECT_FALSE(operation.attached());
    ASSERT_TRUE(peer->publish(publish, &operation));
    peer.receive(Puback{.packet_id = 1});
    EXPECT_EQ(operation.completions, 0);
    peer.receive(Puback{.packet_id = 2});
    EXPECT_EQ(operation.completions, 1);
    EXPECT_FALSE(operation.attached());
}

TEST_P(OperationTest, is_told_when_the_session_is_destroyed) {
    NotedOperation sent, queued, subscribed, unsent_subscribe;
    {
        Session session({.version = GetParam()});
        ASSERT_TRUE(session.handle_open({.client_id = "c1"}, peer.now));
        const auto connack = v5() ? hex("20 03 00 00 00") : hex("20 02 00 00");
        session.handle_input(connack, peer.now);
        Publish publish = message();
        const TopicSubscription filter{.filter = "a"};
        ASSERT_TRUE(session.publish(publish, &sent));
        ASSERT_TRUE(session.subscribe({&filter, 1}, {}, &subscribed));
        session.handle_end();
        ASSERT_TRUE(session.publish(publish, &queued));
        ASSERT_TRUE(session.subscribe({&filter, 1}, {}, &unsent_subscribe));
    }
    for (const NotedOperation* operation : {&sent, &queued, &subscribed, &unsent_subscribe}) {
        EXPECT_EQ(operation->outcome, "the client is closed");
        EXPECT_FALSE(operation->attached());
    }
}

/// Destroys others from inside its own completion, as a coroutine that is resumed there might.
struct DestroyingOperation : Operation {
    DestroyingOperation()
        : Operation([](Operation& self, Outcome&&) { static_cast<DestroyingOperation&>(self).others.clear(); }) {}
    std::deque<NotedOperation> others;
};

TEST_P(OperationTest, may_destroy_others_when_it_completes) {
    peer.connect();
    DestroyingOperation operation;
    Publish publish = message();
    ASSERT_TRUE(peer->publish(publish, &operation.others.emplace_back()));
    ASSERT_TRUE(peer->publish(publish, &operation));
    ASSERT_TRUE(peer->publish(publish, &operation.others.emplace_back()));
    peer->suspend(Failure(Errc::closed));
    EXPECT_TRUE(operation.others.empty());
    ASSERT_TRUE(peer->publish(publish, &operation));
    ASSERT_TRUE(peer->publish(publish, &operation.others.emplace_back()));
    peer->abandon(Failure(Errc::closed));
    EXPECT_TRUE(operation.others.empty());
}

TEST_P(OperationTest, messages_and_requests_need_none) {
    peer.connect();
    Publish publish = message(QoS::exactly_once);
    const TopicSubscription filter{.filter = "a"};
    const std::string_view name = "a";
    ASSERT_TRUE(peer->publish(publish));
    ASSERT_TRUE(peer->subscribe({&filter, 1}, {}));
    ASSERT_TRUE(peer->unsubscribe({&name, 1}, {}));
    EXPECT_EQ(publish.packet_id, 1);
    const ReasonCode one[] = {ReasonCode::success};
    peer.receive(Pubrec{.packet_id = 1});
    peer.receive(Pubcomp{.packet_id = 1});
    peer.receive(Suback{.packet_id = 2, .reason_codes = one});
    peer.receive(Unsuback{.packet_id = 3,
                          .reason_codes = v5() ? std::span<const ReasonCode>(one) : std::span<const ReasonCode>()});
    EXPECT_EQ(peer->outstanding(), 0u);
    EXPECT_FALSE(peer->failure());
}

TEST(Operation5, gets_the_properties_of_its_answer) {
    struct Explained : Operation {
        Explained()
            : Operation([](Operation& self, Outcome&& outcome) {
                  static_cast<Explained&>(self).reason = outcome.properties->reason_string.value_or("none");
              }) {}
        std::string reason;
    };
    SessionPeer peer{Version::v5};
    peer.connect();
    Explained first, second;
    Publish publish{.topic = "a", .qos = QoS::at_least_once};
    const TopicSubscription filter{.filter = "a"};
    ASSERT_TRUE(peer->publish(publish, &first));
    ASSERT_TRUE(peer->subscribe({&filter, 1}, {}, &second));
    const ReasonCode one[] = {ReasonCode::not_authorized};
    peer.receive(Puback{.packet_id = 1, .reason_code = one[0], .properties = {.reason_string = "not yours"}});
    peer.receive(Suback{.packet_id = 2, .reason_codes = one, .properties = {.reason_string = "nor this"}});
    EXPECT_EQ(first.reason, "not yours");
    EXPECT_EQ(second.reason, "nor this");
}

} // namespace
} // namespace culex::session
