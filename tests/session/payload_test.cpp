// Large payloads, which stand apart from their packets and are not copied.
#include "support/session_peer.hpp"

namespace culex::session {
namespace {

using namespace culex::testing;
using ::testing::ElementsAre;

class PayloadTest : public ::testing::TestWithParam<Version> {
protected:
    PayloadTest() { peer.connect(); }

    PacketId publish(const Payload& large, QoS qos = QoS::at_least_once, const PublishProperties& properties = {}) {
        Publish message{.topic = "large", .qos = qos, .properties = properties};
        message.payload = large.bytes();
        auto prepared = peer->prepare(message, &large);
        EXPECT_TRUE(prepared) << prepared.failure().message();
        auto submitted = peer->submit(*prepared, qos == QoS::at_most_once ? nullptr : &operation);
        EXPECT_TRUE(submitted) << submitted.failure().message();
        return submitted->id;
    }
    /// What an owner does that can write payloads apart; gives the packets, and where their payload stood.
    std::vector<std::string> flush(std::vector<const void*>* places = nullptr) {
        std::vector<std::string> packets;
        while (peer->output_size() > 0) {
            Buffer all;
            if (auto ahead = peer->take_ahead()) {
                if (places) places->push_back(ahead->payload.bytes().data());
                all.append(ahead->before.bytes());
                all.append(ahead->payload.bytes());
            }
            all.append(peer->output().bytes());
            peer->output().clear();
            peer->handle_flushed(peer.now);
            wire::Framer framer;
            framer.feed(all.bytes());
            for (auto frame = framer.next(); frame && *frame; frame = framer.next()) {
                wire::Arena arena;
                const auto packet = wire::decode(**frame, peer->version(), arena, wire::Sender::client);
                EXPECT_TRUE(packet);
                if (packet) packets.push_back(brief(*packet));
            }
            const bool large = all.size() > text.size();
            EXPECT_EQ(large, as_text(all.bytes()).find(text) != std::string_view::npos);
            EXPECT_FALSE(framer.mid_packet());
        }
        return packets;
    }

