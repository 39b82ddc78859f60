// What the peer says, and what becomes of it: another protocol, and the words that go with a refusal.
#include <culex/log.hpp>
#include <culex/request.hpp>

#include "client/operations_test.hpp"
#include "support/hex.hpp"

namespace culex {
namespace {

using culex::testing::Script;
using ::testing::HasSubstr;

class PeerTexts : public OperationsTest {
protected:
    /// The message of the error that `task` ends with, in time.
    std::string text_of(Task<> task) {
        const Running running = start(std::move(task));
        runtime.advance(10s);
        return running.done() ? running.failure().message() : "not done";
    }
    std::string text_of_connect(std::string_view hex) {
        broker.script(Script{"stranger"}.expect(PacketType::connect).reply_bytes(hex).expect_close());
        AsyncClient client(runtime, options());
        return text_of(connect(client));
    }
};
CULEX_FOR_BOTH_VERSIONS(PeerTexts);

TEST_P(PeerTexts, a_port_of_another_protocol_is_named) {
    const std::string begin = "MQTT handshake with mqtt://broker:1883: protocol error by the peer (0x82): ";
    for (const char* answer : {"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP"}) {
        EXPECT_EQ(text_of_connect(culex::testing::hex_of(as_bytes(answer))),
                  begin + "the peer speaks HTTP: is the URL to be ws:// or wss://?");
    }
    for (const char* answer : {"15 03 01 00 02 02 46", "15 03 03 00 02", "16 03 03 00 4A 02"}) {
        EXPECT_EQ(text_of_connect(answer), begin + "the peer speaks TLS: is the URL to be mqtts:// or wss://?");
    }
    EXPECT_THAT(text_of_connect("40 02 00 01"), HasSubstr("PUBACK came before CONNACK"));
    EXPECT_THAT(text_of_connect("48 54"), HasSubstr("first byte has illegal flags"));
}

using Lines = std::vector<std::string>;

class WordsOfTheBroker : public PeerTexts {
protected:
    ~WordsOfTheBroker() override { set_log_hook(nullptr); }
    /// A broker that answers the first PUBLISH, or whatever `asked` is, so.
    template <class P> void answer(PacketType asked, const P& reply) {
        broker.script(Script{"answers"}
                          .expect(PacketType::connect)
                          .reply(Connack{})
                          .expect(asked)
                          .reply(reply)
                          .expect(PacketType::disconnect));
        set_log_hook(
            [](void* lines, LogLevel, std::string_view line) { static_cast<Lines*>(lines)->emplace_back(line); },
            &logged, LogLevel::warning);
    }
    static Task<> ask(AsyncClient& client) { co_await client.request("a", "x"); }
    Lines logged;
};
INSTANTIATE_TEST_SUITE_P(V5, WordsOfTheBroker, ::testing::Values(Version::v5), version_name);

TEST_P(WordsOfTheBroker, about_a_refused_message_are_logged) {
    const AckProperties why{.reason_string = "too\nmuch"};
    AsyncClient client(runtime, options());
    answer(PacketType::publish, Puback{.packet_id = 1, .reason_code = ReasonCode::quota_exceeded, .properties = why});
    run(connect(client));
    EXPECT_EQ(text_of(publish(client, "x", {.qos = q1})), "no error");
    EXPECT_THAT(logged, ElementsAre("the broker refuses the message with packet identifier 1: Quota exceeded (0x97): "
                                    "\"too\\nmuch\""));
}

TEST_P(WordsOfTheBroker, about_a_success_are_not) {
    const AckProperties why{.reason_string = "fine"};
    AsyncClient client(runtime, options());
    answer(PacketType::publish, Puback{.packet_id = 1, .properties = why});
    run(connect(client));
    EXPECT_EQ(text_of(publish(client, "x", {.qos = q1})), "no error");
    EXPECT_THAT(logged, IsEmpty());
}

TEST_P(WordsOfTheBroker, about_a_refused_subscription_are_logged) {
    const ReasonCode codes[] = {ReasonCode::not_authorized};
    AsyncClient client(runtime, options());
    answer(PacketType::subscribe,
           Suback{.packet_id = 1, .reason_codes = codes, .properties = {.reason_string = "ask the admin"}});
    run(connect(client));
    std::optional<Subscription> stream;
    run(subscribe(client, stream));
    EXPECT_THAT(logged, ElementsAre("the broker refuses the subscription to \"a\": Not authorized (0x87): "
                                    "\"ask the admin\""));
}

TEST_P(WordsOfTheBroker, about_a_refused_unsubscribe_are_logged) {
    const ReasonCode codes[] = {ReasonCode::not_authorized};
    AsyncClient client(runtime, options());
    answer(PacketType::unsubscribe,
           Unsuback{.packet_id = 1, .reason_codes = codes, .properties = {.reason_string = "stay"}});
    run(connect(client));
    run(unsubscribe(client));
    EXPECT_THAT(logged, ElementsAre("the broker refuses to end the subscription to \"a\": Not authorized (0x87): "
                                    "\"stay\""));
}

/// Answers the request, which comes behind the SUBSCRIBE to its response topic.
TEST_P(WordsOfTheBroker, about_a_refused_request_are_its_errors) {
    const ReasonCode granted[] = {ReasonCode::granted_qos_1};
    const auto text_with = [&](ReasonCode code, const AckProperties& why) {
        broker.script(Script{"refuses"}
                          .expect(PacketType::connect)
                          .reply(Connack{})
                          .expect(PacketType::subscribe)
                          .reply(Suback{.packet_id = 1, .reason_codes = granted})
                          .expect(PacketType::publish)
                          .reply(Puback{.packet_id = 2, .reason_code = code, .properties = why}));
        AsyncClient client(runtime, options());
        run(connect(client));
        return text_of(ask(client));
    };
    EXPECT_EQ(text_with(ReasonCode::quota_exceeded, {.reason_string = "to\nmorrow"}),
              "rejected by the broker: Quota exceeded (0x97): the broker refuses the request: to\\nmorrow");
    EXPECT_EQ(text_with(ReasonCode::quota_exceeded, {}),
              "rejected by the broker: Quota exceeded (0x97): the broker refuses the request");
    EXPECT_EQ(text_with(ReasonCode::no_matching_subscribers, {}),
              "rejected by the broker: No matching subscribers (0x10): the broker gives the request to nobody");
}

} // namespace
} // namespace culex
