// The promise of delivery against a network that breaks anywhere, in virtual time: see random_cuts.hpp.
#include "support/random_cuts.hpp"

#include "client/client_test.hpp"

namespace culex {
namespace {

using culex::testing::Consumes;
using culex::testing::cut_at_random;
using culex::testing::CutsPlan;

class RandomCuts : public ClientTest {
protected:
    [[nodiscard]] CutsPlan plan(std::size_t cuts) const { return {.version = GetParam(), .cuts = cuts}; }
};
CULEX_FOR_BOTH_VERSIONS(RandomCuts);

TEST_P(RandomCuts, lose_nothing_at_qos_1_and_2_repeat_nothing_at_qos_2_and_keep_the_order) {
    CutsPlan many = plan(10'000);
    many.messages = 6;
    many.within_bytes = 600;
    cut_at_random(runtime, broker, many);
}

TEST_P(RandomCuts, with_consumers_that_are_slow) {
    CutsPlan slow = plan(1000);
    slow.messages = 5;
    slow.within_bytes = 500;
    slow.slowest_consumer = 20ms;
    cut_at_random(runtime, broker, slow);
}

TEST_P(RandomCuts, with_acks_after_processing) {
    CutsPlan manual = plan(1000);
    manual.messages = 5;
    manual.within_bytes = 500;
    manual.consumes = Consumes::by_ack;
    manual.slowest_consumer = 5ms;
    cut_at_random(runtime, broker, manual);
}

TEST_P(RandomCuts, with_acks_in_any_order) {
    CutsPlan workers = plan(2000);
    workers.messages = 5;
    workers.within_bytes = 500;
    workers.consumes = Consumes::by_workers;
    workers.slowest_consumer = 20ms;
    cut_at_random(runtime, broker, workers);
}

TEST_P(RandomCuts, with_several_clients_and_topics) {
    CutsPlan several = plan(1000);
    several.clients = 3;
    several.topics = 3;
    several.messages = 4;
    cut_at_random(runtime, broker, several);
}

TEST_P(RandomCuts, with_narrow_bounds) {
    CutsPlan narrow = plan(1000);
    narrow.messages = 10;
    narrow.slowest_consumer = 2ms;
    narrow.client.properties.receive_maximum = 2;
    narrow.client.outbound.messages = 3;
    narrow.client.inbound.soft_bytes = 500;
    broker.options().connack.receive_maximum = 3;
    cut_at_random(runtime, broker, narrow);
}

TEST_P(RandomCuts, with_narrow_bounds_and_acks_in_any_order) {
    CutsPlan narrow = plan(1000);
    narrow.messages = 5;
    narrow.clients = 2;
    narrow.consumes = Consumes::by_workers;
    narrow.slowest_consumer = 10ms;
    narrow.client.properties.receive_maximum = 3;
    narrow.client.outbound.messages = 2;
    narrow.client.inbound.soft_bytes = 300;
    broker.options().connack.receive_maximum = 1;
    cut_at_random(runtime, broker, narrow);
}

TEST_P(RandomCuts, with_a_broker_that_loses_its_sessions) {
    CutsPlan forgetful = plan(1000);
    forgetful.messages = 10;
    forgetful.slowest_consumer = 2ms;
    forgetful.session_lost_one_in = 5;
    cut_at_random(runtime, broker, forgetful);
}

TEST_P(RandomCuts, with_a_broker_that_loses_its_sessions_and_acks_in_any_order) {
    CutsPlan forgetful = plan(2000);
    forgetful.clients = 2;
    forgetful.messages = 6;
    forgetful.consumes = Consumes::by_workers;
    forgetful.slowest_consumer = 20ms;
    forgetful.session_lost_one_in = 3;
    cut_at_random(runtime, broker, forgetful);
}

} // namespace
} // namespace culex
