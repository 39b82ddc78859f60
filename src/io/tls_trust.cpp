// Certificates and keys of a configuration: the authorities that it trusts, and who it is itself.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "io/tls_config.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "io/socket.hpp"
#include "io/tls_errors.hpp"

namespace culex::io {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view certificate_mark = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view trusted_mark = "-----BEGIN TRUSTED CERTIFICATE-----";
/// More than any file of authorities has.
constexpr std::uintmax_t largest_file = 64U << 20;

/// Where systems keep the authorities in one file: Debian, Fedora, openSUSE, Alpine and the BSDs. It is read in a tenth of
/// the time that their folder of single files takes.
constexpr std::array system_files{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                  "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};

Failure unusable(std::string detail) { return Failure(Errc::tls_failed, std::move(detail)); }

const unsigned char* bytes_of(const std::string& text) noexcept {
    return reinterpret_cast<const unsigned char*>(text.data());
}

struct CloseFile {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

bool has_certificate_in(const std::string& text) noexcept {
    return text.find(certificate_mark) != text.npos || text.find(trusted_mark) != text.npos;
}

const char* environment(const char* name) noexcept {
    const char* const value = std::getenv(name);
    return value && *value ? value : nullptr;
}

} // namespace

Result<std::string> read_file(const std::string& path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status)) error = std::make_error_code(std::errc::no_such_file_or_directory);
    if (!error && fs::is_directory(status)) error = std::make_error_code(std::errc::is_a_directory);
    if (!error && fs::is_regular_file(status) && fs::file_size(path, error) > largest_file && !error)
        error = std::make_error_code(std::errc::file_too_large);
    if (error) return unusable(fmt::format("{}: {}", quoted(path), error_text(error.value())));
    const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rbe"));
    if (!file) return unusable(fmt::format("{}: {}", quoted(path), error_text(errno)));
    std::string text;
    char chunk[4096];
    while (const std::size_t count = std::fread(chunk, 1, sizeof chunk, file.get())) text.append(chunk, count);
    if (std::ferror(file.get())) return unusable(fmt::format("{}: it cannot be read", quoted(path)));
    return text;
}

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
        if (!text || !has_certificate_in(*text)) continue;
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
        if (!text || !has_certificate_in(*text)) continue;
        if (Failure why = trust_text(*text, each->path().string())) return why;
        ++found;
    }
    if (error) return unusable(fmt::format("{}: {}", quoted(path), error_text(error.value())));
    if (found == 0) return unusable(fmt::format("{}: no file in it has a certificate (PEM)", quoted(path)));
    return Failure();
}

Failure TlsConfig::trust_text(const std::string& text, const std::string& name) {
    if (!has_certificate_in(text))
        return unusable(fmt::format("{}: there is no certificate (PEM) in it", quoted(name)));
    const int loaded = wolfSSL_CTX_load_verify_buffer(context.get(), bytes_of(text), static_cast<long>(text.size()),
                                                      WOLFSSL_FILETYPE_PEM);
    if (loaded == WOLFSSL_SUCCESS) return Failure();
    return unusable(fmt::format("{}: {}", quoted(name), tls_error_text(loaded)));
}

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
    if (!has_certificate_in(*chain))
        return unusable(fmt::format("{}: there is no certificate (PEM) in it", quoted(shown_certificate)));
    if (secret->find("ENCRYPTED") != secret->npos)
        return Failure(Errc::not_supported, fmt::format("{}: the key is encrypted", quoted(shown_key)));
    int done =
        wolfSSL_CTX_use_certificate_chain_buffer(context.get(), bytes_of(*chain), static_cast<long>(chain->size()));
    if (done != WOLFSSL_SUCCESS)
        return unusable(fmt::format("{}: {}", quoted(shown_certificate), tls_error_text(done)));
    done = wolfSSL_CTX_use_PrivateKey_buffer(context.get(), bytes_of(*secret), static_cast<long>(secret->size()),
                                             WOLFSSL_FILETYPE_PEM);
    std::fill(secret->begin(), secret->end(), '\0');
    if (done != WOLFSSL_SUCCESS)
        return unusable(fmt::format("{}: there is no private key (PEM) in it that wolfSSL reads", quoted(shown_key)));
    if (wolfSSL_CTX_check_private_key(context.get()) != WOLFSSL_SUCCESS)
        return unusable(
            fmt::format("the key {} is not that of the certificate {}", quoted(shown_key), quoted(shown_certificate)));
    has_certificate = true;
    return Failure();
}

} // namespace culex::io
