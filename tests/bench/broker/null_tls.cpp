#include "bench/broker/null_tls.hpp"

#include <stdexcept>

#ifdef CULEX_TLS

#include <wolfssl/options.h>

#include <wolfssl/ssl.h>

#include <algorithm>
#include <cerrno>

namespace bench {
namespace {

struct Context final : NullTlsContext {
    Context() : context(wolfSSL_CTX_new(wolfTLSv1_3_server_method())) {}
    ~Context() override { wolfSSL_CTX_free(context); }
    WOLFSSL_CTX* context;
};

class Connection final : public NullTls {
public:
    Connection(WOLFSSL_CTX* context, int fd) : ssl_(wolfSSL_new(context)) { wolfSSL_set_fd(ssl_, fd); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() override { wolfSSL_free(ssl_); }

    ssize_t receive(char* bytes, std::size_t size) override {
        if (!accepted_) {
            const int result = wolfSSL_accept(ssl_);
            if (result != WOLFSSL_SUCCESS) return outcome(result);
            accepted_ = true;
        }
        return outcome(wolfSSL_read(ssl_, bytes, static_cast<int>(size)));
    }
    ssize_t send(const char* bytes, std::size_t size) override {
        // The same bytes must be offered again after the socket was full: pieces of one size see to it.
        return outcome(wolfSSL_write(ssl_, bytes, static_cast<int>(std::min<std::size_t>(size, 16'384))));
    }

private:
    ssize_t outcome(int result) {
        if (result > 0) return result;
        const int error = wolfSSL_get_error(ssl_, result);
        if (error == WOLFSSL_ERROR_WANT_READ || error == WOLFSSL_ERROR_WANT_WRITE) {
            errno = EAGAIN;
            return -1;
        }
        return 0;
    }

    WOLFSSL* ssl_;
    bool accepted_ = false;
};

} // namespace

std::unique_ptr<NullTlsContext> make_null_tls(const char* certificate, const char* key) {
    auto made = std::make_unique<Context>();
    const bool good =
        wolfSSL_CTX_use_certificate_chain_file(made->context, certificate) == WOLFSSL_SUCCESS &&
        wolfSSL_CTX_use_PrivateKey_file(made->context, key, WOLFSSL_FILETYPE_PEM) == WOLFSSL_SUCCESS &&
        wolfSSL_CTX_set_cipher_list(made->context, "TLS13-CHACHA20-POLY1305-SHA256:TLS13-AES128-GCM-SHA256:"
                                                   "TLS13-AES256-GCM-SHA384") == WOLFSSL_SUCCESS;
    if (!good) throw std::runtime_error("the certificate or its key cannot be used");
    wolfSSL_CTX_set_verify(made->context, WOLFSSL_VERIFY_NONE, nullptr);
    return made;
}

std::unique_ptr<NullTls> make_null_tls_connection(NullTlsContext& context, int fd) {
    return std::make_unique<Connection>(static_cast<Context&>(context).context, fd);
}

} // namespace bench

#else

namespace bench {

std::unique_ptr<NullTlsContext> make_null_tls(const char*, const char*) {
    throw std::runtime_error("built without TLS");
}
std::unique_ptr<NullTls> make_null_tls_connection(NullTlsContext&, int) { return nullptr; }

} // namespace bench

#endif
