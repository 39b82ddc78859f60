// What `disconnect` makes of received messages: what it tells the broker, and what it reports.
#include "client/acknowledge_test.hpp"

namespace culex {
namespace {

class AcknowledgingLast : public Acknowledging {
protected:
    /// A message at QoS 2, of which the broker cannot hear that it was processed: the connection has gone.
    std::optional<Subscription> acknowledge_too_late(AsyncClient& client) {
        auto stream = open(client, "work/#");
        publish("1", q2);
        const Message seen = take(stream);
        broker.drop_all_connections();
        runtime.run_until_idle();
        seen.ack();
        return stream;
    }
};
CULEX_FOR_BOTH_VERSIONS(AcknowledgingLast);

TEST_P(AcknowledgingLast, disconnect_does_not_report_what_pubrec_has_answered) {
    AsyncClient client(runtime, persistent());
    auto stream = open(client, "work/#");
    publish("1", q2);
    publish("2", q2);
    const Message first = take(stream);
    first.ack();
    EXPECT_EQ(disconnect(client).unacknowledged, 1u) << "the second, which comes again";
    AsyncClient next(runtime, persistent());
    auto again = std::optional(next.messages());
    run(connect(next));
    runtime.run_until_idle();
    EXPECT_EQ(take_all(again), "2");
}

TEST_P(AcknowledgingLast,
       disconnect_tells_the_broker_what_was_processed_while_there_was_no_connection) { // [MQTT-4.3.3-10]
    AsyncClient client(runtime, persistent());
    const auto stream = acknowledge_too_late(client);
    const DisconnectResult left = disconnect(client);
    EXPECT_EQ(left.unacknowledged, 0u);
    EXPECT_THAT(ids<Pubrec>(), ElementsAre(1));
    EXPECT_EQ(broker.count(Direction::received, PacketType::connect), 2u);
}

TEST_P(AcknowledgingLast, disconnect_makes_no_connection_for_a_session_that_ends_with_it) {
    AsyncClient client(runtime, options());
    const auto stream = acknowledge_too_late(client);
    (void)disconnect(client);
    EXPECT_EQ(broker.count(Direction::received, PacketType::connect), 1u);
}

TEST_P(AcknowledgingLast, disconnect_reports_what_comes_again_also_after_attempts_that_have_failed) {
    for (const bool answers : {false, true}) {
        AsyncClient client(runtime, persistent());
        auto stream = open(client, "work/#");
        publish("1", q1);
        publish("2", q2);
        if (!answers) broker.stop_listening();
        if (answers) broker.options().refuse_connect = ReasonCode::server_unavailable;
        lose_connection();
        EXPECT_EQ(disconnect(client).unacknowledged, 2u) << answers;
        broker.forget_sessions();
        if (!answers) broker.listen("mqtt://broker");
    }
}

} // namespace
} // namespace culex
