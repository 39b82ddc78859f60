#include <culex/endpoint.hpp>

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace culex {
namespace {

using namespace std::string_literals;

TEST(Endpoint, is_read_from_every_form_of_url) {
    struct Row {
        std::string_view url;
        Endpoint expected;
        std::string_view printed;
    };
    const std::vector<Row> table{
        {"mqtt://localhost", {Transport::tcp, "localhost", 1883}, "mqtt://localhost:1883"},
        {"mqtt://localhost/", {Transport::tcp, "localhost", 1883}, "mqtt://localhost:1883"},
        {"tcp://h:1", {Transport::tcp, "h", 1}, "mqtt://h:1"},
        {"h", {Transport::tcp, "h", 1883}, "mqtt://h:1883"},
        {"h:65535", {Transport::tcp, "h", 65535}, "mqtt://h:65535"},
        {"192.0.2.1:01883", {Transport::tcp, "192.0.2.1", 1883}, "mqtt://192.0.2.1:1883"},
        {"mqtts://h", {Transport::tls, "h", 8883}, "mqtts://h:8883"},
        {"ssl://h", {Transport::tls, "h", 8883}, "mqtts://h:8883"},
        {"TLS://H.example.", {Transport::tls, "H.example.", 8883}, "mqtts://H.example.:8883"},
        {"ws://h", {Transport::ws, "h", 80, "/mqtt"}, "ws://h:80/mqtt"},
        {"ws://h/", {Transport::ws, "h", 80, "/"}, "ws://h:80/"},
        {"ws://h:8080/a/b@c?d=e:f", {Transport::ws, "h", 8080, "/a/b@c?d=e:f"}, "ws://h:8080/a/b@c?d=e:f"},
        {"wss://h?token=1", {Transport::wss, "h", 443, "/mqtt?token=1"}, "wss://h:443/mqtt?token=1"},
        {"[::1]", {Transport::tcp, "::1", 1883}, "mqtt://[::1]:1883"},
        {"mqtt://[::1]:1884", {Transport::tcp, "::1", 1884}, "mqtt://[::1]:1884"},
        {"wss://[2001:DB8::1]/x", {Transport::wss, "2001:DB8::1", 443, "/x"}, "wss://[2001:DB8::1]:443/x"},
        {"[fe80::1%eth0]", {Transport::tcp, "fe80::1%eth0", 1883}, "mqtt://[fe80::1%25eth0]:1883"},
        {"[fe80::1%25eth0]:1", {Transport::tcp, "fe80::1%eth0", 1}, "mqtt://[fe80::1%25eth0]:1"},
        {"unix:///run/mqtt.sock", {Transport::unix_socket, "", 0, "/run/mqtt.sock"}, "unix:///run/mqtt.sock"},
        {"unix:///a b/@%20#?x", {Transport::unix_socket, "", 0, "/a b/@%20#?x"}, "unix:///a b/@%20#?x"},
        {"mqtt://b\xC3\xBC"
         "cher.example",
         {Transport::tcp,
          "b\xC3\xBC"
          "cher.example",
          1883},
         "mqtt://b\xC3\xBC"
         "cher.example:1883"},
        {"my_broker-1", {Transport::tcp, "my_broker-1", 1883}, "mqtt://my_broker-1:1883"},
    };
    for (const Row& row : table) {
        const Result<Endpoint> endpoint = Endpoint::parse(row.url);
        ASSERT_TRUE(endpoint) << row.url << ": " << endpoint.failure().message();
        EXPECT_TRUE(*endpoint == row.expected) << row.url << " became " << endpoint->to_string();
        EXPECT_EQ(endpoint->to_string(), row.printed);
        const Result<Endpoint> again = Endpoint::parse(endpoint->to_string());
        ASSERT_TRUE(again) << endpoint->to_string();
        EXPECT_TRUE(*again == *endpoint) << again->to_string();
    }
}

TEST(Endpoint, is_refused_with_what_is_wrong) {
    struct Row {
        std::string url;
        std::string_view detail; ///< a part of it
    };
    const std::vector<Row> table{
        {"", "the host is empty"},
        {"mqtt://", "the host is empty"},
        {"mqtt://:1883", "the host is empty"},
        {"mqtt:///x", "the host is empty"},
        {":1883", "the host is empty"},
        {"http://h", R"(the scheme "http" is unknown; known are mqtt,)"},
        {"://h", R"(the scheme "" is unknown)"},
        {"mqtt:// h", R"(the host " h" contains " ")"},
        {"h\r\nx", R"(contains "\r")"},
        {"h\0"s, R"(the host "h\x00" contains "\x00")"},
        {"h\xFF", "is not UTF-8"},
        {"mqtt:\\\\h", R"(the port "\\\\h" is no number)"},
        {"a%20b", R"(contains "%")"},
        {std::string(254, 'h'), "longer than 253 bytes"},
        {"h:", "there is no port after ':'"},
        {"h:0", R"(the port "0" is not within 1 to 65535)"},
        {"h:65536", R"(the port "65536" is not within 1 to 65535)"},
        {"h:18446744073709551617", "is not within 1 to 65535"},
        {"h:-1", R"(the port "-1" is no number)"},
        {"h:+1", R"(the port "+1" is no number)"},
        {"h:1883x", R"(the port "1883x" is no number)"},
        {"h: 1", R"(the port " 1" is no number)"},
        {"mqtt:h", R"(the port "h" is no number)"},
        {"::1", "an IPv6 address stands in brackets"},
        {"mqtt://fe80::1:1883", "an IPv6 address stands in brackets"},
        {"[::1", "there is no ']' after '['"},
        {"[::1]1883", R"(there is "1883" after ']')"},
        {"[::1]]:1", R"(there is "]:1" after ']')"},
        {"[::1]:", "there is no port after ':'"},
        {"[]", R"("" is no IPv6 address)"},
        {"[h]", R"("h" is no IPv6 address)"},
        {"[192.0.2.1]", R"("192.0.2.1" is no IPv6 address)"},
        {"[::1%]", R"("" is no zone)"},
        {"[::1%" + std::string(16, 'e') + "]", "the zone is longer than 15 bytes"},
        {"[::1%a/b]", "there is no ']' after '['"},
        {"[::1%a b]", R"("a b" is no zone)"},
        {"mqtt://h/path", R"(mqtt:// takes no path, here "/path")"},
        {"mqtts://h?x", R"(mqtts:// takes no path, here "?x")"},
        {"ws://h/x#y", "there is a fragment"},
        {"ws://h/a b", "percent-encoded"},
        {"ws://h/a\r\nHost: x", "percent-encoded"},
        {"ws://h/\xC3\xBC", "percent-encoded"},
        {"unix://", "unix:// takes an absolute path"},
        {"unix:///", "unix:// takes an absolute path"},
        {"unix://run/mqtt.sock", "unix:// takes an absolute path"},
        {"unix:///a\0b"s, "U+0000"},
    };
    for (const Row& row : table) {
        const Result<Endpoint> endpoint = Endpoint::parse(row.url);
        ASSERT_FALSE(endpoint) << row.url << " became " << endpoint->to_string();
        EXPECT_TRUE(endpoint.failure() == Errc::invalid_argument);
        EXPECT_NE(endpoint.failure().detail().find(row.detail), std::string::npos) << endpoint.failure().detail();
    }
    EXPECT_EQ(Endpoint::parse("mqtt://h:99999").failure().message(),
              R"(invalid argument: broker URL "mqtt://h:99999": the port "99999" is not within 1 to 65535)");
}

TEST(Endpoint, never_repeats_what_may_be_a_password) {
    for (const char* url :
         {"mqtt://user:secret@h", "mqtt://secret@h:1883", "user:secret@h", "mqtt://user:secret:x@h",
          "mqtt://user:se/secret@h", "user:secret://x@h", "ws://user:secret@h/x", "ws://user:[secret@h"}) {
        const Result<Endpoint> endpoint = Endpoint::parse(url);
        ASSERT_FALSE(endpoint) << url;
        EXPECT_EQ(endpoint.failure().detail().find("secret"), std::string::npos) << endpoint.failure().detail();
        EXPECT_NE(endpoint.failure().detail().find("ClientOptions::user_name and password"), std::string::npos) << url;
    }
}

TEST(Endpoint, knows_an_ipv6_address) {
    for (const char* address : {"::", "::1", "1::", "1:2:3:4:5:6:7:8", "1::8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8",
                                "abcd:EF01::", "::ffff:192.0.2.1", "1:2:3:4:5:6:255.255.255.255", "64:ff9b::1.2.3.4"}) {
        EXPECT_TRUE(Endpoint::parse("["s + address + "]")) << address;
    }
    for (const char* address : {":",
                                ":::",
                                "1",
                                "1:2",
                                ":1",
                                "1:",
                                "1:::2",
                                "1::2::3",
                                "1:2:3:4:5:6:7",
                                "1:2:3:4:5:6:7:8:9",
                                "1:2:3:4:5:6:7:8::",
                                "::1:2:3:4:5:6:7:8",
                                "12345::",
                                "g::",
                                "::1.2.3",
                                "::1.2.3.4.5",
                                "::1.2.3.256",
                                "::1..3.4",
                                "1.2.3.4::",
                                "::1.2.3.4:5",
                                "1:2:3:4:5:6:7:1.2.3.4",
                                "::1.2.3.4444"}) {
        EXPECT_FALSE(Endpoint::parse("["s + address + "]")) << address;
    }
}

TEST(Endpoint, is_compared_by_all_its_parts) {
    const Endpoint endpoint{Transport::ws, "h", 80, "/x"};
    EXPECT_TRUE(endpoint == Endpoint(Transport::ws, "h", 80, "/x"));
    EXPECT_FALSE(endpoint == Endpoint(Transport::wss, "h", 80, "/x"));
    EXPECT_FALSE(endpoint == Endpoint(Transport::ws, "g", 80, "/x"));
    EXPECT_FALSE(endpoint == Endpoint(Transport::ws, "h", 81, "/x"));
    EXPECT_FALSE(endpoint == Endpoint(Transport::ws, "h", 80, "/y"));
    EXPECT_EQ(endpoint.transport(), Transport::ws);
    EXPECT_EQ(endpoint.host(), "h");
    EXPECT_EQ(endpoint.port(), 80);
    EXPECT_EQ(endpoint.path(), "/x");
    EXPECT_EQ(Endpoint{}.port(), 1883);
}

} // namespace
} // namespace culex
