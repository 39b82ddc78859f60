// How a WebSocket is opened, and how not: both ends of the upgrade.
#include "ws/stream_fixture.hpp"

namespace culex::testing {
namespace {

class WsOpeningTest : public WsStreamTest {};

TEST_F(WsOpeningTest, an_answer_that_is_wrong_is_a_failure_of_its_phase) {
    struct Case {
        WebSocketServerOptions server;
        const char* says;
    };
    const Case cases[] = {{{.status = "403 Forbidden"}, "the broker answered 403 Forbidden"},
                          {{.path = "/other"}, "the broker answered 404 Not Found"},
                          {{.demanded_header = "Authorization: x"}, "the broker answered 401 Unauthorized"},
                          {{.wrong_accept = true}, "Sec-WebSocket-Accept does not fit"},
                          {{.sub_protocol = ""}, "chooses no sub-protocol"},
                          {{.sub_protocol = "mqttv3.1"}, "chooses the sub-protocol \"mqttv3.1\", not mqtt"},
                          {{.more_headers = "Sec-WebSocket-Extensions: x\r\n"}, "the extension \"x\""}};
    for (const Case& each : cases) {
        far.reset();
        far_ear = {};
        listener.reset();
        connect(each.server);
        ASSERT_EQ(opener->calls, 1);
        EXPECT_TRUE(opener->failure == Errc::websocket_failed) << opener->failure.message();
        EXPECT_EQ(opener->failure.phase(), Phase::websocket);
        EXPECT_EQ(opener->failure.address(), "ws://broker:80/mqtt");
        EXPECT_THAT(opener->failure.detail(), HasSubstr(each.says));
        EXPECT_TRUE(far_ear.end) << "the connection is closed";
    }
    EXPECT_THAT(opener->failure.message(),
                StartsWith("WebSocket handshake with ws://broker:80/mqtt: WebSocket failed: "));
}

TEST_F(WsOpeningTest, an_answer_without_end_is_cut_off) {
    open();
    write_text(*far, "HTTP/1.1 101 Switching Protocols\r\nX: " + std::string(100'000, 'x'));
    runtime.run_until_idle();
    EXPECT_TRUE(opener->failure == Errc::websocket_failed) << opener->failure.message();
    EXPECT_THAT(opener->failure.detail(), HasSubstr("too long"));
    EXPECT_TRUE(far_ear.end);
}

TEST_F(WsOpeningTest, a_peer_that_closes_instead_of_answering_is_told) {
    open();
    write_text(*far, "HTTP/1.1 101 Swit");
    far->shutdown();
    runtime.run_until_idle();
    EXPECT_TRUE(opener->failure == Errc::websocket_failed) << opener->failure.message();
    EXPECT_THAT(opener->failure.detail(), HasSubstr("in the middle of the handshake"));
    EXPECT_EQ(opener->failure.phase(), Phase::websocket);
}

TEST_F(WsOpeningTest, an_opening_may_be_dropped_at_any_moment) {
    server.emplace();
    runtime.set_chunk_size(20);
    for (int steps = 0; steps < 40; ++steps) {
        far.reset();
        far_ear = {};
        listener.reset();
        opener.emplace();
        listener = runtime.listen(Endpoint(Transport::tcp, "broker", 80), *this).value();
        opening = runtime.open(Endpoint::parse("ws://broker").value(), {}, *opener);
        for (int i = 0; i < steps; ++i) runtime.step();
        const int calls = opener->calls;
        opening.reset();
        runtime.run_until_idle();
        EXPECT_EQ(opener->calls, calls);
        opener->stream.reset();
        runtime.run_until_idle();
    }
}

TEST_F(WsOpeningTest, headers_of_the_options_are_sent) {
    server.emplace(WebSocketServerOptions{.demanded_header = "Authorization: Bearer secret"});
    const HttpHeader headers[] = {{"Authorization", "Bearer secret"}};
    open({.websocket_headers = headers});
    EXPECT_TRUE(opener->stream) << opener->failure.message();
    listener.reset();
    const HttpHeader bad[] = {{"Host", "elsewhere"}};
    open({.websocket_headers = bad});
    EXPECT_TRUE(opener->failure == Errc::invalid_argument) << opener->failure.message();
}

// --- the server that the component has

TEST_F(WsOpeningTest, a_server_answers_a_request_that_is_none_with_its_status) {
    const std::string good = io::ws_request(Endpoint(Transport::ws, "h", 80), "dGhlIHNhbXBsZSBub25jZQ==").value();
    struct Case {
        std::string_view part, in_its_place, status;
    };
    const Case cases[] = {{"", "", "101 Switching Protocols"},
                          {"GET ", "PUT ", "400 Bad Request"},
                          {"HTTP/1.1", "HTTP/1.0", "400 Bad Request"},
                          {"Host: ", "Guest: ", "400 Bad Request"},
                          {"Upgrade: websocket", "Upgrade: h2c", "426 Upgrade Required"},
                          {"Connection: Upgrade", "Connection: close", "426 Upgrade Required"},
                          {"Version: 13", "Version: 8", "426 Upgrade Required"},
                          {"dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=", "400 Bad Request"},
                          {"Protocol: mqtt", "Protocol: chat", "400 Bad Request"},
                          {good, "nonsense\r\n\r\n", "400 Bad Request"}};
    for (const Case& each : cases) {
        SCOPED_TRACE(each.in_its_place);
        std::string request = good;
        ASSERT_NE(request.find(each.part), request.npos) << request;
        request.replace(request.find(each.part), each.part.size(), each.in_its_place);
        near_ear = {};
        far_ear = {};
        auto [client, inner] = make_pipe(runtime);
        far = WebSocketServer()(runtime, std::move(inner));
        far->start(far_ear);
        client->start(near_ear);
        write_text(*client, request);
        runtime.run_until_idle();
        EXPECT_THAT(near_ear.heard, StartsWith("HTTP/1.1 " + std::string(each.status) + "\r\n"));
        if (each.status.starts_with("101")) {
            EXPECT_FALSE(far_ear.end) << far_ear.end.message();
            continue;
        }
        EXPECT_TRUE(near_ear.end == Errc::end_of_stream);
        EXPECT_TRUE(far_ear.end == Errc::websocket_failed);
        EXPECT_THAT(far_ear.end.detail(), HasSubstr(each.status));
    }
}

} // namespace
} // namespace culex::testing
