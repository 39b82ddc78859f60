#pragma once
/// \file fake_broker_records.hpp
/// What a fake broker remembers for the test to look at: packets, messages, connections, sessions. All are copies; they
/// outlive the broker.

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <culex/packet.hpp>

namespace culex::testing {

/// As the broker sees it.
enum class Direction : std::uint8_t { received, sent };

/// A packet that went over a connection. Copies are cheap and share the bytes.
class PacketRecord {
public:
    /// Connections are numbered from 1 in the order in which they were accepted.
    [[nodiscard]] std::size_t connection() const noexcept;
    /// As the broker sees it.
    [[nodiscard]] Direction direction() const noexcept;
    [[nodiscard]] PacketType type() const noexcept; ///< what the first byte says
    /// When it was received or sent, by the broker's runtime.
    [[nodiscard]] TimePoint at() const noexcept;
    /// The whole packet as it went over the wire.
    [[nodiscard]] Bytes bytes() const noexcept;
    /// The packet, read; null where its bytes are no packet. It lives as long as some copy of the record.
    [[nodiscard]] const Packet* packet() const;
    /// The same where it is a `P`: `record.as<Publish>()->dup`.
    template <class P> [[nodiscard]] const P* as() const {
        const Packet* const any = packet();
        return any ? std::get_if<P>(any) : nullptr;
    }
    /// One line: `PUBLISH id=7 qos=1 topic="a/b" 16 bytes`.
    [[nodiscard]] std::string text() const;

private:
    friend class PacketLog;
    struct Content;
    explicit PacketRecord(std::shared_ptr<Content> content) noexcept : content_(std::move(content)) {}
    std::shared_ptr<Content> content_;
};

/// An application message that was published: by a client, as a client's will, or by the test.
struct PublishedMessage {
    std::string topic{};
    std::string payload{};
    QoS qos = QoS::at_most_once;
    bool retain = false;
    std::string client_id{}; ///< empty where the test published it
    bool will = false;
    bool operator==(const PublishedMessage&) const = default;
};

/// A connection that is there.
struct ConnectionInfo {
    std::size_t number = 0;  ///< see `PacketRecord::connection`
    std::string client_id{}; ///< empty before CONNECT
    std::string peer{};      ///< the address
    Version version = Version::v3_1_1;
    bool clean_start = false;
    std::uint16_t keep_alive = 0;
    /// A script plays on it.
    bool scripted = false;
};

/// A filter of a session, with the QoS that was granted.
struct SubscriptionInfo {
    std::string filter{};
    QoS qos = QoS::at_most_once;
    bool operator==(const SubscriptionInfo&) const = default;
};

/// What the broker remembers of a client.
struct SessionInfo {
    std::string client_id{};
    /// Its client is there.
    bool connected = false;
    std::vector<SubscriptionInfo> subscriptions{}; ///< in the order in which they were first made
    std::size_t queued = 0;                        ///< messages that were not sent yet
    std::size_t in_flight = 0;                     ///< messages sent at QoS 1 and 2 that are not acknowledged
    std::size_t unreleased = 0;                    ///< QoS 2 messages received, for which PUBREL has not come
    std::size_t dropped = 0;                       ///< messages for which `max_queued` left no room
};

} // namespace culex::testing
