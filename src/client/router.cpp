#include "client/router.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include <culex/topic.hpp>

namespace culex::client {
namespace {

/// What messages are matched with: a shared subscription's filter without its group.
std::string_view matching_part(std::string_view filter) noexcept {
    const auto shared = parse_shared(filter);
    return shared ? shared->filter : filter;
}

} // namespace

Router::~Router() {
    while (Inbox* inbox = inboxes_.pop_front()) inbox->orphan();
}

std::unique_ptr<Inbox> Router::open(std::span<const std::string_view> filters, Acknowledge acknowledge) {
    auto inbox = std::make_unique<Inbox>(*this, acknowledge);
    inboxes_.push_back(*inbox);
    inbox->filters.assign(filters.begin(), filters.end());
    memo_.forget();
    for (const std::string_view filter : filters) tree_.insert(matching_part(filter), inbox.get());
    return inbox;
}

std::unique_ptr<Inbox> Router::open_catch_all(Acknowledge acknowledge) {
    auto inbox = open({}, acknowledge);
    if (catch_all_) catch_all_->end(Failure());
    catch_all_ = inbox.get();
    return inbox;
}

void Router::close(Inbox& inbox, std::string_view filter) {
    const auto found = std::ranges::find(inbox.filters, filter);
    if (found == inbox.filters.end()) return;
    memo_.forget();
    tree_.erase(matching_part(filter), &inbox);
    found->clear(); // the others keep their places, which are those of SUBACK's codes
    if (std::ranges::all_of(inbox.filters, &std::string::empty)) inbox.end(Failure());
}

void Router::close(std::string_view filter) {
    const auto holds = [&](const Inbox* inbox) {
        return std::ranges::find(inbox->filters, filter) != inbox->filters.end();
    };
    while (Inbox** found = tree_.find(matching_part(filter), holds)) close(**found, filter);
}

void Router::end(const Failure& why) {
    memo_.forget();
    tree_.clear();
    catch_all_ = nullptr;
    inboxes_.for_each([&](Inbox& inbox) {
        inbox.filters.clear();
        inbox.end(why);
    });
}

void Router::remove(Inbox& inbox) noexcept {
    memo_.forget();
    for (const std::string& filter : inbox.filters) {
        if (!filter.empty()) tree_.erase(matching_part(filter), &inbox);
    }
    if (catch_all_ == &inbox) catch_all_ = nullptr;
}

void Router::on_message(Message&& message, const session::Delivery& delivery) {
    const bool too_much = bytes_ > hard_bytes_ || waiting_ > hard_messages_;
    if (too_much && delivery.qos == QoS::at_most_once) [[unlikely]] {
        ++dropped_;
        return;
    }
    // The rest is for most messages: it calls nothing before its end, and so need not save what calls may change.
    Inbox* const inbox = memo_.find(session::MessageBlock::topic(message));
    if (!inbox || inbox->manual || !inbox->has_room()) return walk_tree(std::move(message), delivery);
    ++waiting_;
    bytes_ += cost(message);
    inbox->push_into_room(std::move(message), delivery);
}

void Router::walk_tree(Message&& message, const session::Delivery& delivery) {
    ++messages_;
    Walk walk;
    tree_.match(message.topic(), [&](Inbox* inbox) { meet(walk, *inbox, message, delivery); });
    if (!walk.first && !catch_all_) {
        ++unclaimed_;
        if (delivery.sequence != 0) owed_.push_back(delivery);
        return;
    }
    if (!walk.first) return push(*catch_all_, {std::move(message), delivery});
    if (walk.holders == 1) memo_.remember(message.topic(), walk.first);
    if (walk.holders > 1 && delivery.sequence != 0)
        shared_.use().emplace(delivery.sequence, SharedDelivery{delivery, walk.holders});
    push(*walk.first, {std::move(message), delivery});
}

void Router::settle() {
    for (const session::Delivery& delivery : owed_) acknowledge(delivery, ReasonCode::success);
    owed_.clear();
}

void Router::on_rest() noexcept {
    inboxes_.for_each([](Inbox& inbox) { inbox.give_back(); });
    if (owed_.empty()) owed_ = {};
    if (shared_ && shared_->empty()) shared_.reset();
}

/// The first inbox is kept for the end: it gets the message itself, and where it stays the only one nothing is shared.
void Router::meet(Walk& walk, Inbox& inbox, const Message& message, const session::Delivery& delivery) {
    if (inbox.last_seen == messages_) return; // two of its filters match
    inbox.last_seen = messages_;
    ++walk.holders;
    if (!walk.first) {
        walk.first = &inbox;
    } else {
        push(inbox, {message, delivery});
    }
}

void Router::push(Inbox& inbox, InboxEntry&& entry) {
    if (inbox.manual && entry.delivery.sequence != 0) {
        session::MessageBlock::enable_ack(entry.message, acks_.reference(), std::exchange(entry.delivery, {}));
    }
    ++waiting_;
    bytes_ += cost(entry.message);
    inbox.push(std::move(entry.message), entry.delivery);
}

void Router::on_ack(const session::Delivery& delivery, ReasonCode code, const AckProperties* why) {
    assert(scheduler_.now() > TimePoint::min()); // a loop asserts that this is its own thread
    acknowledge(delivery, code, why);
}

/// One of those who share a delivery is done with it.
bool Router::others_hold(const session::Delivery& delivery, ReasonCode& code) {
    const auto found = shared_->find(delivery.sequence);
    if (found == shared_->end()) return false;
    found->second.taken = found->second.taken || !failed(code);
    if (--found->second.holders > 0) return true;
    if (found->second.taken) code = ReasonCode::success; // it is refused where nobody wanted it
    shared_->erase(found);
    return false;
}

void Router::link_began() {
    if (shared_)
        std::erase_if(*shared_, [this](const auto& shared) { return !session_.awaits(shared.second.delivery); });
}

void Router::leave(InboxEntry&& entry) {
    taken(entry.message);
    const session::Delivery unseen = session::MessageBlock::disable_ack(entry.message);
    if (unseen.sequence == 0) return unclaimed(std::move(entry));
    entry.delivery = unseen;
    if (catch_all_) return push(*catch_all_, std::move(entry));
    ++unclaimed_;
    // Who shares it may have seen it, and is not to see it twice.
    if (!shared_ || !shared_->contains(unseen.sequence)) session_.give_back(unseen);
}

void Router::unclaimed(InboxEntry&& entry) {
    if (catch_all_) {
        push(*catch_all_, std::move(entry));
        return;
    }
    ++unclaimed_;
    done(entry.delivery);
}

} // namespace culex::client
