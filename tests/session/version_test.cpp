// A session that goes on in the other version.
#include "support/session_peer.hpp"

namespace culex::session {
namespace {

using namespace culex::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr QoS q0 = QoS::at_most_once;
constexpr QoS q1 = QoS::at_least_once;
constexpr QoS q2 = QoS::exactly_once;

/// What has to go from one version to the other: `peer` began with the first, and its link has ended.
class ChangeOfVersion : public ::testing::Test {
protected:
    /// The CONNECT and all that follows CONNACK, in bytes.
    std::string go_on_in(Version version) {
        peer->use_version(version);
        EXPECT_EQ(peer->version(), version);
        EXPECT_TRUE(peer->handle_open({.client_id = "c1", .clean_start = false}, peer.now));
        peer->output().clear();
        peer->handle_flushed(peer.now);
        Buffer bytes;
        wire::encode(bytes, Connack{.session_present = true}, version).value();
        peer->handle_input(bytes.bytes(), peer.now);
        while (peer->poll_event()) {
        }
        EXPECT_FALSE(peer->failure()) << peer->failure().message();
        return hex_of(peer->output().bytes());
    }

    SessionPeer peer{Version::v5};
};

TEST_F(ChangeOfVersion, everything_that_is_kept_is_written_anew) {
    peer.connect({.session_present = true});
    Publish message{.topic = "a",
                    .payload = as_bytes(std::string_view("1")),
                    .qos = q1,
                    .properties = {.content_type = "text/plain"}};
    peer.publish(message);      // in flight
    peer.publish("b", "2", q2); // in flight, released
    peer.receive(Pubrec{.packet_id = 2});
    peer.flush();
    peer.end();
    peer.publish("c", "3", q0);
    peer.subscribe("d/#", q1);
    peer.publish("e", "4", q2);
    EXPECT_EQ(go_on_in(Version::v3_1_1), "62 02 00 02 "                   // PUBREL
                                         "82 08 00 03 00 03 64 2F 23 01 " // SUBSCRIBE
                                         "3A 06 00 01 61 00 01 31 "       // PUBLISH with DUP
                                         "30 04 00 01 63 33 "             // the queue, in its order
                                         "34 06 00 01 65 00 04 34");
}

TEST_F(ChangeOfVersion, operations_and_bounds_go_on) {
    auto& queued = peer.publish("a", "1", q1);
    auto& asked = peer.subscribe("b", q1);
    const std::size_t outstanding = peer->outstanding();
    go_on_in(Version::v3_1_1);
    EXPECT_EQ(peer->outstanding(), outstanding);
    peer->handle_input(hex("40 02 00 01 90 03 00 02 01"), peer.now);
    EXPECT_EQ(queued.outcome + " " + asked.outcome, "ok 0x01");
    EXPECT_EQ(peer->outstanding(), 0u);
    EXPECT_EQ(peer->outstanding_bytes(), 0u);
}

TEST_F(ChangeOfVersion, goes_both_ways) {
    peer.publish("a", "1", q1);
    peer->use_version(Version::v3_1_1);
    EXPECT_EQ(go_on_in(Version::v5), "32 07 00 01 61 00 01 00 31");
}

TEST(ChangeOfVersionInBounds, holds_for_what_was_prepared_before_and_finds_no_room_at_first) {
    SessionPeer peer(Version::v3_1_1, {.outbound_messages = 1});
    peer.connect({.session_present = true});
    Publish message{.topic = "a", .payload = as_bytes(std::string_view("x")), .qos = q1};
    auto prepared = peer->prepare(message);
    ASSERT_TRUE(prepared);
    peer.end();
    peer->use_version(Version::v5);
    ASSERT_TRUE(peer->publish(message)); // takes the place
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(peer->submit(*prepared, nullptr).failure() == Errc::queue_full);
    EXPECT_EQ("32 07 00 01 61 00 01 00 78", hex_of((*prepared)->packet())); // written anew once, not each time
    peer->abandon(Failure(Errc::session_lost));
    const auto submitted = peer->submit(*prepared, nullptr);
    ASSERT_TRUE(submitted) << submitted.failure().message();
    EXPECT_EQ(2, submitted->id);
}

/// MQTT 5 needs one byte more, which the greatest packet does not have.
TEST(ChangeOfVersionInSize, ends_what_the_other_version_has_no_room_for) {
    SessionPeer peer(Version::v3_1_1, {.outbound_bytes = std::size_t{1} << 30});
    Publish message{.topic = "a", .qos = q1};
    const std::vector<std::byte> bytes(max_remaining_length - 5); // topic and packet identifier
    const Payload payload = Payload::copy(bytes);
    message.payload = payload.bytes();
    auto prepared = peer->prepare(message, &payload);
    ASSERT_TRUE(prepared) << prepared.failure().message();
    auto second = peer->prepare(message, &payload);
    ASSERT_TRUE(second);
    NotedOperation queued;
    ASSERT_TRUE(peer->submit(*second, &queued));
    peer->use_version(Version::v5);
    EXPECT_EQ(queued.outcome, make_error_code(Errc::not_supported).message());
    EXPECT_EQ(peer->outstanding(), 0u);
    EXPECT_EQ(peer->outstanding_bytes(), 0u);
    EXPECT_TRUE(peer->submit(*prepared, nullptr).failure() == Errc::not_supported);
    EXPECT_TRUE(*prepared) << "and left to its owner";
}

TEST_F(ChangeOfVersion, holds_for_what_was_prepared_before) {
    Publish message{.topic = "a", .payload = as_bytes(std::string_view("1")), .qos = q1};
    auto prepared = peer->prepare(message);
    ASSERT_TRUE(prepared);
    go_on_in(Version::v3_1_1);
    ASSERT_TRUE(peer->submit(*prepared, nullptr));
    EXPECT_EQ(hex_of(peer->output().bytes()), "32 06 00 01 61 00 01 31");
}

} // namespace
} // namespace culex::session
