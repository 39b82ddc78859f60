// A client's verbs when memory runs out in them: they throw `std::bad_alloc`, nothing was done, and nothing else is lost.
#include <deque>
#include <new>
#include <ostream>
#include <tuple>

#include <fmt/format.h>

#include <culex/request.hpp>

#include "client/client_test.hpp"
#include "support/no_memory.hpp"

namespace culex {
namespace {

using culex::testing::NoMemory;
using ::testing::ElementsAre;

constexpr QoS q0 = QoS::at_most_once;
constexpr QoS q1 = QoS::at_least_once;
constexpr QoS q2 = QoS::exactly_once;

const std::string large(std::size_t{64} << 10, 'x');

struct Case {
    const char* name;
    void (*verb)(AsyncClient&);
    bool connected = true;
    std::size_t bound = 1000; // outgoing messages; one is on its way before the verb
};
void PrintTo(const Case& each, std::ostream* out) { *out << each.name; }

/// A client with a message on its way, for one call of a verb.
class World {
public:
    /// `timers`: as many are armed.
    World(Version version, const Case& tried, std::size_t timers)
        : client_(runtime_, {.client_id = "client", .version = version, .outbound = {.messages = tried.bound}}) {
        broker_.listen("mqtt://broker");
        runtime_.run(connect());
        if (!tried.connected) lose_connection();
        runtime_.set_latency(1s); // nothing is answered before the verb
        EXPECT_TRUE(client_.try_publish("a", as_bytes("before"), {.qos = q1}));
        while (timers_.size() < timers) runtime_.arm_after(timers_.emplace_back([](Timer&) {}), 24h);
    }

    /// Calls it with memory for so many allocations. Whether that was enough.
    bool call(void (*verb)(AsyncClient&), std::size_t allocations) {
        const std::size_t outstanding = client_.outstanding();
        try {
            const NoMemory none(allocations);
            verb(client_);
            return true;
        } catch (const std::bad_alloc&) {
            EXPECT_EQ(client_.outstanding(), outstanding);
            return false;
        }
    }
    /// What the broker has after a message more.
    std::vector<std::string> end() {
        broker_.listen();
        runtime_.advance(1min);
        runtime_.run(publish_after());
        EXPECT_EQ(client_.outstanding(), 0u);
        std::vector<std::string> payloads;
        for (const auto& message : broker_.messages()) payloads.push_back(message.payload.substr(0, 10));
        return payloads;
    }

private:
    Task<> connect() { co_await client_.connect("mqtt://broker"); }
    Task<> publish_after() {
        std::optional<Subscription> stream = co_await client_.subscribe("after", q2);
        co_await client_.publish("after", "after", {.qos = q2});
        const auto message = co_await stream->next();
        EXPECT_EQ(message->text(), "after");
        co_await client_.unsubscribe("after");
    }
    void lose_connection() {
        broker_.stop_listening();
        broker_.drop_all_connections();
        runtime_.run_until_idle();
    }

