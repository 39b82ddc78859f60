// Each operation against each way in which it can end early: what its caller hears, and what becomes of what it asked for.
#include <optional>

#include "client/client_test.hpp"

namespace culex {
namespace {

using culex::testing::Direction;

class Operations : public ClientTest {};
CULEX_FOR_BOTH_VERSIONS(Operations);

Task<> connect(AsyncClient& client) { co_await client.connect("mqtt://broker"); }

Task<> publish(AsyncClient& client, QoS qos, std::string text, int& done) {
    co_await client.publish("a", text, {.qos = qos});
    ++done;
}

TEST_P(Operations, a_publish_that_waited_for_room_is_done_at_every_qos) {
    ClientOptions small = options();
    small.outbound.messages = 1;
    AsyncClient client(runtime, small);
    run(connect(client));
    for (const QoS qos : {QoS::at_most_once, QoS::at_least_once, QoS::exactly_once}) {
        int done = 0;
        TaskRoot<> first(publish(client, QoS::at_least_once, "first", done));
        TaskRoot<> waits(publish(client, qos, "waits", done));
        first.start_on(runtime);
        waits.start_on(runtime);
        runtime.advance(1s);
        EXPECT_EQ(done, 2) << to_string(qos);
    }
}

} // namespace
} // namespace culex
