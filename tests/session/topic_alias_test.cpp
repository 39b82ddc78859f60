// Topic aliases of ours (MQTT 5, section 3.3.2.3.4).
#include "session/topic_aliases.hpp"
#include "support/allocations.hpp"
#include "support/session_peer.hpp"

namespace culex::session {
namespace {

using namespace culex::testing;
using ::testing::ElementsAre;

constexpr QoS q0 = QoS::at_most_once;
constexpr QoS q1 = QoS::at_least_once;
constexpr QoS q2 = QoS::exactly_once;

Connack granting(std::uint16_t aliases, bool session_present = true) {
    return {.session_present = session_present, .properties = {.topic_alias_maximum = aliases}};
}

class TopicAlias5 : public ::testing::Test {
protected:
    SessionPeer peer{Version::v5};
};

TEST_F(TopicAlias5, none_is_used_unless_the_broker_takes_some) { // [MQTT-3.2.2-18]
    peer.connect({.session_present = true});
    for (int i = 0; i < 2; ++i) peer.publish("sensors/a", "x", q0);
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH q0 sensors/a:x", "PUBLISH q0 sensors/a:x"));
}

TEST_F(TopicAlias5, stands_for_a_topic_from_its_second_use_on_at_every_qos) {
    peer.connect(granting(10));
    peer.publish("sensors/a", "1", q0);
    peer.publish("sensors/a", "2", q0);
    peer.publish("sensors/a", "3", q1);
    peer.publish("sensors/a", "4", q2, true);
    peer.publish("sensors/b", "5", q1);
    peer.publish("sensors/b", "6", q0);
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH q0 alias=1 sensors/a:1", "PUBLISH q0 alias=1 :2",
                                         "PUBLISH#1 q1 alias=1 :3", "PUBLISH#2 q2 retain alias=1 :4",
                                         "PUBLISH#3 q1 alias=2 sensors/b:5", "PUBLISH q0 alias=2 :6"));
}

TEST_F(TopicAlias5, goes_with_other_properties_and_long_payloads) {
    peer.connect(granting(10));
    const std::string payload(300, 'p');
    const std::string correlation(126, 'c'); // so that the properties' length gets a second byte
    const auto publish = [&](QoS qos) {
        Publish message{.topic = "sensors/a",
                        .payload = as_bytes(payload),
                        .qos = qos,
                        .properties = {.correlation_data = as_bytes(correlation)}};
        peer.publish(message);
    };
    publish(q0);
    publish(q0);
    publish(q1);
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH q0 alias=1 sensors/a:(300 bytes)", "PUBLISH q0 alias=1 :(300 bytes)",
                                         "PUBLISH#1 q1 alias=1 :(300 bytes)"));
    peer->handle_end();
    EXPECT_EQ(peer->outstanding(), 1u);
}

TEST_F(TopicAlias5, is_for_topics_that_are_longer_than_it) {
    peer.connect(granting(10));
    for (const char* topic : {"abc", "abc", "abcd", "abcd"}) peer.publish(topic, "x", q0);
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH q0 abc:x", "PUBLISH q0 abc:x", "PUBLISH q0 alias=1 abcd:x",
                                         "PUBLISH q0 alias=1 :x"));
}

/// What it would keep of them is bounded.
TEST_F(TopicAlias5, is_not_for_topics_that_are_very_long) {
    peer.connect(granting(10));
    const std::string longest(TopicAliases::longest_topic, 't');
    for (int i = 0; i < 2; ++i) {
        peer.publish(longest + "t", "x", q0);
        peer.publish(longest, "x", q0);
    }
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH q0 " + longest + "t:x", "PUBLISH q0 alias=1 " + longest + ":x",
                                         "PUBLISH q0 " + longest + "t:x", "PUBLISH q0 alias=1 :x"));
}

TEST_F(TopicAlias5, is_never_above_the_brokers_maximum) { // [MQTT-3.2.2-17] [MQTT-3.3.2-9]
    peer.connect(granting(2));
    for (const char* topic : {"topic/1", "topic/2", "topic/3", "topic/1", "topic/2"}) peer.publish(topic, "x", q0);
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH q0 alias=1 topic/1:x", "PUBLISH q0 alias=2 topic/2:x",
                                         "PUBLISH q0 topic/3:x", "PUBLISH q0 alias=1 :x", "PUBLISH q0 alias=2 :x"));
}

TEST_F(TopicAlias5, is_never_above_what_we_want_ourselves) {
    for (const std::uint16_t most : {std::uint16_t{0}, std::uint16_t{1}}) {
        SessionPeer modest{Version::v5, {.outbound_topic_aliases = most}};
        modest.connect(granting(10));
        for (const char* topic : {"sensors/a", "sensors/b", "sensors/a"}) modest.publish(topic, "x", q0);
        if (most == 0) {
            EXPECT_THAT(modest.sent(),
                        ElementsAre("PUBLISH q0 sensors/a:x", "PUBLISH q0 sensors/b:x", "PUBLISH q0 sensors/a:x"));
        } else {
            EXPECT_THAT(modest.sent(), ElementsAre("PUBLISH q0 alias=1 sensors/a:x", "PUBLISH q0 sensors/b:x",
                                                   "PUBLISH q0 alias=1 :x"));
        }
    }
}

