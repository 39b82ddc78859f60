#include "io/stream_fixture.hpp"

namespace culex::testing {
namespace {

using StreamEndTest = StreamTest;
INSTANTIATE_TEST_SUITE_P(Sockets, StreamEndTest, ::testing::Values(Kind::ipv4, Kind::ipv6, Kind::unix_socket),
                         kind_name);

/// Destroys its stream, or both, when one of its functions is called.
struct Destroyer : Recorder {
    void on_read(Bytes bytes) override {
        Recorder::on_read(bytes);
        if (at == 'r') destroy();
    }
    void on_end(Failure why) override {
        Recorder::on_end(std::move(why));
        if (at == 'e') destroy();
    }
    void on_drained() override {
        Recorder::on_drained();
        if (at == 'd') destroy();
    }
    void destroy() {
        for (std::unique_ptr<Stream>* stream : victims) stream->reset();
    }
    char at = 0;
    std::vector<std::unique_ptr<Stream>*> victims;
};

TEST_P(StreamEndTest, may_be_destroyed_inside_on_read) {
    Destroyer far;
    far.at = 'r';
    far.victims = {&far_};
    far_->start(far);
    Recorder near;
    near_->start(near);
    write_text(*near_, "a");
    run_until(loop_, [&] { return near.ends == 1; });
    EXPECT_EQ(far.reads, 1);
    EXPECT_EQ(far.ends, 0);
}

TEST_P(StreamEndTest, may_be_destroyed_with_its_peer_inside_on_read) {
    Destroyer far;
    far.at = 'r';
    far.victims = {&near_, &far_};
    far_->start(far);
    Recorder near;
    near_->start(near);
    write_text(*near_, "a");
    write_text(*far_, "b");
    loop_.run();
    EXPECT_EQ(far.reads, 1);
    EXPECT_EQ(near.ends, 0);
}

TEST_P(StreamEndTest, may_be_destroyed_inside_on_end) {
    Destroyer far;
    far.at = 'e';
    far.victims = {&far_};
    far_->start(far);
    near_.reset();
    loop_.run();
    EXPECT_EQ(far.ends, 1);
    EXPECT_EQ(far.failure, Errc::end_of_stream);
}

TEST_P(StreamEndTest, may_be_destroyed_inside_on_drained) {
    Destroyer near;
    near.at = 'd';
    near.victims = {&near_};
    near_->start(near);
    Buffer large = large_buffer();
    near_->write(large);
    Recorder far;
    far_->start(far);
    run_until(loop_, [&] { return far.ends == 1; });
    EXPECT_EQ(near.drains, 1);
    EXPECT_EQ(far.received.size(), large_size);
}

TEST_P(StreamEndTest, may_be_destroyed_with_a_backlog_and_in_any_state) {
    Buffer large = large_buffer();
    near_->write(large);
    EXPECT_GT(near_->backlog(), 0U);
    near_->shutdown();
    near_.reset(); // never started
    Recorder far;
    far_->start(far);
    run_until(loop_, [&] { return far.ends == 1; });
    EXPECT_LT(far.received.size(), large_size);
    far_.reset();
    loop_.run();
}

TEST_P(StreamEndTest, after_its_end_nothing_is_called_and_writing_is_harmless) {
    Recorder far;
    far_->start(far);
    near_.reset();
    run_until(loop_, [&] { return far.ends == 1; });
    write_text(*far_, "anyone?");
    far_->shutdown();
    far_->set_reading(false);
    far_->set_reading(true);
    far_->acknowledge_soon();
    Buffer head;
    head.append(as_bytes("and this"));
    far_->write_with(head, Payload(std::string(100'000, 'x')));
    EXPECT_TRUE(head.empty());
    EXPECT_EQ(far_->backlog(), 0U);
    loop_.run();
    EXPECT_EQ(far.ends, 1);
    EXPECT_EQ(far.drains, 0);
}

TEST_P(StreamEndTest, a_peer_that_has_gone_ends_the_writer_and_not_the_process) {
    Recorder near; // SIGPIPE would end this program: nothing here ignores it
    near_->start(near);
    near_->set_reading(false); // so that only writing can notice
    write_text(*far_, "unread data turns the end into a reset");
    write_text(*near_, "x");
    far_.reset();
    while (near.ends == 0) {
        write_text(*near_, "more");
        ASSERT_EQ(near.ends, 0); // not from inside the call
        uv_run(native(loop_), UV_RUN_NOWAIT);
    }
    EXPECT_TRUE(near.failure == std::errc::connection_reset || near.failure == std::errc::broken_pipe)
        << near.failure.message();
    EXPECT_EQ(near_->backlog(), 0U);
}

TEST_P(StreamEndTest, what_a_peer_said_before_it_reset_the_connection_is_still_read) {
    write_text(*near_, "never read: closing with unread data resets the connection");
    write_text(*far_, "goodbye, and the reason is 0x8B");
    far_.reset();
    write_text(*near_, "a write that meets the reset");
    write_text(*near_, "and another");
    Recorder near;
    near_->start(near);
    run_until(loop_, [&] { return near.ends == 1; });
    EXPECT_EQ(near.received, "goodbye, and the reason is 0x8B");
    EXPECT_TRUE(near.failure == std::errc::connection_reset || near.failure == Errc::end_of_stream)
        << near.failure.message();
}

TEST_P(StreamEndTest, a_handler_may_destroy_the_stream_while_it_reads_the_last_words) {
    write_text(*near_, "never read");
    write_text(*far_, "goodbye");
    far_.reset();
    write_text(*near_, "a write that meets the reset");
    write_text(*near_, "and another");
    Destroyer near;
    near.at = 'r';
    near.victims = {&near_};
    near_->start(near);
    loop_.run();
    EXPECT_EQ(near.received, "goodbye");
    EXPECT_EQ(near.ends, 0);
}

} // namespace
} // namespace culex::testing
