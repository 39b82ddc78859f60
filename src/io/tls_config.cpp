#include "io/tls_config.hpp"

#include <algorithm>
#include <cstring>
#include <mutex>

#include <fmt/format.h>
#include <wolfssl/wolfcrypt/ecc.h>

#include "base/text.hpp"
#include "io/tls_engine.hpp"
#include "io/tls_errors.hpp"

namespace culex::io {
namespace {

/// ChaCha20 first: wolfSSL without assembly, as Debian builds it, encrypts with AES at a third of the speed, by tables whose
/// use of the cache tells something of the key.
constexpr std::string_view default_ciphers =
    "TLS13-CHACHA20-POLY1305-SHA256:TLS13-AES128-GCM-SHA256:TLS13-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
/// wolfSSL offers a key agreed upon before only with the suites of the list, and with the others of the list its binder is wrong.
constexpr std::string_view psk_cipher = "TLS13-AES128-GCM-SHA256";
/// How long a TLS 1.2 session is tried again, in seconds; how long it is taken is the broker's affair. wolfSSL's own: 500 s.
constexpr unsigned session_lifetime = 24 * 60 * 60;

Failure bad_option(std::string detail) { return Failure(Errc::invalid_argument, std::move(detail)); }
Failure unusable(std::string detail) { return Failure(Errc::tls_failed, std::move(detail)); }

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        const std::size_t at = text.find(separator);
        parts.push_back(text.substr(0, at));
        if (at == text.npos) return parts;
        text.remove_prefix(at + 1);
    }
}

/// The names of the suites that this wolfSSL has; nothing where it cannot tell.
std::string known_ciphers() {
    std::string names(16'384, '\0');
    if (wolfSSL_get_ciphers(names.data(), static_cast<int>(names.size())) != WOLFSSL_SUCCESS) return {};
    names.resize(std::strlen(names.c_str()));
    return names;
}

unsigned psk_of_client(WOLFSSL* ssl, const char*, char* identity, unsigned identity_size, unsigned char* key,
                       unsigned key_size, const char** cipher) {
    const auto* psk = static_cast<const TlsPsk*>(wolfSSL_get_psk_callback_ctx(ssl));
    if (psk->identity.size() >= identity_size || psk->key.size() > key_size) return 0;
    std::memcpy(identity, psk->identity.c_str(), psk->identity.size() + 1);
    std::memcpy(key, psk->key.data(), psk->key.size());
    *cipher = psk_cipher.data();
    return static_cast<unsigned>(psk->key.size());
}

unsigned psk_of_server(WOLFSSL* ssl, const char* identity, unsigned char* key, unsigned key_size, const char** cipher) {
    const auto* psk = static_cast<const TlsPsk*>(wolfSSL_get_psk_callback_ctx(ssl));
    if (psk->identity != identity || psk->key.size() > key_size) return 0;
    std::memcpy(key, psk->key.data(), psk->key.size());
    *cipher = psk_cipher.data();
    return static_cast<unsigned>(psk->key.size());
}

bool starts_wolf() {
    static const bool started = wolfSSL_Init() == WOLFSSL_SUCCESS; // once; it is not ended, since others may use it
    return started;
}

WOLFSSL_METHOD* method_of(bool client, TlsVersion least, TlsVersion greatest) {
    if (least == TlsVersion::v1_3) return client ? wolfTLSv1_3_client_method() : wolfTLSv1_3_server_method();
    if (greatest == TlsVersion::v1_2) return client ? wolfTLSv1_2_client_method() : wolfTLSv1_2_server_method();
    return client ? wolfSSLv23_client_method() : wolfSSLv23_server_method();
}

struct FreeTables {
    ~FreeTables() { wc_ecc_fp_free(); }
};

} // namespace

void tidy_up_with_thread() {
    const thread_local FreeTables tables;
    (void)tables;
}

Failure TlsConfig::make_context(TlsVersion least, TlsVersion greatest) {
    if (least > greatest) return bad_option("min_version is above max_version");
    tidy_up_with_thread();
    if (!starts_wolf()) return unusable("wolfSSL does not start");
    context.reset(wolfSSL_CTX_new(method_of(is_client, least, greatest)));
    if (!context) return unusable("wolfSSL has no context for us");
    wolfSSL_CTX_SetMinVersion(context.get(), least == TlsVersion::v1_3 ? WOLFSSL_TLSV1_3 : WOLFSSL_TLSV1_2);
    versions = least != greatest ? "TLS 1.2 or 1.3" : least == TlsVersion::v1_3 ? "TLS 1.3" : "TLS 1.2";
    return Failure();
}

/// Without the mode nothing would be verified at all: wolfSSL as Debian builds it does as OpenSSL did. It must come before
/// authorities are loaded, of which wolfSSL looks at nothing, not at their dates either, where nothing is to be verified.
void TlsConfig::set_verify(int mode) { wolfSSL_CTX_set_verify(context.get(), mode, nullptr); }

Failure TlsConfig::set_ciphers(const std::string& names) {
    // wolfSSL passes over names that it does not know.
    const std::string known = known_ciphers();
    const auto all = split(known, ':');
    for (const std::string_view name : split(names, ':')) {
        if (!known.empty() && std::ranges::find(all, name) == all.end())
            return bad_option(fmt::format("ciphers: this wolfSSL does not have {}", quoted(name)));
    }
    if (wolfSSL_CTX_set_cipher_list(context.get(), names.c_str()) != WOLFSSL_SUCCESS)
        return bad_option(fmt::format("ciphers: wolfSSL refuses {}", quoted(names)));
    return Failure();
}

