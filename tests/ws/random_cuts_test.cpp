// The promise of delivery over WebSocket, where connections break in frames and in handshakes: see support/random_cuts.hpp.
// Faults are put beneath WebSocket here, and now and then the scheme's own above it, between WebSocket and the broker.
#include "support/random_cuts.hpp"

#include <culex/loop.hpp>
#include <culex/testing/virtual_runtime.hpp>
#include <culex/testing/websocket_server.hpp>
#include <culex/websocket.hpp>

namespace culex::testing {
namespace {

using namespace std::chrono_literals;

/// A server whose connections break, beneath WebSocket, after some of the bytes that a short connection has; and whose frames
/// are of every size.
class BreakingServer {
public:
    explicit BreakingServer(std::uint64_t seed) : random_(seed) {}

    std::unique_ptr<Stream> operator()(Scheduler& scheduler, std::unique_ptr<Stream> stream) {
        Faults faults;
        (random_() % 2 ? faults.received : faults.sent).cut_after = random_() % 1'500; // a third of it is the handshake
        if (random_() % 8 == 0) faults.received.chunk_size = faults.sent.chunk_size = 1 + random_() % 50;
        const std::size_t sizes[] = {1, 2, 7, 100, SIZE_MAX};
        const WebSocketServer server(
            {.frame_size = sizes[random_() % 5], .fragments = random_() % 2 == 0, .pings = random_() % 4 == 0});
        return server(scheduler, std::make_unique<FaultyStream>(scheduler, std::move(stream), std::move(faults)));
    }

private:
    std::mt19937_64 random_;
};

class WsRandomCuts : public ::testing::TestWithParam<Version> {
protected:
    [[nodiscard]] CutsPlan plan(std::size_t cuts) const {
        CutsPlan plan{.url = "ws://broker", .version = GetParam(), .cuts = cuts};
        plan.within_bytes = 100'000; // nearly all of what breaks, breaks beneath
        plan.messages = 4;
        plan.reconnect_delay = 20ms;
        return plan;
    }
    void cut_in_virtual_time(const CutsPlan& plan) {
        VirtualRuntime runtime;
        runtime.set_websocket(&open_websocket);
        FakeBroker broker(runtime);
        broker.options().websocket = BreakingServer(std::random_device{}());
        broker.listen("ws://broker");
        cut_at_random(runtime, broker, plan);
    }
};
INSTANTIATE_TEST_SUITE_P(Versions, WsRandomCuts, ::testing::Values(Version::v3_1_1, Version::v5),
                         [](const auto& of) { return of.param == Version::v5 ? "v5" : "v3_1_1"; });

TEST_P(WsRandomCuts, lose_nothing_repeat_nothing_at_qos_2_and_keep_the_order) { cut_in_virtual_time(plan(3'000)); }

TEST_P(WsRandomCuts, with_slow_consumers_and_acks_in_any_order) {
    CutsPlan slow = plan(500);
    slow.consumes = Consumes::by_workers;
    slow.slowest_consumer = 20ms;
    cut_in_virtual_time(slow);
}

TEST_P(WsRandomCuts, with_narrow_bounds) {
    CutsPlan narrow = plan(500);
    narrow.slowest_consumer = 2ms;
    narrow.client.properties.receive_maximum = 2;
    narrow.client.outbound.messages = 3;
    narrow.client.inbound.soft_bytes = 500;
    cut_in_virtual_time(narrow);
}

TEST_P(WsRandomCuts, lose_nothing_over_sockets_either) {
    Loop loop;
    FakeBroker broker(loop);
    broker.options().websocket = BreakingServer(std::random_device{}());
    broker.listen();
    CutsPlan real = plan(150);
    const std::string url = broker.url();
    real.url = url;
    real.slowest_consumer = 1ms;
    real.limit = std::chrono::minutes(2);
    cut_at_random(loop, broker, real);
}

} // namespace
} // namespace culex::testing
