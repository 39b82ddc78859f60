#include "client/route.hpp"

#include <utility>

#include <fmt/format.h>

namespace culex::client {
namespace {

constexpr std::string_view blanks = " \t";

bool is_secure(Transport transport) noexcept { return transport == Transport::tls || transport == Transport::wss; }
bool has_path(Transport transport) noexcept { return transport == Transport::ws || transport == Transport::wss; }

std::string_view scheme_of(Transport transport) noexcept {
    switch (transport) {
    case Transport::tls:
        return "mqtts";
    case Transport::ws:
        return "ws";
    case Transport::wss:
        return "wss";
    default:
        return "mqtt"; // a broker behind a Unix socket can mean a host only
    }
}

Result<Endpoint> parse_name(std::string_view name, const Endpoint& from) {
    if (name.find("://") != name.npos) return Endpoint::parse(name);
    auto parsed = Endpoint::parse(fmt::format("{}://{}", scheme_of(from.transport()), name));
    const bool own_path = name.find_first_of("/?") != name.npos;
    if (!parsed || own_path || !has_path(from.transport())) return parsed;
    return Endpoint(parsed->transport(), parsed->host(), parsed->port(), from.path());
}

} // namespace

std::vector<Endpoint> parse_reference(std::string_view reference, const Endpoint& from) {
    std::vector<Endpoint> named;
    for (;;) {
        const std::size_t begin = reference.find_first_not_of(blanks);
        if (begin == reference.npos) return named;
        reference.remove_prefix(begin);
        const std::string_view name = reference.substr(0, reference.find_first_of(blanks));
        reference.remove_prefix(name.size());
        auto endpoint = parse_name(name, from);
        if (!endpoint || endpoint->transport() == Transport::unix_socket) continue;
        if (is_secure(from.transport()) && !is_secure(endpoint->transport())) continue;
        named.push_back(*std::move(endpoint));
    }
}

void Route::start(std::vector<Endpoint> endpoints) {
    endpoints_ = std::move(endpoints);
    start_over();
}

void Route::start_over() noexcept {
    turn_ = 0;
    detour_.reset();
    moved_ = no_place;
    astray_ = false;
    new_round();
}

void Route::connected() {
    if (detour_.look().empty()) return;
    if (moved_ != no_place) {
        turn_ = std::exchange(moved_, no_place);
        endpoints_[turn_] = std::move(detour_->front());
    } else {
        astray_ = true;
    }
    detour_.reset();
}

void Route::stay() noexcept {
    if (!detour_.look().empty()) return pass();
    astray_ = false;
}

void Route::pass() noexcept {
    if (!detour_.look().empty()) return detour_->pop_front();
    if (std::exchange(astray_, false)) return;
    turn_ = (turn_ + 1) % endpoints_.size();
    ++turns_;
}

bool Route::redirect(std::string_view reference, const Endpoint& at, bool moved) {
    if (redirects_ >= max_redirects_) return false;
    std::vector<Endpoint> named = parse_reference(reference, at);
    if (named.empty()) return false;
    ++redirects_;
    const bool has_turn = detour_.look().empty() && !astray_;
    const std::size_t place = !has_turn ? moved_ : at == endpoints_[turn_] ? turn_ : no_place;
    moved_ = moved ? place : no_place;
    pass();
    detour_.reset();
    for (Endpoint& endpoint : named) detour_.use().push_back(std::move(endpoint));
    return true;
}

} // namespace culex::client
