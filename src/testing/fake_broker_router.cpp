#include "testing/fake_broker_router.hpp"

#include <algorithm>

#include <culex/topic.hpp>

namespace culex::testing {
namespace {

BrokerDelivery delivery_for(const BrokerSubscription& subscription, std::shared_ptr<const BrokerMessage> message) {
    BrokerDelivery delivery{.message = std::move(message)};
    delivery.qos = std::min(subscription.qos, delivery.message->qos);
    // To those who were there before, it is news and not a retained message [MQTT-3.3.1-9], [MQTT-3.3.1-12].
    delivery.retain = subscription.retain_as_published && delivery.message->retain;
    if (subscription.identifier != 0) delivery.identifiers.push_back(subscription.identifier);
    return delivery;
}

void merge(BrokerDelivery& into, BrokerDelivery&& other) {
    into.qos = std::max(into.qos, other.qos); // [MQTT-3.3.5-1]
    into.retain = into.retain || other.retain;
    into.identifiers.insert(into.identifiers.end(), other.identifiers.begin(), other.identifiers.end());
}

} // namespace

BrokerSubscription& SharedGroup::pick() {
    for (std::size_t tried = 0; tried < members.size(); ++tried) {
        BrokerSubscription& member = *members[(next + tried) % members.size()];
        if (!member.session->connection()) continue;
        next = (next + tried + 1) % members.size();
        return member;
    }
    BrokerSubscription& member = *members[next];
    next = (next + 1) % members.size();
    return member;
}

bool BrokerRouter::subscribe(BrokerSession& session, const TopicSubscription& asked, const Granted& granted) {
    const auto [place, fresh] = session.subscriptions.try_emplace(std::string(asked.filter));
    BrokerSubscription& subscription = place->second;
    subscription.qos = granted.qos;
    subscription.no_local = asked.no_local;
    subscription.retain_as_published = asked.retain_as_published;
    subscription.identifier = granted.identifier;
    if (!fresh) return false;
    subscription.session = &session;
    subscription.filter = asked.filter;
    if (const auto shared = parse_shared(asked.filter)) {
        subscription.group = &group_of(asked.filter, shared->filter);
        subscription.group->members.push_back(&subscription);
    } else {
        subscriptions_.insert(asked.filter, &subscription);
    }
    return true;
}

SharedGroup& BrokerRouter::group_of(std::string_view name, std::string_view filter) {
    if (const auto found = groups_.find(name); found != groups_.end()) return *found->second;
    auto group = std::make_unique<SharedGroup>();
    group->name = name;
    group->filter = filter;
    SharedGroup& made = *group;
    groups_.emplace(name, std::move(group));
    shared_.insert(filter, &made);
    return made;
}

bool BrokerRouter::unsubscribe(BrokerSession& session, std::string_view filter) {
    const auto found = session.subscriptions.find(filter);
    if (found == session.subscriptions.end()) return false;
    remove(found->second);
    session.subscriptions.erase(found);
    return true;
}

void BrokerRouter::unsubscribe_all(BrokerSession& session) {
    for (auto& [filter, subscription] : session.subscriptions) remove(subscription);
    session.subscriptions.clear();
}

void BrokerRouter::remove(BrokerSubscription& subscription) {
    SharedGroup* const group = subscription.group;
    if (!group) {
        subscriptions_.erase(subscription.filter, &subscription);
        return;
    }
    std::erase(group->members, &subscription);
    group->next = 0;
    if (!group->members.empty()) return;
    shared_.erase(group->filter, group);
    groups_.erase(group->name);
}

void BrokerRouter::collect(const BrokerMessage& message) {
    found_.clear();
    subscriptions_.match(message.topic, [&](const BrokerSubscription* subscription) {
        const bool own = subscription->no_local && subscription->session->client_id() == message.client_id;
        if (!own) found_.push_back(subscription); // [MQTT-3.8.3-3]
    });
}

std::size_t BrokerRouter::route(const std::shared_ptr<const BrokerMessage>& message, bool copy_for_each_subscription) {
    std::size_t count = 0;
    shared_.match(message->topic, [&](SharedGroup* group) {
        const BrokerSubscription& member = group->pick();
        member.session->deliver(delivery_for(member, message));
        ++count;
    });
    collect(*message);
    if (copy_for_each_subscription) {
        for (const BrokerSubscription* each : found_) each->session->deliver(delivery_for(*each, message));
        return count + found_.size();
    }
    ++round_;
    sessions_.clear();
    for (const BrokerSubscription* each : found_) {
        BrokerSession& session = *each->session;
        if (session.routed == round_) {
            merge(session.routing, delivery_for(*each, message));
            continue;
        }
        session.routed = round_;
        session.routing = delivery_for(*each, message);
        sessions_.push_back(&session);
    }
    for (BrokerSession* session : sessions_) session->deliver(std::exchange(session->routing, {}));
    return count + sessions_.size();
}

void BrokerRouter::retain(const std::shared_ptr<const BrokerMessage>& message) {
    if (message->payload.empty()) {
        retained_.erase(message->topic);
    } else {
        retained_.insert_or_assign(message->topic, message);
    }
}

void BrokerRouter::deliver_retained(const BrokerSubscription& subscription, TimePoint now) {
    if (subscription.group) return; // section 4.8.2: shared subscriptions get none
    std::erase_if(retained_, [now](const auto& entry) { return entry.second->expired(now); });
    for (const auto& [topic, message] : retained_) {
        if (!matches(subscription.filter, topic)) continue;
        BrokerDelivery delivery = delivery_for(subscription, message);
        delivery.retain = true; // [MQTT-3.3.1-8]
        subscription.session->deliver(std::move(delivery));
    }
}

} // namespace culex::testing
