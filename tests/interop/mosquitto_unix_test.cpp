// Culex against the real mosquitto, over a Unix domain socket.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <culex/async_client.hpp>
#include <culex/loop.hpp>
#include <culex/timeout.hpp>

#include "interop/mosquitto.hpp"

namespace culex {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

template <class T> Task<T> within_a_minute(Task<T> task) { co_return co_await with_timeout(std::move(task), 60s); }

Task<> round_trip(AsyncClient& client, std::string url) {
    co_await client.connect(url);
    auto stream = co_await client.subscribe("a/b", QoS::exactly_once);
    const std::string large(1'000'000, 'x');
    for (const QoS qos : {QoS::at_most_once, QoS::at_least_once, QoS::exactly_once}) {
        co_await client.publish("a/b", large, {.qos = qos});
        auto message = co_await stream.next();
        EXPECT_EQ(message->text(), large);
    }
    co_await client.disconnect();
}

Task<Failure> failure_of(AsyncClient& client, std::string url) {
    Failure failure;
    try {
        co_await client.connect(url);
    } catch (const Error& error) {
        failure = error.failure();
    }
    co_return failure;
}

class MosquittoUnix : public ::testing::TestWithParam<Version> {
protected:
    MosquittoUnix()
        : path_(std::filesystem::temp_directory_path() / ("culex-unix-" + std::to_string(getpid()) + ".sock")) {}
    ~MosquittoUnix() override { std::filesystem::remove(path_); }

    Failure failure_at(const std::string& path) {
        AsyncClient client(loop_, {.version = GetParam()});
        Failure failure = loop_.run(within_a_minute(failure_of(client, "unix://" + path)));
        EXPECT_EQ(failure.phase(), Phase::connect);
        EXPECT_THAT(failure.message(), HasSubstr(path));
        return failure;
    }

    const std::string path_;
    Loop loop_;
};
INSTANTIATE_TEST_SUITE_P(Versions, MosquittoUnix, ::testing::Values(Version::v3_1_1, Version::v5),
                         [](const auto& of) { return of.param == Version::v5 ? "v5" : "v3_1_1"; });

TEST_P(MosquittoUnix, messages_make_the_round_trip) {
    const Mosquitto mosquitto(Mosquitto::Access::anonymous, "listener 0 " + path_ + "\n");
    AsyncClient client(loop_, {.client_id = "unix", .version = GetParam()});
    loop_.run(within_a_minute(round_trip(client, "unix://" + path_)));
}

TEST_P(MosquittoUnix, a_socket_that_is_not_there_is_named) {
    EXPECT_TRUE(failure_at(path_) == std::errc::no_such_file_or_directory);
}

TEST_P(MosquittoUnix, a_socket_that_nobody_listens_on_any_more_refuses) {
    {
        const Mosquitto mosquitto(Mosquitto::Access::anonymous, "listener 0 " + path_ + "\n");
    } // killed: its file stays
    ASSERT_TRUE(std::filesystem::exists(path_));
    EXPECT_TRUE(failure_at(path_) == std::errc::connection_refused);
}

TEST_P(MosquittoUnix, a_file_that_is_no_socket_refuses) {
    std::ofstream(path_) << "text";
    EXPECT_TRUE(failure_at(path_) == std::errc::connection_refused);
}

TEST_P(MosquittoUnix, a_path_that_is_too_long_for_a_socket_is_told) {
    const Failure failure = failure_at("/" + std::string(120, 'x'));
    EXPECT_TRUE(failure == Errc::invalid_argument);
    EXPECT_THAT(failure.detail(), HasSubstr("too long"));
}

} // namespace
} // namespace culex
