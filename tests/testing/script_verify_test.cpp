// What `verify` says of scripts that have stopped, and what they cannot do.
#include "testing/broker_fixture.hpp"

namespace culex::testing {
namespace {

using namespace std::chrono_literals;

class ScriptVerify : public BrokerFixture {};
INSTANTIATE_TEST_SUITE_P(Versions, ScriptVerify, ::testing::Values(Version::v3_1_1, Version::v5), version_name);

TEST_P(ScriptVerify, says_what_each_kind_of_step_waits_for) {
    broker.script(Script{}.expect(PacketType::connect).expect_close());
    broker.script(Script{}.expect(PacketType::connect).expect_silence(10s));
    broker.script(Script{}.expect(PacketType::connect).after(10s).acknowledge());
    broker.script(Script{}.reply(Pingresp{}));
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 3; ++i) {
        clients.push_back(opened());
        clients.back()->connect("c" + std::to_string(i));
    }
    clients.push_back(opened()); // whose script begins on the next turn
    EXPECT_THAT(broker.verify(), ElementsAre("script 1, step 2: expects the client to close, and nothing has come",
                                             "script 2, step 2: expects silence, and nothing has come",
                                             "script 3, step 2: waits, and nothing has come",
                                             "script 4, step 1: is next, and nothing has come"));
    EXPECT_THAT(broker.complaints(), IsEmpty());
}

TEST_P(ScriptVerify, says_when_a_packet_that_the_test_has_made_cannot_be_sent) {
    broker.script(Script{}.expect(PacketType::connect).reply([](const Packet&) { return Publish{.topic = "a/#"}; }));
    auto a = opened();
    a->connect("a");
    EXPECT_THAT(broker.verify(), ElementsAre(StartsWith("script 1, step 2: cannot send this: ")));
    EXPECT_TRUE(a->ended());
}

TEST_P(ScriptVerify, says_when_a_packet_has_no_acknowledgement) {
    broker.script(Script{}.expect(PacketType::connect).acknowledge().expect(PacketType::disconnect).acknowledge());
    auto a = opened();
    a->connect("a");
    a->send(Disconnect{});
    EXPECT_THAT(broker.verify(), ElementsAre("script 1, step 4: DISCONNECT has no acknowledgement"));
}

/// Packets that a script has sent on purpose, though they are none.
TEST_P(ScriptVerify, the_log_says_what_is_wrong_with_a_packet_that_is_none) {
    for (const char* bytes : {"D1 00", "30 FF FF FF FF", "30 05 00 01", "D0 00 D0 00"})
        broker.script(Script{}.expect(PacketType::connect).reply_bytes(bytes));
    for (int i = 0; i < 4; ++i) opened()->connect("a");
    std::vector<std::string> texts;
    for (const auto& record : broker.log()) {
        if (record.direction() == Direction::received) continue;
        EXPECT_EQ(record.packet(), nullptr);
        texts.push_back(record.text());
    }
    EXPECT_THAT(texts,
                ElementsAre(::testing::MatchesRegex("PINGRESP 2 bytes \\(.*flags.*\\)"),
                            ::testing::MatchesRegex("PUBLISH 5 bytes \\(.*remaining length.*\\)"),
                            "PUBLISH 4 bytes (not one whole packet)", "PINGRESP 4 bytes (not one whole packet)"));
}

} // namespace
} // namespace culex::testing
