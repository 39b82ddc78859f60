// Enhanced authentication (MQTT 5, section 4.12): who may say what, and when.
#include "support/session_peer.hpp"

namespace culex::session {
namespace {

using namespace culex::testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view method = "toy";

/// A session whose owner carries out the method "toy".
class AuthTest : public ::testing::Test {
protected:
    void open() { peer.open(hello); }
    void challenge(std::string_view data, ReasonCode code = ReasonCode::continue_authentication) {
        peer.receive(auth(code, data));
    }
    static Auth auth(ReasonCode code, std::string_view data = {}, std::optional<std::string_view> named = method) {
        Auth packet{.reason_code = code, .properties = {.authentication_method = named}};
        if (!data.empty()) packet.properties.authentication_data = as_bytes(data);
        return packet;
    }
    static Connack accepts(std::string_view data = {}, bool present = false) {
        Connack packet{.session_present = present, .properties = {.authentication_method = method}};
        if (!data.empty()) packet.properties.authentication_data = as_bytes(data);
        return packet;
    }
    void connect() {
        open();
        peer.receive(accepts());
        peer->accept(peer.now);
        drain();
        peer.sent();
        heard.clear();
    }
    /// Events of AUTH as `"0x18 data"`.
    void receive_auth(const Auth& packet) {
        Buffer bytes;
        ASSERT_TRUE(wire::encode(bytes, packet, Version::v5));
        peer->handle_input(bytes.bytes(), peer.now);
        drain();
    }
    void drain() {
        while (auto event = peer->poll_event()) {
            if (event->type == PacketType::auth)
                heard.push_back(brief(event->reason_code) + " " + event->details->authentication_data);
        }
    }
    void expect_violation(std::string_view detail) {
        EXPECT_EQ(peer->failure(), Errc::protocol_error);
        EXPECT_EQ(peer->failure().reason_code(), ReasonCode::protocol_error);
        EXPECT_THAT(peer->failure().detail(), HasSubstr(detail));
        EXPECT_THAT(peer.sent(), ElementsAre("DISCONNECT 0x82"));
    }

