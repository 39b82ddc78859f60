#include <culex/uv.hpp>

#include <culex/timeout.hpp>

#include "io/io_test.hpp"

namespace culex::testing {
namespace {

using namespace std::chrono_literals;

/// A program with a loop and a handle of its own.
class BorrowedLoopTest : public IoTest {
protected:
    BorrowedLoopTest() {
        uv_loop_init(&uv_);
        uv_timer_init(&uv_, &own_timer_);
        own_timer_.data = this;
    }
    ~BorrowedLoopTest() override {
        uv_close(reinterpret_cast<uv_handle_t*>(&own_timer_), nullptr);
        uv_run(&uv_, UV_RUN_DEFAULT);
        EXPECT_EQ(uv_loop_close(&uv_), 0);
    }
    void start_own_timer(std::uint64_t milliseconds) {
        uv_timer_start(
            &own_timer_, [](uv_timer_t* timer) { ++static_cast<BorrowedLoopTest*>(timer->data)->own_calls_; },
            milliseconds, 0);
    }

    uv_loop_t uv_{};
    uv_timer_t own_timer_{};
    int own_calls_ = 0;
};

TEST_F(BorrowedLoopTest, the_programs_run_ends_with_its_own_handles) {
    const auto loop = adopt(&uv_);
    EXPECT_EQ(native(*loop), &uv_);
    start_own_timer(2);
    EXPECT_EQ(uv_run(&uv_, UV_RUN_DEFAULT), 0);
    EXPECT_EQ(own_calls_, 1);
}

struct Alarm : Timer {
    explicit Alarm(int& counter) : Timer([](Timer& timer) { ++static_cast<Alarm&>(timer).calls; }), calls(counter) {}
    int& calls;
};

TEST_F(BorrowedLoopTest, both_sides_timers_come_in_the_programs_run) {
    const auto loop = adopt(&uv_);
    int calls = 0;
    Alarm soon(calls);
    Alarm late(calls);
    loop->arm_after(soon, 1ms);
    loop->arm_after(late, 5ms);
    start_own_timer(3);
    EXPECT_EQ(uv_run(&uv_, UV_RUN_DEFAULT), 0);
    EXPECT_EQ(calls, 2);
    EXPECT_EQ(own_calls_, 1);
}

TEST_F(BorrowedLoopTest, a_callback_of_the_programs_may_use_culex) {
    struct Counter : ReadyNode {
        Counter() : ReadyNode([](ReadyNode& node) { ++static_cast<Counter&>(node).calls; }) {}
        int calls = 0;
    } node;
    struct Shared {
        Loop& loop;
        ReadyNode& node;
    };
    const auto loop = adopt(&uv_);
    Shared shared{*loop, node};
    own_timer_.data = &shared;
    const auto posts = [](uv_timer_t* timer) {
        auto& both = *static_cast<Shared*>(timer->data);
        both.loop.post(both.node);
    };
    uv_timer_start(&own_timer_, posts, 1, 0);
    EXPECT_EQ(uv_run(&uv_, UV_RUN_DEFAULT), 0);
    EXPECT_EQ(node.calls, 1);
}

TEST_F(BorrowedLoopTest, a_connection_keeps_the_programs_run_going) {
    const auto loop = adopt(&uv_);
    Accepted accepted;
    auto listener = loop->listen(tcp("127.0.0.1", 0), accepted);
    ASSERT_TRUE(listener);
    Opened opened;
    const auto opening = loop->open((*listener)->endpoint(), {}, opened);
    run_until(*loop, [&] { return opened.done() && !accepted.streams.empty(); });
    ASSERT_TRUE(opened.stream);
    listener->reset();

    struct EndsAll : Recorder {
        void on_read(Bytes bytes) override {
            Recorder::on_read(bytes);
            stream->reset();
        }
        std::unique_ptr<Stream>* stream = nullptr;
    } ends_all;
    ends_all.stream = &opened.stream;
    opened.stream->start(ends_all);
    write_text(*accepted.streams[0], "over");
    EXPECT_EQ(uv_run(&uv_, UV_RUN_DEFAULT), 0); // ends when the stream, the last thing that is alive, has ended
    EXPECT_EQ(ends_all.received, "over");
}

Task<int> sleeps_a_little() {
    co_await sleep_for(1ms);
    co_return 5;
}

TEST_F(BorrowedLoopTest, can_be_run_by_culex_too) {
    const auto loop = adopt(&uv_);
    EXPECT_EQ(loop->run(sleeps_a_little()), 5);
}

TEST_F(BorrowedLoopTest, can_be_adopted_again_and_twice_at_once) {
    int calls = 0;
    {
        const auto first = adopt(&uv_);
        const auto second = adopt(&uv_);
        Alarm one(calls);
        Alarm two(calls);
        first->arm_after(one, 1ms);
        second->arm_after(two, 1ms);
        EXPECT_EQ(uv_run(&uv_, UV_RUN_DEFAULT), 0);
    }
    const auto again = adopt(&uv_); // before the handles of the others have closed
    Alarm three(calls);
    again->arm_after(three, 1ms);
    EXPECT_EQ(uv_run(&uv_, UV_RUN_DEFAULT), 0);
    EXPECT_EQ(calls, 3);
}

TEST_F(BorrowedLoopTest, one_more_turn_after_its_end_closes_all) {
    auto loop = adopt(&uv_);
    int calls = 0;
    Alarm alarm(calls);
    loop->arm_after(alarm, 1h);
    loop->post([&] { ++calls; });
    loop.reset();
    EXPECT_FALSE(alarm.armed());
    uv_close(reinterpret_cast<uv_handle_t*>(&own_timer_), nullptr);
    EXPECT_EQ(uv_loop_close(&uv_), UV_EBUSY);
    EXPECT_EQ(uv_run(&uv_, UV_RUN_NOWAIT), 0);
    EXPECT_EQ(uv_loop_close(&uv_), 0);
    EXPECT_EQ(calls, 0);
    // For the fixture.
    uv_loop_init(&uv_);
    uv_timer_init(&uv_, &own_timer_);
}

} // namespace
} // namespace culex::testing
