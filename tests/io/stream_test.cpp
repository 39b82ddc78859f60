#include <poll.h>

#include "io/stream_fixture.hpp"

namespace culex::testing {
namespace {

INSTANTIATE_TEST_SUITE_P(Sockets, StreamTest, ::testing::Values(Kind::ipv4, Kind::ipv6, Kind::unix_socket), kind_name);

/// Byte number `position` of the pattern that is sent: wrong order and loss both show.
std::byte pattern(std::size_t position) { return static_cast<std::byte>((position * 31 + position / 251) & 0xFF); }

/// Sends a pattern as the client does: as much as the backlog bears, and on when it is gone. Checks what it receives.
class Transfer : public StreamHandler {
public:
    virtual ~Transfer() = default;
    /// `apart`: each piece has a payload behind it; `backlog`: where it waits.
    Transfer(Stream& stream, std::size_t total, bool apart = false, std::size_t backlog = 256 * 1024)
        : stream_(stream), total_(total), backlog_(backlog), apart_(apart) {}

    void start() {
        stream_.start(*this);
        send();
    }
    void on_read(Bytes bytes) override {
        for (const std::byte byte : bytes) right_ = right_ && byte == pattern(received_++);
    }
    void on_end(Failure why) override { failure = std::move(why); }
    void on_drained() override {
        ++drains;
        EXPECT_EQ(stream_.backlog(), 0U);
        send();
    }
    [[nodiscard]] bool complete() const { return sent_ == total_ && received_ == total_; }
    [[nodiscard]] bool right() const { return right_; }

