#include <culex/testing/virtual_runtime.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <culex/error.hpp>
#include <culex/event.hpp>
#include <culex/nursery.hpp>
#include <culex/timeout.hpp>

#include <gtest/gtest.h>

namespace culex::testing {
namespace {

using namespace std::chrono_literals;

Endpoint broker(std::string host = "broker", std::uint16_t port = 1883) {
    return Endpoint(Transport::tcp, std::move(host), port);
}

class Opener final : public OpenHandler {
public:
    void on_open(Result<std::unique_ptr<Stream>> outcome) override {
        EXPECT_FALSE(heard);
        heard = true;
        if (outcome) {
            stream = *std::move(outcome);
        } else {
            failure = std::move(outcome).failure();
        }
        if (opening) opening->reset();
    }
    bool heard = false;
    std::unique_ptr<Stream> stream;
    Failure failure;
    std::unique_ptr<Opening>* opening = nullptr; ///< destroyed in the call
};

class Acceptor final : public AcceptHandler {
public:
    void on_accept(std::unique_ptr<Stream> accepted) override {
        streams.push_back(std::move(accepted));
        if (opening) opening->reset();
        if (listener) listener->reset();
    }
    std::vector<std::unique_ptr<Stream>> streams;
    std::unique_ptr<Opening>* opening = nullptr; ///< destroyed in the call
    std::unique_ptr<Listener>* listener = nullptr;
};

class Reader final : public StreamHandler {
public:
    void on_read(Bytes bytes) override { text += as_text(bytes); }
    void on_end(Failure why) override { end = std::move(why); }
    void on_drained() override {}
    std::string text;
    Failure end;
};

class VirtualRuntimeTest : public ::testing::Test {
protected:
    std::unique_ptr<Listener> listen(const Endpoint& endpoint) {
        auto listener = runtime.listen(endpoint, acceptor);
        EXPECT_TRUE(listener) << listener.failure().message();
        return listener ? *std::move(listener) : nullptr;
    }
    VirtualRuntime runtime;
    Opener opener;
    Acceptor acceptor;
    const TimePoint start = runtime.now();
};

TEST_F(VirtualRuntimeTest, opens_a_stream_to_the_listener_of_the_same_name_and_never_inline) {
    const auto listener = listen(broker());
    const auto opening = runtime.open(broker(), {}, opener);
    EXPECT_FALSE(opener.heard);
    runtime.run_until_idle();
    ASSERT_TRUE(opener.stream) << opener.failure.message();
    ASSERT_EQ(acceptor.streams.size(), 1u);
    EXPECT_EQ(opener.stream->peer(), "broker:1883");
    EXPECT_EQ(acceptor.streams[0]->peer(), "127.0.0.1:32768");
    EXPECT_EQ(runtime.now(), start);

    Reader reader;
    acceptor.streams[0]->start(reader);
    Buffer buffer;
    buffer.append(as_bytes("hello"));
    opener.stream->write(buffer);
    opener.stream->shutdown();
    runtime.run_until_idle();
    EXPECT_EQ(reader.text, "hello");
    EXPECT_TRUE(reader.end == Errc::end_of_stream);
}

TEST_F(VirtualRuntimeTest, refuses_where_nobody_listens) {
    auto listener = listen(broker());
    const auto opening = runtime.open(broker("broker", 1884), {}, opener);
    runtime.run_until_idle();
    EXPECT_TRUE(opener.failure == std::errc::connection_refused);
    EXPECT_EQ(opener.failure.phase(), Phase::connect);
    EXPECT_EQ(opener.failure.address(), "broker:1884");
    EXPECT_EQ(opener.failure.detail(), "nobody listens at broker:1884; there is broker:1883");

    listener.reset();
    Opener second;
    const auto again = runtime.open(broker(), {}, second);
    runtime.run_until_idle();
    EXPECT_TRUE(second.failure == std::errc::connection_refused);
    EXPECT_EQ(second.failure.detail(), "nobody listens at broker:1883; there is nobody else");
}

TEST_F(VirtualRuntimeTest, does_not_resolve_names_that_are_set_so) {
    const auto listener = listen(broker());
    runtime.set_unresolvable("broker");
    const auto opening = runtime.open(broker(), {}, opener);
    runtime.run_until_idle();
    EXPECT_TRUE(opener.failure == Errc::host_not_found);
    EXPECT_EQ(opener.failure.phase(), Phase::resolve);

    runtime.set_unresolvable("broker", false);
    Opener second;
    const auto again = runtime.open(broker(), {}, second);
    runtime.run_until_idle();
    EXPECT_TRUE(second.stream);
}

TEST_F(VirtualRuntimeTest, never_ends_an_opening_to_a_black_hole) {
    const auto listener = listen(broker());
    runtime.set_black_hole("broker");
    auto opening = runtime.open(broker(), {}, opener);
    runtime.advance(24h);
    EXPECT_FALSE(opener.heard);
    opening.reset();
    runtime.set_black_hole("broker", false);
    opening = runtime.open(broker(), {}, opener);
    runtime.run_until_idle();
    EXPECT_TRUE(opener.stream);
}

TEST_F(VirtualRuntimeTest, an_opening_takes_the_latency_and_so_do_the_bytes) {
    const auto listener = listen(broker());
    runtime.set_latency(100ms);
    const auto opening = runtime.open(broker(), {}, opener);
    runtime.advance(99ms);
    EXPECT_FALSE(opener.heard);
    runtime.advance(1ms);
    ASSERT_TRUE(opener.stream);
    Reader reader;
    opener.stream->start(reader);
    Buffer buffer;
    buffer.append(as_bytes("x"));
    acceptor.streams[0]->write(buffer);
    runtime.advance(99ms);
    EXPECT_EQ(reader.text, "");
    runtime.advance(1ms);
    EXPECT_EQ(reader.text, "x");
}

TEST_F(VirtualRuntimeTest, an_opening_that_is_destroyed_is_called_off_at_each_stage) {
    const auto listener = listen(broker());
    auto opening = runtime.open(broker(), {}, opener);
    opening.reset();
    runtime.run_until_idle();
    EXPECT_TRUE(acceptor.streams.empty());

    acceptor.opening = &opening; // between the two ends
    opening = runtime.open(broker(), {}, opener);
    runtime.run_until_idle();
    EXPECT_FALSE(opener.heard);
    ASSERT_EQ(acceptor.streams.size(), 1u);
    Reader reader;
    acceptor.streams[0]->start(reader);
    runtime.run_until_idle();
    EXPECT_TRUE(reader.end == Errc::end_of_stream);

    acceptor.opening = nullptr;
    opener.opening = &opening; // inside on_open
    opening = runtime.open(broker(), {}, opener);
    runtime.run_until_idle();
    EXPECT_TRUE(opener.stream);
    EXPECT_EQ(opening, nullptr);
}

TEST_F(VirtualRuntimeTest, a_listener_may_be_destroyed_while_it_accepts) {
    auto listener = listen(broker());
    acceptor.listener = &listener;
    const auto opening = runtime.open(broker(), {}, opener);
    runtime.run_until_idle();
    EXPECT_TRUE(opener.stream);
    EXPECT_EQ(listener, nullptr);
}

TEST_F(VirtualRuntimeTest, chooses_ports_and_refuses_those_in_use) {
    const auto first = listen(broker("broker", 0));
    const auto second = listen(broker("broker", 0));
    EXPECT_NE(first->endpoint().port(), 0);
    EXPECT_NE(first->endpoint().port(), second->endpoint().port());
    const auto third = runtime.listen(first->endpoint(), acceptor);
    EXPECT_TRUE(third.failure() == std::errc::address_in_use);
}

TEST_F(VirtualRuntimeTest, unix_sockets_are_told_apart_by_path) {
    const Endpoint path(Transport::unix_socket, "", 0, "/run/mqtt.sock");
    const auto listener = listen(path);
    const auto opening = runtime.open(path, {}, opener);
    runtime.run_until_idle();
    ASSERT_TRUE(opener.stream);
    EXPECT_EQ(opener.stream->peer(), "/run/mqtt.sock");
}

TEST_F(VirtualRuntimeTest, has_no_tls_and_no_websocket) {
    const Endpoint tls(Transport::tls, "broker", 8883);
    const auto opening = runtime.open(tls, {}, opener);
    EXPECT_FALSE(opener.heard);
    runtime.run_until_idle();
    EXPECT_TRUE(opener.failure == Errc::not_supported);
    EXPECT_TRUE(runtime.listen(tls, acceptor).failure() == Errc::not_supported);
}

TEST_F(VirtualRuntimeTest, run_lets_days_pass_at_once) {
    struct Body {
        static Task<int> run() {
            co_await sleep_for(24h);
            co_return 42;
        }
    };
    EXPECT_EQ(runtime.run(Body::run()), 42);
    EXPECT_EQ(runtime.now(), start + 24h);
}

TEST_F(VirtualRuntimeTest, run_throws_what_the_task_throws) {
    struct Body {
        static Task<> run() {
            co_await yield();
            throw std::runtime_error("on purpose");
        }
    };
    EXPECT_THROW(runtime.run(Body::run()), std::runtime_error);
}

TEST_F(VirtualRuntimeTest, run_names_a_deadlock_and_drops_the_task) {
    struct Body {
        static Task<> run(Event& event, std::shared_ptr<int>) { co_await event.wait(); }
    };
    Event event;
    const auto shared = std::make_shared<int>();
    runtime.set_black_hole("broker");
    auto opening = runtime.open(broker(), {}, opener);
    for (const bool opening_under_way : {true, false}) {
        try {
            runtime.run(Body::run(event, shared));
            FAIL();
        } catch (const Error& error) {
            EXPECT_TRUE(error.failure() == std::errc::resource_deadlock_would_occur);
            EXPECT_NE(error.detail().find("deadlock"), std::string::npos) << error.detail();
            const bool named = error.detail().find("1 opening is in a black hole") != std::string::npos;
            EXPECT_EQ(named, opening_under_way) << error.detail();
        }
        opening.reset();
    }
    EXPECT_EQ(shared.use_count(), 1);
}

TEST_F(VirtualRuntimeTest, run_gives_up_when_its_limit_of_time_has_passed) {
    struct Tick { // something periodic, so that there is always a next timer
        static Task<> forever() {
            for (;;) co_await sleep_for(1s);
        }
    };
    try {
        runtime.run(Tick::forever(), 10min);
        FAIL();
    } catch (const Error& error) {
        EXPECT_TRUE(error.failure() == Errc::timed_out);
    }
    EXPECT_EQ(runtime.now(), start + 10min);
}

TEST_F(VirtualRuntimeTest, a_livelock_is_an_error_and_no_hanging_test) {
    struct Body {
        static Task<> spin() {
            for (;;) co_await yield();
        }
    };
    runtime.set_turn_limit(1000);
    EXPECT_THROW(runtime.run(Body::spin()), Error);
    Nursery nursery(runtime);
    nursery.spawn(Body::spin());
    EXPECT_THROW(runtime.run_until_idle(), Error);
    EXPECT_THROW(runtime.advance(1s), Error);
}

TEST_F(VirtualRuntimeTest, advance_runs_all_that_is_due_in_order_and_stops_at_its_end) {
    struct Body {
        static Task<> note(Duration when, VirtualRuntime& runtime, std::vector<Duration>& log, TimePoint start) {
            co_await sleep_for(when);
            log.push_back(runtime.now() - start);
        }
    };
    std::vector<Duration> log;
    Nursery nursery(runtime);
    for (const auto delay : {3s, 1s, 2s, 5s}) nursery.spawn(Body::note(delay, runtime, log, start));
    runtime.advance(4s);
    EXPECT_EQ(log, (std::vector<Duration>{1s, 2s, 3s}));
    EXPECT_EQ(runtime.now(), start + 4s);
    runtime.advance(0s);
    EXPECT_EQ(runtime.now(), start + 4s);
    runtime.advance(1s);
    EXPECT_EQ(log.size(), 4u);
}

TEST_F(VirtualRuntimeTest, run_until_asks_after_every_turn) {
    struct Body {
        static Task<> count(int& turns) {
            for (; turns < 10; ++turns) co_await sleep_for(1s);
        }
    };
    int turns = 0;
    Nursery nursery(runtime);
    nursery.spawn(Body::count(turns));
    EXPECT_TRUE(runtime.run_until([&] { return turns == 3; }));
    EXPECT_EQ(runtime.now(), start + 3s);
    EXPECT_FALSE(runtime.run_until([&] { return turns == 8; }, 2s)) << "out of time";
    EXPECT_FALSE(runtime.run_until([&] { return turns == 11; })) << "nothing can happen any more";
    EXPECT_EQ(turns, 10);
}

TEST_F(VirtualRuntimeTest, is_the_current_scheduler_only_inside) {
    struct Body {
        static Task<Scheduler*> run() { co_return Scheduler::current(); }
    };
    EXPECT_EQ(runtime.run(Body::run()), &runtime);
    EXPECT_EQ(Scheduler::current(), nullptr);
}

} // namespace
} // namespace culex::testing
