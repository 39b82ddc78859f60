// Statements of the standards about the connection itself, which no other suite of the client shows by itself
// (tests/conformance/statements.txt). The scripts see every byte that the client sends, and when it closes.
#include "client/client_test.hpp"

namespace culex {
namespace {

using culex::testing::Script;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ClientConformance : public ClientTest {
protected:
    [[nodiscard]] ClientOptions once(std::string_view client_id = "client") const {
        ClientOptions made = options(client_id);
        made.reconnect.enabled = false;
        return made;
    }
    static Task<Failure> failure_of(Task<> task) {
        try {
            co_await std::move(task);
        } catch (const Error& error) {
            co_return error.failure();
        }
        co_return Failure();
    }
    static Task<> connect(AsyncClient& client) { co_await client.connect("mqtt://broker"); }
    static Task<> disconnect(AsyncClient& client) { co_await client.disconnect(); }
    static Task<> publish(AsyncClient& client) { co_await client.publish("a", "x", {.qos = QoS::at_least_once}); }
    void expect_played() {
        runtime.run_until_idle();
        EXPECT_THAT(broker.verify(), IsEmpty());
    }
};
CULEX_FOR_BOTH_VERSIONS(ClientConformance);

TEST_P(ClientConformance, closes_behind_disconnect) { // [MQTT-3.14.4-2], 3.1.1: [MQTT-3.14.4-1]
    broker.script(Script{}
                      .expect(PacketType::connect)
                      .reply(Connack{})
                      .within(1s)
                      .expect_bytes("E0 00")
                      .within(1s)
                      .expect_close());
    AsyncClient client(runtime, once());
    runtime.run(connect(client));
    runtime.run(disconnect(client));
    expect_played();
}

TEST_P(ClientConformance, closes_without_a_word_behind_a_refusal) { // [MQTT-3.2.2-7], 3.1.1: [MQTT-3.2.2-5]
    broker.script(Script{}
                      .expect(PacketType::connect)
                      .reply(Connack{.reason_code = ReasonCode::not_authorized})
                      .within(1s)
                      .expect_close());
    AsyncClient client(runtime, once());
    const Failure failure = runtime.run(failure_of(connect(client)));
    EXPECT_TRUE(failure == Errc::connection_refused) << failure.message();
    EXPECT_EQ(failure.reason_code(), ReasonCode::not_authorized);
    expect_played();
}

/// M13, from the caller's side.
TEST_P(ClientConformance, refuses_a_session_that_it_cannot_have) { // [MQTT-3.2.2-4]
    Script script;
    script.expect(PacketType::connect).reply(Connack{.session_present = true});
    if (GetParam() == Version::v5) script.expect_bytes("E0 01 82");
    broker.script(script.expect_close());
    AsyncClient client(runtime, once());
    const Failure failure = runtime.run(failure_of(connect(client)));
    EXPECT_TRUE(failure == Errc::protocol_error) << failure.message();
    EXPECT_THAT(failure.message(), HasSubstr("session present after a clean start"));
    expect_played();
}

TEST_P(ClientConformance, clients_of_different_names_share_no_session) { // [MQTT-3.1.3-2]
    const auto lasting = [this](std::string_view client_id) {
        ClientOptions made = once(client_id);
        made.clean_start = false;
        if (GetParam() == Version::v5) made.properties.session_expiry_interval = 3600;
        return made;
    };
    broker.script(Script{}.expect(PacketType::connect).pass().expect(PacketType::publish).drop());
    AsyncClient first(runtime, lasting("first"));
    AsyncClient second(runtime, lasting("second"));
    runtime.run(connect(first));
    EXPECT_TRUE(runtime.run(failure_of(publish(first)))); // sent, and never acknowledged
    runtime.run(connect(second));
    runtime.run(disconnect(second));
    EXPECT_THAT(broker.messages(), IsEmpty()); // it is not the second's to send again
    EXPECT_EQ(broker.sessions().size(), 2u);
    runtime.run(connect(first));
    runtime.run_until_idle();
    ASSERT_EQ(broker.messages().size(), 1u);
    EXPECT_EQ(broker.messages()[0].client_id, "first");
}

/// Under 3.1.1 only clients send DISCONNECT (see Violations).
class ClientConformance5 : public ClientConformance {};
INSTANTIATE_TEST_SUITE_P(Versions, ClientConformance5, ::testing::Values(Version::v5), version_name);

/// What the broker says in DISCONNECT ends the connection, and is what waiting operations end with.
TEST_P(ClientConformance5, closes_without_a_word_behind_a_disconnect_of_the_broker) { // [MQTT-4.13.2-1], section 3.14.4
    broker.script(Script{}
                      .expect(PacketType::connect)
                      .reply(Connack{})
                      .expect(PacketType::publish)
                      .reply(Disconnect{.reason_code = ReasonCode::session_taken_over,
                                        .properties = {.reason_string = "somebody else"}})
                      .within(1s)
                      .expect_close());
    AsyncClient client(runtime, once());
    runtime.run(connect(client));
    const Failure failure = runtime.run(failure_of(publish(client)));
    EXPECT_EQ(failure.reason_code(), ReasonCode::session_taken_over);
    EXPECT_THAT(failure.message(), HasSubstr("somebody else"));
    expect_played();
}

} // namespace
} // namespace culex
