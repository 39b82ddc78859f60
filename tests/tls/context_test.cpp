// Contexts: what they refuse, how they are changed, and who shares them.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tls/tls_test.hpp"

namespace culex::testing {
namespace {

Failure refusal(const TlsOptions& options) {
    try {
        const TlsContext context(options);
    } catch (const Error& error) {
        return error.failure();
    }
    return Failure();
}

TEST(TlsContext, without_options_the_systems_authorities_are_trusted) {
    if (!std::filesystem::exists("/etc/ssl/certs/ca-certificates.crt")) GTEST_SKIP() << "this system has none";
    EXPECT_FALSE(refusal({}));
}

/// Sets a variable of the environment while it lives.
class Environment {
public:
    Environment(const char* name, const std::string& value) : name_(name) { setenv(name, value.c_str(), 1); }
    ~Environment() { unsetenv(name_); }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;

private:
    const char* name_;
};

TEST_F(TlsTest, the_environment_may_name_the_systems_authorities) {
    const Environment set("SSL_CERT_FILE", certificate("ca.pem"));
    const auto config = io::TlsConfig::client(io::TlsClientSettings({}), client_counters).value();
    Engines good(config, server());
    good.run();
    EXPECT_TRUE(good.established()) << good.client_failure.message();
    Engines bad(config, server("unknown"), "localhost", 1);
    bad.run();
    EXPECT_THAT(bad.client_failure.detail(), HasSubstr("unknown CA"));
}

TEST_F(TlsTest, own_authorities_take_the_place_of_the_systems_unless_both_are_asked_for) {
    const Environment set("SSL_CERT_FILE", certificate("other-ca.pem"));
    const std::string file = certificate("ca.pem");
    Engines own_alone(client({.ca_file = file}), server("unknown"));
    own_alone.run();
    EXPECT_THAT(own_alone.client_failure.detail(), HasSubstr("unknown CA"));
    Engines both(client({.ca_file = file, .system_authorities_too = true}), server("unknown"));
    both.run();
    EXPECT_TRUE(both.established()) << both.client_failure.message();
}

TEST(TlsContext, what_is_wrong_with_an_option_is_named) {
    const std::string ca = certificate("ca.pem");
    const std::string key = certificate("client.key");
    const std::string other_key = certificate("server.key");
    const std::string pem = certificate("client.pem");
    const std::string directory = certificate("authorities");
    const std::string missing = certificate("missing.pem");
    const std::array<std::string_view, 1> bad_protocol{"a,b"};
    const std::string long_key(65, 'k');
    const std::string broken_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    struct Case {
        TlsOptions options;
        Errc code;
        std::string says;
    };
    const std::vector<Case> cases{
        {{.ca_file = missing}, Errc::tls_failed, "missing.pem\": no such file or directory"},
        {{.ca_file = key}, Errc::tls_failed, "client.key\": there is no certificate (PEM) in it"},
        {{.ca_file = directory}, Errc::tls_failed, "directory"},
        {{.ca_directory = missing}, Errc::tls_failed, "no such file or directory"},
        {{.ca_directory = "/proc/self/fdinfo"}, Errc::tls_failed, "no file in it has a certificate"},
        {{.ca = "nonsense"}, Errc::tls_failed, "\"ca\": there is no certificate"},
        {{.ca = broken_certificate}, Errc::tls_failed, "\"ca\": "},
        {{.ca_file = ca, .certificate_file = pem}, Errc::invalid_argument, "needs its key"},
        {{.ca_file = ca, .key_file = key}, Errc::invalid_argument, "needs its certificate"},
        {{.ca_file = ca, .certificate_file = missing, .key_file = key}, Errc::tls_failed, "missing.pem"},
        {{.ca_file = ca, .certificate_file = key, .key_file = key}, Errc::tls_failed, "no certificate (PEM)"},
        {{.ca_file = ca, .certificate_file = pem, .key_file = pem}, Errc::tls_failed, "no private key"},
        {{.ca_file = ca, .certificate_file = pem, .key_file = other_key}, Errc::tls_failed, "is not that of"},
        {{.ca_file = ca, .certificate_file = pem, .key = "-----BEGIN ENCRYPTED PRIVATE KEY-----"},
         Errc::not_supported,
         "encrypted"},
        {{.ca_file = ca, .certificate = broken_certificate, .key = "key"}, Errc::tls_failed, "\"certificate\": "},
        {{.ca_file = ca, .min_version = TlsVersion::v1_3, .max_version = TlsVersion::v1_2},
         Errc::invalid_argument,
         "min_version"},
        {{.ca_file = ca, .ciphers = "NO-SUCH-CIPHER"}, Errc::invalid_argument, "NO-SUCH-CIPHER"},
        {{.ca_file = ca, .ciphers = "TLS13-AES128-GCM-SHA256:BAD"}, Errc::invalid_argument, "\"BAD\""},
        {{.ca_file = ca, .alpn = bad_protocol}, Errc::invalid_argument, "alpn"},
        {{.psk_identity = "i"}, Errc::invalid_argument, "psk_key"},
        {{.psk_key = as_bytes("k")}, Errc::invalid_argument, "psk_identity"},
        {{.psk_identity = "i", .psk_key = as_bytes(long_key)}, Errc::invalid_argument, "psk_key"},
        {{.psk_identity = "i", .psk_key = as_bytes("k"), .max_version = TlsVersion::v1_2},
         Errc::not_supported,
         "TLS 1.3"},
    };
    for (const Case& each : cases) {
        const Failure failure = refusal(each.options);
        EXPECT_TRUE(failure == each.code) << each.says << ": " << failure.message();
        EXPECT_THAT(failure.detail(), HasSubstr(each.says));
    }
}

TEST(TlsContext, a_key_log_is_refused_in_so_many_words_where_wolfssl_has_none) {
#ifdef CULEX_WOLFSSL_KEY_LOG
    GTEST_SKIP() << "this wolfSSL has it";
#endif
    const std::string ca = certificate("ca.pem");
    const Failure failure = refusal({.ca_file = ca, .key_log_file = "keys.log"});
    EXPECT_TRUE(failure == Errc::not_supported);
    EXPECT_THAT(failure.detail(), HasSubstr("key_log_file"));
    EXPECT_FALSE(std::filesystem::exists("keys.log"));
}

/// A file that changes.
class ChangingFile {
public:
    explicit ChangingFile(const std::string& source)
        : path(std::filesystem::temp_directory_path() / ("culex-tls-" + std::to_string(::getpid()) + ".pem")) {
        become(source);
    }
    ~ChangingFile() { std::filesystem::remove(path); }
    ChangingFile(const ChangingFile&) = delete;
    ChangingFile& operator=(const ChangingFile&) = delete;
    void become(const std::string& source) {
        std::filesystem::copy_file(certificate(source), path, std::filesystem::copy_options::overwrite_existing);
    }
    const std::string path;
};

TEST(TlsContext, a_file_that_is_much_too_large_is_not_read) {
    ChangingFile file("ca.pem");
    std::filesystem::resize_file(file.path, (std::uintmax_t{64} << 20) + 1); // takes no place on the disk
    const Failure failure = refusal({.ca_file = file.path});
    EXPECT_TRUE(failure == Errc::tls_failed);
    EXPECT_THAT(failure.detail(), HasSubstr("file too large"));
}

TEST(TlsServerConfig, needs_a_certificate_or_a_key_agreed_upon_before) {
    const auto counters = std::make_shared<io::TlsCounters>();
    const auto config = io::TlsConfig::server({}, counters);
    ASSERT_FALSE(config);
    EXPECT_TRUE(config.failure() == Errc::invalid_argument);
    EXPECT_THAT(config.failure().detail(), HasSubstr("certificate: a server needs one"));
    EXPECT_TRUE(io::TlsConfig::server({.psk = {"sensor-7", "key"}}, counters));
}

TEST_F(TlsTest, reload_reads_the_files_again_for_new_connections_and_leaves_old_ones_alone) {
    ChangingFile ca("other-ca.pem");
    TlsContext context({.ca_file = ca.path});
    const TlsContext copy = context;
    EXPECT_TRUE(copy == context);
    const auto config = [&] { return io::TlsShared::of(copy).config(); };
    Engines old(config(), server("unknown"));
    old.run();
    ASSERT_TRUE(old.established()) << old.client_failure.message();

    ca.become("ca.pem");
    Engines before(config(), server(), "localhost", 1);
    before.run();
    EXPECT_THAT(before.client_failure.detail(), HasSubstr("unknown CA"));
    context.reload();
    Engines after(config(), server(), "localhost", 1);
    after.run();
    EXPECT_TRUE(after.established()) << after.client_failure.message();

    ASSERT_FALSE(old.client.write(as_bytes("still here")));
    old.run();
    EXPECT_EQ(old.heard_by_server(), "still here");
    EXPECT_EQ(context.statistics().handshakes, 2u);
    EXPECT_EQ(context.statistics().failed, 1u);
}

TEST_F(TlsTest, a_reload_that_fails_changes_nothing) {
    ChangingFile ca("ca.pem");
    TlsContext context({.ca_file = ca.path});
    ca.become("client.key");
    EXPECT_THROW(context.reload(), Error);
    Engines both(io::TlsShared::of(context).config(), server());
    both.run();
    EXPECT_TRUE(both.established()) << both.client_failure.message();
}

TEST_F(TlsTest, what_was_trusted_before_a_reload_resumes_nothing_after_it) {
    ChangingFile ca("ca.pem");
    TlsContext context({.ca_file = ca.path});
    const auto to = server();
    const auto connect = [&] {
        Engines both(io::TlsShared::of(context).config(), to);
        both.run();
        (void)both.server.write(as_bytes("hello"));
        both.run();
        return both.established();
    };
    EXPECT_TRUE(connect());
    EXPECT_TRUE(connect());
    EXPECT_EQ(context.statistics().resumed, 1u);
    ca.become("other-ca.pem");
    context.reload();
    EXPECT_FALSE(connect()) << "an authority that is not trusted any more";
    ca.become("ca.pem");
    context.reload();
    EXPECT_TRUE(connect());
    EXPECT_EQ(context.statistics().resumed, 1u);
    context.forget_sessions();
    EXPECT_TRUE(connect());
    EXPECT_EQ(context.statistics().resumed, 1u);
    EXPECT_TRUE(connect());
    EXPECT_EQ(context.statistics().resumed, 2u);
}

} // namespace
} // namespace culex::testing
