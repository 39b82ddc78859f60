#include "client/tap.hpp"

#include <exception>

#include <fmt/format.h>

#include "base/log.hpp"
#include "wire/codec.hpp"

namespace culex::client {

void Tap::show(PacketDirection direction, const wire::Frame& packet) noexcept {
    running_ = true;
    try {
        see_(TappedPacket(direction, clock_.now(), version_, packet.first_byte, packet.body, packet.size()));
    } catch (const std::exception& error) {
        log(LogLevel::error, "the tap threw: {}", error.what());
    } catch (...) {
        log(LogLevel::error, "the tap threw something that is no std::exception");
    }
    running_ = false;
}

} // namespace culex::client

namespace culex {

std::string TappedPacket::text() const {
    wire::Arena arena;
    const auto packet = wire::decode(wire::Frame{first_byte_, body_}, version_, arena);
    if (packet) return wire::describe(*packet);
    return fmt::format("{} {} bytes ({})", to_string(type()), size_, packet.failure().detail());
}

} // namespace culex
