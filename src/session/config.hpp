#pragma once
/// \file config.hpp
/// What a session is made with.

#include <chrono>
#include <cstddef>
#include <cstdint>

#include <culex/queue_limits.hpp>
#include <culex/types.hpp>

#include "session/limits.hpp"

namespace culex::session {

/// Only the version may change in a session's life.
struct Config {
    Version version = Version::v3_1_1;
    /// What we announced in CONNECT, and hold the broker to.
    std::uint16_t receive_maximum = 65'535;
    std::uint32_t maximum_packet_size = unlimited_packet_size;
    std::uint16_t topic_alias_maximum = 0;
    /// How many aliases of our own we make at most.
    std::uint16_t outbound_topic_aliases = 65'535;
    /// How long PINGRESP may take.
    Duration ping_timeout = std::chrono::seconds{10};
    /// How much earlier than it must PINGREQ is sent, in hundred-thousandths of the keep-alive. Ten thousand clients
    /// that have connected together, or heard one message together, would otherwise ping together, again and again.
    std::uint16_t ping_earlier = 0;
    /// Bounds on what is queued or unacknowledged, and what happens beyond them. To wait is the owner's part: here it is to
    /// refuse (`Errc::queue_full`, `Errc::no_packet_id`).
    std::size_t outbound_messages = 100'000;
    std::size_t outbound_bytes = std::size_t{64} << 20;
    WhenFull when_full = WhenFull::refuse;
    /// With so many bytes in `output`, publishes are queued instead of encoded.
    std::size_t output_high_water = std::size_t{256} << 10;
    /// With so many bytes of answers that the transport did not take, the link is failed: the broker sends and does not read.
    std::size_t answer_limit = std::size_t{4} << 20;
    /// Hand a QoS 2 message on with its PUBREL instead of its PUBLISH (see inbound.hpp).
    bool deliver_on_pubrel = false;
    /// Make an event of every packet, not just of messages.
    bool report_packets = false;
    /// The owner carries out an authentication method: it answers AUTH, and calls `accept` once the broker has proved itself.
    /// Without it, AUTH ends the link, and CONNACK alone accepts the broker.
    bool authenticates = false;
};

} // namespace culex::session
