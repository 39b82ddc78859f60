#pragma once
/// \file fake_broker_log.hpp
/// The packets that went through a broker, and how many of them.

#include <array>
#include <deque>
#include <string>

#include <culex/testing/fake_broker_records.hpp>

namespace culex::testing {

/// Bytes are copied when a packet passes; they are read and put into words when somebody asks.
class PacketLog {
public:
    /// `version` is what the bytes are to be read as.
    void add(std::size_t connection, Direction direction, TimePoint at, Version version, Bytes packet,
             std::size_t limit);
    [[nodiscard]] std::uint64_t count(Direction direction, PacketType type) const noexcept;
    [[nodiscard]] const std::deque<PacketRecord>& records() const noexcept { return records_; }
    [[nodiscard]] std::vector<PacketRecord> of(Direction direction, PacketType type) const;
    /// A line for each; times are seconds since `start`.
    [[nodiscard]] std::string transcript(TimePoint start) const;

private:
    std::deque<PacketRecord> records_;
    std::size_t bytes_ = 0;
    std::array<std::array<std::uint64_t, 16>, 2> counts_{};
};

} // namespace culex::testing
