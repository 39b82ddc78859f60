// In place of tls_server.cpp and websocket_server.cpp where Culex is built without TLS.
#include <culex/testing/tls_server.hpp>
#include <culex/testing/websocket_server.hpp>

namespace culex::testing {

struct TlsServer::Shared {};

TlsServer::TlsServer(const TlsServerOptions&) {
    throw Error(Failure(Errc::not_supported, "this build of Culex has no TLS (CULEX_TLS=OFF)"));
}
std::unique_ptr<Stream> TlsServer::operator()(Scheduler&, std::unique_ptr<Stream> stream) const { return stream; }
TlsStatistics TlsServer::statistics() const noexcept { return {}; }

WebSocketServer::WebSocketServer(WebSocketServerOptions) {
    throw Error(Failure(Errc::not_supported, "this build of Culex has no WebSocket (CULEX_TLS=OFF)"));
}
std::unique_ptr<Stream> WebSocketServer::operator()(Scheduler&, std::unique_ptr<Stream> stream) const { return stream; }

} // namespace culex::testing
