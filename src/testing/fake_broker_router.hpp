#pragma once
/// \file fake_broker_router.hpp
/// Which sessions a message is for, and which messages a new subscription begins with.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/topic_tree.hpp"
#include "testing/fake_broker_session.hpp"

namespace culex::testing {

/// A shared subscription (MQTT 5, section 4.8.2): each message goes to one member, in turn.
struct SharedGroup {
    std::string name{};   ///< `group/filter`
    std::string filter{}; ///< what is matched
    std::vector<BrokerSubscription*> members{};
    std::size_t next = 0;

    /// The next member that is connected; if none is, the next one.
    [[nodiscard]] BrokerSubscription& pick();
};

class BrokerRouter {
public:
    struct Granted {
        QoS qos = QoS::at_most_once;
        std::uint32_t identifier = 0;
    };
    /// True where the session did not have the filter yet.
    bool subscribe(BrokerSession& session, const TopicSubscription& asked, const Granted& granted);
    /// False where there was no such subscription.
    bool unsubscribe(BrokerSession& session, std::string_view filter);
    void unsubscribe_all(BrokerSession& session);

    /// Delivers to all sessions that it is for, and says how many they are.
    std::size_t route(const std::shared_ptr<const BrokerMessage>& message, bool copy_for_each_subscription);

    /// A retained message replaces the one of its topic; an empty one removes it [MQTT-3.3.1-5] [MQTT-3.3.1-6].
    void retain(const std::shared_ptr<const BrokerMessage>& message);
    /// To a new subscription [MQTT-3.3.1-9].
    void deliver_retained(const BrokerSubscription& subscription, TimePoint now);
    [[nodiscard]] const auto& retained() const noexcept { return retained_; }
    void forget_retained() noexcept { retained_.clear(); }

private:
    void collect(const BrokerMessage& message);
    void remove(BrokerSubscription& subscription);
    SharedGroup& group_of(std::string_view name, std::string_view filter);

    TopicTree<BrokerSubscription*> subscriptions_;
    TopicTree<SharedGroup*> shared_;
    std::map<std::string, std::unique_ptr<SharedGroup>, std::less<>> groups_;
    std::map<std::string, std::shared_ptr<const BrokerMessage>, std::less<>> retained_;
    std::vector<const BrokerSubscription*> found_;
    std::vector<BrokerSession*> sessions_;
    std::uint64_t round_ = 0;
};

} // namespace culex::testing
