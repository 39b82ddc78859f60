// What a build without TLS says when it is asked for TLS. (Compiled with CULEX_TLS=OFF alone.)
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <culex/culex.hpp>
#include <culex/testing/tls_server.hpp>

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

Task<> connect(AsyncClient& client) { co_await client.connect("mqtts://localhost"); }

TEST(WithoutTls, so_is_a_connection) {
    Loop loop;
    AsyncClient client(loop);
    const Failure failure = failure_of([&] { loop.run(connect(client)); });
    EXPECT_TRUE(failure == Errc::not_supported) << failure.message();
    EXPECT_EQ(failure.address(), "mqtts://localhost:8883");
    EXPECT_THAT(failure.detail(), HasSubstr("CULEX_TLS=OFF"));
}

} // namespace
} // namespace culex
