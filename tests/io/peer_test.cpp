#include <optional>

#include <netinet/tcp.h>

#include "io/io_test.hpp"
#include "io/socket_stream.hpp"

namespace culex::testing {
namespace {

class PeerTest : public IoTest {
protected:
    /// A stream to a plain socket.
    void connect(StreamOptions options = {}) {
        listener_.listen();
        Opened opened;
        const auto opening = loop_.open(tcp("127.0.0.1", listener_.port()), options, opened);
        run_until(loop_, [&] { return opened.done(); });
        ASSERT_TRUE(opened.stream) << opened.failure.message();
        stream_ = std::move(opened.stream);
        peer_.emplace(listener_.accept());
    }
    Loop loop_;
    PlainSocket listener_{"127.0.0.1"};
    std::unique_ptr<Stream> stream_;
    std::optional<PlainSocket> peer_;
};

TEST_F(PeerTest, reading_goes_on_after_shutdown_until_the_peer_closes) {
    connect();
    Recorder recorder;
    stream_->start(recorder);
    write_text(*stream_, "that is all");
    stream_->shutdown();
    EXPECT_EQ(peer_->receive(), "that is all");
    EXPECT_EQ(peer_->receive(), "");
    peer_->send("thanks");
    run_until(loop_, [&] { return recorder.received == "thanks"; });
    EXPECT_EQ(recorder.ends, 0);
    peer_->close();
    run_until(loop_, [&] { return recorder.ends == 1; });
    EXPECT_EQ(recorder.failure, Errc::end_of_stream);
}

TEST_F(PeerTest, a_reset_is_told_as_the_system_names_it) {
    connect();
    Recorder recorder;
    stream_->start(recorder);
    uv_run(native(loop_), UV_RUN_NOWAIT);
    peer_->reset();
    run_until(loop_, [&] { return recorder.ends == 1; });
    EXPECT_EQ(recorder.failure, std::errc::connection_reset);
}

TEST_F(PeerTest, bytes_before_a_reset_are_read_first) {
    connect();
    Recorder recorder;
    stream_->start(recorder);
    uv_run(native(loop_), UV_RUN_NOWAIT);
    peer_->send("last");
    peer_->reset();
    run_until(loop_, [&] { return recorder.ends == 1; });
    EXPECT_EQ(recorder.received, "last");
    EXPECT_EQ(recorder.failure, std::errc::connection_reset);
}

TEST_F(PeerTest, a_reset_ends_a_stream_that_only_has_a_backlog) {
    connect();
    Recorder recorder;
    stream_->start(recorder);
    stream_->set_reading(false);
    Buffer large = large_buffer();
    stream_->write(large);
    ASSERT_GT(stream_->backlog(), 0U);
    peer_->reset();
    run_until(loop_, [&] { return recorder.ends == 1; });
    EXPECT_EQ(recorder.failure, std::errc::connection_reset);
    EXPECT_EQ(recorder.drains, 0);
}

int option(const Stream& stream, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    const int socket = static_cast<const io::SocketStream&>(stream).socket();
    EXPECT_EQ(::getsockopt(socket, level, name, &value, &size), 0);
    return value;
}

TEST_F(PeerTest, has_nagle_off_and_no_keep_alive_unless_asked) {
    connect();
    EXPECT_NE(option(*stream_, IPPROTO_TCP, TCP_NODELAY), 0);
    EXPECT_EQ(option(*stream_, SOL_SOCKET, SO_KEEPALIVE), 0);
}

TEST_F(PeerTest, sets_tcps_keep_alive_as_asked) {
    connect({.socket_keepalive = SocketKeepalive{4, std::chrono::seconds(33), std::chrono::seconds(7)}});
    EXPECT_NE(option(*stream_, SOL_SOCKET, SO_KEEPALIVE), 0);
    EXPECT_EQ(option(*stream_, IPPROTO_TCP, TCP_KEEPCNT), 4);
    EXPECT_EQ(option(*stream_, IPPROTO_TCP, TCP_KEEPIDLE), 33);
    EXPECT_EQ(option(*stream_, IPPROTO_TCP, TCP_KEEPINTVL), 7);
}

TEST_F(PeerTest, asks_for_quick_acknowledgements_only_where_that_is_wanted) {
    for (const bool wanted : {true, false}) {
        connect({.quick_ack = wanted});
        const int off = 0;
        const int socket = static_cast<io::SocketStream&>(*stream_).socket();
        ASSERT_EQ(::setsockopt(socket, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof off), 0);
        stream_->acknowledge_soon();
        EXPECT_EQ(option(*stream_, IPPROTO_TCP, TCP_QUICKACK) != 0, wanted);
    }
}

TEST_F(PeerTest, accepted_streams_have_nagle_off) {
    Accepted accepted;
    auto listener = loop_.listen(tcp("127.0.0.1", 0), accepted);
    ASSERT_TRUE(listener);
    Opened opened;
    const auto opening = loop_.open((*listener)->endpoint(), {}, opened);
    run_until(loop_, [&] { return opened.done() && !accepted.streams.empty(); });
    EXPECT_NE(option(*accepted.streams[0], IPPROTO_TCP, TCP_NODELAY), 0);
    EXPECT_NE(option(*opened.stream, IPPROTO_TCP, TCP_NODELAY), 0);
}

} // namespace
} // namespace culex::testing
