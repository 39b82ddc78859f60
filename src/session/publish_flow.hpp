#pragma once
/// \file publish_flow.hpp
/// The sender's half of QoS 1 and 2 (section 4.3) as a table of steps. The receiver's half is in inbound.hpp.

#include <array>
#include <cstdint>

#include <culex/types.hpp>

namespace culex::session {

/// What a packet of ours waits for. SUBSCRIBE and UNSUBSCRIBE are exchanges of one step.
enum class Step : std::uint8_t {
    unsent, ///< in the queue; QoS 0 never gets further
    awaiting_puback,
    awaiting_pubrec,
    awaiting_pubcomp,
    awaiting_suback,
    awaiting_unsuback,
    answered, ///< only the coroutine that waits is still to be resumed
};

/// What to do when an answer arrives.
enum class Action : std::uint8_t {
    complete,      ///< the exchange is over, its packet identifier is free
    release,       ///< send PUBREL; from now on only that is sent again [MQTT-4.3.3-6]
    release_again, ///< send PUBREL once more
    violation,     ///< the broker broke the protocol: close
};

struct Transition {
    Step at;
    PacketType answer;
    bool failure; ///< the answer carries a reason code of 0x80 or above
    Action action;
};

inline constexpr std::array publish_flow{
    Transition{Step::awaiting_puback, PacketType::puback, false, Action::complete},
    // A refusal is an acknowledgement too: it is never sent again [MQTT-4.4.0-2].
    Transition{Step::awaiting_puback, PacketType::puback, true, Action::complete},
    Transition{Step::awaiting_pubrec, PacketType::pubrec, false, Action::release},
    Transition{Step::awaiting_pubrec, PacketType::pubrec, true, Action::complete}, // no PUBREL follows [MQTT-4.3.3-4]
    // A broker without QoS 2 of its own (RabbitMQ) answers PUBACK. It has taken the message, so the exchange is over; to
    // call it a violation would reconnect, send again and be answered so again, for ever.
    Transition{Step::awaiting_pubrec, PacketType::puback, false, Action::complete},
    Transition{Step::awaiting_pubrec, PacketType::puback, true, Action::complete},
    Transition{Step::awaiting_pubcomp, PacketType::pubcomp, false, Action::complete},
    // 0x92, "packet identifier not found": the broker has lost its half, nothing is left to do.
    Transition{Step::awaiting_pubcomp, PacketType::pubcomp, true, Action::complete},
    // The broker has not seen the PUBREL, or has sent PUBREC twice: either way the answer is PUBREL.
    Transition{Step::awaiting_pubcomp, PacketType::pubrec, false, Action::release_again},
    Transition{Step::awaiting_pubcomp, PacketType::pubrec, true, Action::release_again},
    Transition{Step::awaiting_suback, PacketType::suback, false, Action::complete},
    Transition{Step::awaiting_unsuback, PacketType::unsuback, false, Action::complete},
};

/// The same rows by number, since each acknowledgement asks. What is not listed is a violation: PUBREC for a QoS 1 message,
/// SUBACK for a PUBLISH.
inline constexpr auto publish_actions = [] {
    std::array<std::array<Action, 32>, 7> actions{};
    for (auto& step : actions) step.fill(Action::violation);
    for (const Transition& row : publish_flow) {
        actions[static_cast<std::size_t>(row.at)][static_cast<std::size_t>(row.answer) * 2 + row.failure] = row.action;
    }
    return actions;
}();

[[nodiscard]] constexpr Action next_action(Step at, PacketType answer, bool failure) noexcept {
    return publish_actions[static_cast<std::size_t>(at)][static_cast<std::size_t>(answer) * 2 + failure];
}

/// What a PUBLISH of QoS 1 or 2 waits for first.
[[nodiscard]] constexpr Step first_step(QoS qos) noexcept {
    return static_cast<Step>(qos); // they are numbered alike
}
static_assert(first_step(QoS::at_least_once) == Step::awaiting_puback);
static_assert(first_step(QoS::exactly_once) == Step::awaiting_pubrec);

} // namespace culex::session
