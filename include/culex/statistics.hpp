#pragma once
/// \file statistics.hpp
/// What a client has done so far and holds now, as plain numbers: a copy, taken at one moment.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <culex/queue_limits.hpp>
#include <culex/types.hpp>

namespace culex {

/// Packets, and what they weigh.
struct Traffic {
    /// How many.
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0; ///< whole packets; what TLS and TCP add is not counted
};

/// What went one way. Counted is what was handed to a connection, not what has arrived.
struct TrafficByType {
    std::array<Traffic, 16> by_type{}; ///< by the number of the packet type; see `of`
    /// PUBLISH packets by QoS, those that were sent again included.
    std::array<std::uint64_t, 3> publishes{};

    /// Of one packet type.
    [[nodiscard]] constexpr const Traffic& of(PacketType type) const noexcept {
        return by_type[static_cast<std::size_t>(type) & 15];
    }
    /// PUBLISH packets at this QoS.
    [[nodiscard]] constexpr std::uint64_t published(QoS qos) const noexcept {
        return publishes[static_cast<std::size_t>(qos) % 3];
    }
    /// Of all types.
    [[nodiscard]] constexpr Traffic total() const noexcept {
        Traffic sum;
        for (const Traffic& one : by_type) {
            sum.packets += one.packets;
            sum.bytes += one.bytes;
        }
        return sum;
    }
};

/// How long acknowledgements took, from the moment when a message was handed to the connection. As fine as the runtime's
/// clock: that of `Loop` has milliseconds, so there everything quicker than that is in the first bucket.
struct LatencyHistogram {
    /// `buckets[0]` counts those below 1 µs, `buckets[i]` those from 2^(i-1) to below 2^i µs, the last all that are longer.
    std::array<std::uint64_t, 32> buckets{};

    /// The index of the bucket in which a time belongs.
    [[nodiscard]] static constexpr std::size_t bucket_of(std::uint64_t microseconds) noexcept {
        const auto width = static_cast<std::size_t>(std::bit_width(microseconds * 2 + 1)) - 1; // no case for 0
        return width < 31 ? width : 31;
    }
    /// How many acknowledgements there were.
    [[nodiscard]] constexpr std::uint64_t count() const noexcept {
        std::uint64_t sum = 0;
        for (const std::uint64_t bucket : buckets) sum += bucket;
        return sum;
    }
    /// The upper end of the bucket below which this share (0 to 1) of all lies, in microseconds; 0 where there are none.
    [[nodiscard]] constexpr std::uint64_t quantile(double share) const noexcept {
        const std::uint64_t all = count();
        std::uint64_t below = 0;
        for (std::size_t i = 0; all > 0 && i < buckets.size(); ++i) {
            below += buckets[i];
            if (static_cast<double>(below) >= share * static_cast<double>(all)) return std::uint64_t{1} << i;
        }
        return 0;
    }
};

/// Why a connection, or an attempt to make one, has ended.
enum class EndCause : std::uint8_t {
    resolve,       ///< the name did not resolve
    network,       ///< refused by the peer's host, reset, unreachable, or whatever else the system reports
    tls,           ///< handshake or verification
    timed_out,     ///< an attempt that took longer than `connect_timeout`
    end_of_stream, ///< the broker closed without a word
    no_response,   ///< no PINGRESP in time
    protocol,      ///< the broker broke the protocol, MQTT's or WebSocket's
    refused,       ///< CONNACK said no, or the answer to the upgrade to WebSocket
    disconnected,  ///< the broker sent DISCONNECT
    requested,     ///< `AsyncClient::reconnect` was called
    other,         ///< the hook, or something wrong on our side
};
/// How many causes there are.
inline constexpr std::size_t end_cause_count = 11;
/// `"no_response"`; `"?"` for a number that is none.
[[nodiscard]] std::string_view to_string(EndCause cause) noexcept;

/// A copy; see the file's comment. `AsyncClient::statistics`, `Client::statistics`.
struct Statistics {
    // Since the client was made.

    /// By this client.
    TrafficByType sent{};
    /// From the broker.
    TrafficByType received{};

    /// Messages that a policy has dropped from the outbound queue, by `WhenFull`; under `refuse` and `wait` those that
    /// failed with `Errc::queue_full` or `Errc::no_packet_id` instead.
    std::array<std::uint64_t, when_full_count> outbound_dropped{};
    std::uint64_t outbound_expired = 0; ///< messages that failed with `Errc::message_expired`
    std::uint64_t inbound_dropped = 0;  ///< received, and beyond the hard limits of `InboundLimits`
    std::uint64_t unclaimed = 0;        ///< received, and of no stream: acknowledged and dropped

    std::uint64_t replies = 0;         ///< received for a request that waited for it (`AsyncClient::request`)
    std::uint64_t replies_dropped = 0; ///< received too late, twice, or for no request at all

    std::uint64_t attempts = 0;                        ///< to connect
    std::uint64_t connections = 0;                     ///< that CONNACK has accepted
    std::array<std::uint64_t, end_cause_count> lost{}; ///< those of them that have ended, but by `disconnect`
    std::array<std::uint64_t, end_cause_count> failed_attempts{}; ///< attempts that CONNACK has not accepted
    std::uint64_t tls_sessions_resumed = 0; ///< TLS handshakes that went on with an earlier session

    LatencyHistogram puback{}; ///< of messages at QoS 1
    LatencyHistogram
        pubcomp{}; ///< of messages at QoS 2, the whole exchange; not of those that a lost connection cut in two
    Duration ping_round_trip{}; ///< of the last PINGREQ whose PINGRESP was waited for; 0 = none yet, or below the clock

    // Now.

    /// What waits to be sent or acknowledged.
    struct Outbound {
        std::size_t messages = 0; ///< queued or not acknowledged, with SUBSCRIBE and UNSUBSCRIBE: what is bounded
        std::size_t bytes = 0;    ///< of these, with what it takes to keep them
        std::size_t queued = 0;   ///< of these, messages that were never sent
        /// What these weigh.
        std::size_t queued_bytes = 0;
        std::size_t waiting_for_quota = 0; ///< of the queued, those that only the broker's Receive Maximum holds back
        std::size_t in_flight = 0;         ///< messages that were sent and are not acknowledged
        std::size_t waiting_for_room = 0;  ///< calls of `publish` that `WhenFull::wait` makes wait, in no bound
        std::size_t requests = 0;          ///< requests that wait for their reply, in no bound
    } outbound{};                          ///< bounded by `OutboundLimits`
    /// What has arrived and was not taken.
    struct Inbound {
        std::size_t messages = 0;       ///< that wait for their consumers; one that waits for two counts twice
        std::size_t bytes = 0;          ///< of these, with what it takes to keep them
        std::size_t unacknowledged = 0; ///< of this connection at QoS 1 and 2, waiting or in a consumer's hand
    } inbound{};                        ///< bounded by `InboundLimits`

    /// One of `outbound_dropped`.
    [[nodiscard]] constexpr std::uint64_t dropped(WhenFull policy) const noexcept {
        return outbound_dropped[static_cast<std::size_t>(policy) % when_full_count];
    }
    /// One of `lost`.
    [[nodiscard]] constexpr std::uint64_t lost_by(EndCause cause) const noexcept {
        return lost[static_cast<std::size_t>(cause) % end_cause_count];
    }
    /// One of `failed_attempts`.
    [[nodiscard]] constexpr std::uint64_t failed_by(EndCause cause) const noexcept {
        return failed_attempts[static_cast<std::size_t>(cause) % end_cause_count];
    }
};

} // namespace culex
