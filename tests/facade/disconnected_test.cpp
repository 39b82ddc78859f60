// How a program hears that its connection is lost, or that the client has given up.
#include "facade/facade_test.hpp"

namespace culex::facade {
namespace {

class Disconnected : public FacadeTest {
protected:
    /// Hooks that say what they are called with.
    ConnectSettings telling() {
        return {.before_reconnect = [this](Client&) { said.put("before"); },
                .after_connect = [this](Client&) { said.put("after"); },
                .on_disconnected =
                    [this](Client& c, const Failure& why, bool gives_up) {
                        EXPECT_FALSE(c.connected());
                        EXPECT_EQ(why.message(), c.last_failure().message());
                        said.put(gives_up ? "gives up" : "lost");
                        if (gives_up) reason.put(why);
                    }};
    }
    void refuse_next() {
        script(Script{}.expect(PacketType::connect).reply(Connack{.reason_code = ReasonCode::not_authorized}).drop());
    }

    Box<std::string> said;
    Box<Failure> reason;
    Client client{"c", true, settings()};
};
CULEX_BOTH_VERSIONS(Disconnected);

TEST_P(Disconnected, is_told_before_the_client_connects_again) {
    EXPECT_FALSE(client.connected());
    EXPECT_FALSE(client.last_failure());
    connect(client, telling());
    EXPECT_TRUE(client.connected());
    EXPECT_FALSE(client.last_failure());
    client.loop();
    EXPECT_EQ("after", said.take());
    for (int i = 0; i < 3; ++i) {
        drop_connections();
        EXPECT_THAT(said.take(3), ElementsAre("lost", "before", "after"));
        EXPECT_TRUE(client.last_failure()); // it stays
    }
    client.publish("a", "again", 1);
    EXPECT_EQ("again", published.take().payload);
    EXPECT_TRUE(client.connected());
}

TEST_P(Disconnected, is_told_when_the_broker_refuses_for_good) {
    connect(client, telling());
    client.loop();
    EXPECT_EQ("after", said.take());
    refuse_next();
    drop_connections();
    EXPECT_THAT(said.take(3), ElementsAre("lost", "before", "gives up"));
    const Failure why = reason.take();
    EXPECT_TRUE(why == Errc::connection_refused) << why.message();
    EXPECT_EQ(why.message(), client.last_failure().message());
    EXPECT_FALSE(client.connected());
    EXPECT_TRUE(failure_of([&] { client.publish("a"); }) == Errc::not_connected);
}

TEST_P(Disconnected, is_told_once_when_the_broker_sends_the_client_away) {
    if (GetParam() == Version::v3_1_1) GTEST_SKIP() << "there a broker just closes";
    connect(client, telling());
    client.loop();
    EXPECT_EQ("after", said.take());
    broker.call([](FakeBroker& b) { b.disconnect("c", Disconnect{.reason_code = ReasonCode::session_taken_over}); });
    EXPECT_EQ("gives up", said.take());
    EXPECT_EQ(ReasonCode::session_taken_over, reason.take().reason_code());
    EXPECT_EQ(0u, client.disconnect());
    EXPECT_EQ(0u, said.size());
}

TEST_P(Disconnected, is_told_once_where_the_client_does_not_connect_again) {
    ClientSettings alone = settings();
    alone.reconnect.enabled = false;
    Client single{"s", true, alone};
    connect(single, telling());
    single.loop();
    drop_connections();
    EXPECT_THAT(said.take(2), ElementsAre("after", "gives up"));
    single.reconnect();
    EXPECT_THAT(said.take(2), ElementsAre("before", "after"));
    EXPECT_EQ(0u, said.size());
}

TEST_P(Disconnected, is_told_by_reconnect_itself_where_it_waits) {
    connect(client, telling());
    EXPECT_EQ("after", said.take());
    refuse_next();
    EXPECT_TRUE(failure_of([&] { client.reconnect(); }) == Errc::connection_refused);
    EXPECT_THAT(said.take(3), ElementsAre("lost", "before", "gives up"));
}

TEST_P(Disconnected, is_told_by_the_next_loop_where_none_runs) {
    ClientSettings alone = settings();
    alone.reconnect.enabled = false;
    Client single{"s", true, alone};
    connect(single, telling());
    drop_connections();
    const TimePoint end = Clock::now() + patience;
    while (!failure_of([&] { single.publish("a"); }) && Clock::now() < end) std::this_thread::yield();
    EXPECT_FALSE(single.connected());
    EXPECT_EQ(1u, said.size());
    single.loop();
    EXPECT_THAT(said.take(2), ElementsAre("after", "gives up"));
}

TEST_P(Disconnected, is_not_told_of_what_was_asked_for) {
    connect(client, telling());
    client.loop();
    EXPECT_EQ(0u, client.disconnect());
    EXPECT_FALSE(client.connected());
    EXPECT_FALSE(client.last_failure());
    {
        Client other{"other", true, settings()};
        connect(other, telling());
        other.loop();
    }
    EXPECT_THAT(said.take(2), ElementsAre("after", "after"));
    EXPECT_EQ(0u, said.size());
}

TEST_P(Disconnected, is_not_told_of_a_first_connection_that_fails) {
    client.loop();
    refuse_next();
    const Failure failure = failure_of([&] { connect(client, telling()); });
    EXPECT_TRUE(failure == Errc::connection_refused) << failure.message();
    EXPECT_EQ(failure.message(), client.last_failure().message());
    EXPECT_FALSE(client.connected());
    client.disconnect();
    EXPECT_EQ(0u, said.size());
}

TEST_P(Disconnected, is_not_told_that_the_client_gives_up_where_connect_takes_over) {
    Client slow{"slow", true, slow_settings()};
    connect(slow, telling());
    slow.loop();
    drop_connections();
    EXPECT_THAT(said.take(2), ElementsAre("after", "lost"));
    connect(slow, telling());
    EXPECT_EQ("after", said.take());
    slow.disconnect();
    EXPECT_EQ(0u, said.size());
}

TEST_P(Disconnected, may_connect_anew_when_the_client_gives_up) {
    connect(client, {.on_disconnected = [this](Client& c, const Failure&, bool gives_up) {
                if (gives_up) said.put("again: " + fault_of([&] { connect(c); }));
            }});
    client.loop();
    refuse_next();
    drop_connections();
    EXPECT_EQ("again: ", said.take());
    client.publish("a", "here", 1);
    EXPECT_EQ("here", published.take().payload);
}

/// On a thread that waits in `reconnect`, while the loop's own knows of nothing to run.
TEST_P(Disconnected, may_wait_for_room_and_with_it_for_the_hook_that_is_due_next) {
    ClientSettings narrow = settings();
    narrow.outbound.messages = 1;
    Client bounded{"b", true, narrow};
    connect(bounded, {.before_reconnect = [](Client&) {},
                      .on_disconnected =
                          [this](Client& c, const Failure&, bool) {
                              said.put("published: " + fault_of([&] {
                                           for (int i = 0; i < 10; ++i) c.publish("a", "x", 1);
                                       }));
                          }});
    bounded.loop();
    bounded.reconnect();
    EXPECT_EQ("published: ", said.take());
}

} // namespace
} // namespace culex::facade
