#include "io/tls_scram.hpp"

#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include <culex/scram.hpp>
#include <culex/timeout.hpp>

#include "base/text.hpp"

namespace culex {
namespace io {
namespace {

/// What the broker has done wrong.
Failure wrong(std::string what) { return Failure(Errc::authentication_failed, "SCRAM: " + std::move(what)); }

/// The names of RFC 5802 in a list that is separated by commas, which no value contains.
std::string escaped(std::string_view name) {
    std::string text;
    for (const char c : name) {
        if (c == ',') {
            text += "=2C";
        } else if (c == '=') {
            text += "=3D";
        } else {
            text += c;
        }
    }
    return text;
}

/// Takes `key=value` and the comma behind it off the front; empty where something else stands there.
std::optional<std::string_view> take(std::string_view& message, char key) {
    if (message.size() < 2 || message[0] != key || message[1] != '=') return std::nullopt;
    const std::size_t end = std::min(message.find(','), message.size());
    const std::string_view value = message.substr(2, end - 2);
    message.remove_prefix(std::min(end + 1, message.size()));
    return value;
}

std::optional<std::uint32_t> number(std::string_view text) {
    std::uint32_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || stopped != end || text[0] == '0') return std::nullopt;
    return value;
}

} // namespace

ScramExchange::ScramExchange(std::string_view user_name, std::string_view nonce)
    : first_bare_(fmt::format("n={},r={}", escaped(user_name), nonce)), nonce_(nonce) {}

Result<void> ScramExchange::read_first(std::string_view message, const IterationBounds& bounds) {
    if (stage_ != Stage::started) return wrong("the broker asks twice");
    std::string_view rest = message;
    if (rest.starts_with("m=")) return wrong("the broker demands an extension that nobody knows");
    const auto nonce = take(rest, 'r');
    const auto salt = take(rest, 's');
    const auto count = take(rest, 'i');
    if (!nonce || !salt || !count) return wrong("the broker's first message is none");
    // Or else somebody plays an earlier exchange again.
    if (!nonce->starts_with(nonce_) || nonce->size() == nonce_.size())
        return wrong("the broker's nonce does not continue ours");
    auto decoded = from_base64(*salt);
    if (!decoded) return wrong("the broker's salt is none");
    const auto iterations = number(*count);
    if (!iterations) return wrong("the broker's number of iterations is none");
    if (*iterations < bounds.least || *iterations > bounds.most) {
        return wrong(fmt::format("the broker wants {} iterations, which is not between {} and {}", *iterations,
                                 bounds.least, bounds.most));
    }
    nonce_ = *nonce;
    server_first_ = message;
    salt_ = *std::move(decoded);
    iterations_ = *iterations;
    stage_ = Stage::salted;
    return {};
}

std::string ScramExchange::final(const Digest& salted_password) {
    const std::string bare = fmt::format("c=biws,r={}", nonce_); // biws: "n,,", no channel binding
    const std::string all = fmt::format("{},{},{}", first_bare_, server_first_, bare);
    const auto keyed = [&](std::string_view name) { return hmac_sha256(bytes_of(salted_password), as_bytes(name)); };
    const Digest client_key = keyed("Client Key");
    const Digest signature = hmac_sha256(bytes_of(sha256(bytes_of(client_key))), as_bytes(all));
    Digest proof{};
    for (std::size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<std::uint8_t>(client_key[i] ^ signature[i]);
    server_signature_ = hmac_sha256(bytes_of(keyed("Server Key")), as_bytes(all));
    stage_ = Stage::proving;
    return fmt::format("{},p={}", bare, to_base64(bytes_of(proof)));
}

Result<void> ScramExchange::verify(std::string_view message) {
    if (stage_ != Stage::proving) return wrong("the broker ends the exchange before it has begun");
    std::string_view rest = message;
    if (const auto error = take(rest, 'e')) return wrong(fmt::format("the broker says {}", *error));
    const auto encoded = take(rest, 'v');
    const auto decoded = encoded ? from_base64(*encoded) : std::nullopt;
    if (!decoded) return wrong("the broker has given no proof of itself");
    Digest given{};
    const bool fits = decoded->size() == given.size();
    if (fits) std::copy(decoded->begin(), decoded->end(), given.begin());
    if (!fits || !equal(given, server_signature_))
        return wrong("the broker's proof is wrong: it does not know the user");
    stage_ = Stage::verified;
    return {};
}

} // namespace io

// --- the authenticator

namespace {

/// About two milliseconds of a loop's time.
constexpr std::uint32_t slice = 1'000;

Failure check_credential(std::string_view text, const char* what, bool prepared) {
    if (text.empty()) return Failure(Errc::invalid_argument, fmt::format("{}: not empty", what));
    if (check_text(text) != TextFault::none)
        return Failure(Errc::invalid_argument, fmt::format("{}: is no UTF-8", what));
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7F)
            return Failure(Errc::invalid_argument, fmt::format("{}: has a control character", what));
        if (byte >= 0x80 && !prepared) {
            return Failure(
                Errc::invalid_argument,
                fmt::format("{}: needs SASLprep, which is not done here: give its result, and say `prepared`", what));
        }
    }
    return Failure();
}

} // namespace

