// The keys of connections, written down for those who debug them.
#include "io/tls_config.hpp"

#include <cerrno>
#include <cstdio>
#include <mutex>

#include <fmt/format.h>

#include "base/text.hpp"
#include "io/socket.hpp"

namespace culex::io {

#ifdef CULEX_WOLFSSL_KEY_LOG

namespace {

/// One file for the process: wolfSSL gives its callback nothing to tell one from another.
std::mutex log_mutex;
std::FILE* log_file = nullptr;

void write_line(const WOLFSSL*, const char* line) {
    const std::lock_guard lock(log_mutex);
    std::fprintf(log_file, "%s\n", line);
    std::fflush(log_file);
}

} // namespace

Failure TlsConfig::log_keys(const std::string& path) {
    const std::lock_guard lock(log_mutex);
    std::FILE* const file = std::fopen(path.c_str(), "ae");
    if (!file) return Failure(Errc::tls_failed, fmt::format("{}: {}", quoted(path), error_text(errno)));
    if (log_file) std::fclose(log_file);
    log_file = file;
    wolfSSL_CTX_set_keylog_callback(context.get(), &write_line);
    return Failure();
}

#else

Failure TlsConfig::log_keys(const std::string&) {
    return Failure(Errc::not_supported,
                   "key_log_file: this wolfSSL was built without it (HAVE_SECRET_CALLBACK), as Debian's is");
}

#endif

} // namespace culex::io
