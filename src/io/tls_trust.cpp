// The authorities that a configuration trusts.
#include <array>
#include <cstdlib>
#include <filesystem>

#include "io/tls_config.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "io/socket.hpp"
#include "io/tls_errors.hpp"
#include "io/tls_pem.hpp"

namespace culex::io {
namespace {

namespace fs = std::filesystem;

/// Where systems keep the authorities in one file: Debian, Fedora, openSUSE, Alpine and the BSDs. It is read in a tenth of
/// the time that their folder of single files takes.
constexpr std::array system_files{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                  "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};

Failure unusable(std::string detail) { return Failure(Errc::tls_failed, std::move(detail)); }

const unsigned char* bytes_of(const std::string& text) noexcept {
    return reinterpret_cast<const unsigned char*>(text.data());
}

const char* environment(const char* name) noexcept {
    const char* const value = std::getenv(name);
    return value && *value ? value : nullptr;
}

} // namespace

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
        if (!text || !has_certificate(*text)) continue;
        // One root that wolfSSL does not understand, or that has expired, is not a reason to go without the others.
        const int loaded = wolfSSL_CTX_load_verify_buffer_ex(
            context.get(), bytes_of(*text), static_cast<long>(text->size()), WOLFSSL_FILETYPE_PEM, 0,
            WOLFSSL_LOAD_FLAG_IGNORE_ERR | WOLFSSL_LOAD_FLAG_DATE_ERR_OKAY);
        if (loaded == WOLFSSL_SUCCESS) return Failure();
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
    std::size_t found = 0;
    for (fs::directory_iterator each(path, error), end; !error && each != end; each.increment(error)) {
        std::error_code of_file;
        if (!each->is_regular_file(of_file)) continue;
        auto text = read_file(each->path().string());
        if (!text || !has_certificate(*text)) continue;
        if (Failure why = trust_text(*text, each->path().string())) return why;
        ++found;
    }
    if (error) return unusable(fmt::format("{}: {}", quoted(path), error_text(error.value())));
    if (found == 0) return unusable(fmt::format("{}: no file in it has a certificate (PEM)", quoted(path)));
    return Failure();
}

Failure TlsConfig::trust_text(const std::string& text, const std::string& name) {
    if (!has_certificate(text)) return unusable(fmt::format("{}: there is no certificate (PEM) in it", quoted(name)));
    const int loaded = wolfSSL_CTX_load_verify_buffer(context.get(), bytes_of(text), static_cast<long>(text.size()),
                                                      WOLFSSL_FILETYPE_PEM);
    if (loaded == WOLFSSL_SUCCESS) return Failure();
    return unusable(fmt::format("{}: {}", quoted(name), tls_error_text(loaded)));
}

} // namespace culex::io
