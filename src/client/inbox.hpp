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

/// What is owed for a message (`MessageBlock::delivery`) is acknowledged when its consumer asks for the next one, or, in a
/// `manual` inbox, when the message itself is told (`Message::ack`). Owned by its `Subscription`; known to the client's router
/// as long as both live.
class Inbox : public ListNode {
public:
    Inbox(Router& router, Acknowledge acknowledge) noexcept
        : manual(acknowledge == Acknowledge::manual), router_(&router) {}
    ~Inbox();

    void push(Message&& message) {
        messages_.emplace_back(std::move(message));
        if (messages_.size() == 1) wake();
    }
    /// Whether it takes a message without growing, and as it is.
    [[nodiscard]] bool takes_at_once() const noexcept { return !messages_.full() && !manual; }
    void push_into_room(Message&& message) {
        messages_.emplace_into_room(std::move(message));
        if (messages_.size() == 1) wake();
    }
    /// The memory of a backlog that is gone.
    void give_back() noexcept {
        if (messages_.empty()) messages_.release();
    }
    /// No message will come any more. What is here can still be taken; then `next` is empty, or throws `why`.
    void end(const Failure& why);
    /// The client is gone: nothing can be acknowledged.
    void orphan();

    [[nodiscard]] bool empty() const noexcept { return messages_.empty(); }
    [[nodiscard]] bool ready() const noexcept { return !messages_.empty() || ended_; }
    /// The consumer asks for the next message, so it is done with the one that it has.
    void done_with_hand() {
        if (in_hand_.sequence != 0) acknowledge_hand();
    }
    /// Takes the next; empty at the end, or throws its reason where that was a failure.
    std::optional<Message> take();
    [[nodiscard]] Message take_first();
    /// The short way of both, which calls nothing. Empty: ask the others, it has done part of it or nothing.
    [[nodiscard]] Message take_silently() noexcept;
    /// What was taken last, and nobody has seen.
    void put_back(Message&& message);
    [[nodiscard]] std::size_t size() const noexcept { return messages_.size(); }

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
    void take_in_hand(const Message& message) noexcept;
    [[gnu::cold]] std::optional<Message> at_end();

    Router* router_;
    Ring<Message> messages_;
    session::Delivery in_hand_{}; // of the message that the consumer has
    NextMessage* waiter_ = nullptr;
    bool ended_ = false;
    Failure why_;
};

} // namespace culex::client
