#include "bench/broker/null_session.hpp"

#include <charconv>

namespace bench {
namespace {

constexpr std::size_t block = std::size_t{256} << 10;

unsigned byte_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }
unsigned number16(std::string_view text, std::size_t at) { return byte_at(text, at) << 8 | byte_at(text, at + 1); }
std::string text16(std::size_t number) {
    return {static_cast<char>(number >> 8 & 0xFF), static_cast<char>(number & 0xFF)};
}
std::string varint(std::size_t number) {
    std::string text;
    do {
        text += static_cast<char>((number & 0x7F) | (number > 0x7F ? 0x80U : 0U));
        number >>= 7;
    } while (number > 0);
    return text;
}
std::string packet(unsigned char first, const std::string& body) {
    return static_cast<char>(first) + varint(body.size()) + body;
}

/// Where what follows a property length and its properties begins.
std::size_t behind_properties(std::string_view body, std::size_t at) {
    std::size_t length = 0;
    for (unsigned shift = 0; at < body.size(); shift += 7) {
        const unsigned byte = byte_at(body, at++);
        length |= static_cast<std::size_t>(byte & 0x7F) << shift;
        if (byte < 0x80) break;
    }
    return at + length;
}

} // namespace

bool NullSession::input(std::string_view bytes) {
    if (skip_ > 0) {
        const std::size_t here = std::min(skip_, bytes.size());
        skip_ -= here;
        bytes.remove_prefix(here);
        if (skip_ == 0 && owed_ != 0) reply(owed_, owed_id_);
    }
    if (in_.empty()) {
        const std::size_t used = consume(bytes);
        in_.assign(bytes.substr(used));
    } else {
        in_.append(bytes);
        const std::size_t used = consume(in_);
        in_.erase(0, used);
    }
    return !over_;
}

std::size_t NullSession::consume(std::string_view bytes) {
    std::size_t used = 0;
    while (used < bytes.size() && !over_) {
        Packet found{};
        std::size_t size = 0;
        const std::string_view rest = bytes.substr(used);
        const Found what = next(rest, found, size);
        if (what == Found::nothing) break;
        if (what == Found::beginning) return skip_payload(found, size, rest.size()) ? bytes.size() : used;
        over_ = !handle(found);
        used += size;
    }
    return used;
}

/// `size` is that of the whole packet; `beginning` says that not all of it is here.
NullSession::Found NullSession::next(std::string_view bytes, Packet& packet, std::size_t& size) const {
    std::size_t length = 0;
    std::size_t at = 1;
    for (unsigned shift = 0;; shift += 7) {
        if (at >= bytes.size()) return Found::nothing;
        const unsigned byte = byte_at(bytes, at++);
        length |= static_cast<std::size_t>(byte & 0x7F) << shift;
        if (byte < 0x80) break;
    }
    size = at + length;
    packet = {static_cast<unsigned char>(bytes[0]), bytes.substr(at, length)};
    return bytes.size() < size ? Found::beginning : Found::packet;
}

bool NullSession::handle(const Packet& packet) {
    switch (packet.first >> 4) {
    case 3:
        publish(packet);
        return true;
    case 4:
        --in_flight_;
        return true;
    case 5:
        reply(0x62, number16(packet.body, 0));
        return true;
    case 6:
        reply(0x70, number16(packet.body, 0));
        return true;
    case 7:
        --in_flight_;
        return true;
    case 1:
        connect(packet.body);
        return true;
    case 8:
        subscribe(packet.body);
        return true;
    case 10:
        unsubscribe(packet.body);
        return true;
    case 12:
        out_.append("\xD0\x00", 2);
        return true;
    default:
        return false;
    }
}

void NullSession::publish(const Packet& packet) {
    ++publishes_;
    const unsigned qos = packet.first >> 1 & 3;
    if (qos == 0 && !echo_) return;
    const std::size_t topic = 2 + number16(packet.body, 0);
    if (qos > 0) reply(qos == 1 ? 0x40 : 0x50, number16(packet.body, topic));
    if (echo_) echo(packet, packet.body.substr(0, topic), packet.body.substr(topic + (qos > 0 ? 2 : 0)));
}

/// `topic` with its length, `rest` with the properties, if there are any.
void NullSession::echo(const Packet& packet, std::string_view topic, std::string_view rest) {
    const unsigned qos = std::min<unsigned>(packet.first >> 1 & 3, echo_qos_);
    out_ += static_cast<char>(0x30 | qos << 1);
    out_ += varint(topic.size() + (qos > 0 ? 2 : 0) + rest.size());
    out_ += topic;
    if (qos > 0) {
        out_ += text16(next_id_);
        next_id_ = next_id_ == 65'535 ? 1 : next_id_ + 1;
        ++in_flight_;
    }
    out_ += rest;
}

