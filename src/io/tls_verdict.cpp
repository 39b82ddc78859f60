// Why a TLS connection failed, in the words of the case.
#include "io/tls_engine.hpp"

#include <algorithm>

#include <wolfssl/error-ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

#include <fmt/format.h>

#include "base/text.hpp"
#include "io/tls_errors.hpp"
#include "io/tls_names.hpp"

namespace culex::io {
namespace {

/// The words for those errors that need none of the certificate's own but who it is of: "the certificate of X ...". OpenSSL's
/// numbers, which wolfSSL gives where it knows one, and beside them its own.
std::string_view words_for_certificate(int error) noexcept {
    switch (error) {
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case ASN_SELF_SIGNED_E:
        return "is self-signed, and not among those trusted (unknown CA)";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return "is that of an authority, and at the chain's end, but not among those trusted (unknown CA)";
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
    case MAX_CHAIN_ERROR:
        return "is refused: the chain of certificates is too long";
    case X509_V_ERR_INVALID_CA:
    case NOT_CA_ERROR:
        return "is refused: the one that issued it, or it itself, is not an authority's";
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
    case ASN_PATHLEN_INV_E:
    case ASN_PATHLEN_SIZE_E:
        return "is refused: an authority above it may have none so far below it (path length)";
    case X509_V_ERR_INVALID_PURPOSE:
    case EXTKEYUSE_AUTH_E:
        return "is refused: it is for another purpose (extended key usage)";
    case KEYUSE_ENCIPHER_E:
    case KEYUSE_SIGNATURE_E:
        return "is refused: it is for another purpose (key usage)";
    default:
        return {};
    }
}

/// The authority that none of the certificates shown is of, and that is not trusted: wolfSSL passes over those between, in the
/// hope of another chain, and refuses the server's own.
std::string missing_issuer(const WOLFSSL_X509_STORE_CTX& store) {
    std::string issuer = line_of(wolfSSL_X509_get_issuer_name(store.current_cert));
    for (int i = 1; store.certs && i < store.totalCerts; ++i) {
        const WOLFSSL_BUFFER_INFO& shown = store.certs[i];
        const WolfPtr<WOLFSSL_X509> above(
            wolfSSL_X509_load_certificate_buffer(shown.buffer, static_cast<int>(shown.length), WOLFSSL_FILETYPE_ASN1));
        // (One that may issue nothing is no authority, though it be of a trusted one.)
        if (above && wolfSSL_X509_get_isCA(above.get()) == 1 &&
            line_of(wolfSSL_X509_get_subject_name(above.get())) == issuer)
            issuer = line_of(wolfSSL_X509_get_issuer_name(above.get()));
    }
    return issuer;
}

} // namespace

/// wolfSSL asks about every certificate of the chain, the peer's own last; we only look, and leave its verdict as it is, but
/// compare the names ourselves.
int TlsEngine::on_verified(int good, WOLFSSL_X509_STORE_CTX* store) {
    auto* const self = static_cast<TlsEngine*>(store->userCtx);
    if (!self) return good;
    if (!good) {
        if (self->verdict_.empty()) self->describe_certificate(*store);
        return good;
    }
    const bool peers_own = store->error_depth == 0;
    if (!peers_own) return good;
    self->verdict_.clear(); // of a certificate that this one turns out not to need
    if (!self->verifies_host() || !store->current_cert) return good;
    return self->verify_host(store->current_cert) ? 1 : 0;
}

bool TlsEngine::verify_host(WOLFSSL_X509* certificate) {
    host_verified_ = true;
    const CertificateNames names = names_of(certificate);
    if (is_for(names, expected_name())) return true;
    verdict_ = fmt::format("the certificate is for {}, not for {}", text_of(names), printable(expected_name(), 253));
    return false;
}

void TlsEngine::describe_certificate(const WOLFSSL_X509_STORE_CTX& store) {
    WOLFSSL_X509* const certificate = store.current_cert;
    if (!certificate) return;
    const int error = store.error;
    const std::string subject = line_of(wolfSSL_X509_get_subject_name(certificate));
    switch (error) {
    case ASN_AFTER_DATE_E:
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
        verdict_ = fmt::format("the certificate of {} has expired: it was valid until {}", subject,
                               date_of(wolfSSL_X509_get_notAfter(certificate)));
        break;
    case ASN_BEFORE_DATE_E:
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD:
        verdict_ = fmt::format("the certificate of {} is not valid yet: it will be from {} on", subject,
                               date_of(wolfSSL_X509_get_notBefore(certificate)));
        break;
    case ASN_NO_SIGNER_E:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        verdict_ = words_for_issuer(subject, missing_issuer(store));
        break;
    default: {
        const std::string_view words = words_for_certificate(error);
        verdict_ = words.empty() ? fmt::format("the certificate of {} is refused: {}", subject, tls_error_text(error))
                                 : fmt::format("the certificate of {} {}", subject, words);
    }
    }
}

/// Where no authority of the name is trusted.
std::string TlsEngine::words_for_issuer(std::string_view subject, std::string_view issuer) const {
    const auto found = std::ranges::find(config_->expired, issuer, &ExpiredAuthority::subject);
    if (found == config_->expired.end())
        return fmt::format("the certificate of {} is of an unknown authority (unknown CA): {}", subject, issuer);
    return fmt::format(
        "the certificate of {} is of an authority that is not trusted any more, since it has expired: {} was "
        "valid until {}",
        subject, issuer, found->until);
}

Failure TlsEngine::failure(int error) {
    // A session that does not do is not offered again.
    if (offered_session_ && !has_read_) config_->sessions.forget(endpoint_);
    abandon();
    Failure why(Errc::tls_failed, words_for(error));
    // The server's verdict on our certificate comes when, under TLS 1.3, the handshake has ended for us.
    return has_read_ ? std::move(why) : std::move(why).during(Phase::tls);
}

Failure TlsEngine::cut_off(Failure why) {
    if (offered_session_) config_->sessions.forget(endpoint_);
    abandon();
    if (why != Errc::end_of_stream) return std::move(why).during(Phase::tls);
    return Failure(Errc::tls_failed,
                   fmt::format("the peer closed the connection during the handshake{}",
                               lacks_certificate_ ? ": it demands a client certificate, and none was given"
                                                  : "; perhaps it speaks no TLS on this port"))
        .during(Phase::tls);
}

std::string TlsEngine::words_for(int error) {
    if (!verdict_.empty()) return verdict_;
    WOLFSSL_ALERT_HISTORY history{};
    wolfSSL_get_alert_history(ssl_.get(), &history);
    constexpr int fatal = 2;
    const bool alerted = error == FATAL_ERROR || error == SOCKET_PEER_CLOSED_E;
    if (alerted && history.last_rx.level == fatal) return words_for_alert(history.last_rx.code);
    if (error == WOLFSSL_ERROR_ZERO_RETURN) return "the peer ended the connection during the handshake";
    return tls_error_text(error);
}

std::string TlsEngine::words_for_alert(int alert) const {
    const std::string_view name = alert_name(alert);
    std::string text = fmt::format("the peer sent the TLS alert {}{}", name.empty() ? std::to_string(alert) : name,
                                   established_ && !has_read_ ? " right after the handshake" : "");
    const char* hint = nullptr;
    const bool about_us = alert >= 41 && alert <= 49; // bad_certificate ... access_denied
    if (alert == 116 || lacks_certificate_) {
        hint = "it demands a client certificate, and none was given";
    } else if (alert == 40) {
        hint = "no cipher suite or version in common";
    } else if (config_->is_client && about_us) {
        hint = "it does not accept our client certificate";
    } else if (about_us) {
        hint = "it does not accept our certificate";
    } else if (alert == 70) {
        hint = "it speaks no version of TLS that is allowed here";
    } else if (alert == 120) {
        hint = "it speaks none of the ALPN protocols offered";
    } else if (alert == 115 || (alert == 51 && !config_->psk.key.empty())) {
        hint = "it does not know the key agreed upon before";
    }
    if (hint) text += fmt::format(": {}", hint);
    if (alert == 70) text += fmt::format(" ({})", config_->versions);
    return text;
}

} // namespace culex::io
