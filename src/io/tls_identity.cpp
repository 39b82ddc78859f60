// Who a configuration is: its certificate and key.
#include <algorithm>

#include "io/tls_config.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "io/tls_errors.hpp"
#include "io/tls_pem.hpp"

namespace culex::io {
namespace {

Failure unusable(std::string detail) { return Failure(Errc::tls_failed, std::move(detail)); }

const unsigned char* bytes_of(const std::string& text) noexcept {
    return reinterpret_cast<const unsigned char*>(text.data());
}

} // namespace

/// Each is text, or the path of a file where its name says so.
Failure TlsConfig::identify(const std::string& certificate, const std::string& certificate_name, const std::string& key,
                            const std::string& key_name) {
    if (certificate.empty() && key.empty()) return Failure();
    if (key.empty()) return Failure(Errc::invalid_argument, "a certificate needs its key: give key_file or key");
    if (certificate.empty())
        return Failure(Errc::invalid_argument, "a key needs its certificate: give certificate_file or certificate");
    const auto text_of = [](const std::string& given, const std::string& name) {
        return name.ends_with("_file") ? read_file(given) : Result<std::string>(given);
    };
    const std::string& shown_certificate = certificate_name.ends_with("_file") ? certificate : certificate_name;
    const std::string& shown_key = key_name.ends_with("_file") ? key : key_name;
    auto chain = text_of(certificate, certificate_name);
    if (!chain) return std::move(chain).failure();
    auto secret = text_of(key, key_name);
    if (!secret) return std::move(secret).failure();
    if (!has_certificate(*chain))
        return unusable(fmt::format("{}: there is no certificate (PEM) in it", quoted(shown_certificate)));
    if (secret->find("ENCRYPTED") != secret->npos)
        return Failure(Errc::not_supported, fmt::format("{}: the key is encrypted", quoted(shown_key)));
    int done =
        wolfSSL_CTX_use_certificate_chain_buffer(context.get(), bytes_of(*chain), static_cast<long>(chain->size()));
    if (done != WOLFSSL_SUCCESS)
        return unusable(fmt::format("{}: {}", quoted(shown_certificate), tls_error_text(done)));
    done = wolfSSL_CTX_use_PrivateKey_buffer(context.get(), bytes_of(*secret), static_cast<long>(secret->size()),
                                             WOLFSSL_FILETYPE_PEM);
    if (done != WOLFSSL_SUCCESS)
        return unusable(fmt::format("{}: there is no private key (PEM) in it that wolfSSL reads", quoted(shown_key)));
    const bool fits = wolfSSL_CTX_check_private_key(context.get()) == WOLFSSL_SUCCESS && key_fits(*secret, *chain);
    std::fill(secret->begin(), secret->end(), '\0');
    if (!fits)
        return unusable(
            fmt::format("the key {} is not that of the certificate {}", quoted(shown_key), quoted(shown_certificate)));
    shows_certificate = true;
    return Failure();
}

} // namespace culex::io
