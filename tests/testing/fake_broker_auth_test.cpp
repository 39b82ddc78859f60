// The fake broker's side of enhanced authentication (MQTT 5, section 4.12): its rules, for clients that break them.

#include "testing/broker_fixture.hpp"

namespace culex::testing {
namespace {

class FakeBrokerAuth : public ::testing::Test {
protected:
    FakeBrokerAuth() {
        broker.options().authentication = [this](const AuthWord& word) -> AuthReply {
            words.push_back(std::to_string(word.step) + (word.connected ? " again " : " ") +
                            std::string(word.client_id) + " " + std::string(word.method) + " " +
                            std::string(as_text(word.data)));
            const std::string_view data = as_text(word.data);
            if (data == "no") return {ReasonCode::not_authorized, {}};
            return data == "yes" ? AuthReply{ReasonCode::success, "last"}
                                 : AuthReply{ReasonCode::continue_authentication, "more"};
        };
    }
    static Connect connect(std::string_view data) {
        return {.client_id = "c",
                .keep_alive = 0,
                .properties = {.authentication_method = "m", .authentication_data = as_bytes(data)}};
    }
    static Auth auth(std::string_view data, ReasonCode code = ReasonCode::continue_authentication,
                     std::string_view method = "m") {
        return {.reason_code = code,
                .properties = {.authentication_method = method, .authentication_data = as_bytes(data)}};
    }
    /// Sends, and gives the answer back; `"closed"` where there is only the end.
    template <class P> std::string answer(const P& packet) {
        client.send(packet);
        std::string line = client.pop();
        return line.empty() && client.ended() ? "closed" : line;
    }

    VirtualRuntime runtime;
    FakeBroker broker{runtime};
    RawClient client{runtime, broker, Version::v5};
    Lines words;
};

TEST_F(FakeBrokerAuth, asks_the_test_about_each_word_and_says_what_it_says) {
    EXPECT_THAT(answer(connect("hello")), AllOf(StartsWith("AUTH"), HasSubstr("0x18"), HasSubstr("\"m\"")));
    EXPECT_THAT(answer(auth("what")), AllOf(StartsWith("AUTH"), HasSubstr("0x18")));
    EXPECT_THAT(answer(auth("yes")), AllOf(StartsWith("CONNACK"), HasSubstr("authentication_method=\"m\""),
                                           HasSubstr("authentication_data=(4 bytes)")));
    EXPECT_THAT(answer(auth("once more", ReasonCode::reauthenticate)), AllOf(StartsWith("AUTH"), HasSubstr("0x18")));
    client.publish("t", "x"); // goes on meanwhile
    EXPECT_EQ(broker.messages().size(), 1u);
    EXPECT_THAT(answer(auth("yes")), AllOf(StartsWith("AUTH"), Not(HasSubstr("0x18"))));
    EXPECT_THAT(words,
                ElementsAre("0 c m hello", "1 c m what", "2 c m yes", "0 again c m once more", "1 again c m yes"));
    EXPECT_THAT(broker.verify(), IsEmpty());
}

TEST_F(FakeBrokerAuth, refuses_with_connack_or_disconnect) { // [MQTT-4.12.0-4] [MQTT-4.12.1-2]
    EXPECT_THAT(answer(connect("hello")), StartsWith("AUTH"));
    EXPECT_THAT(answer(auth("no")), AllOf(StartsWith("CONNACK"), HasSubstr("0x87")));
    EXPECT_TRUE(client.ended());
    RawClient other{runtime, broker, Version::v5};
    other.send(connect("yes"));
    EXPECT_THAT(other.pop(), StartsWith("CONNACK"));
    other.send(auth("no", ReasonCode::reauthenticate));
    EXPECT_THAT(other.pop(), AllOf(StartsWith("DISCONNECT"), HasSubstr("0x87")));
}

TEST_F(FakeBrokerAuth, without_the_function_methods_are_refused) { // [MQTT-4.12.0-1]
    broker.options().authentication = {};
    EXPECT_THAT(answer(connect("hello")), AllOf(StartsWith("CONNACK"), HasSubstr("0x8C")));
}

TEST_F(FakeBrokerAuth, nothing_but_auth_and_disconnect_may_come_during_the_exchange) { // [MQTT-3.1.2-30]
    EXPECT_THAT(answer(connect("hello")), StartsWith("AUTH"));
    EXPECT_EQ(answer(Publish{.topic = "t"}), "closed");
    EXPECT_THAT(broker.complaints(), ElementsAre(HasSubstr("PUBLISH during the authentication")));
    RawClient other{runtime, broker, Version::v5};
    other.send(connect("hello"));
    other.send(Disconnect{});
    EXPECT_TRUE(other.ended());
    EXPECT_EQ(broker.complaints().size(), 1u);
}

TEST_F(FakeBrokerAuth, auth_out_of_place_is_a_protocol_error) { // [MQTT-4.12.0-5] [MQTT-4.12.0-7]
    EXPECT_THAT(answer(connect("yes")), StartsWith("CONNACK"));
    EXPECT_THAT(answer(auth("what")), AllOf(StartsWith("DISCONNECT"), HasSubstr("0x82")));
    RawClient other{runtime, broker, Version::v5};
    other.send(connect("yes"));
    EXPECT_THAT(other.pop(), StartsWith("CONNACK"));
    other.send(auth("yes", ReasonCode::reauthenticate, "other"));
    EXPECT_THAT(other.pop(), AllOf(StartsWith("DISCONNECT"), HasSubstr("0x82")));
    RawClient plain{runtime, broker, Version::v5};
    plain.connect("plain");
    EXPECT_THAT(plain.pop(), StartsWith("CONNACK"));
    plain.send(auth("yes", ReasonCode::reauthenticate));
    EXPECT_THAT(plain.pop(), AllOf(StartsWith("DISCONNECT"), HasSubstr("0x82")));
}

} // namespace
} // namespace culex::testing
