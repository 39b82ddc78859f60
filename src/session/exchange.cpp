#include "session/exchange.hpp"

namespace culex::session {

// Not inline: it is rarely called, and inlined it would keep `Owner` itself from being so.
void Exchange::Free::operator()(Exchange* exchange) const noexcept { exchange->dispose(); }

void Exchange::orphan() noexcept { complete({.failure = Failure(Errc::closed)}); }

void Operation::detach() noexcept {
    if (!exchange_) return;
    exchange_->operation_ = nullptr;
    exchange_ = nullptr;
}

std::size_t Exchange::body_offset(Bytes packet) noexcept {
    std::size_t last = 1;
    while ((packet[last] & std::byte{0x80}) != std::byte{}) ++last;
    return last + 1;
}

void Exchange::assign_id(PacketId assigned) noexcept {
    std::byte* topic_size = data() + body_offset(packet());
    std::byte* place = topic_size + 2 + (std::to_integer<std::size_t>(topic_size[0]) << 8) +
                       std::to_integer<std::size_t>(topic_size[1]);
    place[0] = static_cast<std::byte>(assigned >> 8);
    place[1] = static_cast<std::byte>(assigned & 0xFF);
    id = assigned;
}

} // namespace culex::session
