#pragma once
/// \file plain_run.hpp
/// Messages that come one behind the other, and are what most messages are: for a sink that takes many at once.

#include "session/inbound.hpp"
#include "session/message_block.hpp"
#include "wire/plain_publish.hpp"

namespace culex::session {

/// Short and whole, of one QoS (0 or 1), neither RETAIN nor DUP, and without properties. What is otherwise, wrong or too much
/// ends the run, and is left for the long way.
///
///     while (run.look<Qos>(next)) {
///         if (!known(next.topic) && !wire::is_plain_topic(next.topic)) return;
///         Message message = run.take<Qos>(next);
///     }
class PlainRun {
public:
    PlainRun(QoS qos_, Bytes input, Version version, Inbound& inbound, std::size_t receive_maximum) noexcept
        : qos(qos_), at_(input.data()), end_(at_ + input.size()), inbound_(inbound), receive_maximum_(receive_maximum),
          length_size_(wire::plain_length_size(version)) {}

    /// The next one's topic, payload and identifier, as views; the topic may be none that a message can have. False at the
    /// end.
    template <QoS Qos> [[nodiscard, gnu::always_inline]] bool look(wire::PublishParts& next) const noexcept {
        constexpr bool tracked = Qos == QoS::at_least_once;
        if (end_ - at_ < shortest || at_[0] != std::byte{tracked ? 0x32 : 0x30}) return false;
        const Bytes body{at_ + 2, std::to_integer<std::size_t>(at_[1])};
        if (body.size() >= 0x80 || body.size() > static_cast<std::size_t>(end_ - body.data())) return false;
        if (tracked && inbound_.unacknowledged() >= receive_maximum_) return false;
        return wire::read_plain_parts<tracked>(body, length_size_, next);
    }
    /// Takes what `look` has shown, which is all right: it owes what `MessageBlock::delivery` says.
    template <QoS Qos> [[nodiscard, gnu::always_inline]] Message take(const wire::PublishParts& next) {
        Message message = MessageBlock::make(next);
        if constexpr (Qos == QoS::at_least_once)
            MessageBlock::owe(message, inbound_.handle_at_least_once(next.packet_id));
        at_ = next.payload.data() + next.payload.size();
        ++count_;
        return message;
    }

    /// Where the first stands that was not taken, and how many were.
    [[nodiscard]] const std::byte* at() const noexcept { return at_; }
    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

    const QoS qos; ///< 0 or 1

private:
    static constexpr std::ptrdiff_t shortest = 4; // first byte, Remaining Length, the topic's length

    const std::byte* at_;
    const std::byte* const end_;
    std::uint64_t count_ = 0;
    Inbound& inbound_;
    const std::size_t receive_maximum_;
    const std::size_t length_size_;
};

} // namespace culex::session
