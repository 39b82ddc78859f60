// The order of endpoints, and what Server References do to it.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/route.hpp"

namespace culex::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Endpoint host(const std::string& name) { return Endpoint(Transport::tcp, name, 1883); }

class RouteTest : public ::testing::Test {
protected:
    RouteTest() { route.start({host("a"), host("b"), host("c")}); }

    [[nodiscard]] std::string next() const { return route.next().host(); }
    /// The next `count` attempts, none of which succeeds; "|" where a round is over.
    std::string attempts(int count) {
        std::string all;
        for (int i = 0; i < count; ++i) {
            all += next();
            route.pass();
            if (!route.round_is_over()) continue;
            all += '|';
            route.new_round();
        }
        return all;
    }
    bool redirect(std::string_view reference, bool moved = false) {
        const Endpoint at = route.next();
        return route.redirect(reference, at, moved);
    }

    Route route{4};
};

TEST_F(RouteTest, goes_around_in_the_order_of_the_list_and_a_round_has_each_once) {
    EXPECT_EQ(attempts(7), "abc|abc|a");
}

TEST_F(RouteTest, a_single_endpoint_is_a_round) {
    route.start({host("a")});
    EXPECT_EQ(attempts(3), "a|a|a|");
}

TEST_F(RouteTest, stays_with_the_endpoint_that_connected_and_goes_on_from_there) {
    EXPECT_EQ(attempts(1), "a");
    route.connected();
    route.stay();
    route.new_round();
    EXPECT_EQ(attempts(4), "bca|b");
}

TEST_F(RouteTest, start_over_begins_with_the_first) {
    EXPECT_EQ(attempts(2), "ab");
    EXPECT_TRUE(redirect("x"));
    route.start_over();
    EXPECT_EQ(attempts(3), "abc|");
}

TEST_F(RouteTest, a_reference_goes_before_the_next_turn_and_takes_none) {
    EXPECT_TRUE(redirect("x y"));
    EXPECT_FALSE(route.round_is_over());
    EXPECT_EQ(attempts(6), "xybc|ab");
}

TEST_F(RouteTest, a_round_is_over_behind_its_last_detour) {
    EXPECT_EQ(attempts(2), "ab");
    EXPECT_TRUE(redirect("x"));
    EXPECT_EQ(attempts(2), "x|a");
}

TEST_F(RouteTest, a_detour_that_connected_is_for_once) {
    EXPECT_TRUE(redirect("x y"));
    route.connected();
    route.stay();
    EXPECT_EQ(attempts(2), "bc|");
}

TEST_F(RouteTest, the_end_of_a_detours_connection_is_nobodys_turn) {
    EXPECT_TRUE(redirect("x"));
    route.connected();
    route.pass();
    EXPECT_EQ(next(), "b");
}

TEST_F(RouteTest, what_a_detour_named_is_tried_once_even_if_it_asks_for_patience) {
    EXPECT_TRUE(redirect("x"));
    route.stay();
    EXPECT_EQ(next(), "b");
}

TEST_F(RouteTest, the_first_that_connects_takes_the_place_of_a_server_that_moved) {
    EXPECT_EQ(attempts(1), "a");
    EXPECT_TRUE(redirect("x y", true)); // b has moved
    EXPECT_EQ(next(), "x");
    route.pass();
    route.connected(); // y
    route.stay();
    route.new_round();
    EXPECT_EQ(attempts(3), "yca|");
}

TEST_F(RouteTest, a_server_that_moved_and_is_not_found_keeps_its_place) {
    EXPECT_TRUE(redirect("x", true));
    EXPECT_EQ(attempts(6), "xbc|abc|");
}

TEST_F(RouteTest, moving_twice_is_moving_there_and_a_detour_on_the_way_is_none) {
    EXPECT_TRUE(redirect("x", true));
    EXPECT_TRUE(redirect("y", true));
    route.connected();
    route.stay();
    route.new_round();
    EXPECT_EQ(attempts(3), "ybc|");
    EXPECT_TRUE(redirect("z", true));
    EXPECT_TRUE(redirect("once", false));
    route.connected();
    route.stay();
    route.new_round();
    EXPECT_EQ(attempts(3), "bcy|");
}

TEST_F(RouteTest, who_is_met_on_a_detour_has_no_place_to_give_away) {
    EXPECT_TRUE(redirect("x"));
    route.connected();
    EXPECT_TRUE(route.redirect("y", host("x"), true));
    route.connected();
    route.stay();
    route.new_round();
    EXPECT_EQ(attempts(3), "bca|");
}

TEST_F(RouteTest, an_endpoint_out_of_the_order_has_no_place_to_give_away) { // the hook chose it
    EXPECT_TRUE(route.redirect("y", host("chosen"), true));
    route.connected();
    route.stay();
    route.new_round();
    EXPECT_EQ(attempts(3), "bca|");
}

TEST_F(RouteTest, a_round_has_as_many_detours_as_the_policy_allows) {
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(redirect("x"));
    EXPECT_FALSE(redirect("x"));
    EXPECT_EQ(attempts(3), "xbc|");
    EXPECT_TRUE(redirect("x"));
    Route none(0);
    none.start({host("a")});
    EXPECT_FALSE(none.redirect("x", host("a"), false));
}

TEST_F(RouteTest, a_reference_that_names_nobody_changes_nothing) {
    for (const char* reference : {"", " ", "\t", "host:0", "host:99999", "gopher://x", "user@x", "unix:///run/x"}) {
        EXPECT_FALSE(redirect(reference)) << reference;
    }
    EXPECT_EQ(attempts(3), "abc|");
}

std::vector<std::string> read(std::string_view reference, const Endpoint& from) {
    std::vector<std::string> urls;
    for (const Endpoint& endpoint : parse_reference(reference, from)) urls.push_back(endpoint.to_string());
    return urls;
}

TEST(ServerReference, is_names_with_or_without_ports) { // section 4.11
    EXPECT_THAT(read("myserver.xyz.org  myserver2:8883 [fe80::9610:3eff:fe1c]:1884 10.0.0.1", host("a")),
                ElementsAre("mqtt://myserver.xyz.org:1883", "mqtt://myserver2:8883",
                            "mqtt://[fe80::9610:3eff:fe1c]:1884", "mqtt://10.0.0.1:1883"));
}

TEST(ServerReference, keeps_the_transport_its_port_and_its_path) {
    EXPECT_THAT(read("b", Endpoint(Transport::tls, "a", 8884)), ElementsAre("mqtts://b:8883"));
    EXPECT_THAT(read("b b/other", Endpoint(Transport::wss, "a", 444, "/own")),
                ElementsAre("wss://b:443/own", "wss://b:443/other"));
    EXPECT_THAT(read("b", Endpoint(Transport::ws, "a", 81, "/own")), ElementsAre("ws://b:80/own"));
    EXPECT_THAT(read("b", Endpoint(Transport::unix_socket, "", 0, "/run/mqtt.sock")), ElementsAre("mqtt://b:1883"));
}

TEST(ServerReference, may_be_a_url_but_never_leaves_tls_and_never_names_a_file) {
    EXPECT_THAT(read("mqtts://b ws://c", host("a")), ElementsAre("mqtts://b:8883", "ws://c:80/mqtt"));
    EXPECT_THAT(read("mqtt://b ws://c wss://d", Endpoint(Transport::tls, "a", 8883)), ElementsAre("wss://d:443/mqtt"));
    EXPECT_THAT(read("unix:///run/mqtt.sock", host("a")), IsEmpty());
}

} // namespace
} // namespace culex::client