Failure TlsConfig::set_alpn(const std::vector<std::string>& protocols) {
    for (const std::string& each : protocols) {
        if (each.empty() || each.size() > 255 || each.find_first_of(std::string_view(",\0", 2)) != each.npos)
            return bad_option(fmt::format("alpn: {} is no name of a protocol", quoted(each)));
        alpn += alpn.empty() ? "" : ",";
        alpn += each;
    }
    return Failure();
}

Failure TlsConfig::set_psk(const TlsPsk& agreed, TlsVersion greatest) {
    psk = agreed;
    if (psk.identity.empty() && psk.key.empty()) return Failure();
    if (psk.identity.empty() || psk.identity.size() > 128 || psk.identity.find('\0') != psk.identity.npos)
        return bad_option("psk_identity: 1 to 128 characters, none of them null");
    if (psk.key.empty() || psk.key.size() > 64) return bad_option("psk_key: 1 to 64 bytes");
    if (greatest < TlsVersion::v1_3) return Failure(Errc::not_supported, "psk_key: only with TLS 1.3");
    if (is_client) {
        wolfSSL_CTX_set_psk_client_tls13_callback(context.get(), &psk_of_client);
    } else {
        wolfSSL_CTX_set_psk_server_tls13_callback(context.get(), &psk_of_server);
    }
    return Failure();
}

Result<std::shared_ptr<TlsConfig>> TlsConfig::client(const TlsClientSettings& settings,
                                                     std::shared_ptr<TlsCounters> counters) {
    auto config = std::make_shared<TlsConfig>();
    config->counters = std::move(counters);
    config->verify = settings.verify;
    config->resume_sessions = settings.resume_sessions;
    config->server_name = settings.server_name;
    const bool has_psk = !settings.psk.key.empty() || !settings.psk.identity.empty();
    Failure why = config->make_context(
        has_psk ? std::max(settings.min_version, settings.max_version) : settings.min_version, settings.max_version);
    if (!why) why = config->set_psk(settings.psk, settings.max_version);
    const std::string usual(has_psk ? psk_cipher : default_ciphers);
    if (!why) why = config->set_ciphers(settings.ciphers.empty() ? usual : settings.ciphers);
    if (!why) why = config->set_alpn(settings.alpn);
    if (!why)
        config->set_verify(settings.verify == TlsVerify::nothing_at_all ? WOLFSSL_VERIFY_NONE : WOLFSSL_VERIFY_PEER);
    if (!why) why = config->trust(settings);
    if (!why) {
        why = config->identify(settings.certificate_file.empty() ? settings.certificate : settings.certificate_file,
                               settings.certificate_file.empty() ? "certificate" : "certificate_file",
                               settings.key_file.empty() ? settings.key : settings.key_file,
                               settings.key_file.empty() ? "key" : "key_file");
    }
    if (!why && !settings.key_log_file.empty()) why = config->log_keys(settings.key_log_file);
    if (why) return why;
    WOLFSSL_CTX* const context = config->context.get();
    wolfSSL_CTX_set_client_cert_cb(context, &TlsEngine::on_certificate_demanded);
    // We keep sessions ourselves; wolfSSL's own table is one for the whole process, with a lock.
    wolfSSL_CTX_set_session_cache_mode(context, WOLFSSL_SESS_CACHE_CLIENT | WOLFSSL_SESS_CACHE_NO_INTERNAL);
    // (Of a server it would also be the lifetime of tickets, which the keys that wolfSSL makes for them do not reach.)
    wolfSSL_CTX_set_timeout(context, session_lifetime);
    if (settings.resume_sessions) wolfSSL_CTX_UseSessionTicket(context);
    return config;
}

Result<std::shared_ptr<TlsConfig>> TlsConfig::server(const TlsServerSettings& settings,
                                                     std::shared_ptr<TlsCounters> counters) {
    auto config = std::make_shared<TlsConfig>();
    config->is_client = false;
    config->counters = std::move(counters);
    config->resume_sessions = settings.resume_sessions;
    const bool has_psk = !settings.psk.key.empty();
    Failure why = config->make_context(settings.min_version, settings.max_version);
    if (!why) why = config->set_psk(settings.psk, settings.max_version);
    const std::string usual(has_psk ? psk_cipher : default_ciphers);
    if (!why) why = config->set_ciphers(settings.ciphers.empty() ? usual : settings.ciphers);
    if (!why) why = config->set_alpn(settings.alpn);
    if (!why) why = config->identify(settings.certificate, "certificate", settings.key, "key");
    if (!why && !config->shows_certificate && !has_psk)
        why = bad_option("certificate: a server needs one, or a psk_key");
    int mode = WOLFSSL_VERIFY_NONE;
    if (!settings.client_ca.empty()) mode = WOLFSSL_VERIFY_PEER;
    if (settings.demand_client_certificate) mode |= WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    if (!why) config->set_verify(mode);
    if (!why && !settings.client_ca.empty()) why = config->trust_text(settings.client_ca, "client_ca");
    if (why) return why;
    WOLFSSL_CTX* const context = config->context.get();
    if (settings.session_ids_alone) {
        wolfSSL_CTX_NoTicketTLSv12(context);
    } else {
        // wolfSSL's table of sessions is one for the process: one server's would be resumed by another.
        wolfSSL_CTX_set_session_cache_mode(context, WOLFSSL_SESS_CACHE_SERVER | WOLFSSL_SESS_CACHE_NO_INTERNAL);
    }
    if (!settings.resume_sessions) {
        wolfSSL_CTX_set_session_cache_mode(context, WOLFSSL_SESS_CACHE_OFF);
        wolfSSL_CTX_no_ticket_TLSv13(context);
        wolfSSL_CTX_NoTicketTLSv12(context);
    }
    return config;
}

} // namespace culex::io
