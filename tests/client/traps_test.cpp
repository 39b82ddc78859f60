// Traps that clients fall into, by name.
#include <functional>

#include "client/connections.hpp"

namespace culex {
namespace {

using culex::testing::Direction;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class Traps : public ConnectionTest {
protected:
    /// The topics and payloads of the PUBLISH packets that a broker got, in order: `"t 1"`.
    static Lines published_to(const culex::testing::FakeBroker& at) {
        Lines lines;
        for (const auto& record : at.received(PacketType::publish)) {
            const Publish& packet = *record.as<Publish>();
            lines.push_back(std::string(packet.topic) + " " + std::string(as_text(packet.payload)));
        }
        return lines;
    }
    /// The filters that a broker was asked for, one entry for each SUBSCRIBE.
    static Lines asked_of(const culex::testing::FakeBroker& at) {
        Lines lines;
        for (const auto& record : at.received(PacketType::subscribe)) {
            std::string filters;
            for (const TopicSubscription& each : record.as<Subscribe>()->subscriptions) {
                filters += (filters.empty() ? "" : " ") + std::string(each.filter);
            }
            lines.push_back(std::move(filters));
        }
        return lines;
    }
    void lose_connection() {
        a.drop_all_connections();
        runtime.run_until_idle();
    }
    TaskRoot<>& begin(Task<> task) {
        TaskRoot<>& root = *roots.emplace_back(std::make_unique<TaskRoot<>>(std::move(task)));
        root.start_on(runtime);
        runtime.run_until_idle();
        return root;
    }
    static Task<> subscribe(AsyncClient& client, std::string filter, std::vector<Subscription>& streams) {
        streams.push_back(co_await client.subscribe(filter, QoS::at_least_once));
    }
    static Task<> unsubscribe(AsyncClient& client, std::string filter) { co_await client.unsubscribe(filter); }
    [[nodiscard]] ClientOptions persistent() const {
        ClientOptions options = quick();
        options.clean_start = false;
        options.properties.session_expiry_interval = 3600;
        return options;
    }

    std::vector<Subscription> streams;
    std::vector<std::unique_ptr<TaskRoot<>>> roots;
};
CULEX_FOR_BOTH_VERSIONS(Traps);

// --- a client destroyed

/// Whatever is going on in a client at a moment, it can be destroyed; what waits ends, and nothing runs afterwards.
class Destroyed : public Traps {
protected:
    /// In the state that the test has brought it to: destroys the client, and looks who waits.
    void destroy(ConnectionState expected) {
        ASSERT_EQ(client->state(), expected);
        TaskRoot<>& publishing = begin(publish(*client, "t", "x", QoS::at_least_once));
        const auto wait = [](AsyncClient& own) -> Task<> { co_await own.wait_connected(1h); };
        TaskRoot<>& waiting = begin(wait(*client));
        const std::size_t accepted = a.accepted();
        client.reset();
        runtime.advance(24h);
        EXPECT_EQ(outcome(publishing), "the client is closed");
        EXPECT_EQ(outcome(waiting), "the client is closed");
        EXPECT_EQ(a.accepted(), accepted);
        EXPECT_THAT(a.connections(), IsEmpty());
        EXPECT_EQ(happened().back().find("stopped"), std::string::npos); // it did not stop, it is gone
    }
};
CULEX_FOR_BOTH_VERSIONS(Destroyed);

TEST_P(Destroyed, client_destroyed_while_resolving_or_connecting) { // which to a client is one thing: `Runtime::open`
    runtime.set_black_hole("hole");
    start(options());
    TaskRoot<>& connecting = begin(connect_to(*client, {at("hole")}, {}));
    destroy(ConnectionState::connecting);
    EXPECT_EQ(outcome(connecting), "the client is closed");
}

TEST_P(Destroyed, client_destroyed_when_the_transport_has_just_opened) {
    for (int turns = 1; turns < 10; ++turns) {
        start(options());
        TaskRoot<> connecting(connect_to(*client, {at("a")}, {}));
        connecting.start_on(runtime);
        for (int i = 0; i < turns; ++i) runtime.step();
        client.reset();
        runtime.advance(1h);
        EXPECT_TRUE(connecting.done());
        EXPECT_THAT(a.connections(), IsEmpty());
    }
}

TEST_P(Destroyed, client_destroyed_while_waiting_for_connack) {
    a.script(Script{}.expect(PacketType::connect).expect_close());
    start(options());
    TaskRoot<>& connecting = begin(connect_to(*client, {at("a")}, {}));
    ASSERT_EQ(a.count(Direction::received, PacketType::connect), 1u);
    destroy(ConnectionState::connecting);
    EXPECT_EQ(outcome(connecting), "the client is closed");
    EXPECT_THAT(a.verify(), IsEmpty());
}

TEST_P(Destroyed, client_destroyed_while_backing_off) {
    ClientOptions slow = options();
    slow.reconnect.first_delay = slow.reconnect.max_delay = 1000h;
    start(slow);
    ASSERT_EQ(connect({at("a")}), "ok");
    lose_connection();
    destroy(ConnectionState::backing_off);
}

TEST_P(Destroyed, client_destroyed_inside_the_hook) {
    start(options());
    const auto hang = []() -> Task<> { co_await sleep_for(1000h); };
    client->before_attempt([hang](ConnectionAttempt&) { return hang(); });
    TaskRoot<>& connecting = begin(connect_to(*client, {at("a")}, {.retry = true}));
    TaskRoot<>& publishing = begin(publish(*client, "t", "x", QoS::at_most_once));
    client.reset();
    runtime.advance(24h);
    EXPECT_EQ(outcome(connecting), "the client is closed");
    EXPECT_EQ(outcome(publishing), "the client is closed");
    EXPECT_EQ(a.accepted(), 0u);
}

TEST_P(Destroyed, client_destroyed_by_who_waits_for_the_connection_and_by_who_reads_its_events) {
    start(options());
    const auto destroy_when_connected = [](std::optional<AsyncClient>& own) -> Task<> {
        co_await own->wait_connected();
        own.reset();
    };
    TaskRoot<> connecting(connect_to(*client, {at("a")}, {}));
    connecting.start_on(runtime);
    runtime.step();
    begin(destroy_when_connected(client));
    runtime.advance(1h);
    EXPECT_EQ(outcome(connecting), "ok");
    EXPECT_FALSE(client);

    start(options());
    const auto destroy_when_lost = [](std::optional<AsyncClient>& own, ConnectionEvents& from) -> Task<> {
        while (auto event = co_await from.next()) {
            if (event->kind == ConnectionEvent::Kind::lost) own.reset();
        }
    };
    TaskRoot<>& reader = begin(destroy_when_lost(client, events));
    ASSERT_EQ(connect({at("a")}), "ok");
    lose_connection();
    runtime.advance(1h);
    EXPECT_FALSE(client);
    EXPECT_EQ(outcome(reader), "ok");
}

// --- time

/// Times are those of the runtime alone: a day of it passes in no time, and every deadline keeps to it. (That nothing asks
/// the system for the date is checked over the sources, see tests/rules.)
TEST_P(Traps, a_deadline_that_follows_the_wall_clock) {
    ClientOptions own = options();
    own.connect_timeout = 50min;
    own.keep_alive = 3h;
    own.ping_timeout = 1h;
    own.reconnect.first_delay = own.reconnect.max_delay = 8h;
    start(own);
    runtime.set_black_hole("hole");
    TimePoint begin_of = runtime.now();
    EXPECT_EQ(connect({at("hole")}), "timed out");
    EXPECT_EQ(runtime.now() - begin_of, 50min);

    ASSERT_EQ(connect({at("a")}), "ok");
    runtime.set_latency(1000h); // the broker falls silent
    begin_of = runtime.now();
    const auto publish_within = [](AsyncClient& of) -> Task<> {
        co_await of.publish("t", "x", {.qos = QoS::at_least_once, .timeout = 90min});
    };
    TaskRoot<>& published = begin(publish_within(*client));
    runtime.run_until([&] { return published.done(); });
    EXPECT_EQ(outcome(published), "timed out");
    EXPECT_EQ(runtime.now() - begin_of, 90min);
    runtime.run_until([&] { return client->state() != ConnectionState::connected; });
    EXPECT_TRUE(client->last_failure() == Errc::no_response || client->last_failure() == Errc::timed_out);
    EXPECT_GE(runtime.now() - begin_of,
              3h); // nine tenths of the keep-alive from the last packet, and the time for PINGRESP
    EXPECT_LE(runtime.now() - begin_of, 4h);
}

// --- limits

/// What one connection grants holds for that one: messages that wait are judged by what the next has granted.
class Limits5 : public Traps {
protected:
    Lines try_all() {
        begin(publish(*client, "t", "plain", QoS::at_least_once));
        TaskRoot<>& exactly = begin(publish(*client, "t", "exactly", QoS::exactly_once));
        const auto publish_retained = [](AsyncClient& own) -> Task<> {
            co_await own.publish("t", "retained", {.qos = QoS::at_least_once, .retain = true});
        };
        TaskRoot<>& retained = begin(publish_retained(*client));
        TaskRoot<>& large = begin(publish(*client, "t", std::string(2000, 'x'), QoS::at_least_once));
        outcomes = [&exactly, &retained, &large] { return Lines{outcome(exactly), outcome(retained), outcome(large)}; };
        return outcomes();
    }
    static void restrict(culex::testing::FakeBroker& at) {
        at.options().connack = {
            .receive_maximum = 1, .maximum_qos = 1, .retain_available = 0, .maximum_packet_size = 1000};
    }
    std::function<Lines()> outcomes;
};
INSTANTIATE_TEST_SUITE_P(Versions, Limits5, ::testing::Values(Version::v5), version_name);

TEST_P(Limits5,
       limits_frozen_when_a_publish_was_queued_before_connack) { // [MQTT-3.2.2-11] [MQTT-3.2.2-14] [MQTT-3.2.2-15]
    restrict(a);
    a.script(Script{}.expect(PacketType::connect).after(1s).pass_to_broker());
    start(options());
    TaskRoot<>& connecting = begin(connect_to(*client, {at("a")}, {}));
    EXPECT_THAT(try_all(), ElementsAre("not done", "not done", "not done"));
    runtime.advance(10s);
    EXPECT_EQ(outcome(connecting), "ok");
    EXPECT_THAT(outcomes(), ElementsAre("not supported", "not supported", "packet too large"));
    EXPECT_THAT(published_to(a), ElementsAre("t plain"));
}

TEST_P(Limits5, limits_of_the_last_broker_frozen_for_the_next_one) {
    restrict(a);
    start(quick());
    ASSERT_EQ(connect({at("a"), at("b")}), "ok");
    EXPECT_THAT(try_all(), ElementsAre("not supported", "not supported", "packet too large"));
    a.stop_listening();
    b.stop_listening();
    lose_connection();
    // Known is what a has said; what b says decides.
    EXPECT_THAT(try_all(), ElementsAre("not done", "not done", "not done"));
    b.listen();
    runtime.advance(1min);
    EXPECT_THAT(outcomes(), ElementsAre("ok", "ok", "ok"));
    EXPECT_THAT(published_to(b), ElementsAre("t plain", "t exactly", "t retained", StartsWith("t xxx")));
    EXPECT_THAT(try_all(), ElementsAre("ok", "ok", "ok"));
}

TEST_P(Limits5, limits_of_a_generous_broker_frozen_for_a_strict_one) {
    restrict(b);
    start(quick());
    ASSERT_EQ(connect({at("a"), at("b")}), "ok");
    runtime.set_latency(1s); // sent, and not there when the link dies
    EXPECT_THAT(try_all(), ElementsAre("not done", "not done", "not done"));
    a.stop_listening();
    lose_connection();
    runtime.set_latency(0s);
    runtime.advance(1min);
    EXPECT_THAT(outcomes(), ElementsAre("not supported", "not supported", "packet too large"));
    EXPECT_THAT(published_to(b), ElementsAre("t plain"));
}

TEST_P(Limits5, receive_maximum_of_the_new_connection_counts_and_not_that_of_the_old_one) { // [MQTT-3.3.4-7]
    a.options().connack = {.receive_maximum = 1};
    b.options().connack = {.receive_maximum = 3};
    start(quick());
    a.script(Script{}.expect(PacketType::connect).pass().expect(PacketType::publish).expect_close());
    b.script(Script{}
                 .expect(PacketType::connect)
                 .pass()
                 .expect(PacketType::publish)
                 .expect(PacketType::publish)
                 .expect(PacketType::publish)
                 .expect_silence(30s)
                 .drop());
    ASSERT_EQ(connect({at("a"), at("b")}), "ok");
    for (int i = 0; i < 5; ++i) begin(publish(*client, "t", std::to_string(i), QoS::at_least_once));
    EXPECT_THAT(published_to(a), ElementsAre("t 0"));
    a.stop_listening();
    client->reconnect();
    runtime.advance(20s);
    EXPECT_THAT(published_to(b), ElementsAre("t 0", "t 1", "t 2"));
    runtime.advance(10min);
    EXPECT_EQ(client->outstanding(), 0u);
    EXPECT_THAT(a.verify(), IsEmpty());
    EXPECT_THAT(b.verify(), IsEmpty());
}

// --- subscriptions

TEST_P(Traps, resubscribing_twice) {
    start(quick());
    ASSERT_EQ(connect({at("a")}), "ok");
    for (const char* filter : {"one", "two/#"}) begin(subscribe(*client, filter, streams));
    for (int i = 1; i <= 5; ++i) {
        a.forget_sessions();
        lose_connection();
        settle();
        EXPECT_THAT(asked_of(a).size(), 2u + static_cast<unsigned>(i)); // one SUBSCRIBE for both, once
        EXPECT_EQ(asked_of(a).back(), "one two/#");
    }
    a.publish("two/x", "hello", QoS::at_least_once);
    runtime.run_until_idle();
    EXPECT_EQ(streams[1].size(), 1u);
}

TEST_P(Traps, resubscribing_while_the_session_is_present) {
    start(persistent());
    ASSERT_EQ(connect({at("a")}), "ok");
    for (const char* filter : {"one", "two/#"}) begin(subscribe(*client, filter, streams));
    for (int i = 0; i < 5; ++i) {
        lose_connection();
        settle();
    }
    EXPECT_THAT(asked_of(a), ElementsAre("one", "two/#"));
    a.stop_listening(); // and once it is lost, once
    lose_connection();
    a.forget_sessions();
    a.listen();
    settle();
    runtime.advance(1min);
    EXPECT_THAT(asked_of(a), ElementsAre("one", "two/#", "one two/#"));
}

TEST_P(Traps, resubscribing_to_what_was_unsubscribed_meanwhile) {
    start(quick());
    ASSERT_EQ(connect({at("a")}), "ok");
    for (const char* filter : {"one", "two", "three"}) begin(subscribe(*client, filter, streams));
    begin(unsubscribe(*client, "one"));
    a.stop_listening();
    lose_connection();
    TaskRoot<>& offline = begin(unsubscribe(*client, "two")); // while there is nobody to be told
    a.listen();
    settle();
    runtime.advance(1s);
    EXPECT_EQ(outcome(offline), "ok");
    EXPECT_THAT(asked_of(a), ElementsAre("one", "two", "three", "three"));
    ASSERT_EQ(a.session("client")->subscriptions.size(), 1u);
    EXPECT_EQ(a.session("client")->subscriptions[0].filter, "three");
}

TEST_P(Traps, resubscribing_while_a_subscribe_is_in_flight_when_the_link_dies) {
    start(quick());
    ASSERT_EQ(connect({at("a")}), "ok");
    begin(subscribe(*client, "old", streams));
    runtime.set_latency(1s);
    TaskRoot<>& in_flight = begin(subscribe(*client, "new", streams));
    runtime.advance(500ms);
    a.drop_all_connections();
    runtime.set_latency(0s);
    runtime.advance(1min);
    EXPECT_EQ(outcome(in_flight), "ok");
    EXPECT_THAT(asked_of(a), ElementsAre("old", "old", "new")); // the one is restored, the other asked for again
    EXPECT_EQ(a.session("client")->subscriptions.size(), 2u);
    EXPECT_EQ(streams.size(), 2u);
}

TEST_P(Traps, resubscribing_over_a_link_that_dies_while_it_is_done) {
    start(quick());
    ASSERT_EQ(connect({at("a")}), "ok");
    begin(subscribe(*client, "one", streams));
    for (int i = 0; i < 3; ++i)
        a.script(Script{}.expect(PacketType::connect).pass().expect(PacketType::subscribe).drop());
    lose_connection();
    runtime.advance(1min);
    EXPECT_EQ(client->state(), ConnectionState::connected);
    EXPECT_THAT(asked_of(a), ElementsAre("one", "one", "one", "one", "one"));
    EXPECT_EQ(a.session("client")->subscriptions.size(), 1u);
    a.publish("one", "hello", QoS::at_least_once);
    runtime.run_until_idle();
    EXPECT_EQ(streams[0].size(), 1u); // and once
}

TEST_P(Traps, resubscribing_at_another_broker) {
    start(persistent());
    ASSERT_EQ(connect({at("a"), at("b")}), "ok");
    begin(subscribe(*client, "one", streams));
    a.stop_listening();
    lose_connection();
    settle();
    runtime.advance(1s);
    EXPECT_THAT(asked_of(b), ElementsAre("one"));
    b.publish("one", "hello", QoS::at_least_once);
    runtime.run_until_idle();
    EXPECT_EQ(streams[0].size(), 1u);
}

// --- the end

TEST_P(Traps, disconnect_overtaking_queued_publishes) { // promise 5
    start(quick());
    ASSERT_EQ(connect({at("a")}), "ok");
    a.stop_listening();
    lose_connection();
    Lines expected;
    for (int i = 0; i < 50; ++i) {
        const QoS qos = static_cast<QoS>(i % 3);
        ASSERT_TRUE(client->try_publish("t", as_bytes(std::to_string(i)), {.qos = qos}));
        expected.push_back("t " + std::to_string(i));
    }
    TaskRoot<>& disconnecting = begin(disconnect(*client, {.drain = 10min}));
    EXPECT_EQ(outcome(disconnecting), "not done");
    a.listen();
    runtime.advance(2min);
    EXPECT_EQ(outcome(disconnecting), "ok");
    EXPECT_EQ(published_to(a), expected);
    EXPECT_EQ(a.log().back().type(), PacketType::disconnect);
    EXPECT_THAT(a.complaints(), IsEmpty());
}

TEST_P(Traps, disconnect_overtaking_publishes_that_the_transport_does_not_take) {
    start(quick());
    ASSERT_EQ(connect({at("a")}), "ok");
    runtime.set_capacity(1000);
    const std::string large(5000, 'x');
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(client->try_publish("t", as_bytes(large), {}));
    TaskRoot<>& disconnecting = begin(disconnect(*client, {.drain = 10min}));
    runtime.advance(1min);
    EXPECT_EQ(outcome(disconnecting), "ok");
    EXPECT_EQ(published_to(a).size(), 100u);
    EXPECT_EQ(a.log().back().type(), PacketType::disconnect);
}

} // namespace
} // namespace culex
