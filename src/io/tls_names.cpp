#include "io/tls_names.hpp"

#include "base/text.hpp"

namespace culex::io {
namespace {

/// More names than these are not told.
constexpr int most_names = 8;

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

std::string names_of(WOLFSSL_X509* certificate) {
    std::string names;
    int count = 0;
    while (const char* name = wolfSSL_X509_get_next_altname(certificate)) {
        if (++count > most_names) return names + ", ...";
        names += names.empty() ? "" : ", ";
        names += printable(name, 100);
    }
    if (!names.empty()) return names;
    const char* const common = wolfSSL_X509_get_subjectCN(certificate);
    return common ? printable(common, 100) : "nobody";
}

} // namespace culex::io
