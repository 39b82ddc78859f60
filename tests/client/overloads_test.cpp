// The ways into the client that the other tests pass by: an endpoint that is parsed already, several filters to leave at
// once, a client that is moved, the words of the events.
#include "client/client_test.hpp"

#include <array>
#include <set>

#include <culex/connection_events.hpp>

namespace culex {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class Overloads : public ClientTest {};
CULEX_FOR_BOTH_VERSIONS(Overloads);

Task<> connect_to(AsyncClient& client, const Endpoint& endpoint) { co_await client.connect(endpoint); }
Task<Subscription> subscribe_to(AsyncClient& client, std::span<const TopicSubscription> filters) {
    co_return co_await client.subscribe(filters);
}
Task<ReasonCode> leave(AsyncClient& client, std::span<const std::string_view> filters) {
    co_return co_await client.unsubscribe(filters);
}
Task<bool> has_ended(Subscription stream) {
    const auto message = co_await stream.next();
    co_return !message;
}

// `std::string_view{"a", "b"}` is a text from one literal to the other.
template <class Client>
constexpr bool takes_literals_in_braces = requires(Client& client) { client.subscribe({"a", "b"}); } ||
                                          requires(Client& client) { client.unsubscribe({"a", "b"}); };
static_assert(!takes_literals_in_braces<AsyncClient>);

TEST_P(Overloads, connects_to_an_endpoint_that_is_parsed_already) {
    AsyncClient client{runtime, options()};
    run(connect_to(client, Endpoint::parse("mqtt://broker").value()));
    EXPECT_EQ(client.state(), ConnectionState::connected);
    EXPECT_THAT(broker.sessions(), SizeIs(1));
}

TEST_P(Overloads, unsubscribes_from_several_filters_and_their_stream_ends) {
    AsyncClient client{runtime, options()};
    run(connect_to(client, Endpoint::parse("mqtt://broker").value()));
    const std::array<TopicSubscription, 2> wanted{{{.filter = "a"}, {.filter = "b/#"}}};
    Subscription stream = run(subscribe_to(client, wanted));
    ASSERT_THAT(broker.sessions().front().subscriptions, SizeIs(2));

    const std::array<std::string_view, 2> filters{"a", "b/#"};
    EXPECT_FALSE(failed(run(leave(client, filters))));
    EXPECT_THAT(broker.sessions().front().subscriptions, IsEmpty());
    EXPECT_TRUE(run(has_ended(std::move(stream))));
    EXPECT_EQ(client.dropped(), 0U);
}

TEST_P(Overloads, a_client_that_is_moved_onto_another_takes_its_place_and_the_other_is_gone) {
    AsyncClient first{runtime, options("first")};
    AsyncClient second{runtime, options("second")};
    run(connect_to(first, Endpoint::parse("mqtt://broker").value()));
    run(connect_to(second, Endpoint::parse("mqtt://broker").value()));
    first = std::move(second);
    runtime.advance(1s);
    EXPECT_EQ(first.client_id(), "second");
    EXPECT_EQ(first.state(), ConnectionState::connected);
    for (const auto& session : broker.sessions()) EXPECT_EQ(session.connected, session.client_id == "second");
}

TEST(ConnectionEventWords, each_kind_has_a_word_of_its_own) {
    using enum ConnectionEvent::Kind;
    std::set<std::string_view> words;
    for (const auto kind : {attempting, connected, attempt_failed, lost, waiting, stopped})
        words.insert(to_string(kind));
    EXPECT_THAT(words, SizeIs(6));
    EXPECT_FALSE(words.contains("?"));
}

} // namespace
} // namespace culex
