#pragma once
/// \file inbox.hpp
/// What stands behind a `Subscription`: the messages that wait for their consumer.

#include <string>
#include <vector>

#include <culex/error.hpp>
#include <culex/options.hpp>
#include <culex/subscription.hpp>

#include "base/ring.hpp"
#include "session/inbound.hpp"

namespace culex::client {

class Router;

/// A message in an inbox, with what is owed for it when its consumer asks for the next one. A message that says itself when
/// it is done (`Message::ack`) owes nothing here.
struct InboxEntry {
    Message message;
    session::Delivery delivery{};
};

/// Owned by its `Subscription`; known to the client's router as long as both live.
class Inbox : public ListNode {
public:
    Inbox(Router& router, Acknowledge acknowledge) noexcept
        : manual(acknowledge == Acknowledge::manual), router_(&router) {}
    ~Inbox();

    void push(Message&& message, const session::Delivery& delivery) {
        entries_.emplace_back(std::move(message), delivery);
        if (entries_.size() == 1) wake();
    }
    /// The same in two steps, for who does not want to grow it.
    [[nodiscard]] bool has_room() const noexcept { return entries_.size() < entries_.capacity(); }
    void push_into_room(Message&& message, const session::Delivery& delivery) {
        entries_.emplace_into_room(std::move(message), delivery);
        if (entries_.size() == 1) wake();
    }
    /// The memory of a backlog that is gone.
    void give_back() noexcept {
        if (entries_.empty()) entries_.release();
    }
    /// No message will come any more. What is here can still be taken; then `next` is empty, or throws `why`.
    void end(const Failure& why);
    /// The client is gone: nothing can be acknowledged.
    void orphan();

    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
    [[nodiscard]] bool ready() const noexcept { return !entries_.empty() || ended_; }
    /// The consumer asks for the next message, so it is done with the one that it has.
    void done_with_hand() {
        if (in_hand_.sequence != 0) acknowledge_hand();
    }
    /// Takes the next; empty at the end, or throws its reason where that was a failure.
    std::optional<Message> take();
    [[nodiscard]] Message take_first();
    /// What was taken last, and nobody has seen.
    void put_back(Message&& message);
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

    void wait(NextMessage& waiter) noexcept;
    void arm_after(Timer& timer, Duration delay);
    /// A waiter is known from when it waits until it runs, or goes: where this inbox goes before that, it must be told.
    void stop_waiting(NextMessage& waiter) noexcept {
        if (waiter_ == &waiter) waiter_ = nullptr;
    }
    [[nodiscard]] bool is_waited_for_by(const NextMessage& waiter) const noexcept { return waiter_ == &waiter; }
    /// Wakes whoever waits. Nobody waits where there is something to take.
    void wake() noexcept;

    const bool manual;
    std::vector<std::string> filters; ///< under which the router knows it; empty strings for those that were closed
    std::vector<ReasonCode> reason_codes;
    std::uint64_t last_seen = 0; ///< the router's number of the last message that came here

private:
    void acknowledge_hand();
    [[gnu::cold]] std::optional<Message> at_end();

    Router* router_;
    Ring<InboxEntry> entries_;
    session::Delivery in_hand_{}; // of the message that the consumer has
    NextMessage* waiter_ = nullptr;
    bool ended_ = false;
    Failure why_;
};

} // namespace culex::client
