#pragma once
/// \file tls_names.hpp
/// Whom a certificate is for.

#include <string>
#include <string_view>
#include <vector>

#include <wolfssl/options.h>

#include <wolfssl/ssl.h>

namespace culex::io {

/// In one line and quotes, for messages.
[[nodiscard]] std::string line_of(WOLFSSL_X509_NAME* name);
[[nodiscard]] std::string date_of(WOLFSSL_ASN1_TIME* time);

/// The bytes, 4 or 16, of a host that is an IP address (an IPv6 one perhaps with a zone, which no certificate has); else
/// nothing.
[[nodiscard]] std::string address_of(const std::string& host);

/// What a certificate says of whom it is for.
struct CertificateNames {
    bool alternative = false;             ///< it has subject alternative names, of whatever kind
    std::vector<std::string> names{};     ///< dNSName
    std::vector<std::string> addresses{}; ///< iPAddress, as bytes
    std::vector<std::string> others{};    ///< an e-mail address or a URI, for messages alone
    std::string common{};                 ///< the subject's (last) common name
};

[[nodiscard]] CertificateNames names_of(WOLFSSL_X509* certificate);

/// Whether the certificate is for a host (RFC 9525, RFC 2818). An address is compared with addresses alone, byte by byte. A
/// name is compared with names, without regard to case, of which `*` may be the whole of the left-most label, stands for one
/// label, and has at least two behind it; and with the common name where the certificate has no alternative name at all.
///
/// wolfSSL compares text: for it 127.0.0.1 is of `*.0.0.1`, and localhost of `*`, of `l*st`, and of the common name in any case.
[[nodiscard]] bool is_for(const CertificateNames& certificate, const std::string& host);

/// For messages: the first few of them.
[[nodiscard]] std::string text_of(const CertificateNames& certificate);

} // namespace culex::io
