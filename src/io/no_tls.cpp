// In place of all tls_*.cpp and ws_*.cpp where Culex is built without TLS.
#include <culex/scram.hpp>
#include <culex/tls.hpp>
#include <culex/websocket.hpp>

namespace culex {
namespace {

Failure without_tls() { return Failure(Errc::not_supported, "this build of Culex has no TLS (CULEX_TLS=OFF)"); }
Failure without_websocket() {
    return Failure(
        Errc::not_supported,
        "this build of Culex has no WebSocket: it needs the SHA-1 and the random numbers of TLS (CULEX_TLS=OFF)");
}

/// Tells that there is none, on a coming turn.
class Refusal final : public Opening, private ReadyNode {
public:
    Refusal(Runtime& runtime, const Endpoint& endpoint, OpenHandler& handler, Failure why)
        : ReadyNode(&Refusal::on_ready), why_(std::move(why).during(Phase::connect).at(endpoint.to_string())),
          handler_(handler) {
        runtime.post(*this);
    }

private:
    static void on_ready(ReadyNode& node) {
        Refusal& self = static_cast<Refusal&>(node);
        self.handler_.on_open(std::move(self.why_));
    }

    Failure why_;
    OpenHandler& handler_;
};

} // namespace

namespace io {
class TlsShared {};
} // namespace io

TlsContext::TlsContext(const TlsOptions&) { throw Error(without_tls()); }
void TlsContext::reload() {}
void TlsContext::forget_sessions() {}
TlsStatistics TlsContext::statistics() const noexcept { return {}; }

struct ScramSha256::State {};
ScramSha256::ScramSha256(const ScramOptions&) { throw Error(without_tls()); }
ScramSha256::ScramSha256(ScramSha256&&) noexcept = default;
ScramSha256& ScramSha256::operator=(ScramSha256&&) noexcept = default;
ScramSha256::~ScramSha256() = default;
Task<std::string> ScramSha256::begin() { return {}; } // there is none that it could be called of
Task<std::string> ScramSha256::challenge(Bytes) { return {}; }
Task<> ScramSha256::success(Bytes) { return {}; }

std::unique_ptr<Opening> open_tls(Runtime& runtime, const Endpoint& endpoint, const StreamOptions&,
                                  OpenHandler& handler) {
    return std::make_unique<Refusal>(runtime, endpoint, handler, without_tls());
}

std::unique_ptr<Opening> open_websocket(Runtime& runtime, const Endpoint& endpoint, const StreamOptions&,
                                        OpenHandler& handler) {
    return std::make_unique<Refusal>(runtime, endpoint, handler, without_websocket());
}

} // namespace culex
