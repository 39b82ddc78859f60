#pragma once
/// \file topic.hpp
/// Topic names and topic filters (section 4.7): what is one, and which filter matches which name. All functions may be
/// called on any thread.

#include <optional>
#include <string_view>

#include <culex/result.hpp>

namespace culex {

/// Whether a message may be published under `name`: 1 to 65,535 bytes of UTF-8 without U+0000 and without wildcards
/// ([MQTT-4.7.0-1], [MQTT-4.7.3-1] to [MQTT-4.7.3-3]). The failure is `Errc::invalid_argument` with
/// `ReasonCode::topic_name_invalid`; its detail quotes the name and names the rule.
[[nodiscard]] Result<void> check_topic_name(std::string_view name);

/// Whether `filter` may be subscribed to: as a name, but `+` may stand for a whole level and `#` for all levels at the end
/// ([MQTT-4.7.1-1], [MQTT-4.7.1-2]). What begins with `$share/` is checked as a shared subscription,
/// `$share/group/filter` ([MQTT-4.8.2-1], [MQTT-4.8.2-2]), whatever the version: brokers of MQTT 3.1.1 that know shared
/// subscriptions write them in the same way. The failure is as above with `ReasonCode::topic_filter_invalid`.
[[nodiscard]] Result<void> check_topic_filter(std::string_view filter);

/// Whether messages under `topic` reach subscribers of `filter`; both must have passed their checks, and `filter` must
/// not begin with `$share/` (see `parse_shared`). A wildcard in front does not match a topic that begins with `$`
/// [MQTT-4.7.2-1]; `a/#` matches `a` as well; otherwise bytes are compared, nothing is normalised [MQTT-4.7.3-4].
[[nodiscard]] bool matches(std::string_view filter, std::string_view topic) noexcept;

/// The two parts of `$share/group/filter` (section 4.8.2).
struct SharedFilter {
    /// Who shares; the same for all its members.
    std::string_view group{};
    std::string_view filter{}; ///< what messages are matched with
};

/// Empty where `filter` is no well-formed shared subscription. The filter inside is not checked; see `check_topic_filter`.
[[nodiscard]] std::optional<SharedFilter> parse_shared(std::string_view filter) noexcept;

} // namespace culex
