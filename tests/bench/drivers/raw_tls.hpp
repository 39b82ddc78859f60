#pragma once
// TLS 1.3 for the raw driver, by wolfSSL on a blocking socket: what its library allows where records are as large as they may be.
#include <memory>
#include <string>
#include <string_view>

namespace bench {

class RawTls {
public:
    virtual ~RawTls() = default;
    /// Sends all of it. False where the connection is gone.
    virtual bool send(std::string_view bytes) = 0;
    /// As `recv`.
    virtual long receive(char* bytes, std::size_t size) = 0;
};

/// Makes the handshake; null where that fails, or Culex is built without TLS.
std::unique_ptr<RawTls> make_raw_tls(int socket, const std::string& ca_file);

} // namespace bench
