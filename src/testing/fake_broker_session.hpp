#pragma once
/// \file fake_broker_session.hpp
/// What the broker keeps for a client: subscriptions, messages for it, and the steps of QoS 1 and 2 in both directions. It
/// outlives connections when the client has asked for that.

#include <deque>
#include <list>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include <culex/scheduler.hpp>
#include <culex/testing/fake_broker_records.hpp>

#include "testing/fake_broker_message.hpp"

namespace culex::testing {

class BrokerConnection;
class BrokerCore;
class BrokerSession;
struct SharedGroup;

/// A timer that calls the core about a session.
class BrokerSessionTimer : public Timer {
public:
    using Due = void (BrokerCore::*)(BrokerSession&);
    BrokerSessionTimer(BrokerCore& core, BrokerSession& session, Due due) noexcept
        : Timer(&BrokerSessionTimer::run), core_(core), session_(session), due_(due) {}

private:
    static void run(Timer& timer) {
        auto& self = static_cast<BrokerSessionTimer&>(timer);
        (self.core_.*self.due_)(self.session_);
    }

    BrokerCore& core_;
    BrokerSession& session_;
    Due due_;
};

/// A subscription that was granted. Its address is what the router remembers.
struct BrokerSubscription {
    BrokerSession* session = nullptr;
    std::string filter{}; ///< as the client wrote it, `$share/group/` included
    QoS qos = QoS::at_most_once;
    bool no_local = false;
    bool retain_as_published = false;
    std::uint32_t identifier = 0; ///< 0: none
    SharedGroup* group = nullptr;
};

/// Messages to a client keep their order, whatever their QoS: what cannot be sent yet holds up all that comes after it.
///
///     deliver ──► queue_ ──► in_flight_ ──► acknowledged      a QoS 0 message ends when it is sent
///                               ▲    │
///                               └────┘ the next connection sends it again, from `resend_` on
class BrokerSession {
public:
    BrokerSession(BrokerCore& core, std::string client_id);
    BrokerSession(const BrokerSession&) = delete;
    BrokerSession& operator=(const BrokerSession&) = delete;

    [[nodiscard]] const std::string& client_id() const noexcept { return client_id_; }
    [[nodiscard]] BrokerConnection* connection() const noexcept { return connection_; }
    [[nodiscard]] SessionInfo info() const;

    /// CONNACK has been sent: what is unfinished is sent again, with DUP and its old identifier [MQTT-4.4.0-1].
    /// `window`: how many QoS 1 and 2 messages may be under way.
    void attach(BrokerConnection& connection, std::uint16_t window);
    void detach();

    void deliver(BrokerDelivery delivery);
    /// Sends what waits and has room now.
    void pump();

    /// The client's answers to our messages. False where the answer does not fit the QoS of the message.
    [[nodiscard]] bool handle_puback(PacketId id);
    [[nodiscard]] bool handle_pubrec(PacketId id, ReasonCode code);
    [[nodiscard]] bool handle_pubcomp(PacketId id);
    /// A QoS 2 message came: true where its identifier is new [MQTT-4.3.3-10].
    [[nodiscard]] bool remember(PacketId id) { return unreleased_.insert(id).second; }
    [[nodiscard]] bool release(PacketId id) { return unreleased_.erase(id) != 0; }

    // The core's own.
    std::map<std::string, BrokerSubscription, std::less<>> subscriptions;
    std::uint32_t expiry_interval = 0; ///< seconds after the connection's end; `never_expires`
    std::shared_ptr<BrokerMessage> delayed_will{};
    BrokerSessionTimer expiry_timer;
    BrokerSessionTimer will_timer;
    std::uint64_t routed = 0; ///< the last message that the router met this session with
    BrokerDelivery routing{};

private:
    struct InFlight {
        BrokerDelivery delivery;
        PacketId id;
        bool sent = false;     ///< on this connection
        bool released = false; ///< PUBREC came, PUBREL was sent
    };
    using InFlightList = std::list<InFlight>;

    [[nodiscard]] bool may_send(QoS qos) const noexcept;
    [[nodiscard]] bool send(const BrokerDelivery& delivery, PacketId id, bool dup);
    void send_new(BrokerDelivery delivery);
    void send_again(InFlight& message);
    [[nodiscard]] PacketId next_id();
    void finish(InFlightList::iterator message);

    BrokerCore& core_;
    std::string client_id_;
    BrokerConnection* connection_ = nullptr;
    std::uint16_t window_ = 1;

    std::deque<BrokerDelivery> queue_;
    InFlightList in_flight_;
    std::unordered_map<PacketId, InFlightList::iterator> by_id_;
    InFlightList::iterator resend_; ///< the first that is not sent yet on this connection
    std::size_t under_way_ = 0;     ///< how many are
    PacketId last_id_ = 0;
    std::unordered_set<PacketId> unreleased_;
    std::size_t dropped_ = 0;
};

} // namespace culex::testing
