// Messages that go to a sink as they come, instead of events.
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

/// Has no way of its own for many at once.
class Sink final : public MessageSink {
public:
    void on_message(Message&& message, const Delivery& delivery) override {
        lines.push_back(fmt::format("q{} {}:{}", static_cast<int>(message.qos()), message.topic(), message.text()));
        if (delivery.sequence != 0) deliveries.push_back(delivery);
    }

    Lines lines;
    std::vector<Delivery> deliveries;
};

class MessageSinkTest : public SessionTest {
protected:
    MessageSinkTest() {
        peer.connect();
        peer.events();
        peer->set_message_sink(&sink);
    }
    ~MessageSinkTest() override { peer->set_message_sink(nullptr); }
    /// As one read.
    void receive(const std::vector<Publish>& messages) {
        Buffer bytes;
        for (const Publish& message : messages) EXPECT_TRUE(wire::encode(bytes, message, peer.version));
        peer.receive_bytes(bytes.bytes());
    }
    static Publish message(std::string_view topic, std::string_view payload, QoS qos = q0, PacketId id = 0) {
        return {.topic = topic, .payload = as_bytes(payload), .qos = qos, .packet_id = id};
    }

    Sink sink;
};
INSTANTIATE_TEST_SUITE_P(Versions, MessageSinkTest, both_versions(), version_name);

TEST_P(MessageSinkTest, gets_each_message_of_a_read_in_order) {
    receive({message("a", "1"), message("b", "2"), message("c", "3", q1, 1), message("c", "4", q1, 2),
             message("d", "5", q2, 3), message("a", "6")});
    EXPECT_THAT(sink.lines, ElementsAre("q0 a:1", "q0 b:2", "q1 c:3", "q1 c:4", "q2 d:5", "q0 a:6"));
    EXPECT_THAT(peer.events(), IsEmpty());
    EXPECT_EQ(peer->unacknowledged(), 3u);
    for (const Delivery& delivery : sink.deliveries) peer->acknowledge(delivery);
    EXPECT_THAT(peer.sent(), ElementsAre("PUBACK#1", "PUBACK#2", "PUBREC#3"));
}

TEST_P(MessageSinkTest, gets_what_came_before_a_topic_that_cannot_be_and_that_ends_the_link) {
    receive({message("a", "1"), message("b", "2")});
    peer.receive_hex(peer.version == Version::v5 ? "30 05 00 01 'c' 00 '3' 30 05 00 01 '#' 00 '4'"
                                                 : "30 04 00 01 'c' '3' 30 04 00 01 '#' '4'");
    EXPECT_THAT(sink.lines, ElementsAre("q0 a:1", "q0 b:2", "q0 c:3"));
    EXPECT_EQ(peer->failure(), Errc::protocol_error);
}

TEST_P(MessageSinkTest, need_not_care_that_the_session_rests) {
    SessionPeer idle(GetParam());
    idle.connect({}, {.client_id = "c1", .keep_alive = 10});
    idle->set_message_sink(&sink);
    for (int i = 0; i < 3; ++i) {
        idle.advance(10s);
        EXPECT_THAT(idle.sent(), ElementsAre("PINGREQ"));
        idle.receive(Pingresp{});
    }
    idle.receive_message("a", "1");
    EXPECT_THAT(sink.lines, ElementsAre("q0 a:1"));
}

} // namespace
} // namespace culex::session
