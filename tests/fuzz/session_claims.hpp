#pragma once
/// \file session_claims.hpp
/// Claims on messages, and the loop that runs what the session makes ready.

#include <deque>

#include "fuzz/fuzz.hpp"
#include "session/event.hpp"
#include "session/exchange.hpp"

namespace culex::fuzz {

/// Invariant: who waits is resumed once, on a later turn, and only where the broker answered or the session has said that it
/// never will; who is dropped is not resumed; at the end nobody waits.
class Claims final : public session::ReadySink {
public:
    struct Claimed {
        Claimed() = default;
        Claimed(const Claimed&) = delete;
        Claimed& operator=(const Claimed&) = delete;
        ~Claimed() {
            if (claim.open()) claim.drop();
        }
        session::Claim claim{session::Claim::State::none};
        bool waits = false;
        bool acked = false; ///< the broker said something of this identifier
        bool dropped = false;
    };
    using State = session::Claim::State;

    Claimed& add() { return claimed_.emplace_back(); }
    /// It was taken. What becomes of it follows from how many there were.
    void begun(Claimed& claimed) {
        ++begun_;
        claimed.waits = begun_ % 4 != 0;
        if (claimed.waits) claimed.claim.node->waiting = &claimed;
    }
    void note_acked(PacketId id) {
        for (Claimed& claimed : claimed_)
            claimed.acked |= claimed.claim.state == State::waiting && claimed.claim.id == id;
    }
    void note_all_acked() {
        for (Claimed& claimed : claimed_) claimed.acked = true;
    }
    /// Somebody has lost interest.
    void drop_one() {
        for (Claimed& claimed : claimed_) {
            if (!claimed.claim.open()) continue;
            claimed.claim.drop();
            claimed.claim.state = State::none;
            claimed.dropped = true;
            return;
        }
    }
    /// A turn of the loop.
    void run() {
        while (ReadyNode* node = ready_.pop_front()) resume(*node);
        for (const Claimed& claimed : claimed_) {
            if (claimed.claim.state == State::answered) FUZZ_CHECK(claimed.acked, "{} is answered", claimed.claim.id);
        }
        while (!claimed_.empty() && claimed_.front().claim.state <= State::answered) claimed_.pop_front();
    }
    /// The session is gone.
    void end() {
        run();
        for (const Claimed& claimed : claimed_)
            FUZZ_CHECK(claimed.claim.state != State::waiting, "{} waits for ever", claimed.claim.id);
    }

    static void resume(ReadyNode& node) {
        auto& claimed = *static_cast<Claimed*>(session::Exchange::settle_claim(node));
        const State state = claimed.claim.state;
        FUZZ_CHECK(state == State::answered || state == State::failed, "resumed in state {}", static_cast<int>(state));
        FUZZ_CHECK(claimed.waits && !claimed.dropped, "{} is resumed, and does not wait", claimed.claim.id);
        claimed.waits = false;
    }

private:
    void on_ready(IntrusiveList<ReadyNode>& nodes) override { ready_.splice_back(nodes); }

    std::deque<Claimed> claimed_;
    IntrusiveList<ReadyNode> ready_;
    unsigned begun_ = 0;
};

} // namespace culex::fuzz
