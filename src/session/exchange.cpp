#include "session/exchange.hpp"

#include <cassert>
#include <cstring>
#include <new>
#include <utility>

#include <culex/pool.hpp>

namespace culex::session {

Exchange::Owner Exchange::make(PacketType kind, QoS qos, PacketId id, Bytes packet) {
    void* memory = pool_allocate(sizeof(Exchange) + packet.size());
    auto* exchange = new (memory) Exchange(kind, qos, id, packet.size());
    std::memcpy(static_cast<std::byte*>(memory) + sizeof(Exchange), packet.data(), packet.size());
    return Owner{exchange};
}

void Exchange::Free::operator()(Exchange* exchange) const noexcept {
    const std::size_t size = exchange->footprint();
    exchange->~Exchange();
    pool_free(exchange, size);
}

void Operation::detach() noexcept {
    if (!exchange_) return;
    exchange_->operation_ = nullptr;
    exchange_ = nullptr;
}

Exchange::~Exchange() {
    if (operation_) complete({.failure = Failure(Errc::closed)});
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

void Exchange::attach(Operation* operation) noexcept {
    assert(!operation_ && !(operation && operation->exchange_));
    operation_ = operation;
    if (operation) operation->exchange_ = this;
}

void Exchange::complete(Outcome&& outcome) noexcept {
    Operation* operation = std::exchange(operation_, nullptr);
    if (!operation) return;
    operation->exchange_ = nullptr;
    operation->completed_(*operation, std::move(outcome));
}

} // namespace culex::session
