// A session's verbs, where a message goes straight into the output: without memory none of its bytes is there.
#include <new>
#include <ostream>
#include <tuple>

#include "support/no_memory.hpp"
#include "support/session_peer.hpp"

namespace culex::session {
namespace {

using culex::testing::NoMemory;
using culex::testing::SessionPeer;

/// What is sent on a link that has room, before anything else was.
struct Sent {
    const char* name;
    std::size_t payload_size;
    QoS qos;
    std::uint16_t topic_aliases = 0; // of the broker
    bool known = true;               // if it has one, the broker knows it
};
void PrintTo(const Sent& each, std::ostream* out) { *out << each.name; }

class SendingWithoutMemory : public ::testing::TestWithParam<std::tuple<Version, Sent>> {};

/// Whether it is sent with memory for so many allocations.
bool is_sent(Version version, const Sent& tried, std::size_t allocations) {
    SCOPED_TRACE(fmt::format("memory for {} allocations", allocations));
    SessionPeer peer(version);
    const std::string payload(tried.payload_size, 'x');
    peer.connect({.properties = {.topic_alias_maximum = tried.topic_aliases}});
    if (tried.topic_aliases > 0 && tried.known) peer.publish("long enough", "", QoS::at_most_once);
    (void)peer.sent();
    peer->output().release();
    Publish message{.topic = "long enough", .payload = as_bytes(payload), .qos = tried.qos};
    try {
        const NoMemory none(allocations);
        EXPECT_TRUE(peer->publish(message));
        return true;
    } catch (const std::bad_alloc&) {
        EXPECT_EQ(peer->outstanding(), 0u);
        EXPECT_FALSE(peer->take_ahead());
        EXPECT_EQ(peer->output_size(), 0u);
    }
    const auto& later = peer.publish("long enough", "later");
    EXPECT_THAT(peer.sent(), ::testing::ElementsAre(::testing::HasSubstr(tried.known ? "later" : "long enough:later")));
    peer.receive(Puback{.packet_id = later.id});
    EXPECT_EQ(later.outcome, "ok");
    return false;
}

TEST_P(SendingWithoutMemory, leaves_the_output_empty) {
    const auto& [version, tried] = GetParam();
    std::size_t failed = 0;
    while (!is_sent(version, tried, failed)) ++failed;
    EXPECT_GT(failed, 0u) << "it needs no memory";
}

const Sent cases[] = {
    {.name = "small_qos_0", .payload_size = 1, .qos = QoS::at_most_once},
    {.name = "small_qos_1", .payload_size = 1, .qos = QoS::at_least_once},
    {.name = "small_qos_2", .payload_size = 1, .qos = QoS::exactly_once},
    {.name = "large_qos_0", .payload_size = 100'000, .qos = QoS::at_most_once},
    {.name = "large_qos_1", .payload_size = 100'000, .qos = QoS::at_least_once},
    {.name = "large_qos_2", .payload_size = 100'000, .qos = QoS::exactly_once},
    {.name = "by_alias_qos_0", .payload_size = 1, .qos = QoS::at_most_once, .topic_aliases = 10},
    {.name = "with_new_alias_qos_0", .payload_size = 1, .qos = QoS::at_most_once, .topic_aliases = 10, .known = false},
    {.name = "with_new_alias_qos_1", .payload_size = 1, .qos = QoS::at_least_once, .topic_aliases = 10, .known = false},
    {.name = "by_alias_qos_1", .payload_size = 1, .qos = QoS::at_least_once, .topic_aliases = 10},
};

std::string case_name(const ::testing::TestParamInfo<std::tuple<Version, Sent>>& info) {
    const auto& [version, tried] = info.param;
    return fmt::format("{}_{}", tried.name, culex::testing::version_name({version, 0}));
}
INSTANTIATE_TEST_SUITE_P(Publish, SendingWithoutMemory,
                         ::testing::Combine(culex::testing::both_versions(), ::testing::ValuesIn(cases)), case_name);

} // namespace
} // namespace culex::session
