#include <array>
#include <thread>

#include <sys/resource.h>

#include "io/connector.hpp"
#include "io/fake_resolver.hpp"
#include "io/io_test.hpp"

namespace culex::testing {
namespace {

using namespace std::chrono_literals;

class OpenTest : public IoTest {
protected:
    void open(const Endpoint& endpoint, StreamOptions options = {}) {
        opened_.stream.reset();
        opened_.failure = Failure();
        opened_.calls = 0;
        opening_ = loop_.open(endpoint, options, opened_);
        EXPECT_EQ(opened_.calls, 0); // never from inside the call
        run_until(loop_, [&] { return opened_.done(); });
        EXPECT_EQ(opened_.calls, 1);
        opening_.reset();
    }
    [[nodiscard]] Endpoint listen(const std::string& host) {
        auto listener = loop_.listen(tcp(host, 0), accepted_);
        EXPECT_TRUE(listener) << listener.failure().message();
        listeners_.push_back(*std::move(listener));
        return listeners_.back()->endpoint();
    }

    FakeResolver resolver_;
    Loop loop_;
    Accepted accepted_;
    std::vector<std::unique_ptr<Listener>> listeners_;
    Opened opened_;
    std::unique_ptr<Opening> opening_;
};

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

TEST_F(OpenTest, transports_that_are_not_there_are_refused_in_so_many_words) {
    for (const Transport transport : {Transport::tls, Transport::ws, Transport::wss}) {
        open(Endpoint(transport, "127.0.0.1", 1));
        EXPECT_EQ(opened_.failure, Errc::not_supported);
        EXPECT_EQ(opened_.failure.phase(), Phase::connect);
        EXPECT_NE(opened_.failure.address().find("127.0.0.1"), std::string::npos);
        EXPECT_FALSE(loop_.listen(Endpoint(transport, "127.0.0.1", 0), accepted_));
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

TEST_F(OpenTest, may_be_dropped_after_any_number_of_turns) {
    const BlackHole hole("127.0.0.2");
    resolver_.set("drop.fake", {"127.0.0.3", "127.0.0.2", "127.0.0.4"});
    const Endpoint listening = listen("127.0.0.1");
    const Endpoint socket(Transport::unix_socket, "", 0, path("socket"));
    listeners_.push_back(*loop_.listen(socket, accepted_));
    const std::array endpoints{
        tcp("drop.fake", hole.port()), tcp("127.0.0.2", hole.port()),           listening, socket,
        tcp("nonexistent.invalid", 1), Endpoint(Transport::tls, "127.0.0.1", 1)};
    for (const Endpoint& endpoint : endpoints) {
        for (int turns = 0; turns < 8; ++turns) {
            Opened opened;
            auto opening = loop_.open(endpoint, {.next_address_after = 1ms}, opened);
            for (int turn = 0; turn < turns && !opened.done(); ++turn) uv_run(native(loop_), UV_RUN_NOWAIT);
            const int calls = opened.calls;
            opening.reset();
            for (int turn = 0; turn < 3; ++turn) uv_run(native(loop_), UV_RUN_NOWAIT);
            EXPECT_EQ(opened.calls, calls);
        }
    }
    listeners_.clear();
    accepted_.streams.clear();
    loop_.run(); // nothing is left that would keep it running
}

TEST_F(OpenTest, may_be_dropped_while_the_name_is_being_resolved) {
    resolver_.block();
    opening_ = loop_.open(tcp("blocked.fake", 1883), {}, opened_);
    resolver_.wait_for_lookups(1); // a thread is at it: the lookup can no longer be cancelled
    opening_.reset();
    for (int turn = 0; turn < 3; ++turn) uv_run(native(loop_), UV_RUN_NOWAIT);
    resolver_.release();
    loop_.run();
    EXPECT_EQ(opened_.calls, 0);
}

TEST_F(OpenTest, may_be_dropped_while_the_name_waits_for_a_thread) {
    resolver_.block();
    std::vector<std::unique_ptr<Opening>> openings;
    for (int i = 0; i < 50; ++i) openings.push_back(loop_.open(tcp("blocked.fake", 1883), {}, opened_));
    openings.clear();
    resolver_.release();
    loop_.run();
    EXPECT_EQ(opened_.calls, 0);
}

TEST_F(OpenTest, may_be_dropped_inside_on_open) {
    struct Drops : Opened {
        void on_open(Result<std::unique_ptr<Stream>> result) override {
            opening.reset();
            Opened::on_open(std::move(result));
        }
        std::unique_ptr<Opening> opening;
    } drops;
    drops.opening = loop_.open(listen("127.0.0.1"), {}, drops);
    run_until(loop_, [&] { return drops.done(); });
    EXPECT_TRUE(drops.stream);
}

TEST_F(OpenTest, the_loops_end_does_not_wait_for_the_resolver) {
    const int seen_off = io::loops_seen_off;
    resolver_.block();
    {
        Loop short_lived;
        auto opening = short_lived.open(tcp("blocked.fake", 1883), {}, opened_);
        resolver_.wait_for_lookups(1);
        opening.reset();
    } // would hang here
    resolver_.release();
    while (io::loops_seen_off == seen_off) std::this_thread::yield();
    EXPECT_EQ(opened_.calls, 0);
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

class ListenTest : public OpenTest {};

TEST_F(ListenTest, chooses_a_free_port_and_tells_it) {
    const Endpoint endpoint = listen("127.0.0.1");
    EXPECT_EQ(endpoint.host(), "127.0.0.1");
    EXPECT_NE(endpoint.port(), 0);
    auto taken = loop_.listen(endpoint, accepted_);
    EXPECT_FALSE(taken);
    EXPECT_EQ(taken.failure(), std::errc::address_in_use);
    EXPECT_EQ(taken.failure().address(), endpoint.to_string());
}

TEST_F(ListenTest, listens_on_the_address_of_a_name) {
    const Endpoint endpoint = listen("localhost");
    open(endpoint);
    EXPECT_TRUE(opened_.stream) << opened_.failure.message();
    auto unknown = loop_.listen(tcp("nonexistent.invalid", 0), accepted_);
    EXPECT_FALSE(unknown);
    EXPECT_EQ(unknown.failure(), Errc::host_not_found);
}

TEST_F(ListenTest, may_be_destroyed_inside_on_accept_and_then_refuses) {
    struct Once : Accepted {
        void on_accept(std::unique_ptr<Stream> stream) override {
            Accepted::on_accept(std::move(stream));
            listener.reset();
        }
        std::unique_ptr<Listener> listener;
    } once;
    once.listener = *loop_.listen(tcp("127.0.0.1", 0), once);
    const Endpoint endpoint = once.listener->endpoint();
    open(endpoint);
    run_until(loop_, [&] { return once.streams.size() == 1; });
    EXPECT_TRUE(opened_.stream);
    open(endpoint);
    EXPECT_EQ(opened_.failure, std::errc::connection_refused);
}

TEST_F(ListenTest, waits_and_does_not_spin_while_the_process_has_no_descriptors) {
    const Endpoint endpoint = listen("127.0.0.1");
    PlainSocket peer("127.0.0.1");
    io::SocketAddress address;
    ASSERT_TRUE(address.parse("127.0.0.1", endpoint.port()));
    ASSERT_EQ(::connect(peer.number(), address.get(), address.size()), 0);
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit nothing_new{0, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &nothing_new), 0);
    for (int turn = 0; turn < 3; ++turn) uv_run(native(loop_), UV_RUN_NOWAIT);
    EXPECT_TRUE(accepted_.streams.empty());
    EXPECT_GT(uv_backend_timeout(native(loop_)), 0); // sleeps
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    run_until(loop_, [&] { return accepted_.streams.size() == 1; });
}

} // namespace
} // namespace culex::testing
