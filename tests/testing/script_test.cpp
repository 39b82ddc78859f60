// Scripts, played by a fake broker against a client that is driven packet by packet.

#include <culex/testing/script.hpp>

#include "testing/broker_fixture.hpp"

namespace culex::testing {
namespace {

using namespace std::chrono_literals;

using ScriptTest = BrokerFixture;
INSTANTIATE_TEST_SUITE_P(Versions, ScriptTest, ::testing::Values(Version::v3_1_1, Version::v5), version_name);

TEST_P(ScriptTest, plays_expectations_and_replies) {
    broker.script(Script{}
                      .expect(PacketType::connect)
                      .reply(Connack{.session_present = true})
                      .expect<Publish>([](const Publish& publish) { return publish.topic == "a"; })
                      .reply<Publish>([](const Publish& last) { return Puback{.packet_id = last.packet_id}; })
                      .reply(Publish{.topic = "b", .payload = as_bytes("hi")}));
    auto a = opened();
    a->connect("a");
    a->publish("a", "x", QoS::at_least_once, 300);
    EXPECT_THAT(a->take(), ElementsAre(connack_present, "PUBACK id=300", "PUBLISH qos=0 topic=\"b\" 2 bytes: hi"));
    EXPECT_TRUE(broker.connections().at(0).scripted);
    EXPECT_THAT(broker.messages(), IsEmpty()); // the broker itself does nothing
    a->send(Disconnect{});                     // a goodbye is never wrong
    EXPECT_THAT(broker.verify(), IsEmpty());
}

TEST_P(ScriptTest, owns_what_it_will_send) {
    Script script;
    {
        std::string topic = "a topic that will be gone before it is sent";
        script.expect(PacketType::connect).reply(Publish{.topic = topic});
        topic.assign(topic.size(), '!');
    }
    broker.script(script);
    auto a = opened();
    a->connect("a");
    EXPECT_THAT(a->take(), ElementsAre(HasSubstr("a topic that will be gone")));
}

TEST_P(ScriptTest, acknowledges_in_the_usual_way) {
    broker.script(Script{}
                      .expect(PacketType::connect)
                      .acknowledge()
                      .expect(PacketType::publish)
                      .acknowledge()
                      .expect(PacketType::publish)
                      .acknowledge()
                      .expect(PacketType::publish)
                      .acknowledge()
                      .expect(PacketType::pubrel)
                      .acknowledge()
                      .expect(PacketType::subscribe)
                      .acknowledge()
                      .expect(PacketType::subscribe)
                      .acknowledge(ReasonCode::unspecified_error)
                      .expect(PacketType::unsubscribe)
                      .acknowledge()
                      .expect(PacketType::pubrec)
                      .acknowledge()
                      .expect(PacketType::pingreq)
                      .acknowledge());
    auto a = opened();
    a->connect("a");
    a->publish("t", "x");
    a->publish("t", "x", QoS::at_least_once, 1);
    a->publish("t", "x", QoS::exactly_once, 2);
    a->send(Pubrel{.packet_id = 2});
    a->subscribe("t", QoS::exactly_once, 3);
    a->subscribe("t", QoS::exactly_once, 4);
    a->unsubscribe("t", 5);
    a->send(Pubrec{.packet_id = 6});
    a->send(Pingreq{});
    EXPECT_THAT(a->take(),
                ElementsAre(connack, "PUBACK id=1", "PUBREC id=2", "PUBCOMP id=2",
                            "SUBACK id=3 reason=0x02 (Granted QoS 2)", "SUBACK id=4 reason=0x80 (Unspecified error)",
                            StartsWith("UNSUBACK id=5"), "PUBREL id=6", "PINGRESP"));
    EXPECT_THAT(broker.verify(), IsEmpty());
}

TEST_P(ScriptTest, sends_and_expects_bytes_as_they_are) {
    broker.script(Script{}
                      .expect(PacketType::connect)
                      .reply_bytes("20 02 00")
                      .after(1s)
                      .reply_bytes("00 D0")
                      .expect_bytes("C0 00"));
    RawClient a{runtime, broker};
    a.connect("a");
    EXPECT_THAT(a.take(), IsEmpty());
    runtime.advance(1s);
    EXPECT_THAT(a.take(), ElementsAre(connack));
    a.send_bytes({0xC0, 0x00});
    EXPECT_THAT(broker.verify(), IsEmpty());
}

TEST_P(ScriptTest, refuses_what_is_no_packet_and_no_hexadecimal) {
    EXPECT_THROW(Script{}.reply(Publish{.topic = "a/#"}), Error);
    EXPECT_THROW(Script{}.reply_bytes("C"), Error);
    EXPECT_THROW(Script{}.reply_bytes("C0 0x"), Error);
    EXPECT_THROW(Script{}.expect_bytes("+1"), Error);
}

TEST_P(ScriptTest, says_when_a_reply_does_not_exist_in_the_clients_version) {
    broker.script(Script{}
                      .expect(PacketType::connect)
                      .reply(Auth{.reason_code = ReasonCode::continue_authentication,
                                  .properties = {.authentication_method = "m"}}));
    auto a = opened();
    a->connect("a");
    if (GetParam() == Version::v5) {
        EXPECT_THAT(a->take(), ElementsAre(StartsWith("AUTH")));
        EXPECT_THAT(broker.verify(), IsEmpty());
    } else {
        EXPECT_THAT(broker.verify(), ElementsAre(HasSubstr("step 2: cannot send this")));
    }
}

TEST_P(ScriptTest, waits_in_virtual_time) {
    broker.script(Script{}.expect(PacketType::connect).after(90s).acknowledge());
    auto a = opened();
    a->connect("a");
    a->send_bytes({});
    runtime.advance(89s);
    EXPECT_THAT(a->take(), IsEmpty());
    runtime.advance(1s);
    EXPECT_THAT(a->take(), ElementsAre(connack));
}

TEST_P(ScriptTest, keeps_packets_for_later_steps) {
    broker.script(Script{}
                      .expect(PacketType::connect)
                      .after(5s)
                      .expect(PacketType::pingreq)
                      .acknowledge()
                      .reply(Pubrel{.packet_id = 1}));
    auto a = opened();
    a->connect("a");
    a->send(Pingreq{});
    EXPECT_THAT(a->take(), IsEmpty());
    runtime.advance(5s);
    EXPECT_THAT(a->take(), ElementsAre("PINGRESP", "PUBREL id=1"));
}

TEST_P(ScriptTest, may_begin_before_the_client_has_said_anything) {
    broker.script(Script{}.reply(Pingresp{}).drop());
    auto a = opened();
    EXPECT_THAT(a->take(), ElementsAre("PINGRESP"));
    EXPECT_TRUE(a->ended());
    EXPECT_THAT(broker.verify(), IsEmpty());
}

TEST_P(ScriptTest, drops_and_closes) {
    broker.script(Script{}.expect(PacketType::connect).acknowledge().drop());
    broker.script(Script{}.expect(PacketType::connect).acknowledge().close());
    for (int i = 0; i < 2; ++i) {
        auto a = opened();
        a->connect("a");
        EXPECT_THAT(a->take(), ElementsAre(connack));
        EXPECT_TRUE(*a->ended() == Errc::end_of_stream);
    }
    EXPECT_THAT(broker.verify(), IsEmpty());
}

TEST_P(ScriptTest, stalls_and_resumes_reading) {
    runtime.set_capacity(100);
    broker.listen("mqtt://broker");
    broker.script(
        Script{}.expect(PacketType::connect).acknowledge().stall().after(10s).resume().expect(PacketType::publish));
    RawClient a{runtime, broker.url(), GetParam()};
    a.connect("a");
    a.publish("t", std::string(1000, 'x'));
    EXPECT_GT(a.stream().backlog(), 800U);
    runtime.advance(10s);
    EXPECT_EQ(a.stream().backlog(), 0U);
    EXPECT_THAT(broker.verify(), IsEmpty());
}

TEST_P(ScriptTest, passes_over_packets_that_do_not_count) {
    broker.script(Script{}
                      .answer(PacketType::pingreq)
                      .ignore(PacketType::puback)
                      .expect(PacketType::connect)
                      .acknowledge()
                      .expect(PacketType::subscribe)
                      .acknowledge());
    auto a = opened();
    a->connect("a");
    a->send(Puback{.packet_id = 9});
    a->send(Pingreq{});
    a->subscribe("t");
    a->send(Pingreq{});
    EXPECT_THAT(a->take(), ElementsAre(connack, "PINGRESP", StartsWith("SUBACK"), "PINGRESP"));
    EXPECT_THAT(broker.verify(), IsEmpty());
}

TEST_P(ScriptTest, calls_functions_of_the_test) {
    int calls = 0;
    const Script script = Script{}.expect(PacketType::connect).run([&] { ++calls; }).acknowledge();
    for (int i = 0; i < 3; ++i) broker.script(script); // scripts may be played again
    for (int i = 0; i < 3; ++i) {
        auto a = opened();
        a->connect("a");
        EXPECT_THAT(a->take(), ElementsAre(connack));
    }
    EXPECT_EQ(calls, 3);
    EXPECT_THAT(broker.verify(), IsEmpty());
}

// --- together with the broker

TEST_P(ScriptTest, leaves_connections_without_a_script_to_the_broker) {
    broker.script(Script{}.drop());
    auto a = opened();
    runtime.run_until_idle();
    EXPECT_FALSE(a->is_open());
    EXPECT_TRUE(connected("b")->is_open());
}

TEST_P(ScriptTest, passes_single_packets_to_the_broker) {
    broker.script(Script{}
                      .expect(PacketType::connect)
                      .pass()
                      .expect(PacketType::subscribe)
                      .pass()
                      .expect(PacketType::publish)
                      .acknowledge()
                      .expect(PacketType::publish)
                      .pass());
    auto a = opened();
    a->connect("a");
    a->subscribe("#");
    a->publish("t", "unseen", QoS::at_least_once, 1);
    a->publish("t", "seen", QoS::at_least_once, 2);
    EXPECT_THAT(a->take(),
                ElementsAre(connack, StartsWith("SUBACK"), "PUBACK id=1", StartsWith("PUBLISH qos=0"), "PUBACK id=2"));
    EXPECT_THAT(broker.messages(), SizeIs(1));
    EXPECT_THAT(broker.verify(), IsEmpty());
}

TEST_P(ScriptTest, hands_the_connection_over_with_what_it_has_not_answered) {
    broker.script(Script{}.expect(PacketType::connect).after(3s).pass_to_broker());
    auto a = opened();
    a->connect("a");
    a->subscribe("#");
    EXPECT_THAT(a->take(), IsEmpty());
    runtime.advance(3s);
    EXPECT_THAT(a->take(), ElementsAre(connack, StartsWith("SUBACK")));
    a->publish("t", "x");
    EXPECT_THAT(a->take(), SizeIs(1));
    EXPECT_FALSE(broker.connections().at(0).scripted);
    EXPECT_THAT(broker.verify(), IsEmpty());
}

TEST_P(ScriptTest, hands_the_connection_over_after_its_own_connack) {
    broker.script(Script{}
                      .expect(PacketType::connect)
                      .reply(Connack{.session_present = true})
                      .expect(PacketType::publish)
                      .acknowledge()
                      .pass_to_broker());
    auto a = opened();
    a->connect("a");
    a->publish("t", "x", QoS::at_least_once, 1);
    a->subscribe("#");
    EXPECT_THAT(a->take(), ElementsAre(connack_present, "PUBACK id=1", StartsWith("SUBACK")));
    EXPECT_EQ(broker.sessions().at(0).client_id, "a");
    EXPECT_THAT(broker.verify(), IsEmpty());
}

// --- complaints

TEST_P(ScriptTest, says_what_it_expected_and_what_it_got) {
    broker.script(
        Script{"resume"}.expect(PacketType::connect).acknowledge().expect(PacketType::subscribe).acknowledge());
    auto a = opened();
    a->connect("a");
    a->send(Pingreq{});
    EXPECT_TRUE(a->ended()); // the test does not hang
    EXPECT_THAT(broker.verify(), ElementsAre("script 1 \"resume\", step 3: expected SUBSCRIBE, got PINGREQ"));
    EXPECT_EQ(broker.complaints(), broker.verify());
}

TEST_P(ScriptTest, says_which_condition_was_not_met) {
    broker.script(
        Script{}.expect<Connect>([](const Connect& connect) { return connect.keep_alive == 7; }, "with keep-alive 7"));
    broker.script(Script{}.expect(PacketType::connect, [](const Packet&) { return false; }));
    broker.script(Script{}.expect_bytes("C0 00"));
    for (int i = 0; i < 3; ++i) opened()->connect("a");
    EXPECT_THAT(
        broker.verify(),
        ElementsAre(StartsWith("script 1, step 1: expected CONNECT with keep-alive 7, got CONNECT client_id=\"a\""),
                    StartsWith("script 2, step 1: expected CONNECT that meets the condition, got CONNECT"),
                    StartsWith("script 3, step 1: expected C0 00, got 10 ")));
}

TEST_P(ScriptTest, says_what_has_not_come_yet) {
    broker.script(Script{}.expect(PacketType::connect).acknowledge().expect(PacketType::subscribe));
    broker.script(Script{});
    EXPECT_THAT(broker.verify(), ElementsAre("2 scripts have not begun: no connections have come for them"));
    auto a = opened();
    a->connect("a");
    EXPECT_THAT(broker.verify(), ElementsAre("script 1, step 3: expects SUBSCRIBE, and nothing has come",
                                             "1 scripts have not begun: no connections have come for them"));
    EXPECT_THAT(broker.complaints(), IsEmpty());
}

TEST_P(ScriptTest, says_that_the_connection_ended_too_early) {
    broker.script(Script{}.expect(PacketType::connect).acknowledge().expect(PacketType::subscribe));
    auto a = opened();
    a->connect("a");
    a->close();
    EXPECT_THAT(broker.verify(),
                ElementsAre(StartsWith("script 1, step 3: expects SUBSCRIBE, but the connection has ended:")));
}

TEST_P(ScriptTest, says_what_comes_after_its_end) {
    broker.script(Script{}.expect(PacketType::connect).acknowledge());
    auto a = opened();
    a->connect("a");
    a->publish("t", "x");
    EXPECT_THAT(broker.verify(), ElementsAre("script 1, step 3: is over, but got PUBLISH qos=0 topic=\"t\" 1 bytes"));
}

TEST_P(ScriptTest, expects_packets_within_a_time) {
    const Script script = Script{}.expect(PacketType::connect).acknowledge().within(60s).expect(PacketType::pingreq);
    broker.script(script);
    broker.script(script);
    auto a = opened();
    a->connect("a");
    runtime.advance(59s);
    a->send(Pingreq{});
    EXPECT_THAT(broker.verify(), ElementsAre(HasSubstr("have not begun")));
    auto b = opened();
    b->connect("b");
    runtime.advance(60s);
    EXPECT_THAT(broker.verify(), ElementsAre("script 2, step 3: expected PINGREQ, and nothing has come in time"));
    EXPECT_TRUE(b->ended());
    EXPECT_TRUE(a->is_open());
}

TEST_P(ScriptTest, expects_silence_and_the_end) {
    const Script script =
        Script{}.expect(PacketType::connect).expect_silence(10s).acknowledge().within(5s).expect_close();
    for (int i = 0; i < 4; ++i) broker.script(script);
    const auto begin = [&] {
        auto client = opened();
        client->connect("a");
        return client;
    };
    auto good = begin();
    runtime.advance(12s);
    good->close();
    EXPECT_THAT(broker.complaints(), IsEmpty());
    auto loud = begin();
    runtime.advance(9s);
    loud->send(Pingreq{});
    auto chatty = begin();
    runtime.advance(12s);
    chatty->send(Pingreq{});
    auto stays = begin();
    runtime.advance(15s);
    EXPECT_THAT(broker.verify(), ElementsAre("script 2, step 2: expected silence, got PINGREQ",
                                             "script 3, step 4: expected the client to close, got PINGREQ",
                                             "script 4, step 4: expected the client to close, and it has not in time"));
}

TEST_P(ScriptTest, says_that_it_got_garbage) {
    broker.script(Script{}.expect(PacketType::connect).acknowledge().expect(PacketType::publish));
    auto a = opened();
    a->connect("a");
    a->send_bytes({0x36, 0x00});
    EXPECT_THAT(broker.verify(), ElementsAre(HasSubstr("expected PUBLISH, got garbage")));
}

TEST_P(ScriptTest, may_destroy_its_broker) {
    auto other = std::make_unique<FakeBroker>(runtime);
    other->script(Script{}.after(1s).run([&] { other.reset(); }).reply(Pingresp{}));
    RawClient a{runtime, *other, GetParam()};
    runtime.advance(2s);
    EXPECT_FALSE(other);
    EXPECT_TRUE(a.ended());
    other = std::make_unique<FakeBroker>(runtime);
    other->script(Script{}
                      .expect<Connect>([&](const Connect&) {
                          other.reset();
                          return true;
                      })
                      .acknowledge());
    RawClient b{runtime, *other, GetParam()};
    b.connect("b");
    EXPECT_THAT(b.take(), IsEmpty());
}

} // namespace
} // namespace culex::testing
