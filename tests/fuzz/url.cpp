// Broker URLs. The input is one.
//
// Invariant: what is accepted is complete (a host, or a path in the file system; a port), keeps to what may stand in a
// lookup and in an HTTP request, and its text form is read back as an equal endpoint, with the same text form. What is
// refused says why, and where there is an '@', nothing of what stands before it.

#include <string>

#include <culex/endpoint.hpp>

#include "fuzz/fuzz.hpp"

namespace culex::fuzz {
namespace {

bool has_control_character(std::string_view text) {
    return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7F; });
}

void check_accepted(const Endpoint& endpoint, std::string_view url) {
    const bool is_unix = endpoint.transport() == Transport::unix_socket;
    const bool has_path = is_unix || endpoint.transport() == Transport::ws || endpoint.transport() == Transport::wss;
    FUZZ_CHECK(endpoint.host().empty() == is_unix, "{}", url);
    FUZZ_CHECK((endpoint.port() == 0) == is_unix, "{}", url);
    FUZZ_CHECK(endpoint.path().empty() != has_path, "{}", url);
    FUZZ_CHECK(!has_path || endpoint.path()[0] == '/', "{}", url);
    FUZZ_CHECK(endpoint.host().find_first_of("/?#@[] ") == std::string::npos, "{}", url);
    FUZZ_CHECK(endpoint.host().size() <= 300, "{}", url);
    FUZZ_CHECK(!has_control_character(endpoint.host()), "{}", url);
    FUZZ_CHECK(is_unix ? endpoint.path().find('\0') == std::string::npos : !has_control_character(endpoint.path()),
               "{}", url);
}

void check_round_trip(const Endpoint& endpoint) {
    const std::string text = endpoint.to_string();
    const Result<Endpoint> again = Endpoint::parse(text);
    FUZZ_CHECK(again, "{} is refused: {}", text, again.failure().message());
    FUZZ_CHECK(*again == endpoint, "{} became {}", text, again->to_string());
    FUZZ_CHECK(again->to_string() == text, "{} became {}", text, again->to_string());
}

void check_refused(const Failure& why, std::string_view url) {
    FUZZ_CHECK(why.code() == Errc::invalid_argument, "{}", why.message());
    FUZZ_CHECK(!why.detail().empty(), "{}", url);
    if (url.find('@') == url.npos) return;
    static const std::string other = Endpoint::parse("mqtt://user:password@host").failure().detail();
    FUZZ_CHECK(why.detail() == other, "{} quotes what may be a password", why.detail());
}

void run(std::string_view url) {
    const Result<Endpoint> endpoint = Endpoint::parse(url);
    if (!endpoint) return check_refused(endpoint.failure(), url);
    check_accepted(*endpoint, url);
    check_round_trip(*endpoint);
}

} // namespace
} // namespace culex::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    culex::fuzz::run({reinterpret_cast<const char*>(data), size});
    return 0;
}
