// Times that are said to have no end.
#include "client/operations_test.hpp"

namespace culex {
namespace {

constexpr auto endless = std::chrono::milliseconds::max();

class Endless : public OperationsTest {
protected:
    void hold() { broker.options().hold_acknowledgements = true; }
};
CULEX_FOR_BOTH_VERSIONS(Endless);

TEST_P(Endless, a_drain_drains) {
    hold();
    AsyncClient client(runtime, options());
    run(connect(client));
    const Running publishing = start(publish(client, "1", {.qos = q1}));
    DisconnectResult result;
    const Running leaving = start(disconnect(client, result, {.drain = endless}));
    runtime.advance(1s);
    EXPECT_FALSE(leaving.done());
    broker.release_acknowledgements();
    runtime.advance(1s);
    EXPECT_TRUE(leaving.succeeded());
    EXPECT_EQ(result.undelivered, 0u);
}

TEST_P(Endless, a_timeout_does_not_run_out) {
    hold();
    AsyncClient client(runtime, options());
    run(connect(client));
    std::optional<Subscription> stream = client.listen("b");
    std::string got;
    const Running publishing = start(publish(client, "1", {.qos = q1, .timeout = endless}));
    const Running reading = start(next_within(*stream, got, endless));
    runtime.advance(10h);
    EXPECT_FALSE(publishing.done()) << publishing.failure().message();
    EXPECT_FALSE(reading.done()) << reading.failure().message();
}

TEST_P(Endless, time_for_connack_and_pingresp_is_enough) {
    ClientOptions patient = options();
    patient.connect_timeout = patient.ping_timeout = patient.reconnect.reset_after = endless;
    patient.keep_alive = 10s;
    AsyncClient client(runtime, patient);
    run(connect(client));
    runtime.advance(1min);
    EXPECT_FALSE(client.last_failure()) << client.last_failure().message();
    EXPECT_EQ(client.statistics().connections, 1u);
}

} // namespace
} // namespace culex
