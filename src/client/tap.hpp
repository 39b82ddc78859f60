#pragma once
/// \file tap.hpp
/// Between the session's packets and the function of the user's that looks at them.

#include <culex/function.hpp>
#include <culex/runtime.hpp>
#include <culex/tap.hpp>

#include "session/packet_tap.hpp"

namespace culex::client {

/// The one place where user code runs inside a session's own call. Therefore that code may not call its client, which
/// `Core` asserts with `running`.
class Tap final : public session::PacketTap {
public:
    using See = Function<void(const TappedPacket&)>;

    Tap(const Scheduler& clock, Version version) noexcept : clock_(clock), version_(version) {}

    void set(See see) noexcept { see_ = std::move(see); }
    [[nodiscard]] bool on() const noexcept { return static_cast<bool>(see_); }
    /// From the next connection on.
    void speak(Version version) noexcept { version_ = version; }
    [[nodiscard]] bool running() const noexcept { return running_; }

    void on_received(const wire::Frame& packet) noexcept override { show(PacketDirection::received, packet); }
    void on_sent(const wire::Frame& packet) noexcept override { show(PacketDirection::sent, packet); }

private:
    void show(PacketDirection direction, const wire::Frame& packet) noexcept;

    const Scheduler& clock_;
    Version version_;
    See see_;
    bool running_ = false;
};

} // namespace culex::client
