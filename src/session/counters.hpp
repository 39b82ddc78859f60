#pragma once
/// \file counters.hpp
/// What a session counts for `Statistics`: a few instructions for each packet.

#include <memory>

#include <culex/statistics.hpp>

#include "wire/framer.hpp"

namespace culex::session {

class Counters {
public:
    TrafficByType sent;
    TrafficByType received;
    std::unique_ptr<std::array<LatencyHistogram, 2>> acknowledged; // at QoS 1 and 2; null before the first
    Duration ping_round_trip{};
    std::uint64_t dropped = 0;
    std::uint64_t expired = 0;

    static void count(TrafficByType& way, PacketType type, std::size_t bytes) noexcept {
        Traffic& traffic = way.by_type[static_cast<std::size_t>(type)];
        ++traffic.packets;
        traffic.bytes += bytes;
    }
    void sent_publish(QoS qos, std::size_t bytes) noexcept {
        count(sent, PacketType::publish, bytes);
        ++sent.publishes[static_cast<std::size_t>(qos)];
    }
    void received_run(PacketType type, std::uint64_t number, std::size_t bytes) noexcept {
        Traffic& traffic = received.by_type[static_cast<std::size_t>(type)];
        traffic.packets += number;
        traffic.bytes += bytes;
    }
    void received_publishes(QoS qos, std::uint64_t number, std::size_t bytes) noexcept {
        received_run(PacketType::publish, number, bytes);
        received.publishes[static_cast<std::size_t>(qos)] += number;
    }
    /// It was in the output when the link ended, and has never left.
    void not_sent(const wire::Frame& packet) noexcept {
        Traffic& traffic = sent.by_type[static_cast<std::size_t>(packet.type())];
        --traffic.packets;
        traffic.bytes -= packet.size();
        if (packet.type() == PacketType::publish) --sent.publishes[packet.first_byte >> 1 & 3U];
    }
    [[nodiscard]] std::uint64_t bytes_sent() const noexcept {
        std::uint64_t bytes = 0;
        for (const Traffic& traffic : sent.by_type) bytes += traffic.bytes;
        return bytes;
    }
    /// Both ways, but for PINGREQ and PINGRESP: as long as it stays the same, nothing but these has passed.
    [[nodiscard]] std::uint64_t work() const noexcept {
        std::uint64_t packets = 0;
        for (std::size_t type = 0; type < sent.by_type.size(); ++type) {
            const auto named = static_cast<PacketType>(type);
            if (named == PacketType::pingreq || named == PacketType::pingresp) continue;
            packets += sent.by_type[type].packets + received.by_type[type].packets;
        }
        return packets;
    }
    /// Exchanges have come to their end.
    void answered(QoS qos, std::size_t latency_bucket, std::uint64_t number) noexcept {
        (*acknowledged)[static_cast<std::size_t>(qos) - 1].buckets[latency_bucket] += number;
    }
    [[nodiscard]] static std::size_t bucket_of(Duration latency) noexcept {
        static_assert(std::is_same_v<Duration::period, std::nano>);
        return LatencyHistogram::bucket_of(static_cast<std::uint64_t>(latency.count()) / 1000);
    }
};

} // namespace culex::session
