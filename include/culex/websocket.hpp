#pragma once
/// \file websocket.hpp
/// MQTT over WebSocket (MQTT 5, section 6; RFC 6455), with `ws://host/path` and, around TLS, `wss://host/path`. Clients need
/// nothing of this file: the scheme of the URL is enough, and `StreamOptions::websocket_headers` adds to the request.
///
/// Where Culex was built without TLS (`-DCULEX_TLS=OFF`), such endpoints are `Errc::not_supported`: the handshake needs
/// wolfCrypt's SHA-1 and random numbers.

#include <memory>

#include <culex/runtime.hpp>

namespace culex {

/// Opens a WebSocket stream to an endpoint of `Transport::ws` or `Transport::wss`: a TCP or TLS stream of `runtime`'s, and the
/// handshake, which asks for the sub-protocol `mqtt` [MQTT-6.0.0-3] and takes no other [MQTT-6.0.0-4]. `Loop` does it by
/// itself; this is for other runtimes.
///
/// A failure has `Phase::websocket` where the stream beneath was open, and is `Errc::websocket_failed` where the broker's
/// answer was not what it must be: the detail says in what, or has the HTTP status ("403 Forbidden"). The same code ends a
/// stream whose peer breaks a rule later, after a close frame with 1002 or, for a text frame, 1003. A stream that the peer
/// closes ends with `Errc::end_of_stream`, and the close frame's code and text as detail, but for 1000.
[[nodiscard]] std::unique_ptr<Opening> open_websocket(Runtime& runtime, const Endpoint& endpoint,
                                                      const StreamOptions& options, OpenHandler& handler);

} // namespace culex
