#pragma once
/// \file inbound.hpp
/// The receiver's half of QoS 1 and 2 (section 4.3): what was delivered, what was acknowledged, and in which order.
///
/// Theory of operation. Every QoS 1 or 2 message that is handed on gets a `Delivery`; the consumer gives it back when it is
/// done, and only then the answer goes out, in the order of arrival [MQTT-4.6.0-2] [MQTT-4.6.0-3]: the answers stand in
/// one queue, and what is done at its head is written. A link that ends takes its queue with it, so that a late "done"
/// can never acknowledge another message of the next link. QoS 2 remembers more: an entry for each identifier lives until
/// PUBCOMP, across links, so that a message that is sent again is not delivered again [MQTT-4.3.3-10].
///
/// A QoS 2 message is handed on in one of two ways. With its PUBLISH: PUBREC, which takes the responsibility, follows
/// when the consumer is done, and PUBREL is answered at once. Or, as the documented client does it, with its PUBREL: PUBREC
/// as soon as its turn comes, and PUBCOMP follows when the consumer is done.
///
/// An entry has at most one answer in the queue. A packet that is repeated meanwhile is answered by it, and so a broker
/// that repeats itself cannot make the queue grow. And no answer outlives its entry: PUBCOMP may pass a PUBREC that waits for
/// its turn to be said again, and behind PUBCOMP that would be taken for the next message under the identifier, whose
/// consumer is not done. What is not to be said any more is withdrawn; its place stays, since places count.

#include <optional>

#include <culex/message.hpp>
#include <culex/reason_code.hpp>

#include "base/ring.hpp"
#include "session/id_table.hpp"

namespace culex::session {

/// Names one delivered message to the session. Default: nothing to acknowledge (QoS 0).
struct Delivery {
    std::uint64_t sequence = 0; ///< never used twice in the life of a session; 0 = none
    PacketId id = 0;
    QoS qos = QoS::at_most_once;
};

/// An answer whose turn has come. Small enough for a register.
struct Answer {
    PacketId id = 0; ///< 0: it was withdrawn, and nothing is to be written
    PacketType type = PacketType::puback;
    ReasonCode reason_code = ReasonCode::success;
};

class Inbound {
public:
    explicit Inbound(bool deliver_on_pubrel) noexcept : deliver_on_pubrel_(deliver_on_pubrel) {}
    ~Inbound() { forget_session(); }
    Inbound(const Inbound&) = delete;
    Inbound& operator=(const Inbound&) = delete;

    /// What the owner is to hand on; no message where the packet was a repetition, or where it waits for its PUBREL.
    struct Received {
        Message message;
        Delivery delivery{};
    };
    /// A PUBLISH at QoS 1 or 2.
    [[nodiscard]] Received handle_publish(QoS qos, PacketId id, Message&& message);
    /// The same at QoS 1, where every message is handed on.
    [[nodiscard, gnu::always_inline]] Delivery handle_at_least_once(PacketId id) {
        slots_.emplace_back(Answer{id, PacketType::puback, ReasonCode::success});
        ++unacknowledged_;
        return {next_slot_++, id, QoS::at_least_once};
    }
    /// Whether such a PUBLISH will count as one more in `unacknowledged`: what the broker repeats does not.
    [[nodiscard]] bool takes_place(QoS qos, PacketId id) const noexcept;

    struct Released {
        bool early = false;                 ///< it came before our PUBREC, which no broker may do
        std::optional<ReasonCode> answer{}; ///< PUBCOMP is to be written now, with this code
        Received received{};
    };
    /// A PUBREL. One that answers nothing we know is answered with 0x92 [MQTT-4.3.3-11].
    [[nodiscard]] Released handle_pubrel(PacketId id);

