#pragma once
/// \file exchange.hpp
/// One packet of ours that wants an answer, or waits to be sent.

#include <cassert>
#include <memory>
#include <utility>

#include <culex/intrusive_list.hpp>
#include <culex/operation.hpp>
#include <culex/payload.hpp>
#include <culex/types.hpp>

#include "base/pool_cache.hpp"
#include "session/publish_flow.hpp"
#include "wire/plain_publish.hpp"

namespace culex::session {

/// A PUBLISH, SUBSCRIBE or UNSUBSCRIBE together with its encoded bytes, in one pooled block: to send it again is to copy the
/// bytes. One list of the session holds it, and at most one `Operation` or `Claim` waits for it. With the answer to a claim it
/// moves on from there to what is ready to run.
class Exchange : public Claimed {
public:
    struct Free {
        void operator()(Exchange* exchange) const noexcept;
    };
    using Owner = std::unique_ptr<Exchange, Free>;

    /// One whole packet, whose bytes are still to be written.
    [[nodiscard]] static Owner make_blank(PacketType kind, QoS qos, PacketId id, std::size_t size) {
        return Owner{new (pool::allocate(sizeof(Exchange) + size)) Exchange(kind, qos, id, size)};
    }
    /// A PUBLISH that is sent at once, in memory of the pool for at least so many bytes behind it.
    [[nodiscard, gnu::always_inline]] static Exchange* make_sent(void* memory, QoS qos, PacketId id,
                                                                 std::size_t size) noexcept {
        return new (memory) Exchange(PacketType::publish, qos, id, size, first_step(qos), true);
    }
    /// Copies the bytes of one whole packet.
    [[nodiscard]] static Owner make(PacketType kind, QoS qos, PacketId id, Bytes packet) {
        Owner made = make_blank(kind, qos, id, packet.size());
        wire::put_bytes(made->data(), packet.data(), packet.size());
        return made;
    }

    /// A PUBLISH whose identifier is still to be assigned: `id` is 0, whatever the bytes say. `payload`, where it is not null,
    /// is the message's, and not copied from `large_payload` on. `scratch` is for one that is not plain. What is wrong with it
    /// comes with the name of the field.
    [[nodiscard]] static Result<Owner> encode(const Publish& message, const Payload* payload, Version version,
                                              Buffer& scratch) {
        if (message.payload.size() < large_payload) [[likely]]
            return encode_whole(message, version, scratch);
        return encode_apart(message, payload ? *payload : Payload::copy(message.payload), version, scratch);
    }
    /// A payload from here on stands apart, and goes to the transport without being copied once more.
    static constexpr std::size_t large_payload = std::size_t{16} << 10;

    /// What `Owner` does when it goes.
    void dispose() noexcept {
        const std::size_t size = sizeof *this + size_;
        this->~Exchange();
        pool::free(this, size);
    }

    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    /// The whole packet, but for a payload that stands apart.
    [[nodiscard]] Bytes packet() const noexcept { return {data(), size_}; }
    /// Null where it is within the packet.
    [[nodiscard]] const Payload* payload_apart() const noexcept { return payload_; }
    /// Of the whole packet.
    [[nodiscard]] std::size_t packet_size() const noexcept { return size_ + (payload_ ? payload_->size() : 0); }
    [[nodiscard]] std::byte* editable() noexcept { return data(); }
    /// Sets DUP, as every PUBLISH that is sent again has it [MQTT-3.3.1-1].
    void mark_dup() noexcept { data()[0] |= std::byte{0x08}; }
    /// Puts an identifier into a PUBLISH of QoS 1 or 2 that no list of the session holds yet.
    void assign_id(PacketId assigned) noexcept;
    /// Where the variable header of `packet` begins: behind type, flags and Remaining Length.
    [[nodiscard]] static std::size_t body_offset(Bytes packet) noexcept;
    /// What it counts for in the bounds of the queue.
    [[nodiscard]] std::size_t footprint() const noexcept { return sizeof *this + packet_size(); }

