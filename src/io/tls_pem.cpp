#include "io/tls_pem.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>

#include <wolfssl/options.h>

#include <fmt/format.h>
#include <wolfssl/openssl/evp.h>
#include <wolfssl/openssl/pem.h>
#include <wolfssl/ssl.h>

#include "base/text.hpp"
#include "io/socket.hpp"

namespace culex::io {
namespace {

namespace fs = std::filesystem;

/// More than any file of authorities has.
constexpr std::uintmax_t largest_file = 64U << 20;

struct Free {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
    void operator()(WOLFSSL_BIO* bio) const noexcept { wolfSSL_BIO_free(bio); }
    void operator()(WOLFSSL_X509* certificate) const noexcept { wolfSSL_X509_free(certificate); }
    void operator()(WOLFSSL_EVP_PKEY* key) const noexcept { wolfSSL_EVP_PKEY_free(key); }
    void operator()(WOLFSSL_EVP_MD_CTX* context) const noexcept { wolfSSL_EVP_MD_CTX_free(context); }
};
template <class T> using Owned = std::unique_ptr<T, Free>;

Failure unusable(const std::string& path, std::string_view why) {
    return Failure(Errc::tls_failed, fmt::format("{}: {}", quoted(path), why));
}

} // namespace

Result<std::string> read_file(const std::string& path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status)) error = std::make_error_code(std::errc::no_such_file_or_directory);
    if (!error && fs::is_directory(status)) error = std::make_error_code(std::errc::is_a_directory);
    if (!error && fs::is_regular_file(status) && fs::file_size(path, error) > largest_file && !error)
        error = std::make_error_code(std::errc::file_too_large);
    if (error) return unusable(path, error_text(error.value()));
    const Owned<std::FILE> file(std::fopen(path.c_str(), "rbe"));
    if (!file) return unusable(path, error_text(errno));
    std::string text;
    char chunk[4096];
    while (const std::size_t count = std::fread(chunk, 1, sizeof chunk, file.get())) text.append(chunk, count);
    if (std::ferror(file.get())) return unusable(path, "it cannot be read");
    return text;
}

bool has_certificate(const std::string& pem) noexcept {
    return pem.find("-----BEGIN CERTIFICATE-----") != pem.npos ||
           pem.find("-----BEGIN TRUSTED CERTIFICATE-----") != pem.npos;
}

/// wolfSSL 5.5's own check takes any two keys of the same elliptic curve for a pair: so something is signed, and verified.
/// Ed25519 and Ed448 keys cannot be had in this way, and are pairs where its own check says so.
bool key_fits(const std::string& key, const std::string& certificate) {
    const Owned<WOLFSSL_X509> parsed(
        wolfSSL_X509_load_certificate_buffer(reinterpret_cast<const unsigned char*>(certificate.data()),
                                             static_cast<int>(certificate.size()), WOLFSSL_FILETYPE_PEM));
    const Owned<WOLFSSL_BIO> bio(wolfSSL_BIO_new_mem_buf(key.data(), static_cast<int>(key.size())));
    const Owned<WOLFSSL_EVP_PKEY> ours(wolfSSL_PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
    if (!parsed || !ours) return true;
    const Owned<WOLFSSL_EVP_PKEY> shown(wolfSSL_X509_get_pubkey(parsed.get()));
    const Owned<WOLFSSL_EVP_MD_CTX> signing(wolfSSL_EVP_MD_CTX_new());
    const Owned<WOLFSSL_EVP_MD_CTX> verifying(wolfSSL_EVP_MD_CTX_new());
    std::array<unsigned char, 2048> signature{};
    std::size_t size = signature.size();
    constexpr std::string_view text = "culex";
    if (wolfSSL_EVP_DigestSignInit(signing.get(), nullptr, wolfSSL_EVP_sha256(), nullptr, ours.get()) != 1) return true;
    if (wolfSSL_EVP_DigestSignUpdate(signing.get(), text.data(), text.size()) != 1) return true;
    if (wolfSSL_EVP_DigestSignFinal(signing.get(), signature.data(), &size) != 1) return true;
    return wolfSSL_EVP_DigestVerifyInit(verifying.get(), nullptr, wolfSSL_EVP_sha256(), nullptr, shown.get()) == 1 &&
           wolfSSL_EVP_DigestVerifyUpdate(verifying.get(), text.data(), text.size()) == 1 &&
           wolfSSL_EVP_DigestVerifyFinal(verifying.get(), signature.data(), size) == 1;
}

} // namespace culex::io
