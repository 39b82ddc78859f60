#pragma once
/// \file tls.hpp
/// TLS for clients: what a connection to `mqtts://` is made with. By default the broker's certificate is verified
/// against the system's authorities and against the host name of the URL, at TLS 1.2 or 1.3.
///
///     const culex::TlsContext tls{{.ca_file = "ca.pem", .certificate_file = "me.pem", .key_file = "me.key"}};
///     culex::AsyncClient client{loop, {.tls = &tls}};                      // coroutines
///     blocking.connect("broker.example", 60, 8883, {.tls = tls});          // the blocking client
///
/// Where Culex was built without TLS (`-DCULEX_TLS=OFF`), making a context throws `Errc::not_supported`.

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>

#include <culex/runtime.hpp>

namespace culex {

namespace io {
class TlsShared;
}

/// Older ones are not spoken.
enum class TlsVersion : std::uint8_t { v1_2, v1_3 };

/// How much of the broker's certificate is verified.
enum class TlsVerify : std::uint8_t {
    /// An address must be among the certificate's addresses, a name among its names (RFC 9525): `*` stands for the whole of
    /// the first label, and two or more must follow. The common name counts only where there is no subject alternative name
    /// of any kind, and never for an address.
    chain_and_host_name,
    /// Whoever has any certificate of a trusted authority may pose as the broker.
    chain_but_not_host_name,
    /// Encrypted, to whoever answers: anybody on the way may read and change everything.
    nothing_at_all,
};

/// The views are copied by `TlsContext`. Certificates and keys are PEM.
struct TlsOptions {
    // Whom to trust. Several are added up; where none of them is given, it is the system's authorities.
    //
    // An authority that has expired when it is read is passed over, and so is what cannot be understood; where nothing is left
    // of a file or a text, or of a folder, making the context fails. (Those that expire later are trusted until `reload`. One
    // that is not valid yet is trusted: a device may learn the time after it has made the context. The broker's own
    // certificate must be valid at each handshake.)

    /// A file with one or more certificates.
    std::string_view ca_file{};
    std::string_view ca_directory{}; ///< every file with a certificate in it
    std::string_view ca{};           ///< the text of one or more certificates
    /// Besides those that are given.
    bool system_authorities_too = false;
    /// How the broker's certificate is looked at.
    TlsVerify verify = TlsVerify::chain_and_host_name;
    /// The name that is asked for (SNI) and that the certificate must be for, in place of the endpoint's host.
    std::string_view server_name{};

    // Who we are, each either as a file or as text. The key must not be encrypted.

    std::string_view certificate_file{}; ///< the certificate, and behind it those between it and its authority
    /// Of the certificate.
    std::string_view key_file{};
    /// The text of what `certificate_file` would hold.
    std::string_view certificate{};
    /// The text of what `key_file` would hold.
    std::string_view key{};
    /// A key that was agreed upon before, in place of certificates: then TLS 1.3 is spoken, with AES-128-GCM. 1 to 64 bytes,
    /// under an identity of 1 to 128.
    std::string_view psk_identity{};
    /// The key of `psk_identity`.
    Bytes psk_key{};

    // How.

    /// The least that is taken.
    TlsVersion min_version = TlsVersion::v1_2;
    /// The greatest that is offered.
    TlsVersion max_version = TlsVersion::v1_3;
    /// Cipher suites by the names that wolfSSL has for them, the best first, with colons between. By default those with
    /// authenticated encryption and forward secrecy, ChaCha20-Poly1305 first, which is the fastest in wolfSSL as Debian
    /// builds it, and takes the same time whatever it encrypts.
    std::string_view ciphers{};
    /// Protocols to offer by ALPN (RFC 7301), the best first. A broker that chooses none is refused.
    std::span<const std::string_view> alpn{};
    /// Keep sessions and resume them on the next connection to the same endpoint: saves most of a handshake.
    bool resume_sessions = true;
    /// For debugging: a file to which the keys of all connections are added, which Wireshark reads. `Errc::not_supported`
    /// where wolfSSL was built without it, as Debian's is.
    std::string_view key_log_file{};
};
static_assert(std::is_aggregate_v<TlsOptions> && std::is_trivially_destructible_v<TlsOptions>);

/// Since the context was made.
struct TlsStatistics {
    std::uint64_t handshakes = 0; ///< that succeeded
    std::uint64_t resumed = 0;    ///< ... of them with a session of an earlier connection
    std::uint64_t failed = 0;     ///< handshakes that did not succeed
};

/// Certificates, settings and sessions that many connections share. Copies are cheap and are the same context. May be used
/// from any thread, and by clients of several loops at once.
class TlsContext {
public:
    /// Reads the files. Throws `Error`: `Errc::invalid_argument` where an option is wrong, `Errc::tls_failed` where a file
    /// cannot be used, `Errc::not_supported` where this build does not have what was asked for. The detail names the
    /// option or the file.
    explicit TlsContext(const TlsOptions& options = {});

    /// Reads the files again. Connections that are made from now on use what is there now, and resume no earlier session;
    /// others go on. Where it throws, as the constructor does, nothing has changed.
    void reload();
    /// The next connection to each endpoint makes a whole handshake.
    void forget_sessions();
    /// Of all connections that were made with it.
    [[nodiscard]] TlsStatistics statistics() const noexcept;

    /// Whether it is the same context, one a copy of the other.
    friend bool operator==(const TlsContext&, const TlsContext&) noexcept = default;

private:
    friend class io::TlsShared;
    std::shared_ptr<io::TlsShared> shared_;
};

/// Opens a TLS stream to an endpoint of `Transport::tls`: a TCP stream of `runtime`'s, and the handshake. `Loop` does it by
/// itself; this is for other runtimes. `StreamOptions::tls` is the context, null one for the process with `TlsOptions{}`. A
/// failure has `Phase::tls` where the stream was open.
[[nodiscard]] std::unique_ptr<Opening> open_tls(Runtime& runtime, const Endpoint& endpoint,
                                                const StreamOptions& options, OpenHandler& handler);

} // namespace culex
