// Every call of the client's table, end to end.
#include "facade/facade_test.hpp"

namespace culex::facade {
namespace {

class Calls : public FacadeTest {};
CULEX_BOTH_VERSIONS(Calls);

TEST_P(Calls, constructor_names_the_client_and_its_kind_of_session) {
    Client clean{"clean-id", true, settings()};
    Client persistent{"persistent-id", false, settings()};
    connect(clean);
    connect(persistent);
    const auto connections = broker.call([](FakeBroker& b) { return b.connections(); });
    ASSERT_EQ(2u, connections.size());
    EXPECT_EQ("clean-id", connections[0].client_id);
    EXPECT_TRUE(connections[0].clean_start);
    EXPECT_EQ("persistent-id", connections[1].client_id);
    EXPECT_FALSE(connections[1].clean_start);
}

TEST_P(Calls, loop_with_a_function_receives_a_message_as_it_was_published) {
    Client client{"c", true, settings()};
    connect(client);
    Box<Message> messages;
    client.loop([&](Client&, const CallbackData& data) { messages.put(*data.message); });
    subscribe(client, "a/#", 2);
    publish("a/b", "payload", QoS::at_least_once);
    const Message message = messages.take();
    EXPECT_EQ("a/b", message.topic());
    EXPECT_EQ("payload", message.text());
    EXPECT_EQ(7u, message.payload().size());
    EXPECT_EQ(QoS::at_least_once, message.qos());
    EXPECT_NE(0, message.mid());
    EXPECT_FALSE(message.retain());
    EXPECT_FALSE(message.dup());
}

} // namespace
} // namespace culex::facade
