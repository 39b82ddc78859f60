#pragma once
/// \file tls_scram.hpp
/// The client's side of one exchange of SCRAM-SHA-256 (RFC 5802, RFC 7677): words in, words out. What costs time, to derive
/// the key from the password, is its owner's.

#include <cstdint>
#include <string>
#include <string_view>

#include <culex/result.hpp>

#include "io/tls_digest.hpp"

namespace culex::io {

struct IterationBounds {
    std::uint32_t least = 4096;
    std::uint32_t most = 1'000'000;
};

class ScramExchange {
public:
    /// `nonce`: printable ASCII without commas.
    ScramExchange(std::string_view user_name, std::string_view nonce);

    /// Where it stands, and so what the broker's next word must be.
    enum class Stage : std::uint8_t { started, salted, proving, verified };
    [[nodiscard]] Stage stage() const noexcept { return stage_; }

    [[nodiscard]] std::string first() const { return "n,," + first_bare_; }
    /// The server's first message: then `salt` and `iterations` are known.
    Result<void> read_first(std::string_view message, const IterationBounds& bounds);
    [[nodiscard]] const std::string& salt() const noexcept { return salt_; }
    [[nodiscard]] std::uint32_t iterations() const noexcept { return iterations_; }
    /// Our final message, with the key that `KeyDerivation` makes of the password with salt and iterations.
    [[nodiscard]] std::string final(const Digest& salted_password);
    /// The server's final message: whether it knows the key as well.
    Result<void> verify(std::string_view message);

private:
    std::string first_bare_;
    std::string nonce_; // ours, and then with the server's behind it
    std::string server_first_;
    std::string salt_;
    std::uint32_t iterations_ = 0;
    Digest server_signature_{};
    Stage stage_ = Stage::started;
};

} // namespace culex::io
