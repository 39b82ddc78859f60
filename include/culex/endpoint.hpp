#pragma once
/// \file endpoint.hpp
/// Where a broker is.

#include <string>
#include <string_view>

#include <culex/result.hpp>

namespace culex {

/// How to reach a broker.
enum class Transport : std::uint8_t {
    tcp,         ///< `mqtt://`, `tcp://`; port 1883
    tls,         ///< `mqtts://`, `ssl://`, `tls://`; port 8883
    ws,          ///< `ws://`; port 80
    wss,         ///< `wss://`; port 443
    unix_socket, ///< `unix:///path`
};

/// A broker's address: a host name or IP address with a port, or a path in the file system.
class Endpoint {
public:
    Endpoint() = default;
    Endpoint(Transport transport, std::string host, std::uint16_t port, std::string path = {})
        : transport_(transport), port_(port), host_(std::move(host)), path_(std::move(path)) {}

    /// Reads `scheme://host[:port][/path]`; an IPv6 address stands in brackets, `mqtt://[::1]:1883`, with its zone if it
    /// has one, of 15 bytes at most: `[fe80::1%eth0]`. Without a scheme, `host[:port]` is MQTT over TCP. Only ws and wss
    /// have a path (and a query), which is `/mqtt` where the URL has none. The path of `unix:///path` is taken as it is,
    /// nothing is decoded. The failure is `Errc::invalid_argument`, and its detail names what is wrong. User names and
    /// passwords in a URL are refused: they end up in logs.
    [[nodiscard]] static Result<Endpoint> parse(std::string_view url);

    /// How it is reached.
    [[nodiscard]] Transport transport() const noexcept { return transport_; }
    [[nodiscard]] const std::string& host() const noexcept { return host_; } ///< without brackets
    /// 0 of `unix_socket`.
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] const std::string& path() const noexcept { return path_; } ///< of ws, wss and unix
    /// The URL again, port included.
    [[nodiscard]] std::string to_string() const;

    bool operator==(const Endpoint&) const = default;

private:
    Transport transport_ = Transport::tcp;
    std::uint16_t port_ = 1883;
    std::string host_;
    std::string path_;
};

} // namespace culex
