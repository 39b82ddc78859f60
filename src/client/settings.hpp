#pragma once
/// \file settings.hpp
/// A client's options, kept: `ClientOptions` views what its caller owns.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <culex/options.hpp>
#include <culex/tls.hpp>

#include "base/rare.hpp"
#include "session/session.hpp"
#include "wire/codec.hpp"

namespace culex::client {

/// The options that own nothing and are asked for again and again. What is needed once is taken from `ClientOptions`.
struct PlainOptions {
    Version version{};
    bool fall_back_to_3_1_1 = false;
    WhenFull when_full{};
    InboundLimits inbound{};
    StreamOptions stream{};
    Authenticator* authenticator = nullptr;
    std::chrono::milliseconds connect_timeout{};
};

/// What a session is made with.
[[nodiscard]] session::Config session_config(const ClientOptions& options) noexcept;

/// Everything that CONNECT says is kept as the bytes of a CONNECT packet, read as views on them when it is needed: one copy,
/// checked by the same code that would refuse to send it.
class Settings {
public:
    explicit Settings(const ClientOptions& options) { change(options); }
    Settings(const Settings&) = delete;
    Settings& operator=(const Settings&) = delete;

    void change(const ClientOptions& options);
    /// The rest stays. What breaks a rule is refused, and changes nothing.
    Result<void> set_credentials(std::optional<std::string_view> user_name, std::optional<std::string_view> password);
    /// What is wrong with the options; empty where nothing is.
    [[nodiscard]] const Failure& fault() const noexcept { return fault_; }
    /// Views what is kept, until the options change, and for its user properties the arena.
    [[nodiscard]] Connect connect(wire::Arena& arena) const;
    [[nodiscard]] bool clean_start() const;
    /// Whether the session outlives its connections.
    [[nodiscard]] bool keeps_session() const;
    [[nodiscard]] std::string_view client_id() const noexcept { return client_id_; }
    [[nodiscard]] const PlainOptions& plain() const noexcept { return plain_; }

private:
    struct Headers {
        std::vector<std::string> texts; // name, value, name, ...
        std::vector<HttpHeader> views;
    };

    Failure check(const ClientOptions& options);
    Result<void> keep(const Connect& packet);
    void keep(std::span<const HttpHeader> headers);

    PlainOptions plain_;
    std::optional<TlsContext> tls_;
    Rare<Headers> headers_;
    Buffer bytes_; // empty where there is a fault
    std::string_view client_id_;
    Failure fault_;
};

} // namespace culex::client
