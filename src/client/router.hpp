#pragma once
/// \file router.hpp
/// Which stream a received message goes to, and how much waits in all of them.

#include <unordered_map>

#include <culex/options.hpp>

#include "base/topic_tree.hpp"
#include "client/inbox.hpp"
#include "session/ack_handler.hpp"
#include "session/session.hpp"

namespace culex::client {

/// Hears that consumers made progress: answers may be in the session's output, and there may be room to read on.
class RouterOwner {
public:
    virtual void on_consumed() = 0;

protected:
    ~RouterOwner() = default;
};

class Router final : private session::AckHandler {
public:
    Router(Scheduler& scheduler, session::Session& session, const InboundLimits& limits, RouterOwner& owner) noexcept
        : scheduler_(scheduler), session_(session), limits_(limits), owner_(owner) {}
    ~Router();
    Router(const Router&) = delete;
    Router& operator=(const Router&) = delete;

    /// An inbox for these filters; none for the catch-all.
    [[nodiscard]] std::unique_ptr<Inbox> open(std::span<const std::string_view> filters, Acknowledge acknowledge);
    [[nodiscard]] std::unique_ptr<Inbox> open_catch_all(Acknowledge acknowledge);
    /// No more messages for `filter` in this inbox, or in any; an inbox ends that has no filter left.
    void close(Inbox& inbox, std::string_view filter);
    void close(std::string_view filter);
    /// Ends every stream.
    void end(const Failure& why);

    void deliver(Message message, const session::Delivery& delivery);
    /// There is a new link: what can never be acknowledged any more is forgotten.
    void link_began();

    /// Messages that wait, in each stream, and what it takes to keep them.
    [[nodiscard]] std::size_t messages() const noexcept { return waiting_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    /// Deliveries that several streams have, and not all are done with.
    [[nodiscard]] std::size_t shared_count() const noexcept { return shared_.size(); }
    [[nodiscard]] std::uint64_t unclaimed_count() const noexcept { return unclaimed_; }
    [[nodiscard]] std::uint64_t dropped_count() const noexcept { return dropped_; }

    // For inboxes.
    void remove(Inbox& inbox) noexcept;
    void taken(const Message& message) noexcept;
    void done(InboxEntry&& entry);
    /// An entry whose inbox goes.
    void leave(InboxEntry&& entry);
    [[nodiscard]] Scheduler& scheduler() noexcept { return scheduler_; }

private:
    /// Where the walk through the matching filters stands.
    struct Walk {
        Inbox* first = nullptr;
        unsigned holders = 0;
    };
    /// A delivery that several inboxes have: it is acknowledged when the last is done with it.
    struct SharedDelivery {
        session::Delivery delivery;
        unsigned holders = 0;
        bool taken = false; ///< by one of them at least
    };
    /// To the catch-all, or acknowledged and counted.
    void unclaimed(InboxEntry&& entry);
    void meet(Walk& walk, Inbox& inbox, const Message& message, const session::Delivery& delivery);
    void push(Inbox& inbox, InboxEntry entry);
    void on_ack(const session::Delivery& delivery, ReasonCode code, const AckProperties* why) override;
    void acknowledge(const session::Delivery& delivery, ReasonCode code, const AckProperties* why = nullptr);
    [[nodiscard]] bool others_hold(const session::Delivery& delivery, ReasonCode& code);

    Scheduler& scheduler_;
    session::Session& session_;
    const InboundLimits limits_;
    RouterOwner& owner_;
    TopicTree<Inbox*> tree_;
    Inbox* catch_all_ = nullptr;
    IntrusiveList<Inbox> inboxes_;
    std::unordered_map<std::uint64_t, SharedDelivery> shared_; // by sequence
    Revocable<session::AckHandler> acks_{*this};               // messages refer to this, and may outlive it
    std::uint64_t messages_ = 0;                               // numbers them, so that one inbox gets each once
    std::size_t waiting_ = 0;
    std::size_t bytes_ = 0;
    std::uint64_t unclaimed_ = 0;
    std::uint64_t dropped_ = 0;
};

} // namespace culex::client
