#pragma once
/// \file ws_handshake.hpp
/// The opening handshake of WebSocket: an HTTP/1.1 upgrade (RFC 6455, section 4), as text in and text out.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <culex/endpoint.hpp>
#include <culex/runtime.hpp>

namespace culex::io {

/// The beginning of an HTTP/1.1 message: its first line, and its headers. Views of the text that it was read from.
class HttpHead {
public:
    /// How much of one is read, at most.
    static constexpr std::size_t most = std::size_t{16} << 10;

    /// Bytes up to and with the empty line that ends it; empty where that has not come.
    [[nodiscard]] static std::optional<std::size_t> size_in(std::string_view text) noexcept;
    /// Of a text of that size. The failure says what is no HTTP in it.
    [[nodiscard]] static Result<HttpHead> parse(std::string_view text);

    [[nodiscard]] std::string_view first_line() const noexcept { return first_line_; }
    /// Every line of that name; names do not heed the case.
    [[nodiscard]] std::size_t count(std::string_view name) const noexcept;
    /// Of the first line of that name; empty without one.
    [[nodiscard]] std::string_view value(std::string_view name) const noexcept;
    /// Whether one of the values, which are lists with commas, has this word, in any case.
    [[nodiscard]] bool has_word(std::string_view name, std::string_view word) const noexcept;

private:
    std::string_view first_line_;
    std::vector<std::pair<std::string_view, std::string_view>> headers_;
};

constexpr std::string_view ws_sub_protocol = "mqtt"; ///< [MQTT-6.0.0-3], [MQTT-6.0.0-4]

/// What the server answers to a key: base64(SHA-1(key + a fixed text)) (section 4.2.2).
[[nodiscard]] std::string ws_accept_of(std::string_view key);
/// 16 random bytes in base64.
[[nodiscard]] std::string ws_random_key();

/// A client's request. The failure says what of the endpoint, or of the headers, cannot stand in one.
[[nodiscard]] Result<std::string> ws_request(const Endpoint& endpoint, std::string_view key,
                                             std::span<const HttpHeader> headers = {});
/// Checks the answer to a request with that key.
[[nodiscard]] Failure check_ws_response(std::string_view text, std::string_view key);

} // namespace culex::io
