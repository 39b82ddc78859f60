#include <culex/testing/pipe.hpp>

#include <memory>
#include <random>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "support/manual_scheduler.hpp"

namespace culex::testing {
namespace {

using namespace std::chrono_literals;

/// Notes all that it hears; `on_...` hooks let a test act inside a call.
class Ear final : public StreamHandler {
public:
    std::string text;
    std::string chunks; ///< sizes, "3 4 "
    Failure end;
    int ends = 0;
    int drains = 0;
    bool inside_a_call = false; ///< of the stream: nothing may be heard meanwhile
    std::unique_ptr<Stream>* destroy = nullptr;
    Stream* pause = nullptr;

    void on_read(Bytes bytes) override {
        EXPECT_FALSE(inside_a_call);
        EXPECT_EQ(ends, 0);
        text += as_text(bytes);
        chunks += std::to_string(bytes.size()) + ' ';
        if (pause) pause->set_reading(false);
        if (destroy) destroy->reset();
    }
    void on_end(Failure why) override {
        EXPECT_FALSE(inside_a_call);
        end = std::move(why);
        ++ends;
        if (destroy) destroy->reset();
    }
    void on_drained() override {
        EXPECT_FALSE(inside_a_call);
        EXPECT_EQ(ends, 0);
        ++drains;
        if (destroy) destroy->reset();
    }
};

class PipeTest : public ::testing::Test {
protected:
    void join(const PipeOptions& options = {}) {
        auto pipe = make_pipe(scheduler, options, {"broker:1883", "127.0.0.1:40000"});
        a = std::move(pipe.first);
        b = std::move(pipe.second);
        a->start(ear_a);
        b->start(ear_b);
    }
    void write(Stream& stream, std::string_view text) {
        Buffer buffer;
        buffer.append(as_bytes(text));
        ear_a.inside_a_call = ear_b.inside_a_call = true;
        stream.write(buffer);
        ear_a.inside_a_call = ear_b.inside_a_call = false;
        EXPECT_TRUE(buffer.empty());
    }

