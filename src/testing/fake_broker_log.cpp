#include "testing/fake_broker_log.hpp"

#include <iterator>

#include <fmt/format.h>

#include "wire/codec.hpp"

namespace culex::testing {
namespace {

/// What a record weighs besides its bytes.
constexpr std::size_t overhead = 160;

} // namespace

struct PacketRecord::Content {
    std::size_t connection = 0;
    Direction direction = Direction::received;
    TimePoint at{};
    Version version = Version::v3_1_1;
    std::string bytes{};

    enum class State : std::uint8_t { unread, packet, garbage } state = State::unread;
    Packet packet{};
    wire::Arena arena{};
    std::string fault{};

    void read() {
        if (state != State::unread) return;
        state = State::garbage;
        wire::Framer framer;
        framer.feed(as_bytes(bytes));
        Result<std::optional<wire::Frame>> frame = framer.next();
        if (!frame) {
            fault = frame.failure().detail();
        } else if (!*frame || (*frame)->body.data() + (*frame)->body.size() != as_bytes(bytes).data() + bytes.size()) {
            fault = "not one whole packet";
        } else {
            Result<Packet> read = wire::decode(**frame, version, arena);
            if (read) {
                packet = *read;
                state = State::packet;
            } else {
                fault = read.failure().detail();
            }
        }
    }
};

std::size_t PacketRecord::connection() const noexcept { return content_->connection; }
Direction PacketRecord::direction() const noexcept { return content_->direction; }
TimePoint PacketRecord::at() const noexcept { return content_->at; }
Bytes PacketRecord::bytes() const noexcept { return as_bytes(content_->bytes); }

PacketType PacketRecord::type() const noexcept {
    return static_cast<PacketType>(std::to_integer<std::uint8_t>(bytes()[0]) >> 4);
}

const Packet* PacketRecord::packet() const {
    content_->read();
    return content_->state == Content::State::packet ? &content_->packet : nullptr;
}

std::string PacketRecord::text() const {
    if (const Packet* const read = packet()) return wire::describe(*read);
    return fmt::format("{} {} bytes ({})", to_string(type()), bytes().size(), content_->fault);
}

void PacketLog::add(std::size_t connection, Direction direction, TimePoint at, Version version, Bytes packet,
                    std::size_t limit) {
    if (packet.empty()) return;
    ++counts_[static_cast<std::size_t>(direction)][std::to_integer<std::size_t>(packet[0] >> 4)];
    if (const std::size_t size = packet.size() + overhead; size <= limit) {
        auto content = std::make_shared<PacketRecord::Content>();
        content->connection = connection;
        content->direction = direction;
        content->at = at;
        content->version = version;
        content->bytes = as_text(packet);
        records_.push_back(PacketRecord(std::move(content)));
        bytes_ += size;
    }
    while (bytes_ > limit && !records_.empty()) {
        bytes_ -= records_.front().bytes().size() + overhead;
        records_.pop_front();
    }
}

std::uint64_t PacketLog::count(Direction direction, PacketType type) const noexcept {
    return counts_[static_cast<std::size_t>(direction)][static_cast<std::size_t>(type) & 0x0F];
}

std::vector<PacketRecord> PacketLog::of(Direction direction, PacketType type) const {
    std::vector<PacketRecord> found;
    for (const PacketRecord& record : records_) {
        if (record.direction() == direction && record.type() == type) found.push_back(record);
    }
    return found;
}

std::string PacketLog::transcript(TimePoint start) const {
    std::string out;
    for (const PacketRecord& record : records_) {
        const std::chrono::duration<double> since = record.at() - start;
        fmt::format_to(std::back_inserter(out), "{:.3f} #{} {} {}\n", since.count(), record.connection(),
                       record.direction() == Direction::received ? '>' : '<', record.text());
    }
    return out;
}

} // namespace culex::testing