    Failure failure;
    int drains = 0;

private:
    void send() {
        while (sent_ < total_ && stream_.backlog() < backlog_) {
            fill(40'000);
            if (apart_) {
                std::string payload(std::min<std::size_t>(total_ - sent_, 300'000), '\0');
                for (char& each : payload) each = static_cast<char>(pattern(sent_++));
                stream_.write_with(buffer_, Payload(std::move(payload)));
            } else {
                stream_.write(buffer_);
            }
            EXPECT_TRUE(buffer_.empty());
        }
    }
    void fill(std::size_t most) {
        const std::size_t count = std::min(total_ - sent_, most);
        std::byte* const to = buffer_.reserve(count);
        for (std::size_t i = 0; i < count; ++i) to[i] = pattern(sent_++);
        buffer_.commit(count);
    }

    Stream& stream_;
    Buffer buffer_;
    std::size_t total_;
    std::size_t backlog_;
    bool apart_;
    std::size_t sent_ = 0;
    std::size_t received_ = 0;
    bool right_ = true;
};

TEST_P(StreamTest, carries_much_in_both_directions_at_once_through_a_backlog) {
    constexpr std::size_t total = 8 * 1024 * 1024;
    Transfer near(*near_, total);
    Transfer far(*far_, total);
    near.start();
    far.start();
    EXPECT_GT(near_->backlog(), 0U);
    run_until(loop_, [&] { return near.complete() && far.complete(); });
    EXPECT_TRUE(near.right());
    EXPECT_TRUE(far.right());
    EXPECT_GT(near.drains, 0);
    EXPECT_GT(far.drains, 0);
    EXPECT_FALSE(near.failure);
}

TEST_P(StreamTest, carries_payloads_that_stand_apart_through_a_backlog) {
    constexpr std::size_t total = 8 * 1024 * 1024;
    Transfer near(*near_, total, true, 1);         // as a client does
    Transfer far(*far_, total, true, 1024 * 1024); // who writes on over a backlog
    near.start();
    far.start();
    EXPECT_GT(near_->backlog(), 0U);
    run_until(loop_, [&] { return near.complete() && far.complete(); });
    EXPECT_TRUE(near.right());
    EXPECT_TRUE(far.right());
    EXPECT_GT(near.drains, 0);
    EXPECT_EQ(0u, near_->backlog());
}

TEST_P(StreamTest, shuts_down_behind_a_payload_that_stands_apart) {
    Recorder near, far;
    near_->start(near);
    far_->start(far);
    Buffer head;
    head.append(as_bytes("head"));
    near_->write_with(head, Payload(std::string(6'000'000, 'x')));
    near_->shutdown();
    run_until(loop_, [&] { return far.ends > 0; });
    EXPECT_EQ(6'000'004u, far.received.size());
    EXPECT_TRUE(far.failure == Errc::end_of_stream);
}

TEST_P(StreamTest, what_the_socket_takes_at_once_leaves_no_backlog_and_keeps_the_buffers_memory) {
    Recorder near, far;
    near_->start(near);
    far_->start(far);
    Buffer buffer;
    buffer.append(as_bytes("hello"));
    const std::size_t capacity = buffer.capacity();
    near_->write(buffer);
    EXPECT_EQ(near_->backlog(), 0U);
    EXPECT_TRUE(buffer.empty());
    EXPECT_EQ(buffer.capacity(), capacity);
    run_until(loop_, [&] { return far.received == "hello"; });
    EXPECT_EQ(near.drains, 0);
}

TEST_P(StreamTest, shutdown_ends_the_writing_direction_behind_the_backlog) {
    Recorder far;
    Recorder near;
    near_->start(near);
    Buffer large = large_buffer();
    near_->write(large);
    ASSERT_GT(near_->backlog(), 0U);
    write_text(*near_, "the end");
    near_->shutdown();
    write_text(*near_, "too late");
    far_->start(far);
    run_until(loop_, [&] { return far.ends == 1; });
    EXPECT_EQ(far.failure, Errc::end_of_stream);
    EXPECT_EQ(far.received.size(), large_size + 7);
    EXPECT_TRUE(far.received.ends_with("the end"));
    EXPECT_EQ(near.ends, 0);
    far_.reset();
    run_until(loop_, [&] { return near.ends == 1; });
    EXPECT_EQ(near.failure, Errc::end_of_stream);
}

TEST_P(StreamTest, knows_what_the_peer_has_not_taken) {
    Recorder near, far;
    near_->start(near);
    EXPECT_EQ(near_->unsent(), 0U);
    Buffer large = large_buffer();
    near_->write(large);
    ASSERT_GT(near_->backlog(), 0U);
    EXPECT_GT(near_->unsent(), near_->backlog()); // the socket has the rest
    far_->start(far);
    run_until(loop_, [&] { return far.received.size() == large_size && near_->unsent() == 0; });
}

TEST_P(StreamTest, a_stream_that_does_not_read_holds_its_peer_back) {
    Recorder near, far;
    near_->start(near);
    far_->start(far);
    far_->set_reading(false);
    Buffer large = large_buffer();
    near_->write(large);
    for (int turn = 0; turn < 50; ++turn) uv_run(native(loop_), UV_RUN_NOWAIT);
    EXPECT_GT(near_->backlog(), 0U);
    EXPECT_EQ(far.reads, 0);
    far_->set_reading(true);
    run_until(loop_, [&] { return far.received.size() == large_size; });
    run_until(loop_, [&] { return near.drains == 1; });
    EXPECT_EQ(near_->backlog(), 0U);
}

TEST_P(StreamTest, reading_may_be_stopped_before_the_start_and_inside_on_read) {
    struct Stops : Recorder {
        void on_read(Bytes bytes) override {
            Recorder::on_read(bytes);
            stream->set_reading(false);
        }
        Stream* stream = nullptr;
    } stops;
    stops.stream = far_.get();
    far_->set_reading(false);
    far_->start(stops);
    write_text(*near_, "one");
    for (int turn = 0; turn < 10; ++turn) uv_run(native(loop_), UV_RUN_NOWAIT);
    EXPECT_EQ(stops.reads, 0);
    far_->set_reading(true);
    run_until(loop_, [&] { return stops.reads == 1; });
    write_text(*near_, "two");
    for (int turn = 0; turn < 10; ++turn) uv_run(native(loop_), UV_RUN_NOWAIT);
    EXPECT_EQ(stops.received, "one");
    far_->set_reading(true);
    run_until(loop_, [&] { return stops.reads == 2; });
    EXPECT_EQ(stops.received, "onetwo");
}

TEST_P(StreamTest, what_comes_before_the_start_waits_for_it) {
    write_text(*near_, "early");
    near_->shutdown();
    for (int turn = 0; turn < 5; ++turn) uv_run(native(loop_), UV_RUN_NOWAIT);
    Recorder far;
    far_->start(far);
    EXPECT_EQ(far.reads, 0); // never from inside a call
    run_until(loop_, [&] { return far.ends == 1; });
    EXPECT_EQ(far.received, "early");
}

TEST_P(StreamTest, a_read_is_answered_before_the_loop_sleeps_again) {
    struct Answers : Recorder {
        explicit Answers(Loop& on) : loop(on) {}
        void on_read(Bytes bytes) override {
            Recorder::on_read(bytes);
            loop.post(work); // a task that the message wakes, which writes something that is flushed at the turn's end
        }
        struct Flush : ReadyNode {
            explicit Flush(Answers& of)
                : ReadyNode([](ReadyNode& node) { write_text(*static_cast<Flush&>(node).answers.stream, "pong"); }),
                  answers(of) {}
            Answers& answers;
        };
        struct Work : ReadyNode {
            explicit Work(Answers& of)
                : ReadyNode([](ReadyNode& node) {
                      Answers& self = static_cast<Work&>(node).answers;
                      self.loop.post_at_turn_end(self.flush);
                  }),
                  answers(of) {}
            Answers& answers;
        };
        Loop& loop;
        Stream* stream = nullptr;
        Flush flush{*this};
        Work work{*this};
    } far(loop_);
    far.stream = far_.get();
    far_->start(far);
    uv_run(native(loop_), UV_RUN_NOWAIT);
    write_text(*near_, "ping");
    EXPECT_NE(uv_run(native(loop_), UV_RUN_ONCE), 0); // one turn: the read and all that comes of it
    pollfd waiting{static_cast<io::SocketStream&>(*near_).socket(), POLLIN, 0};
    EXPECT_EQ(::poll(&waiting, 1, 1000), 1);
    EXPECT_EQ(far.received, "ping");
}

TEST_P(StreamTest, names_its_peer) {
    if (GetParam() == Kind::unix_socket) {
        EXPECT_EQ(near_->peer(), "unix://" + path("stream"));
        EXPECT_EQ(far_->peer(), "unix://" + path("stream"));
        return;
    }
    const std::string host = GetParam() == Kind::ipv4 ? "127.0.0.1:" : "[::1]:";
    io::SocketAddress local;
    ASSERT_TRUE(local.read_local(static_cast<io::SocketStream&>(*near_).socket()));
    EXPECT_EQ(far_->peer(), local.to_string());
    EXPECT_TRUE(near_->peer().starts_with(host)) << near_->peer();
}

} // namespace
} // namespace culex::testing
