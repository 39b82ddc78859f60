#include "session/exchange.hpp"

#include <new>

#include "wire/plain_publish.hpp"

namespace culex::session {

Exchange::Owner Exchange::make_blank(PacketType kind, QoS qos, PacketId id, std::size_t size) {
    return Owner{new (pool_allocate(sizeof(Exchange) + size)) Exchange(kind, qos, id, size)};
}

Exchange::Owner Exchange::make(PacketType kind, QoS qos, PacketId id, Bytes packet) {
    void* memory = pool_allocate(sizeof(Exchange) + packet.size());
    auto* exchange = new (memory) Exchange(kind, qos, id, packet.size());
    wire::put_bytes(static_cast<std::byte*>(memory) + sizeof(Exchange), packet.data(), packet.size());
    return Owner{exchange};
}

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
