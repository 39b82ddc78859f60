// Rule 9: disconnecting, and the destructor.
#include <algorithm>
#include <atomic>

#include "facade/facade_test.hpp"

namespace culex::facade {
namespace {

class Disconnecting : public FacadeTest {
protected:
    void expect_will(bool expected, std::string_view what) {
        const auto messages = broker.call([](FakeBroker& b) { return b.messages(); });
        const auto is_will = [](const PublishedMessage& message) { return message.will; };
        EXPECT_EQ(expected, std::ranges::any_of(messages, is_will)) << what;
    }
};
CULEX_BOTH_VERSIONS(Disconnecting);

TEST_P(Disconnecting, rule_09_disconnect_comes_after_all_that_was_published_and_discards_the_will) {
    Client client{"c", true, settings()};
    client.set_will("status", "gone", 1, true);
    connect(client);
    for (int i = 0; i < 300; ++i) client.publish("a", std::to_string(i), i % 3);
    EXPECT_EQ(0u, client.disconnect());
    EXPECT_EQ(300u, published_payloads(300).size());
    EXPECT_EQ(1u, received(PacketType::disconnect));
    EXPECT_EQ(PacketType::disconnect, broker.call([](FakeBroker& b) { return b.log().back().type(); }));
    expect_will(false, "after disconnect");
}

TEST_P(Disconnecting, a_client_that_is_cut_off_has_its_will_published) {
    Client client{"c", true, slow_settings()};
    client.set_will("status/c", "gone", 1, true);
    connect(client);
    drop_connections();
    const PublishedMessage will = published.take();
    EXPECT_EQ("status/c", will.topic);
    EXPECT_EQ("gone", will.payload);
    EXPECT_EQ(QoS::at_least_once, will.qos);
    EXPECT_TRUE(will.retain);
    EXPECT_TRUE(will.will);
}

TEST_P(Disconnecting, rule_09_the_destructor_does_the_same) {
    {
        Client client{"c", true, settings()};
        client.set_will("status", "gone");
        connect(client);
        client.loop();
        for (int i = 0; i < 100; ++i) client.publish("a", std::to_string(i), i % 3);
    }
    EXPECT_EQ(100u, published_payloads(100).size());
    EXPECT_EQ(1u, received(PacketType::disconnect));
    expect_will(false, "after the destructor");
}

TEST_P(Disconnecting, rule_09_disconnect_ends_the_loop_and_what_has_arrived_is_dispatched_first) {
    std::atomic<int> acks = 0;
    Gate first, go_on, ended;
    script(Script{}
               .expect(PacketType::connect)
               .acknowledge()
               .answer(PacketType::publish)
               .expect(PacketType::disconnect)
               .run([&] { go_on.open(); }) // all but the first still wait to be dispatched
               .close());
    Client client{"c", true, settings()};
    connect(client);
    client.on(PUBACK, [&](Client& c, const CallbackData&) {
        open_at_thread_end(ended);
        first.open();
        EXPECT_TRUE(go_on.wait());
        while (c.connected()) std::this_thread::yield();
        (void)
            c.statistics(); // goes to the I/O thread and back: meanwhile `disconnect` has its answer, and ends the loop
        ++acks;
    });
    client.loop();
    for (int i = 0; i < 50; ++i) client.publish("a", "b", 1);
    EXPECT_TRUE(first.wait());
    client.disconnect();
    EXPECT_EQ(50, acks);
    EXPECT_TRUE(ended.is_open());
}

TEST_P(Disconnecting, rule_09_disconnect_in_a_callback_ends_the_loop_with_that_callback) {
    std::atomic<int> called = 0;
    Gate ended;
    Client client{"c", true, settings()};
    connect(client);
    client.on(PUBACK, [&](Client& c, const CallbackData&) {
        open_at_thread_end(ended);
        ++called;
        c.disconnect();
    });
    client.loop();
    for (int i = 0; i < 10; ++i) failure_of([&] { client.publish("a", "b", 1); });
    EXPECT_TRUE(ended.wait());
    EXPECT_EQ(1, called);
}

TEST_P(Disconnecting, rule_09_a_loop_that_has_ended_may_be_started_again) {
    Box<std::string> said;
    Client client{"c", true, settings()};
    client.on(PUBACK, [&](Client&, const CallbackData&) { said.put("ack"); });
    for (int i = 0; i < 3; ++i) {
        connect(client);
        client.loop();
        client.publish("a", "b", 1);
        EXPECT_EQ("ack", said.take());
        client.disconnect();
    }
    EXPECT_EQ(3u, received(PacketType::disconnect));
}

TEST_P(Disconnecting, disconnect_without_a_connection_does_nothing) {
    Client client{"c", true, settings()};
    EXPECT_EQ(0u, client.disconnect());
    client.loop();
    EXPECT_EQ(0u, client.disconnect());
    connect(client);
    EXPECT_EQ(0u, client.disconnect());
    EXPECT_EQ(0u, client.disconnect());
}

TEST_P(Disconnecting, rule_09_disconnect_is_not_held_up_by_a_broker_that_acknowledges_nothing) {
    script(Script{}
               .expect(PacketType::connect)
               .acknowledge()
               .expect(PacketType::publish)
               .expect(PacketType::publish)
               .expect(PacketType::disconnect)
               .close());
    ClientSettings hasty = settings();
    hasty.drain = 20ms;
    Client client{"c", true, hasty};
    connect(client);
    client.publish("a", "b", 1);
    client.publish("a", "b", 2);
    EXPECT_EQ(2u, client.disconnect());
}

TEST_P(Disconnecting, rule_09_the_destructor_is_not_held_up_by_a_broker_that_does_nothing_at_all) {
    script(Script{}.expect(PacketType::connect).acknowledge().stall());
    ClientSettings hasty = settings();
    hasty.drain = 20ms;
    Client client{"c", true, hasty};
    connect(client);
    client.loop();
    for (int i = 0; i < 10; ++i) client.publish("a", std::string(1 << 20, 'x'), i % 3);
}

TEST_P(Disconnecting, rule_09_the_destructor_is_not_held_up_by_a_lost_connection) {
    ClientSettings hasty = slow_settings();
    hasty.drain = 20ms;
    Gate lost;
    Client client{"c", true, hasty};
    connect(client);
    drop_connections();
    for (int i = 0; i < 10; ++i) client.publish("a", "b", i % 3);
}

TEST_P(Disconnecting, rule_09_the_destructor_is_not_held_up_by_a_callback_that_waits_for_it) {
    ClientSettings hasty = settings();
    hasty.drain = 20ms;
    auto entered = std::make_shared<Gate>();
    auto destroyed = std::make_shared<Gate>();
    auto left = std::make_shared<Gate>();
    {
        Client client{"c", true, hasty};
        connect(client);
        client.on(PUBACK, [=](Client&, const CallbackData&) {
            entered->open();
            EXPECT_TRUE(destroyed->wait());
            left->open();
        });
        client.loop();
        client.publish("a", "b", 1);
        EXPECT_TRUE(entered->wait());
    }
    destroyed->open();
    EXPECT_TRUE(left->wait());
}

TEST_P(Disconnecting, rule_09_no_callback_begins_once_the_destructor_has) {
    std::atomic<int> called = 0;
    Gate first, go_on;
    script(Script{}
               .expect(PacketType::connect)
               .acknowledge()
               .answer(PacketType::publish)
               .expect(PacketType::disconnect)
               .run([&] { go_on.open(); }) // the destructor is at work
               .close());
    {
        Client client{"c", true, settings()};
        connect(client);
        client.on(PUBACK, [&](Client&, const CallbackData&) {
            ++called;
            first.open();
            EXPECT_TRUE(go_on.wait());
        });
        client.loop();
        for (int i = 0; i < 50; ++i) client.publish("a", "b", 1);
        EXPECT_TRUE(first.wait());
    }
    EXPECT_EQ(1, called);
}

/// On the I/O thread, where nobody may wait for it.
TEST_P(Disconnecting, a_client_may_be_destroyed_in_a_log_hook) {
    struct Destroys {
        std::unique_ptr<Client> client;
        Gate done;
    } destroys{std::make_unique<Client>("c", true, slow_settings()), {}};
    connect(*destroys.client);
    destroys.client->loop();
    set_log_hook(
        [](void* self, LogLevel, std::string_view) {
            static_cast<Destroys*>(self)->client.reset();
            static_cast<Destroys*>(self)->done.open();
        },
        &destroys, LogLevel::info);
    drop_connections();
    EXPECT_TRUE(destroys.done.wait());
    set_log_hook(nullptr);
    EXPECT_EQ("c", connected.take());

    Client other{"other", true, settings()}; // has the same I/O thread
    connect(other);
    EXPECT_EQ("other", connected.take());
    other.publish("a", "x", 2);
    EXPECT_EQ(0u, other.disconnect());
    EXPECT_EQ(2u, received(PacketType::connect));
}

TEST_P(Disconnecting, publishers_that_wait_on_other_threads_end_with_closed_when_the_client_is_destroyed) {
    script(Script{}.expect(PacketType::connect).acknowledge().expect(PacketType::publish).stall());
    ClientSettings narrow = slow_settings();
    narrow.drain = 20ms;
    narrow.outbound.messages = 1;
    auto client = std::make_unique<Client>("c", true, narrow);
    connect(*client);
    client->publish("a", "b", 1);
    Box<std::string> ended;
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&, raw = client.get()] {
            const Failure failure = failure_of([&] { raw->publish("a", "b", 1); });
            ended.put(failure == Errc::closed ? "closed" : failure.message());
        });
    }
    wait_until_waiting(*client, 3);
    client.reset();
    EXPECT_THAT(ended.take(3), ElementsAre("closed", "closed", "closed"));
}

/// `milliseconds::max()`, which as nanoseconds from now on would be long past.
TEST_P(Disconnecting, a_drain_without_end_waits_for_what_is_under_way) {
    ClientSettings patient = settings();
    patient.drain = std::chrono::milliseconds::max();
    for (const bool by_options : {false, true}) {
        script(Script{}
                   .expect(PacketType::connect)
                   .acknowledge()
                   .expect(PacketType::publish)
                   .after(20ms)
                   .acknowledge()
                   .pass_to_broker());
        std::atomic<int> acks = 0;
        Client client{"c", true, patient};
        connect(client);
        client.on(PUBACK, [&](Client&, const CallbackData&) { ++acks; });
        client.loop();
        client.publish("a", "b", 1);
        EXPECT_EQ(0u, by_options ? client.disconnect({.drain = patient.drain}) : client.disconnect());
        EXPECT_EQ(1, acks);
    }
}

} // namespace
} // namespace culex::facade
