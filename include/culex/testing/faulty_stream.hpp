#pragma once
/// \file faulty_stream.hpp
/// What networks do to connections, as data; and a stream around a stream that does it. A fake broker takes the same data,
/// for all connections or for the next (`FakeBrokerOptions::faults`, `FakeBroker::inject`).
///
///     broker.inject({.sent = {.cut_after = 7}});                                     // within the first PUBLISH
///     broker.inject({.received = {.chunk_size = 1, .interval = 1ms}});               // byte by byte
///     broker.inject({.sent = {.packets = {{.type = PacketType::puback, .nth = 3}}}}); // the third PUBACK is lost

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <culex/scheduler.hpp>
#include <culex/stream.hpp>
#include <culex/testing/packet_condition.hpp>

namespace culex::testing {

/// Loses or repeats packets.
struct PacketFault {
    /// What is done to the packet.
    enum class Kind : std::uint8_t { drop, duplicate };
    /// Lose it, or send it twice.
    Kind kind = Kind::drop;
    std::optional<PacketType> type{}; ///< absent: any
    PacketCondition condition{};      ///< asked where the type fits
    std::size_t nth = 1;              ///< of those for which both hold; 0: each of them
};

/// Changes the byte with this index, counted from 0: those of its bits that are 1 in `mask` are turned over.
struct CorruptByte {
    /// Counted from 0 since the beginning of the stream.
    std::uint64_t at = 0;
    /// By default all of them.
    std::uint8_t mask = 0xFF;
};

/// The faults of one direction. Bytes are counted from the beginning of the stream, after packets were lost or repeated.
/// They happen in this order: packets, corruption, delay, pieces, stall, cut.
struct DirectionFaults {
    std::vector<PacketFault> packets{}; ///< a packet that comes in pieces waits until it is whole
    /// In any order.
    std::vector<CorruptByte> corrupt{};
    Duration delay{};                           ///< everything arrives so much later
    std::size_t chunk_size = 0;                 ///< in pieces of at most so many bytes, one a turn; 0: as it comes
    Duration interval{};                        ///< ... and so long from one piece to the next
    std::optional<std::uint64_t> stall_after{}; ///< so many bytes pass, then nothing more until `FaultyStream::release`
    std::optional<std::uint64_t> cut_after{};   ///< so many bytes pass, then the connection breaks, for both ends

    /// Whether there is any fault at all.
    [[nodiscard]] bool any() const noexcept {
        return !packets.empty() || !corrupt.empty() || delay > Duration::zero() || chunk_size != 0 ||
               interval > Duration::zero() || stall_after || cut_after;
    }
};

/// As the owner of the stream sees it.
struct Faults {
    /// What comes in.
    DirectionFaults received{};
    /// What goes out.
    DirectionFaults sent{};
    /// Whether there is any in either direction.
    [[nodiscard]] bool any() const noexcept { return received.any() || sent.any(); }
};

/// A stream with faults around one without. When a fault cuts the connection, the stream inside is destroyed, and the owner
/// hears `std::errc::connection_reset`. What a stall holds back of the sent direction is backlog; of the received
/// direction it stays with the peer, but for what had come already.
class FaultyStream final : public Stream {
public:
    /// `scheduler` is the one of `inner`, and must outlive both.
    FaultyStream(Scheduler& scheduler, std::unique_ptr<Stream> inner, Faults faults);
    ~FaultyStream() override;

    /// Ends the stalls of both directions, those to come included.
    void release();

    void start(StreamHandler& handler) override;
    void write(Buffer& bytes) override;
    [[nodiscard]] std::size_t backlog() const noexcept override;
    void set_reading(bool on) override;
    void shutdown() override;
    void acknowledge_soon() noexcept override;
    [[nodiscard]] std::string peer() const override;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace culex::testing
