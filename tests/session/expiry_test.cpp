// The Message Expiry Interval of our own messages (MQTT 5, section 3.3.2.3.3), and the session's at the end.
#include "support/session_peer.hpp"

namespace culex::session {
namespace {

using namespace culex::testing;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr QoS q0 = QoS::at_most_once;
constexpr QoS q1 = QoS::at_least_once;
constexpr QoS q2 = QoS::exactly_once;

class Expiry5 : public ::testing::Test {
protected:
    NotedOperation& publish(const char* payload, QoS qos, std::uint32_t seconds) {
        Publish message = make(payload, qos, seconds);
        peer->note_time(peer.now);
        return peer.publish(message);
    }
    static Publish make(const char* payload, QoS qos, std::uint32_t seconds) {
        return {.topic = "a",
                .payload = as_bytes(std::string_view(payload)),
                .qos = qos,
                .properties = {.payload_format_indicator = std::uint8_t{1}, .message_expiry_interval = seconds}};
    }
    /// The interval in each PUBLISH that is in the output.
    std::vector<std::uint32_t> intervals() {
        std::vector<std::uint32_t> all;
        wire::Framer framer;
        framer.feed(peer->output().bytes());
        for (auto frame = framer.next(); frame && *frame; frame = framer.next()) {
            wire::Arena arena;
            if ((**frame).type() != PacketType::publish) continue;
            all.push_back(
                wire::decode<Publish>(**frame, Version::v5, arena)->properties.message_expiry_interval.value());
        }
        peer.flush();
        return all;
    }
    std::uint64_t expired() {
        Statistics statistics;
        peer->count_into(statistics);
        return statistics.outbound_expired;
    }
    void open() {
        peer.open({.client_id = "c1", .clean_start = false});
        peer.flush();
    }

