#pragma once
/// \file operation.hpp
/// How whoever asked a session for something hears what became of it. A client's user meets this only as the base of what
/// `co_await` takes.

#include <cstdint>
#include <span>

#include <culex/error.hpp>
#include <culex/properties.hpp>
#include <culex/ready_node.hpp>

namespace culex::session {

class Exchange;

/// How an operation ended. The views are valid during the call only.
struct Outcome {
    Failure failure{}; ///< set where the broker never answered
    ReasonCode reason_code = ReasonCode::success;
    std::span<const ReasonCode> reason_codes{}; ///< SUBACK and UNSUBACK: one for each filter
    const AckProperties* properties = nullptr;
};

/// A node that the caller of a verb owns, usually in a coroutine's frame, and that the session links into the exchange it
/// waits for. Destroying it, or `detach`, stops the waiting; the message stays the session's.
class Operation {
public:
    /// Called once, from inside a `handle_*` or verb of the session: it may note and post, not call the session back.
    using Completed = void (*)(Operation&, Outcome&&);

    explicit Operation(Completed completed) noexcept : completed_(completed) {}
    Operation(const Operation&) = delete;
    Operation& operator=(const Operation&) = delete;
    ~Operation() {
        if (exchange_) detach();
    }

    [[nodiscard]] bool attached() const noexcept { return exchange_ != nullptr; }
    void detach() noexcept;

private:
    friend class Exchange;
    Completed completed_;
    Exchange* exchange_ = nullptr;
};

struct Claim;

/// An exchange, as its claim sees it.
struct Claimed : ReadyNode {
    using ReadyNode::ReadyNode;
    void* waiting = nullptr; ///< what the claim's owner has put here once somebody waits; null before
    Claim* claim = nullptr;
};

/// The short form of an operation, for whoever waits for the acknowledgement of one message and hears nothing of its
/// properties: nothing is called. With the answer the exchange itself is made ready, and runs what its owner gave it to
/// run (`Exchange::settle_claim`); or the claim is just settled, where nobody waits yet. Nothing but `state` is set
/// before.
struct Claim {
    enum class State : std::uint8_t {
        none,     ///< there is nothing to wait for
        answered, ///< with `reason_code`
        waiting,  ///< `node` is the exchange: the session's, or made ready
        failed,   ///< `node` is a `FailedClaim`, which is the claim's own, and perhaps made ready
        pending,  ///< for the owner's use: it waits in another way
    };

    explicit Claim(State state_) noexcept : state(state_) {}
    Claim(const Claim&) = delete; // its node knows where it is
    Claim& operator=(const Claim&) = delete;
    /// Whether there is something to clean up.
    [[nodiscard]] bool open() const noexcept { return state > State::answered; }
    /// What follows the last use of a claim that is `waiting` or `failed`: nothing of it runs any more. The message stays the
    /// session's, where it still is that.
    void drop() noexcept;
    /// Once, in the state `failed`.
    [[nodiscard]] Failure take_failure() noexcept;

    State state;
    ReasonCode reason_code;
    PacketId id;
    Claimed* node;
};

} // namespace culex::session
