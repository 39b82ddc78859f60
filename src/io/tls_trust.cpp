// The authorities that a configuration trusts.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>

#include "io/tls_config.hpp"

#include <fmt/format.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

#include "base/text.hpp"
#include "io/socket.hpp"
#include "io/tls_errors.hpp"
#include "io/tls_names.hpp"
#include "io/tls_pem.hpp"

namespace culex::io {
namespace {

namespace fs = std::filesystem;

/// Where systems keep the authorities in one file: Debian, Fedora, openSUSE, Alpine and the BSDs. It is read in a tenth of
/// the time that their folder of single files takes.
constexpr std::array system_files{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                  "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};

Failure unusable(std::string detail) { return Failure(Errc::tls_failed, std::move(detail)); }

const unsigned char* bytes_of(std::string_view text) noexcept {
    return reinterpret_cast<const unsigned char*>(text.data());
}

const char* environment(const char* name) noexcept {
    const char* const value = std::getenv(name);
    return value && *value ? value : nullptr;
}

/// The next certificate of `text` (PEM), which is shortened by it and what is before it; empty where there is none.
std::string_view next_certificate(std::string_view& text) noexcept {
    constexpr std::string_view end = "-----END ";
    std::size_t from = text.npos;
    for (const std::string_view begin : {"-----BEGIN CERTIFICATE-----", "-----BEGIN TRUSTED CERTIFICATE-----"})
        from = std::min(from, text.find(begin));
    if (from == text.npos) return {};
    std::size_t to = text.find(end, from);
    if (to != text.npos) to = text.find('\n', to);
    const std::string_view found = text.substr(from, to == text.npos ? to : to + 1 - from);
    text.remove_prefix(from + found.size());
    return found;
}

} // namespace

struct TlsConfig::Loaded {
    std::size_t trusted = 0;
    std::size_t expired = 0;
    int error = 0; ///< the first that is not the date
};

Failure TlsConfig::trust(const TlsClientSettings& settings) {
    if (verify == TlsVerify::nothing_at_all) return Failure();
    Failure why;
    if (!settings.ca_file.empty()) why = trust_file(settings.ca_file);
    if (!why && !settings.ca_directory.empty()) why = trust_directory(settings.ca_directory);
    if (!why && !settings.ca.empty()) why = trust_text(settings.ca, "ca");
    if (why) return why;
    const bool named = !settings.ca_file.empty() || !settings.ca_directory.empty() || !settings.ca.empty();
    // Who has agreed upon a key needs no authorities; without any, no certificate is taken in place of it.
    const bool usual = !named && psk.key.empty();
    return usual || settings.system_authorities_too ? trust_system() : Failure();
}

/// Like OpenSSL's, the environment may name others.
Failure TlsConfig::trust_system() {
    const char* const file = environment("SSL_CERT_FILE");
    const char* const directory = environment("SSL_CERT_DIR");
    if (file || directory) {
        Failure why = file ? trust_file(file) : Failure();
        if (!why && directory) why = trust_directory(directory);
        return why;
    }
    for (const char* path : system_files) {
        auto text = read_file(path);
        if (text && load(*text).trusted > 0) return Failure();
    }
    if (wolfSSL_CTX_load_system_CA_certs(context.get()) == WOLFSSL_SUCCESS) return Failure();
    return unusable("the system has no certificates of authorities (Debian's package is ca-certificates); "
                    "name some with ca_file, ca_directory or ca");
}

Failure TlsConfig::trust_file(const std::string& path) {
    auto text = read_file(path);
    if (!text) return std::move(text).failure();
    return trust_text(*text, path);
}

Failure TlsConfig::trust_directory(const std::string& path) {
    std::error_code error;
    Loaded all;
    for (fs::directory_iterator each(path, error), end; !error && each != end; each.increment(error)) {
        std::error_code of_file;
        if (!each->is_regular_file(of_file)) continue;
        auto text = read_file(each->path().string());
        if (!text || !has_certificate(*text)) continue;
        const Loaded loaded = load(*text);
        // A file may well have nothing but what has expired: what counts is the folder.
        if (loaded.trusted == 0 && loaded.error != 0) return nothing_loaded(loaded, each->path().string());
        all.trusted += loaded.trusted;
        all.expired += loaded.expired;
    }
    if (error) return unusable(fmt::format("{}: {}", quoted(path), error_text(error.value())));
    if (all.trusted == 0 && all.expired > 0) return nothing_loaded(all, path);
    if (all.trusted == 0) return unusable(fmt::format("{}: no file in it has a certificate (PEM)", quoted(path)));
    return Failure();
}

Failure TlsConfig::trust_text(const std::string& text, const std::string& name) {
    if (!has_certificate(text)) return unusable(fmt::format("{}: there is no certificate (PEM) in it", quoted(name)));
    const Loaded loaded = load(text);
    return loaded.trusted > 0 ? Failure() : nothing_loaded(loaded, name);
}

/// Why nothing in a text, a file or a folder is trusted.
Failure TlsConfig::nothing_loaded(const Loaded& loaded, const std::string& name) const {
    if (loaded.error != 0 || expired.empty())
        return unusable(fmt::format("{}: {}", quoted(name), tls_error_text(loaded.error)));
    return unusable(fmt::format("{}: every certificate in it has expired: that of {} was valid until {}", quoted(name),
                                expired.back().subject, expired.back().until));
}

/// One by one: one certificate that has expired, or that wolfSSL does not understand, is not a reason to go without the others,
/// and wolfSSL does not tell which it is.
///
/// Once it has them wolfSSL does not know how long authorities are valid, so it is now that this is looked at. It does so
/// only where the context verifies: see `set_verify`.
TlsConfig::Loaded TlsConfig::load(const std::string& text) {
    Loaded loaded;
    for (std::string_view rest = text;;) {
        const std::string_view each = next_certificate(rest);
        if (each.empty()) return loaded;
        int done = load_one(each, WOLFSSL_LOAD_FLAG_NONE);
        // A device without a battery for its clock begins in 1970 and may learn the time after it has read this. What the
        // authority vouches for is looked at in time. (The date is wolfSSL's answer still, but it has taken it.)
        if (done == ASN_BEFORE_DATE_E) {
            (void)load_one(each, WOLFSSL_LOAD_FLAG_DATE_ERR_OKAY);
            done = WOLFSSL_SUCCESS;
        }
        if (done == WOLFSSL_SUCCESS) {
            ++loaded.trusted;
        } else if (done == ASN_AFTER_DATE_E) {
            ++loaded.expired;
            keep_expired(each);
        } else if (loaded.error == 0) {
            loaded.error = done;
        }
    }
}

int TlsConfig::load_one(std::string_view certificate, unsigned flags) {
    return wolfSSL_CTX_load_verify_buffer_ex(context.get(), bytes_of(certificate),
                                             static_cast<long>(certificate.size()), WOLFSSL_FILETYPE_PEM, 0, flags);
}

/// For what is said where a server's certificate is of it.
void TlsConfig::keep_expired(std::string_view certificate) {
    const WolfPtr<WOLFSSL_X509> parsed(wolfSSL_X509_load_certificate_buffer(
        bytes_of(certificate), static_cast<int>(certificate.size()), WOLFSSL_FILETYPE_PEM));
    if (!parsed) return;
    expired.push_back({.subject = line_of(wolfSSL_X509_get_subject_name(parsed.get())),
                       .until = date_of(wolfSSL_X509_get_notAfter(parsed.get()))});
}

} // namespace culex::io
