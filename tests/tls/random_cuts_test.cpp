// The promise of delivery over TLS, where connections break in records and in handshakes: see support/random_cuts.hpp. Faults
// are put beneath TLS here, and now and then the scheme's own above it, between TLS and the broker.
#include "support/random_cuts.hpp"

#include <culex/loop.hpp>

#include "tls/tls_test.hpp"

namespace culex::testing {
namespace {

/// A server whose connections break, beneath TLS, after some of the bytes that a short connection has.
class BreakingServer {
public:
    BreakingServer(TlsVersion version, std::uint64_t seed) : random_(seed), server_(make(version)) {}

    std::unique_ptr<Stream> operator()(Scheduler& scheduler, std::unique_ptr<Stream> stream) {
        Faults faults;
        // Of two, one is within the handshake, or soon behind it.
        const std::uint64_t at = random_() % (random_() % 2 ? 1'000 : 3'000);
        (random_() % 2 ? faults.received : faults.sent).cut_after = at;
        if (random_() % 8 == 0) faults.received.chunk_size = faults.sent.chunk_size = 1 + random_() % 200;
        return server_(scheduler, std::make_unique<FaultyStream>(scheduler, std::move(stream), std::move(faults)));
    }

private:
    static TlsServer make(TlsVersion version) {
        const std::string file = certificate("server.pem");
        const std::string key_file = certificate("server.key");
        return TlsServer(
            {.certificate_file = file, .key_file = key_file, .min_version = version, .max_version = version});
    }
    std::mt19937_64 random_;
    TlsServer server_;
};

class TlsRandomCuts : public ::testing::TestWithParam<Version> {
protected:
    TlsRandomCuts() {
        // Both versions of TLS, each with one of MQTT: those have nothing to do with each other.
        version = GetParam() == Version::v5 ? TlsVersion::v1_3 : TlsVersion::v1_2;
        const std::string ca = certificate("ca.pem");
        tls.emplace(TlsOptions{.ca_file = ca, .min_version = version, .max_version = version});
    }
    [[nodiscard]] CutsPlan plan(std::size_t cuts) const {
        CutsPlan plan{.url = "mqtts://localhost", .version = GetParam(), .cuts = cuts};
        plan.within_bytes = 100'000; // nearly all of what breaks, breaks beneath
        plan.messages = 4;
        plan.reconnect_delay = std::chrono::milliseconds(20);
        plan.client.tls = &*tls;
        return plan;
    }
    void cut_in_virtual_time(const CutsPlan& plan) {
        VirtualRuntime runtime;
        runtime.set_tls(&open_tls);
        FakeBroker broker(runtime);
        broker.options().tls = BreakingServer(version, plan.seed);
        broker.options().connack.receive_maximum = receive_maximum;
        broker.listen("mqtts://localhost");
        cut_at_random(runtime, broker, plan);
    }

    TlsVersion version = TlsVersion::v1_3;
    std::optional<TlsContext> tls;
    std::optional<std::uint16_t> receive_maximum; // the broker's
};
INSTANTIATE_TEST_SUITE_P(Versions, TlsRandomCuts, ::testing::Values(Version::v3_1_1, Version::v5),
                         [](const auto& of) { return of.param == Version::v5 ? "v5" : "v3_1_1"; });

TEST_P(TlsRandomCuts, lose_nothing_repeat_nothing_at_qos_2_and_keep_the_order) { // 10,000 for both versions
    constexpr std::size_t cuts = 5'000;
    cut_in_virtual_time(plan(cuts));
    EXPECT_GT(tls->statistics().resumed, cuts / 4);
}

TEST_P(TlsRandomCuts, with_slow_consumers_and_acks_in_any_order) {
    CutsPlan slow = plan(500);
    slow.consumes = Consumes::by_workers;
    slow.slowest_consumer = 20ms;
    cut_in_virtual_time(slow);
}

TEST_P(TlsRandomCuts, with_narrow_bounds) {
    CutsPlan narrow = plan(500);
    narrow.slowest_consumer = 2ms;
    narrow.client.properties.receive_maximum = 2;
    narrow.client.outbound.messages = 3;
    narrow.client.inbound.soft_bytes = 500;
    if (GetParam() == Version::v5) receive_maximum = 3;
    cut_in_virtual_time(narrow);
}

TEST_P(TlsRandomCuts, with_a_broker_that_loses_its_sessions) {
    CutsPlan forgetful = plan(500);
    forgetful.slowest_consumer = 2ms;
    forgetful.session_lost_one_in = 5;
    cut_in_virtual_time(forgetful);
}

TEST_P(TlsRandomCuts, lose_nothing_over_sockets_either) {
    Loop loop;
    FakeBroker broker(loop);
    CutsPlan real = plan(200);
    broker.options().tls = BreakingServer(version, real.seed);
    broker.listen();
    const std::string url = "mqtts://localhost:" + std::to_string(broker.endpoint().port());
    real.url = url;
    real.slowest_consumer = 1ms;
    real.limit = std::chrono::minutes(2);
    cut_at_random(loop, broker, real);
}

} // namespace
} // namespace culex::testing