    culex::testing::VirtualRuntime runtime_;
    culex::testing::FakeBroker broker_{runtime_};
    AsyncClient client_;
    std::deque<Timer> timers_;
};

class WithoutMemory : public ::testing::TestWithParam<std::tuple<Version, Case>> {};

/// Whether it is done with memory for so many allocations.
bool is_done(Version version, const Case& tried, std::size_t timers, std::size_t allocations) {
    SCOPED_TRACE(fmt::format("{} timers, memory for {} allocations", timers, allocations));
    World world(version, tried, timers);
    if (world.call(tried.verb, allocations)) return true;
    EXPECT_THAT(world.end(), ElementsAre("before", "after"));
    return false;
}

TEST_P(WithoutMemory, a_verb_does_nothing) {
    const auto& [version, tried] = GetParam();
    std::size_t failed = 0;
    // With some number of timers there is no room for one more.
    for (std::size_t timers = 0; timers < 16; ++timers) {
        for (std::size_t allocations = 0; !is_done(version, tried, timers, allocations); ++allocations) ++failed;
    }
    EXPECT_GT(failed, 0u) << "it needs no memory";
    EXPECT_LT(failed, 1000u);
}

template <QoS Qos> void publish(AsyncClient& client) { (void)client.publish("a", "tried", {.qos = Qos}); }
template <QoS Qos> void publish_large(AsyncClient& client) { (void)client.publish("a", large, {.qos = Qos}); }

const Case cases[] = {
    {.name = "publish_qos_1", .verb = publish<q1>},
    {.name = "publish_qos_2", .verb = publish<q2>},
    {.name = "publish_with_deadline",
     .verb = [](AsyncClient& client) { (void)client.publish("a", "tried", {.qos = q1, .timeout = 1s}); }},
    {.name = "publish_with_deadline_that_waits_for_room",
     .verb = [](AsyncClient& client) { (void)client.publish("a", "tried", {.qos = q1, .timeout = 1s}); },
     .bound = 1},
    {.name = "publish_payload",
     .verb = [](AsyncClient& client) { (void)client.publish("a", Payload(std::string(large)), {.qos = q1}); },
     .connected = false},
    {.name = "try_publish",
     .verb = [](AsyncClient& client) { (void)client.try_publish("a", as_bytes("tried"), {.qos = q1}); }},
    {.name = "try_publish_large",
     .verb = [](AsyncClient& client) { (void)client.try_publish("a", as_bytes(large), {.qos = q1}); },
     .connected = false},
    {.name = "publish_qos_0_offline", .verb = publish<q0>, .connected = false},
    {.name = "publish_qos_1_offline", .verb = publish<q1>, .connected = false},
    {.name = "publish_large_offline", .verb = publish_large<q1>, .connected = false},
    {.name = "publish_that_waits_for_room", .verb = publish<q1>, .bound = 1},
    {.name = "publish_large_that_waits_for_room", .verb = publish_large<q2>, .bound = 1},
    {.name = "subscribe", .verb = [](AsyncClient& client) { (void)client.subscribe("tried/#", q1); }},
    {.name = "subscribe_offline",
     .verb = [](AsyncClient& client) { (void)client.subscribe("tried/#", q1); },
     .connected = false},
    {.name = "subscribe_with_deadline",
     .verb = [](AsyncClient& client) { (void)client.subscribe("tried/#", q1, {.timeout = 1s}); }},
    {.name = "subscribe_to_several",
     .verb =
         [](AsyncClient& client) {
             const TopicSubscription several[] = {{.filter = "tried/#"}, {.filter = "tried/+/too"}, {.filter = "a"}};
             (void)client.subscribe(several);
         }},
    {.name = "unsubscribe", .verb = [](AsyncClient& client) { (void)client.unsubscribe("tried/#"); }},
    {.name = "listen", .verb = [](AsyncClient& client) { (void)client.listen("tried/#"); }},
    {.name = "messages", .verb = [](AsyncClient& client) { (void)client.messages(); }},
    {.name = "wait_connected",
     .verb = [](AsyncClient& client) { (void)client.wait_connected(1h); },
     .connected = false},
    {.name = "connection_events", .verb = [](AsyncClient& client) { (void)client.connection_events(); }},
    {.name = "tap",
     .verb = [](AsyncClient& client) { client.tap([text = large](const TappedPacket&) { (void)text; }); }},
};

const Case of_version_5[] = {
    {.name = "request", .verb = [](AsyncClient& client) { (void)client.request("tried", "x"); }},
    {.name = "request_with_deadline",
     .verb = [](AsyncClient& client) { (void)client.request("tried", "x", {.timeout = 1h}); }},
    {.name = "request_qos_0_offline",
     .verb = [](AsyncClient& client) { (void)client.request("tried", "x", {.qos = q0}); },
     .connected = false},
};

std::string case_name(const ::testing::TestParamInfo<std::tuple<Version, Case>>& info) {
    const auto& [version, tried] = info.param;
    return fmt::format("{}_{}", tried.name, version == Version::v5 ? "v5" : "v3_1_1");
}
INSTANTIATE_TEST_SUITE_P(Verbs, WithoutMemory,
                         ::testing::Combine(::testing::Values(Version::v3_1_1, Version::v5),
                                            ::testing::ValuesIn(cases)),
                         case_name);

INSTANTIATE_TEST_SUITE_P(OfVersion5, WithoutMemory,
                         ::testing::Combine(::testing::Values(Version::v5), ::testing::ValuesIn(of_version_5)),
                         case_name);

} // namespace
} // namespace culex
