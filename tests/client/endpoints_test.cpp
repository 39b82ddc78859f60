// Several endpoints: the order, the wrap, the delay, and where a broker sends its clients.
#include "client/connections.hpp"

namespace culex {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Endpoints : public ConnectionTest {};
CULEX_FOR_BOTH_VERSIONS(Endpoints);

TEST_P(Endpoints, first_connect_tries_each_in_order_once_and_without_delay) {
    a.stop_listening();
    b.stop_listening();
    start(options());
    const TimePoint begin = runtime.now();
    EXPECT_EQ(connect({at("a"), at("b"), at("c")}), "ok");
    EXPECT_EQ(runtime.now(), begin);
    EXPECT_THAT(happened(), ElementsAre("attempting 1 a", "failed 1 a Connection refused", "attempting 2 b",
                                        "failed 2 b Connection refused", "attempting 3 c", "connected 3 c"));
}

TEST_P(Endpoints, first_connect_fails_with_what_the_last_attempt_failed_with) {
    a.stop_listening();
    runtime.set_unresolvable("nowhere");
    start(options());
    EXPECT_EQ(connect({at("a"), at("nowhere")}), "host not found");
    EXPECT_THAT(happened(), ElementsAre("attempting 1 a", "failed 1 a Connection refused", "attempting 2 nowhere",
                                        "failed 2 nowhere host not found", "stopped host not found"));
}

TEST_P(Endpoints, a_lost_connection_that_had_held_is_made_again_where_it_was) {
    start(quick());
    ASSERT_EQ(connect({at("a"), at("b")}), "ok");
    runtime.advance(1min);
    happened();
    a.drop_all_connections();
    settle();
    EXPECT_THAT(happened(), ElementsAre("lost a closed by the peer", "waiting 1 a", "attempting 1 a", "connected 1 a"));
}

TEST_P(Endpoints, a_connection_that_did_not_hold_counts_as_its_endpoints_turn) {
    start(quick());
    ASSERT_EQ(connect({at("a"), at("b")}), "ok");
    runtime.advance(59s);
    happened();
    a.drop_all_connections();
    settle();
    EXPECT_THAT(happened(), ElementsAre("lost a closed by the peer", "waiting 1 b", "attempting 1 b", "connected 1 b"));
    b.drop_all_connections();
    settle();
    EXPECT_THAT(happened(), ElementsAre("lost b closed by the peer", "waiting 1 a", "attempting 1 a", "connected 1 a"));
}

TEST_P(Endpoints, goes_around_with_a_delay_behind_each_round_only) {
    start(quick());
    ASSERT_EQ(connect({at("a"), at("b"), at("c")}), "ok");
    runtime.advance(1min);
    happened();
    for (auto* each : {&a, &b, &c}) each->stop_listening();
    a.drop_all_connections();
    Lines lines;
    runtime.run_until([&] {
        for (std::string& line : happened()) lines.push_back(std::move(line));
        return lines.size() >= 16;
    });
    lines.resize(16);
    const auto failed = [](const char* which) { return "failed " + std::string(which) + " Connection refused"; };
    EXPECT_THAT(lines, ElementsAre("lost a closed by the peer", "waiting 1 a", //
                                   "attempting 1 a", failed("1 a"), "attempting 2 b", failed("2 b"), "attempting 3 c",
                                   failed("3 c"), "waiting 4 a", //
                                   "attempting 4 a", failed("4 a"), "attempting 5 b", failed("5 b"), "attempting 6 c",
                                   failed("6 c"), "waiting 7 a"));
}

TEST_P(Endpoints, one_dead_endpoint_of_several_costs_an_attempt_and_no_delay) {
    start(quick());
    ASSERT_EQ(connect({at("a"), at("b")}), "ok");
    runtime.advance(1min);
    a.stop_listening();
    a.drop_all_connections();
    happened();
    settle();
    EXPECT_THAT(happened(), ElementsAre("lost a closed by the peer", "waiting 1 a", "attempting 1 a",
                                        "failed 1 a Connection refused", "attempting 2 b", "connected 2 b"));
}

TEST_P(Endpoints, a_broker_that_is_busy_leaves_it_to_the_next) {
    a.options().refuse_connect = ReasonCode::server_unavailable;
    start(options());
    EXPECT_EQ(connect({at("a"), at("b")}), "ok");
    EXPECT_THAT(happened(),
                ElementsAre("attempting 1 a", "failed 1 a Server unavailable", "attempting 2 b", "connected 2 b"));
}

TEST_P(Endpoints, a_refusal_for_good_is_no_matter_of_the_endpoint) {
    a.options().refuse_connect = ReasonCode::not_authorized;
    start(options());
    EXPECT_EQ(connect({at("a"), at("b")}), "refused by the broker");
    EXPECT_THAT(happened(), ElementsAre("attempting 1 a", "failed 1 a Not authorized", "stopped Not authorized"));
    EXPECT_EQ(b.accepted(), 0u);
}

TEST_P(Endpoints, an_endpoint_that_this_build_cannot_reach_is_passed_over_and_given_up_where_all_are) {
    const Endpoint wss(Transport::wss, "a", 443, "/mqtt");
    start(quick());
    EXPECT_EQ(connect({wss, at("b")}), "ok");
    happened();
    b.stop_listening();
    b.drop_all_connections();
    runtime.advance(1min);
    EXPECT_NE(client->state(), ConnectionState::idle); // b may come back
    client.reset();
    start(quick());
    EXPECT_EQ(connect({wss, wss}, {.retry = true}), "not supported");
    EXPECT_THAT(happened(), ElementsAre("attempting 1 a", "failed 1 a not supported", "attempting 2 a",
                                        "failed 2 a not supported", "stopped not supported"));
}

TEST_P(Endpoints, connect_begins_with_the_first_again) {
    start(quick());
    a.stop_listening();
    EXPECT_EQ(connect({at("a"), at("b")}), "ok");
    run(disconnect(*client));
    happened();
    EXPECT_EQ(connect({at("a"), at("c")}), "ok");
    EXPECT_EQ(happened()[0], "attempting 1 a");
}

// --- MQTT 5: Server References, section 4.11

class ServerReferences : public ConnectionTest {
protected:
    [[nodiscard]] ClientOptions follows() const {
        ClientOptions options = quick();
        options.reconnect.verdicts = table;
        return options;
    }
    static constexpr ReasonVerdict table[] = {
        {ReasonCode::use_another_server, Verdict::follow_server_reference},
        {ReasonCode::server_moved, Verdict::follow_server_reference},
    };
};
INSTANTIATE_TEST_SUITE_P(Versions, ServerReferences, ::testing::Values(Version::v5), version_name);

TEST_P(ServerReferences, are_followed_only_where_the_policy_says_so) {
    a.script(sends_to("c"));
    start(options());
    EXPECT_EQ(connect({at("a"), at("b")}), "ok");
    EXPECT_THAT(happened(),
                ElementsAre("attempting 1 a", "failed 1 a Use another server", "attempting 2 b", "connected 2 b"));
}

TEST_P(ServerReferences, of_connack_are_followed_at_once) {
    a.script(sends_to("nowhere c"));
    runtime.set_unresolvable("nowhere");
    start(follows());
    const TimePoint begin = runtime.now();
    EXPECT_EQ(connect({at("a"), at("b")}), "ok");
    EXPECT_EQ(runtime.now(), begin);
    EXPECT_THAT(happened(), ElementsAre("attempting 1 a", "failed 1 a Use another server", "attempting 2 nowhere",
                                        "failed 2 nowhere host not found", "attempting 3 c", "connected 3 c"));
}

TEST_P(ServerReferences, of_disconnect_are_followed_at_once_and_for_once) {
    const Disconnect away{.reason_code = ReasonCode::use_another_server, .properties = {.server_reference = "c"}};
    a.script(Script{}.expect(PacketType::connect).acknowledge().after(1s).reply(away).close());
    start(follows());
    EXPECT_EQ(connect({at("a")}), "ok");
    runtime.advance(2min);
    EXPECT_THAT(happened(), ElementsAre("attempting 1 a", "connected 1 a", "lost a Use another server",
                                        "attempting 1 c", "connected 1 c"));
    c.drop_all_connections();
    settle();
    EXPECT_THAT(happened(), ElementsAre("lost c closed by the peer", "waiting 1 a", "attempting 1 a", "connected 1 a"));
}

TEST_P(ServerReferences, of_a_server_that_moved_hold_from_then_on) {
    a.script(sends_to("c", ReasonCode::server_moved));
    start(follows());
    EXPECT_EQ(connect({at("a"), at("b")}), "ok");
    runtime.advance(1min);
    happened();
    c.stop_listening();
    c.drop_all_connections();
    settle();
    EXPECT_THAT(happened(), ElementsAre("lost c closed by the peer", "waiting 1 c", "attempting 1 c",
                                        "failed 1 c Connection refused", "attempting 2 b", "connected 2 b"));
    EXPECT_EQ(a.accepted(), 1u);
}

TEST_P(ServerReferences, in_the_same_breath_as_connack_are_followed_too) {
    const Disconnect away{.reason_code = ReasonCode::use_another_server, .properties = {.server_reference = "c"}};
    a.script(Script{}.expect(PacketType::connect).acknowledge().reply(away).close());
    start(follows());
    EXPECT_EQ(connect({at("a")}), "ok");
    EXPECT_THAT(happened(),
                ElementsAre("attempting 1 a", "failed 1 a Use another server", "attempting 2 c", "connected 2 c"));
}

TEST_P(ServerReferences, in_a_circle_end_a_first_connect) {
    for (int i = 0; i < 10; ++i) {
        a.script(sends_to("b"));
        b.script(sends_to("a"));
    }
    start(follows());
    EXPECT_EQ(connect({at("a")}), "refused by the broker");
    EXPECT_EQ(a.accepted() + b.accepted(), 5u); // the first, and as many references as the policy allows
}

TEST_P(ServerReferences, in_a_circle_are_followed_no_faster_than_the_policy_has_delays) {
    const auto away = [](std::string_view to) {
        return Disconnect{.reason_code = ReasonCode::use_another_server, .properties = {.server_reference = to}};
    };
    for (int i = 0; i < 500; ++i) { // whoever comes is welcome, and sent on
        a.script(Script{}.expect(PacketType::connect).acknowledge().after(1ms).reply(away("b")).close());
        b.script(Script{}.expect(PacketType::connect).acknowledge().after(1ms).reply(away("a")).close());
    }
    ClientOptions options = follows();
    options.reconnect.first_delay = options.reconnect.max_delay = 10s;
    start(options);
    EXPECT_EQ(connect({at("a")}), "ok");
    int delays = 0;
    for (int i = 0; i < 600; ++i) { // often enough that no event is dropped
        runtime.advance(1s);
        for (const std::string& line : happened()) delays += line.starts_with("waiting") ? 1 : 0;
    }
    EXPECT_EQ(events.dropped(), 0u);
    EXPECT_GT(delays, 60); // 120, as a mean
    EXPECT_LE(a.accepted() + b.accepted(), 5u * static_cast<unsigned>(delays + 1));
    EXPECT_GE(a.accepted() + b.accepted(), 4u * static_cast<unsigned>(delays));
}

TEST_P(ServerReferences, of_brokers_whose_connections_held_are_followed_at_once_each_time) {
    const auto away = [](std::string_view to) {
        return Disconnect{.reason_code = ReasonCode::use_another_server, .properties = {.server_reference = to}};
    };
    for (int i = 0; i < 5; ++i) {
        a.script(Script{}.expect(PacketType::connect).acknowledge().after(1min).reply(away("b")).close());
        b.script(Script{}.expect(PacketType::connect).acknowledge().after(1min).reply(away("a")).close());
    }
    ClientOptions options = follows();
    options.keep_alive = 0s; // the scripts want no PINGREQ
    start(options);
    EXPECT_EQ(connect({at("a")}), "ok");
    runtime.advance(12min);
    const Lines lines = happened();
    EXPECT_EQ(lines.size(), 2u + 10 * 3); // lost, attempting, connected, and nobody has waited
    for (const std::string& line : lines) EXPECT_FALSE(line.starts_with("waiting")) << line;
    EXPECT_EQ(client->state(), ConnectionState::connected);
}

TEST_P(ServerReferences, that_name_nobody_leave_it_to_the_next) {
    a.script(sends_to("user@c"));
    start(follows());
    EXPECT_EQ(connect({at("a"), at("b")}), "ok");
    EXPECT_THAT(happened(),
                ElementsAre("attempting 1 a", "failed 1 a Use another server", "attempting 2 b", "connected 2 b"));
}

} // namespace
} // namespace culex
