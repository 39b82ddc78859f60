#include "client/inbox.hpp"

#include <cassert>
#include <utility>

#include "client/router.hpp"

namespace culex::client {

Inbox::~Inbox() {
    wake();
    if (waiter_) waiter_->inbox_ = nullptr;
    if (!router_) return;
    unlink();
    router_->remove(*this);
    router_->done(std::move(in_hand_));
    while (!entries_.empty()) router_->leave(entries_.take_front());
}

void Inbox::push(InboxEntry entry) {
    entries_.push_back(std::move(entry));
    wake();
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

void Inbox::done_with_hand() {
    if (router_) router_->done(std::exchange(in_hand_, {}));
}

std::optional<Message> Inbox::take() {
    if (entries_.empty()) {
        if (why_) throw Error(why_);
        return std::nullopt;
    }
    in_hand_ = entries_.take_front();
    if (router_) router_->taken(in_hand_.message);
    std::optional<Message> message(std::move(in_hand_.message));
    return message;
}

void Inbox::wait(NextMessage& waiter) noexcept {
    assert(!waiter_ && "culex: two coroutines wait for one subscription");
    waiter_ = &waiter;
}

void Inbox::arm_after(Timer& timer, Duration delay) {
    if (router_) router_->scheduler().arm_after(timer, delay); // or else it is ready
}

void Inbox::wake() noexcept {
    if (waiter_ && !waiter_->waiting_.linked()) router_->scheduler().post(waiter_->waiting_);
}

} // namespace culex::client

namespace culex {

using client::Inbox;

NextMessage::NextMessage(Inbox* inbox) noexcept : inbox_(inbox) {}

NextMessage::~NextMessage() {
    if (inbox_) inbox_->stop_waiting(*this);
}

bool NextMessage::await_ready() const noexcept { return !inbox_ || inbox_->ready(); }

void NextMessage::await_suspend(std::coroutine_handle<> waiting) noexcept {
    waiting_.handle = waiting;
    inbox_->wait(*this);
}

std::optional<Message> NextMessage::await_resume() {
    if (!inbox_) return std::nullopt; // there never was a subscription, or it was dropped meanwhile
    inbox_->stop_waiting(*this);
    return inbox_->take();
}

NextMessageInTime::NextMessageInTime(Inbox* inbox, std::chrono::milliseconds timeout) : NextMessage(inbox) {
    if (timeout.count() > 0 && !await_ready()) inbox_->arm_after(deadline_, timeout);
}

void NextMessageInTime::expire(Timer& timer) {
    NextMessageInTime& self = static_cast<Deadline&>(timer).owner;
    self.expired_ = true;
    if (self.inbox_ && self.inbox_->is_waited_for_by(self)) self.inbox_->wake();
}

/// What has come by now counts, though the time has passed as well.
std::optional<Message> NextMessageInTime::await_resume() {
    deadline_.disarm();
    if (expired_ && !NextMessage::await_ready()) throw Error(Failure(Errc::timed_out, "no message in time"));
    return NextMessage::await_resume();
}

void Subscription::Release::operator()(Inbox* inbox) const noexcept { delete inbox; }

Subscription::Subscription() noexcept = default;
Subscription::Subscription(Subscription&&) noexcept = default;
Subscription& Subscription::operator=(Subscription&&) noexcept = default;
Subscription::~Subscription() = default;

NextMessage Subscription::next() {
    if (inbox_) inbox_->done_with_hand();
    return NextMessage(inbox_.get());
}

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
