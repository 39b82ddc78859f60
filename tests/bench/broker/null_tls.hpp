#pragma once
// TLS 1.3 for the null broker, on a socket that does not block. Where Culex is built without TLS there is none.
#include <sys/types.h>

#include <cstddef>
#include <memory>

namespace bench {

class NullTlsContext {
public:
    virtual ~NullTlsContext() = default;
};

/// As `recv` and `send` are: -1 with `EAGAIN` where the socket is empty or full, or the handshake goes on; 0 at the end.
class NullTls {
public:
    virtual ~NullTls() = default;
    virtual ssize_t receive(char* bytes, std::size_t size) = 0;
    virtual ssize_t send(const char* bytes, std::size_t size) = 0;
};

std::unique_ptr<NullTlsContext> make_null_tls(const char* certificate, const char* key);
std::unique_ptr<NullTls> make_null_tls_connection(NullTlsContext& context, int fd);

} // namespace bench
