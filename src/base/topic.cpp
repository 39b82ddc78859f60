#include <culex/topic.hpp>

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"

namespace culex {
namespace {

constexpr std::string_view share_prefix = "$share/";

/// A rule that a text breaks; empty where it breaks none.
using Broken = std::string_view;

/// What names and filters have in common.
Broken check_common(std::string_view topic) noexcept {
    if (topic.empty()) return "is empty [MQTT-4.7.3-1]";
    if (topic.size() > max_string_size) return "is longer than 65,535 bytes [MQTT-4.7.3-3]";
    switch (check_text(topic)) {
    case TextFault::none:
        break;
    case TextFault::malformed:
        return "is not well-formed UTF-8 [MQTT-1.5.4-1]";
    case TextFault::null_character:
        return "contains U+0000 [MQTT-4.7.3-2]";
    }
    return {};
}

Broken check_wildcards(std::string_view filter) noexcept {
    for (std::size_t at = filter.find_first_of("+#"); at != filter.npos; at = filter.find_first_of("+#", at + 1)) {
        const bool begins_level = at == 0 || filter[at - 1] == '/';
        const bool is_last = at + 1 == filter.size();
        if (filter[at] == '#') {
            if (!begins_level) return "has '#' after something other than '/' [MQTT-4.7.1-1]";
            if (!is_last) return "has '#' before its end [MQTT-4.7.1-1]";
        } else if (!begins_level || (!is_last && filter[at + 1] != '/')) {
            return "has '+' beside other characters of a level [MQTT-4.7.1-2]";
        }
    }
    return {};
}

/// `rest` is what follows `$share/`.
Broken check_shared(std::string_view rest) noexcept {
    const std::size_t slash = rest.find('/');
    const std::string_view group = rest.substr(0, slash);
    if (group.empty()) return "has no share name after \"$share/\" [MQTT-4.8.2-1]";
    if (group.find_first_of("+#") != group.npos) return "has a wildcard in its share name [MQTT-4.8.2-2]";
    if (slash == rest.npos) return "has no '/' and filter after its share name [MQTT-4.8.2-2]";
    if (slash + 1 == rest.size()) return "has an empty filter after its share name [MQTT-4.7.3-1]";
    return check_wildcards(rest.substr(slash + 1));
}

Result<void> verdict(std::string_view what, std::string_view topic, Broken broken, ReasonCode reason) {
    if (broken.empty()) return {};
    return Failure(Errc::invalid_argument, fmt::format("{} {} {}", what, quoted(topic), broken), reason);
}

} // namespace

Result<void> check_topic_name(std::string_view name) {
    Broken broken = check_common(name);
    if (broken.empty() && name.find_first_of("+#") != name.npos) broken = "contains a wildcard [MQTT-4.7.0-1]";
    return verdict("topic name", name, broken, ReasonCode::topic_name_invalid);
}

Result<void> check_topic_filter(std::string_view filter) {
    Broken broken = check_common(filter);
    if (broken.empty()) {
        broken = filter.starts_with(share_prefix) ? check_shared(filter.substr(share_prefix.size())) //
                                                  : check_wildcards(filter);
    }
    return verdict("topic filter", filter, broken, ReasonCode::topic_filter_invalid);
}

bool matches(std::string_view filter, std::string_view topic) noexcept {
    if (filter.empty() || topic.empty()) return false;
    if (topic[0] == '$' && (filter[0] == '+' || filter[0] == '#')) return false;
    std::size_t at = 0; // in the topic
    for (std::size_t i = 0; i < filter.size(); ++i) {
        if (filter[i] == '#') return true;
        if (filter[i] == '+') {
            at = std::min(topic.find('/', at), topic.size());
        } else if (at == topic.size()) {
            return filter.substr(i) == "/#"; // the parent level
        } else if (filter[i] != topic[at++]) {
            return false;
        }
    }
    return at == topic.size();
}

std::optional<SharedFilter> parse_shared(std::string_view filter) noexcept {
    if (!filter.starts_with(share_prefix)) return std::nullopt;
    const std::string_view rest = filter.substr(share_prefix.size());
    const std::size_t slash = rest.find('/');
    if (slash == rest.npos || slash + 1 == rest.size()) return std::nullopt;
    const SharedFilter parts{rest.substr(0, slash), rest.substr(slash + 1)};
    if (parts.group.empty() || parts.group.find_first_of("+#") != parts.group.npos) return std::nullopt;
    return parts;
}

} // namespace culex
