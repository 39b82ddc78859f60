#pragma once
/// \file tls_opening.hpp
/// An opening of a TLS stream: an opening of the stream beneath, then the handshake.

#include <optional>

#include "io/tls_stream.hpp"

namespace culex::io {

/// Destroying it calls off whichever of the two is under way.
///
/// Where a handshake fails that has offered an earlier session, all begins once more without it: wolfSSL 5.5 does not go on
/// when a server of TLS 1.2 does not take the ticket, as one does not that was restarted.
class TlsOpening final : public Opening, private OpenHandler, private TlsHandshake {
public:
    TlsOpening(Runtime& runtime, const Endpoint& endpoint, OpenHandler& handler);

    /// Begins; a failure is told like any other.
    void start(const StreamOptions& options);
    [[nodiscard]] Phase phase() const noexcept override { return stream_ || !inner_ ? Phase::tls : inner_->phase(); }

private:
    struct Notice : ReadyNode {
        explicit Notice(TlsOpening& of) noexcept : ReadyNode(&TlsOpening::on_ready), opening(of) {}
        TlsOpening& opening;
    };

    void open();
    void on_open(Result<std::unique_ptr<Stream>> stream) override;
    void on_handshake(Failure why) override;
    void fail(const Failure& why);
    static void on_ready(ReadyNode& node) noexcept;

    Runtime& runtime_;
    Endpoint endpoint_;
    OpenHandler& handler_;
    StreamOptions options_;
    std::shared_ptr<const TlsConfig> config_;
    std::unique_ptr<Opening> inner_;
    std::unique_ptr<TlsStream> stream_;
    bool again_ = false; // the second time
    std::optional<Result<std::unique_ptr<Stream>>> outcome_;
    Notice notice_{*this};
};

} // namespace culex::io
