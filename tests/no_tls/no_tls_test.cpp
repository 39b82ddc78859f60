// What a build without TLS says when it is asked for TLS, or for what needs its primitives. (Compiled with CULEX_TLS=OFF alone.)
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <culex/culex.hpp>
#include <culex/testing/tls_server.hpp>
#include <culex/testing/websocket_server.hpp>

namespace culex {
namespace {

using ::testing::HasSubstr;

Failure failure_of(auto&& function) {
    try {
        function();
    } catch (const Error& error) {
        return error.failure();
    }
    return Failure();
}

TEST(WithoutTls, a_context_is_refused_in_so_many_words) {
    for (const Failure& failure :
         {failure_of([] { const TlsContext context; }), failure_of([] { const testing::TlsServer server({}); })}) {
        EXPECT_TRUE(failure == Errc::not_supported) << failure.message();
        EXPECT_THAT(failure.detail(), HasSubstr("CULEX_TLS=OFF"));
    }
}

TEST(WithoutTls, scram_is_refused_in_so_many_words) {
    const Failure failure = failure_of([] { const ScramSha256 scram({.user_name = "user", .password = "pencil"}); });
    EXPECT_TRUE(failure == Errc::not_supported) << failure.message();
    EXPECT_THAT(failure.detail(), HasSubstr("CULEX_TLS=OFF"));
}

TEST(WithoutTls, a_server_of_websocket_is_refused_in_so_many_words) {
    const Failure failure = failure_of([] { const testing::WebSocketServer server; });
    EXPECT_TRUE(failure == Errc::not_supported) << failure.message();
    EXPECT_THAT(failure.detail(), HasSubstr("CULEX_TLS=OFF"));
}

Task<> connect(AsyncClient& client, std::string url) { co_await client.connect(url); }

TEST(WithoutTls, so_is_a_connection) {
    Loop loop;
    AsyncClient client(loop);
    for (const char* url : {"mqtts://localhost:8883", "ws://localhost:80/mqtt", "wss://localhost:443/mqtt"}) {
        const Failure failure = failure_of([&] { loop.run(connect(client, url)); });
        EXPECT_TRUE(failure == Errc::not_supported) << failure.message();
        EXPECT_EQ(failure.address(), url);
        EXPECT_THAT(failure.detail(), HasSubstr("CULEX_TLS=OFF"));
    }
}

} // namespace
} // namespace culex
