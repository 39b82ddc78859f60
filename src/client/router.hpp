#pragma once
/// \file router.hpp
/// Which stream a received message goes to, and how much waits in all of them.

#include <optional>
#include <unordered_map>
#include <vector>

#include <culex/options.hpp>

#include "base/rare.hpp"
#include "base/topic_memo.hpp"
#include "base/topic_tree.hpp"
#include "client/inbox.hpp"
#include "session/ack_handler.hpp"
#include "session/message_block.hpp"
#include "session/session_direct.hpp"

namespace culex::client {

/// Hears that consumers made progress: answers may be in the session's output, and there may be room to read on.
class RouterOwner {
public:
    virtual void on_consumed() = 0;

protected:
    ~RouterOwner() = default;
};

class Router final : public session::MessageSink, private session::AckHandler {
public:
    Router(Scheduler& scheduler, session::Session& session, const InboundLimits& limits, RouterOwner& owner) noexcept
        : scheduler_(scheduler), session_(session), hard_bytes_(limits.hard_bytes),
          hard_messages_(limits.hard_messages), owner_(owner) {}
    ~Router();
    Router(const Router&) = delete;
    Router& operator=(const Router&) = delete;

    /// An inbox for these filters; none for the catch-all.
    [[nodiscard]] std::unique_ptr<Inbox> open(std::span<const std::string_view> filters, Acknowledge acknowledge);
    [[nodiscard]] std::unique_ptr<Inbox> open_catch_all(Acknowledge acknowledge);
    /// No more messages for `filter` in this inbox, or in any; an inbox ends that has no filter left.
    void close(Inbox& inbox, std::string_view filter);
    void close_place(Inbox& inbox, std::string& place);
    void close(std::string_view filter);
    /// Ends every stream.
    void end(const Failure& why);

    void on_message(Message&& message, const session::Delivery& delivery) override;
    void on_run(session::PlainRun& run) override;
    /// Streams that hold nothing have no memory either.
    void on_rest() noexcept override;
    /// The session has taken its input: what no stream wanted is acknowledged.
    void settle();
    /// Whether the owner wants to hear of each message that is taken or acknowledged; otherwise it hears only where there may
    /// be output and was none.
    void tell_of_consumption(bool on) noexcept { tells_ = on; }
    /// There is a new link: what can never be acknowledged any more is forgotten.
    void link_began();

    /// Messages that wait, in each stream, and what it takes to keep them.
    [[nodiscard]] std::size_t messages() const noexcept { return waiting_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return content_ + waiting_ * sizeof(Message); }
    /// Deliveries that several streams have, and not all are done with.
    [[nodiscard]] std::size_t shared_count() const noexcept { return shared_ ? shared_->size() : 0; }
    [[nodiscard]] std::uint64_t unclaimed_count() const noexcept { return unclaimed_; }
    [[nodiscard]] std::uint64_t dropped_count() const noexcept { return dropped_; }

    // For inboxes.
    void remove(Inbox& inbox) noexcept;
    void taken(const Message& message) noexcept {
        taken_silently(message);
        if (tells_) [[unlikely]]
            owner_.on_consumed();
    }
    void taken_silently(const Message& message) noexcept {
        --waiting_;
        content_ -= session::MessageBlock::footprint(message);
    }
    [[nodiscard]] bool tells() const noexcept { return tells_; }
    void returned(std::size_t size) noexcept {
        ++waiting_;
        content_ += size;
    }
    void done(const session::Delivery& delivery) {
        if (delivery.sequence != 0) acknowledge(delivery, ReasonCode::success);
    }
    /// The short way of `done` where nobody wants to hear of it (`tells`), which calls nothing: where the answer goes behind
    /// others that are on their way already. False: nothing was done.
    [[nodiscard]] bool done_silently(const session::Delivery& delivery) noexcept {
        if ((shared_ && !shared_->empty()) || !session_.has_output()) return false;
        return session_.acknowledge_oldest(delivery);
    }
    /// A message whose inbox goes.
    void leave(Message&& message);
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
        std::optional<ReasonCode> verdict{}; ///< refused, unless one of them has taken it; empty before any is done
    };
    /// To the catch-all, or acknowledged and counted.
    void unclaimed(Message&& message);
    void meet(Walk& walk, Inbox& inbox, const Message& message);
    void push(Inbox& inbox, Message&& message);
    template <QoS Qos> void take_run(session::PlainRun& run);
    [[gnu::noinline]] void take(Message&& message);
    [[nodiscard]] bool too_much() const noexcept { return bytes() > hard_bytes_ || waiting_ > hard_messages_; }
    void on_ack(const session::Delivery& delivery, ReasonCode code, const AckProperties* why) override;
    void acknowledge(const session::Delivery& delivery, ReasonCode code, const AckProperties* why = nullptr) {
        if (shared_ && !shared_->empty() && others_hold(delivery, code)) [[unlikely]]
            return;
        // Where there is output already, it is seen to.
        const bool first = session_.output_size() == 0;
        session_.acknowledge(delivery, code, why);
        if (first || tells_) owner_.on_consumed();
    }
    [[nodiscard]] bool others_hold(const session::Delivery& delivery, ReasonCode& code);
    void leave_unseen(const session::Delivery& delivery);

    Scheduler& scheduler_;
    session::Session& session_;
    const std::size_t hard_bytes_;
    const std::size_t hard_messages_;
    RouterOwner& owner_;
    TopicTree<Inbox*> tree_;
    TopicMemo<Inbox> memo_; // topics with one inbox, as the tree is now
    bool tells_ = false;
    Inbox* catch_all_ = nullptr;
    IntrusiveList<Inbox> inboxes_;
    Rare<std::unordered_map<std::uint64_t, SharedDelivery>> shared_; // by sequence
    std::vector<session::Delivery> owed_;                            // of unclaimed messages
    Revocable<session::AckHandler> acks_{*this};                     // messages refer to this, and may outlive it
    std::uint64_t messages_ = 0;                                     // numbers them, so that one inbox gets each once
    std::size_t waiting_ = 0;
    // Stands between the two that come and go together, which g++ 12 else makes a vector of.
    std::uint64_t unclaimed_ = 0;
    std::size_t content_ = 0; // the footprints of those that wait
    std::uint64_t dropped_ = 0;
};

} // namespace culex::client
