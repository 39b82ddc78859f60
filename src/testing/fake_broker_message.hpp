#pragma once
/// \file fake_broker_message.hpp
/// An application message inside the broker: kept once, however many clients it is for.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <culex/buffer.hpp>
#include <culex/packet.hpp>

namespace culex::testing {

/// Views of packets end with the packet; this owns. MQTT 5's properties are kept as the bytes that forwarding needs, which
/// subscribers of MQTT 3.1.1 are simply not sent. Topic alias and subscription identifiers belong to a connection and to a
/// subscription, and the expiry counts down: those are no part of them.
struct BrokerMessage {
    std::string topic{};
    std::string payload{};
    Buffer properties{};
    std::optional<std::uint32_t> expiry_interval{}; ///< seconds
    std::optional<TimePoint> expires{};             ///< set when it is published, which a will may be much later
    QoS qos = QoS::at_most_once;                    ///< as published
    bool retain = false;
    bool will = false;
    std::string client_id{}; ///< of the publisher; empty where it is the test

    [[nodiscard]] bool expired(TimePoint now) const noexcept { return expires && *expires <= now; }
};

[[nodiscard]] std::shared_ptr<BrokerMessage> make_message(const Publish& publish, std::string_view client_id);
[[nodiscard]] std::shared_ptr<BrokerMessage> make_message(const Will& will, std::string_view client_id);

/// A message on its way to one client.
struct BrokerDelivery {
    std::shared_ptr<const BrokerMessage> message{};
    QoS qos = QoS::at_most_once; ///< as granted
    bool retain = false;
    std::vector<std::uint32_t> identifiers{}; ///< of the subscriptions that it matched

    /// MQTT 5's properties for the wire.
    [[nodiscard]] Buffer properties(TimePoint now) const;
};

} // namespace culex::testing
