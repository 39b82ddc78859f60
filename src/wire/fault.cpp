#include "wire/fault.hpp"

#include <iterator>

#include <fmt/format.h>

#include "base/text.hpp"
#include "wire/plain_topic.hpp"

namespace culex::wire {
namespace {

std::string words(PacketType packet, const Fault& fault) {
    // Type 0 is no packet, and "?" would not help.
    std::string out = packet == PacketType{} ? "packet" : std::string{to_string(packet)};
    fmt::format_to(std::back_inserter(out), ": {} {}", fault.field, fault.what);
    if (fault.number) fmt::format_to(std::back_inserter(out), " ({0}, 0x{0:02X})", *fault.number);
    if (!fault.text.empty()) fmt::format_to(std::back_inserter(out), ": {}", quoted(fault.text));
    return out;
}

} // namespace

Failure refusal(PacketType packet, const Fault& fault) {
    const bool no_packet = fault.reason == ReasonCode::malformed_packet || fault.reason == ReasonCode::packet_too_large;
    return Failure(no_packet ? Errc::malformed_packet : Errc::protocol_error, words(packet, fault), fault.reason);
}

Failure misuse(PacketType packet, const Fault& fault) { return Failure(Errc::invalid_argument, words(packet, fault)); }

Fault text_fault(const char* field, std::string_view text) noexcept {
    switch (check_text(text)) {
    case TextFault::none:
        break;
    case TextFault::malformed:
        return {ReasonCode::malformed_packet, field, "is not UTF-8", {}, text};
    case TextFault::null_character:
        return {ReasonCode::malformed_packet, field, "contains U+0000", {}, text};
    }
    return {};
}

Fault topic_fault(const char* field, std::string_view topic) noexcept {
    if (is_plain_topic(topic)) return {};
    if (Fault fault = text_fault(field, topic)) return fault;
    if (topic.find_first_of("+#") == std::string_view::npos) return {};
    return {ReasonCode::protocol_error, field, "has a wildcard", {}, topic};
}

} // namespace culex::wire