    const std::string text = std::string(200'000, 'L');
    const Payload payload{std::string(text)};
    SessionPeer peer{GetParam()};
    NotedOperation operation;
};
INSTANTIATE_TEST_SUITE_P(Versions, PayloadTest, both_versions(), version_name);

TEST_P(PayloadTest, a_large_one_is_handed_out_where_it_stands) {
    publish(payload);
    EXPECT_LT(text.size(), peer->output_size());
    std::vector<const void*> places;
    EXPECT_THAT(flush(&places), ElementsAre("PUBLISH#1 q1 large:(200000 bytes)"));
    EXPECT_THAT(places, ElementsAre(payload.bytes().data()));
    peer.receive(Puback{.packet_id = 1});
    EXPECT_EQ(operation.outcome, "ok");
}

TEST_P(PayloadTest, a_small_one_is_part_of_its_packet) {
    publish(Payload(std::string("LLLL")));
    EXPECT_FALSE(peer->take_ahead());
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#1 q1 large:LLLL"));
}

TEST_P(PayloadTest, a_large_one_that_is_not_handed_over_is_copied_once) {
    Publish message{.topic = "large", .payload = as_bytes(text), .qos = QoS::exactly_once};
    EXPECT_TRUE(peer->publish(message, &operation));
    std::vector<const void*> places;
    EXPECT_THAT(flush(&places), ElementsAre("PUBLISH#1 q2 large:(200000 bytes)"));
    EXPECT_EQ(1u, places.size());
}

TEST_P(PayloadTest, everything_leaves_in_the_order_of_the_calls) {
    peer.publish("a", "1", QoS::at_most_once);
    publish(payload);
    peer.publish("a", "2", QoS::at_most_once);
    publish(payload, QoS::at_most_once);
    peer.publish("a", "3", QoS::at_most_once);
    peer.receive_message("in", "x", QoS::at_least_once, 9);
    peer.acknowledge();
    // An answer need not wait behind a message that waits.
    EXPECT_THAT(flush(), ElementsAre("PUBLISH q0 a:1", "PUBLISH#1 q1 large:(200000 bytes)", "PUBACK#9",
                                     "PUBLISH q0 a:2", "PUBLISH q0 large:(200000 bytes)", "PUBLISH q0 a:3"));
}

TEST_P(PayloadTest, an_owner_that_knows_only_the_output_gets_all_there) {
    peer.publish("a", "1", QoS::at_most_once);
    publish(payload);
    peer.publish("a", "2", QoS::at_most_once);
    EXPECT_NE(std::string_view::npos, as_text(peer->output().bytes()).find(text));
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH q0 a:1", "PUBLISH#1 q1 large:(200000 bytes)", "PUBLISH q0 a:2"));
}

TEST_P(PayloadTest, one_that_is_sent_again_is_not_copied_either) { // [MQTT-4.4.0-1] [MQTT-3.3.1-1]
    publish(payload);
    flush();
    peer.end();
    EXPECT_EQ(0u, peer->output_size());
    peer.open({.client_id = "c1", .clean_start = false});
    flush();
    peer.receive(Connack{.session_present = true});
    std::vector<const void*> places;
    EXPECT_THAT(flush(&places), ElementsAre("PUBLISH#1 q1 dup large:(200000 bytes)"));
    EXPECT_THAT(places, ElementsAre(payload.bytes().data()));
}

TEST_P(PayloadTest, one_that_was_not_taken_before_the_link_ended_is_sent_on_the_next) {
    publish(payload);
    peer.end();
    EXPECT_EQ(0u, peer->output_size());
    peer.open({.client_id = "c1", .clean_start = false});
    flush();
    peer.receive(Connack{.session_present = true});
    EXPECT_EQ(1u, flush().size());
}

TEST_P(PayloadTest, counts_whole_in_the_bounds_and_in_what_the_broker_takes) {
    EXPECT_EQ(0u, peer->outstanding_bytes());
    publish(payload);
    EXPECT_LE(text.size(), peer->outstanding_bytes());
    EXPECT_GE(text.size() + 1000, peer->outstanding_bytes());
    peer.receive(Puback{.packet_id = 1});
    EXPECT_EQ(0u, peer->outstanding_bytes());
    Statistics statistics;
    peer->count_into(statistics);
    EXPECT_LE(text.size(), statistics.sent.of(PacketType::publish).bytes);
    if (GetParam() == Version::v3_1_1) return;
    peer.end();
    peer.connect(Connack{.properties = {.maximum_packet_size = 200'000u}});
    Publish message{.topic = "large", .payload = payload.bytes(), .qos = QoS::at_least_once};
    EXPECT_TRUE(peer->prepare(message, &payload).failure() == Errc::packet_too_large);
}

TEST_P(PayloadTest, a_wrong_message_is_refused_by_name) {
    Publish message{.topic = "a/#", .payload = payload.bytes(), .qos = QoS::at_least_once};
    const auto prepared = peer->prepare(message, &payload);
    ASSERT_FALSE(prepared);
    EXPECT_THAT(prepared.failure().message(), ::testing::HasSubstr("topic"));
}

TEST_P(PayloadTest, what_is_kept_is_sent_in_the_other_version_after_a_fallback) {
    publish(payload, QoS::at_least_once, {.content_type = "text"});
    flush();
    peer.end();
    const Version other = GetParam() == Version::v5 ? Version::v3_1_1 : Version::v5;
    peer->use_version(other);
    EXPECT_TRUE(peer->handle_open(Connect{.client_id = "c1", .clean_start = false}, peer.now));
    flush();
    Buffer bytes;
    ASSERT_TRUE(wire::encode(bytes, Connack{.session_present = true}, other));
    peer->handle_input(bytes.bytes(), peer.now);
    std::vector<const void*> places;
    EXPECT_THAT(flush(&places), ElementsAre("PUBLISH#1 q1 dup large:(200000 bytes)"));
    EXPECT_THAT(places, ElementsAre(payload.bytes().data()));
}

TEST(Payload5, properties_and_expiry_stand_before_a_payload_that_stands_apart) {
    SessionPeer peer(Version::v5);
    peer.connect(Connack{.properties = {.topic_alias_maximum = std::uint16_t{10}}});
    const Payload payload{std::string(100'000, 'p')};
    for (int i = 0; i < 2; ++i) {
        Publish message{.topic = "t",
                        .payload = payload.bytes(),
                        .qos = QoS::at_least_once,
                        .properties = {.message_expiry_interval = 60u, .content_type = "c"}};
        auto prepared = peer->prepare(message, &payload);
        ASSERT_TRUE(prepared);
        peer.now += std::chrono::seconds(10);
        peer->note_time(peer.now);
        ASSERT_TRUE(peer->submit(*prepared, nullptr));
        const auto ahead = peer->take_ahead();
        ASSERT_TRUE(ahead);
        Buffer all;
        all.append(ahead->before.bytes());
        all.append(ahead->payload.bytes());
        wire::Framer framer;
        framer.feed(all.bytes());
        const auto frame = framer.next();
        ASSERT_TRUE(frame && *frame);
        wire::Arena arena;
        const auto packet = wire::decode<Publish>(**frame, Version::v5, arena, wire::Sender::client);
        ASSERT_TRUE(packet);
        EXPECT_EQ("t", packet->topic);
        EXPECT_EQ(50u, packet->properties.message_expiry_interval);
        EXPECT_EQ("c", packet->properties.content_type);
        EXPECT_EQ(100'000u, packet->payload.size());
    }
}

} // namespace
} // namespace culex::session
