#pragma once
/// \file callback_data.hpp
/// What the callbacks of the blocking client (client.hpp) are registered for, and what they are given.

#include <cstdint>
#include <span>

#include <culex/function.hpp>
#include <culex/message.hpp>
#include <culex/properties.hpp>
#include <culex/reason_code.hpp>
#include <culex/types.hpp>

namespace culex {

class Client;

namespace facade {
struct Refusal;
}

/// The packets from the broker that a callback can be registered for; the values are those of `PacketType`.
enum class Command : std::uint8_t {
    publish = 3,
    puback = 4,
    pubrec = 5,
    pubrel = 6,
    pubcomp = 7,
    suback = 9,
    unsuback = 11,
    pingreq = 12,
    pingresp = 13,
};
/// `"PUBLISH"`; `"?"` for a number that is none.
[[nodiscard]] std::string_view to_string(Command command) noexcept;

// The same as MQTT spells them.
/// A message at QoS 0 or 1; at QoS 2 its first packet, without the message.
inline constexpr Command PUBLISH = Command::publish;
/// The broker has taken a message at QoS 1.
inline constexpr Command PUBACK = Command::puback;
/// The broker has taken a message at QoS 2.
inline constexpr Command PUBREC = Command::pubrec;
/// A message at QoS 2 is complete, and comes with it.
inline constexpr Command PUBREL = Command::pubrel;
/// A message at QoS 2 that we published has come to its end.
inline constexpr Command PUBCOMP = Command::pubcomp;
/// The answer to `subscribe`.
inline constexpr Command SUBACK = Command::suback;
/// The answer to `unsubscribe`.
inline constexpr Command UNSUBACK = Command::unsuback;
/// The broker pings (3.1.1 alone); it has been answered.
inline constexpr Command PINGREQ = Command::pingreq;
/// The broker has answered a ping.
inline constexpr Command PINGRESP = Command::pingresp;

/// One packet from the broker. All but copies of `*message` ends with the call.
struct CallbackData {
    /// What came.
    Command command = Command::publish;
    /// The message of a PUBLISH at QoS 0 or 1, or of the PUBREL that completes one at QoS 2; null otherwise. A PUBREL that
    /// was sent again comes without it.
    const Message* message = nullptr;
    /// Of PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK and UNSUBACK: what `publish`, `subscribe` or `unsubscribe` returned (of
    /// PUBREL, the broker's own number); 0 = none. A SUBACK that answers what the client has asked by itself, to restore the
    /// subscriptions of a lost session, has a number that no call returned.
    PacketId mid = 0;
    /// SUBACK: for each topic of the request the granted QoS, or 0x80 and above where it was refused.
    std::span<const std::uint8_t> granted_qos{};
    /// MQTT 5: of PUBACK, PUBREC, PUBREL and PUBCOMP the one code, of SUBACK and UNSUBACK one for each topic; empty under 3.1.1.
    /// A PUBREC of 0x80 and above ends its message: the broker has not taken it, and no PUBCOMP follows.
    std::span<const ReasonCode> reason_codes{};
    /// MQTT 5: what an answer or a PUBREL carries besides; null where there is nothing. A message has its own properties
    /// (`message->properties()`).
    const AckProperties* properties = nullptr;

    /// MQTT 5: the application does not take this message, which arrived at QoS 1. PUBACK says `reason_code` instead of
    /// success once the callback has returned, and the broker does not send the message again [MQTT-4.4.0-2]; codes and
    /// what goes `with` them as in `Message::reject`, which also says what is thrown. Under 3.1.1, which knows no refusal,
    /// the message is acknowledged.
    ///
    /// False where there is nothing to refuse any more, and then it does nothing: at QoS 0 nobody waits for an answer, and a QoS 2
    /// message comes with PUBREL, for which the broker was told long ago, in PUBREC, that it is taken. The last call counts.
    /// In the callback and on its thread alone.
    bool reject(ReasonCode reason_code, const AckProperties& with = {}) const;

    facade::Refusal* refusal = nullptr; ///< the client's own business
};

/// Called on the thread that `Client::loop` starts. An exception is logged, and the loop goes on; the message counts as
/// processed, and is acknowledged. To refuse it instead, catch, and call `CallbackData::reject`.
using Callback = Function<void(Client&, const CallbackData&)>;
/// Decides whether its callback is for this packet. One that throws counts as false.
using Condition = Function<bool(const CallbackData&)>;

} // namespace culex
