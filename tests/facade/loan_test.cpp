// Rule 8: a mid is known at once, without asking the I/O thread; and what the session would have said still holds.
#include <atomic>

#include "client/arguments.hpp"
#include "facade/facade_test.hpp"
#include "facade/request.hpp"

namespace culex::facade {
namespace {

class LoanTest : public FacadeTest {
protected:
    LoanTest() {
        client.on(PUBACK, [this](Client&, const CallbackData& data) { acknowledged.put(data.mid); });
        client.on(PUBCOMP, [this](Client&, const CallbackData& data) { acknowledged.put(data.mid); });
    }
    /// The first one asks.
    void begin() {
        connect(client);
        client.loop();
        const PacketId first = client.publish("first", "", 1);
        EXPECT_EQ(first, acknowledged.take());
        published.take();
    }
    void grant(const ConnackProperties& granted) {
        broker.call([&](FakeBroker& b) { b.options().connack = granted; });
    }

    Box<PacketId> acknowledged;
    Client client{"c", true, settings()};
};
CULEX_BOTH_VERSIONS(LoanTest);

TEST_P(LoanTest, rule_08_publish_gives_the_mid_while_the_io_thread_is_busy) {
    begin();
    std::vector<PacketId> mids;
    std::vector<std::string> sent;
    {
        BusyIoThread busy;
        drop_connections();
        ASSERT_TRUE(busy.held.wait());
        for (int i = 0; i < 500; ++i) {
            sent.push_back(std::to_string(i));
            mids.push_back(client.publish("a", sent.back(), 1 + i % 2));
        }
        EXPECT_EQ(0u, published.size());
    }
    std::set<PacketId> different(mids.begin(), mids.end());
    EXPECT_EQ(500u, different.size());
    EXPECT_FALSE(different.contains(0));
    EXPECT_EQ(sent, published_payloads(500));
    std::set<PacketId> answered;
    for (const PacketId id : acknowledged.take(500)) answered.insert(id);
    EXPECT_EQ(different, answered);
}

TEST_P(LoanTest, rule_08_a_mid_is_the_packet_identifier_whatever_is_asked_between) {
    Box<PacketId> granted;
    client.on(SUBACK, [&](Client&, const CallbackData& data) { granted.put(data.mid); });
    begin();
    for (int i = 0; i < 300; ++i) {
        std::vector<PacketId> mids;
        for (int j = 0; j < 20; ++j) mids.push_back(client.publish("a", "x", 1));
        const PacketId asked = client.subscribe({{"b", 1}});
        EXPECT_THAT(mids, ::testing::Not(::testing::Contains(asked)));
        ASSERT_EQ(asked, granted.take());
        ASSERT_EQ(mids, acknowledged.take(20));
    }
}

TEST_P(LoanTest, rule_08_mids_go_on_after_a_disconnect_that_has_left_some_unused) {
    ClientSettings hasty = slow_settings();
    hasty.drain = 0ms;
    hasty.outbound.messages = 100;
    Client left{"l", true, hasty};
    for (int round = 0; round < 5; ++round) {
        connect(left);
        std::set<PacketId> mids;
        for (int i = 0; i < 50; ++i) mids.insert(left.publish("a", "x", 1));
        EXPECT_EQ(50u, mids.size());
        drop_connections();
        for (int i = 0; i < 200; ++i) {
            if (failure_of([&] { left.publish("a", "x", 0); })) break; // some wait for room, and some never get any
            if (i > 40) break;
        }
        left.disconnect();
    }
    begin(); // the broker is well
}

TEST_P(LoanTest, rule_10_what_the_broker_does_not_grant_is_still_refused_by_publish) {
    if (GetParam() == Version::v3_1_1) GTEST_SKIP() << "there a broker grants all";
    grant({.maximum_qos = std::uint8_t{1}, .retain_available = std::uint8_t{0}, .maximum_packet_size = 100});
    begin();
    for (int i = 0; i < 3; ++i) {
        EXPECT_NE(0, client.publish("a", "x", 1));
        EXPECT_TRUE(failure_of([&] { client.publish("a", "x", 2); }) == Errc::not_supported);
        EXPECT_TRUE(failure_of([&] { client.publish("a", "x", 1, true); }) == Errc::not_supported);
        EXPECT_TRUE(failure_of([&] { client.publish("a", std::string(100, 'x'), 1); }) == Errc::packet_too_large);
    }
    EXPECT_EQ(3u, acknowledged.take(3).size());
}

/// At QoS 0 nobody waits for the session's word.
TEST_P(LoanTest, rule_10_what_the_broker_does_not_grant_is_dropped_at_qos_0_and_the_log_says_so) {
    if (GetParam() == Version::v3_1_1) GTEST_SKIP() << "there a broker grants all";
    grant({.retain_available = std::uint8_t{0}});
    begin();
    LogCapture log;
    client.publish("a", "kept", 0, true);
    EXPECT_THAT(log.lines.take(), HasSubstr("a message was dropped: "));
    client.publish("a", "not kept", 0, false);
    EXPECT_EQ("not kept", published.take().payload);
}

TEST_P(LoanTest, rule_08_mids_of_refused_messages_are_not_used_up) {
    ClientSettings narrow = settings();
    narrow.outbound = {.messages = 2, .when_full = WhenFull::refuse};
    Client bounded{"b", true, narrow};
    bounded.on(PUBACK, [this](Client&, const CallbackData& data) { acknowledged.put(data.mid); });
    // Two wait for their answers until the next connection, and meanwhile all others are too many.
    broker.call([](FakeBroker& b) {
        b.inject({.sent = {.packets = {{.type = PacketType::puback}, {.type = PacketType::puback, .nth = 2}}}});
    });
    connect(bounded);
    bounded.loop();
    bounded.publish("a", "x", 1);
    bounded.publish("a", "x", 1);
    published.take(2);
    for (std::size_t i = 0; i <= RequestQueue::most; ++i) { // as many as are lent at once
        ASSERT_TRUE(failure_of([&] { bounded.publish("a", "x", 1); }) == Errc::queue_full);
    }
    drop_connections();
    acknowledged.take(2);
    const PacketId third = bounded.publish("a", "x", 1);
    EXPECT_EQ(third, acknowledged.take());
    Gate taken;
    BusyIoThread busy;
    drop_connections();
    ASSERT_TRUE(busy.held.wait());
    std::jthread other([&] {
        EXPECT_NE(0, bounded.publish("a", "x", 1));
        taken.open();
    });
    EXPECT_TRUE(taken.wait()); // without the I/O thread
    busy.release.open();
}

TEST_P(LoanTest, rule_08_bounds_of_the_queue_hold_for_the_lent_part_too) {
    ClientSettings narrow = slow_settings();
    narrow.outbound = {.messages = 1000, .when_full = WhenFull::refuse};
    narrow.drain = 0ms;
    Client bounded{"b", true, narrow};
    connect(bounded);
    bounded.publish("a", "x", 1);
    published.take();
    BusyIoThread busy;
    drop_connections();
    ASSERT_TRUE(busy.held.wait());
    // One that is not covered waits for the I/O thread, which says no; that one is busy, so all before it were covered.
    int taken = 0;
    std::jthread other([&] {
        const Failure failure = failure_of([&] {
            for (;; ++taken) bounded.publish("a", "x", 1);
        });
        EXPECT_TRUE(failure == Errc::queue_full) << failure.message();
    });
    busy.release.open();
    other.join();
    EXPECT_GE(1000, taken);
    EXPECT_LE(999, taken);
}

/// Its mid was returned, and the I/O thread had not seen it yet.
TEST_P(LoanTest, rule_07_a_message_that_has_its_mid_is_kept_when_the_client_gives_up) {
    ClientSettings alone = settings();
    alone.reconnect.enabled = false;
    Client sender{"s", true, alone};
    connect(sender);
    for (const bool after_disconnect : {false, true}) {
        sender.publish("a", "sent", 1); // from here on mids are lent
        EXPECT_EQ("sent", published.take().payload);
        {
            BusyIoThread busy;
            drop_connections();
            ASSERT_TRUE(busy.held.wait());
            EXPECT_NE(0, sender.publish("a", "kept", 1));
            EXPECT_NE(0, sender.publish("a", "kept as well", 2));
        }
        Failure failure; // until the client has given up
        do {
            failure = failure_of([&] { sender.publish("a", "x"); });
        } while (!failure);
        if (after_disconnect) {
            EXPECT_EQ(2u, sender.disconnect());
        }
        sender.reconnect();
        sender.publish("a", "second", 1);
        EXPECT_THAT(published_payloads(3), ElementsAre("kept", "kept as well", "second"));
    }
    EXPECT_EQ(0u, sender.disconnect());
}

TEST(Loan, covers_a_message_whose_bytes_find_room) {
    Publish message{.topic = "a", .payload = as_bytes("payload"), .qos = QoS::at_least_once};
    const session::Exchange::Owner prepared = client::prepare(message, Version::v5, nullptr).value();
    Loan loan{.next_id = 1, .end_of_ids = 2, .messages = 1, .bytes = prepared->footprint()};
    EXPECT_TRUE(loan.covers(*prepared, false));
    --loan.bytes;
    EXPECT_FALSE(loan.covers(*prepared, false));
}

} // namespace
} // namespace culex::facade