struct ScramSha256::State {
    explicit State(const ScramOptions& options)
        : user_name(options.user_name), password(options.password),
          bounds{options.min_iterations, options.max_iterations} {}

    Task<std::string> begin() {
        exchange.emplace(user_name, io::to_base64(as_bytes(io::random_bytes(18))));
        co_return exchange->first();
    }
    Task<std::string> challenge(Bytes data) {
        if (!exchange) throw Error(Failure(Errc::authentication_failed, "SCRAM: a challenge without a beginning"));
        // Some brokers prove themselves before CONNACK; then there is nothing left to say.
        if (exchange->stage() == io::ScramExchange::Stage::proving) {
            exchange->verify(as_text(data)).value();
            co_return std::string();
        }
        exchange->read_first(as_text(data), bounds).value();
        if (!knows_key()) co_await derive_key();
        co_return exchange->final(key);
    }
    Task<> success(Bytes data) {
        if (!exchange) throw Error(Failure(Errc::authentication_failed, "SCRAM: an end without a beginning"));
        const bool verified = exchange->stage() == io::ScramExchange::Stage::verified;
        if (!verified) exchange->verify(as_text(data)).value();
        co_return;
    }

    [[nodiscard]] bool knows_key() const {
        return key_iterations == exchange->iterations() && key_salt == exchange->salt();
    }
    Task<> derive_key() {
        io::KeyDerivation derivation(password, exchange->salt(), exchange->iterations());
        while (!derivation.advance(slice)) co_await yield();
        key = derivation.key();
        key_salt = exchange->salt();
        key_iterations = exchange->iterations();
    }

    const std::string user_name;
    const std::string password;
    const io::IterationBounds bounds;
    std::optional<io::ScramExchange> exchange;
    // What was derived last: brokers keep a user's salt.
    io::Digest key{};
    std::string key_salt;
    std::uint32_t key_iterations = 0;
};

ScramSha256::ScramSha256(const ScramOptions& options) {
    if (Failure why = check_credential(options.user_name, "user_name", options.prepared)) throw Error(std::move(why));
    if (Failure why = check_credential(options.password, "password", options.prepared)) throw Error(std::move(why));
    if (options.min_iterations == 0 || options.min_iterations > options.max_iterations)
        throw Error(Failure(Errc::invalid_argument, "min_iterations: at least 1, and not above max_iterations"));
    state_ = std::make_unique<State>(options);
}

ScramSha256::ScramSha256(ScramSha256&&) noexcept = default;
ScramSha256& ScramSha256::operator=(ScramSha256&&) noexcept = default;
ScramSha256::~ScramSha256() = default;

Task<std::string> ScramSha256::begin() { return state_->begin(); }
Task<std::string> ScramSha256::challenge(Bytes data) { return state_->challenge(data); }
Task<> ScramSha256::success(Bytes data) { return state_->success(data); }

} // namespace culex
