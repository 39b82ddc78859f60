#pragma once
/// \file tls_server.hpp
/// The server's side of TLS, for brokers of tests.
///
///     culex::testing::TlsServer tls{{.certificate_file = "server.pem", .key_file = "server.key"}};
///     culex::testing::BrokerThread broker{{.tls = tls}};      // broker.url() is mqtts://127.0.0.1:...

#include <memory>
#include <span>
#include <string_view>

#include <culex/runtime.hpp>
#include <culex/tls.hpp>

namespace culex::testing {

/// The views are copied. Certificates and keys are PEM.
struct TlsServerOptions {
    std::string_view certificate_file{}; ///< and behind it those between it and its authority
    /// Of the certificate; not encrypted.
    std::string_view key_file{};
    /// Authorities whose clients are taken; a client's certificate is looked at only where this is given.
    std::string_view client_ca_file{};
    /// A client without a certificate is refused.
    bool demand_client_certificate = false;
    std::string_view psk_identity{}; ///< TLS 1.3 alone
    /// 1 to 64 bytes.
    Bytes psk_key{};
    /// The least that is spoken.
    TlsVersion min_version = TlsVersion::v1_2;
    /// The greatest.
    TlsVersion max_version = TlsVersion::v1_3;
    std::string_view ciphers{}; ///< by default as a client's
    /// Empty: what clients offer is ignored. Otherwise one of these is chosen, or the handshake fails.
    std::span<const std::string_view> alpn{};
    bool resume_sessions = true; ///< by tickets, and by TLS 1.2's session ids
};

/// Copies are cheap and are the same server. May be used from any thread.
class TlsServer {
public:
    /// Throws `Error`, as `TlsContext` does.
    explicit TlsServer(const TlsServerOptions& options);

    /// A stream that shakes hands once it is started. `stream` is of `scheduler`'s.
    [[nodiscard]] std::unique_ptr<Stream> operator()(Scheduler& scheduler, std::unique_ptr<Stream> stream) const;
    /// Handshakes of all its streams.
    [[nodiscard]] TlsStatistics statistics() const noexcept;

private:
    struct Shared;
    std::shared_ptr<const Shared> shared_;
};

} // namespace culex::testing