TEST_F(TopicAlias5, passes_from_the_least_recently_used_to_a_topic_that_comes_again) {
    peer.connect(granting(2));
    for (const char* topic : {"topic/1", "topic/2", "topic/1", "topic/3", "topic/3", "topic/1", "topic/3", "topic/2"})
        peer.publish(topic, "x", q0);
    EXPECT_THAT(peer.sent(),
                ElementsAre("PUBLISH q0 alias=1 topic/1:x", "PUBLISH q0 alias=2 topic/2:x", "PUBLISH q0 alias=1 :x",
                            "PUBLISH q0 topic/3:x", "PUBLISH q0 alias=2 topic/3:x", "PUBLISH q0 alias=1 :x",
                            "PUBLISH q0 alias=2 :x", "PUBLISH q0 topic/2:x"));
}

TEST_F(TopicAlias5, ends_with_the_connection_and_a_resend_carries_the_whole_topic) { // [MQTT-3.3.2-7]
    peer.connect(granting(10));
    peer.publish("sensors/a", "1", q1);
    peer.publish("sensors/a", "2", q1);
    peer.publish("sensors/a", "3", q2);
    EXPECT_EQ(peer.sent().back(), "PUBLISH#3 q2 alias=1 :3");
    peer.reconnect(granting(10));
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#1 q1 dup sensors/a:1", "PUBLISH#2 q1 dup sensors/a:2",
                                         "PUBLISH#3 q2 dup sensors/a:3"));
    peer.publish("sensors/a", "4", q0);
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH q0 alias=1 sensors/a:4"));
    peer.reconnect({.session_present = true}); // and this broker takes none
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#1 q1 dup sensors/a:1", "PUBLISH#2 q1 dup sensors/a:2",
                                         "PUBLISH#3 q2 dup sensors/a:3"));
}

TEST_F(TopicAlias5, is_used_for_what_was_queued_as_well) {
    peer.publish("sensors/a", "1", q1);
    peer.publish("sensors/a", "2", q0);
    peer.connect(granting(10));
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#1 q1 alias=1 sensors/a:1", "PUBLISH q0 alias=1 :2"));
}

TEST_F(TopicAlias5, makes_no_packet_larger_than_the_broker_takes) { // [MQTT-3.2.2-15]
    // 2 + 2 + 9 + 1 + 6 bytes: with the alias it would be 23.
    peer.connect({.session_present = true, .properties = {.maximum_packet_size = 20, .topic_alias_maximum = 10}});
    for (int i = 0; i < 2; ++i) EXPECT_EQ(peer.publish("sensors/a", "123456", q0).outcome, "ok");
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH q0 sensors/a:123456", "PUBLISH q0 sensors/a:123456"));
    peer.publish("sensors/a", "1", q0);
    EXPECT_EQ(peer.publish("sensors/a", "1234567", q0).outcome, "refused: packet too large");
}

TEST_F(TopicAlias5, of_a_topic_that_may_not_be_is_not_introduced) {
    peer.connect(granting(10));
    for (int i = 0; i < 2; ++i) EXPECT_EQ(peer.publish("sensors/#", "x", q0).outcome, "refused: invalid argument");
    peer.publish("sensors/a", "x", q0);
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH q0 alias=1 sensors/a:x"));
}

TEST_F(TopicAlias5, steady_state_allocates_nothing) {
    if (!counts_allocations()) GTEST_SKIP() << "sanitizers take the place of the allocator and of the pool";
    peer.connect(granting(3));
    const std::string topics[] = {"sensors/temperature/1", "sensors/temperature/2", "sensors/temperature/3",
                                  "sensors/temperature/4"}; // so that they take each other's place
    const auto round = [&](QoS qos) {
        for (const std::string& topic : topics) {
            Publish message{.topic = topic, .payload = as_bytes(std::string_view("x")), .qos = qos};
            ASSERT_TRUE(peer->publish(message));
            peer->output().clear();
            peer->handle_flushed(peer.now);
            if (qos == q0) continue;
            const auto id = static_cast<unsigned>(message.packet_id);
            const std::byte puback[] = {std::byte{0x40}, std::byte{2}, std::byte(id >> 8), std::byte(id & 0xFF)};
            peer->handle_input(puback, peer.now);
        }
    };
    const auto rounds = [&] {
        for (int i = 0; i < 50; ++i) {
            round(q0);
            round(q1);
        }
    };
    rounds();
    const std::size_t before = allocations();
    rounds();
    EXPECT_EQ(allocations() - before, 0u);
    EXPECT_EQ(peer->outstanding(), 0u);
}

TEST_F(TopicAlias5, finds_each_of_many_topics) {
    TopicAliases aliases;
    aliases.begin(1000);
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(aliases.introduce("topic/" + std::to_string(i)), i + 1);
    for (int i = 999; i >= 0; --i) EXPECT_EQ(aliases.find("topic/" + std::to_string(i)), i + 1);
    EXPECT_EQ(aliases.find("topic/1000"), 0);
    EXPECT_EQ(aliases.introduce("topic/1000"), 0);    // once is not enough
    EXPECT_EQ(aliases.introduce("topic/1000"), 1000); // in the place of topic/999
    EXPECT_EQ(aliases.find("topic/999"), 0);
    EXPECT_EQ(aliases.find("topic/998"), 999);
}

} // namespace
} // namespace culex::session
