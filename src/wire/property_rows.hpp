#pragma once
/// \file property_rows.hpp
/// The properties of MQTT 5 (section 2.2.2.2), one row each. A packet may carry a property if its struct has the member of
/// that name: the structs of <culex/properties.hpp> are the other half of this table.

#include <tuple>
#include <utility>

#include <culex/properties.hpp>

namespace culex::wire {

/// What a value may be, and how it is written, where its C++ type does not say so.
enum class Rule : std::uint8_t {
    any,
    zero_or_one,
    not_zero,
    alias,      ///< not zero, or 0x94
    identifier, ///< a variable byte integer, not zero
    topic_name, ///< a string without wildcards, not empty
};

template <class Member> struct PropertyRow {
    std::uint8_t id;
    const char* name;
    Rule rule;
    Member member; ///< `member(properties)` is the member, where there is one
};
template <class Member> PropertyRow(int, const char*, Rule, Member) -> PropertyRow<Member>;

/// The trailing return type lets `CarriedBy` ask whether a struct has the member.
#define CULEX_ROW(id, member, rule)                                                                                    \
    PropertyRow {                                                                                                      \
        id, #member, Rule::rule, [](auto& p) -> decltype((p.member)) { return p.member; }                              \
    }

inline constexpr auto property_rows = std::tuple{
    CULEX_ROW(0x01, payload_format_indicator, zero_or_one),
    CULEX_ROW(0x02, message_expiry_interval, any),
    CULEX_ROW(0x03, content_type, any),
    CULEX_ROW(0x08, response_topic, topic_name), // [MQTT-3.3.2-13], [MQTT-3.3.2-14]
    CULEX_ROW(0x09, correlation_data, any),
    CULEX_ROW(0x0B, subscription_identifier, identifier),
    CULEX_ROW(0x0B, subscription_identifiers, identifier), // PUBLISH has one for each subscription that matched
    CULEX_ROW(0x11, session_expiry_interval, any),
    CULEX_ROW(0x12, assigned_client_identifier, any),
    CULEX_ROW(0x13, server_keep_alive, any),
    CULEX_ROW(0x15, authentication_method, any),
    CULEX_ROW(0x16, authentication_data, any),
    CULEX_ROW(0x17, request_problem_information, zero_or_one),
    CULEX_ROW(0x18, will_delay_interval, any),
    CULEX_ROW(0x19, request_response_information, zero_or_one),
    CULEX_ROW(0x1A, response_information, any),
    CULEX_ROW(0x1C, server_reference, any),
    CULEX_ROW(0x1F, reason_string, any),
    CULEX_ROW(0x21, receive_maximum, not_zero),
    CULEX_ROW(0x22, topic_alias_maximum, any),
    CULEX_ROW(0x23, topic_alias, alias), // [MQTT-3.3.2-8]
    CULEX_ROW(0x24, maximum_qos, zero_or_one),
    CULEX_ROW(0x25, retain_available, zero_or_one),
    CULEX_ROW(0x26, user_properties, any),
    CULEX_ROW(0x27, maximum_packet_size, not_zero),
    CULEX_ROW(0x28, wildcard_subscription_available, zero_or_one),
    CULEX_ROW(0x29, subscription_identifier_available, zero_or_one),
    CULEX_ROW(0x2A, shared_subscription_available, zero_or_one),
};
#undef CULEX_ROW

/// `P` is a struct of properties, const or not.
template <class Row, class P>
concept CarriedBy = requires(const Row& row, P& properties) { row.member(properties); };

/// Calls `visit(row, member)` for the rows that `P` carries, in the order of their numbers, until it returns false.
/// False if it did.
template <class P, class F> constexpr bool for_each_property(P& properties, F visit) {
    const auto one = [&]<class Row>(const Row& row) {
        if constexpr (CarriedBy<Row, P>) return visit(row, row.member(properties));
        return true;
    };
    return std::apply([&](const auto&... rows) { return (one(rows) && ...); }, property_rows);
}

/// The name of a property that some packet carries; null for a number that is none.
[[nodiscard]] constexpr const char* property_name(std::uint32_t id) noexcept {
    const char* name = nullptr;
    std::apply([&](const auto&... rows) { ((rows.id == id&& !name ? name = rows.name : name), ...); }, property_rows);
    return name;
}

/// What is wrong with a number under a rule; null if nothing is.
[[nodiscard]] constexpr const char* number_fault(Rule rule, std::uint32_t value) noexcept {
    if (rule == Rule::zero_or_one) return value > 1 ? "is neither 0 nor 1" : nullptr;
    if (rule == Rule::any || value != 0) {
        return rule == Rule::identifier && value > max_remaining_length ? "is not 1 to 268,435,455" : nullptr;
    }
    return rule == Rule::identifier ? "is not 1 to 268,435,455" : "is not 1 or more";
}

} // namespace culex::wire