/// A large payload is counted and not kept. False where even its topic is not here yet, or it is to be sent back.
bool NullSession::skip_payload(const Packet& packet, std::size_t size, std::size_t here) {
    if (packet.first >> 4 != 3 || echo_ || packet.body.size() < 2) return false;
    const unsigned qos = packet.first >> 1 & 3;
    const std::size_t topic = 2 + number16(packet.body, 0);
    if (packet.body.size() < topic + 2) return false;
    ++publishes_;
    skip_ = size - here;
    owed_ = static_cast<unsigned char>(qos == 0 ? 0 : qos == 1 ? 0x40 : 0x50);
    owed_id_ = qos == 0 ? 0 : number16(packet.body, topic);
    return true;
}

void NullSession::reply(unsigned char first, unsigned id) {
    const char bytes[4] = {static_cast<char>(first), 2, static_cast<char>(id >> 8), static_cast<char>(id & 0xFF)};
    out_.append(bytes, sizeof bytes);
}

void NullSession::connect(std::string_view body) {
    v5_ = byte_at(body, 6) == 5;
    const std::size_t at = v5_ ? behind_properties(body, 10) : 10;
    const std::string_view id = body.substr(at + 2, number16(body, at));
    echo_ = id.starts_with("echo");
    if (id.starts_with("pour,")) {
        const char* place = id.data() + 5;
        const char* const end = id.data() + id.size();
        place = std::from_chars(place, end, pour_qos_).ptr + 1;
        place = std::from_chars(place, end, pour_size_).ptr + 1;
        std::from_chars(place, end, pour_left_);
    }
    out_ += v5_ ? std::string("\x20\x03\0\0\0", 5) : std::string("\x20\x02\0\0", 4);
}

void NullSession::subscribe(std::string_view body) {
    std::string answer(body.substr(0, 2));
    if (v5_) answer += '\0';
    std::size_t at = v5_ ? behind_properties(body, 2) : 2;
    const std::string topic(body.substr(at + 2, number16(body, at)));
    while (at < body.size()) {
        at += 2 + number16(body, at);
        echo_qos_ = byte_at(body, at++) & 3;
        answer += static_cast<char>(echo_qos_);
    }
    out_ += packet(0x90, answer);
    if (pour_left_ > 0 && !pouring_ && topic == "bench/messages") begin_pouring(topic);
}

void NullSession::unsubscribe(std::string_view body) {
    std::string answer(body.substr(0, 2));
    std::size_t at = v5_ ? behind_properties(body, 2) : 2;
    if (v5_) answer += '\0';
    for (; at < body.size(); at += 2 + number16(body, at)) {
        if (v5_) answer += '\0';
    }
    out_ += packet(0xB0, answer);
}

void NullSession::begin_pouring(std::string_view topic) {
    pouring_ = true;
    std::string body = text16(topic.size()) + std::string(topic);
    if (pour_qos_ > 0) body += text16(0);
    const std::size_t id_at = body.size() - 2;
    if (v5_) body += '\0';
    body.append(pour_size_, 'x');
    const std::string one = packet(static_cast<unsigned char>(0x30 | pour_qos_ << 1), body);
    pour_packet_ = one.size();
    pour_id_at_ = one.size() - body.size() + id_at;
    do pour_block_ += one;
    while (pour_block_.size() + one.size() < block);
}

void NullSession::pour() {
    std::uint64_t count = std::min<std::uint64_t>(pour_left_, pour_block_.size() / pour_packet_);
    if (pour_qos_ > 0) count = std::min<std::uint64_t>(count, window_ - std::min(window_, in_flight_));
    const std::size_t begin = out_.size();
    out_.append(pour_block_, 0, static_cast<std::size_t>(count) * pour_packet_);
    pour_left_ -= count;
    if (pour_qos_ == 0) return;
    in_flight_ += static_cast<unsigned>(count);
    for (std::size_t at = begin + pour_id_at_; at < out_.size(); at += pour_packet_) {
        out_[at] = static_cast<char>(next_id_ >> 8);
        out_[at + 1] = static_cast<char>(next_id_ & 0xFF);
        next_id_ = next_id_ == 65'535 ? 1 : next_id_ + 1;
    }
}

std::string_view NullSession::output() {
    if (out_begin_ == out_.size()) {
        out_.clear();
        out_begin_ = 0;
        if (pouring_ && pour_left_ > 0) pour();
    }
    return std::string_view(out_).substr(out_begin_);
}

void NullSession::sent(std::size_t count) { out_begin_ += count; }

} // namespace bench
