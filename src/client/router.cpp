#include "client/router.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include <culex/topic.hpp>

#include "session/plain_run.hpp"

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
    if (found != inbox.filters.end()) close_place(inbox, *found);
}

void Router::close_place(Inbox& inbox, std::string& place) {
    memo_.forget();
    const std::string filter =
        std::exchange(place, {}); // the others keep their places, which are those of SUBACK's codes
    const auto matches_alike = [&](const std::string& other) {
        return !other.empty() && matching_part(other) == matching_part(filter);
    };
    if (std::ranges::none_of(inbox.filters, matches_alike)) tree_.erase(matching_part(filter), &inbox);
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
    session::MessageBlock::owe(message, delivery);
    take(std::move(message));
}

void Router::on_run(session::PlainRun& run) {
    if (run.qos == QoS::at_most_once) return take_run<QoS::at_most_once>(run);
    take_run<QoS::at_least_once>(run);
}

/// A topic that is remembered needs no second look, neither at its bytes nor at the filters.
template <QoS Qos> void Router::take_run(session::PlainRun& run) {
    for (wire::PublishParts next{.qos = Qos}; run.look<Qos>(next);) {
        Inbox* const* const known = memo_.find(next.topic);
        if (known && (*known)->takes_at_once() && !too_much()) [[likely]] {
            (*known)->push_into_room(run.take<Qos>(next));
            ++waiting_;
            content_ += session::MessageBlock::footprint(next);
        } else if (known || wire::is_plain_topic(next.topic)) {
            take(run.take<Qos>(next));
        } else {
            return;
        }
    }
}

void Router::take(Message&& message) {
    const session::Delivery delivery = session::MessageBlock::delivery(message);
    if (too_much() && delivery.qos == QoS::at_most_once) [[unlikely]] {
        ++dropped_;
        return;
    }
    if (Inbox* const* const known = memo_.find(message.topic())) return push(**known, std::move(message));
    ++messages_;
    Walk walk;
    tree_.match(message.topic(), [&](Inbox* inbox) { meet(walk, *inbox, message); });
    if (!walk.first && !catch_all_) {
        ++unclaimed_;
        if (delivery.sequence != 0) owed_.push_back(delivery);
        return;
    }
    if (!walk.first) return push(*catch_all_, std::move(message));
    if (walk.holders == 1) memo_.remember(message.topic(), walk.first);
    if (walk.holders > 1 && delivery.sequence != 0)
        shared_.use().emplace(delivery.sequence, SharedDelivery{delivery, walk.holders});
    push(*walk.first, std::move(message));
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
void Router::meet(Walk& walk, Inbox& inbox, const Message& message) {
    if (inbox.last_seen == messages_) return; // two of its filters match
    inbox.last_seen = messages_;
    ++walk.holders;
    if (!walk.first) {
        walk.first = &inbox;
    } else {
        push(inbox, Message(message));
    }
}

void Router::push(Inbox& inbox, Message&& message) {
    if (inbox.manual && session::MessageBlock::delivery(message).sequence != 0)
        session::MessageBlock::enable_ack(message, acks_.reference());
    ++waiting_;
    content_ += session::MessageBlock::footprint(message);
    inbox.push(std::move(message));
}

void Router::on_ack(const session::Delivery& delivery, ReasonCode code, const AckProperties* why) {
    assert(scheduler_.now() > TimePoint::min()); // a loop asserts that this is its own thread
    acknowledge(delivery, code, why);
}

/// One of those who share a delivery is done with it.
bool Router::others_hold(const session::Delivery& delivery, ReasonCode& code) {
    const auto found = shared_->find(delivery.sequence);
    if (found == shared_->end()) return false;
    SharedDelivery& shared = found->second;
    if (!shared.verdict || failed(*shared.verdict)) shared.verdict = code; // it is refused where nobody wanted it
    if (--shared.holders > 0) return true;
    code = *shared.verdict;
    shared_->erase(found);
    return false;
}

void Router::link_began() {
    if (shared_)
        std::erase_if(*shared_, [this](const auto& shared) { return !session_.awaits(shared.second.delivery); });
}

void Router::leave(Message&& message) {
    taken(message);
    const session::Delivery unseen = session::MessageBlock::disable_ack(message);
    if (catch_all_ || unseen.sequence == 0) return unclaimed(std::move(message));
    ++unclaimed_;
    leave_unseen(unseen);
}

/// It is handed on again where nobody has seen it. At QoS 1 it comes again in any case; at QoS 2 it is now for those alone
/// who share it.
void Router::leave_unseen(const session::Delivery& delivery) {
    if (!shared_ || !shared_->contains(delivery.sequence)) return session_.give_back(delivery);
    if (delivery.qos != QoS::exactly_once) return;
    const auto found = shared_->find(delivery.sequence);
    if (--found->second.holders > 0) return;
    const auto verdict = found->second.verdict;
    shared_->erase(found);
    if (!verdict) return session_.give_back(delivery);
    acknowledge(delivery, *verdict);
}

void Router::unclaimed(Message&& message) {
    if (catch_all_) return push(*catch_all_, std::move(message));
    ++unclaimed_;
    done(session::MessageBlock::delivery(message));
}

} // namespace culex::client
