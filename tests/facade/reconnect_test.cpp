// Rule 7: lost connections.
#include "facade/facade_test.hpp"

namespace culex::facade {
namespace {

class Reconnecting : public FacadeTest {
protected:
    Client client{"c", true, settings()};
    Client slow{"slow", true, slow_settings()};
};
CULEX_BOTH_VERSIONS(Reconnecting);

TEST_P(Reconnecting, rule_07_a_lost_connection_is_made_again_with_the_hooks_around_it) {
    Box<std::string> said;
    connect(client, {.before_reconnect =
                         [&](Client& c) {
                             EXPECT_EQ(&client, &c);
                             said.put("before");
                         },
                     .after_connect = [&](Client&) { said.put("after"); }});
    client.loop();
    EXPECT_EQ("after", said.take());
    for (int i = 0; i < 3; ++i) {
        drop_connections();
        EXPECT_THAT(said.take(2), ElementsAre("before", "after"));
    }
    client.publish("a", "again", 1);
    EXPECT_EQ("again", published.take().payload);
    EXPECT_EQ(4u, received(PacketType::connect));
}

TEST_P(Reconnecting, rule_07_before_reconnect_runs_before_each_attempt) {
    Box<std::string> said;
    const Connack busy{.reason_code = ReasonCode::server_unavailable};
    connect(client, {.before_reconnect = [&](Client&) { said.put("before"); },
                     .after_connect = [&](Client&) { said.put("after"); }});
    client.loop();
    for (int i = 0; i < 3; ++i) script(Script{}.expect(PacketType::connect).reply(busy).drop());
    drop_connections();
    EXPECT_THAT(said.take(6), ElementsAre("after", "before", "before", "before", "before", "after"));
}

TEST_P(Reconnecting, rule_07_before_reconnect_may_renew_the_credentials) {
    broker.call([](FakeBroker& b) { b.options().users = {{"user", "first"}}; });
    client.set_username_pw("user", "first");
    Box<std::string> said;
    connect(client, {.before_reconnect = [&](Client& c) { c.set_username_pw("user", "second"); },
                     .after_connect = [&](Client&) { said.put("after"); }});
    client.loop();
    said.take();
    broker.call([](FakeBroker& b) {
        b.options().users = {{"user", "second"}};
        b.drop_all_connections();
    });
    EXPECT_EQ("after", said.take());
}

TEST_P(Reconnecting, rule_07_after_connect_runs_before_the_messages_of_its_connection) {
    Box<std::string> said;
    Gate connected_once; // `connect` runs the first hook on this thread, while the loop runs on
    const Publish message{.topic = "a", .payload = as_bytes("message")};
    for (int i = 0; i < 2; ++i) {
        script(Script{}.expect(PacketType::connect).acknowledge().reply(message).expect(PacketType::publish).drop());
    }
    client.loop([&](Client& c, const CallbackData& data) {
        said.put(std::string(data.message->text()));
        EXPECT_TRUE(connected_once.wait());
        c.publish("b", "x");
    });
    connect(client, {.after_connect = [&](Client&) { said.put("after"); }});
    connected_once.open();
    const auto all = said.take(5);
    EXPECT_THAT(std::vector(all.begin() + 2, all.end()), ElementsAre("after", "message", "after"));
}

TEST_P(Reconnecting, rule_07_reconnect_does_it_at_once) {
    connect(slow);
    drop_connections();
    slow.reconnect(); // it would not come by itself: the delay is an hour
    slow.publish("a", "again", 1);
    EXPECT_EQ("again", published.take().payload);
    EXPECT_EQ(2u, received(PacketType::connect));
}

TEST_P(Reconnecting, rule_07_reconnect_replaces_a_connection_that_is_there) {
    connect(client);
    client.reconnect();
    client.publish("a", "again", 1);
    EXPECT_EQ("again", published.take().payload);
    EXPECT_EQ(2u, received(PacketType::connect));
}

TEST_P(Reconnecting, rule_07_reconnect_needs_a_connect_before_it) {
    EXPECT_TRUE(failure_of([&] { client.reconnect(); }) == Errc::not_connected);
    const int nobodys = BrokerThread().port();
    EXPECT_TRUE(failure_of([&] { client.connect("127.0.0.1", 60, nobodys); }));
    EXPECT_TRUE(failure_of([&] { client.reconnect(); }) == Errc::not_connected);
    connect(client);
    client.disconnect();
    client.reconnect();
    client.publish("a", "again", 1);
    EXPECT_EQ("again", published.take().payload);
}

TEST_P(Reconnecting, rule_07_reconnect_throws_what_went_wrong_and_the_client_goes_on_trying) {
    connect(client);
    const Connack busy{.reason_code = ReasonCode::server_unavailable};
    script(Script{}.expect(PacketType::connect).reply(busy).drop());
    const Failure failure = failure_of([&] { client.reconnect(); });
    EXPECT_TRUE(failure == Errc::connection_refused) << failure.message();
    client.publish("a", "waits for the next attempt", 1);
    EXPECT_EQ("waits for the next attempt", published.take().payload);
}

TEST_P(Reconnecting, rule_07_a_client_that_is_not_wanted_gives_up_and_says_why) {
    Box<std::string> said;
    connect(client, {.before_reconnect = [&](Client&) { said.put("before"); }});
    client.loop();
    client.publish("a", "kept", 0);
    published.take();
    script(Script{}.expect(PacketType::connect).reply(Connack{.reason_code = ReasonCode::not_authorized}).drop());
    EXPECT_TRUE(failure_of([&] { client.reconnect(); }) == Errc::connection_refused);
    const Failure failure = failure_of([&] { client.publish("a", "b"); });
    EXPECT_TRUE(failure == Errc::not_connected) << failure.message();
    EXPECT_THAT(failure.detail(), HasSubstr(std::string(to_string(ReasonCode::not_authorized))));
    client.reconnect();
    client.publish("a", "again", 1);
    EXPECT_EQ("again", published.take().payload);
}

TEST_P(Reconnecting, rule_07_the_policys_own_verdicts_go_first_and_are_copied) {
    std::vector<ReasonVerdict> table{{ReasonCode::not_authorized, Verdict::try_again}};
    ClientSettings stubborn = settings();
    stubborn.reconnect.verdicts = table;
    Client sender{"s", true, stubborn};
    table.assign(1, {ReasonCode::not_authorized, Verdict::give_up});
    Box<std::string> said;
    connect(sender, {.after_connect = [&](Client&) { said.put("after"); }});
    sender.loop();
    said.take();
    for (int i = 0; i < 3; ++i)
        script(Script{}.expect(PacketType::connect).reply(Connack{.reason_code = ReasonCode::not_authorized}).drop());
    drop_connections();
    EXPECT_EQ("after", said.take());
    EXPECT_EQ(5u, received(PacketType::connect));
}

TEST_P(Reconnecting, connect_replaces_a_reconnection_under_way) {
    connect(slow);
    drop_connections();
    BrokerThread other;
    Box<std::string> said;
    other.call(
        [&](FakeBroker& b) { b.subscribe("#", [&](const PublishedMessage& message) { said.put(message.payload); }); });
    Failure failure; // until the client has seen that its connection is lost
    do {
        failure = failure_of([&] { slow.connect("127.0.0.1", 60, other.port()); });
    } while (failure == Errc::already_connected);
    EXPECT_FALSE(failure) << failure.message();
    slow.publish("a", "elsewhere", 1);
    EXPECT_EQ("elsewhere", said.take());
    slow.disconnect();
}

/// With either kind of session [MQTT-4.4.0-1] [MQTT-4.6.0-1].
TEST_P(Reconnecting, rule_07_unacknowledged_messages_are_sent_again_in_their_first_order_with_dup) {
    const auto publish = [](bool dup, std::string payload) {
        return [=](const Publish& p) { return p.dup == dup && as_text(p.payload) == payload; };
    };
    for (const bool clean_session : {true, false}) {
        script(Script{"acknowledges nothing"}
                   .expect(PacketType::connect)
                   .acknowledge()
                   .expect<Publish>(publish(false, "first"))
                   .expect<Publish>(publish(false, "second"))
                   .expect<Publish>(publish(false, "third"))
                   .drop());
        script(Script{"gets it all again"}
                   .expect(PacketType::connect)
                   .acknowledge()
                   .expect<Publish>(publish(true, "first"))
                   .acknowledge()
                   .expect<Publish>(publish(true, "second"))
                   .acknowledge()
                   .expect<Publish>(publish(true, "third"))
                   .acknowledge()
                   .expect(PacketType::pubrel)
                   .acknowledge()
                   .pass_to_broker());
        Client sender{"s", clean_session, settings()};
        connect(sender);
        sender.publish("a", "first", 1);
        sender.publish("a", "second", 2);
        sender.publish("a", "third", 1);
        EXPECT_EQ(0u, sender.disconnect());
    }
}

TEST_P(Reconnecting, rule_07_qos_2_goes_on_at_the_step_that_it_had_reached) {
    Box<PacketId> ids;
    const auto is_known = [&](const Pubrel& packet) { return packet.packet_id == ids.take(); };
    script(Script{}
               .expect(PacketType::connect)
               .acknowledge()
               .expect(PacketType::publish)
               .acknowledge()
               .expect<Pubrel>([&](const Pubrel& packet) {
                   ids.put(packet.packet_id);
                   return true;
               })
               .drop());
    script(Script{}
               .expect(PacketType::connect)
               .reply(Connack{.session_present = true})
               .expect<Pubrel>(is_known)
               .acknowledge()
               .pass_to_broker());
    Client sender{"s", false, settings()};
    connect(sender);
    sender.publish("a", "b", 2);
    EXPECT_EQ(0u, sender.disconnect());
}

TEST_P(Reconnecting, rule_07_a_client_that_had_given_up_sends_again_what_it_kept) {
    ClientSettings alone = settings();
    alone.reconnect.enabled = false;
    Client sender{"s", true, alone};
    script(Script{}.expect(PacketType::connect).acknowledge().expect(PacketType::publish).drop());
    connect(sender);
    sender.publish("a", "kept", 1);
    Failure failure; // until the client has seen that its connection is lost
    do {
        failure = failure_of([&] { sender.publish("a", "x"); });
    } while (!failure);
    EXPECT_TRUE(failure == Errc::not_connected) << failure.message();
    sender.reconnect();
    EXPECT_EQ("kept", published.take().payload);
}

TEST_P(Reconnecting, rule_07_subscriptions_are_restored_where_the_broker_has_lost_the_session) {
    Box<std::string> said;
    client.loop([&](Client&, const CallbackData& data) { said.put(std::string(data.message->text())); });
    connect(client);
    subscribe(client, "a/+", 1);
    subscribe(client, "b", 1);
    client.unsubscribe({"b"});
    broker.call([](FakeBroker& b) {
        b.drop_all_connections();
        b.forget_sessions();
    });
    EXPECT_EQ("a/+", subscribed.take());
    publish("b", "not wanted any more");
    publish("a/x", "found again");
    EXPECT_EQ("found again", said.take());
    EXPECT_EQ(0u, subscribed.size());
}

} // namespace
} // namespace culex::facade
