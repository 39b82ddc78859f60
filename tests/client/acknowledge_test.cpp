// When received messages are acknowledged, by asking for the next one and by `ack`.
#include <optional>

#include "client/client_test.hpp"

namespace culex {
namespace {

using culex::testing::Direction;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Acknowledging : public ClientTest {
protected:
    /// So many packets of a type that the broker has received.
    [[nodiscard]] std::uint64_t received(PacketType type) const { return broker.count(Direction::received, type); }
};
CULEX_FOR_BOTH_VERSIONS(Acknowledging);

Task<> subscribe(AsyncClient& client, std::optional<Subscription>& stream, SubscribeOptions options) {
    co_await client.connect("mqtt://broker");
    stream = co_await client.subscribe("work/#", QoS::exactly_once, options);
}

TEST_P(Acknowledging, a_window_full_of_messages_that_wait_for_pubrel_is_read_on) {
    ClientOptions narrow = options();
    narrow.properties.receive_maximum = 2;
    AsyncClient client(runtime, narrow);
    std::optional<Subscription> stream;
    run(subscribe(client, stream, {}));
    for (const char* text : {"1", "2", "3", "4"}) broker.publish("work/a", text, QoS::exactly_once);
    runtime.set_latency(10ms);
    std::string got;
    for (int i = 0; i < 20; ++i) {
        while (const auto message = stream->try_next()) got += message->text();
        runtime.advance(1s);
    }
    EXPECT_EQ(got, "1234");
    EXPECT_EQ(received(PacketType::pubcomp), 4u);
}

} // namespace
} // namespace culex
