#pragma once
/// \file tls_config.hpp
/// wolfSSL's context, made from options: what many connections share, and never changes.

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

// Always the first of wolfSSL's headers: it says how the library was built.
#include <wolfssl/options.h>

#include <wolfssl/ssl.h>

#include <culex/result.hpp>
#include <culex/tls.hpp>

#include "io/tls_sessions.hpp"

namespace culex::io {

struct FreeWolf {
    void operator()(WOLFSSL_CTX* context) const noexcept { wolfSSL_CTX_free(context); }
    void operator()(WOLFSSL* ssl) const noexcept { wolfSSL_free(ssl); }
    void operator()(WOLFSSL_X509* certificate) const noexcept { wolfSSL_X509_free(certificate); }
    void operator()(WOLFSSL_SESSION* session) const noexcept { wolfSSL_SESSION_free(session); }
};
template <class T> using WolfPtr = std::unique_ptr<T, FreeWolf>;

/// wolfSSL keeps tables of multiples of curve points, up to 12 MB, for each thread, and does not know when one ends. To be
/// called where a thread is about to calculate with curves.
void tidy_up_with_thread();

/// A key agreed upon before.
struct TlsPsk {
    std::string identity{};
    std::string key{};
};

/// `TlsOptions` that own what they show.
struct TlsClientSettings {
    explicit TlsClientSettings(const TlsOptions& options);

    std::string ca_file, ca_directory, ca;
    bool system_authorities_too = false;
    TlsVerify verify = TlsVerify::chain_and_host_name;
    std::string server_name;
    std::string certificate_file, key_file, certificate, key;
    TlsPsk psk;
    TlsVersion min_version, max_version;
    std::string ciphers;
    std::vector<std::string> alpn;
    bool resume_sessions = true;
    std::string key_log_file;
};

/// What a server is made of. Files are not read here: PEM.
struct TlsServerSettings {
    std::string certificate{};
    std::string key{};
    std::string client_ca{};
    bool demand_client_certificate = false;
    TlsPsk psk{};
    TlsVersion min_version = TlsVersion::v1_2;
    TlsVersion max_version = TlsVersion::v1_3;
    std::string ciphers{};
    std::vector<std::string> alpn{};
    bool resume_sessions = true;
    bool session_ids_alone = false; ///< of TLS 1.2: in a table, and no tickets
};

/// An authority that was given and is not trusted.
struct ExpiredAuthority {
    std::string subject; ///< in one line
    std::string until;
};

/// Shared by the configurations that one context has had.
struct TlsCounters {
    std::atomic<std::uint64_t> handshakes{0};
    std::atomic<std::uint64_t> resumed{0};
    std::atomic<std::uint64_t> failed{0};
};

/// Read by many threads at once. Every engine holds it, so it outlives a reload.
class TlsConfig {
public:
    /// The failure names the option or the file.
    [[nodiscard]] static Result<std::shared_ptr<TlsConfig>> client(const TlsClientSettings& settings,
                                                                   std::shared_ptr<TlsCounters> counters);
    [[nodiscard]] static Result<std::shared_ptr<TlsConfig>> server(const TlsServerSettings& settings,
                                                                   std::shared_ptr<TlsCounters> counters);

    bool is_client = true;
    TlsVerify verify = TlsVerify::chain_and_host_name;
    bool shows_certificate = false;
    bool resume_sessions = true;
    std::string server_name; // in place of the endpoint's host, where it is not empty
    std::string alpn;        // with commas between, as wolfSSL wants it
    TlsPsk psk;
    std::string versions;                  // for messages
    std::vector<ExpiredAuthority> expired; // so are these
    std::shared_ptr<TlsCounters> counters;
    mutable TlsSessions sessions;
    WolfPtr<WOLFSSL_CTX> context;

private:
    Failure make_context(TlsVersion least, TlsVersion greatest);
    void set_verify(int mode);
    Failure trust(const TlsClientSettings& settings);
    Failure trust_system();
    Failure trust_file(const std::string& path);
    Failure trust_directory(const std::string& path);
    Failure trust_text(const std::string& text, const std::string& name);
    struct Loaded;
    Loaded load(const std::string& text);
    int load_one(std::string_view certificate, unsigned flags);
    void keep_expired(std::string_view certificate);
    [[nodiscard]] Failure nothing_loaded(const Loaded& loaded, const std::string& name) const;
    Failure identify(const std::string& certificate, const std::string& certificate_name, const std::string& key,
                     const std::string& key_name);
    Failure set_ciphers(const std::string& names);
    Failure set_alpn(const std::vector<std::string>& protocols);
    Failure set_psk(const TlsPsk& agreed, TlsVersion greatest);
    Failure log_keys(const std::string& path);
};

} // namespace culex::io
