#include "io/tls_context.hpp"

namespace culex {
namespace io {

TlsClientSettings::TlsClientSettings(const TlsOptions& options)
    : ca_file(options.ca_file), ca_directory(options.ca_directory), ca(options.ca),
      system_authorities_too(options.system_authorities_too), verify(options.verify), server_name(options.server_name),
      certificate_file(options.certificate_file), key_file(options.key_file), certificate(options.certificate),
      key(options.key), psk{std::string(options.psk_identity), std::string(as_text(options.psk_key))},
      min_version(options.min_version), max_version(options.max_version), ciphers(options.ciphers),
      alpn(options.alpn.begin(), options.alpn.end()), resume_sessions(options.resume_sessions),
      key_log_file(options.key_log_file) {}

TlsShared::TlsShared(const TlsOptions& options)
    : settings_(options), config_(TlsConfig::client(settings_, counters_).value()) {}

void TlsShared::reload() {
    // Not under the lock: it reads files.
    std::shared_ptr<const TlsConfig> fresh = TlsConfig::client(settings_, counters_).value();
    const std::lock_guard lock(mutex_);
    config_.swap(fresh); // the old one goes behind the lock
}

std::shared_ptr<const TlsConfig> TlsShared::config() const {
    const std::lock_guard lock(mutex_);
    return config_;
}

TlsShared& TlsShared::of_process() {
    // Never destroyed: a client in static storage may outlive the statics of this file.
    static TlsShared& shared = *new TlsShared(TlsOptions{});
    return shared;
}

} // namespace io

TlsContext::TlsContext(const TlsOptions& options) : shared_(std::make_shared<io::TlsShared>(options)) {}

void TlsContext::reload() { shared_->reload(); }

void TlsContext::forget_sessions() { shared_->config()->sessions.clear(); }

TlsStatistics TlsContext::statistics() const noexcept {
    const io::TlsCounters& counters = shared_->counters();
    return {.handshakes = counters.handshakes.load(std::memory_order_relaxed),
            .resumed = counters.resumed.load(std::memory_order_relaxed),
            .failed = counters.failed.load(std::memory_order_relaxed)};
}

} // namespace culex