    ManualScheduler scheduler;
    Ear ear_a;
    Ear ear_b;
    std::unique_ptr<Stream> a;
    std::unique_ptr<Stream> b;
};

TEST_F(PipeTest, carries_bytes_both_ways_on_a_later_turn) {
    join();
    write(*a, "hello ");
    write(*a, "there");
    write(*b, "hi");
    EXPECT_EQ(ear_b.text, "");
    scheduler.run_until_idle();
    EXPECT_EQ(ear_b.text, "hello there");
    EXPECT_EQ(ear_a.text, "hi");
    EXPECT_EQ(a->peer(), "broker:1883");
    EXPECT_EQ(b->peer(), "127.0.0.1:40000");
}

TEST_F(PipeTest, leaves_the_writer_its_memory_when_all_was_taken) {
    join();
    Buffer buffer;
    buffer.append(as_bytes("abc"));
    const auto capacity = buffer.capacity();
    a->write(buffer);
    EXPECT_EQ(buffer.capacity(), capacity);
}

TEST_F(PipeTest, splits_reads_at_the_chunk_size) {
    join({.chunk_size = 3});
    write(*a, "abcdefgh");
    scheduler.run_until_idle();
    EXPECT_EQ(ear_b.text, "abcdefgh");
    EXPECT_EQ(ear_b.chunks, "3 3 2 ");
}

TEST_F(PipeTest, holds_back_what_is_beyond_its_capacity_and_says_when_it_has_drained) {
    join({.capacity = 4});
    b->set_reading(false);
    write(*a, "abc");
    EXPECT_EQ(a->backlog(), 0u);
    write(*a, "def");
    EXPECT_EQ(a->backlog(), 2u);
    write(*a, "gh");
    EXPECT_EQ(a->backlog(), 4u);
    scheduler.run_until_idle();
    EXPECT_EQ(ear_b.text, "");
    EXPECT_EQ(ear_a.drains, 0);
    b->set_reading(true);
    scheduler.run_until_idle();
    EXPECT_EQ(ear_b.text, "abcdefgh");
    EXPECT_EQ(a->backlog(), 0u);
    EXPECT_EQ(ear_a.drains, 1);
}

TEST_F(PipeTest, says_nothing_of_draining_where_there_was_no_backlog) {
    join();
    write(*a, "abc");
    scheduler.run_until_idle();
    EXPECT_EQ(ear_a.drains, 0);
}

TEST_F(PipeTest, stops_reading_inside_a_read) {
    join({.chunk_size = 2});
    ear_b.pause = b.get();
    write(*a, "abcd");
    scheduler.run_until_idle();
    EXPECT_EQ(ear_b.text, "ab");
    b->set_reading(true);
    scheduler.run_until_idle();
    EXPECT_EQ(ear_b.text, "abcd");
}

TEST_F(PipeTest, takes_the_latency_and_keeps_the_order) {
    auto options = std::make_shared<PipeOptions>(PipeOptions{.latency = 50ms});
    auto pipe = make_pipe(scheduler, options);
    a = std::move(pipe.first);
    b = std::move(pipe.second);
    b->start(ear_b);
    write(*a, "1");
    scheduler.advance(20ms);
    write(*a, "2");
    options->latency = {}; // from now on; but not in front of what is under way
    write(*a, "3");
    a->shutdown();
    scheduler.advance(29ms);
    EXPECT_EQ(ear_b.text, "");
    scheduler.advance(1ms);
    EXPECT_EQ(ear_b.text, "1");
    scheduler.advance(19ms);
    EXPECT_EQ(ear_b.text, "1");
    EXPECT_EQ(ear_b.ends, 0);
    scheduler.advance(1ms);
    EXPECT_EQ(ear_b.text, "123");
    EXPECT_TRUE(ear_b.end == Errc::end_of_stream);
}

TEST_F(PipeTest, shutdown_ends_one_direction_behind_the_backlog) {
    join({.capacity = 2});
    write(*a, "abcd");
    a->shutdown();
    a->shutdown(); // harmless
    write(*b, "xyz");
    scheduler.run_until_idle();
    EXPECT_EQ(ear_b.text, "abcd");
    EXPECT_EQ(ear_b.ends, 1);
    EXPECT_TRUE(ear_b.end == Errc::end_of_stream);
    EXPECT_EQ(ear_b.end.address(), "127.0.0.1:40000");
    EXPECT_EQ(ear_a.text, "xyz");
    EXPECT_EQ(ear_a.ends, 0);
    write(*b, "dropped: its end was told");
    b.reset();
    scheduler.run_until_idle();
    EXPECT_EQ(ear_a.text, "xyz");
    EXPECT_TRUE(ear_a.end == Errc::end_of_stream);
    EXPECT_EQ(ear_b.ends, 1);
}

TEST_F(PipeTest, destroying_an_end_delivers_what_was_sent_and_then_the_end) {
    join();
    write(*a, "bye");
    a.reset();
    EXPECT_EQ(ear_b.ends, 0);
    scheduler.run_until_idle();
    EXPECT_EQ(ear_b.text, "bye");
    EXPECT_TRUE(ear_b.end == Errc::end_of_stream);
    EXPECT_EQ(ear_b.ends, 1);
}

TEST_F(PipeTest, destroying_an_end_loses_its_backlog) {
    join({.capacity = 3});
    write(*a, "abcdef");
    a.reset();
    scheduler.run_until_idle();
    EXPECT_EQ(ear_b.text, "abc");
    EXPECT_EQ(ear_b.ends, 1);
}

TEST_F(PipeTest, destroying_an_end_with_unread_data_resets_the_connection) {
    join();
    write(*a, "never read");
    write(*b, "read");
    b.reset();
    scheduler.run_until_idle();
    EXPECT_EQ(ear_a.text, "read");
    EXPECT_TRUE(ear_a.end == std::errc::connection_reset);
}

TEST_F(PipeTest, holds_the_end_back_while_reading_is_off) {
    join();
    b->set_reading(false);
    write(*a, "x");
    a.reset();
    scheduler.run_until_idle();
    EXPECT_EQ(ear_b.ends, 0);
    b->set_reading(true);
    scheduler.run_until_idle();
    EXPECT_EQ(ear_b.text, "x");
    EXPECT_TRUE(ear_b.end == Errc::end_of_stream);
}

TEST_F(PipeTest, tells_a_writer_that_does_not_read_that_nobody_is_there) {
    join();
    b->set_reading(false);
    a.reset();
    scheduler.run_until_idle();
    write(*b, "anybody?");
    EXPECT_EQ(b->backlog(), 0u);
    EXPECT_EQ(ear_b.ends, 0);
    scheduler.run_until_idle();
    EXPECT_TRUE(ear_b.end == std::errc::connection_reset);
    b->set_reading(true);
    scheduler.run_until_idle();
    EXPECT_EQ(ear_b.ends, 1);
}

TEST_F(PipeTest, an_end_that_has_gone_empties_the_others_backlog_without_calling_it_drained) {
    join({.capacity = 2});
    write(*a, "abcd");
    b.reset();
    EXPECT_EQ(a->backlog(), 0u);
    scheduler.run_until_idle();
    EXPECT_EQ(ear_a.drains, 0);
    EXPECT_TRUE(ear_a.end == std::errc::connection_reset);
}

TEST_F(PipeTest, keeps_what_comes_before_start) {
    auto pipe = make_pipe(scheduler);
    write(*pipe.first, "early");
    pipe.first.reset();
    scheduler.run_until_idle();
    pipe.second->start(ear_b);
    EXPECT_EQ(ear_b.text, "");
    scheduler.run_until_idle();
    EXPECT_EQ(ear_b.text, "early");
    EXPECT_EQ(ear_b.ends, 1);
}

TEST_F(PipeTest, a_stream_may_be_destroyed_in_each_of_its_callbacks) {
    join({.chunk_size = 1});
    ear_b.destroy = &b;
    write(*a, "two chunks");
    scheduler.run_until_idle();
    EXPECT_EQ(ear_b.text, "t");
    EXPECT_TRUE(ear_a.end == std::errc::connection_reset);

    ear_a = {};
    ear_b = {};
    join({.capacity = 1});
    ear_a.destroy = &a;
    write(*a, "ab");
    scheduler.run_until_idle();
    EXPECT_EQ(ear_a.drains, 1);
    EXPECT_EQ(ear_b.text, "ab");
    EXPECT_EQ(ear_b.ends, 1);

    ear_a = {};
    ear_b = {};
    join();
    ear_b.destroy = &b;
    a.reset();
    scheduler.run_until_idle();
    EXPECT_EQ(ear_b.ends, 1);
    EXPECT_EQ(b, nullptr);
}

TEST_F(PipeTest, hears_nothing_after_its_destruction) {
    join({.capacity = 2, .latency = 1ms});
    write(*a, "abcd");
    write(*b, "abcd");
    scheduler.advance(1ms);
    const auto drains = ear_a.drains;
    write(*b, "efgh");
    a.reset();
    b.reset();
    scheduler.run();
    EXPECT_EQ(ear_a.ends + ear_b.ends, 0);
    EXPECT_EQ(ear_a.drains, drains);
}

TEST_F(PipeTest, random_traffic_arrives_whole_and_in_order) {
    std::mt19937 random(7);
    for (int round = 0; round < 200; ++round) {
        SCOPED_TRACE(round);
        ear_a = {};
        ear_b = {};
        join({.capacity = 1 + random() % 40, .chunk_size = 1 + random() % 20, .latency = (random() % 3) * 1ms});
        std::string sent_a;
        std::string sent_b;
        for (int i = 0; i < 50; ++i) {
            const std::string text(random() % 30, static_cast<char>('a' + i % 26));
            switch (random() % 6) {
            case 0:
                write(*a, text), sent_a += text;
                break;
            case 1:
                write(*b, text), sent_b += text;
                break;
            case 2:
                a->set_reading(random() % 2 == 0);
                break;
            case 3:
                b->set_reading(random() % 2 == 0);
                break;
            case 4:
                scheduler.turn();
                break;
            default:
                scheduler.advance(1ms);
            }
        }
        a->set_reading(true);
        b->set_reading(true);
        a->shutdown();
        b->shutdown();
        scheduler.run();
        EXPECT_EQ(ear_b.text, sent_a);
        EXPECT_EQ(ear_a.text, sent_b);
        EXPECT_EQ(ear_a.ends, 1);
        EXPECT_EQ(ear_b.ends, 1);
        a.reset();
        b.reset();
    }
}

} // namespace
} // namespace culex::testing
