#pragma once
/// \file operation.hpp
/// How whoever asked a session for something hears what became of it. A client's user meets this only as the base of what
/// `co_await` takes.

#include <span>

#include <culex/error.hpp>
#include <culex/properties.hpp>

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

} // namespace culex::session
