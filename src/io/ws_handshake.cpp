#include "io/ws_handshake.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "io/tls_digest.hpp"

namespace culex::io {
namespace {

constexpr std::string_view line_end = "\r\n";
constexpr std::string_view head_end = "\r\n\r\n";
constexpr std::size_t shown = 200; // of the broker's words, in a failure

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool same(std::string_view a, std::string_view b) noexcept {
    return std::ranges::equal(a, b, [](char left, char right) { return lower(left) == lower(right); });
}

std::string_view trimmed(std::string_view text) noexcept {
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == text.npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

/// A token of RFC 9110, section 5.6.2.
bool is_token(std::string_view text) noexcept {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') ||
               std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
    });
}

Failure refused(std::string what) { return Failure(Errc::websocket_failed, std::move(what)); }
Failure unfit(std::string what) { return Failure(Errc::invalid_argument, std::move(what)); }

/// `host[:port]`, where the port is not that of the scheme; an IPv6 address without its zone, which is nobody else's business.
std::string host_of(const Endpoint& endpoint) {
    std::string host = endpoint.host();
    if (host.find(':') != host.npos) host = fmt::format("[{}]", host.substr(0, host.find('%')));
    const std::uint16_t usual = endpoint.transport() == Transport::wss ? 443 : 80;
    return endpoint.port() == usual ? host : fmt::format("{}:{}", host, endpoint.port());
}

/// A line of its own in the request: nothing may end it early, and nothing may say again what we say.
Failure check_header(const HttpHeader& header) {
    static constexpr std::string_view ours[] = {"Host", "Upgrade", "Connection"};
    static constexpr std::string_view of_websocket = "Sec-WebSocket-";
    if (!is_token(header.name)) return unfit(fmt::format("websocket_headers: {} is no name", quoted(header.name)));
    const auto is_it = [&](std::string_view name) { return same(name, header.name); };
    if (std::ranges::any_of(ours, is_it) || same(header.name.substr(0, of_websocket.size()), of_websocket))
        return unfit(fmt::format("websocket_headers: {} is the handshake's own", quoted(header.name)));
    const auto breaks = [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 0x7F; };
    if (std::ranges::any_of(header.value, breaks)) // not quoted: it may be a secret
        return unfit(fmt::format("websocket_headers: the value of {} has control characters", quoted(header.name)));
    return Failure();
}

/// What stands behind the version in `HTTP/1.1 101 Switching Protocols`; empty for what is no such line.
std::string_view status_of(std::string_view line) noexcept {
    static constexpr std::string_view version = "HTTP/1.1 ";
    if (!line.starts_with(version)) return {};
    const std::string_view status = trimmed(line.substr(version.size()));
    const bool has_code = status.size() >= 3 && (status.size() == 3 || status[3] == ' ') &&
                          std::ranges::all_of(status.substr(0, 3), [](char c) { return c >= '0' && c <= '9'; });
    return has_code ? status : std::string_view{};
}

Failure refused_with(std::string_view status, const HttpHead& head) {
    const std::string_view location = head.value("Location");
    if (location.empty()) return refused(fmt::format("the broker answered {}", printable(status, shown)));
    return refused(
        fmt::format("the broker answered {}, and points to {}", printable(status, shown), printable(location, shown)));
}

} // namespace

std::optional<std::size_t> HttpHead::size_in(std::string_view text) noexcept {
    const std::size_t end = text.find(head_end);
    if (end == text.npos) return std::nullopt;
    return end + head_end.size();
}

Result<HttpHead> HttpHead::parse(std::string_view text) {
    HttpHead head;
    const std::size_t end = text.find(line_end);
    head.first_line_ = text.substr(0, end);
    for (text.remove_prefix(end + line_end.size()); !text.starts_with(line_end);) {
        const std::string_view line = text.substr(0, text.find(line_end));
        text.remove_prefix(line.size() + line_end.size());
        const std::size_t colon = line.find(':');
        if (colon == line.npos || !is_token(line.substr(0, colon)))
            return refused(fmt::format("{} is no header of HTTP", quoted(line)));
        head.headers_.emplace_back(line.substr(0, colon), trimmed(line.substr(colon + 1)));
    }
    return head;
}

