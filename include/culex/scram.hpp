#pragma once
/// \file scram.hpp
/// SCRAM-SHA-256 (RFC 5802, RFC 7677) for MQTT 5's enhanced authentication: neither side sends the password, and each proves to
/// the other that it knows it (the broker: what was derived from it).

#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>

#include <culex/authenticator.hpp>

namespace culex {

/// Who the user is, and how much work the broker may ask for. Copied by `ScramSha256`.
struct ScramOptions {
    std::string_view user_name{}; ///< not empty
    std::string_view password{};  ///< not empty
    /// Both are in the form of SASLprep (RFC 4013) already. Otherwise they must be printable ASCII, which SASLprep leaves as it
    /// is; Culex does not normalise by itself.
    bool prepared = false;
    /// The numbers of iterations that are done for a broker. Fewer than 4096 protect the password badly (RFC 7677, section 4);
    /// too many are an attack on our time: 100,000 take about a fifth of a second, during which the loop goes on.
    std::uint32_t min_iterations = 4096;
    /// A broker that asks for more is refused.
    std::uint32_t max_iterations = 1'000'000;
};
static_assert(std::is_aggregate_v<ScramOptions> && std::is_trivially_destructible_v<ScramOptions>);

/// Proves the user to the broker, and the broker to the client: a wrong proof is `Errc::authentication_failed`. It may come with
/// CONNACK, or in an AUTH before it. The user name goes into the exchange, and not into CONNECT's own field.
///
/// Channel binding (SCRAM-SHA-256-PLUS) is not offered: use it over TLS. What was derived from the password is kept for the next
/// connection, so that only the first one costs the iterations.
class ScramSha256 final : public Authenticator {
public:
    /// Copies what is viewed. Throws `Errc::invalid_argument` for names and passwords that need SASLprep or break its rules, and
    /// bounds that are none; and `Errc::not_supported` where this build has no TLS (CULEX_TLS=OFF), whose library has the hash.
    explicit ScramSha256(const ScramOptions& options);
    ScramSha256(ScramSha256&&) noexcept;
    ScramSha256& operator=(ScramSha256&&) noexcept;
    ~ScramSha256() override;

    [[nodiscard]] std::string_view method() const override { return "SCRAM-SHA-256"; }
    [[nodiscard]] Task<std::string> begin() override;
    [[nodiscard]] Task<std::string> challenge(Bytes data) override;
    [[nodiscard]] Task<> success(Bytes data) override;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace culex
