#include "bench/drivers/raw_tls.hpp"

#ifdef CULEX_TLS

#include <wolfssl/options.h>

#include <wolfssl/ssl.h>

namespace bench {
namespace {

class Tls final : public RawTls {
public:
    Tls(int socket, const std::string& ca_file) : context_(wolfSSL_CTX_new(wolfTLSv1_3_client_method())) {
        const bool trusts = wolfSSL_CTX_load_verify_locations(context_, ca_file.c_str(), nullptr) == WOLFSSL_SUCCESS;
        wolfSSL_CTX_set_verify(context_, WOLFSSL_VERIFY_PEER, nullptr);
        ssl_ = wolfSSL_new(context_);
        wolfSSL_set_fd(ssl_, socket);
        connected = trusts && wolfSSL_connect(ssl_) == WOLFSSL_SUCCESS;
    }
    Tls(const Tls&) = delete;
    Tls& operator=(const Tls&) = delete;
    ~Tls() override {
        wolfSSL_free(ssl_);
        wolfSSL_CTX_free(context_);
    }

    bool send(std::string_view bytes) override {
        const int size = static_cast<int>(bytes.size());
        return wolfSSL_write(ssl_, bytes.data(), size) == size;
    }
    long receive(char* bytes, std::size_t size) override { return wolfSSL_read(ssl_, bytes, static_cast<int>(size)); }

    bool connected = false;

private:
    WOLFSSL_CTX* context_;
    WOLFSSL* ssl_ = nullptr;
};

} // namespace

std::unique_ptr<RawTls> make_raw_tls(int socket, const std::string& ca_file) {
    auto made = std::make_unique<Tls>(socket, ca_file);
    if (!made->connected) return nullptr;
    return made;
}

} // namespace bench

#else

namespace bench {
std::unique_ptr<RawTls> make_raw_tls(int, const std::string&) { return nullptr; }
} // namespace bench

#endif
