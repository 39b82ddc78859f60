// The promise of delivery over sockets: see random_cuts.hpp, and tests/client for the same in virtual time.
#include "support/random_cuts.hpp"

#include <culex/loop.hpp>

#include "io/io_test.hpp"

namespace culex {
namespace {

using namespace std::chrono_literals;
using culex::testing::Consumes;
using culex::testing::CutsPlan;

class RandomCutsOverSockets : public culex::testing::IoTest {
protected:
    void play(CutsPlan plan) {
        for (const Version version : {Version::v3_1_1, Version::v5}) {
            Loop loop;
            culex::testing::FakeBroker broker(loop);
            broker.listen();
            plan.url = broker.url();
            plan.version = version;
            plan.reconnect_delay = 2ms;
            plan.limit = 60s;
            cut_at_random(loop, broker, plan);
        }
    }
};

TEST_F(RandomCutsOverSockets, lose_nothing_at_qos_1_and_2_repeat_nothing_at_qos_2_and_keep_the_order) {
    play({.cuts = 300, .messages = 10});
}

TEST_F(RandomCutsOverSockets, with_slow_consumers_that_ack_in_any_order) {
    play({.cuts = 200, .clients = 2, .messages = 5, .consumes = Consumes::by_workers, .slowest_consumer = 5ms});
}

TEST_F(RandomCutsOverSockets, with_a_broker_that_loses_its_sessions) {
    play({.cuts = 200, .messages = 10, .session_lost_one_in = 4});
}

} // namespace
} // namespace culex
