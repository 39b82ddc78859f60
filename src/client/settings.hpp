#pragma once
/// \file settings.hpp
/// A client's options, kept: `ClientOptions` views what its caller owns.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <culex/options.hpp>
#include <culex/tls.hpp>

#include "session/session.hpp"
#include "wire/codec.hpp"

namespace culex::client {

/// Everything that CONNECT says is kept as the bytes of a CONNECT packet, read back as views on them: one copy, checked by
/// the same code that would refuse to send it.
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
    [[nodiscard]] const Connect& connect() const noexcept { return connect_; }
    /// The options that own nothing: policies, limits, times. Do not read a view of it.
    [[nodiscard]] const ClientOptions& plain() const noexcept { return options_; }
    [[nodiscard]] session::Config session_config() const noexcept;

private:
    Failure check(const ClientOptions& options);
    Result<void> keep(const Connect& packet);
    void keep(std::span<const HttpHeader> headers);

    ClientOptions options_;
    std::optional<TlsContext> tls_;
    std::vector<std::string> header_texts_; // name, value, name, ...
    std::vector<HttpHeader> headers_;       // views of them
    Buffer bytes_;
    wire::Arena arena_;
    Connect connect_;
    Failure fault_;
};

} // namespace culex::client
