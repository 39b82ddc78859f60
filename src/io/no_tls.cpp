// In place of all tls_*.cpp where Culex is built without TLS.
#include <culex/scram.hpp>
#include <culex/tls.hpp>

namespace culex {
namespace {

Failure without_tls() { return Failure(Errc::not_supported, "this build of Culex has no TLS (CULEX_TLS=OFF)"); }

/// Tells that there is none, on a coming turn.
class Refusal final : public Opening, private ReadyNode {
public:
    Refusal(Runtime& runtime, const Endpoint& endpoint, OpenHandler& handler)
        : ReadyNode(&Refusal::on_ready), address_(endpoint.to_string()), handler_(handler) {
        runtime.post(*this);
    }

private:
    static void on_ready(ReadyNode& node) {
        Refusal& self = static_cast<Refusal&>(node);
        self.handler_.on_open(without_tls().during(Phase::connect).at(std::move(self.address_)));
    }

    std::string address_;
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
    return std::make_unique<Refusal>(runtime, endpoint, handler);
}

} // namespace culex