    SessionPeer peer{Version::v5};
};

TEST_F(Expiry5, a_message_that_is_sent_at_once_says_what_it_was_given) {
    peer.connect({.session_present = true});
    for (const QoS qos : {q0, q1, q2}) publish("x", qos, 10);
    publish("x", q0, 0);
    publish("x", q1, 0xFFFF'FFFF);
    EXPECT_THAT(intervals(), ElementsAre(10u, 10u, 10u, 0u, 0xFFFF'FFFFu));
}

TEST_F(Expiry5, a_queued_message_says_the_time_that_is_left) { // section 3.3.2.3.3
    publish("1", q1, 10);
    publish("2", q0, 100);
    peer.now += 4s;
    open();
    peer.receive(Connack{.session_present = true});
    EXPECT_THAT(intervals(), ElementsAre(6u, 96u));
}

TEST_F(Expiry5, may_be_the_first_property_of_a_message) {
    Publish message = make("1", q1, 10);
    message.properties.payload_format_indicator.reset();
    message.properties.content_type = "text/plain"; // behind it
    peer->note_time(peer.now);
    peer.publish(message);
    peer.now += 4s;
    open();
    peer.receive(Connack{.session_present = true});
    EXPECT_THAT(intervals(), ElementsAre(6u));
}

/// 3.1.1 has no words for it, which are lost; the session still holds to it.
TEST_F(Expiry5, holds_for_a_message_that_has_been_through_3_1_1) {
    const auto& late = publish("1", q1, 10);
    const auto& in_time = publish("2", q1, 100);
    peer->use_version(Version::v3_1_1);
    peer->use_version(Version::v5);
    peer.now += 10s;
    open();
    peer.receive(Connack{.session_present = true});
    EXPECT_EQ(hex_of(peer->output().bytes()), "32 07 00 01 61 00 02 00 32"); // without properties
    EXPECT_EQ(late.outcome, "the message expired before it was sent");
    EXPECT_EQ(in_time.outcome, "");
    EXPECT_EQ(expired(), 1u);
}

TEST_F(Expiry5, a_message_that_expired_in_the_queue_is_not_sent_and_fails) {
    const auto& first = publish("1", q1, 10);
    const auto& second = publish("2", q0, 10);
    const auto& third = publish("3", q2, 11);
    peer.now += 10s;
    open();
    peer.receive(Connack{.session_present = true});
    EXPECT_THAT(peer.sent(), ElementsAre("CONNECT", "PUBLISH#2 q2 a:3"));
    EXPECT_EQ(first.outcome, "the message expired before it was sent");
    EXPECT_EQ(second.outcome, "the message expired before it was sent");
    EXPECT_EQ(third.outcome, "");
    EXPECT_EQ(expired(), 2u);
    EXPECT_EQ(peer->outstanding(), 1u);
}

TEST_F(Expiry5, can_be_looked_for_while_there_is_no_link) {
    const auto& first = publish("1", q1, 10);
    const auto& second = publish("2", q0, 20);
    const auto& third = publish("3", q0, 10);
    peer.publish("b", "4", q1);
    peer->drop_expired(peer.now + 9s);
    EXPECT_EQ(peer->outstanding(), 4u);
    peer->drop_expired(peer.now + 10s);
    EXPECT_EQ(first.outcome, "the message expired before it was sent");
    EXPECT_EQ(second.outcome, "");
    EXPECT_EQ(third.outcome, "the message expired before it was sent");
    EXPECT_EQ(expired(), 2u);
    EXPECT_EQ(peer->outstanding(), 2u);
    peer.connect({.session_present = true});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH q0 a:2", "PUBLISH#2 q1 b:4"));
}

TEST_F(Expiry5, waiting_for_the_quota_counts_too) {
    peer.connect({.session_present = true, .properties = {.receive_maximum = 1}});
    publish("1", q1, 10);
    const auto& late = publish("2", q1, 10);
    publish("3", q1, 100);
    peer.flush();
    peer.now += 20s;
    peer.receive(Puback{.packet_id = 1});
    EXPECT_THAT(intervals(), ElementsAre(80u));
    EXPECT_EQ(late.outcome, "the message expired before it was sent");
}

TEST_F(Expiry5, what_was_sent_once_is_finished_all_the_same) { // [MQTT-4.3.3-7]
    peer.connect({.session_present = true});
    const auto& first = publish("1", q1, 10);
    publish("2", q2, 30);
    peer.flush();
    peer.end();
    peer.now += 20s;
    open();
    peer.receive(Connack{.session_present = true});
    EXPECT_THAT(intervals(), ElementsAre(1u, 10u));
    peer.receive(Puback{.packet_id = 1});
    EXPECT_EQ(first.outcome, "ok");
    EXPECT_EQ(expired(), 0u);
}

TEST_F(Expiry5, holds_for_a_message_that_was_prepared) {
    peer.connect({.session_present = true});
    Publish message = make("1", q1, 10);
    peer->note_time(peer.now);
    auto late = peer->prepare(message);
    auto in_time = peer->prepare(message);
    ASSERT_TRUE(late && in_time);
    peer.now += 7s;
    peer->note_time(peer.now);
    ASSERT_TRUE(peer->submit(*in_time, nullptr));
    EXPECT_THAT(intervals(), ElementsAre(3u));
    peer.now += 3s;
    peer->note_time(peer.now);
    EXPECT_EQ(peer->submit(*late, nullptr).failure(), Errc::message_expired);
    EXPECT_EQ(expired(), 1u);
}

TEST_F(Expiry5, begins_with_the_submission_where_it_was_prepared_without_a_clock) {
    peer.connect({.session_present = true, .properties = {.receive_maximum = 1}});
    peer.publish("a", "first", q1);
    peer.flush();
    Publish message = make("1", q1, 10);
    auto prepared = peer->prepare(message);
    ASSERT_TRUE(prepared);
    (*prepared)->expires_at = Exchange::expiry_not_begun;
    peer.now += 60s;
    peer->note_time(peer.now);
    ASSERT_TRUE(peer->submit(*prepared, nullptr));
    peer.now += 4s;
    peer.receive(Puback{.packet_id = 1});
    EXPECT_THAT(intervals(), ElementsAre(6u));
}

// --- DISCONNECT

class Farewell5 : public Expiry5 {
protected:
    void connect(std::uint32_t asked, std::uint32_t maximum_packet_size = 1000) {
        peer.open({.client_id = "c1", .properties = {.session_expiry_interval = asked}});
        peer.flush();
        peer.receive(Connack{.properties = {.maximum_packet_size = maximum_packet_size}});
    }
    std::string said() { return hex_of(peer->output().bytes()); }
};

TEST_F(Farewell5, changes_how_long_the_broker_keeps_the_session) { // section 3.14.2.2.2
    connect(60);
    peer->disconnect(Farewell{.session_expiry_interval = 5, .words = Explanation({.reason_string = "hi"})});
    EXPECT_EQ(said(), "E0 0C 00 0A 11 00 00 00 05 1F 00 02 68 69");
}

TEST_F(Farewell5, does_not_raise_an_interval_of_0) {
    connect(0);
    peer->disconnect(Farewell{.session_expiry_interval = 5});
    EXPECT_EQ(said(), "E0 00");
}

TEST_F(Farewell5, leaves_out_a_reason_string_that_is_too_long_for_the_broker) { // [MQTT-3.14.2-3]
    connect(60, 20);
    peer->disconnect(Farewell{.reason_code = ReasonCode::disconnect_with_will,
                              .session_expiry_interval = 5,
                              .words = Explanation({.reason_string = "a reason that is too long"})});
    EXPECT_EQ(said(), "E0 07 04 05 11 00 00 00 05");
}

} // namespace
} // namespace culex::session