std::size_t HttpHead::count(std::string_view name) const noexcept {
    const auto is_it = [name](const auto& header) { return same(header.first, name); };
    return static_cast<std::size_t>(std::ranges::count_if(headers_, is_it));
}

std::string_view HttpHead::value(std::string_view name) const noexcept {
    const auto found = std::ranges::find_if(headers_, [name](const auto& each) { return same(each.first, name); });
    return found == headers_.end() ? std::string_view{} : found->second;
}

bool HttpHead::has_word(std::string_view name, std::string_view word) const noexcept {
    for (const auto& [each, value] : headers_) {
        if (!same(each, name)) continue;
        for (std::string_view rest = value; !rest.empty();) {
            const std::size_t comma = std::min(rest.find(','), rest.size());
            if (same(trimmed(rest.substr(0, comma)), word)) return true;
            rest.remove_prefix(std::min(comma + 1, rest.size()));
        }
    }
    return false;
}

std::string ws_accept_of(std::string_view key) {
    static constexpr std::string_view fixed = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // of the RFC
    return to_base64(as_bytes(sha1(as_bytes(std::string(key).append(fixed)))));
}

std::string ws_random_key() { return to_base64(as_bytes(random_bytes(16))); }

Result<std::string> ws_request(const Endpoint& endpoint, std::string_view key, std::span<const HttpHeader> headers) {
    // An endpoint that was not parsed may have anything.
    const std::string_view path = endpoint.path().empty() ? std::string_view{"/mqtt"} : endpoint.path();
    const auto fits = [](char c) { return c > ' ' && c < 0x7F; };
    if (!path.starts_with('/') || !std::ranges::all_of(path, fits))
        return unfit(fmt::format("the path {} cannot stand in a request", quoted(path)));
    const auto breaks = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7F; };
    if (std::ranges::any_of(endpoint.host(), breaks))
        return unfit(fmt::format("the host {} cannot stand in a request", quoted(endpoint.host())));

    std::string text = fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                   "Sec-WebSocket-Key: {}\r\nSec-WebSocket-Version: 13\r\n"
                                   "Sec-WebSocket-Protocol: {}\r\n", // [MQTT-6.0.0-3]
                                   path, host_of(endpoint), key, ws_sub_protocol);
    for (const HttpHeader& header : headers) {
        if (Failure bad = check_header(header)) return bad;
        text.append(fmt::format("{}: {}\r\n", header.name, header.value));
    }
    return text.append(line_end);
}

Failure check_ws_response(std::string_view text, std::string_view key) {
    const Result<HttpHead> head = HttpHead::parse(text);
    if (!head) return head.failure();
    const std::string_view status = status_of(head->first_line());
    if (status.empty()) return refused(fmt::format("the answer {} is no HTTP/1.1", quoted(head->first_line())));
    if (!status.starts_with("101")) return refused_with(status, *head);
    if (!head->has_word("Upgrade", "websocket")) return refused("the answer upgrades to something else than websocket");
    if (!head->has_word("Connection", "upgrade")) return refused("the answer has no 'Connection: upgrade'");
    if (head->count("Sec-WebSocket-Accept") != 1 || head->value("Sec-WebSocket-Accept") != ws_accept_of(key))
        return refused(
            "the answer's Sec-WebSocket-Accept does not fit our key: whoever answers did not read our request");
    if (head->count("Sec-WebSocket-Extensions") != 0)
        return refused(fmt::format("the answer has the extension {}, which was not asked for",
                                   quoted(head->value("Sec-WebSocket-Extensions"))));
    // [MQTT-6.0.0-4]
    if (head->count("Sec-WebSocket-Protocol") == 0) return refused("the answer chooses no sub-protocol, not mqtt");
    if (head->count("Sec-WebSocket-Protocol") != 1 || head->value("Sec-WebSocket-Protocol") != ws_sub_protocol)
        return refused(fmt::format("the answer chooses the sub-protocol {}, not mqtt",
                                   quoted(head->value("Sec-WebSocket-Protocol"))));
    return Failure();
}

} // namespace culex::io
