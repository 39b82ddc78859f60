// Requests and what is bounded: neither holds the other up, and those that wait are bounded themselves.
#include <algorithm>
#include <memory>

#include <culex/request.hpp>

#include "client/operations_test.hpp"

namespace culex {
namespace {

class RequestBounds : public OperationsTest {
protected:
    static Task<Reply> answer(const Message&) { co_return "ok"; }
    static Task<> ask(AsyncClient& client) { (void)co_await client.request("service", "?", {.timeout = 10s}); }
    static Task<> ask_for_each(AsyncClient& client, Subscription& stream, int& done) {
        while (auto message = co_await stream.next()) {
            co_await ask(client);
            ++done;
        }
    }
};
INSTANTIATE_TEST_SUITE_P(V5, RequestBounds, ::testing::Values(Version::v5), version_name);

TEST_P(RequestBounds, a_reply_is_read_though_its_caller_has_too_many_messages_waiting) {
    broker.options().max_in_flight = 65'535;
    broker.options().max_queued = 1'000'000;
    AsyncClient server(runtime, options("server"));
    run(connect(server));
    const Running serving = start(server.serve("service", &answer));
    for (const QoS qos : {QoS::at_most_once, q1, QoS::exactly_once}) {
        SCOPED_TRACE(to_string(qos));
        ClientOptions bounded = options();
        bounded.inbound = {.soft_bytes = 2'000, .hard_bytes = 20'000'000};
        AsyncClient client(runtime, bounded);
        run(connect(client));
        std::optional<Subscription> stream;
        run(subscribe(client, stream));
        for (int i = 0; i < 100; ++i) broker.publish("a", std::string(500, 'x'), qos);
        runtime.run_until_idle();
        int done = 0;
        const Running asking = start(ask_for_each(client, *stream, done));
        runtime.advance(1min);
        EXPECT_EQ(done, 100) << asking.failure().message();
    }
}

TEST_P(RequestBounds, those_that_wait_for_the_response_topic_are_refused_beyond_the_bound) {
    broker.stop_listening();
    ClientOptions narrow = options();
    narrow.outbound = {.messages = 10, .when_full = WhenFull::refuse};
    AsyncClient client(runtime, narrow);
    const Running connecting = start(connect(client, {.retry = true}));
    std::vector<std::unique_ptr<Running>> asking;
    for (int i = 0; i < 100; ++i) asking.push_back(std::make_unique<Running>(runtime, ask(client)));
    runtime.run_until_idle();
    EXPECT_EQ(std::ranges::count_if(asking, [](const auto& each) { return each->failed(Errc::queue_full); }), 90);
    EXPECT_EQ(client.statistics().outbound.requests, 10u);
}

} // namespace
} // namespace culex