    void attach(Operation* operation) noexcept {
        assert(!waited_for() && !(operation && operation->exchange_));
        operation_ = operation;
        if (operation) operation->exchange_ = this;
    }
    /// Of a message whose payload does not stand apart. `run` is called when there is an answer and somebody waits; see
    /// `settle_claim`.
    void attach(Claim& by, Run run) noexcept {
        assert(!waited_for() && !payload_);
        set_run(run);
        claim = &by;
        by.node = this;
        by.id = id;
        by.reason_code = ReasonCode::success;
        by.state = Claim::State::waiting;
    }
    [[nodiscard]] bool waited_for() const noexcept { return operation_ || claim; }
    /// Whether what the operation waits for has never been sent.
    [[nodiscard]] static bool is_unsent(const Operation& waiting) noexcept {
        return waiting.exchange_ && waiting.exchange_->step == Step::unsent;
    }
    /// Its last use, out of every list: there is an answer to its claim. Gives what is to be made ready for who waits: itself,
    /// or null where nobody does yet.
    [[nodiscard]] Claimed* answer_claim(ReasonCode code) noexcept;
    /// It is about to be made ready.
    void mark_answered() noexcept {
        assert(claim && waiting && !payload_);
        step = Step::answered;
    }
    /// The same where there will be none: the claim lets go of it.
    [[nodiscard]] Claimed* fail_claim(Failure why);
    /// For what `attach` was given to run: gives who waits, whose claim says how it ended. The node is not to be used after it.
    [[gnu::always_inline]] static void* settle_claim(ReadyNode& ready) noexcept {
        auto& node = static_cast<Claimed&>(ready);
        void* const waits = node.waiting;
        if (node.claim->state != Claim::State::waiting) return waits; // it has failed, and the node is its own
        auto& self = static_cast<Exchange&>(node);
        assert(self.step == Step::answered && !self.linked());
        self.claim->state = Claim::State::answered;
        pool::free(&self, sizeof self + self.size_); // nothing is left here that would have to be let go of
        return waits;
    }
    void set_payload_apart(Payload payload) {
        assert(!payload_);
        payload_ = new Payload(std::move(payload));
    }
    /// What `other` was, but for its bytes; and its operation or claim.
    void take_over(Exchange& other) noexcept {
        step = other.step;
        restores = other.restores;
        sent_at = other.sent_at;
        expires_at = other.expires_at;
        if (other.claim) {
            attach(other.release_claim(), other.to_run());
            waiting = std::exchange(other.waiting, nullptr);
            return;
        }
        Operation* const operation = std::exchange(other.operation_, nullptr);
        if (operation) operation->exchange_ = nullptr;
        attach(operation);
    }
    /// Tells the waiting operation, if any, and lets go of it.
    void complete(Outcome&& outcome) noexcept {
        assert(!claim);
        Operation* operation = std::exchange(operation_, nullptr);
        if (!operation) return;
        operation->exchange_ = nullptr;
        operation->completed_(*operation, std::move(outcome));
    }

private:
    Operation* operation_ = nullptr;
    const Payload* payload_ = nullptr; // owned; few have one

public:
    /// When a PUBLISH was handed to the transport of this link; the epoch where it was not yet, or on an earlier link.
    TimePoint sent_at{};
    /// When a PUBLISH that was never sent is not to be sent any more (its Message Expiry Interval); the epoch for never.
    TimePoint expires_at{};
    /// The interval begins when the session first sees the message: who made it had no clock.
    static constexpr TimePoint expiry_not_begun = TimePoint::max();
    std::uint32_t order = 0; ///< among the messages of a `PublishQueue`

private:
    const std::uint32_t size_;

public:
    Version version{};     ///< of a message that was prepared and not submitted: what its bytes are
    bool holds_quota;      ///< counts against the receive maximum of this link
    bool restores = false; ///< a SUBSCRIBE of the session's own: in nobody's way and in no bound
    const PacketType kind;
    const QoS qos;
    Step step;
    PacketId id; ///< 0 for a QoS 0 message

private:
    friend class Operation;
    friend struct Claim;
    Exchange(PacketType kind_, QoS qos_, PacketId id_, std::size_t size, Step step_ = Step::unsent,
             bool holds_quota_ = false) noexcept
        : Claimed(nullptr), size_(static_cast<std::uint32_t>(size)), holds_quota(holds_quota_), kind(kind_), qos(qos_),
          step(step_), id(id_) {}
    ~Exchange() {
        if (operation_ || payload_) [[unlikely]]
            let_go();
    }
    Claim& release_claim() noexcept {
        Claim& released = *claim;
        claim = nullptr;
        return released;
    }
    [[nodiscard]] static Result<Owner> encode_whole(const Publish& message, Version version, Buffer& scratch);
    [[nodiscard]] static Result<Owner> encode_apart(Publish message, Payload payload, Version version, Buffer& scratch);
    [[gnu::cold]] void let_go() noexcept; // an operation hears that there will be no answer

    [[nodiscard]] const std::byte* data() const noexcept { return reinterpret_cast<const std::byte*>(this + 1); }
    [[nodiscard]] std::byte* data() noexcept { return reinterpret_cast<std::byte*>(this + 1); }
};

/// What a claim has instead of its exchange when it has failed: the message may still be the session's.
struct FailedClaim : Claimed {
    FailedClaim(Run run, Failure why_) noexcept : Claimed(run), why(std::move(why_)) {}
    Failure why;
};

/// A list that owns what it holds.
class ExchangeList {
public:
    ExchangeList() = default;
    ~ExchangeList() { clear(); }

    [[nodiscard]] bool empty() const noexcept { return list_.empty(); }
    [[nodiscard]] Exchange& front() noexcept { return list_.front(); }
    Exchange& push_back(Exchange::Owner&& exchange) noexcept {
        list_.push_back(*exchange);
        return *exchange.release();
    }
    /// Of one that nobody owns.
    void push_back(Exchange& exchange) noexcept { list_.push_back(exchange); }
    [[nodiscard]] Exchange::Owner pop_front() noexcept { return Exchange::Owner{list_.pop_front()}; }
    using Iterator = IntrusiveList<Exchange>::Iterator;
    [[nodiscard]] Iterator begin() noexcept { return list_.begin(); }
    [[nodiscard]] Iterator end() noexcept { return list_.end(); }
    /// Moves those in front of `end` to what is ready to run.
    void move_before(Iterator end, IntrusiveList<ReadyNode>& ready) noexcept { ready.splice_back(list_, end); }
    /// Takes out an exchange that is in this list.
    [[nodiscard]] static Exchange::Owner take(Exchange& exchange) noexcept {
        exchange.unlink();
        return Exchange::Owner{&exchange};
    }
    void splice_back(ExchangeList& other) noexcept { list_.splice_back(other.list_); }
    template <class F> void for_each(F visit) { list_.for_each(visit); }
    void clear() noexcept {
        while (!empty()) (void)pop_front();
    }

private:
    IntrusiveList<Exchange> list_;
};

} // namespace culex::session
