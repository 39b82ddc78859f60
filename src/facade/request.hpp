#pragma once
/// \file request.hpp
/// What callers ask of the I/O thread.

#include <algorithm>
#include <memory>
#include <vector>

#include "client/core.hpp"

namespace culex::facade {

/// What a caller waits for, on its own stack. Guarded by the engine's mutex. The I/O thread answers each one, with
/// `Errc::closed` at the latest when the client is destroyed.
struct Answer {
    using Verb = Function<Result<PacketId>(client::Core&)>;

    bool done = false;
    Failure failure{};
    PacketId mid = 0;
    std::size_t undelivered = 0; ///< of `disconnect`
    Verb* verb = nullptr;        ///< what is to be done, where that is not to send a message
};

/// A message, or another verb, in the order of the calls.
struct Request {
    session::Exchange::Owner message{}; ///< encoded where it was published
    Answer* answer = nullptr;           ///< null where nobody waits

    [[nodiscard]] std::size_t size() const noexcept { return message ? message->footprint() : sizeof *this; }
};

/// What the session lets callers decide without asking it, so that `publish` need not wait for the I/O thread. What is beyond
/// it is asked for, and answered by the session itself.
struct Loan {
    std::uint32_t next_id = 1; ///< the first of the lent identifiers that no message has
    std::uint32_t end_of_ids = 1;
    std::size_t messages = 0; ///< so many more would find room, and so many bytes
    std::size_t bytes = 0;
    session::Limits limits{}; ///< what the broker grants

    /// 0 where there is none.
    [[nodiscard]] PacketId take_id() noexcept {
        return next_id < end_of_ids ? static_cast<PacketId>(next_id++) : PacketId{};
    }
    /// Whether such a message, at QoS 1 or 2, would be taken for certain, under an identifier of these.
    [[nodiscard]] bool covers(const session::Exchange& message, bool retain) const noexcept {
        return next_id < end_of_ids && messages > 0 && message.footprint() <= bytes &&
               message.packet_size() <= limits.maximum_packet_size && message.qos <= limits.maximum_qos &&
               (!retain || limits.retain_available);
    }
    void draw(std::size_t size) noexcept {
        messages -= std::min<std::size_t>(messages, 1);
        bytes -= std::min(bytes, size);
    }
    /// What the session says now; identifiers that callers have since are still theirs.
    void renew(const Loan& now) noexcept {
        const std::uint32_t next = next_id;
        *this = now;
        if (next > now.next_id && next <= now.end_of_ids) next_id = next;
    }
};

/// What was asked and not taken up yet. Guarded by the engine's mutex.
struct RequestQueue {
    /// What may wait here besides what the session holds: enough to keep the I/O thread busy.
    static constexpr std::size_t most = 4096;
    static constexpr std::size_t most_bytes = std::size_t{1} << 20;

    std::vector<Request> requests{};
    std::size_t count = 0; ///< with those that the I/O thread has taken and not served yet
    std::size_t bytes = 0;
    bool called = false;  ///< the I/O thread comes to serve
    bool blocked = false; ///< the session has no room for the first
    Loan loan{};

    /// A single one passes, however large.
    [[nodiscard]] bool full() const noexcept { return count >= most || (count > 0 && bytes >= most_bytes); }
    void add(Request&& request) {
        const std::size_t size = request.size();
        ++count;
        bytes += size;
        loan.draw(size);
        requests.push_back(std::move(request));
    }
    /// The same with what has happened since to those that were taken.
    void renew(const Loan& now) noexcept {
        loan.renew(now);
        loan.messages -= std::min(loan.messages, count);
        loan.bytes -= std::min(loan.bytes, bytes);
    }
};

} // namespace culex::facade
