#include <culex/endpoint.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"

namespace culex {
namespace {

constexpr std::string_view default_path = "/mqtt"; ///< what most brokers serve MQTT under
constexpr std::size_t longest_host = 253;          ///< the domain name system allows no more
constexpr std::size_t longest_zone = 15;           ///< IF_NAMESIZE without its zero: no interface's name is longer

struct Scheme {
    std::string_view name;
    Transport transport;
    std::uint16_t port;
};

/// The first of each transport is the one that is printed.
constexpr std::array<Scheme, 8> schemes{{
    {"mqtt", Transport::tcp, 1883},
    {"tcp", Transport::tcp, 1883},
    {"mqtts", Transport::tls, 8883},
    {"ssl", Transport::tls, 8883},
    {"tls", Transport::tls, 8883},
    {"ws", Transport::ws, 80},
    {"wss", Transport::wss, 443},
    {"unix", Transport::unix_socket, 0},
}};

Failure bad(std::string detail) { return Failure(Errc::invalid_argument, std::move(detail)); }

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_hex(char c) noexcept { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f'); }

const Scheme* scheme_named(std::string_view name) noexcept {
    const auto same = [](char a, char b) { return lower(a) == lower(b); };
    for (const Scheme& scheme : schemes) {
        if (std::ranges::equal(scheme.name, name, same)) return &scheme;
    }
    return nullptr;
}

/// Four decimal numbers up to 255.
bool is_ipv4(std::string_view text) noexcept {
    for (int numbers = 1;; ++numbers) {
        const std::size_t dot = text.find('.');
        const std::string_view number = text.substr(0, dot);
        if (number.empty() || number.size() > 3 || !std::ranges::all_of(number, is_digit)) return false;
        if (number.size() == 3 && number > "255") return false;
        if (dot == text.npos) return numbers == 4;
        text.remove_prefix(dot + 1);
    }
}

/// Eight groups of hexadecimal digits, of which one run may be left out ("::"), and the last two written like IPv4.
bool is_ipv6(std::string_view text) noexcept {
    int groups = 0;
    bool shortened = false;
    if (text.starts_with("::")) {
        shortened = true;
        text.remove_prefix(2);
        if (text.empty()) return true;
    }
    for (;;) {
        const std::size_t colon = text.find(':');
        const std::string_view group = text.substr(0, colon);
        if (colon == text.npos && group.find('.') != group.npos) {
            if (!is_ipv4(group)) return false;
            groups += 2;
            break;
        }
        if (group.empty() || group.size() > 4 || !std::ranges::all_of(group, is_hex)) return false;
        ++groups;
        if (colon == text.npos) break;
        text.remove_prefix(colon + 1);
        if (!text.starts_with(':')) continue;
        if (std::exchange(shortened, true)) return false;
        text.remove_prefix(1);
        if (text.empty()) break;
    }
    return shortened ? groups < 8 : groups == 8;
}

/// What stands in brackets, with the zone's percent sign decoded where it is written as RFC 6874 wants it.
Result<std::string> parse_ipv6(std::string_view text) {
    const std::size_t percent = text.find('%');
    const std::string_view address = text.substr(0, percent);
    if (!is_ipv6(address)) return bad(fmt::format("{} is no IPv6 address", quoted(address)));
    if (percent == text.npos) return std::string{address};
    std::string_view zone = text.substr(percent + 1);
    if (zone.size() > 2 && zone.starts_with("25")) zone.remove_prefix(2);
    const auto fits = [](char c) {
        return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') ||
               std::string_view{"-._~"}.find(c) != std::string_view::npos;
    };
    if (zone.empty() || !std::ranges::all_of(zone, fits)) return bad(fmt::format("{} is no zone", quoted(zone)));
    if (zone.size() > longest_zone) return bad(fmt::format("the zone is longer than {} bytes", longest_zone));
    return fmt::format("{}%{}", address, zone);
}

/// The resolver says which names exist; here it is only that no part of a URL that went wrong passes for a name.
Result<std::string> parse_name(std::string_view text) {
    if (text.empty()) return bad("the host is empty");
    if (text.size() > longest_host) return bad(fmt::format("the host is longer than {} bytes", longest_host));
    if (check_text(text) == TextFault::malformed) return bad(fmt::format("the host {} is not UTF-8", quoted(text)));
    const auto refused = std::ranges::find_if(text, [](char c) {
        return static_cast<unsigned char>(c) <= ' ' || c == 0x7F ||
               std::string_view{"\"#%/<>?@[\\]^`{|}"}.find(c) != std::string_view::npos;
    });
    if (refused == text.end()) return std::string{text};
    return bad(fmt::format("the host {} contains {}", quoted(text), quoted(std::string_view{&*refused, 1})));
}

Result<std::uint16_t> parse_port(std::string_view text) {
    if (text.empty()) return bad("there is no port after ':'");
    if (!std::ranges::all_of(text, is_digit)) return bad(fmt::format("the port {} is no number", quoted(text)));
    std::uint16_t port = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
    if (read.ec == std::errc{} && port != 0) return port;
    return bad(fmt::format("the port {} is not within 1 to 65535", quoted(text)));
}

struct Authority {
    std::string host;
    std::uint16_t port = 0;
};

/// `host[:port]`
Result<Authority> parse_authority(std::string_view text, std::uint16_t default_port) {
    const bool bracketed = text.starts_with('[');
    const std::size_t end = bracketed ? text.find(']') : text.find(':');
    if (bracketed && end == text.npos) return bad("there is no ']' after '['");
    Result<std::string> host = bracketed ? parse_ipv6(text.substr(1, end - 1)) : parse_name(text.substr(0, end));
    const std::string_view rest = end == text.npos ? std::string_view{} : text.substr(bracketed ? end + 1 : end);
    if (!bracketed && rest.find(':', 1) != rest.npos)
        return bad("there is more than one ':'; an IPv6 address stands in brackets");
    if (!host) return std::move(host).failure();
    if (rest.empty()) return Authority{*std::move(host), default_port};
    if (rest[0] != ':') return bad(fmt::format("there is {} after ']'", quoted(rest)));
    const Result<std::uint16_t> port = parse_port(rest.substr(1));
    if (!port) return port.failure();
    return Authority{*std::move(host), *port};
}

/// `[/path][?query]`
Result<std::string> parse_path(std::string_view text, const Scheme& scheme) {
    if (text.find('#') != text.npos) return bad("there is a fragment ('#'), which goes nowhere");
    if (scheme.transport != Transport::ws && scheme.transport != Transport::wss) {
        if (text.empty() || text == "/") return std::string{};
        return bad(fmt::format("{}:// takes no path, here {}", scheme.name, quoted(text)));
    }
    // Blanks and line ends would reach into the HTTP request.
    const auto fits = [](char c) { return c > ' ' && c < 0x7F; };
    if (!std::ranges::all_of(text, fits)) return bad("the path has characters that must be percent-encoded");
    return std::string{text.starts_with('/') ? "" : default_path}.append(text);
}

Result<Endpoint> parse_network(const Scheme& scheme, std::string_view text) {
    const std::size_t slash = std::min(text.find_first_of("/?#"), text.size());
    Result<Authority> authority = parse_authority(text.substr(0, slash), scheme.port);
    if (!authority) return std::move(authority).failure();
    Result<std::string> path = parse_path(text.substr(slash), scheme);
    if (!path) return std::move(path).failure();
    return Endpoint(scheme.transport, std::move(authority->host), authority->port, *std::move(path));
}

Result<Endpoint> parse_unix(std::string_view path) {
    if (!path.starts_with('/') || path.size() == 1)
        return bad("unix:// takes an absolute path, as in unix:///run/mqtt.sock");
    if (path.find('\0') != path.npos) return bad("the path contains U+0000");
    return Endpoint(Transport::unix_socket, {}, 0, std::string{path});
}

Result<Endpoint> parse_any(std::string_view url) {
    const std::size_t mark = url.find("://");
    if (mark == url.npos) return parse_network(schemes[0], url);
    const Scheme* const scheme = scheme_named(url.substr(0, mark));
    if (!scheme) {
        return bad(fmt::format("the scheme {} is unknown; known are mqtt, tcp, mqtts, ssl, tls, ws, wss and unix",
                               quoted(url.substr(0, mark))));
    }
    const std::string_view rest = url.substr(mark + 3);
    return scheme->transport == Transport::unix_socket ? parse_unix(rest) : parse_network(*scheme, rest);
}

} // namespace

Result<Endpoint> Endpoint::parse(std::string_view url) {
    Result<Endpoint> endpoint = parse_any(url);
    if (endpoint) return endpoint;
    // Whatever else is wrong: what stands before an '@' may be a password, and nothing of it may be quoted.
    if (url.find('@') != url.npos) {
        return bad(
            "a broker's URL takes no user name or password ('@'): give them as ClientOptions::user_name and password");
    }
    return bad(fmt::format("broker URL {}: {}", quoted(url), endpoint.failure().detail()));
}

std::string Endpoint::to_string() const {
    const auto is_mine = [this](const Scheme& scheme) { return scheme.transport == transport_; };
    const std::string_view scheme = std::ranges::find_if(schemes, is_mine)->name;
    if (transport_ == Transport::unix_socket) return fmt::format("{}://{}", scheme, path_);
    if (host_.find(':') == host_.npos) return fmt::format("{}://{}:{}{}", scheme, host_, port_, path_);
    std::string address = host_;
    if (const std::size_t percent = address.find('%'); percent != address.npos) address.insert(percent + 1, "25");
    return fmt::format("{}://[{}]:{}{}", scheme, address, port_, path_);
}

} // namespace culex
