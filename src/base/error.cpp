#include <culex/error.hpp>

#include <cctype>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"

namespace culex {
namespace {

/// Details may be a broker's reason string of 65,535 bytes; a message shows the beginning.
constexpr std::size_t detail_limit = 500;

/// How a message begins: what was being done, before an address and without one.
struct Beginning {
    std::string_view with_address, alone;
};

Beginning beginning_of(Phase phase) noexcept {
    switch (phase) {
    case Phase::none:
        break;
    case Phase::resolve:
        return {"resolving ", "resolving"};
    case Phase::connect:
        return {"connecting to ", "connecting"};
    case Phase::tls:
        return {"TLS handshake with ", "TLS handshake"};
    case Phase::websocket:
        return {"WebSocket handshake with ", "WebSocket handshake"};
    case Phase::mqtt:
        return {"MQTT handshake with ", "MQTT handshake"};
    case Phase::session:
        return {"the connection to ", "the connection"};
    }
    return {"", ""};
}

/// The system's texts begin like sentences ("Connection refused"), ours stand within a line.
std::string as_clause(std::string text) {
    const auto is_upper = [&text](std::size_t at) { return std::isupper(static_cast<unsigned char>(text[at])) != 0; };
    if (text.size() >= 2 && is_upper(0) && !is_upper(1)) {
        text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
    }
    return text;
}

std::string describe(std::error_code code) {
    if (code.category() == culex_category()) return code.message();
    const bool is_errno = code.category() == std::system_category() || code.category() == std::generic_category();
    const std::string_view origin = is_errno ? "errno" : code.category().name();
    return fmt::format("{} ({} {})", as_clause(printable(code.message(), detail_limit)), origin, code.value());
}

/// Where the reason code repeats the words before it, its number is enough.
bool says_the_same(std::error_code code, ReasonCode reason) noexcept {
    return (code == Errc::protocol_error && reason == ReasonCode::protocol_error) ||
           (code == Errc::malformed_packet && reason == ReasonCode::malformed_packet) ||
           (code == Errc::packet_too_large && reason == ReasonCode::packet_too_large);
}

// Never destroyed: a client in static storage may fail after the statics of this file ended.
const std::string& no_text() noexcept {
    static const std::string& text = *new std::string;
    return text;
}

} // namespace

struct Failure::State {
    std::error_code code;
    Phase phase = Phase::none;
    ReasonCode reason = ReasonCode::success;
    std::string address;
    std::string detail;
};

void Failure::Delete::operator()(State* state) const noexcept { delete state; }

Failure::Failure(std::error_code code, std::string detail, ReasonCode reason)
    : state_(new State{code, Phase::none, reason, {}, std::move(detail)}) {}

Failure::Failure(Errc code, std::string detail, ReasonCode reason)
    : Failure(make_error_code(code), std::move(detail), reason) {}

Failure::Failure(Errc code) : Failure(make_error_code(code)) {}

Failure::Failure(const Failure& other) : state_(other.state_ ? new State(*other.state_) : nullptr) {}

Failure& Failure::operator=(const Failure& other) {
    Failure copy(other);
    state_ = std::move(copy.state_);
    return *this;
}

Failure Failure::during(Phase phase) && {
    if (state_ && state_->phase == Phase::none) state_->phase = phase;
    return std::move(*this);
}

Failure Failure::at(std::string address) && {
    if (state_ && state_->address.empty()) state_->address = std::move(address);
    return std::move(*this);
}

std::error_code Failure::code() const noexcept { return state_ ? state_->code : std::error_code{}; }
Phase Failure::phase() const noexcept { return state_ ? state_->phase : Phase::none; }
ReasonCode Failure::reason_code() const noexcept { return state_ ? state_->reason : ReasonCode::success; }

const std::string& Failure::address() const noexcept { return state_ ? state_->address : no_text(); }
const std::string& Failure::detail() const noexcept { return state_ ? state_->detail : no_text(); }

std::string Failure::message() const {
    if (!state_) return "no error";
    const Beginning beginning = beginning_of(state_->phase);
    std::string out;
    if (!state_->address.empty()) {
        out += beginning.with_address;
        out += printable(state_->address, detail_limit);
    } else {
        out += beginning.alone;
    }
    if (!out.empty()) out += ": ";
    out += describe(state_->code);
    if (state_->reason != ReasonCode::success) {
        const bool twice = says_the_same(state_->code, state_->reason);
        const auto number = static_cast<unsigned>(state_->reason);
        if (!twice) fmt::format_to(std::back_inserter(out), ": {}", to_string(state_->reason));
        fmt::format_to(std::back_inserter(out), " (0x{:02X})", number);
    }
    if (!state_->detail.empty()) {
        out += ": ";
        out += printable(state_->detail, detail_limit);
    }
    return out;
}

std::string_view to_string(Phase phase) noexcept {
    switch (phase) {
    case Phase::none:
        return "none";
    case Phase::resolve:
        return "resolve";
    case Phase::connect:
        return "connect";
    case Phase::tls:
        return "tls";
    case Phase::websocket:
        return "websocket";
    case Phase::mqtt:
        return "mqtt";
    case Phase::session:
        return "session";
    }
    return "?";
}

Error::Error(Failure failure)
    : std::system_error(failure.code()), failure_(std::move(failure)), text_(failure_.message()) {}
Error::Error(const Error&) = default;
Error& Error::operator=(const Error&) = default;
Error::~Error() = default;

} // namespace culex
