#include "io/ws_opening.hpp"

#include <culex/websocket.hpp>

#include "io/ws_handshake.hpp"

namespace culex {
namespace io {
namespace {

class ClientHandshake final : public WsHandshake {
public:
    ClientHandshake(std::string request, std::string key) : request_(std::move(request)), key_(std::move(key)) {}

    std::string begin() override { return std::move(request_); }
    Failure handle(std::string_view head, std::string&) override { return check_ws_response(head, key_); }

private:
    std::string request_;
    std::string key_;
};

Result<std::unique_ptr<WsHandshake>> client_handshake(const Endpoint& endpoint, const StreamOptions& options) {
    std::string key;
    try {
        key = ws_random_key();
    } catch (const Error& error) { // the system has no randomness to give
        return Failure(error.failure());
    }
    Result<std::string> request = ws_request(endpoint, key, options.websocket_headers);
    if (!request) return request.failure();
    return std::unique_ptr<WsHandshake>(std::make_unique<ClientHandshake>(*std::move(request), std::move(key)));
}

} // namespace

WsOpening::WsOpening(Runtime& runtime, const Endpoint& endpoint, OpenHandler& handler)
    : runtime_(runtime), endpoint_(endpoint), handler_(handler) {}

void WsOpening::start(const StreamOptions& options) {
    auto handshake = client_handshake(endpoint_, options);
    if (!handshake) return fail(std::move(handshake).failure().during(Phase::websocket));
    handshake_ = *std::move(handshake);
    const Transport beneath = endpoint_.transport() == Transport::wss ? Transport::tls : Transport::tcp;
    inner_ = runtime_.open(Endpoint(beneath, endpoint_.host(), endpoint_.port()), options, *this);
}

void WsOpening::on_open(Result<std::unique_ptr<Stream>> stream) {
    if (!stream) return fail(stream.failure());
    stream_ = std::make_unique<WsStream>(runtime_, *std::move(stream), std::move(handshake_), WsStyle{});
    stream_->shake_hands(*this);
}

/// Told on another turn: the stream is still busy with what has ended the handshake.
void WsOpening::on_upgrade(Failure why) {
    if (why) return fail(std::move(why).during(Phase::websocket));
    outcome_ = std::unique_ptr<Stream>(std::move(stream_));
    runtime_.post(notice_);
}

/// The stream beneath was opened under its own name; the failure tells the one that was asked for.
void WsOpening::fail(const Failure& why) {
    outcome_ = Failure(why.code(), why.detail(), why.reason_code()).during(why.phase()).at(endpoint_.to_string());
    runtime_.post(notice_);
}

void WsOpening::on_ready(ReadyNode& node) noexcept {
    WsOpening& self = static_cast<Notice&>(node).opening;
    self.handler_.on_open(*std::move(self.outcome_)); // which may destroy the opening
}

} // namespace io

std::unique_ptr<Opening> open_websocket(Runtime& runtime, const Endpoint& endpoint, const StreamOptions& options,
                                        OpenHandler& handler) {
    auto opening = std::make_unique<io::WsOpening>(runtime, endpoint, handler);
    opening->start(options);
    return opening;
}

} // namespace culex
