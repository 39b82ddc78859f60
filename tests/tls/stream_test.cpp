// TLS as a stream, over pipes in memory and in virtual time.
#include "io/tls_stream.hpp"
#include "tls/tls_test.hpp"

namespace culex::testing {
namespace {

constexpr TlsVersion v1_3 = TlsVersion::v1_3;

struct Ear : StreamHandler {
    virtual ~Ear() = default;
    void on_read(Bytes bytes) override {
        heard += as_text(bytes);
        ++reads;
        if (end) ADD_FAILURE() << "read after the end";
    }
    void on_end(Failure why) override {
        if (end) ADD_FAILURE() << "ended twice";
        end = std::move(why);
    }
    void on_drained() override { ++drains; }

    std::string heard;
    Failure end;
    int reads = 0;
    int drains = 0;
};

struct Shaken : io::TlsHandshake {
    virtual ~Shaken() = default;
    void on_handshake(Failure why) override {
        ++calls;
        failure = std::move(why);
    }
    int calls = 0;
    Failure failure;
};

/// Passes everything on, and counts.
class Counting final : public Stream, private StreamHandler {
public:
    Counting(std::unique_ptr<Stream> inner, int& writes) : inner_(std::move(inner)), writes_(writes) {}
    void start(StreamHandler& handler) override {
        handler_ = &handler;
        inner_->start(*this);
    }
    void write(Buffer& bytes) override {
        ++writes_;
        inner_->write(bytes);
    }
    std::size_t backlog() const noexcept override { return inner_->backlog(); }
    void set_reading(bool on) override { inner_->set_reading(on); }
    void shutdown() override { inner_->shutdown(); }
    std::string peer() const override { return inner_->peer(); }

private:
    void on_read(Bytes bytes) override { handler_->on_read(bytes); }
    void on_end(Failure why) override { handler_->on_end(std::move(why)); }
    void on_drained() override { handler_->on_drained(); }
    std::unique_ptr<Stream> inner_;
    StreamHandler* handler_ = nullptr;
    int& writes_;
};

void write_text(Stream& stream, std::string_view text) {
    Buffer buffer;
    buffer.append(as_bytes(text));
    stream.write(buffer);
    EXPECT_TRUE(buffer.empty());
}

class TlsStreamTest : public TlsTest, public ::testing::WithParamInterface<TlsVersion> {
protected:
    /// Both ends, nothing started.
    void make(const io::TlsServerSettings& settings) {
        Pipe pipe = make_pipe(runtime, options, {"the server", "the client"});
        near = std::make_unique<io::TlsStream>(
            runtime, std::make_unique<Counting>(std::move(pipe.first), writes),
            std::make_unique<io::TlsEngine>(
                client({.min_version = GetParam(), .max_version = GetParam(), .resume_sessions = false}), "localhost",
                8883));
        far_transport = pipe.second.get();
        far = std::make_unique<io::TlsStream>(runtime, std::move(pipe.second),
                                              std::make_unique<io::TlsEngine>(server(settings), "", 0));
    }
    void connect() {
        make(server_with("server"));
        far->start(far_ear);
        near->shake_hands(shaken);
        runtime.run_until_idle();
        ASSERT_EQ(shaken.calls, 1);
        ASSERT_FALSE(shaken.failure) << shaken.failure.message();
        near->start(near_ear);
        runtime.run_until_idle();
    }

