#include "io/tls_names.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include <arpa/inet.h>
#include <wolfssl/openssl/x509v3.h>

#include "base/text.hpp"

namespace culex::io {
namespace {

/// More names than these are not told.
constexpr std::size_t most_names = 8;

using GeneralNames = WOLF_STACK_OF(WOLFSSL_GENERAL_NAME);
struct FreeNames {
    void operator()(GeneralNames* names) const noexcept {
        wolfSSL_sk_GENERAL_NAME_pop_free(names, wolfSSL_GENERAL_NAME_free);
    }
};

/// With its length: what is behind a null character is of the name, too, and makes it another.
std::string string_of(WOLFSSL_ASN1_STRING* text) {
    const int size = text ? wolfSSL_ASN1_STRING_length(text) : 0;
    if (size <= 0) return {};
    return {reinterpret_cast<const char*>(wolfSSL_ASN1_STRING_data(text)), static_cast<std::size_t>(size)};
}

std::string common_name(WOLFSSL_X509* certificate) {
    WOLFSSL_X509_NAME* const subject = wolfSSL_X509_get_subject_name(certificate);
    if (!subject) return {};
    int last = -1;
    for (int at = last; (at = wolfSSL_X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;) last = at;
    if (last < 0) return {};
    return string_of(wolfSSL_X509_NAME_ENTRY_get_data(wolfSSL_X509_NAME_get_entry(subject, last)));
}

/// Of ASCII alone: other characters are not in names that are asked for (they have their form in ASCII).
bool equal_names(std::string_view left, std::string_view right) noexcept {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::ranges::equal(left, right, {}, lower, lower);
}

/// What is behind the first label, with the dot.
std::string_view without_label(std::string_view name) noexcept {
    return name.substr(std::min(name.find('.'), name.size()));
}

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

bool matches(std::string_view pattern, std::string_view host) noexcept {
    if (!pattern.starts_with("*.")) return !pattern.empty() && equal_names(pattern, host);
    const std::string_view domain = without_label(host);
    // No domain begins with a digit in its last label, but some ways to write an address that are not the usual one do.
    const std::size_t last = domain.rfind('.');
    const bool two_labels = last != domain.npos && last > 1 && last + 1 < domain.size();
    if (!two_labels || is_digit(domain[last + 1]) || domain.size() == host.size()) return false;
    return equal_names(pattern.substr(1), domain);
}

std::string text_of_address(const std::string& bytes) {
    char text[INET6_ADDRSTRLEN] = "?";
    if (bytes.size() == 4 || bytes.size() == 16)
        inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
    return text;
}

/// Where a name looks like an address it is told that it is none.
std::string text_of_name(const std::string& name) {
    return printable(name, 100) + (address_of(name).empty() ? "" : " (as a name)");
}

} // namespace

std::string line_of(WOLFSSL_X509_NAME* name) {
    char text[256];
    if (!name || !wolfSSL_X509_NAME_oneline(name, text, sizeof text)) return "?";
    return quoted(std::string_view(text));
}

std::string date_of(WOLFSSL_ASN1_TIME* time) {
    char text[64];
    return time && wolfSSL_ASN1_TIME_to_string(time, text, sizeof text) ? text : "?";
}

std::string address_of(const std::string& host) {
    std::array<char, 16> bytes{};
    if (inet_pton(AF_INET, host.c_str(), bytes.data()) == 1) return {bytes.data(), 4};
    if (inet_pton(AF_INET6, host.substr(0, host.find('%')).c_str(), bytes.data()) == 1) return {bytes.data(), 16};
    return {};
}

/// (Of a directory name wolfSSL 5.5 loses some hundred bytes here. Brokers have none, and a chain that is not good does not
/// come so far.)
CertificateNames names_of(WOLFSSL_X509* certificate) {
    CertificateNames found{.alternative = wolfSSL_X509_ext_isSet_by_NID(certificate, NID_subject_alt_name) == 1,
                           .common = common_name(certificate)};
    const std::unique_ptr<GeneralNames, FreeNames> all(
        static_cast<GeneralNames*>(wolfSSL_X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    const int count = all ? wolfSSL_sk_GENERAL_NAME_num(all.get()) : 0;
    for (int i = 0; i < count; ++i) {
        const WOLFSSL_GENERAL_NAME* const each = wolfSSL_sk_GENERAL_NAME_value(all.get(), i);
        found.alternative = true;
        switch (each->type) {
        case GEN_DNS:
            found.names.push_back(string_of(each->d.dNSName));
            break;
        case GEN_IPADD:
            found.addresses.push_back(string_of(each->d.iPAddress));
            break;
        case GEN_EMAIL:
        case GEN_URI:
            found.others.push_back(string_of(each->d.ia5));
            break;
        default:
            break; // of a kind that no host has
        }
    }
    return found;
}

bool is_for(const CertificateNames& certificate, const std::string& host) {
    const std::string address = address_of(host);
    if (!address.empty()) return std::ranges::find(certificate.addresses, address) != certificate.addresses.end();
    if (!certificate.alternative) return matches(certificate.common, host);
    return std::ranges::any_of(certificate.names, [&](const std::string& name) { return matches(name, host); });
}

std::string text_of(const CertificateNames& certificate) {
    std::vector<std::string> names;
    names.reserve(certificate.names.size());
    for (const std::string& each : certificate.names) names.push_back(text_of_name(each));
    for (const std::string& each : certificate.addresses) names.push_back(text_of_address(each));
    for (const std::string& each : certificate.others) names.push_back(printable(each, 100));
    if (!certificate.alternative && !certificate.common.empty()) names.push_back(text_of_name(certificate.common));
    if (names.empty()) return "nobody";
    std::string text;
    for (std::size_t i = 0; i < std::min(names.size(), most_names); ++i) text += (i > 0 ? ", " : "") + names[i];
    return names.size() > most_names ? text + ", ..." : text;
}

} // namespace culex::io