    const Connect hello{.client_id = "c1", .clean_start = false, .properties = {.authentication_method = method}};
    SessionPeer peer{Version::v5, {.authenticates = true}};
    Lines heard;
};

TEST_F(AuthTest, hands_on_each_challenge_and_answers_with_0x18_and_the_method) { // [MQTT-4.12.0-2] [MQTT-4.12.0-3]
    open();
    peer.sent();
    receive_auth(auth(ReasonCode::continue_authentication, "who?"));
    EXPECT_THAT(heard, ElementsAre("0x18 who?"));
    EXPECT_THAT(peer.sent(), IsEmpty());
    ASSERT_TRUE(peer->authenticate(as_bytes("me")));
    EXPECT_EQ(hex_of(peer->output().bytes()),
              hex_of(hex("F0 0D 18 0B 15 00 03 'toy' 16 00 02 'me'"))); // [MQTT-3.15.2-1] [MQTT-4.12.0-5]
    EXPECT_THAT(peer.sent(), ElementsAre("AUTH"));
    receive_auth(auth(ReasonCode::continue_authentication, "really?"));
    ASSERT_TRUE(peer->authenticate({}));
    EXPECT_EQ(hex_of(peer->output().bytes()), hex_of(hex("F0 08 18 06 15 00 03 'toy'")));
    EXPECT_FALSE(peer->connected());
}

TEST_F(AuthTest, sends_nothing_but_auth_before_connack_and_nothing_at_all_before_it_is_accepted) { // [MQTT-3.1.2-30]
    const auto& early = peer.publish("a", "early", QoS::at_most_once);
    open();
    EXPECT_THAT(peer.sent(), ElementsAre("CONNECT"));
    challenge("who?");
    const auto& message = peer.publish("a", "1");
    peer.subscribe("b");
    EXPECT_THAT(peer.sent(), IsEmpty());
    ASSERT_TRUE(peer->authenticate(as_bytes("me")));
    EXPECT_THAT(peer.sent(), ElementsAre("AUTH"));
    peer.receive(accepts("proof"));
    EXPECT_TRUE(peer->verifying());
    EXPECT_FALSE(peer->connected());
    peer.publish("a", "0", QoS::at_most_once);
    EXPECT_THAT(peer.sent(), IsEmpty());
    EXPECT_EQ(early.outcome, "");
    EXPECT_THAT(peer.events(), ElementsAre("AUTH 0x18", "AUTH"));
    peer->accept(peer.now);
    EXPECT_TRUE(peer->connected());
    EXPECT_THAT(peer.sent(), ::testing::UnorderedElementsAre("SUBSCRIBE#2 b:q0", "PUBLISH q0 a:early",
                                                             "PUBLISH#1 q1 a:1", "PUBLISH q0 a:0"));
    peer.receive(Puback{.packet_id = 1});
    EXPECT_EQ(message.outcome, "ok");
}

TEST_F(AuthTest, what_comes_behind_connack_waits_for_the_verdict) {
    open();
    peer.sent();
    Buffer bytes;
    ASSERT_TRUE(wire::encode(bytes, accepts("proof", true), Version::v5));
    ASSERT_TRUE(wire::encode(bytes, Publish{.topic = "a", .payload = as_bytes("1")}, Version::v5));
    const std::size_t second = bytes.size();
    ASSERT_TRUE(wire::encode(bytes, Publish{.topic = "a", .payload = as_bytes("2")}, Version::v5));
    ASSERT_TRUE(wire::encode(bytes, Publish{.topic = "a", .payload = as_bytes("3")}, Version::v5));
    // Cut inside the second message: what the framer keeps, and what comes later, are one stream.
    peer.receive_bytes(bytes.bytes().first(second + 3));
    peer.receive_bytes(bytes.bytes().subspan(second + 3, 2));
    peer.receive_bytes(bytes.bytes().subspan(second + 5));
    EXPECT_THAT(peer.events(), ElementsAre("AUTH"));
    peer->accept(peer.now);
    peer.receive_bytes({});
    EXPECT_THAT(peer.events(), ElementsAre("CONNACK present", "PUBLISH q0 a:1", "PUBLISH q0 a:2", "PUBLISH q0 a:3"));
    EXPECT_FALSE(peer->failure());
}

TEST_F(AuthTest, a_broker_that_sends_without_end_before_the_verdict_is_cut_off) {
    SessionPeer small{Version::v5, {.answer_limit = 100, .authenticates = true}};
    small.open(hello);
    small.receive(accepts());
    small.receive_bytes(std::vector<std::byte>(100));
    EXPECT_FALSE(small->failure());
    small.receive_bytes(std::vector<std::byte>(1));
    EXPECT_EQ(small->failure(), Errc::connection_lost);
}

TEST_F(AuthTest, a_broker_that_is_not_accepted_gets_disconnect_and_no_message) {
    const auto& message = peer.publish("a", "1");
    open();
    peer.receive(accepts("wrong"));
    peer.sent();
    peer->reject_authentication(Failure(Errc::authentication_failed, "the proof is wrong"));
    EXPECT_THAT(peer.sent(), ElementsAre("DISCONNECT 0x80"));
    EXPECT_EQ(peer->failure(), Errc::authentication_failed);
    EXPECT_EQ(peer->failure().phase(), Phase::mqtt);
    peer.end();
    peer.open();
    peer.receive(Connack{});
    EXPECT_THAT(peer.sent(), ElementsAre("CONNECT", "PUBLISH#1 q1 a:1")); // for another broker, and without DUP
    EXPECT_EQ(message.outcome, "");
}

TEST_F(AuthTest, without_an_owner_that_authenticates_connack_accepts_and_a_challenge_ends_the_link) {
    SessionPeer plain{Version::v5};
    plain.open(hello);
    plain.receive(accepts());
    EXPECT_TRUE(plain->connected());
    plain.end();
    plain.open(hello);
    plain.sent();
    plain.receive(auth(ReasonCode::continue_authentication));
    EXPECT_EQ(plain->failure(), Errc::not_supported);
    EXPECT_THAT(plain.sent(), ElementsAre("DISCONNECT 0x80"));
}

// --- what a broker may not say

TEST_F(AuthTest, auth_of_another_method_or_of_none_is_a_protocol_error) { // [MQTT-4.12.0-5]
    open();
    peer.sent();
    peer.receive(auth(ReasonCode::continue_authentication, {}, "other"));
    expect_violation("another authentication method");
    peer.end();
    open();
    peer.sent();
    peer.receive_hex("F0 02 18 00"); // section 3.15.2.2.2
    expect_violation("without an authentication method");
}

TEST_F(AuthTest, auth_that_says_success_before_connack_is_a_protocol_error) { // [MQTT-4.12.0-2]
    open();
    peer.sent();
    challenge({}, ReasonCode::success);
    expect_violation("where CONNACK should");
}

TEST_F(AuthTest, auth_0x19_is_no_word_of_a_brokers) { // [MQTT-3.15.2-1]
    connect();
    peer.receive_hex("F0 08 19 06 15 00 03 'toy'");
    EXPECT_EQ(peer->failure(), Errc::protocol_error);
    EXPECT_THAT(peer.sent(), ElementsAre("DISCONNECT 0x82"));
}

TEST_F(AuthTest, auth_out_of_turn_is_a_protocol_error) {
    open();
    peer.sent();
    challenge("1");
    challenge("2");
    expect_violation("before the last one was answered");
    peer.end();
    connect();
    challenge("out of the blue");
    expect_violation("no authentication is under way");
    peer.end();
    connect();
    challenge({}, ReasonCode::success);
    expect_violation("no authentication is under way");
}

TEST_F(AuthTest, connack_without_the_method_or_with_another_is_a_protocol_error) { // [MQTT-4.12.0-5]
    open();
    peer.sent();
    peer.receive(Connack{});
    expect_violation("CONNACK without the authentication method");
    EXPECT_THAT(peer.events(), IsEmpty());
    peer.end();
    open();
    peer.sent();
    peer.receive(Connack{.properties = {.authentication_method = "other"}});
    expect_violation("another authentication method");
}

TEST_F(AuthTest, connack_with_a_method_that_connect_did_not_name_is_a_protocol_error) { // [MQTT-4.12.0-6]
    peer.open();
    peer.sent();
    peer.receive(accepts());
    expect_violation("although CONNECT named none");
}

TEST_F(AuthTest, connack_before_the_answer_to_a_challenge_is_a_protocol_error) {
    open();
    peer.sent();
    challenge("who?");
    peer.receive(accepts());
    expect_violation("before the last AUTH was answered");
}

TEST_F(AuthTest, auth_may_not_explain_itself_where_we_asked_it_not_to) { // [MQTT-3.1.2-29]
    Connect brief_hello = hello;
    brief_hello.properties.request_problem_information = 0;
    const UserProperty property[] = {{"why", "because"}};
    for (const bool in_words : {true, false}) {
        peer.open(brief_hello);
        peer.sent();
        Auth wordy = auth(ReasonCode::continue_authentication);
        if (in_words) {
            wordy.properties.reason_string = "because";
        } else {
            wordy.properties.user_properties = property;
        }
        peer.receive(wordy);
        expect_violation("no problem information");
        peer.end();
    }
}

TEST_F(AuthTest, a_refusal_at_any_step_is_told) { // [MQTT-4.12.0-1] [MQTT-4.12.0-4]
    for (const ReasonCode code : {ReasonCode::bad_authentication_method, ReasonCode::not_authorized}) {
        open();
        peer.sent();
        challenge("who?"); // and our answer is not waited for
        peer.receive(Connack{.reason_code = code});
        EXPECT_EQ(peer->failure(), Errc::connection_refused);
        EXPECT_EQ(peer->failure().reason_code(), code);
        EXPECT_THAT(peer.sent(), IsEmpty());
        peer.end();
    }
}

TEST_F(AuthTest, an_answer_that_is_too_large_for_the_broker_is_not_sent) { // [MQTT-3.2.2-15]
    open();
    Connack small = accepts();
    small.properties.maximum_packet_size = 20;
    peer.receive(small);
    peer->accept(peer.now);
    peer.sent();
    EXPECT_EQ(peer->reauthenticate(as_bytes("0123456789")).failure(), Errc::packet_too_large);
    EXPECT_THAT(peer.sent(), IsEmpty());
    EXPECT_TRUE(peer->reauthenticate(as_bytes("0")));
}

// --- again

TEST_F(AuthTest, authenticates_again_while_messages_flow) { // [MQTT-4.12.1-1]
    connect();
    ASSERT_TRUE(peer->reauthenticate(as_bytes("me")));
    EXPECT_EQ(hex_of(peer->output().bytes()), hex_of(hex("F0 0D 19 0B 15 00 03 'toy' 16 00 02 'me'")));
    const auto& message = peer.publish("a", "1");
    EXPECT_THAT(peer.sent(), ElementsAre("AUTH", "PUBLISH#1 q1 a:1"));
    peer.receive(Puback{.packet_id = 1});
    EXPECT_EQ(message.outcome, "ok");
    EXPECT_EQ(peer->reauthenticate({}).failure(), Errc::not_supported); // one at a time
    receive_auth(auth(ReasonCode::continue_authentication, "really?"));
    ASSERT_TRUE(peer->authenticate(as_bytes("yes")));
    receive_auth(auth(ReasonCode::success, "fine"));
    EXPECT_THAT(heard, ElementsAre("0x18 really?", "0x00 fine"));
    EXPECT_TRUE(peer->connected());
    EXPECT_TRUE(peer->reauthenticate({})); // and once more
}

TEST_F(AuthTest, nothing_follows_a_disconnect_that_overtakes_the_exchange) { // [MQTT-3.14.4-1]
    connect();
    ASSERT_TRUE(peer->reauthenticate({}));
    challenge("really?");
    peer.sent();
    peer->disconnect();
    EXPECT_EQ(peer->authenticate(as_bytes("yes")).failure(), Errc::not_connected);
    peer->reject_authentication(Failure(Errc::authentication_failed));
    EXPECT_THAT(peer.sent(), ElementsAre("DISCONNECT"));
    EXPECT_FALSE(peer->failure());
    peer.end();
    EXPECT_EQ(peer->authenticate({}).failure(), Errc::not_connected);
}

TEST_F(AuthTest, a_wrong_proof_ends_the_link_with_disconnect) { // [MQTT-4.12.1-2]
    connect();
    ASSERT_TRUE(peer->reauthenticate({}));
    challenge("wrong", ReasonCode::success);
    peer.sent();
    peer->reject_authentication(Failure(Errc::authentication_failed));
    EXPECT_THAT(peer.sent(), ElementsAre("DISCONNECT 0x80"));
    EXPECT_EQ(peer->failure().phase(), Phase::session);
}

TEST_F(AuthTest, who_named_no_method_cannot_authenticate_again) { // [MQTT-4.12.0-7]
    EXPECT_EQ(peer->reauthenticate({}).failure(), Errc::not_connected);
    peer.connect();
    EXPECT_EQ(peer->reauthenticate({}).failure(), Errc::not_supported);
    EXPECT_EQ(peer->authenticate({}).failure(), Errc::not_connected);
    EXPECT_THAT(peer.sent(), IsEmpty());
}

} // namespace
} // namespace culex::session
