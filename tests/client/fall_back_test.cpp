// MQTT 5, and 3.1.1 where the broker refuses it.
#include <culex/request.hpp>

#include "client/operations_test.hpp"

namespace culex {
namespace {

using culex::testing::Script;

constexpr ReasonCode no_such_version = ReasonCode::unsupported_protocol_version;

class FallBack : public ::testing::Test {
protected:
    FallBack() { broker.listen("mqtt://broker"); }

    static ClientOptions options() {
        return {.client_id = "client", .version = Version::v5, .fall_back_to_3_1_1 = true};
    }
    static Script refusal() { return Script("refuses 5").expect(PacketType::connect).acknowledge(no_such_version); }
    static Script of_3_1_1() {
        return Script("a server of 3.1.1").expect(PacketType::connect).reply_bytes("20 02 00 01").close();
    }
    static Script silence() { return Script("closes without a word").expect(PacketType::connect).drop(); }
    /// The version of each CONNECT.
    std::vector<int> versions() {
        std::vector<int> all;
        for (const auto& record : broker.received(PacketType::connect))
            all.push_back(std::to_integer<int>(record.bytes()[8]));
        return all;
    }

    culex::testing::VirtualRuntime runtime;
    culex::testing::FakeBroker broker{runtime};
};

TEST_F(FallBack, stays_with_5_where_the_broker_takes_it) {
    AsyncClient client(runtime, options());
    runtime.run(connect(client));
    EXPECT_THAT(versions(), ElementsAre(5));
}

TEST_F(FallBack, lets_a_client_without_a_name_come_back_though_it_has_an_expiry) {
    ClientOptions nameless = options();
    nameless.client_id = {};
    nameless.properties.session_expiry_interval = 60;
    broker.script(of_3_1_1());
    AsyncClient client(runtime, nameless);
    runtime.run(connect(client));
    broker.drop_all_connections();
    runtime.advance(2min);
    EXPECT_EQ(client.state(), ConnectionState::connected) << client.last_failure().message();
}

TEST_F(FallBack, takes_3_1_1_after_each_way_to_refuse_and_remembers_it) {
    for (const Script& refusing : {refusal(), of_3_1_1(), silence()}) {
        SCOPED_TRACE(refusing.name());
        const std::size_t before = versions().size();
        broker.script(refusing);
        AsyncClient client(runtime, options());
        const auto start = runtime.now();
        runtime.run(connect(client));
        EXPECT_LT(runtime.now() - start, 1s); // at once, not after a backoff
        broker.drop_all_connections();
        runtime.advance(2min);
        EXPECT_EQ(client.state(), ConnectionState::connected);
        const auto all = versions();
        EXPECT_THAT(std::vector<int>(all.begin() + static_cast<std::ptrdiff_t>(before), all.end()),
                    ElementsAre(5, 4, 4));
        EXPECT_EQ(client.statistics().attempts, 2u);
    }
}

TEST_F(FallBack, a_tap_reads_the_version_that_is_spoken) {
    broker.script(refusal());
    AsyncClient client(runtime, options());
    std::vector<std::string> lines;
    client.tap([&](const TappedPacket& packet) { lines.push_back(packet.text()); });
    runtime.run(connect(client));
    runtime.run(publish(client, "text", {.qos = q1}));
    ASSERT_EQ(lines.size(), 6u);
    EXPECT_THAT(lines[0], ::testing::HasSubstr("CONNECT"));
    EXPECT_THAT(lines[3], ::testing::HasSubstr("CONNACK reason=0x00"));
    EXPECT_EQ(lines[4],
              "PUBLISH id=1 qos=1 topic=\"a\" 4 bytes"); // 5 would take a byte of it for its properties' length
    EXPECT_EQ(lines[5], "PUBACK id=1");
}

TEST_F(FallBack, is_not_done_unasked) {
    broker.script(refusal());
    ClientOptions plain = options();
    plain.fall_back_to_3_1_1 = false;
    AsyncClient client(runtime, plain);
    EXPECT_ERROR(runtime.run(connect(client)), Errc::connection_refused);
    EXPECT_THAT(versions(), ElementsAre(5));
}

TEST_F(FallBack, is_not_done_for_another_refusal) {
    broker.script(Script().expect(PacketType::connect).acknowledge(ReasonCode::not_authorized));
    AsyncClient client(runtime, options());
    EXPECT_ERROR(runtime.run(connect(client)), Errc::connection_refused);
    EXPECT_THAT(versions(), ElementsAre(5));
}

TEST_F(FallBack, tries_twice_at_most_and_does_not_remember_what_a_silent_broker_did_not_say) {
    broker.script(silence());
    broker.script(silence());
    AsyncClient client(runtime, options());
    EXPECT_ERROR(runtime.run(connect(client)), Errc::end_of_stream);
    EXPECT_THAT(versions(), ElementsAre(5, 4));
    runtime.run(connect(client));
    EXPECT_THAT(versions(), ElementsAre(5, 4, 5));
}

TEST_F(FallBack, gives_up_where_neither_version_is_taken) {
    broker.script(refusal());
    broker.script(Script().expect(PacketType::connect).acknowledge(no_such_version));
    AsyncClient client(runtime, options());
    EXPECT_ERROR(runtime.run(connect(client)), Errc::connection_refused);
    EXPECT_THAT(versions(), ElementsAre(5, 4));
}

Task<> publish(AsyncClient& client, std::string& outcome, std::string payload, PublishOptions options) {
    try {
        co_await client.publish("a/b", payload, options);
        outcome = "ok";
    } catch (const Error& error) {
        outcome = error.what();
    }
}

TEST_F(FallBack, what_was_queued_or_in_flight_under_5_goes_on_under_3_1_1) {
    ClientOptions persistent = options();
    persistent.properties.session_expiry_interval = 3600;
    AsyncClient client(runtime, persistent);
    broker.script(Script("takes nothing").expect(PacketType::connect).reply(Connack{}).expect<Publish>().drop());
    broker.script(refusal());
    runtime.run(connect(client));
    std::string first, second;
    Nursery nursery(runtime);
    nursery.spawn(publish(client, first, "1", {.qos = q1, .properties = {.content_type = "text/plain"}}));
    runtime.run_until_idle();
    nursery.spawn(publish(client, second, "2", {.qos = q1, .properties = {.message_expiry_interval = 600}}));
    runtime.advance(2min);
    EXPECT_EQ(first + " " + second, "ok ok");
    EXPECT_THAT(versions(), ElementsAre(5, 5, 4));
    std::vector<std::string> texts;
    for (const auto& message : broker.messages()) texts.push_back(message.payload);
    EXPECT_THAT(texts, ElementsAre("1", "2"));
    EXPECT_THAT(broker.verify(), IsEmpty());
}

TEST_F(FallBack, messages_that_wait_for_room_go_on_as_well) {
    ClientOptions narrow = options();
    narrow.outbound = {.messages = 1, .when_full = WhenFull::wait};
    AsyncClient client(runtime, narrow);
    broker.script(Script("takes nothing").expect(PacketType::connect).reply(Connack{}).expect<Publish>().drop());
    broker.script(refusal());
    runtime.run(connect(client));
    std::string first, second;
    Nursery nursery(runtime);
    nursery.spawn(publish(client, first, "1", {.qos = q1, .properties = {.content_type = "text/plain"}}));
    nursery.spawn(publish(client, second, "2", {.qos = q1, .properties = {.content_type = "text/plain"}}));
    runtime.advance(2min);
    EXPECT_EQ(first + " " + second, "ok ok");
    EXPECT_THAT(broker.verify(), IsEmpty());
}

// --- requests and services, which 3.1.1 does not have

Task<Reply> echo(const Message& request) { co_return request.text(); }

Task<Reply> never(const Message&) {
    co_await sleep_for(24h);
    co_return Reply();
}

TEST_F(FallBack, a_service_that_began_before_it_is_told) {
    broker.script(refusal());
    AsyncClient client(runtime, options());
    const Running connecting(runtime, connect(client));
    EXPECT_TRUE(runtime.run_until([&] { return client.state() == ConnectionState::connecting; }));
    const Running service(runtime, client.serve("far/+", &echo));
    runtime.run_until_idle();
    EXPECT_TRUE(connecting.succeeded());
    EXPECT_TRUE(service.failed(Errc::not_supported)) << service.failure().message();
}

TEST_F(FallBack, a_service_that_worked_under_5_is_told_with_handlers_or_without) {
    for (const auto handler : {&echo, &never}) {
        AsyncClient client(runtime, options());
        runtime.run(connect(client));
        const Running service(runtime, client.serve("far/+", handler, {.concurrency = 1}));
        runtime.run_until_idle();
        for (int i = 0; i < 2; ++i) broker.publish("far/a", "x", q1);
        runtime.run_until_idle();
        EXPECT_FALSE(service.done());
        broker.script(refusal());
        broker.drop_all_connections();
        runtime.advance(2min);
        EXPECT_EQ(client.state(), ConnectionState::connected);
        EXPECT_TRUE(service.failed(Errc::not_supported)) << service.failure().message();
    }
    EXPECT_THAT(broker.verify(), IsEmpty());
}

Task<> subscribe_far(AsyncClient& client, std::optional<Subscription>& stream) {
    stream = co_await client.subscribe("far/#", q1);
}
Task<> ask(AsyncClient& client) { co_await client.request("far/a", "x", {.timeout = 0ms}); }

TEST_F(FallBack, requests_that_wait_to_be_sent_or_for_their_reply_fail) {
    AsyncClient far(runtime, {.client_id = "far", .version = Version::v5, .reconnect = {.first_delay = 1h}});
    runtime.run(connect(far));
    std::optional<Subscription> silent;
    runtime.run(subscribe_far(far, silent));
    ClientOptions persistent = options();
    persistent.properties.session_expiry_interval = 3600;
    AsyncClient client(runtime, persistent);
    runtime.run(connect(client));
    const Running in_flight(runtime, ask(client));
    runtime.run_until_idle();
    EXPECT_FALSE(in_flight.done());
    broker.script(refusal());
    broker.drop_connection("client");
    runtime.run_until_idle();
    const Running queued(runtime, ask(client));
    EXPECT_FALSE(queued.done());
    runtime.advance(2min);
    EXPECT_EQ(client.state(), ConnectionState::connected);
    EXPECT_TRUE(in_flight.failed(Errc::not_supported)) << in_flight.failure().message();
    EXPECT_TRUE(queued.failed(Errc::not_supported)) << queued.failure().message();
    EXPECT_ERROR(runtime.run(ask(client)), Errc::not_supported);
}

TEST_F(FallBack, a_first_request_before_the_first_connection_fails) {
    broker.script(refusal());
    AsyncClient client(runtime, options());
    const Running connecting(runtime, connect(client));
    EXPECT_TRUE(runtime.run_until([&] { return client.state() == ConnectionState::connecting; }));
    const Running request(runtime, ask(client));
    runtime.run_until_idle();
    EXPECT_TRUE(connecting.succeeded());
    EXPECT_TRUE(request.failed(Errc::not_supported)) << request.failure().message();
}

TEST_F(FallBack, wants_options_that_are_good_for_both_versions) {
    ClientOptions password = options();
    password.password = "secret"; // without a user name: only MQTT 5 has that [MQTT-3.1.2-22]
    ClientOptions nameless = options();
    nameless.client_id = "";
    nameless.clean_start = false; // [MQTT-3.1.3-7] of 3.1.1
    for (const ClientOptions& wrong : {password, nameless}) {
        AsyncClient client(runtime, wrong);
        EXPECT_ERROR(runtime.run(connect(client)), Errc::invalid_argument);
    }
    EXPECT_THAT(versions(), IsEmpty());
}

} // namespace
} // namespace culex
