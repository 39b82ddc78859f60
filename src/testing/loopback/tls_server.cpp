#include <culex/testing/tls_server.hpp>

#include "io/tls_pem.hpp"
#include "io/tls_stream.hpp"

namespace culex::testing {

struct TlsServer::Shared {
    std::shared_ptr<io::TlsCounters> counters = std::make_shared<io::TlsCounters>();
    std::shared_ptr<const io::TlsConfig> config;
};

namespace {

io::TlsServerSettings settings_of(const TlsServerOptions& options) {
    const auto text_of = [](std::string_view path) {
        return path.empty() ? std::string() : io::read_file(std::string(path)).value();
    };
    return {.certificate = text_of(options.certificate_file),
            .key = text_of(options.key_file),
            .client_ca = text_of(options.client_ca_file),
            .demand_client_certificate = options.demand_client_certificate,
            .psk = {std::string(options.psk_identity), std::string(as_text(options.psk_key))},
            .min_version = options.min_version,
            .max_version = options.max_version,
            .ciphers = std::string(options.ciphers),
            .alpn = {options.alpn.begin(), options.alpn.end()},
            .resume_sessions = options.resume_sessions};
}

} // namespace

TlsServer::TlsServer(const TlsServerOptions& options) {
    auto shared = std::make_shared<Shared>();
    shared->config = io::TlsConfig::server(settings_of(options), shared->counters).value();
    shared_ = std::move(shared);
}

std::unique_ptr<Stream> TlsServer::operator()(Scheduler& scheduler, std::unique_ptr<Stream> stream) const {
    return std::make_unique<io::TlsStream>(scheduler, std::move(stream),
                                           std::make_unique<io::TlsEngine>(shared_->config, std::string(), 0));
}

TlsStatistics TlsServer::statistics() const noexcept {
    const io::TlsCounters& counters = *shared_->counters;
    return {.handshakes = counters.handshakes.load(std::memory_order_relaxed),
            .resumed = counters.resumed.load(std::memory_order_relaxed),
            .failed = counters.failed.load(std::memory_order_relaxed)};
}

} // namespace culex::testing
