#pragma once
/// \file reconnect_policy.hpp
/// When a client connects again, and where, as data.

#include <chrono>
#include <span>
#include <type_traits>

#include <culex/reason_code.hpp>

namespace culex {

/// What follows when an attempt has failed, or a connection was lost.
enum class Verdict : std::uint8_t {
    try_again,     ///< the same endpoint, after the delay
    next_endpoint, ///< the next endpoint in turn; see `AsyncClient::connect` for the order, and when there is a delay
    /// MQTT 5: where the broker has named a Server Reference (section 4.11), its endpoints are tried next, in their order and
    /// without delay. After "Use another server" (0x9C) they are tried once; the first that connects after "Server moved"
    /// (0x9D) takes the place of the endpoint that said so. Without a reference, or beyond `ReconnectPolicy::redirects`, it
    /// is the next endpoint's turn.
    follow_server_reference,
    give_up, ///< the client is idle again, and whatever waits ends with the cause
};

/// What to do about a CONNACK or a DISCONNECT with this code. MQTT 3.1.1's CONNACK return codes have the same names.
struct ReasonVerdict {
    ReasonCode reason_code = ReasonCode::success;
    /// What follows it.
    Verdict verdict = Verdict::try_again;
};

/// The verdicts that hold where a policy names none. What a broker refuses for who we are, or what we sent, it refuses for
/// ever; and a client whose session another has taken over would take it back, for ever:
///
///     give_up        0x84 unsupported_protocol_version, 0x85 client_identifier_not_valid, 0x86 bad_user_name_or_password,
///                    0x87 not_authorized, 0x8A banned, 0x8C bad_authentication_method, 0x8E session_taken_over,
///                    0x90 topic_name_invalid, 0x95 packet_too_large, 0x99 payload_format_invalid,
///                    0x9A retain_not_supported, 0x9B qos_not_supported
///     next_endpoint  0x88 server_unavailable, 0x89 server_busy, 0x8B server_shutting_down, 0x97 quota_exceeded,
///                    0x9C use_another_server, 0x9D server_moved, 0x9F connection_rate_exceeded
///
/// Other codes, and ends without any: `next_endpoint` after an attempt that failed, and after a connection that did not
/// hold for `ReconnectPolicy::reset_after`; `try_again` after one that did. What is wrong on our side (`Errc::invalid_argument`,
/// `Errc::not_supported`) makes the client give up once it has met every endpoint with it.
[[nodiscard]] std::span<const ReasonVerdict> default_verdicts() noexcept;

/// When and how often to connect again after a connection was lost.
struct ReconnectPolicy {
    /// False: a lost connection is the end, and whatever waits fails with its cause.
    bool enabled = true;
    /// Not negative. The delay is drawn evenly from 0 to this (full jitter) ...
    std::chrono::milliseconds first_delay{500};
    double multiplier = 2.0;                     ///< ... which grows by this (1 or more) with every delay ...
    std::chrono::milliseconds max_delay{30'000}; ///< ... up to this.
    /// A connection that held so long makes delay and attempts start over; one that did not counts as a failed attempt.
    std::chrono::milliseconds reset_after{60'000};
    unsigned attempts = 0; ///< attempts in a row to connect again, before the client gives up; 0 = no limit
    /// Go before `default_verdicts`; the first that names a code counts. Copied by whatever takes the policy.
    std::span<const ReasonVerdict> verdicts{};
    unsigned redirects =
        4; ///< Server References followed between two delays: brokers may refer to each other in a circle
};

static_assert(std::is_trivially_destructible_v<ReconnectPolicy>);

} // namespace culex
