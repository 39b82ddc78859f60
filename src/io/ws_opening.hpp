#pragma once
/// \file ws_opening.hpp
/// An opening of a WebSocket stream: an opening of the stream beneath, TCP or TLS, then the upgrade.

#include <optional>

#include "io/ws_stream.hpp"

namespace culex::io {

/// Destroying it calls off whichever of the two is under way.
class WsOpening final : public Opening, private OpenHandler, private WsWaiting {
public:
    WsOpening(Runtime& runtime, const Endpoint& endpoint, OpenHandler& handler);

    /// Begins; a failure is told like any other.
    void start(const StreamOptions& options);
    [[nodiscard]] Phase phase() const noexcept override {
        return stream_ || !inner_ ? Phase::websocket : inner_->phase();
    }

private:
    struct Notice : ReadyNode {
        explicit Notice(WsOpening& of) noexcept : ReadyNode(&WsOpening::on_ready), opening(of) {}
        WsOpening& opening;
    };

    void on_open(Result<std::unique_ptr<Stream>> stream) override;
    void on_upgrade(Failure why) override;
    void fail(const Failure& why);
    static void on_ready(ReadyNode& node) noexcept;

    Runtime& runtime_;
    Endpoint endpoint_;
    OpenHandler& handler_;
    std::unique_ptr<WsHandshake> handshake_;
    std::unique_ptr<Opening> inner_;
    std::unique_ptr<WsStream> stream_;
    std::optional<Result<std::unique_ptr<Stream>>> outcome_;
    Notice notice_{*this};
};

} // namespace culex::io