    /// The consumer is done. Deliveries of former links, and repeated calls, are harmless.
    void acknowledge(const Delivery& delivery, ReasonCode code) noexcept;
    /// The short way for the oldest delivery at QoS 1, whose PUBACK is to be written at once: true where it was that, and no
    /// other answer waits behind it.
    [[nodiscard]] bool acknowledge_oldest(const Delivery& delivery) noexcept {
        if (delivery.sequence != first_slot_ || delivery.qos != QoS::at_least_once || done_ != 0) return false;
        slots_.pop_front();
        ++first_slot_;
        --unacknowledged_;
        return true;
    }
    /// Whether there is an answer to write: not while the oldest delivery is still with its consumer.
    [[nodiscard]] bool has_answer() const noexcept { return done_ != 0 && slots_.front().done; }
    /// Nobody will acknowledge it, and nobody has seen it: sent again on another link it is handed on again.
    void give_back(const Delivery& delivery) noexcept;
    /// Whether `acknowledge` would do anything, now or on a later link.
    [[nodiscard]] bool awaits(const Delivery& delivery) const noexcept;
    /// Whether a consumer has the oldest delivery, so that answers wait for it alone.
    [[nodiscard]] bool waits_for_consumer() const noexcept { return !slots_.empty() && !slots_.front().done; }
    [[nodiscard]] Answer take_answer() noexcept {
        const Answer answer = slots_.front().answer;
        slots_.pop_front();
        ++first_slot_;
        --done_;
        if (answer.type == PacketType::puback) {
            --unacknowledged_;
        } else {
            answered(answer);
        }
        return answer;
    }

    /// That of what is empty.
    void give_back_memory() noexcept {
        if (slots_.empty()) slots_.release();
        held_.give_back();
    }

    /// QoS 1 and 2 messages of this link for which the broker still waits (section 3.1.2.11.3, Receive Maximum).
    [[nodiscard]] std::size_t unacknowledged() const noexcept { return unacknowledged_; }

    /// Of these, for which nothing was written yet: a lasting session gets them again, as PUBLISH.
    [[nodiscard]] std::size_t unanswered() const noexcept;
    /// Whether a consumer is done with a QoS 2 message of an earlier link that the broker takes for unanswered, and has not sent
    /// again on this one. It was processed once, which only we know.
    [[nodiscard]] bool owes() const noexcept;

    /// The link has ended: answers that were not written never will be.
    void forget_link() noexcept;
    /// The broker has no session: its identifiers mean nothing now.
    void forget_session() noexcept;
    /// The session that the broker has on this link may be a new one, in which the identifiers of earlier links mean other
    /// messages, or none. On this link DUP tells: a new session has nothing yet that it could send again.
    void doubt_session() noexcept { doubted_before_ = link_; }
    /// What the broker would send again has come by now: what has not is forgotten.
    void end_doubt() noexcept;

private:
    struct alignas(8) Slot {
        Answer answer;
        bool done = false;
    };
    /// A QoS 2 message between its PUBLISH and our PUBCOMP.
    struct Held {
        explicit Held(PacketId id_) noexcept : id(id_) {}
        static void* operator new(std::size_t size);
        static void operator delete(void* memory, std::size_t size) noexcept;

        PacketId id;
        bool received = false;      // PUBREC has been written on some link
        bool given_back = false;    // its consumer has never seen it, and will not
        bool processed = false;     // its consumer is done ...
        ReasonCode code{};          // ... and says this
        std::uint64_t delivery = 0; // as which it was handed on; 0 = not yet
        std::uint64_t slot = 0;     // where its answer stands, or stood, in the queue
        std::uint64_t link = 0;     // the last link that counted it as unacknowledged
        Message message;            // waits for PUBREL
    };

    std::uint64_t push(PacketType type, PacketId id, bool done, ReasonCode code = ReasonCode::success);
    [[nodiscard]] bool has_slot(std::uint64_t sequence) const noexcept {
        return sequence >= first_slot_ && sequence < next_slot_;
    }
    [[nodiscard]] Slot* slot_at(std::uint64_t sequence) noexcept;
    [[nodiscard]] bool waits_with(const Held& held, PacketType answer) noexcept;
    void withdraw(const Held& held) noexcept;
    void count(Held& held) noexcept;
    void answered(const Answer& answer) noexcept;
    void forget(Held& held) noexcept;
    [[nodiscard]] Received handle_exactly_once(PacketId id, Message&& message);
    void handle_repeated(Held& held);
    void believe(const Held& held) noexcept;
    [[nodiscard]] bool doubtful(const Held& held) const noexcept { return held.link < doubted_before_; }

    const bool deliver_on_pubrel_;
    // What survives a link.
    IdTable<Held> held_;
    std::uint64_t first_slot_ = 1; // the sequence of slots_[0]
    std::uint64_t next_slot_ = 1;  // and of the next that comes
    std::uint64_t link_ = 1;
    std::uint64_t doubted_before_ = 0; // what no link has seen since this one is in doubt; 0 = nothing is
    // What a link takes with it.
    Ring<Slot> slots_;
    std::size_t done_ = 0; // of these
    std::size_t unacknowledged_ = 0;
};

} // namespace culex::session
