// What is said of a server's certificate that is refused.
#include "tls/tls_test.hpp"

namespace culex::testing {
namespace {

class Verdict : public EachVersion {};
INSTANTIATE_TEST_SUITE_P(Versions, Verdict, both_versions, name_of_version);

TEST_P(Verdict, a_wrong_host_is_told_with_both_names) {
    Engines both(client(at_version()), server("wrong-host"));
    EXPECT_EQ(client_says(both), "the certificate is for broker.elsewhere.test, not for localhost");
}

TEST_P(Verdict, a_common_name_does_where_there_is_no_other_name) {
    Engines both(client(at_version()), server("server-common"));
    expect_success(both);
}

TEST_P(Verdict, and_is_told_where_the_host_is_another) {
    Engines both(client(at_version()), server("server-common"), "broker.example");
    EXPECT_EQ(client_says(both), "the certificate is for localhost, not for broker.example");
}

TEST_P(Verdict, an_address_is_no_name_and_a_name_no_pattern) {
    for (const char* host : {"127.0.0.1", "localhost"}) {
        Engines both(client(at_version()), server("odd-names"), host);
        EXPECT_THAT(client_says(both), HasSubstr(std::string(", not for ") + host));
        EXPECT_TRUE(both.server_failure == Errc::tls_failed);
        EXPECT_THAT(both.server_failure.detail(), HasSubstr("alert bad_certificate"));
    }
    Engines common(client(at_version()), server("common-address"), "127.0.0.1");
    EXPECT_EQ(client_says(common), "the certificate is for 127.0.0.1 (as a name), not for 127.0.0.1");
}

TEST_P(Verdict, a_common_name_does_not_count_beside_others) {
    Engines both(client(at_version()), server("only-email"));
    EXPECT_EQ(client_says(both), "the certificate is for a@example.test, not for localhost");
}

TEST_P(Verdict, an_expired_certificate_is_told_with_its_date) {
    Engines both(client(at_version()), server("expired"));
    EXPECT_THAT(client_says(both), HasSubstr("has expired: it was valid until "));
}

TEST_P(Verdict, a_certificate_of_the_future_is_told) {
    Engines both(client(at_version()), server("not-yet"));
    EXPECT_THAT(client_says(both), HasSubstr("is not valid yet"));
}

TEST_P(Verdict, an_unknown_authority_is_told_by_name) {
    Engines both(client(at_version()), server("unknown"));
    const std::string detail = client_says(both);
    EXPECT_THAT(detail, HasSubstr("unknown CA"));
    EXPECT_THAT(detail, HasSubstr("Some other authority"));
}

TEST_P(Verdict, a_self_signed_certificate_is_told) {
    Engines both(client(at_version()), server("self-signed"));
    EXPECT_EQ(client_says(both),
              "the certificate of \"/O=Culex tests/CN=localhost\" is self-signed, and not among those "
              "trusted (unknown CA)");
}

TEST_P(Verdict, a_self_signed_certificate_may_be_trusted_by_itself) {
    const std::string file = certificate("self-signed.pem");
    Engines both(client(at_version({.ca_file = file})), server("self-signed"));
    expect_success(both);
}

TEST_P(Verdict, an_unknown_authority_that_is_shown_is_told) {
    io::TlsServerSettings settings = server_with("unknown");
    settings.certificate += text_of("other-ca.pem");
    Engines both(client(at_version()), server(settings));
    const std::string detail = client_says(both);
    EXPECT_THAT(detail, HasSubstr("unknown CA"));
    EXPECT_THAT(detail, HasSubstr("Some other authority"));
}

TEST_P(Verdict, an_issuer_that_may_issue_nothing_is_no_authority) {
    Engines both(client(at_version()), server("under-server"));
    EXPECT_EQ(client_says(both),
              "the certificate of \"/O=Culex tests/CN=of a server\" is of an unknown authority (unknown "
              "CA): \"/O=Culex tests/CN=localhost\"");
}

TEST_P(Verdict, an_authority_that_may_have_none_below_it_is_told) {
    Engines both(client(at_version()), server("too-deep"));
    EXPECT_EQ(client_says(both),
              "the certificate of \"/O=Culex tests/CN=Culex authority below\" is refused: an authority "
              "above it may have none so far below it (path length)");
}

TEST_P(Verdict, a_certificate_of_a_client_is_told) {
    Engines both(client(at_version({.verify = TlsVerify::chain_but_not_host_name})), server("client"));
    EXPECT_EQ(client_says(both),
              "the certificate of \"/O=Culex tests/CN=client one\" is refused: it is for another purpose "
              "(extended key usage)");
}

} // namespace
} // namespace culex::testing
