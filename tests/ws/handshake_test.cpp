// The upgrade as text: what is asked, and which answers are taken.
#include "io/ws_handshake.hpp"
#include "ws/ws_test.hpp"

namespace culex::io {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* rfc_key = "dGhlIHNhbXBsZSBub25jZQ=="; // of RFC 6455, section 1.3

Endpoint at(std::string_view url) { return Endpoint::parse(url).value(); }

TEST(WsHandshake, accepts_with_the_example_of_the_rfc) {
    EXPECT_EQ(ws_accept_of(rfc_key), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(WsHandshake, asks_for_mqtt_at_the_endpoints_path) { // [MQTT-6.0.0-3]
    EXPECT_EQ(ws_request(at("ws://broker.example:8080/mqtt?a=b"), rfc_key).value(),
              "GET /mqtt?a=b HTTP/1.1\r\n"
              "Host: broker.example:8080\r\n"
              "Upgrade: websocket\r\n"
              "Connection: Upgrade\r\n"
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
              "Sec-WebSocket-Version: 13\r\n"
              "Sec-WebSocket-Protocol: mqtt\r\n"
              "\r\n");
}

TEST(WsHandshake, names_the_host_as_http_does) {
    const auto request = [](const Endpoint& endpoint) { return ws_request(endpoint, rfc_key).value(); };
    EXPECT_THAT(request(at("ws://h")), HasSubstr("\r\nHost: h\r\n"));
    EXPECT_THAT(request(at("ws://h:443")), HasSubstr("\r\nHost: h:443\r\n"));
    EXPECT_THAT(request(at("wss://h")), HasSubstr("\r\nHost: h\r\n"));
    EXPECT_THAT(request(at("wss://h:80")), HasSubstr("\r\nHost: h:80\r\n"));
    EXPECT_THAT(request(at("ws://[::1]:9001")), HasSubstr("\r\nHost: [::1]:9001\r\n"));
    EXPECT_THAT(request(at("ws://[fe80::1%eth0]")), HasSubstr("\r\nHost: [fe80::1]\r\n"));
    EXPECT_THAT(request(at("ws://h")), StartsWith("GET /mqtt HTTP/1.1\r\n"));
    EXPECT_THAT(request(Endpoint(Transport::ws, "h", 80)), StartsWith("GET /mqtt HTTP/1.1\r\n"));
}

TEST(WsHandshake, has_the_headers_that_it_is_given) {
    const HttpHeader headers[] = {{"Authorization", "Bearer secret"}, {"X-Tenant", "7"}};
    EXPECT_THAT(ws_request(at("ws://h"), rfc_key, headers).value(),
                HasSubstr("\r\nAuthorization: Bearer secret\r\nX-Tenant: 7\r\n\r\n"));
}

TEST(WsHandshake, refuses_what_would_break_the_request) {
    for (const HttpHeader& header :
         {HttpHeader{"", "x"}, HttpHeader{"A B", "x"}, HttpHeader{"A:", "x"}, HttpHeader{"A", "x\r\nB: y"},
          HttpHeader{"A", std::string_view("x\0", 2)}, HttpHeader{"host", "x"}, HttpHeader{"Upgrade", "x"},
          HttpHeader{"connection", "x"}, HttpHeader{"sec-websocket-protocol", "mqttv3.1"}}) {
        const auto refused = ws_request(at("ws://h"), rfc_key, std::span(&header, 1));
        EXPECT_TRUE(refused.failure() == Errc::invalid_argument) << header.name;
        EXPECT_THAT(refused.failure().detail(), AllOf(StartsWith("websocket_headers: "), Not(HasSubstr("B: y"))));
    }
    for (const char* path : {"mqtt", "/a b", "/a\r\nB: c", "/\x7F"})
        EXPECT_TRUE(ws_request(Endpoint(Transport::ws, "h", 80, path), rfc_key).failure() == Errc::invalid_argument);
    EXPECT_TRUE(ws_request(Endpoint(Transport::ws, "h\r\nB: c", 80), rfc_key).failure() == Errc::invalid_argument);
}

TEST(WsHandshake, keys_are_random_and_of_16_bytes) {
    const std::string one = ws_random_key();
    EXPECT_EQ(one.size(), 24u);
    EXPECT_NE(one, ws_random_key());
}

// --- answers

const std::string accept_line = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
const std::string protocol_line = "Sec-WebSocket-Protocol: mqtt\r\n";
const std::string upgrade_lines = "Upgrade: websocket\r\nConnection: Upgrade\r\n";

Failure answer(const std::string& status_line, const std::string& headers) {
    return check_ws_response(status_line + "\r\n" + headers + "\r\n", rfc_key);
}
Failure switching(const std::string& headers) { return answer("HTTP/1.1 101 Switching Protocols", headers); }

TEST(WsAnswer, is_taken_in_any_case_and_order) {
    EXPECT_FALSE(switching(upgrade_lines + accept_line + protocol_line));
    EXPECT_FALSE(switching("SEC-WEBSOCKET-PROTOCOL:mqtt \r\nserver: x\r\nconnection: keep-alive, UPGRADE\r\n" +
                           accept_line + "upgrade:\tWebSocket\r\nEmpty:\r\n"));
    EXPECT_FALSE(answer("HTTP/1.1 101", upgrade_lines + accept_line + protocol_line));
}

TEST(WsAnswer, that_is_no_upgrade_is_refused_with_its_status) {
    const auto refused = [](const std::string& line, const std::string& headers = {}) {
        const Failure failure = answer(line, headers);
        EXPECT_TRUE(failure == Errc::websocket_failed);
        return failure.detail();
    };
    EXPECT_EQ(refused("HTTP/1.1 403 Forbidden"), "the broker answered 403 Forbidden");
    EXPECT_EQ(refused("HTTP/1.1 200 OK", upgrade_lines + accept_line + protocol_line), "the broker answered 200 OK");
    EXPECT_EQ(refused("HTTP/1.1 404"), "the broker answered 404");
    EXPECT_EQ(refused("HTTP/1.1 301 Moved Permanently", "Location: wss://elsewhere/mqtt\r\n"),
              "the broker answered 301 Moved Permanently, and points to wss://elsewhere/mqtt");
    EXPECT_THAT(refused("HTTP/1.1 403 a\x1b[31mb"), Not(HasSubstr("\x1b")));
    for (const char* line : {"HTTP/1.0 101 Switching Protocols", "HTTP/1.1 10 x", "HTTP/1.1 1011", "HTTP/2 101", "",
                             "SSH-2.0-OpenSSH_9.2", " HTTP/1.1 101 x"})
        EXPECT_THAT(refused(line), HasSubstr("is no HTTP/1.1")) << line;
}

TEST(WsAnswer, that_lacks_something_is_refused_and_the_failure_says_what) {
    const auto refused = [](const std::string& headers) {
        const Failure failure = switching(headers);
        EXPECT_TRUE(failure == Errc::websocket_failed);
        return failure.detail();
    };
    EXPECT_THAT(refused("Connection: Upgrade\r\n" + accept_line + protocol_line),
                HasSubstr("something else than websocket"));
    EXPECT_THAT(refused("Upgrade: h2c\r\nConnection: Upgrade\r\n" + accept_line + protocol_line),
                HasSubstr("something else than websocket"));
    EXPECT_THAT(refused("Upgrade: websocket\r\nConnection: close\r\n" + accept_line + protocol_line),
                HasSubstr("no 'Connection: upgrade'"));
    EXPECT_THAT(refused(upgrade_lines + protocol_line), HasSubstr("Sec-WebSocket-Accept does not fit"));
    EXPECT_THAT(refused(upgrade_lines + "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" + protocol_line),
                HasSubstr("Sec-WebSocket-Accept does not fit")); // the case counts here
    EXPECT_THAT(refused(upgrade_lines + accept_line + accept_line + protocol_line), HasSubstr("does not fit"));
    EXPECT_THAT(
        refused(upgrade_lines + accept_line + protocol_line + "Sec-WebSocket-Extensions: permessage-deflate\r\n"),
        HasSubstr("the extension \"permessage-deflate\", which was not asked for"));
    EXPECT_THAT(refused(upgrade_lines + accept_line + protocol_line + "no header\r\n"),
                HasSubstr("is no header of HTTP"));
    EXPECT_THAT(refused(upgrade_lines + accept_line + protocol_line + " folded: x\r\n"),
                HasSubstr("is no header of HTTP"));
}

TEST(WsAnswer, with_another_sub_protocol_or_none_is_refused) { // [MQTT-6.0.0-4]
    EXPECT_EQ(switching(upgrade_lines + accept_line).detail(), "the answer chooses no sub-protocol, not mqtt");
    for (const char* other : {"mqttv3.1", "MQTT", "mqtt, mqttv3.1", "chat", ""}) {
        const Failure failure = switching(upgrade_lines + accept_line + "Sec-WebSocket-Protocol: " + other + "\r\n");
        EXPECT_TRUE(failure == Errc::websocket_failed);
        EXPECT_EQ(failure.detail(), std::string("the answer chooses the sub-protocol \"") + other + "\", not mqtt");
    }
    EXPECT_TRUE(switching(upgrade_lines + accept_line + protocol_line + protocol_line) == Errc::websocket_failed);
}

TEST(WsAnswer, ends_at_the_empty_line) {
    EXPECT_FALSE(HttpHead::size_in("HTTP/1.1 101 x\r\nA: b\r\n"));
    EXPECT_EQ(HttpHead::size_in("HTTP/1.1 101 x\r\n\r\nrest"), 18u);
}

} // namespace
} // namespace culex::io
