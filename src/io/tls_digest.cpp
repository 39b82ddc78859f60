#include "io/tls_digest.hpp"

#include <algorithm>

#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/coding.h>
#include <wolfssl/wolfcrypt/hmac.h>
#include <wolfssl/wolfcrypt/random.h>
#include <wolfssl/wolfcrypt/sha.h>
#include <wolfssl/wolfcrypt/sha256.h>

#include <fmt/format.h>

#include <culex/error.hpp>

namespace culex::io {
namespace {

/// None of these fails with arguments that are right, but for want of memory or of the system's randomness.
void check(int result, const char* what) {
    if (result != 0) throw Error(Failure(Errc::not_supported, fmt::format("wolfCrypt's {} failed: {}", what, result)));
}

const byte* data_of(Bytes bytes) noexcept { return reinterpret_cast<const byte*>(bytes.data()); }
word32 size_of(Bytes bytes) noexcept { return static_cast<word32>(bytes.size()); }

/// A keyed hash that can be used again.
class Hasher {
public:
    explicit Hasher(Bytes key) {
        check(wc_HmacInit(&hmac_, nullptr, INVALID_DEVID), "HMAC");
        check(wc_HmacSetKey(&hmac_, WC_SHA256, data_of(key), size_of(key)), "HMAC");
    }
    Hasher(const Hasher&) = delete;
    Hasher& operator=(const Hasher&) = delete;
    ~Hasher() { wc_HmacFree(&hmac_); }

    void add(Bytes bytes) { check(wc_HmacUpdate(&hmac_, data_of(bytes), size_of(bytes)), "HMAC"); }
    void finish(Digest& digest) { check(wc_HmacFinal(&hmac_, digest.data()), "HMAC"); }

private:
    Hmac hmac_{};
};

class Generator {
public:
    Generator() { check(wc_InitRng(&rng_), "random number generator"); }
    Generator(const Generator&) = delete;
    Generator& operator=(const Generator&) = delete;
    ~Generator() { wc_FreeRng(&rng_); }

    void fill(std::span<std::byte> to) {
        check(wc_RNG_GenerateBlock(&rng_, reinterpret_cast<byte*>(to.data()), static_cast<word32>(to.size())),
              "random number generator");
    }

private:
    WC_RNG rng_{};
};

} // namespace

Digest sha256(Bytes message) {
    Digest digest{};
    check(wc_Sha256Hash(data_of(message), size_of(message), digest.data()), "SHA-256");
    return digest;
}

std::string sha1(Bytes message) {
    std::string digest(WC_SHA_DIGEST_SIZE, '\0');
    check(wc_ShaHash(data_of(message), size_of(message), reinterpret_cast<byte*>(digest.data())), "SHA-1");
    return digest;
}

Digest hmac_sha256(Bytes key, Bytes message) {
    Hasher hasher(key);
    hasher.add(message);
    Digest digest{};
    hasher.finish(digest);
    return digest;
}

bool equal(const Digest& left, const Digest& right) noexcept {
    unsigned different = 0;
    for (std::size_t i = 0; i < left.size(); ++i) different |= static_cast<unsigned>(left[i] ^ right[i]);
    return different == 0;
}

std::string random_bytes(std::size_t count) {
    std::string bytes(count, '\0');
    Generator().fill(std::as_writable_bytes(std::span(bytes)));
    return bytes;
}

void fill_random(std::span<std::byte> to) {
    thread_local Generator generator;
    generator.fill(to);
}

std::string to_base64(Bytes bytes) {
    if (bytes.empty()) return {};
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
    auto size = static_cast<word32>(text.size());
    check(Base64_Encode_NoNl(data_of(bytes), size_of(bytes), reinterpret_cast<byte*>(text.data()), &size), "Base64");
    text.resize(size);
    return text;
}

std::optional<std::string> from_base64(std::string_view text) {
    // wolfCrypt's reader passes over line ends, and takes texts without padding.
    const auto is_of_alphabet = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' ||
               c == '=';
    };
    if (text.empty() || text.size() > 5464 || text.size() % 4 != 0 || !std::ranges::all_of(text, is_of_alphabet))
        return std::nullopt;
    std::string bytes(text.size() / 4 * 3, '\0');
    auto size = static_cast<word32>(bytes.size());
    const int result = Base64_Decode(data_of(as_bytes(text)), static_cast<word32>(text.size()),
                                     reinterpret_cast<byte*>(bytes.data()), &size);
    if (result != 0) return std::nullopt;
    bytes.resize(size);
    return bytes;
}

struct KeyDerivation::Mac : Hasher {
    using Hasher::Hasher;
};

KeyDerivation::KeyDerivation(std::string_view password, std::string_view salt, std::uint32_t iterations)
    : mac_(std::make_unique<Mac>(as_bytes(password))), left_(iterations - 1) {
    static constexpr std::string_view first_block("\0\0\0\1", 4);
    mac_->add(as_bytes(salt));
    mac_->add(as_bytes(first_block));
    mac_->finish(last_);
    sum_ = last_;
}

KeyDerivation::~KeyDerivation() = default;

bool KeyDerivation::advance(std::uint32_t count) {
    for (std::uint32_t done = std::min(count, left_); done > 0; --done, --left_) {
        mac_->add(std::as_bytes(std::span(last_)));
        mac_->finish(last_);
        for (std::size_t i = 0; i < sum_.size(); ++i) sum_[i] = static_cast<std::uint8_t>(sum_[i] ^ last_[i]);
    }
    return left_ == 0;
}

} // namespace culex::io
