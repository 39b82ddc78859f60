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

/// For messages: the alternative names, or in their absence the common name.
[[nodiscard]] std::string names_of(WOLFSSL_X509* certificate);

} // namespace culex::io
