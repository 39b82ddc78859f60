// Streams over several filters, of which one goes.
#include "client/operations_test.hpp"

namespace culex {
namespace {

class Filters : public OperationsTest {
protected:
    static Task<> subscribe_to(AsyncClient& client, std::vector<TopicSubscription> filters, Subscription& stream) {
        stream = co_await client.subscribe(filters);
    }
};
CULEX_FOR_BOTH_VERSIONS(Filters);

TEST_P(Filters, a_stream_with_one_filter_twice_ends_with_it) {
    AsyncClient client(runtime, options());
    run(connect(client));
    Subscription stream;
    run(subscribe_to(client, {{.filter = "a"}, {.filter = "a"}}, stream));
    std::string got;
    const Running reading = start(next(stream, got));
    run(unsubscribe(client, {}, "a"));
    runtime.run_until_idle();
    EXPECT_EQ(got, "end");
}

TEST_P(Filters, a_shared_filter_that_is_unsubscribed_leaves_the_plain_one) {
    AsyncClient client(runtime, options());
    run(connect(client));
    Subscription stream;
    run(subscribe_to(client, {{.filter = "a"}, {.filter = "$share/g/a"}}, stream));
    run(unsubscribe(client, {}, "$share/g/a"));
    broker.publish("a", "1");
    runtime.run_until_idle();
    EXPECT_EQ(stream.size(), 1u);
    EXPECT_EQ(client.unclaimed(), 0u);
}

TEST_P(Filters, a_shared_filter_that_is_refused_leaves_the_plain_one) {
    const bool v5 = GetParam() == Version::v5;
    broker.script(culex::testing::Script("no shares")
                      .expect(PacketType::connect)
                      .reply(Connack{})
                      .expect(PacketType::subscribe)
                      .reply_bytes(v5 ? "90 05 00 01 00 00 9E" : "90 04 00 01 00 80")
                      .reply_bytes(v5 ? "30 05 00 01 61 00 31" : "30 04 00 01 61 31")
                      .stall());
    AsyncClient client(runtime, options());
    run(connect(client));
    Subscription stream;
    run(subscribe_to(client, {{.filter = "a"}, {.filter = "$share/g/a"}}, stream));
    runtime.run_until_idle();
    EXPECT_EQ(stream.size(), 1u);
    EXPECT_EQ(client.unclaimed(), 0u);
}

} // namespace
} // namespace culex
