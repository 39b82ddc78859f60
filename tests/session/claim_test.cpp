// Claims: the short form of operations, whose exchanges are made ready to run themselves.
#include <array>
#include <deque>

#include "session/session_direct.hpp"
#include "support/session_peer.hpp"

namespace culex::session {
namespace {

using namespace culex::testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using State = Claim::State;

/// A claim that somebody can wait for, and that notes who was told and how it ended.
struct NotedClaim {
    NotedClaim() = default;
    NotedClaim(const NotedClaim&) = delete;
    NotedClaim& operator=(const NotedClaim&) = delete;
    ~NotedClaim() {
        if (claim.open()) claim.drop();
    }
    void wait() { claim.node->waiting = this; }

    Claim claim{State::none};
    int resumed = 0;
};

class ClaimTest : public SessionTest, protected ReadySink {
protected:
    ClaimTest() {
        peer->set_ready_sink(*this);
        connect();
    }
    void connect(const Connack& answer = {}) {
        peer.connect(answer);
        make_ready_for_claims();
    }
    /// The short way makes neither a table of identifiers nor room in the output.
    void make_ready_for_claims() {
        const PacketId id = peer.publish("first", "", QoS::at_least_once).id;
        peer.receive(Puback{.packet_id = id});
        (void)peer.sent();
        (void)peer->output().reserve(std::size_t{64} << 10);
    }
    /// Two in flight with identifiers so far apart have no place in a smaller table.
    void make_table_for(int number) {
        std::vector<PacketId> ids;
        for (int i = 0; i < number; ++i) ids.push_back(peer.publish("many", "").id);
        peer.flush();
        for (const PacketId id : ids) peer.receive(Puback{.packet_id = id});
    }
    void reconnect() {
        peer.end();
        peer.connect({.session_present = true});
    }

    [[nodiscard]] bool try_claim(NotedClaim& noted, QoS qos = QoS::at_least_once, std::string_view payload = "x") {
        pool_free(pool_allocate(sizeof(Exchange) + 16), sizeof(Exchange) + 16); // so that the pool has one
        return peer->send_plain_tracked<true>("t", as_bytes(payload), qos, false, noted.claim, &ClaimTest::resume);
    }
    NotedClaim& claim(QoS qos = QoS::at_least_once) {
        NotedClaim& noted = claims.emplace_back();
        EXPECT_TRUE(try_claim(noted, qos));
        EXPECT_EQ(noted.claim.state, State::waiting);
        return noted;
    }
    NotedClaim& await(QoS qos = QoS::at_least_once) {
        NotedClaim& noted = claim(qos);
        noted.wait();
        return noted;
    }
    /// As a scheduler does. Gives the identifiers of those that were told, in this order.
    std::vector<int> run() {
        told_.clear();
        while (ReadyNode* node = ready.pop_front()) resume(*node);
        return std::exchange(told_, {});
    }
    /// Answers of four bytes, all in one read.
    void answer(std::initializer_list<const NotedClaim*> noted, PacketType type = PacketType::puback) {
        std::vector<std::byte> bytes;
        for (const NotedClaim* each : noted) append(bytes, type, each->claim.id);
        peer.receive_bytes(bytes);
    }
    static void append(std::vector<std::byte>& to, PacketType type, PacketId id) {
        std::array<std::byte, wire::success_size> packet{};
        wire::put_success(packet.data(), type, id);
        to.insert(to.end(), packet.begin(), packet.end());
    }

    static void resume(ReadyNode& node) {
        auto& noted = *static_cast<NotedClaim*>(Exchange::settle_claim(node));
        EXPECT_NE(noted.claim.state, State::waiting);
        ++noted.resumed;
        told_.push_back(noted.claim.id);
    }

