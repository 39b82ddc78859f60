#include "io/tls_engine.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>
#include <wolfssl/error-ssl.h>

#include "io/tls_names.hpp"

namespace culex::io {
TlsEngine::TlsEngine(std::shared_ptr<const TlsConfig> config, std::string host, std::uint16_t port)
    : config_(std::move(config)), ssl_(wolfSSL_new(config_->context.get())), host_(std::move(host)),
      endpoint_(fmt::format("{}:{}", host_, port)) {
    // A name may be written as the root's child, with a dot behind it; certificates never are.
    if (host_.ends_with('.')) host_.pop_back();
    if (!ssl_) return;
    wolfSSL_SSLSetIORecv(ssl_.get(), &TlsEngine::on_receive);
    wolfSSL_SSLSetIOSend(ssl_.get(), &TlsEngine::on_send);
    wolfSSL_SetIOReadCtx(ssl_.get(), this);
    wolfSSL_SetIOWriteCtx(ssl_.get(), this);
    wolfSSL_set_verify(ssl_.get(), wolfSSL_CTX_get_verify_mode(config_->context.get()), &TlsEngine::on_verified);
    wolfSSL_SetCertCbCtx(ssl_.get(), this);
    wolfSSL_set_psk_callback_ctx(ssl_.get(), const_cast<TlsPsk*>(&config_->psk));
}

TlsEngine::~TlsEngine() { abandon(); }

void TlsEngine::abandon() noexcept {
    if (established_ || std::exchange(counted_, true)) return;
    config_->counters->failed.fetch_add(1, std::memory_order_relaxed);
}

int TlsEngine::on_receive(WOLFSSL*, char* to, int size, void* self) {
    Bytes& input = static_cast<TlsEngine*>(self)->input_;
    if (input.empty()) return WOLFSSL_CBIO_ERR_WANT_READ;
    const std::size_t count = std::min(input.size(), static_cast<std::size_t>(size));
    std::memcpy(to, input.data(), count);
    input = input.subspan(count);
    return static_cast<int>(count);
}

int TlsEngine::on_ticket(WOLFSSL*, const unsigned char*, int size, void* self) {
    static_cast<TlsEngine*>(self)->has_ticket_ = size > 0;
    return 0;
}

int TlsEngine::on_certificate_demanded(WOLFSSL* ssl, WOLFSSL_X509**, WOLFSSL_EVP_PKEY**) {
    static_cast<TlsEngine*>(wolfSSL_GetIOReadCtx(ssl))->lacks_certificate_ = true;
    return 0;
}

int TlsEngine::on_send(WOLFSSL*, char* from, int size, void* self) {
    static_cast<TlsEngine*>(self)->output_.append(as_bytes({from, static_cast<std::size_t>(size)}));
    return size;
}

Failure TlsEngine::begin() {
    if (!ssl_) return Failure(Errc::tls_failed, "wolfSSL has no memory for a connection").during(Phase::tls);
    if (config_->is_client) {
        if (Failure why = set_up_client()) return std::move(why).during(Phase::tls);
        return shake_hands();
    }
    // A server that knows none of the protocols offered says so and ends (RFC 7301, section 3.2).
    if (!config_->alpn.empty()) {
        std::string protocols = config_->alpn;
        wolfSSL_UseALPN(ssl_.get(), protocols.data(), static_cast<unsigned>(protocols.size()),
                        WOLFSSL_ALPN_FAILED_ON_MISMATCH);
    }
    return Failure();
}

Failure TlsEngine::set_up_client() {
    if (!config_->alpn.empty()) {
        std::string protocols = config_->alpn;
        const int done = wolfSSL_UseALPN(ssl_.get(), protocols.data(), static_cast<unsigned>(protocols.size()),
                                         WOLFSSL_ALPN_CONTINUE_ON_MISMATCH);
        if (done != WOLFSSL_SUCCESS) return failure(done);
    }
    if (Failure why = set_host(expected_name())) return why;
    // With the key exchange of wolfSSL's own choice, P-256, a resumed handshake takes two and a half times as long. (Of no
    // effect with TLS 1.2 alone; a server without X25519 asks for another.)
    wolfSSL_UseKeyShare(ssl_.get(), WOLFSSL_ECC_X25519);
    offer_session();
    return Failure();
}

Failure TlsEngine::set_host(const std::string& name) {
    if (verifies_host() && name.empty())
        return Failure(Errc::invalid_argument, "the broker has no host name that could be verified");
    // Addresses are no names to ask for (RFC 6066, section 3).
    if (name.empty() || !address_of(name).empty()) return Failure();
    const int done =
        wolfSSL_UseSNI(ssl_.get(), WOLFSSL_SNI_HOST_NAME, name.data(), static_cast<unsigned short>(name.size()));
    return done == WOLFSSL_SUCCESS ? Failure() : failure(done);
}

void TlsEngine::offer_session() {
    if (!config_->resume_sessions) return;
    wolfSSL_set_SessionTicket_cb(ssl_.get(), &TlsEngine::on_ticket, this);
    const auto bytes = config_->sessions.find(endpoint_);
    if (!bytes) return;
    const auto* at = reinterpret_cast<const unsigned char*>(bytes->data());
    const WolfPtr<WOLFSSL_SESSION> session(wolfSSL_d2i_SSL_SESSION(nullptr, &at, static_cast<long>(bytes->size())));
    offered_session_ = session && wolfSSL_set_session(ssl_.get(), session.get()) == WOLFSSL_SUCCESS;
}

Failure TlsEngine::handle_input(Bytes bytes, Buffer& plain) {
    if (!ssl_ || peer_closed_) return Failure();
    input_ = bytes;
    Failure why;
    if (!established_) why = shake_hands();
    if (!why && established_) why = read_all(plain);
    input_ = {};
    return why;
}

Failure TlsEngine::shake_hands() {
    tidy_up_with_thread();
    const int done = config_->is_client ? wolfSSL_connect(ssl_.get()) : wolfSSL_accept(ssl_.get());
    if (done == WOLFSSL_SUCCESS) return finish();
    const int error = wolfSSL_get_error(ssl_.get(), done);
    if (error == WOLFSSL_ERROR_WANT_READ || error == WOLFSSL_ERROR_WANT_WRITE) return Failure();
    return failure(error);
}

Failure TlsEngine::finish() {
    if (Failure why = check_alpn()) return std::move(why).during(Phase::tls);
    resumed_ = wolfSSL_session_reused(ssl_.get()) != 0;
    // A wolfSSL that asks nothing about a certificate that is good: better late than never. (Debian's asks.)
    if (verifies_host() && !host_verified_ && !resumed_) {
        const WolfPtr<WOLFSSL_X509> certificate(wolfSSL_get_peer_certificate(ssl_.get()));
        if (certificate && !verify_host(certificate.get())) return failure(DOMAIN_NAME_MISMATCH);
    }
    established_ = true;
    config_->counters->handshakes.fetch_add(1, std::memory_order_relaxed);
    if (resumed_) config_->counters->resumed.fetch_add(1, std::memory_order_relaxed);
    wants_id_ = !resumed_ && wolfSSL_version(ssl_.get()) == TLS1_2_VERSION;
    keep_session();
    return Failure();
}

/// A server without ALPN ignores what we offer, and wolfSSL does not mind.
Failure TlsEngine::check_alpn() {
    if (!config_->is_client || config_->alpn.empty()) return Failure();
    char* name = nullptr;
    unsigned short size = 0;
    if (wolfSSL_ALPN_GetProtocol(ssl_.get(), &name, &size) == WOLFSSL_SUCCESS && size > 0) return Failure();
    return Failure(Errc::tls_failed, fmt::format("the broker has chosen none of the ALPN protocols {}", config_->alpn));
}

/// wolfSSL reads one record for each call.
Failure TlsEngine::read_all(Buffer& plain) {
    for (;;) {
        const int count = wolfSSL_read(ssl_.get(), plain.reserve(record_size), static_cast<int>(record_size));
        if (count > 0) {
            has_read_ = true;
            plain.commit(static_cast<std::size_t>(count));
            continue;
        }
        const int error = wolfSSL_get_error(ssl_.get(), count);
        if (error == WOLFSSL_ERROR_WANT_READ || error == WOLFSSL_ERROR_WANT_WRITE) break;
        if (error == WOLFSSL_ERROR_ZERO_RETURN) {
            peer_closed_ = true;
            break;
        }
        return failure(error);
    }
    keep_session();
    return Failure();
}

/// Called when the handshake has ended, and after every read. Under TLS 1.3 a session can be resumed when its ticket has come,
/// which is after the handshake; under TLS 1.2 it may have a ticket, which comes before the end, or none.
void TlsEngine::keep_session() {
    if (!config_->is_client || !config_->resume_sessions) return;
    const bool fresh = std::exchange(has_ticket_, false);
    if (!fresh && !wants_id_) return;
    const WolfPtr<WOLFSSL_SESSION> session(wolfSSL_get1_session(ssl_.get()));
    // Where an offered ticket was not taken and no other has come, wolfSSL goes on with the old ticket and the new secret.
    const bool was_offered = std::exchange(wants_id_, false) && !fresh && offered_session_;
    if (was_offered && wolfSSL_SESSION_has_ticket(session.get())) return config_->sessions.forget(endpoint_);
    const int size = session ? wolfSSL_i2d_SSL_SESSION(session.get(), nullptr) : 0;
    if (size <= 0) return;
    std::string bytes(static_cast<std::size_t>(size), '\0');
    auto* to = reinterpret_cast<unsigned char*>(bytes.data());
    if (wolfSSL_i2d_SSL_SESSION(session.get(), &to) == size) config_->sessions.keep(endpoint_, std::move(bytes));
}

Failure TlsEngine::write(Bytes plain) {
    while (!plain.empty()) {
        const std::size_t count = std::min(plain.size(), record_size);
        const int done = wolfSSL_write(ssl_.get(), plain.data(), static_cast<int>(count));
        if (done <= 0) return failure(wolfSSL_get_error(ssl_.get(), done));
        plain = plain.subspan(static_cast<std::size_t>(done));
    }
    return Failure();
}

void TlsEngine::close() {
    // 0 says that the peer's own is still to come.
    if (established_) wolfSSL_shutdown(ssl_.get());
}

} // namespace culex::io
