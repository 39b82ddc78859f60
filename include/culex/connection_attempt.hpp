#pragma once
/// \file connection_attempt.hpp
/// What may be changed before a client attempts to connect.

#include <optional>
#include <string>
#include <string_view>

#include <culex/endpoint.hpp>
#include <culex/function.hpp>
#include <culex/task.hpp>

namespace culex {

namespace client {
class Core;
}

/// An attempt that is about to be made, in the hands of `AsyncClient::before_attempt`'s hook, which must not keep it.
class ConnectionAttempt {
public:
    ConnectionAttempt(const ConnectionAttempt&) = delete;
    ConnectionAttempt& operator=(const ConnectionAttempt&) = delete;

    /// 1 for the first since `connect`, or since the connection was lost.
    [[nodiscard]] unsigned number() const noexcept { return number_; }
    /// Where it goes.
    [[nodiscard]] const Endpoint& endpoint() const noexcept { return endpoint_; }
    /// Why the attempt before it failed, or the connection was lost; empty if nothing ever did.
    [[nodiscard]] const Failure& last_failure() const noexcept { return last_failure_; }

    /// This attempt goes there. It counts as the turn of the endpoint whose turn it was, and the next attempt goes where it
    /// would have gone; asks the hook first, though.
    void set_endpoint(Endpoint endpoint) { endpoint_ = std::move(endpoint); }
    /// From this attempt on. What breaks a rule (under 3.1.1 a password needs a user name) makes the attempt fail with
    /// `Errc::invalid_argument`, and is not kept. Client id and will stay as they are.
    void set_credentials(std::optional<std::string_view> user_name, std::optional<std::string_view> password = {}) {
        renewed_ = true;
        user_name_ = user_name;
        password_ = password;
    }
    /// No attempt is made, and the client gives up: whatever waits ends with `why`. A hook that merely throws makes this one
    /// attempt fail, and what follows is for the policy to say.
    void give_up(Failure why = Failure(Errc::cancelled, "before_attempt gave up")) { gave_up_ = std::move(why); }

private:
    friend class client::Core;
    ConnectionAttempt(unsigned number, Endpoint endpoint, const Failure& last_failure)
        : number_(number), endpoint_(std::move(endpoint)), last_failure_(last_failure) {}

    unsigned number_;
    Endpoint endpoint_;
    const Failure& last_failure_;
    bool renewed_ = false;
    std::optional<std::string> user_name_;
    std::optional<std::string> password_;
    Failure gave_up_;
};

/// See `AsyncClient::before_attempt`.
using AttemptHook = Function<Task<>(ConnectionAttempt&)>;

} // namespace culex
