// Which stream a message goes to while streams come and go; and what becomes of one that its consumer did not take.
#include "client/client_test.hpp"

namespace culex {
namespace {

Task<> connect(AsyncClient& client) { co_await client.connect("mqtt://broker"); }
Task<Subscription> subscribe(AsyncClient& client, std::string filter) { co_return co_await client.subscribe(filter); }
Task<> unsubscribe(AsyncClient& client, std::string filter) { co_await client.unsubscribe(filter); }

class Routing : public ClientTest {
protected:
    void publish(std::string_view text, std::string_view topic = "sensors/one") {
        broker.publish(topic, text);
        runtime.run_until_idle();
    }
    /// What waits in a stream, oldest first.
    static std::string taken(Subscription& stream) {
        std::string all;
        while (auto message = stream.try_next()) all += message->text();
        return all;
    }
};
CULEX_FOR_BOTH_VERSIONS(Routing);

TEST_P(Routing, of_a_topic_that_comes_again_and_again_follows_every_change_of_the_streams) {
    AsyncClient client(runtime, options());
    runtime.run(connect(client));
    Subscription all = runtime.run(subscribe(client, "sensors/#"));
    publish("1");
    publish("2");
    EXPECT_EQ(taken(all), "12");
    {
        Subscription one = client.listen("sensors/one"); // and now two streams match
        publish("3");
        publish("4");
        EXPECT_EQ(taken(all), "34");
        EXPECT_EQ(taken(one), "34");
    }
    publish("5");
    publish("6");
    EXPECT_EQ(taken(all), "56");
    Subscription rest = client.messages();
    runtime.run(unsubscribe(client, "sensors/#"));
    {
        const Subscription dropped = runtime.run(subscribe(client, "sensors/+"));
    }
    publish("7"); // asked for, and wanted by nobody
    publish("8");
    EXPECT_EQ(taken(all), "");
    EXPECT_EQ(taken(rest), "78");
    runtime.run(subscribe(client, "a/topic/of/one/stream"));
    {
        Subscription only = client.listen("a/topic/of/one/stream");
        publish("9", "a/topic/of/one/stream");
        EXPECT_EQ(taken(only), "9");
    }
    publish("10", "a/topic/of/one/stream");
    EXPECT_EQ(taken(rest), "10");
}

TEST_P(Routing, keeps_a_message_whose_consumer_asked_and_went_without_it) {
    AsyncClient client(runtime, options());
    runtime.run(connect(client));
    Subscription stream = runtime.run(subscribe(client, "sensors/#"));
    publish("1");
    publish("2");
    {
        const auto never_awaited = stream.next();
    }
    EXPECT_EQ(stream.size(), 2u);
    EXPECT_EQ(taken(stream), "12");
    EXPECT_EQ(client.statistics().inbound.messages, 0u);
}

} // namespace
} // namespace culex
