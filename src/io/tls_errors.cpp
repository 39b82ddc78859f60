#include "io/tls_errors.hpp"

#include <array>

#include <wolfssl/options.h>

#include <fmt/format.h>
#include <wolfssl/error-ssl.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

namespace culex::io {
namespace {

struct Named {
    int number;
    std::string_view name;
};

constexpr std::array<Named, 34> alerts{{{0, "close_notify"},
                                        {10, "unexpected_message"},
                                        {20, "bad_record_mac"},
                                        {21, "decryption_failed"},
                                        {22, "record_overflow"},
                                        {30, "decompression_failure"},
                                        {40, "handshake_failure"},
                                        {41, "no_certificate"},
                                        {42, "bad_certificate"},
                                        {43, "unsupported_certificate"},
                                        {44, "certificate_revoked"},
                                        {45, "certificate_expired"},
                                        {46, "certificate_unknown"},
                                        {47, "illegal_parameter"},
                                        {48, "unknown_ca"},
                                        {49, "access_denied"},
                                        {50, "decode_error"},
                                        {51, "decrypt_error"},
                                        {60, "export_restriction"},
                                        {70, "protocol_version"},
                                        {71, "insufficient_security"},
                                        {80, "internal_error"},
                                        {86, "inappropriate_fallback"},
                                        {90, "user_canceled"},
                                        {100, "no_renegotiation"},
                                        {109, "missing_extension"},
                                        {110, "unsupported_extension"},
                                        {111, "certificate_unobtainable"},
                                        {112, "unrecognized_name"},
                                        {113, "bad_certificate_status_response"},
                                        {114, "bad_certificate_hash_value"},
                                        {115, "unknown_psk_identity"},
                                        {116, "certificate_required"},
                                        {120, "no_application_protocol"}}};

/// Those whose own text says less than we know.
constexpr std::array<Named, 14> errors{{
    {UNKNOWN_RECORD_TYPE, "what the peer sends is not TLS"},
    {UNSUPPORTED_PROTO_VERSION, "the peer speaks a version of TLS that is not allowed here"},
    {VERSION_ERROR, "the peer speaks a version of TLS that is not allowed here, or no TLS at all"},
    {MATCH_SUITE_ERROR, "no cipher suite in common"},
    {UNSUPPORTED_SUITE, "no cipher suite in common"},
    {NO_PEER_CERT, "the peer has shown no certificate"},
    {VERIFY_MAC_ERROR, "a record was changed on its way"},
    {DECRYPT_ERROR, "a record was changed on its way"},
    {BAD_BINDER, "the key agreed upon before is not the same"},
    {PSK_KEY_ERROR, "the key agreed upon before does not fit"},
    {UNKNOWN_ALPN_PROTOCOL_NAME_E, "no ALPN protocol in common"},
    {ASN_NO_SIGNER_E, "the certificate is of an unknown authority (unknown CA)"},
    {ASN_AFTER_DATE_E, "the certificate has expired"},
    {ASN_BEFORE_DATE_E, "the certificate is not valid yet"},
}};

template <std::size_t N> std::string_view name_in(const std::array<Named, N>& table, int number) noexcept {
    for (const Named& each : table) {
        if (each.number == number) return each.name;
    }
    return {};
}

} // namespace

std::string_view alert_name(int alert) noexcept { return name_in(alerts, alert); }

std::string tls_error_text(int error) {
    const std::string_view own = name_in(errors, error);
    if (!own.empty()) return fmt::format("{} (wolfSSL {})", own, error);
    std::array<char, WOLFSSL_MAX_ERROR_SZ> text{};
    wolfSSL_ERR_error_string_n(static_cast<unsigned long>(error), text.data(), text.size());
    return fmt::format("{} (wolfSSL {})", text.data(), error);
}

} // namespace culex::io
