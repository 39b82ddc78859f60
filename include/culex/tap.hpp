#pragma once
/// \file tap.hpp
/// A look at every packet of a client, for a person who wonders; see `AsyncClient::tap`.

#include <string>

#include <culex/types.hpp>

namespace culex {

namespace client {
class Tap;
}

/// As the client sees it.
enum class PacketDirection : std::uint8_t { sent, received };

/// One packet as it passes; it ends with the call that it was given to.
class TappedPacket {
public:
    TappedPacket(const TappedPacket&) = delete;
    TappedPacket& operator=(const TappedPacket&) = delete;

    /// Which way it goes.
    [[nodiscard]] PacketDirection direction() const noexcept { return direction_; }
    /// When it was read from the connection, or handed to it.
    [[nodiscard]] TimePoint at() const noexcept { return at_; }
    /// What its first byte says.
    [[nodiscard]] PacketType type() const noexcept { return static_cast<PacketType>(first_byte_ >> 4); }
    /// Of the whole packet, in bytes.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// One line: `PUBLISH id=7 qos=1 topic="a/b" 16 bytes`; of what is malformed, what is wrong with it. Payloads,
    /// passwords and authentication data are told by their size alone. It is made by this call: whoever does not ask
    /// does not pay.
    [[nodiscard]] std::string text() const;

private:
    friend class client::Tap;
    TappedPacket(PacketDirection direction, TimePoint at, Version version, std::uint8_t first_byte, Bytes body,
                 std::size_t size) noexcept
        : direction_(direction), version_(version), first_byte_(first_byte), at_(at), body_(body), size_(size) {}

    PacketDirection direction_;
    Version version_;
    std::uint8_t first_byte_;
    TimePoint at_;
    Bytes body_;
    std::size_t size_;
};

} // namespace culex
