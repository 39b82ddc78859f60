// Which authorities are trusted, of those that are given.
#include <cstdlib>
#include <filesystem>

#include "tls/tls_test.hpp"

namespace culex::testing {
namespace {

namespace fs = std::filesystem;

class Trust : public EachVersion {
protected:
    const std::string past = text_of("expired-ca.pem");
    const std::string present = text_of("ca.pem");
};
INSTANTIATE_TEST_SUITE_P(Versions, Trust, both_versions, name_of_version);

constexpr std::string_view says_expired = "of an authority that is not trusted any more, since it has expired: "
                                          "\"/O=Culex tests/CN=Authority of the past\" was valid until ";

TEST_P(Trust, an_expired_authority_is_not_trusted_and_one_beside_it_is) {
    for (const std::string& bundle : {past + present, present + past}) {
        const auto config = client(at_version({.ca = bundle}));
        Engines expired(config, server("under-expired"));
        EXPECT_THAT(client_says(expired), HasSubstr(says_expired));
        Engines valid(config, server(), "localhost", 1);
        expect_success(valid);
    }
}

TEST_P(Trust, an_expired_authority_is_told_where_another_is_between) {
    const std::string bundle = past + present;
    Engines both(client(at_version({.ca = bundle})), server("under-expired-chain"));
    EXPECT_THAT(client_says(both), HasSubstr(says_expired));
}

/// As Let's Encrypt's was in 2021: the server shows one certificate more than is needed.
TEST_P(Trust, an_expired_authority_does_not_matter_that_vouches_for_one_that_is_trusted) {
    io::TlsServerSettings settings = server_with("server-chain");
    settings.certificate += text_of("ca-by-expired.pem");
    const std::string bundle = past + present;
    const auto config = client(at_version({.ca = bundle}));
    Engines both(config, server(settings));
    expect_success(both);
    Engines wrong_host(config, server(settings), "broker.example");
    EXPECT_THAT(client_says(wrong_host), HasSubstr("not for broker.example"));
}

TEST_P(Trust, nor_is_one_of_a_directory) {
    const fs::path folder = fs::temp_directory_path() / ("culex-trust-" + std::to_string(::getpid()));
    fs::create_directory(folder);
    for (const char* name : {"ca.pem", "expired-ca.pem"}) fs::copy_file(certificate(name), folder / name);
    const std::string path = folder.string();
    const auto config = client(at_version({.ca_directory = path}));
    fs::remove_all(folder);
    Engines expired(config, server("under-expired"));
    EXPECT_THAT(client_says(expired), HasSubstr(says_expired));
    Engines valid(config, server(), "localhost", 1);
    expect_success(valid);
}

TEST_P(Trust, an_authority_of_the_future_is_trusted_since_the_clock_may_be_wrong_yet) {
    const std::string file = certificate("future-ca.pem");
    Engines both(client(at_version({.ca_file = file})), server("under-future"));
    expect_success(both);
}

TEST_P(Trust, a_certificate_that_cannot_be_read_does_not_spoil_the_others) {
    const std::string bundle = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" + present;
    Engines both(client(at_version({.ca = bundle})), server());
    expect_success(both);
}

TEST(TlsContext, is_not_made_where_all_authorities_have_expired) {
    const std::string file = certificate("expired-ca.pem");
    try {
        const TlsContext context({.ca_file = file});
        ADD_FAILURE() << "it was";
    } catch (const Error& error) {
        EXPECT_TRUE(error.failure() == Errc::tls_failed);
        EXPECT_THAT(error.failure().detail(),
                    HasSubstr("expired-ca.pem\": every certificate in it has expired: that of "
                              "\"/O=Culex tests/CN=Authority of the past\" was valid until "));
    }
}

} // namespace
} // namespace culex::testing
