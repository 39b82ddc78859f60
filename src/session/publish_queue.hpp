#pragma once
/// \file publish_queue.hpp
/// Messages that were never sent: the only ones that a policy of a full queue may drop.

#include <culex/queue_limits.hpp>

#include "session/exchange.hpp"

namespace culex::session {

/// Two lanes, QoS 0 and the rest, that are merged by the order of the calls. So it costs no search to let QoS 0 pass where
/// the receive maximum holds the rest back [MQTT-3.3.4-8], nor to find what has to go.
class PublishQueue {
public:
    struct Depth {
        std::size_t messages = 0;
        std::size_t bytes = 0;
    };

    [[nodiscard]] bool empty() const noexcept { return messages_ == 0; }
    [[nodiscard]] const Depth& depth_of_qos0() const noexcept { return qos0_.depth; }
    /// Of QoS 1 and 2.
    [[nodiscard]] const Depth& depth_of_tracked() const noexcept { return tracked_.depth; }
    [[nodiscard]] Depth depth() const noexcept { return {messages_, qos0_.depth.bytes + tracked_.depth.bytes}; }

    Exchange& push_back(Exchange::Owner&& exchange) noexcept;
    /// The oldest of each lane, and of both; null where there is none.
    [[nodiscard]] Exchange* oldest_qos0() noexcept { return qos0_.list.empty() ? nullptr : &qos0_.list.front(); }
    [[nodiscard]] Exchange* oldest_tracked() noexcept {
        return tracked_.list.empty() ? nullptr : &tracked_.list.front();
    }
    [[nodiscard]] Exchange* oldest() noexcept;
    /// Takes out one that is here.
    [[nodiscard]] Exchange::Owner take(Exchange& exchange) noexcept;

    template <class F> void for_each_tracked(F visit) { tracked_.list.for_each(visit); }
    template <class F> void for_each_qos0(F visit) { qos0_.list.for_each(visit); }

private:
    struct Lane {
        ExchangeList list;
        Depth depth;
    };
    [[nodiscard]] Lane& lane_of(const Exchange& exchange) noexcept {
        return exchange.qos == QoS::at_most_once ? qos0_ : tracked_;
    }

    Lane qos0_;
    Lane tracked_;
    std::size_t messages_ = 0; // in both
    std::uint32_t next_order_ = 0;
};

} // namespace culex::session
