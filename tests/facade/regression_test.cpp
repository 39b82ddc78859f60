// Traps that other clients fell into, at the documented client.
#include <atomic>

#include "facade/facade_test.hpp"

namespace culex::facade {
namespace {

class EveryCallback : public FacadeTest {
protected:
    /// Makes the broker send a packet of this kind, in most cases with an answer to one of ours.
    void provoke(Client& client, Command kind) {
        switch (kind) {
        case Command::publish:
            return publish("a", "to the client", QoS::at_least_once);
        case Command::pubrel:
            return publish("a", "to the client", QoS::exactly_once);
        case Command::puback:
            client.publish("b", "from the client", 1);
            return;
        case Command::pubrec:
        case Command::pubcomp:
            client.publish("b", "from the client", 2);
            return;
        case Command::suback:
            client.subscribe({{"y", 0}});
            return;
        case Command::unsuback:
            client.unsubscribe({"y"});
            return;
        default:
            return; // PINGRESP comes by itself
        }
    }
    void call_everything(Client& client) {
        client.publish("b", "0");
        EXPECT_NE(0, client.publish("b", "1", 1));
        EXPECT_NE(0, client.publish("b", "2", 2));
        EXPECT_NE(0, client.subscribe({{"x", 1}}));
        EXPECT_NE(0, client.unsubscribe({"x"}));
        client.on(PUBLISH, [](Client&, const CallbackData&) {});
        client.set_username_pw("user", "secret");
        client.loop();
        client.reconnect();
        EXPECT_EQ(0u, client.disconnect());
        connect(client);
        client.reconnect();
        client.set_will("b", "gone");
        client.loop(); // disconnect has ended it
        client.publish("b", "done", 2);
    }
};
CULEX_BOTH_VERSIONS(EveryCallback);

TEST_P(EveryCallback, may_call_every_method) {
    for (const Command kind : {PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, PINGRESP}) {
        Client client{"c", true, settings()};
        client.connect("127.0.0.1", kind == PINGRESP ? 1 : 60, broker.port());
        client.loop();
        subscribe(client, "a", 2);
        Box<std::string> said;
        std::atomic<bool> called = false;
        client.on(kind, [&](Client& c, const CallbackData&) {
            if (!called.exchange(true)) said.put(fault_of([&] { call_everything(c); }));
        });
        provoke(client, kind);
        EXPECT_EQ("", said.take()) << static_cast<int>(kind);
        while (published.take().payload != "done" && !HasFailure()) { // the client works as before
        }
        if (HasFailure()) return;
    }
}

class SentAgain : public FacadeTest {};
CULEX_BOTH_VERSIONS(SentAgain);

/// Its callback runs while the connection is lost, and the broker, which has not heard of it, sends PUBREL again.
TEST_P(SentAgain, a_qos_2_message_does_not_reach_the_user_twice) {
    Gate entered;
    Gate leave;
    Box<std::string> messages;
    Box<PacketId> arrivals; // of PUBLISH, which at QoS 2 brings no message yet
    Client client{"c", false, settings()};
    connect(client);
    client.loop([&](Client&, const CallbackData& data) {
        if (!data.message) return; // of a PUBREL that was sent again
        messages.put(std::string(data.message->text()));
        if (data.message->text() == "1") {
            entered.open();
            EXPECT_TRUE(leave.wait());
        }
    });
    client.on(PUBLISH, [&](Client&, const CallbackData&) { arrivals.put(0); });
    subscribe(client, "a", 2);
    connected.take();
    publish("a", "1", QoS::exactly_once);
    ASSERT_TRUE(entered.wait());
    drop_connections();
    EXPECT_EQ("c", connected.take());
    leave.open();
    publish("a", "2", QoS::exactly_once);
    EXPECT_THAT(messages.take(2), ElementsAre("1", "2"));
    // A PUBREC that is lost has the whole message sent again.
    broker.call([](FakeBroker& b) { b.inject({.received = {.packets = {{.type = PacketType::pubrec}}}}); });
    drop_connections();
    EXPECT_EQ("c", connected.take());
    publish("a", "3", QoS::exactly_once);
    arrivals.take(3);
    drop_connections();
    EXPECT_EQ("c", connected.take());
    publish("a", "4", QoS::exactly_once);
    EXPECT_THAT(messages.take(2), ElementsAre("3", "4"));
    const auto in_flight = [&] { return broker.call([](FakeBroker& b) { return b.session("c")->in_flight; }); };
    const TimePoint end = Clock::now() + patience;
    while (in_flight() > 0 && Clock::now() < end) std::this_thread::yield();
    EXPECT_EQ(0u, in_flight());
    EXPECT_EQ(0u, client.disconnect());
    EXPECT_EQ(0u, messages.size());
}

} // namespace
} // namespace culex::facade
