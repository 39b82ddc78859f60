#pragma once
/// \file authentication.hpp
/// An authenticator at work, in one exchange.

#include <optional>
#include <string>

#include <culex/authenticator.hpp>
#include <culex/event.hpp>
#include <culex/task.hpp>

#include "session/event.hpp"

namespace culex::client {

/// What a coroutine of the user's has thrown; `who` names it. A failure of Culex's own stays what it is.
[[nodiscard]] Failure failure_of(const std::exception_ptr& thrown, std::string_view who, Errc otherwise);

/// Runs on turns of its own, notifies `changed` whenever there is something to look at, and is cancelled when this ends.
/// It knows no session: its owner brings the broker's words (`hear`) and takes ours away (`take_answer`).
class Authentication : private TaskRoot<> {
public:
    Authentication(Authenticator& authenticator, Signal& changed)
        : TaskRoot(run(authenticator, *this), &Authentication::ended), changed_(changed) {}

    void start(Scheduler& scheduler) noexcept { start_on(scheduler); }
    /// An event of AUTH. The session lets no second one come before the first is answered.
    void hear(const session::Event& event);
    /// What the authenticator wants to be sent, once; first what `begin` has returned.
    [[nodiscard]] std::optional<std::string> take_answer() { return std::exchange(answer_, std::nullopt); }
    /// `success` has ended, or something has failed.
    using TaskRoot::done;
    /// Of one that is done.
    [[nodiscard]] Failure failure() const;

private:
    struct Words {
        std::string data;
        bool last = false;
    };

    static Task<> run(Authenticator& authenticator, Authentication& self);
    static void ended(TaskRoot& root) { static_cast<Authentication&>(root).changed_.notify(); }

    Signal& changed_;
    Signal heard_;
    std::optional<Words> words_;
    std::optional<std::string> answer_;
};

} // namespace culex::client
