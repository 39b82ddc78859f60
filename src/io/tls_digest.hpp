#pragma once
/// \file tls_digest.hpp
/// The primitives of authentication methods, which wolfCrypt has. Values, not wolfCrypt's types: its headers stay in the .cpp.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <culex/types.hpp>

namespace culex::io {

using Digest = std::array<std::uint8_t, 32>;
[[nodiscard]] inline Bytes bytes_of(const Digest& digest) noexcept { return std::as_bytes(std::span(digest)); }

[[nodiscard]] Digest sha256(Bytes message);
/// For WebSocket's handshake, where it proves nothing but that the peer has read our key.
[[nodiscard]] std::string sha1(Bytes message);
[[nodiscard]] Digest hmac_sha256(Bytes key, Bytes message);
/// Takes the same time wherever they differ.
[[nodiscard]] bool equal(const Digest& left, const Digest& right) noexcept;
/// From wolfCrypt's generator, which the system seeds.
[[nodiscard]] std::string random_bytes(std::size_t count);
/// The same with a generator that the thread keeps, for what is needed again and again; allocates the first time only.
void fill_random(std::span<std::byte> to);

/// RFC 4648, section 4, in one line.
[[nodiscard]] std::string to_base64(Bytes bytes);
/// Empty for text that is none, or more than the 4096 bytes that anything here could want.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

/// PBKDF2 with HMAC-SHA-256 and one block of output (RFC 8018, section 5.2; RFC 5802 calls it Hi), in slices: a loop has other
/// things to do meanwhile.
class KeyDerivation {
public:
    /// `password` not empty, `iterations` at least 1.
    KeyDerivation(std::string_view password, std::string_view salt, std::uint32_t iterations);
    KeyDerivation(const KeyDerivation&) = delete;
    KeyDerivation& operator=(const KeyDerivation&) = delete;
    ~KeyDerivation();

    /// Does up to `count` iterations; true when none is left.
    bool advance(std::uint32_t count);
    /// Of one that is done.
    [[nodiscard]] const Digest& key() const noexcept { return sum_; }

private:
    struct Mac;
    std::unique_ptr<Mac> mac_;
    std::uint32_t left_;
    Digest last_{};
    Digest sum_{};
};

} // namespace culex::io
