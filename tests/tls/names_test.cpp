// Whom a certificate is for: the table, and what is read out of a real one.
#include "io/tls_names.hpp"

#include "tls/tls_test.hpp"

namespace culex::testing {
namespace {

using io::CertificateNames;

CertificateNames with_names(std::vector<std::string> names) {
    return {.alternative = true, .names = std::move(names), .common = "common.example.test"};
}
CertificateNames with_address(const std::string& address) {
    return {.alternative = true, .addresses = {io::address_of(address)}};
}
CertificateNames with_common(std::string name) { return {.common = std::move(name)}; }

TEST(CertificateNames, are_compared_with_hosts) {
    struct Case {
        CertificateNames certificate;
        std::string host;
        bool is_for;
    };
    const std::vector<Case> cases{
        // names
        {with_names({"broker.example.test"}), "broker.example.test", true},
        {with_names({"Broker.EXAMPLE.test"}), "bROKER.example.TEST", true},
        {with_names({"other.test", "broker.example.test"}), "broker.example.test", true},
        {with_names({"localhost"}), "localhost", true},
        {with_names({"broker.example.test"}), "example.test", false},
        {with_names({"broker.example.test"}), "a.broker.example.test", false},
        {with_names({std::string("broker.test\0.evil.test", 22)}), "broker.test", false},
        {with_names({"broker.example.test."}), "broker.example.test", false},
        {with_names({""}), "", false},
        {with_names({""}), "localhost", false},
        // wildcards
        {with_names({"*.example.test"}), "broker.example.test", true},
        {with_names({"*.EXAMPLE.test"}), "broker.example.TEST", true},
        {with_names({"*.example.test"}), "xn--mcken-kva.example.test", true},
        {with_names({"*.example.test"}), "example.test", false},
        {with_names({"*.example.test"}), ".example.test", false},
        {with_names({"*.example.test"}), "a.b.example.test", false},
        {with_names({"*"}), "localhost", false},
        {with_names({"*"}), "broker.example.test", false},
        {with_names({"*."}), "localhost.", false},
        {with_names({"*.test"}), "example.test", false},
        {with_names({"*.test."}), "example.test.", false},
        {with_names({"*..test"}), "a..test", false},
        {with_names({"l*st"}), "localhost", false},
        {with_names({"b*.example.test"}), "broker.example.test", false},
        {with_names({"*r.example.test"}), "broker.example.test", false},
        {with_names({"broker.*.test"}), "broker.example.test", false},
        {with_names({"*.*.test"}), "broker.example.test", false},
        {with_names({"**.example.test"}), "broker.example.test", false},
        // addresses
        {with_address("127.0.0.1"), "127.0.0.1", true},
        {with_address("::1"), "::1", true},
        {with_address("::1"), "0:0::0:1", true},
        {with_address("fe80::1"), "fe80::1%eth0", true},
        {with_address("127.0.0.1"), "127.0.0.2", false},
        {with_address("127.0.0.1"), "::ffff:127.0.0.1", false},
        {with_address("127.0.0.1"), "localhost", false},
        {with_names({"127.0.0.1"}), "127.0.0.1", false},
        {with_names({"*.0.0.1"}), "127.0.0.1", false},
        {with_names({"*.0.0.1"}), "0x7f.0.0.1", false}, // an address to getaddrinfo
        {with_names({"::1"}), "::1", false},
        {with_common("127.0.0.1"), "127.0.0.1", false},
        {with_common("::1"), "::1", false},
        {{.alternative = true, .addresses = {std::string("127.0.0.1")}}, "127.0.0.1", false},
        // the common name
        {with_common("broker.example.test"), "broker.example.test", true},
        {with_common("*.example.test"), "broker.example.test", true},
        {with_common("*"), "localhost", false},
        {with_common(""), "", false},
        {with_names({"other.test"}), "common.example.test", false},
        {{.alternative = true, .others = {"a@localhost"}, .common = "localhost"}, "localhost", false},
        {{.alternative = true, .common = "localhost"}, "localhost", false},
    };
    for (const Case& each : cases)
        EXPECT_EQ(io::is_for(each.certificate, each.host), each.is_for)
            << each.host << ", and the certificate is for " << io::text_of(each.certificate);
}

TEST(CertificateNames, are_told) {
    EXPECT_EQ(io::text_of({}), "nobody");
    EXPECT_EQ(io::text_of({.alternative = true, .common = "localhost"}), "nobody");
    EXPECT_EQ(io::text_of(with_common("localhost")), "localhost");
    EXPECT_EQ(io::text_of(with_common("::1")), "::1 (as a name)");
    EXPECT_EQ(io::text_of({.alternative = true,
                           .names = {"a.test", "127.0.0.1"},
                           .addresses = {io::address_of("127.0.0.1"), io::address_of("0:0::1"), "odd"},
                           .others = {"a@b.test\n"}}),
              "a.test, 127.0.0.1 (as a name), 127.0.0.1, ::1, ?, a@b.test\\n");
    EXPECT_EQ(io::text_of(with_names({"1", "2", "3", "4", "5", "6", "7", "8", "9"})), "1, 2, 3, 4, 5, 6, 7, 8, ...");
}

CertificateNames of_file(const std::string& name) {
    const io::WolfPtr<WOLFSSL_X509> parsed(
        wolfSSL_X509_load_certificate_file(certificate(name).c_str(), WOLFSSL_FILETYPE_PEM));
    return io::names_of(parsed.get());
}

TEST(CertificateNames, are_read_by_their_kind) {
    using ::testing::IsEmpty;
    using ::testing::UnorderedElementsAre;
    const CertificateNames usual = of_file("server.pem");
    EXPECT_TRUE(usual.alternative);
    EXPECT_THAT(usual.names, UnorderedElementsAre("localhost", "*.example.test"));
    EXPECT_THAT(usual.addresses, UnorderedElementsAre(io::address_of("127.0.0.1"), io::address_of("::1")));
    EXPECT_THAT(usual.others, IsEmpty());
    EXPECT_EQ(usual.common, "localhost");
    const CertificateNames odd = of_file("odd-names.pem");
    EXPECT_THAT(odd.names, UnorderedElementsAre("127.0.0.1", "*.0.0.1", "*", "l*st"));
    EXPECT_THAT(odd.addresses, IsEmpty());
    EXPECT_THAT(odd.others, UnorderedElementsAre("a@example.test", "mqtts://localhost"));
    const CertificateNames common = of_file("server-common.pem");
    EXPECT_FALSE(common.alternative);
    EXPECT_EQ(common.common, "localhost");
    EXPECT_THAT(common.names, IsEmpty());
    // Of a kind that is not looked at: it is an alternative name all the same.
    const CertificateNames other = of_file("only-id.pem");
    EXPECT_TRUE(other.alternative);
    EXPECT_FALSE(io::is_for(other, "localhost"));
}

} // namespace
} // namespace culex::testing