    VirtualRuntime runtime;
    std::shared_ptr<PipeOptions> options = std::make_shared<PipeOptions>();
    Ear near_ear;
    Ear far_ear;
    Shaken shaken;
    int writes = 0;
    std::unique_ptr<io::TlsStream> near;
    std::unique_ptr<io::TlsStream> far;
    Stream* far_transport = nullptr; // beneath `far`, for what TLS would not say
};
INSTANTIATE_TEST_SUITE_P(Versions, TlsStreamTest, ::testing::Values(TlsVersion::v1_2, v1_3),
                         [](const auto& of) { return of.param == v1_3 ? "v1_3" : "v1_2"; });

TEST_P(TlsStreamTest, carries_text_both_ways) {
    connect();
    write_text(*near, "to the server");
    write_text(*far, "to the client");
    runtime.run_until_idle();
    EXPECT_EQ(far_ear.heard, "to the server");
    EXPECT_EQ(near_ear.heard, "to the client");
    EXPECT_EQ(near->peer(), "the server");
}

TEST_P(TlsStreamTest, what_is_written_at_once_is_one_record_for_each_16_kib) {
    connect();
    const int before = writes;
    write_text(*near, std::string(16'384, 'x'));
    EXPECT_EQ(writes, before + 1);
    EXPECT_EQ(near->backlog(), 0u);
    runtime.run_until_idle();
    // A record has 5 bytes of header and 17 to 24 of nonce and tag: so a pipe has seen one.
    options->capacity = 1;
    write_text(*near, std::string(40'000, 'y'));
    const std::size_t overhead = near->backlog() + 1 - 40'000;
    EXPECT_GE(overhead, 3u * 21);
    EXPECT_LE(overhead, 3u * 30);
    options->capacity = 1 << 20;
    runtime.advance(1s);
}

TEST_P(TlsStreamTest, answers_a_bad_record_with_no_alert_behind_its_own_end) { // found by tests/fuzz/tls.cpp
    connect();
    near->shutdown();
    const int before = writes;
    write_text(*far_transport, std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x'));
    runtime.run_until_idle();
    EXPECT_EQ(writes, before);
    ASSERT_TRUE(near_ear.end);
    EXPECT_NE(near_ear.end, Errc::end_of_stream) << near_ear.end.message();
}

TEST_P(TlsStreamTest, large_writes_arrive_whole_through_a_narrow_pipe) {
    connect();
    options->capacity = 1000;
    options->chunk_size = 700;
    std::string text;
    for (int i = 0; text.size() < 300'000; ++i) text += std::to_string(i);
    write_text(*near, text);
    EXPECT_GT(near->backlog(), 299'000u);
    EXPECT_EQ(near_ear.drains, 0);
    runtime.run_until_idle();
    EXPECT_EQ(far_ear.heard, text);
    EXPECT_EQ(near->backlog(), 0u);
    EXPECT_EQ(near_ear.drains, 1);
}

TEST_P(TlsStreamTest, byte_by_byte) {
    options->chunk_size = 1;
    connect();
    write_text(*near, "slow");
    write_text(*far, "and slow again");
    runtime.run_until_idle();
    EXPECT_EQ(far_ear.heard, "slow");
    EXPECT_EQ(near_ear.heard, "and slow again");
}

TEST_P(TlsStreamTest, while_reading_is_off_nothing_is_told_and_the_peer_is_held) {
    connect();
    near->set_reading(false);
    options->capacity = 1000;
    write_text(*far, std::string(50'000, 'x'));
    runtime.advance(1s);
    EXPECT_EQ(near_ear.reads, 0);
    EXPECT_GT(far->backlog(), 40'000u);
    far->shutdown();
    runtime.advance(1s);
    EXPECT_FALSE(near_ear.end);
    near->set_reading(true);
    runtime.run_until_idle();
    EXPECT_EQ(near_ear.heard.size(), 50'000u);
    EXPECT_TRUE(near_ear.end == Errc::end_of_stream);
}

TEST_P(TlsStreamTest, what_comes_before_start_waits) {
    make(server_with("server"));
    far->start(far_ear);
    write_text(*far, "written before the handshake"); // waits for that
    EXPECT_GT(far->backlog(), 0u);
    near->shake_hands(shaken);
    runtime.run_until_idle();
    write_text(*far, ", and after it");
    runtime.advance(1s);
    ASSERT_EQ(shaken.calls, 1);
    EXPECT_EQ(far->backlog(), 0u);
    EXPECT_EQ(far_ear.drains, 1);
    near->start(near_ear);
    EXPECT_EQ(near_ear.reads, 0); // never from inside the call
    runtime.run_until_idle();
    EXPECT_EQ(near_ear.heard, "written before the handshake, and after it");
}

TEST_P(TlsStreamTest, shutdown_says_close_notify_behind_the_data_and_goes_on_reading) {
    connect();
    write_text(*near, "last words");
    near->shutdown();
    runtime.run_until_idle();
    EXPECT_EQ(far_ear.heard, "last words");
    EXPECT_TRUE(far_ear.end == Errc::end_of_stream);
    EXPECT_EQ(far_ear.end.detail(), ""); // it was close_notify
}

TEST_P(TlsStreamTest, close_notify_of_both_ends_both_in_order) {
    connect();
    near->shutdown();
    write_text(*near, "too late");
    far->shutdown();
    runtime.run_until_idle();
    EXPECT_TRUE(near_ear.end == Errc::end_of_stream);
    EXPECT_TRUE(far_ear.end == Errc::end_of_stream);
    EXPECT_EQ(near_ear.end.detail(), "");
    EXPECT_EQ(far_ear.heard, "");
}

TEST_P(TlsStreamTest, reading_goes_on_after_our_own_shutdown) {
    connect();
    write_text(*near, "the question");
    near->shutdown();
    write_text(*far, "the answer");
    runtime.run_until_idle();
    EXPECT_EQ(near_ear.heard, "the answer");
}

TEST_P(TlsStreamTest, an_end_without_close_notify_is_told_as_such) {
    connect();
    write_text(*far, "so far");
    far.reset();
    runtime.run_until_idle();
    EXPECT_EQ(near_ear.heard, "so far");
    EXPECT_TRUE(near_ear.end == Errc::end_of_stream) << near_ear.end.message();
    EXPECT_EQ(near_ear.end.detail(), "without TLS close_notify");
}

TEST_P(TlsStreamTest, a_reset_is_told_as_a_reset) {
    connect();
    write_text(*near, "never read");
    far.reset();
    runtime.run_until_idle();
    EXPECT_TRUE(near_ear.end == std::errc::connection_reset) << near_ear.end.message();
}

TEST_P(TlsStreamTest, what_was_changed_on_its_way_ends_the_stream) {
    Engines both(client({.min_version = GetParam(), .max_version = GetParam()}), server());
    both.run();
    ASSERT_TRUE(both.established());
    ASSERT_FALSE(both.server.write(as_bytes("trust me")));
    std::string record(as_text(both.server.output().bytes()));
    record.back() = static_cast<char>(record.back() ^ 1);
    const Failure failure = both.client.handle_input(as_bytes(record), both.to_client);
    EXPECT_TRUE(failure == Errc::tls_failed);
    EXPECT_THAT(failure.detail(), HasSubstr("changed on its way"));
    EXPECT_TRUE(both.to_client.empty());
}

TEST_P(TlsStreamTest, a_peer_that_closes_during_the_handshake_is_told) {
    make(server_with("server"));
    near->shake_hands(shaken);
    far.reset(); // before it has read anything: as a reset
    runtime.run_until_idle();
    ASSERT_EQ(shaken.calls, 1);
    EXPECT_EQ(shaken.failure.phase(), Phase::tls);
    EXPECT_TRUE(shaken.failure == std::errc::connection_reset) << shaken.failure.message();
}

TEST_P(TlsStreamTest, a_handshake_that_cannot_begin_is_told_later) {
    Pipe pipe = make_pipe(runtime, options, {"the server", "the client"});
    io::TlsStream nameless(runtime, std::move(pipe.first), std::make_unique<io::TlsEngine>(client(), "", 8883));
    nameless.shake_hands(shaken);
    EXPECT_EQ(shaken.calls, 0);
    runtime.run_until_idle();
    ASSERT_EQ(shaken.calls, 1);
    EXPECT_TRUE(shaken.failure == Errc::invalid_argument) << shaken.failure.message();
    EXPECT_EQ(shaken.failure.phase(), Phase::tls);
    EXPECT_THAT(shaken.failure.detail(), HasSubstr("no host name"));
}

TEST_P(TlsStreamTest, a_server_hears_what_was_wrong_with_its_client) {
    io::TlsServerSettings demanding = server_with("server");
    demanding.client_ca = text_of("ca.pem");
    demanding.demand_client_certificate = true;
    make(demanding);
    far->start(far_ear);
    near->shake_hands(shaken);
    runtime.run_until_idle();
    EXPECT_TRUE(far_ear.end == Errc::tls_failed);
    EXPECT_THAT(far_ear.end.detail(), HasSubstr("no certificate"));
    far.reset();
    if (!shaken.failure) near->start(near_ear); // under TLS 1.3 the client learns it when its handshake has ended
    runtime.run_until_idle();
    const Failure& failure = shaken.failure ? shaken.failure : near_ear.end;
    EXPECT_TRUE(failure == Errc::tls_failed) << failure.message();
    EXPECT_EQ(failure.phase(), Phase::tls);
    EXPECT_THAT(failure.detail(), HasSubstr("it demands a client certificate, and none was given"));
}

TEST_P(TlsStreamTest, a_stream_may_be_destroyed_in_each_of_its_calls) {
    struct Destroys : Ear {
        void on_read(Bytes bytes) override {
            Ear::on_read(bytes);
            stream.reset();
            EXPECT_EQ(as_text(bytes), "bye"); // still there
        }
        void on_end(Failure why) override {
            Ear::on_end(std::move(why));
            stream.reset();
        }
        void on_drained() override { stream.reset(); }
        std::unique_ptr<io::TlsStream> stream;
    };
    for (const int in_call : {0, 1, 2}) {
        near.reset();
        far.reset();
        shaken.calls = 0;
        Destroys ear;
        Ear other;
        make(server_with("server"));
        far->start(other);
        near->shake_hands(shaken);
        runtime.run_until_idle();
        ear.stream = std::move(near);
        ear.stream->start(ear);
        if (in_call == 0) write_text(*far, "bye");
        if (in_call == 1) far->shutdown();
        if (in_call == 2) {
            options->capacity = 100;
            write_text(*ear.stream, std::string(1000, 'x'));
        }
        runtime.run_until_idle();
        EXPECT_FALSE(ear.stream) << in_call;
        options->capacity = 1 << 20;
    }
}

TEST_P(TlsStreamTest, may_be_destroyed_at_any_moment_of_the_handshake) {
    for (int turns = 0; turns < 40; ++turns) {
        options->chunk_size = 100;
        shaken.calls = 0;
        far_ear.end = Failure();
        make(server_with("server"));
        far->start(far_ear);
        near->shake_hands(shaken);
        for (int i = 0; i < turns; ++i) runtime.step();
        const int calls = shaken.calls;
        near.reset();
        runtime.run_until_idle();
        EXPECT_EQ(shaken.calls, calls);
        EXPECT_TRUE(far_ear.end);
        far.reset();
    }
}

TEST_F(TlsTest, keys_of_tls_1_3_may_be_updated_while_data_passes) {
    Engines both(client(), server());
    both.run();
    ASSERT_TRUE(both.established());
    for (io::TlsEngine* each : {&both.server, &both.client}) {
        ASSERT_FALSE(both.server.write(as_bytes("before ")));
        ASSERT_EQ(wolfSSL_update_keys(each->native()), WOLFSSL_SUCCESS);
        ASSERT_FALSE(both.server.write(as_bytes("after ")));
        ASSERT_FALSE(both.client.write(as_bytes("and back ")));
        both.run();
    }
    EXPECT_EQ(both.heard_by_client(), "before after before after ");
    EXPECT_EQ(both.heard_by_server(), "and back and back ");
    EXPECT_FALSE(both.client_failure);
    EXPECT_FALSE(both.server_failure);
}

} // namespace
} // namespace culex::testing
