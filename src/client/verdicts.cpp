#include "client/verdicts.hpp"

#include <algorithm>

namespace culex {
namespace {

using enum ReasonCode;

constexpr ReasonVerdict defaults[] = {
    {unsupported_protocol_version, Verdict::give_up},
    {client_identifier_not_valid, Verdict::give_up},
    {bad_user_name_or_password, Verdict::give_up},
    {not_authorized, Verdict::give_up},
    {banned, Verdict::give_up},
    {bad_authentication_method, Verdict::give_up},
    {session_taken_over, Verdict::give_up},
    {topic_name_invalid, Verdict::give_up},     // of the will
    {packet_too_large, Verdict::give_up},       // the CONNECT itself
    {payload_format_invalid, Verdict::give_up}, // of the will
    {retain_not_supported, Verdict::give_up},
    {qos_not_supported, Verdict::give_up},
    {server_unavailable, Verdict::next_endpoint},
    {server_busy, Verdict::next_endpoint},
    {server_shutting_down, Verdict::next_endpoint},
    {quota_exceeded, Verdict::next_endpoint},
    {use_another_server, Verdict::next_endpoint},
    {server_moved, Verdict::next_endpoint},
    {connection_rate_exceeded, Verdict::next_endpoint},
};

const ReasonVerdict* find(std::span<const ReasonVerdict> table, ReasonCode code) noexcept {
    const auto found = std::ranges::find(table, code, &ReasonVerdict::reason_code);
    return found == table.end() ? nullptr : &*found;
}

} // namespace

std::span<const ReasonVerdict> default_verdicts() noexcept { return defaults; }

namespace client {

Verdict Verdicts::of(const Failure& failure, Verdict otherwise) const noexcept {
    // Other failures may carry a code too: the one that the broker was told.
    if (failure != Errc::connection_refused && failure != Errc::disconnected) return otherwise;
    if (const ReasonVerdict* row = find(first_, failure.reason_code())) return row->verdict;
    if (const ReasonVerdict* row = find(default_verdicts(), failure.reason_code())) return row->verdict;
    return otherwise;
}

} // namespace client
} // namespace culex
