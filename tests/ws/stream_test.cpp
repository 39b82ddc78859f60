// WebSocket as a stream, once it is open.
#include <set>

#include "ws/stream_fixture.hpp"

namespace culex::testing {
namespace {

TEST_F(WsStreamTest, carries_bytes_both_ways) {
    connect();
    write_text(*near, "to the server");
    write_text(*far, "to the client");
    runtime.run_until_idle();
    EXPECT_EQ(far_ear.heard, "to the server");
    EXPECT_EQ(near_ear.heard, "to the client");
    EXPECT_EQ(near->peer(), "broker:80");
}

TEST_F(WsStreamTest, writes_one_masked_binary_frame_for_each_write) { // [MQTT-6.0.0-1], [MQTT-6.0.0-2]
    connect_raw();
    write_text(*near, "two packets, say");
    write_text(*near, "and one");
    runtime.run_until_idle();
    EXPECT_THAT(frames(), ElementsAre("2:two packets, say", "2:and one")); // the reader takes masked frames alone
    EXPECT_THAT(far_ear.heard, StartsWith(unhex("82 90")));
}

TEST_F(WsStreamTest, masks_each_frame_anew) {
    connect_raw();
    for (int i = 0; i < 600; ++i) write_text(*near, std::string(4, '\0')); // which shows the mask
    runtime.run_until_idle();
    std::set<std::string> masks;
    ASSERT_EQ(far_ear.heard.size(), 6000u);
    for (std::size_t i = 0; i < 6000; i += 10) masks.insert(far_ear.heard.substr(i + 2, 4));
    EXPECT_GT(masks.size(), 590u); // two may be the same by chance
}

TEST_F(WsStreamTest, a_large_write_arrives_whole_through_a_narrow_pipe) {
    runtime.set_capacity(1000);
    runtime.set_chunk_size(700);
    connect();
    std::string text;
    for (int i = 0; text.size() < 1'000'000; ++i) text += std::to_string(i);
    write_text(*near, text);
    EXPECT_GT(near->backlog(), 998'000u);
    EXPECT_EQ(near_ear.drains, 0);
    runtime.run_until_idle();
    EXPECT_TRUE(far_ear.heard == text);
    EXPECT_EQ(near->backlog(), 0u);
    EXPECT_EQ(near_ear.drains, 1);
    EXPECT_GT(far_ear.reads, 1000); // handed on as it comes, not gathered
}

TEST_F(WsStreamTest, byte_by_byte) {
    runtime.set_chunk_size(1);
    connect();
    write_text(*near, "slow");
    write_text(*far, "and slow again");
    runtime.run_until_idle();
    EXPECT_EQ(far_ear.heard, "slow");
    EXPECT_EQ(near_ear.heard, "and slow again");
}

TEST_F(WsStreamTest, takes_frames_of_one_byte_fragments_and_pings_between_them) { // [MQTT-6.0.0-2]
    for (const bool fragments : {false, true}) {
        for (const std::size_t chunk : {std::size_t{1}, std::size_t{5}, std::size_t{65'536}}) {
            near.reset();
            far.reset();
            near_ear = {};
            far_ear = {};
            listener.reset();
            runtime.set_chunk_size(chunk);
            connect({.frame_size = 1, .fragments = fragments, .pings = true});
            write_text(*far, "several frames, one message");
            write_text(*far, "; another");
            runtime.run_until_idle();
            EXPECT_EQ(near_ear.heard, "several frames, one message; another");
            EXPECT_FALSE(near_ear.end) << near_ear.end.message();
            EXPECT_FALSE(far_ear.end) << far_ear.end.message(); // the pongs were legal
        }
    }
}

TEST_F(WsStreamTest, hands_the_frames_of_one_read_on_at_once) {
    connect_raw();
    say("82 01 'a' 82 00 02 01 'b' 89 00 80 02 'cd'");
    EXPECT_EQ(near_ear.heard, "abcd");
    EXPECT_EQ(near_ear.reads, 1);
}

TEST_F(WsStreamTest, takes_what_comes_together_with_the_answer) {
    connect_raw(unhex("82 05 'early' 82 7e 01"));
    EXPECT_EQ(near_ear.heard, "early");
    EXPECT_EQ(near_ear.reads, 1); // and not from inside of `start`
}

TEST_F(WsStreamTest, keeps_the_order_of_what_came_with_the_answer_and_behind_it) {
    open();
    answer(unhex("82 05 'early'"));
    runtime.run_until_idle();
    ASSERT_TRUE(opener->stream);
    write_text(*far, unhex("82 05 'later'")); // held by the transport until somebody listens
    runtime.run_until_idle();
    near = std::move(opener->stream);
    near->start(near_ear);
    runtime.run_until_idle();
    EXPECT_EQ(near_ear.heard, "earlylater");
}

TEST_F(WsStreamTest, answers_a_ping_with_its_payload) {
    connect_raw();
    say("89 05 'Hello' 8a 03 'why'");
    EXPECT_THAT(frames(), ElementsAre("10:Hello"));
    EXPECT_EQ(near_ear.heard, "");
}

TEST_F(WsStreamTest, answers_the_last_of_many_pings_and_none_while_the_peer_does_not_read) {
    connect_raw();
    say("89 01 'a' 89 01 'b' 89 01 'c'");
    EXPECT_THAT(frames(), ElementsAre("10:c"));
    runtime.set_capacity(10);
    far->set_reading(false);
    write_text(*near, std::string(100, 'x'));
    const std::size_t before = near->backlog();
    EXPECT_GT(before, 0u);
    for (int i = 0; i < 100; ++i) say("89 01 'd'");
    say("89 01 'e'");
    EXPECT_EQ(near->backlog(), before); // a flood of pings costs us nothing
    far_ear.heard.clear();
    runtime.set_capacity(100'000);
    far->set_reading(true);
    runtime.run_until_idle();
    EXPECT_THAT(frames(), ElementsAre("2:" + std::string(100, 'x'), "10:e"));
    EXPECT_EQ(near_ear.drains, 1);
}

// --- ends

TEST_F(WsStreamTest, shutdown_is_a_close_frame_with_1000_behind_the_data_and_reading_goes_on) {
    connect_raw();
    write_text(*near, "last words");
    near->shutdown();
    write_text(*near, "too late");
    runtime.run_until_idle();
    EXPECT_THAT(frames(), ElementsAre("2:last words", "8:" + unhex("03 e8")));
    EXPECT_FALSE(far_ear.end); // the server is the one to end the transport
    say("82 02 'ok' 89 00");
    EXPECT_EQ(near_ear.heard, "ok");
    EXPECT_EQ(frames().size(), 2u); // and no pong behind the close frame
    say("88 02 03 e8");
    EXPECT_TRUE(near_ear.end == Errc::end_of_stream);
    EXPECT_EQ(near_ear.end.detail(), "");
    EXPECT_TRUE(far_ear.end == Errc::end_of_stream);
}

TEST_F(WsStreamTest, a_close_of_the_peers_is_answered_and_told_behind_the_data) {
    connect_raw();
    say("82 03 'bye' 88 0c 03 e9 'going away' 82 01 'x'");
    EXPECT_EQ(near_ear.heard, "bye");
    EXPECT_TRUE(near_ear.end == Errc::end_of_stream);
    EXPECT_EQ(near_ear.end.detail(), "WebSocket close 1001: going away");
    EXPECT_THAT(frames(), ElementsAre("8:" + unhex("03 e9")));
    EXPECT_TRUE(far_ear.end == Errc::end_of_stream);
}

TEST_F(WsStreamTest, an_empty_close_is_answered_with_an_empty_one) {
    connect_raw();
    say("88 00");
    EXPECT_TRUE(near_ear.end == Errc::end_of_stream);
    EXPECT_EQ(near_ear.end.detail(), "");
    EXPECT_THAT(frames(), ElementsAre("8:"));
}

TEST_F(WsStreamTest, both_ends_may_close_at_once) {
    connect();
    near->shutdown();
    far->shutdown();
    runtime.run_until_idle();
    EXPECT_TRUE(near_ear.end == Errc::end_of_stream);
    EXPECT_TRUE(far_ear.end == Errc::end_of_stream);
    EXPECT_EQ(near_ear.end.detail(), "");
    EXPECT_EQ(far_ear.end.detail(), "");
}

TEST_F(WsStreamTest, an_end_without_a_close_frame_is_told_as_such) {
    connect_raw();
    say("82 06 'so far'");
    far.reset();
    runtime.run_until_idle();
    EXPECT_EQ(near_ear.heard, "so far");
    EXPECT_TRUE(near_ear.end == Errc::end_of_stream);
    EXPECT_EQ(near_ear.end.detail(), "without a WebSocket close frame");
}

TEST_F(WsStreamTest, a_reset_is_told_as_a_reset) {
    connect_raw();
    write_text(*near, "never read");
    far.reset();
    runtime.run_until_idle();
    EXPECT_TRUE(near_ear.end == std::errc::connection_reset) << near_ear.end.message();
}

TEST_F(WsStreamTest, a_broken_rule_is_closed_with_its_code_and_told_behind_the_data) { // M49, [MQTT-6.0.0-1]
    struct Case {
        const char* bytes;
        const char* code;
        const char* says;
    };
    for (const Case& each :
         {Case{"81 01 'x'", "03 eb", "a text frame, where MQTT has binary frames only: closed with 1003"},
          Case{"82 81 01 02 03 04 00", "03 ea", "a masked frame from the server: closed with 1002"},
          Case{"92 01 'x'", "03 ea",
               "a frame with a reserved bit, though no extension was agreed upon: closed with 1002"},
          Case{"88 01 03", "03 ea", "a close frame that breaks the rules: closed with 1002"},
          Case{"88 02 03 ed", "03 ea", "a close frame that breaks the rules: closed with 1002"}}) {
        near.reset();
        far.reset();
        near_ear = {};
        far_ear = {};
        listener.reset();
        connect_raw();
        say(std::string("82 04 'good' ") + each.bytes + " 82 01 'y'");
        EXPECT_EQ(near_ear.heard, "good");
        EXPECT_TRUE(near_ear.end == Errc::websocket_failed) << near_ear.end.message();
        EXPECT_EQ(near_ear.end.detail(), each.says);
        EXPECT_THAT(frames(), ElementsAre("8:" + unhex(each.code)));
        EXPECT_TRUE(far_ear.end == Errc::end_of_stream); // nothing more comes
    }
}

TEST_F(WsStreamTest, while_reading_is_off_nothing_is_told_and_the_peer_is_held) {
    runtime.set_capacity(1000);
    connect();
    near->set_reading(false);
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

TEST_F(WsStreamTest, a_server_keeps_what_is_written_before_the_upgrade) {
    server.emplace();
    auto [client, inner] = make_pipe(runtime);
    far = (*server)(runtime, std::move(inner));
    far->start(far_ear);
    write_text(*far, "early");
    far->shutdown();
    EXPECT_EQ(far->backlog(), 5u);
    client->start(near_ear);
    write_text(*client, io::ws_request(Endpoint(Transport::ws, "h", 80), "dGhlIHNhbXBsZSBub25jZQ==").value());
    runtime.run_until_idle();
    EXPECT_THAT(near_ear.heard, HasSubstr("\r\n\r\n" + unhex("82 05 'early' 88 02 03 e8")));
    EXPECT_EQ(far_ear.drains, 1);
}

TEST_F(WsStreamTest, a_stream_may_be_destroyed_in_each_of_its_calls) {
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
        void on_drained() override {
            Ear::on_drained();
            stream.reset();
        }
        std::unique_ptr<Stream> stream;
    };
    for (const char* bytes : {"82 03 'bye'", "82 03 'bye' 89 00 88 00", "88 00", "81 00", "82 01 'b' 82 02 'ye'"}) {
        near.reset();
        far.reset();
        far_ear = {};
        near_ear = {};
        listener.reset();
        Destroys ear;
        open();
        answer();
        runtime.run_until_idle();
        ear.stream = std::move(opener->stream);
        ear.stream->start(ear);
        say(bytes);
        EXPECT_FALSE(ear.stream) << bytes;
    }
    far.reset();
    far_ear = {};
    listener.reset();
    Destroys ear;
    open();
    answer();
    runtime.run_until_idle();
    ear.stream = std::move(opener->stream);
    ear.stream->start(ear);
    runtime.set_capacity(10);
    write_text(*ear.stream, std::string(100, 'x'));
    runtime.run_until_idle();
    EXPECT_EQ(ear.drains, 1);
}

// --- openings

} // namespace
} // namespace culex::testing
