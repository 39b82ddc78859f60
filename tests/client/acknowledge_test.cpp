// When received messages are acknowledged: by asking for the next one, or by `ack`.
#include "client/acknowledge_test.hpp"

namespace culex {
namespace {

CULEX_FOR_BOTH_VERSIONS(Acknowledging);

TEST_P(Acknowledging, by_ack_alone_where_that_is_manual) { // [MQTT-4.3.2-4] [MQTT-4.3.3-8]
    AsyncClient client(runtime, options());
    auto stream = open(client, "work/#");
    publish("1", q1);
    publish("2", q2);
    const Message first = take(stream);
    const Message second = take(stream);
    EXPECT_FALSE(stream->try_next());
    EXPECT_THAT(ids<Puback>(), IsEmpty());
    first.ack();
    EXPECT_THAT(ids<Puback>(), ElementsAre(1));
    EXPECT_THAT(ids<Pubrec>(), IsEmpty());
    second.ack();
    EXPECT_THAT(ids<Pubrec>(), ElementsAre(2));
    EXPECT_THAT(ids<Pubcomp>(), ElementsAre(2));
    EXPECT_EQ(client.unacknowledged(), 0u);
}

TEST_P(Acknowledging, of_a_consumer_that_acks_in_another_order_is_in_the_order_of_arrival) { // [MQTT-4.6.0-2]
    AsyncClient client(runtime, options());
    auto stream = open(client, "work/#");
    std::vector<Message> messages;
    for (const char* text : {"1", "2", "3", "4"}) publish(text, q1);
    for (int i = 0; i < 4; ++i) messages.push_back(take(stream));
    messages[2].ack();
    messages[1].ack();
    EXPECT_THAT(ids<Puback>(), IsEmpty());
    messages[0].ack();
    EXPECT_THAT(ids<Puback>(), ElementsAre(1, 2, 3));
    messages[3].ack();
    EXPECT_THAT(ids<Puback>(), ElementsAre(4));
}

TEST_P(Acknowledging, does_nothing_the_second_time_at_qos_0_and_for_messages_of_other_streams) {
    AsyncClient client(runtime, options());
    auto stream = open(client, "work/#");
    auto other = open(client, "other", {});
    publish("0", QoS::at_most_once);
    take(stream).ack();
    publish("1", q1);
    publish("2", q1);
    const Message first = take(stream);
    const Message copy = first;
    const Message second = take(stream);
    first.ack();
    first.ack();
    copy.ack();
    EXPECT_THAT(ids<Puback>(), ElementsAre(1));
    second.ack();
    EXPECT_THAT(ids<Puback>(), ElementsAre(2));
    publish("3", q1, "other");
    const Message automatic = take(other);
    automatic.ack();
    Message().ack();
    EXPECT_THAT(ids<Puback>(), IsEmpty());
    EXPECT_FALSE(other->try_next());
    EXPECT_THAT(ids<Puback>(), ElementsAre(3));
}

TEST_P(Acknowledging, after_the_client_has_gone_does_nothing) {
    Message message;
    {
        AsyncClient client(runtime, persistent());
        auto stream = open(client, "work/#");
        publish("1", q1);
        message = take(stream);
    }
    runtime.advance(1min);
    AsyncClient next(runtime, persistent()); // with the same place to refer to
    auto stream = std::optional(next.listen("work/#", Acknowledge::manual));
    run(connect(next));
    runtime.run_until_idle();
    const Message again = take(stream);
    message.ack();
    EXPECT_THAT(ids<Puback>(), IsEmpty());
    EXPECT_EQ(message.text(), "1");
    again.ack();
    EXPECT_THAT(ids<Puback>(), ElementsAre(1));
}

TEST_P(Acknowledging, after_its_connection_died_never_acknowledges_another_message) {
    AsyncClient client(runtime, options());
    for (const QoS qos : {q1, q2}) {
        auto stream = open(client, "work/#");
        publish("old", qos);
        const Message old = take(stream);
        lose_connection(); // and the session, so that identifiers begin anew
        publish("new", qos);
        const Message fresh = take(stream);
        ASSERT_EQ(fresh.mid(), old.mid());
        ASSERT_EQ(fresh.text(), "new");
        old.ack();
        runtime.advance(1s);
        EXPECT_EQ(in_flight(), 1u);
        EXPECT_EQ(client.unacknowledged(), 1u);
        fresh.ack();
        runtime.advance(1s);
        EXPECT_EQ(in_flight(), 0u);
        lose_connection();
    }
}

TEST_P(Acknowledging, of_a_qos_1_message_that_is_sent_again_is_for_the_new_copy) { // [MQTT-4.3.2-5]
    AsyncClient client(runtime, persistent());
    auto stream = open(client, "work/#");
    publish("1", q1);
    const Message old = take(stream);
    lose_connection();
    const Message again = take(stream);
    EXPECT_TRUE(again.dup());
    old.ack();
    EXPECT_THAT(ids<Puback>(), IsEmpty());
    again.ack();
    EXPECT_THAT(ids<Puback>(), ElementsAre(1));
}

TEST_P(Acknowledging, of_a_qos_2_message_that_is_sent_again_is_by_the_only_copy) { // [MQTT-4.3.3-10]
    AsyncClient client(runtime, persistent());
    auto stream = open(client, "work/#");
    publish("1", q2);
    const Message only = take(stream);
    lose_connection();
    EXPECT_EQ(broker.sent(PacketType::publish).size(), 2u);
    EXPECT_FALSE(stream->try_next());
    only.ack();
    EXPECT_THAT(ids<Pubrec>(), ElementsAre(1));
    EXPECT_THAT(ids<Pubcomp>(), ElementsAre(1));
    EXPECT_EQ(in_flight(), 0u);
}

TEST_P(Acknowledging, while_the_connection_is_lost_counts_at_qos_2) {
    AsyncClient client(runtime, persistent());
    auto stream = open(client, "work/#");
    publish("1", q2);
    const Message only = take(stream);
    broker.stop_listening();
    broker.drop_all_connections();
    runtime.run_until_idle();
    only.ack();
    broker.listen();
    runtime.advance(2min);
    EXPECT_FALSE(stream->try_next());
    EXPECT_EQ(in_flight(), 0u);
}

/// Automatic streams as well: the message in hand, and one whose PUBREC was lost.
TEST_P(Acknowledging, a_qos_2_message_that_is_sent_again_does_not_reach_the_user_twice) { // [MQTT-4.3.3-10]
    for (const SubscribeOptions& how : {manual, SubscribeOptions{}}) {
        AsyncClient client(runtime, persistent());
        auto stream = open(client, "work/#", how);
        publish("1", q2);
        Message first = take(stream);
        lose_connection();
        first.ack();
        EXPECT_FALSE(stream->try_next()); // acknowledges the automatic one
        publish("2", q2);
        broker.inject({.received = {.packets = {{.type = PacketType::pubrec}}}}); // on the next connection
        lose_connection();
        Message second = take(stream);
        EXPECT_EQ(second.text(), "2");
        second.ack();
        EXPECT_FALSE(stream->try_next());
        runtime.run_until_idle();
        EXPECT_EQ(in_flight(), 1u); // its PUBREC is lost
        lose_connection();
        EXPECT_FALSE(stream->try_next());
        EXPECT_EQ(in_flight(), 0u);
        broker.drop_all_connections();
    }
}

TEST_P(Acknowledging, message_that_never_is_holds_back_the_rest_until_the_next_connection) {
    AsyncClient client(runtime, persistent());
    auto stream = open(client, "work/#");
    auto other = open(client, "other", {});
    publish("1", q1);
    publish("2", q1);
    publish("3", q1, "other");
    (void)take(stream); // and dropped
    take(stream).ack();
    EXPECT_EQ(take_all(other), "3");
    EXPECT_THAT(ids<Puback>(), IsEmpty());
    EXPECT_EQ(client.unacknowledged(), 3u);
    client.reconnect();
    runtime.advance(1s);
    take(stream).ack();
    take(stream).ack();
    EXPECT_EQ(take_all(other), "3");
    EXPECT_THAT(ids<Puback>(), ElementsAre(1, 2, 3));
    EXPECT_EQ(client.unacknowledged(), 0u);
}

TEST_P(Acknowledging, makes_room_in_the_window) { // [MQTT-3.3.4-9]
    ClientOptions narrow = options();
    narrow.properties.receive_maximum = 2;
    AsyncClient client(runtime, narrow);
    auto stream = open(client, "work/#");
    for (const char* text : {"1", "2", "3", "4", "5"}) publish(text, q1);
    std::vector<Message> got;
    while (auto message = stream->try_next()) got.push_back(*std::move(message));
    EXPECT_EQ(got.size(), 2u);
    std::size_t acked = 0;
    while (acked < got.size()) {
        got[acked++].ack();
        runtime.advance(1s);
        while (auto message = stream->try_next()) got.push_back(*std::move(message));
    }
    EXPECT_EQ(got.size(), 5u);
    EXPECT_EQ(in_flight(), 0u);
}

TEST_P(Acknowledging, of_a_message_of_several_streams_waits_for_all_of_them) {
    AsyncClient client(runtime, options());
    auto one = open(client, "work/a");
    auto two = open(client, "work/+");
    auto three = open(client, "work/#", {});
    for (const QoS qos : {q1, q2}) {
        publish("x", qos);
        const Message first = take(one);
        const Message second = take(two);
        const Message third = take(three);
        first.ack();
        first.ack(); // does not count for another
        third.ack(); // is no ack in an automatic stream
        EXPECT_FALSE(three->try_next());
        runtime.run_until_idle();
        EXPECT_EQ(client.unacknowledged(), 1u);
        second.ack();
        runtime.run_until_idle();
        EXPECT_EQ(client.unacknowledged(), 0u);
        EXPECT_EQ(in_flight(), 0u);
    }
}

TEST_P(Acknowledging, of_a_message_of_several_streams_may_come_after_its_connection_died) {
    AsyncClient client(runtime, persistent());
    auto one = open(client, "work/a");
    auto two = open(client, "work/+");
    publish("1", q1);
    publish("2", q2);
    std::vector<Message> old;
    for (auto* stream : {&one, &two}) {
        old.push_back(take(*stream));
        old.push_back(take(*stream));
    }
    lose_connection();
    for (const Message& message : old) message.ack();
    EXPECT_EQ(ids<Pubrec>().size(), 0u); // the QoS 1 message before it was sent again, and is not acknowledged
    take(one).ack();
    take(two).ack();
    EXPECT_THAT(ids<Puback>(), ElementsAre(1));
    EXPECT_THAT(ids<Pubcomp>(), ElementsAre(2));
    EXPECT_FALSE(one->try_next());
    EXPECT_FALSE(two->try_next());
}

/// What can be acknowledged no more is forgotten with its link, and what still can is shared as before.
TEST_P(Acknowledging, of_a_message_of_several_streams_is_remembered_as_long_as_it_can_come) {
    AsyncClient client(runtime, persistent());
    auto one = open(client, "work/a");
    auto two = open(client, "work/+");
    publish("1", q1);
    publish("2", q2);
    const auto& router = client.core().router();
    EXPECT_EQ(router.shared_count(), 2u);
    (void)take(one);
    (void)take(two);
    const Message first = take(one);
    const Message second = take(two);
    lose_connection();
    EXPECT_EQ(router.shared_count(), 2u); // the one of QoS 2, and the new copy of the other
    take(one).ack();
    take(two).ack();
    first.ack();
    EXPECT_EQ(ids<Pubrec>().size(), 0u); // the second stream is not done with it
    second.ack();
    EXPECT_THAT(ids<Pubrec>(), ElementsAre(2));
    EXPECT_EQ(router.shared_count(), 0u);
}

// --- by asking for the next one, while there is output already: the short way

TEST_P(Acknowledging, of_the_oldest_is_followed_by_those_that_wait_for_it) { // [MQTT-4.6.0-2]
    AsyncClient client(runtime, options());
    auto one = open(client, "work/a", {});
    auto two = open(client, "work/b", {});
    publish("1", q1, "work/a");
    publish("2", q1, "work/b");
    publish("3", q1, "work/a");
    (void)take(one);
    (void)take(two);
    EXPECT_FALSE(two->try_next());
    EXPECT_THAT(ids<Puback>(), IsEmpty());
    auto sent = client.publish("out", "there is output");
    auto third = one->next();
    EXPECT_TRUE(third.await_ready());
    EXPECT_THAT(ids<Puback>(), ElementsAre(1, 2));
}

TEST_P(Acknowledging, of_a_message_of_several_streams_waits_for_the_last_that_asks_on) {
    AsyncClient client(runtime, options());
    auto one = open(client, "work/a", {});
    auto two = open(client, "work/+", {});
    publish("1", q1);
    publish("2", q1);
    (void)take(one);
    (void)take(two);
    for (auto* stream : {&one, &two}) {
        EXPECT_THAT(ids<Puback>(), IsEmpty());
        auto sent = client.publish("out", "there is output");
        auto next = (*stream)->next();
        EXPECT_TRUE(next.await_ready());
    }
    EXPECT_THAT(ids<Puback>(), ElementsAre(1));
}

// --- streams that are dropped

TEST_P(Acknowledging, at_qos_2_is_left_to_those_who_share_what_a_dropped_manual_stream_has_not_handed_out) {
    for (const bool dropped_first : {false, true}) {
        runtime.run_until_idle(); // the client before has gone
        broker.forget_sessions();
        AsyncClient client(runtime, persistent());
        auto one = open(client, "work/a");
        auto two = open(client, "work/+", {});
        publish("1", q2);
        publish("2", q2);
        (void)take(two);
        if (!dropped_first) (void)take(two); // done with the first
        one.reset();
        if (dropped_first) (void)take(two);
        EXPECT_EQ(ids<Pubrec>().size(), 1u);
        EXPECT_FALSE(two->try_next());
        EXPECT_EQ(ids<Pubrec>().size(), 1u);
        EXPECT_EQ(client.unacknowledged(), 0u);
        EXPECT_EQ(client.core().router().shared_count(), 0u);
    }
}

TEST_P(Acknowledging, at_qos_2_of_what_all_dropped_streams_have_left_is_for_the_next_connection) {
    AsyncClient client(runtime, persistent());
    auto one = open(client, "work/a");
    auto two = open(client, "work/+");
    publish("1", q2);
    one.reset();
    two.reset();
    EXPECT_EQ(client.unacknowledged(), 1u);
    EXPECT_EQ(client.core().router().shared_count(), 0u);
    auto next = std::optional(client.listen("work/#"));
    lose_connection();
    EXPECT_EQ(take(next).text(), "1");
    EXPECT_FALSE(next->try_next());
    EXPECT_EQ(ids<Pubrec>().size(), 1u);
}

TEST_P(Acknowledging, leaves_out_what_a_dropped_manual_stream_has_not_handed_out) {
    AsyncClient client(runtime, persistent());
    auto stream = open(client, "work/#");
    publish("1", q2);
    publish("2", q1);
    publish("3", q2);
    const Message seen = take(stream);
    stream.reset();
    runtime.run_until_idle();
    EXPECT_EQ(client.unclaimed(), 2u);
    EXPECT_EQ(client.unacknowledged(), 3u);
    auto next = std::optional(client.listen("work/#", Acknowledge::manual));
    lose_connection();
    seen.ack(); // the stream has gone, the message counts
    EXPECT_THAT(ids<Pubrec>(), ElementsAre(1));
    const Message second = take(next);
    const Message third = take(next);
    EXPECT_EQ(std::string(second.text()) + std::string(third.text()), "23");
    EXPECT_FALSE(next->try_next());
    second.ack();
    third.ack();
    runtime.run_until_idle();
    EXPECT_EQ(in_flight(), 0u);
}

TEST_P(Acknowledging, passes_on_to_the_catch_all_what_a_dropped_stream_leaves) {
    AsyncClient client(runtime, options());
    for (const Acknowledge left : {Acknowledge::automatic, Acknowledge::manual}) {
        for (const Acknowledge taken : {Acknowledge::automatic, Acknowledge::manual}) {
            auto stream = open(client, "work/#", {.acknowledge = left});
            auto rest = std::optional(client.messages(taken));
            publish("1", q1);
            stream.reset();
            const Message message = take(rest);
            EXPECT_FALSE(rest->try_next());
            runtime.run_until_idle();
            EXPECT_EQ(client.unacknowledged(), taken == Acknowledge::manual ? 1u : 0u);
            message.ack();
            runtime.run_until_idle();
            EXPECT_EQ(client.unacknowledged(), 0u);
        }
    }
    EXPECT_EQ(client.unclaimed(), 0u);
}

TEST_P(Acknowledging, a_window_full_of_messages_that_wait_for_pubrel_is_read_on) {
    ClientOptions narrow = options();
    narrow.properties.receive_maximum = 2;
    AsyncClient client(runtime, narrow);
    auto stream = open(client, "work/#", {});
    for (const char* text : {"1", "2", "3", "4"}) broker.publish("work/a", text, q2);
    runtime.set_latency(10ms);
    std::string got;
    for (int i = 0; i < 20; ++i) {
        got += take_all(stream);
        runtime.advance(1s);
    }
    EXPECT_EQ(got, "1234");
    EXPECT_EQ(broker.count(Direction::received, PacketType::pubcomp), 4u);
}

} // namespace
} // namespace culex
