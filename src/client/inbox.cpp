#include "client/inbox.hpp"

#include <cassert>
#include <memory>
#include <utility>

#include "base/duration.hpp"
#include "client/router.hpp"

namespace culex::client {

Inbox::~Inbox() {
    wake();
    if (waiter_) waiter_->inbox_ = nullptr;
    if (!router_) return;
    unlink();
    router_->remove(*this);
    done_with_hand();
    while (!messages_.empty()) router_->leave(messages_.take_front());
}

void Inbox::end(const Failure& why) {
    ended_ = true;
    why_ = why;
    wake();
}

void Inbox::orphan() {
    end(why_);
    unlink();
    router_ = nullptr;
}

void Inbox::acknowledge_hand() {
    const session::Delivery delivery = std::exchange(in_hand_, {});
    if (router_ && !manual) router_->done(delivery);
}

inline Message Inbox::take_first() {
    Message message = messages_.take_front();
    take_in_hand(message);
    if (router_) router_->taken(message);
    return message;
}

inline void Inbox::take_in_hand(const Message& message) noexcept {
    const session::Delivery& owed = session::MessageBlock::delivery(message);
    in_hand_.sequence = owed.sequence;
    if (owed.sequence == 0) return; // and the rest is as good as nothing
    in_hand_.id = owed.id;
    in_hand_.qos = owed.qos;
}

inline Message Inbox::take_silently() noexcept {
    if (!router_ || router_->tells()) return {};
    if (in_hand_.sequence != 0) {
        if (manual || !router_->done_silently(in_hand_)) [[unlikely]]
            return {};
        in_hand_.sequence = 0;
    }
    if (messages_.empty()) return {};
    Message message = messages_.take_front();
    take_in_hand(message);
    router_->taken_silently(message);
    return message;
}

std::optional<Message> Inbox::take() {
    if (messages_.empty()) [[unlikely]]
        return at_end();
    return take_first();
}

void Inbox::put_back(Message&& message) {
    const std::size_t size = session::MessageBlock::footprint(message);
    messages_.push_front(std::move(message));
    in_hand_ = {};
    if (router_) router_->returned(size);
}

std::optional<Message> Inbox::at_end() {
    in_hand_ = {};
    if (why_) throw Error(why_);
    return std::nullopt;
}

void Inbox::wait(NextMessage& waiter) noexcept {
    assert((!waiter_ || waiter_ == &waiter) && "culex: two coroutines wait for one subscription");
    waiter_ = &waiter;
}

void Inbox::arm_after(Timer& timer, Duration delay) {
    if (router_) router_->scheduler().arm_after(timer, delay); // or else it is ready
}

void Inbox::wake() noexcept {
    if (waiter_ && waiter_->waits_ && !waiter_->waiting_.linked()) router_->scheduler().post(waiter_->waiting_);
}

} // namespace culex::client

namespace culex {

using client::Inbox;

void NextMessage::leave() noexcept {
    if (message_) return inbox_->put_back(std::move(message_));
    inbox_->stop_waiting(*this);
}

bool NextMessage::ready() const noexcept { return !inbox_ || inbox_->ready(); }

void NextMessage::await_suspend(std::coroutine_handle<> waiting) noexcept {
    std::construct_at(&waiting_)->handle = waiting;
    waits_ = true;
    inbox_->wait(*this);
}

std::optional<Message> NextMessage::take() {
    Inbox* const inbox = std::exchange(inbox_, nullptr);
    if (!inbox) return std::nullopt; // there never was a subscription, or it was dropped meanwhile
    inbox->stop_waiting(*this);
    return inbox->take();
}

NextMessage::NextMessage(Inbox& inbox) : inbox_(&inbox), message_(inbox.take_silently()) {
    if (!message_) take_first();
}

void NextMessage::take_first() {
    inbox_->done_with_hand();
    if (!inbox_->empty()) message_ = inbox_->take_first();
}

NextMessageInTime::NextMessageInTime(Inbox* inbox, std::chrono::milliseconds timeout) : NextMessage(inbox) {
    if (timeout.count() == 0 || ready()) return;
    inbox_->wait(*this); // so that it hears of the subscription's end, whether it is awaited or not
    inbox_->arm_after(deadline_, bounded(timeout));
}

void NextMessageInTime::expire(Timer& timer) {
    NextMessageInTime& self = static_cast<Deadline&>(timer).owner;
    self.expired_ = true;
    if (self.inbox_ && self.inbox_->is_waited_for_by(self)) self.inbox_->wake();
}

/// What has come by now counts, though the time has passed as well.
std::optional<Message> NextMessageInTime::await_resume() {
    deadline_.disarm();
    if (expired_ && !ready()) throw Error(Failure(Errc::timed_out, "no message in time"));
    return take();
}

void Subscription::Release::operator()(Inbox* inbox) const noexcept { delete inbox; }

Subscription::Subscription() noexcept = default;
Subscription::Subscription(Subscription&&) noexcept = default;
Subscription& Subscription::operator=(Subscription&&) noexcept = default;
Subscription::~Subscription() = default;

NextMessageInTime Subscription::next(std::chrono::milliseconds timeout) {
    if (inbox_) inbox_->done_with_hand();
    return NextMessageInTime(inbox_.get(), timeout);
}

std::optional<Message> Subscription::try_next() {
    if (!inbox_) return std::nullopt;
    inbox_->done_with_hand();
    return inbox_->ready() ? inbox_->take() : std::nullopt;
}

std::size_t Subscription::size() const noexcept { return inbox_ ? inbox_->size() : 0; }

std::span<const ReasonCode> Subscription::reason_codes() const noexcept {
    return inbox_ ? std::span<const ReasonCode>(inbox_->reason_codes) : std::span<const ReasonCode>();
}

ReasonCode Subscription::reason_code() const noexcept {
    return reason_codes().empty() ? ReasonCode::success : reason_codes().front();
}

} // namespace culex
