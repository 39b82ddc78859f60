#include <culex/testing/websocket_server.hpp>

#include <algorithm>

#include <fmt/format.h>

#include "io/ws_handshake.hpp"
#include "io/ws_stream.hpp"

namespace culex::testing {
namespace {

/// Answers one request (RFC 6455, section 4.2).
class ServerHandshake final : public io::WsHandshake {
public:
    explicit ServerHandshake(std::shared_ptr<const WebSocketServerOptions> options) : options_(std::move(options)) {}

    std::string begin() override { return {}; }
    Failure handle(std::string_view text, std::string& reply) override {
        const Result<io::HttpHead> head = io::HttpHead::parse(text);
        std::string status = head ? status_for(*head) : "400 Bad Request";
        if (status.empty()) status = options_->status;
        if (status.empty()) status = "101 Switching Protocols";
        reply = fmt::format("HTTP/1.1 {}\r\n", status);
        if (!status.starts_with("101")) {
            reply += "Content-Length: 0\r\nConnection: close\r\nSec-WebSocket-Version: 13\r\n\r\n";
            return Failure(Errc::websocket_failed, "the upgrade was answered with " + status);
        }
        upgrade(head->value("Sec-WebSocket-Key"), reply);
        return Failure();
    }

private:
    /// Empty where there is nothing against the request.
    [[nodiscard]] std::string status_for(const io::HttpHead& head) const {
        const std::string_view line = head.first_line();
        const std::size_t blank = line.find(' ');
        const std::size_t last = line.rfind(' ');
        if (blank == last || line.substr(0, blank) != "GET" || line.substr(last + 1) != "HTTP/1.1" ||
            head.count("Host") != 1) {
            return "400 Bad Request";
        }
        if (!options_->path.empty() && line.substr(blank + 1, last - blank - 1) != options_->path)
            return "404 Not Found";
        if (!has_demanded(head)) return "401 Unauthorized";
        if (!head.has_word("Upgrade", "websocket") || !head.has_word("Connection", "upgrade") ||
            head.value("Sec-WebSocket-Version") != "13") {
            return "426 Upgrade Required";
        }
        // 16 bytes in base64, and MQTT among what is offered [MQTT-6.0.0-3].
        if (head.value("Sec-WebSocket-Key").size() != 24 ||
            !head.has_word("Sec-WebSocket-Protocol", io::ws_sub_protocol)) {
            return "400 Bad Request";
        }
        return {};
    }
    [[nodiscard]] bool has_demanded(const io::HttpHead& head) const {
        const std::string_view demanded = options_->demanded_header;
        const std::size_t colon = demanded.find(": ");
        return colon == demanded.npos || head.value(demanded.substr(0, colon)) == demanded.substr(colon + 2);
    }

    void upgrade(std::string_view key, std::string& reply) const {
        reply += "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";
        reply += io::ws_accept_of(options_->wrong_accept ? std::string_view("another key") : key);
        const std::string protocol = options_->sub_protocol.value_or(std::string(io::ws_sub_protocol));
        if (!protocol.empty()) reply += "\r\nSec-WebSocket-Protocol: " + protocol;
        reply += "\r\n" + options_->more_headers + "\r\n";
    }

    std::shared_ptr<const WebSocketServerOptions> options_;
};

} // namespace

WebSocketServer::WebSocketServer(WebSocketServerOptions options)
    : options_(std::make_shared<const WebSocketServerOptions>(std::move(options))) {}

std::unique_ptr<Stream> WebSocketServer::operator()(Scheduler& scheduler, std::unique_ptr<Stream> stream) const {
    const io::WsStyle style{.server = true,
                            .masks = options_->masked_frames,
                            .text = options_->text_frames,
                            .frame_size = std::max<std::size_t>(options_->frame_size, 1),
                            .fragments = options_->fragments,
                            .pings = options_->pings};
    return std::make_unique<io::WsStream>(scheduler, std::move(stream), std::make_unique<ServerHandshake>(options_),
                                          style);
}

} // namespace culex::testing
