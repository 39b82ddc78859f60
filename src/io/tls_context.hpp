#pragma once
/// \file tls_context.hpp
/// What stands behind a `TlsContext`.

#include <memory>
#include <mutex>

#include "io/tls_config.hpp"

namespace culex::io {

/// Thread-safe. Connections take the configuration that is there when they begin, and keep it.
class TlsShared {
public:
    /// Throws `Error`.
    explicit TlsShared(const TlsOptions& options);
    void reload();

    [[nodiscard]] std::shared_ptr<const TlsConfig> config() const;
    [[nodiscard]] const TlsCounters& counters() const noexcept { return *counters_; }

    [[nodiscard]] static TlsShared& of(const TlsContext& context) noexcept { return *context.shared_; }
    /// That of the process, with the defaults: made when it is first asked for. Throws `Error`, then and the next time.
    [[nodiscard]] static TlsShared& of_process();

private:
    const TlsClientSettings settings_;
    const std::shared_ptr<TlsCounters> counters_ = std::make_shared<TlsCounters>();
    mutable std::mutex mutex_; // guards what is below
    std::shared_ptr<const TlsConfig> config_;
};

} // namespace culex::io
