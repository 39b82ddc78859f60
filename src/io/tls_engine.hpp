#pragma once
/// \file tls_engine.hpp
/// One TLS connection without input or output: bytes of the transport come in with `handle_input`, bytes for it are in
/// `output()`, and plain text goes the other ways.
///
/// wolfSSL wants to read and write by itself. It is given callbacks that take from the input and append to the output and
/// never have to wait to write: after "would block" it would send the old bytes again, whatever was asked for since. Who
/// writes bounds the output by looking at it.

#include <string>

#include <culex/buffer.hpp>

#include "io/tls_config.hpp"

namespace culex::io {

class TlsEngine {
public:
    /// The greatest record's plain text (RFC 8446, section 5.1).
    static constexpr std::size_t record_size = 16'384;

    /// For a client, `host` is the name that is verified, and `port` tells sessions apart. For a server both are unused.
    TlsEngine(std::shared_ptr<const TlsConfig> config, std::string host, std::uint16_t port);
    TlsEngine(const TlsEngine&) = delete;
    TlsEngine& operator=(const TlsEngine&) = delete;
    ~TlsEngine();

    /// A client's first message is in the output then. A failure is final, here and below.
    [[nodiscard]] Failure begin();
    /// Goes on with the handshake, and decrypts what there is into `plain`. All of `bytes` is used, but what stands behind
    /// the peer's end.
    [[nodiscard]] Failure handle_input(Bytes bytes, Buffer& plain);
    /// Encrypts, in records of up to `record_size`; only when established.
    [[nodiscard]] Failure write(Bytes plain);
    /// Says close_notify. Nothing is written afterwards; reading goes on.
    void close();

    [[nodiscard]] Buffer& output() noexcept { return output_; }
    [[nodiscard]] bool established() const noexcept { return established_; }
    /// The peer has said close_notify.
    [[nodiscard]] bool peer_closed() const noexcept { return peer_closed_; }
    /// Of an established connection.
    [[nodiscard]] bool resumed() const noexcept { return resumed_; }

    /// A client's: that of an earlier connection, which the server need not take.
    [[nodiscard]] bool offered_session() const noexcept { return offered_session_; }
    /// The transport has ended before the handshake had: what that means.
    [[nodiscard]] Failure cut_off(Failure why);

    /// For the configuration: wolfSSL asks for a certificate where none was given. There is none, but it is good to know.
    static int on_certificate_demanded(WOLFSSL* ssl, WOLFSSL_X509**, WOLFSSL_EVP_PKEY**);
    [[nodiscard]] WOLFSSL* native() const noexcept { return ssl_.get(); }

private:
    static int on_receive(WOLFSSL*, char* to, int size, void* self);
    static int on_send(WOLFSSL*, char* from, int size, void* self);
    static int on_ticket(WOLFSSL*, const unsigned char*, int, void* self);
    static int on_verified(int good, WOLFSSL_X509_STORE_CTX* store);

    /// The handshake has not ended, and never will. For the counters, once.
    void abandon() noexcept;
    Failure set_up_client();
    Failure set_host(const std::string& name);
    void offer_session();
    Failure shake_hands();
    Failure finish();
    Failure check_alpn();
    Failure read_all(Buffer& plain);
    void keep_session();
    [[nodiscard]] Failure failure(int error);
    [[nodiscard]] std::string words_for(int error);
    [[nodiscard]] std::string words_for_alert(int alert) const;
    [[nodiscard]] std::string words_for_issuer(std::string_view subject, std::string_view issuer) const;
    [[nodiscard]] bool verify_host(WOLFSSL_X509* certificate);
    void describe_certificate(const WOLFSSL_X509_STORE_CTX& store);
    [[nodiscard]] bool verifies_host() const noexcept {
        return config_->is_client && config_->verify == TlsVerify::chain_and_host_name;
    }
    [[nodiscard]] const std::string& expected_name() const noexcept {
        return config_->server_name.empty() ? host_ : config_->server_name;
    }

    std::shared_ptr<const TlsConfig> config_; // outlives `ssl_`, which refers to it
    WolfPtr<WOLFSSL> ssl_;
    std::string host_;
    std::string endpoint_; // by which sessions are kept
    Bytes input_;          // during `handle_input`
    Buffer output_;
    std::string verdict_; // what was wrong with the peer's certificate
    bool host_verified_ = false;
    bool established_ = false;
    bool resumed_ = false;
    bool offered_session_ = false;
    bool has_ticket_ = false;        // a new one that has not been kept
    bool wants_id_ = false;          // a new session of TLS 1.2, which can be resumed by its id
    bool lacks_certificate_ = false; // the server has asked for one
    bool has_read_ = false;          // application data: the peer has accepted us
    bool peer_closed_ = false;
    bool counted_ = false;
};

} // namespace culex::io
