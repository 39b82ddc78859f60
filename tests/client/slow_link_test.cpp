// Links whose other end reads slowly, or not at all.
#include <memory>

#include "client/operations_test.hpp"

namespace culex {
namespace {

class SlowLink : public OperationsTest {
protected:
    SlowLink() { runtime.set_capacity(4096); } // of the transport, in bytes
    void reads_nothing() {
        broker.script(culex::testing::Script("reads nothing").expect(PacketType::connect).reply(Connack{}).stall());
    }
    static std::string bytes(std::size_t number) { return std::string(number, 'x'); }
};
CULEX_FOR_BOTH_VERSIONS(SlowLink);

TEST_P(SlowLink, takes_a_message_that_needs_longer_than_a_keep_alive) {
    runtime.set_latency(40ms); // 100 KB/s
    ClientOptions often = options();
    often.keep_alive = 30s;
    AsyncClient client(runtime, often);
    run(connect(client));
    const Running publishing = start(publish(client, bytes(6'000'000), {.qos = q1})); // a minute
    runtime.advance(90s);
    EXPECT_TRUE(publishing.succeeded()) << publishing.failure().message();
    EXPECT_EQ(client.statistics().connections, 1u);
    EXPECT_EQ(broker.messages().size(), 1u);
}

TEST_P(SlowLink, that_takes_nothing_is_missed) {
    reads_nothing();
    ClientOptions often = options();
    often.keep_alive = 30s;
    AsyncClient client(runtime, often);
    run(connect(client));
    const Running publishing = start(publish(client, bytes(100'000), {.qos = q1}));
    runtime.advance(51s);
    EXPECT_TRUE(client.last_failure() == Errc::no_response) << client.last_failure().message();
}

TEST_P(SlowLink, takes_all_and_the_disconnect_within_the_drain) {
    runtime.set_latency(80ms); // 50 KB/s
    AsyncClient client(runtime, options());
    run(connect(client));
    std::vector<std::unique_ptr<Running>> all;
    for (int i = 0; i < 30; ++i) all.push_back(std::make_unique<Running>(runtime, publish(client, bytes(10'000), {})));
    runtime.run_until_idle();
    DisconnectResult result;
    const Running leaving = start(disconnect(client, result, {.drain = 60s}));
    runtime.advance(60s);
    EXPECT_TRUE(leaving.succeeded());
    EXPECT_EQ(result.undelivered, 0u);
    EXPECT_EQ(broker.messages().size(), 30u);
    EXPECT_EQ(received(PacketType::disconnect), 1u);
    EXPECT_FALSE(result.why) << result.why.message();
}

TEST_P(SlowLink, takes_the_disconnect_a_moment_after_the_drain) {
    runtime.set_latency(80ms);
    AsyncClient client(runtime, options());
    run(connect(client));
    const Running publishing = start(publish(client, bytes(60'000), {})); // for more than a second
    runtime.run_until_idle();
    DisconnectResult result;
    const Running leaving = start(disconnect(client, result, {.drain = 1ms}));
    runtime.advance(10s);
    EXPECT_TRUE(leaving.succeeded());
    EXPECT_EQ(received(PacketType::disconnect), 1u);
}

TEST_P(SlowLink, that_takes_nothing_holds_no_disconnect_back) {
    for (const QoS qos : {QoS::at_most_once, q1, QoS::exactly_once}) {
        SCOPED_TRACE(to_string(qos));
        reads_nothing();
        AsyncClient client(runtime, options());
        run(connect(client));
        const Running publishing = start(publish(client, bytes(100'000), {.qos = qos}));
        runtime.run_until_idle();
        DisconnectResult result;
        const Running leaving = start(disconnect(client, result, {.drain = 1s}));
        runtime.advance(10s);
        EXPECT_TRUE(leaving.succeeded());
        EXPECT_EQ(client.state(), ConnectionState::idle);
        EXPECT_EQ(result.undelivered, qos == QoS::at_most_once ? 0u : 1u);
    }
}

} // namespace
} // namespace culex
