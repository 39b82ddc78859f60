#include <array>

#include "io/open_fixture.hpp"

namespace culex::testing {
namespace {

using namespace std::chrono_literals;

TEST_F(OpenTest, connects_to_an_address_in_digits) {
    open(listen("127.0.0.1"));
    ASSERT_TRUE(opened_.stream) << opened_.failure.message();
    EXPECT_EQ(opened_.stream->peer(), "127.0.0.1:" + std::to_string(listeners_[0]->endpoint().port()));
}

TEST_F(OpenTest, connects_to_a_name) {
    const Endpoint endpoint = listen("127.0.0.1");
    open(tcp("localhost", endpoint.port())); // the system's own resolver
    EXPECT_TRUE(opened_.stream) << opened_.failure.message();
}

TEST_F(OpenTest, says_how_far_it_is) {
    const Endpoint endpoint = listen("127.0.0.1");
    EXPECT_EQ(loop_.open(tcp("localhost", endpoint.port()), {}, opened_)->phase(), Phase::resolve);
    EXPECT_EQ(loop_.open(tcp("127.0.0.1", endpoint.port()), {}, opened_)->phase(), Phase::connect);
}

TEST_F(OpenTest, a_name_that_does_not_resolve_fails_with_the_resolvers_words) {
    open(tcp("nonexistent.invalid", 1883));
    EXPECT_FALSE(opened_.stream);
    EXPECT_EQ(opened_.failure, Errc::host_not_found);
    EXPECT_EQ(opened_.failure.phase(), Phase::resolve);
    EXPECT_EQ(opened_.failure.address(), "mqtt://nonexistent.invalid:1883");
    EXPECT_NE(opened_.failure.detail().find("nonexistent.invalid"), std::string::npos);
    EXPECT_NE(opened_.failure.detail().find(": "), std::string::npos);
}

TEST_F(OpenTest, a_name_that_no_resolver_could_know_fails_too) {
    for (const std::string& name :
         {std::string(), std::string("a\0b", 3), std::string(300, 'x'), std::string("a..b")}) {
        open(tcp(name, 1883));
        EXPECT_EQ(opened_.failure, Errc::host_not_found) << opened_.failure.message();
    }
}

TEST_F(OpenTest, a_port_that_refuses_is_named) {
    const PlainSocket refuses("127.0.0.1"); // bound, and does not listen
    open(tcp("127.0.0.1", refuses.port()));
    EXPECT_FALSE(opened_.stream);
    EXPECT_EQ(opened_.failure, std::errc::connection_refused);
    EXPECT_EQ(opened_.failure.phase(), Phase::connect);
    const std::string address = "127.0.0.1:" + std::to_string(refuses.port());
    EXPECT_EQ(opened_.failure.address(), "mqtt://" + address);
    EXPECT_EQ(opened_.failure.detail(), address + ": connection refused");
}

TEST_F(OpenTest, a_failure_says_what_each_address_said) {
    const PlainSocket refuses("127.0.0.1");
    resolver_.set("two.fake", {"127.0.0.1", "0.0.0.1"});
    open(tcp("two.fake", refuses.port()));
    const std::string port = std::to_string(refuses.port());
    EXPECT_TRUE(
        opened_.failure.detail().starts_with("127.0.0.1:" + port + ": connection refused; 0.0.0.1:" + port + ": "))
        << opened_.failure.detail();
    EXPECT_EQ(opened_.failure.address(), "mqtt://two.fake:" + port);
    EXPECT_EQ(opened_.failure.code().category(), std::generic_category());
}

TEST_F(OpenTest, the_next_address_is_tried_when_one_has_failed) {
    const Endpoint endpoint = listen("127.0.0.1");
    resolver_.set("third.fake", {"127.0.0.2", "127.0.0.3", "127.0.0.1"});
    open(tcp("third.fake", endpoint.port()), {.next_address_after = 1h}); // at once: an hour is not waited for
    ASSERT_TRUE(opened_.stream) << opened_.failure.message();
    EXPECT_TRUE(opened_.stream->peer().starts_with("127.0.0.1:"));
}

TEST_F(OpenTest, the_next_address_is_tried_when_one_does_not_answer) {
    const BlackHole hole("127.0.0.2");
    io::SocketAddress address;
    ASSERT_TRUE(address.parse("127.0.0.1", hole.port()));
    const PlainSocket same_port(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::bind(same_port.number(), address.get(), address.size()) != 0) GTEST_SKIP() << "the port is taken";
    ASSERT_EQ(::listen(same_port.number(), 8), 0);
    resolver_.set("slow.fake", {"127.0.0.2", "127.0.0.1"});
    open(tcp("slow.fake", hole.port()), {.next_address_after = 5ms});
    ASSERT_TRUE(opened_.stream) << opened_.failure.message();
    EXPECT_TRUE(opened_.stream->peer().starts_with("127.0.0.1:"));
}

TEST_F(OpenTest, an_address_that_is_slow_stays_in_the_race_while_others_fail) {
    const BlackHole hole("127.0.0.2"); // the others refuse its port
    resolver_.set("race.fake", {"127.0.0.2", "127.0.0.3", "127.0.0.4"});
    opening_ = loop_.open(tcp("race.fake", hole.port()), {.next_address_after = 1ms}, opened_);
    struct Later : Timer {
        Later() : Timer([](Timer& timer) { static_cast<Later&>(timer).came = true; }) {}
        bool came = false;
    } later;
    loop_.arm_after(later, 20ms);
    run_until(loop_, [&] { return later.came; });
    EXPECT_FALSE(opened_.done()); // the first may still answer
}

TEST_F(OpenTest, both_families_are_tried) {
    auto six = loop_.listen(tcp("::1", 0), accepted_);
    if (!six) GTEST_SKIP() << six.failure().message();
    resolver_.set("both.fake", {"127.0.0.1", "::1"});
    open(tcp("both.fake", (*six)->endpoint().port())); // nobody listens on 127.0.0.1
    ASSERT_TRUE(opened_.stream) << opened_.failure.message();
    EXPECT_TRUE(opened_.stream->peer().starts_with("[::1]:"));
}

std::vector<std::string> hosts(const std::vector<io::SocketAddress>& addresses) {
    std::vector<std::string> result;
    for (const io::SocketAddress& address : addresses) result.push_back(address.to_string());
    return result;
}

TEST_F(OpenTest, the_families_take_turns_beginning_with_the_first) {
    std::vector<io::SocketAddress> addresses;
    for (const char* host : {"::1", "::2", "::3", "10.0.0.1", "10.0.0.2"}) {
        ASSERT_TRUE(addresses.emplace_back().parse(host, 1));
    }
    EXPECT_EQ(hosts(io::interleave_families(addresses)),
              (std::vector<std::string>{"[::1]:1", "10.0.0.1:1", "[::2]:1", "10.0.0.2:1", "[::3]:1"}));
    EXPECT_TRUE(io::interleave_families({}).empty());
}

TEST_F(OpenTest, connects_to_a_unix_socket_and_says_why_it_does_not) {
    const Endpoint endpoint(Transport::unix_socket, "", 0, path("socket"));
    open(endpoint);
    EXPECT_EQ(opened_.failure, std::errc::no_such_file_or_directory);
    EXPECT_EQ(opened_.failure.phase(), Phase::connect);
    EXPECT_NE(opened_.failure.detail().find(path("socket")), std::string::npos);

    auto listener = loop_.listen(endpoint, accepted_);
    ASSERT_TRUE(listener) << listener.failure().message();
    open(endpoint);
    EXPECT_TRUE(opened_.stream) << opened_.failure.message();

    auto second = loop_.listen(endpoint, accepted_);
    EXPECT_FALSE(second);
    EXPECT_EQ(second.failure(), std::errc::address_in_use);
    listener->reset();
    EXPECT_FALSE(std::filesystem::exists(path("socket")));

    for (const std::string& bad : {std::string(), std::string(200, 'x'), std::string("a\0b", 3)}) {
        open(Endpoint(Transport::unix_socket, "", 0, bad));
        EXPECT_EQ(opened_.failure, Errc::invalid_argument);
    }
}

TEST_F(OpenTest, listens_for_bare_streams_alone) { // see testing::TlsServer and testing::WebSocketServer
    for (const Transport transport : {Transport::tls, Transport::ws, Transport::wss}) {
        const auto listener = loop_.listen(Endpoint(transport, "127.0.0.1", 0), accepted_);
        ASSERT_FALSE(listener);
        EXPECT_EQ(listener.failure(), Errc::not_supported);
    }
}

TEST_F(OpenTest, keep_alive_values_that_the_system_does_not_take_are_named) {
    const std::array<std::pair<SocketKeepalive, const char*>, 4> cases{{
        {{.count = 0}, "socket_keepalive.count"},
        {{.count = 200}, "socket_keepalive.count"},
        {{.idle = 0s}, "socket_keepalive.idle"},
        {{.interval = 40'000s}, "socket_keepalive.interval"},
    }};
    for (const auto& [keepalive, name] : cases) {
        open(tcp("127.0.0.1", 1), {.socket_keepalive = keepalive});
        EXPECT_EQ(opened_.failure, Errc::invalid_argument);
        EXPECT_NE(opened_.failure.detail().find(name), std::string::npos) << opened_.failure.detail();
    }
}

TEST_F(OpenTest, many_openings_at_once_all_succeed) {
    const Endpoint endpoint = listen("127.0.0.1");
    std::array<Opened, 100> opened;
    std::vector<std::unique_ptr<Opening>> openings;
    for (Opened& each : opened) openings.push_back(loop_.open(tcp("localhost", endpoint.port()), {}, each));
    for (Opened& each : opened) {
        run_until(loop_, [&] { return each.done(); });
        EXPECT_TRUE(each.stream) << each.failure.message();
    }
    run_until(loop_, [&] { return accepted_.streams.size() == opened.size(); });
}

} // namespace
} // namespace culex::testing
