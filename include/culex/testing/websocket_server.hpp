#pragma once
/// \file websocket_server.hpp
/// The server's side of WebSocket, for brokers of tests: a right one, and one that is wrong in a way that is asked for.
///
///     culex::testing::WebSocketServer websocket;
///     culex::testing::BrokerThread broker{{.websocket = websocket}};      // broker.url() is ws://127.0.0.1:.../mqtt
///
/// With `FakeBrokerOptions::tls` besides it is wss://.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <culex/runtime.hpp>

namespace culex::testing {

/// How the server behaves: as it should, as it may, or wrongly.
struct WebSocketServerOptions {
    /// The path and query that it is asked for; others get 404 Not Found. Empty: any.
    std::string path{};
    /// A header that each request must have, `"Authorization: Bearer secret"`; others get 401 Unauthorized.
    std::string demanded_header{};

    // Legal, and hard on the client [MQTT-6.0.0-2].

    std::size_t frame_size = SIZE_MAX; ///< the most payload in one frame; at least 1
    /// What the broker sends at once, which may be several packets, is one message, of as many frames as `frame_size` makes.
    bool fragments = false;
    bool pings = false; ///< a ping behind every frame, also between the fragments of a message

    // Wrong.

    /// The status of every answer to an upgrade, `"403 Forbidden"`; but for one that begins with 101 nothing else is answered.
    std::string status{};
    /// The proof that it has read the request (RFC 6455, section 4.2.2) is another's.
    bool wrong_accept = false;
    /// In place of the sub-protocol `mqtt` [MQTT-6.0.0-4]; an empty one is left out.
    std::optional<std::string> sub_protocol{};
    std::string more_headers{}; ///< of the answer; whole lines, each with its end
    bool text_frames = false;   ///< in place of binary ones [MQTT-6.0.0-1]
    /// Servers must not mask (RFC 6455, section 5.1).
    bool masked_frames = false;
};

/// Copies are cheap and are the same server. May be used from any thread.
class WebSocketServer {
public:
    /// Throws `Error` (`Errc::not_supported`) where Culex was built without TLS.
    explicit WebSocketServer(WebSocketServerOptions options = {});

    /// A stream that answers the upgrade once it is started. `stream` is of `scheduler`'s. Requests that are no upgrade to MQTT
    /// over WebSocket are answered with an HTTP status from 400 on, and end the stream with `Errc::websocket_failed`.
    [[nodiscard]] std::unique_ptr<Stream> operator()(Scheduler& scheduler, std::unique_ptr<Stream> stream) const;

private:
    std::shared_ptr<const WebSocketServerOptions> options_;
};

} // namespace culex::testing