    IntrusiveList<ReadyNode> ready;
    std::deque<NotedClaim> claims;

private:
    void on_ready(IntrusiveList<ReadyNode>& nodes) override { ready.splice_back(nodes); }
    static inline std::vector<int> told_;
};
INSTANTIATE_TEST_SUITE_P(Versions, ClaimTest, both_versions(), version_name);

TEST_P(ClaimTest, is_settled_by_the_answer_where_nobody_waits_yet) {
    NotedClaim& noted = claim();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#2 q1 t:x"));
    EXPECT_EQ(noted.claim.id, 2);
    answer({&noted});
    EXPECT_EQ(noted.claim.state, State::answered);
    EXPECT_EQ(noted.claim.reason_code, ReasonCode::success);
    EXPECT_THAT(run(), IsEmpty());
    EXPECT_EQ(peer->outstanding(), 0u);
}

TEST_P(ClaimTest, is_settled_on_a_coming_turn_for_who_waits) {
    NotedClaim& noted = await();
    peer.flush();
    answer({&noted});
    EXPECT_EQ(noted.resumed, 0);
    EXPECT_EQ(noted.claim.state, State::waiting);
    EXPECT_EQ(peer->outstanding(), 0u); // its place is free at once
    EXPECT_THAT(run(), ElementsAre(2));
    EXPECT_EQ(noted.claim.state, State::answered);
    EXPECT_EQ(noted.resumed, 1);
}

/// At QoS 2, too; and each message's place in the bounds, the quota and the table is free again.
TEST_P(ClaimTest, many_are_settled_together_in_their_order) {
    make_table_for(100);
    for (const QoS qos : {QoS::at_least_once, QoS::exactly_once}) {
        Statistics before;
        peer->count_into(before);
        std::vector<std::byte> first, second;
        std::vector<int> ids;
        for (int i = 0; i < 100; ++i) {
            const PacketId id = await(qos).claim.id;
            ids.push_back(id);
            append(first, qos == QoS::at_least_once ? PacketType::puback : PacketType::pubrec, id);
            append(second, PacketType::pubcomp, id);
        }
        peer.flush();
        peer.receive_bytes(first);
        peer.flush();
        if (qos == QoS::exactly_once) {
            EXPECT_EQ(peer->outstanding(), 100u);
            EXPECT_THAT(run(), IsEmpty());
            peer.receive_bytes(second);
        }
        EXPECT_EQ(run(), ids);
        EXPECT_EQ(peer->outstanding(), 0u);
        EXPECT_EQ(peer->outstanding_bytes(), 0u);
        Statistics after;
        peer->count_into(after);
        const bool once = qos == QoS::at_least_once;
        const std::uint64_t counted =
            once ? after.puback.count() - before.puback.count() : after.pubcomp.count() - before.pubcomp.count();
        EXPECT_EQ(counted, 100u);
        const PacketType last = once ? PacketType::puback : PacketType::pubcomp;
        EXPECT_EQ(after.received.of(last).packets - before.received.of(last).packets, 100u);
        EXPECT_EQ(after.received.of(last).bytes - before.received.of(last).bytes, 400u);
    }
    EXPECT_FALSE(peer->failure());
}

TEST_P(ClaimTest, give_back_the_quota_of_all_that_are_settled_together) {
    peer.end();
    connect({.session_present = true, .properties = {.receive_maximum = 3}});
    if (!v5()) GTEST_SKIP() << "3.1.1 grants no receive maximum";
    for (int round = 0; round < 3; ++round) {
        std::vector<const NotedClaim*> sent;
        for (int i = 0; i < 3; ++i) sent.push_back(&await());
        NotedClaim fourth;
        EXPECT_FALSE(try_claim(fourth)); // for the long way, which queues it
        EXPECT_EQ(fourth.claim.state, State::none);
        peer.flush();
        answer({sent[0], sent[1], sent[2]});
        EXPECT_EQ(run().size(), 3u);
    }
}

/// What stands between those that are the oldest, sent at one time and waited for: each is answered all the same.
TEST_P(ClaimTest, need_not_be_answered_in_order_nor_be_waited_for) {
    NotedClaim& first = await();
    NotedClaim& unawaited = claim();
    NotedClaim& third = await();
    NotedClaim& twice = await(QoS::exactly_once);
    peer.flush();
    peer.now += std::chrono::seconds(1);
    NotedClaim& later = await();
    NotedOperation& operation = peer.publish("t", "y");
    NotedClaim& unsent = await(); // a broker that answers what it cannot have seen
    (void)peer->output();
    std::vector<std::byte> bytes;
    for (const NotedClaim* each : {&third, &first, &unawaited, &later})
        append(bytes, PacketType::puback, each->claim.id);
    append(bytes, PacketType::puback, operation.id);
    append(bytes, PacketType::puback, unsent.claim.id);
    append(bytes, PacketType::pubrec, twice.claim.id);
    append(bytes, PacketType::pubcomp, twice.claim.id);
    peer.receive_bytes(bytes);
    EXPECT_FALSE(peer->failure());
    EXPECT_EQ(unawaited.claim.state, State::answered);
    EXPECT_EQ(operation.outcome, "ok");
    EXPECT_THAT(run(), ElementsAre(third.claim.id, first.claim.id, later.claim.id, unsent.claim.id, twice.claim.id));
    EXPECT_EQ(peer->outstanding(), 0u);
    EXPECT_EQ(peer->outstanding_bytes(), 0u);
}

TEST_P(ClaimTest, count_each_for_its_own_time_and_qos) {
    NotedClaim& early = await();
    peer.flush();
    peer.now += std::chrono::milliseconds(100);
    NotedClaim& late = await();
    NotedClaim& twice = await(QoS::exactly_once);
    peer.flush();
    peer.now += std::chrono::milliseconds(1);
    Statistics before, after;
    peer->count_into(before);
    // The last as of a broker without QoS 2 of its own.
    answer({&early, &late, &twice});
    peer->count_into(after);
    EXPECT_EQ(run().size(), 3u);
    const auto counted = [](const LatencyHistogram& now, const LatencyHistogram& then, int milliseconds) {
        const std::size_t bucket = LatencyHistogram::bucket_of(static_cast<std::uint64_t>(milliseconds) * 1000);
        return now.buckets[bucket] - then.buckets[bucket];
    };
    EXPECT_EQ(counted(after.puback, before.puback, 101), 1u);
    EXPECT_EQ(counted(after.puback, before.puback, 1), 1u);
    EXPECT_EQ(counted(after.pubcomp, before.pubcomp, 1), 1u);
}

TEST_P(ClaimTest, an_answer_that_nobody_asked_for_ends_no_other) {
    NotedClaim& first = await();
    NotedClaim& second = await();
    peer.flush();
    std::vector<std::byte> bytes;
    append(bytes, PacketType::puback, first.claim.id);
    append(bytes, PacketType::puback, 999);
    append(bytes, PacketType::puback, second.claim.id);
    append(bytes, PacketType::puback, second.claim.id);
    peer.receive_bytes(bytes);
    EXPECT_THAT(run(), ElementsAre(first.claim.id, second.claim.id));
    EXPECT_FALSE(peer->failure()); // a late one is no violation
    EXPECT_EQ(peer->outstanding(), 0u);
}

TEST_P(ClaimTest, a_wrong_answer_ends_the_link_and_not_the_claim) {
    NotedClaim& noted = await(QoS::at_least_once);
    peer.flush();
    answer({&noted}, PacketType::pubcomp);
    EXPECT_TRUE(peer->failure());
    EXPECT_EQ(noted.claim.state, State::waiting);
    EXPECT_THAT(run(), IsEmpty());
}

TEST_P(ClaimTest, says_what_the_broker_has_answered) {
    if (!v5()) GTEST_SKIP() << "3.1.1 has no reason codes";
    NotedClaim& nobody = await();
    NotedClaim& refused = claim();
    NotedClaim& refused_twice = await(QoS::exactly_once);
    peer.flush();
    peer.receive(Puback{.packet_id = nobody.claim.id, .reason_code = ReasonCode::no_matching_subscribers});
    peer.receive(Puback{.packet_id = refused.claim.id, .reason_code = ReasonCode::not_authorized});
    peer.receive(Pubrec{.packet_id = refused_twice.claim.id, .reason_code = ReasonCode::quota_exceeded});
    EXPECT_THAT(run(), ElementsAre(nobody.claim.id, refused_twice.claim.id));
    EXPECT_EQ(nobody.claim.reason_code, ReasonCode::no_matching_subscribers);
    EXPECT_EQ(refused.claim.reason_code, ReasonCode::not_authorized);
    EXPECT_EQ(refused_twice.claim.reason_code, ReasonCode::quota_exceeded);
}

TEST_P(ClaimTest, may_be_dropped_while_its_message_is_under_way) {
    {
        NotedClaim unawaited, awaited;
        ASSERT_TRUE(try_claim(unawaited));
        ASSERT_TRUE(try_claim(awaited));
        awaited.wait();
        peer.flush();
    }
    EXPECT_EQ(peer->outstanding(), 2u); // the messages are the session's
    reconnect();
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#2 q1 dup t:x", "PUBLISH#3 q1 dup t:x"));
    peer.receive(Puback{.packet_id = 2});
    peer.receive(Puback{.packet_id = 3});
    EXPECT_EQ(peer->outstanding(), 0u);
    EXPECT_TRUE(ready.empty());
}

TEST_P(ClaimTest, may_be_dropped_when_it_is_ready_and_runs_no_more) {
    NotedClaim& stays = await();
    {
        NotedClaim goes;
        ASSERT_TRUE(try_claim(goes));
        goes.wait();
        peer.flush();
        answer({&stays, &goes});
    }
    EXPECT_THAT(run(), ElementsAre(stays.claim.id));
}

TEST_P(ClaimTest, is_answered_on_a_later_link) {
    NotedClaim& once = await();
    NotedClaim& twice = await(QoS::exactly_once);
    NotedClaim& released = await(QoS::exactly_once);
    peer.flush();
    answer({&released}, PacketType::pubrec);
    reconnect();
    peer.flush();
    answer({&released}, PacketType::pubcomp);
    answer({&once});
    answer({&twice}, PacketType::pubrec);
    answer({&twice}, PacketType::pubcomp);
    EXPECT_THAT(run(), ElementsAre(released.claim.id, once.claim.id, twice.claim.id));
    EXPECT_EQ(peer->outstanding(), 0u);
    Statistics after;
    peer->count_into(after);
    EXPECT_EQ(after.pubcomp.count(), 1u); // how long the other took spans two links
}

TEST_P(ClaimTest, gives_back_no_quota_that_another_link_had_given) {
    if (!v5()) GTEST_SKIP() << "3.1.1 grants no receive maximum";
    NotedClaim& released = await(QoS::exactly_once);
    peer.flush();
    answer({&released}, PacketType::pubrec);
    peer.end();
    peer.connect({.session_present = true, .properties = {.receive_maximum = 2}});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBREL#2"));
    answer({&released}, PacketType::pubcomp);
    for (int i = 0; i < 3; ++i) peer.publish("t", "x", QoS::at_least_once);
    EXPECT_EQ(peer.sent().size(), 2u);
}

TEST_P(ClaimTest, fails_where_the_session_is_suspended_and_its_message_stays) {
    NotedClaim& unawaited = claim();
    NotedClaim& awaited = await();
    peer.flush();
    peer.end();
    EXPECT_EQ(peer->suspend(Failure(Errc::closed)), 2u);
    EXPECT_EQ(unawaited.claim.state, State::failed);
    EXPECT_EQ(awaited.claim.state, State::failed);
    EXPECT_EQ(unawaited.claim.take_failure(), Errc::closed);
    EXPECT_EQ(awaited.resumed, 0);
    EXPECT_THAT(run(), ElementsAre(awaited.claim.id));
    EXPECT_EQ(awaited.claim.take_failure(), Errc::closed);
    EXPECT_EQ(peer->outstanding(), 2u);
    peer.connect({.session_present = true});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#2 q1 dup t:x", "PUBLISH#3 q1 dup t:x"));
    answer({&unawaited, &awaited});
    EXPECT_EQ(peer->outstanding(), 0u);
    EXPECT_THAT(run(), IsEmpty());
    EXPECT_EQ(awaited.resumed, 1);
}

TEST_P(ClaimTest, may_be_dropped_when_it_has_failed_and_runs_no_more) {
    {
        NotedClaim goes;
        ASSERT_TRUE(try_claim(goes));
        goes.wait();
        peer.flush();
        peer->abandon(Failure(Errc::timed_out));
        EXPECT_EQ(goes.claim.state, State::failed);
        EXPECT_FALSE(ready.empty());
    }
    EXPECT_TRUE(ready.empty());
}

TEST_P(ClaimTest, fails_where_the_session_is_abandoned) {
    NotedClaim& under_way = await();
    NotedClaim& unawaited = claim(QoS::exactly_once);
    peer.flush();
    peer->abandon(Failure(Errc::closed));
    EXPECT_EQ(peer->outstanding(), 0u);
    EXPECT_THAT(run(), ElementsAre(under_way.claim.id));
    EXPECT_EQ(under_way.claim.take_failure(), Errc::closed);
    EXPECT_EQ(unawaited.claim.take_failure(), Errc::closed);
}

TEST_P(ClaimTest, fails_where_the_next_link_does_not_take_its_message) {
    if (!v5()) GTEST_SKIP() << "3.1.1 grants no maximum QoS";
    NotedClaim& noted = await(QoS::exactly_once);
    peer.flush();
    peer.end();
    peer.connect({.session_present = true, .properties = {.maximum_qos = 1}});
    EXPECT_THAT(run(), ElementsAre(noted.claim.id));
    EXPECT_EQ(noted.claim.state, State::failed);
    EXPECT_EQ(noted.claim.take_failure().reason_code(), ReasonCode::qos_not_supported);
    EXPECT_EQ(peer->outstanding(), 0u);
}

TEST_P(ClaimTest, goes_over_to_the_other_version) {
    NotedClaim& awaited = await();
    NotedClaim& unawaited = claim();
    peer.flush();
    peer.end();
    peer->use_version(v5() ? Version::v3_1_1 : Version::v5);
    EXPECT_EQ(awaited.claim.state, State::waiting);
    EXPECT_EQ(awaited.claim.node->waiting, &awaited);
    EXPECT_EQ(unawaited.claim.node->waiting, nullptr);
    peer->use_version(GetParam());
    peer.connect({.session_present = true});
    EXPECT_THAT(peer.sent(), ElementsAre("PUBLISH#2 q1 dup t:x", "PUBLISH#3 q1 dup t:x"));
    answer({&awaited, &unawaited});
    EXPECT_THAT(run(), ElementsAre(awaited.claim.id));
    EXPECT_EQ(unawaited.claim.state, State::answered);
    EXPECT_EQ(peer->outstanding_bytes(), 0u);
}

TEST_P(ClaimTest, fails_where_the_session_goes) {
    NotedClaim awaited, unawaited; // they outlive it
    {
        Session session({.version = GetParam()});
        session.set_ready_sink(*this);
        ASSERT_TRUE(session.handle_open({.client_id = "c1"}, peer.now));
        session.handle_input(v5() ? hex("20 03 00 00 00") : hex("20 02 00 00"), peer.now);
        Publish first{.topic = "first", .qos = QoS::at_least_once};
        ASSERT_TRUE(session.publish(first)); // makes the table
        (void)session.output().reserve(std::size_t{4} << 10);
        for (NotedClaim* noted : {&awaited, &unawaited}) {
            pool_free(pool_allocate(sizeof(Exchange) + 16), sizeof(Exchange) + 16);
            ASSERT_TRUE(session.send_plain_tracked<true>("t", as_bytes("x"), QoS::at_least_once, false, noted->claim,
                                                         &ClaimTest::resume));
        }
        awaited.wait();
    }
    EXPECT_EQ(unawaited.claim.take_failure(), Errc::closed);
    EXPECT_THAT(run(), ElementsAre(awaited.claim.id));
    EXPECT_EQ(awaited.claim.take_failure(), Errc::closed);
}

/// The long way takes it: the short one has no look at what it cannot be sure of.
TEST_P(ClaimTest, is_not_made_where_something_stands_in_the_way) {
    NotedClaim noted;
    const auto refused = [&](std::string_view topic, std::string_view payload, QoS qos, bool retain = false) {
        pool_free(pool_allocate(sizeof(Exchange) + 16), sizeof(Exchange) + 16);
        return !peer->send_plain_tracked<true>(topic, as_bytes(payload), qos, retain, noted.claim, &ClaimTest::resume);
    };
    EXPECT_TRUE(refused("", "x", QoS::at_least_once));
    EXPECT_TRUE(refused("#", "x", QoS::at_least_once));
    EXPECT_TRUE(refused("a/+/b/c/d", "x", QoS::at_least_once));
    EXPECT_TRUE(refused("\xC3\xA4", "x", QoS::at_least_once)); // to be looked at
    peer->allow_direct(false);
    EXPECT_TRUE(refused("t", "x", QoS::at_least_once));
    peer->allow_direct(true);
    EXPECT_FALSE(refused("t", "x", QoS::at_least_once));
    noted.claim.drop();
    noted.claim.state = State::none;
    peer->disconnect();
    EXPECT_TRUE(refused("t", "x", QoS::at_least_once));
    EXPECT_EQ(noted.claim.state, State::none);
    EXPECT_EQ(peer->outstanding(), 1u);
}

/// What is short is not measured one by one.
TEST_P(ClaimTest, is_not_made_where_the_broker_takes_less_than_short_packets) {
    if (!v5()) GTEST_SKIP() << "3.1.1 grants no maximum packet size";
    for (const std::uint32_t most : {127U, 128U}) {
        peer.end();
        connect({.session_present = true, .properties = {.maximum_packet_size = most}});
        NotedClaim noted;
        EXPECT_EQ(try_claim(noted), most == 128);
        EXPECT_EQ(peer->send_plain_once<true>("t", as_bytes("x"), false), most == 128);
    }
}

TEST_P(ClaimTest, is_not_made_beyond_the_bounds) {
    SessionPeer narrow{GetParam(), {.outbound_messages = 2, .outbound_bytes = 3 * sizeof(Exchange)}};
    narrow->set_ready_sink(*this);
    narrow.connect();
    NotedOperation& first = narrow.publish("first", "");
    narrow.flush();
    narrow.receive(Puback{.packet_id = first.id});
    (void)narrow->output().reserve(std::size_t{4} << 10);
    const std::string half(sizeof(Exchange) / 2 + 20, 'x');
    const auto claims_one = [&](NotedClaim& noted, std::string_view payload) {
        for (const std::size_t size : {16U, 80U})
            pool_free(pool_allocate(sizeof(Exchange) + size), sizeof(Exchange) + size);
        return narrow->send_plain_tracked<true>("t", as_bytes(payload), QoS::at_least_once, false, noted.claim,
                                                &ClaimTest::resume);
    };
    NotedClaim one, two, three;
    EXPECT_TRUE(claims_one(one, half));
    EXPECT_FALSE(claims_one(two, half)); // by bytes
    EXPECT_TRUE(claims_one(two, "x"));
    EXPECT_FALSE(claims_one(three, "")); // by messages
    EXPECT_EQ(three.claim.state, State::none);
    EXPECT_EQ(narrow->outstanding(), 2u);
    EXPECT_LE(narrow->outstanding_bytes(), 3 * sizeof(Exchange));
    for (NotedClaim* noted : {&one, &two}) noted->claim.drop();
    for (NotedClaim* noted : {&one, &two}) noted->claim.state = State::none;
}

} // namespace
} // namespace culex::session
