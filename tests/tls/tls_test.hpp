#pragma once
// What the tests of TLS share: certificates, and both ends of a connection without a network.

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <culex/testing/pipe.hpp>
#include <culex/testing/tls_server.hpp>
#include <culex/testing/virtual_runtime.hpp>
#include <culex/tls.hpp>

#include "io/tls_context.hpp"
#include "io/tls_engine.hpp"
#include "io/tls_pem.hpp"

namespace culex::testing {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// A file that tests/support/make_certificates.sh has made.
inline std::string certificate(const std::string& name) { return CULEX_CERTIFICATES "/" + name; }
inline std::string text_of(const std::string& name) { return io::read_file(certificate(name)).value(); }

inline io::TlsServerSettings server_with(const std::string& name) {
    return {.certificate = text_of(name + ".pem"), .key = text_of(name + ".key")};
}

/// Both ends, joined by their outputs. What a test says to one goes, by `run`, to the other and back until both are silent.
class Engines {
public:
    /// Throws where a configuration cannot be made.
    Engines(std::shared_ptr<const io::TlsConfig> client_config, std::shared_ptr<const io::TlsConfig> server_config,
            const std::string& host = "localhost", std::uint16_t port = 8883)
        : client(std::move(client_config), host, port), server(std::move(server_config), "", 0) {
        server_failure = server.begin();
        client_failure = client.begin();
    }

    /// With this many bytes at a time; 0 = all that there are.
    void run(std::size_t piece = 0) {
        while (!client.output().empty() || !server.output().empty()) {
            pass(client, server, server_failure, to_server, piece);
            pass(server, client, client_failure, to_client, piece);
        }
    }
    /// A server that has failed closes the connection, not always with an alert before.
    void close() {
        if (server_failure && !client.established() && !client_failure)
            client_failure = client.cut_off(Failure(Errc::end_of_stream));
    }
    [[nodiscard]] bool established() const { return client.established() && server.established(); }
    [[nodiscard]] std::string heard_by_client() const { return std::string(as_text(to_client.bytes())); }
    [[nodiscard]] std::string heard_by_server() const { return std::string(as_text(to_server.bytes())); }

    io::TlsEngine client;
    io::TlsEngine server;
    Failure client_failure;
    Failure server_failure;
    Buffer to_client; // plain text
    Buffer to_server;

private:
    static void pass(io::TlsEngine& from, io::TlsEngine& to, Failure& failure, Buffer& plain, std::size_t piece) {
        Buffer output;
        output.swap(from.output());
        while (!output.empty()) {
            const std::size_t count = piece == 0 ? output.size() : std::min(piece, output.size());
            if (!failure) failure = to.handle_input(output.bytes().first(count), plain);
            output.consume(count);
        }
    }
};

class TlsTest : public ::testing::Test {
protected:
    [[nodiscard]] std::shared_ptr<const io::TlsConfig> client(TlsOptions options = {}) {
        if (options.ca_file.empty() && options.ca.empty() && options.ca_directory.empty()) options.ca_file = ca_file;
        return io::TlsConfig::client(io::TlsClientSettings(options), client_counters).value();
    }
    [[nodiscard]] std::shared_ptr<const io::TlsConfig> server(const io::TlsServerSettings& settings) {
        return io::TlsConfig::server(settings, server_counters).value();
    }
    [[nodiscard]] std::shared_ptr<const io::TlsConfig> server(const std::string& name = "server") {
        return server(server_with(name));
    }

    const std::string ca_file = certificate("ca.pem");
    const std::shared_ptr<io::TlsCounters> client_counters = std::make_shared<io::TlsCounters>();
    const std::shared_ptr<io::TlsCounters> server_counters = std::make_shared<io::TlsCounters>();
};

constexpr TlsVersion v1_2 = TlsVersion::v1_2;
constexpr TlsVersion v1_3 = TlsVersion::v1_3;

/// Each at TLS 1.2 and 1.3.
class EachVersion : public TlsTest, public ::testing::WithParamInterface<TlsVersion> {
protected:
    [[nodiscard]] TlsOptions at_version(TlsOptions options = {}) const {
        options.min_version = options.max_version = GetParam();
        return options;
    }
    /// Expects that it succeeds, and that data passes both ways.
    static void expect_success(Engines& both) {
        both.run();
        ASSERT_TRUE(both.established()) << both.client_failure.message() << " / " << both.server_failure.message();
        EXPECT_FALSE(both.client.write(as_bytes("to the server")));
        EXPECT_FALSE(both.server.write(as_bytes("to the client")));
        both.run();
        EXPECT_EQ(both.heard_by_server(), "to the server");
        EXPECT_EQ(both.heard_by_client(), "to the client");
    }
    /// Expects that the client fails; gives what it says.
    static std::string client_says(Engines& both) {
        both.run();
        both.close();
        EXPECT_TRUE(both.client_failure == Errc::tls_failed) << both.client_failure.message();
        EXPECT_EQ(both.client_failure.phase(), Phase::tls);
        return both.client_failure.detail();
    }
};
inline const auto both_versions = ::testing::Values(v1_2, v1_3);
inline const auto name_of_version = [](const ::testing::TestParamInfo<TlsVersion>& of) {
    return of.param == v1_3 ? "v1_3" : "v1_2";
};

} // namespace culex::testing
