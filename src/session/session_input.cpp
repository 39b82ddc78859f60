// Packets from the broker, but for its messages and those of the connection itself.
#include "base/log.hpp"
#include "base/text.hpp"
#include "session/failures.hpp"
#include "session/session.hpp"
#include "wire/plain_reply.hpp"
#include "wire/roles.hpp"

namespace culex::session {
namespace {

/// What a broker may say of a message that it will not take next time either.
bool is_about_message(ReasonCode code) noexcept {
    return code == ReasonCode::packet_too_large || code == ReasonCode::qos_not_supported ||
           code == ReasonCode::retain_not_supported;
}

} // namespace

void Session::handle_input(Bytes bytes, TimePoint now) {
    if (state_ != State::connected) [[unlikely]]
        return handle_early_input(bytes, now);
    last_received_ = now;
    framer_.feed(bytes);
    handle_frames();
}

/// Most packets come in runs of their kind, and each kind has a loop of its own.
inline void Session::handle_runs() {
    if (state_ != State::connected || tap_) [[unlikely]]
        return;
    switch (framer_.short_first_byte()) {
    case 0x30:
        if (sink_) take_run(QoS::at_most_once);
        return;
    case 0x32:
        if (sink_) take_run(QoS::at_least_once);
        return;
    case 0x40:
        if (!config_.report_packets) handle_successes<PacketType::puback>();
        return;
    case 0x50:
        if (!config_.report_packets) handle_successes<PacketType::pubrec>();
        return;
    case 0x70:
        if (!config_.report_packets) handle_successes<PacketType::pubcomp>();
        return;
    default:
        return;
    }
}

void Session::handle_frames() {
    wire::Frame frame;
    while (state_ == State::connected || state_ == State::opening) {
        handle_runs();
        if (state_ == State::failed) [[unlikely]]
            return;
        if (!framer_.next_short(frame)) {
            const auto other = framer_.next();
            if (!other) return fail(other.failure());
            if (!*other) break;
            frame = **other;
        }
        Counters::count(counters_.received, frame.type(), frame.size());
        if (tap_) [[unlikely]]
            tap_->on_received(frame);
        handle_packet(frame);
    }
    if (state_ == State::verifying) return framer_.keep();
    if (state_ != State::connected) return;
    send_answers();
    pump();
    disconnect_when_drained();
    review_direct();
}

[[gnu::always_inline]] inline void Session::handle_packet(const wire::Frame& frame) {
    if (state_ == State::opening) return handle_first_packet(frame);
    switch (frame.type()) {
    case PacketType::publish:
        return handle_publish(frame);
    case PacketType::puback:
        return handle_reply<Puback>(frame);
    case PacketType::pubrec:
        return handle_reply<Pubrec>(frame);
    case PacketType::pubrel:
        return handle_reply<Pubrel>(frame);
    case PacketType::pubcomp:
        return handle_reply<Pubcomp>(frame);
    default:
        return handle_rare_packet(frame);
    }
}

void Session::handle_rare_packet(const wire::Frame& frame) {
    switch (frame.type()) {
    case PacketType::connack:
        return decode_and_handle<Connack>(frame);
    case PacketType::suback:
        return decode_and_handle<Suback>(frame);
    case PacketType::unsuback:
        return decode_and_handle<Unsuback>(frame);
    case PacketType::pingreq:
        return decode_and_handle<Pingreq>(frame);
    case PacketType::pingresp:
        return decode_and_handle<Pingresp>(frame);
    case PacketType::disconnect:
        return decode_and_handle<Disconnect>(frame);
    case PacketType::auth:
        return decode_and_handle<Auth>(frame);
    default: // nothing that a server may send
        return fail(wire::decode(frame, config_.version, fresh_arena(), wire::Sender::server).failure());
    }
}

template <class P> void Session::decode_and_handle(const wire::Frame& frame) {
    // An idle client gets these two alone, and keeps no arena for them.
    constexpr bool gets_when_idle = std::is_same_v<P, Connack> || std::is_same_v<P, Pingresp>;
    wire::Arena passing; // no memory until an array is asked for
    auto packet =
        wire::decode<P>(frame, config_.version, gets_when_idle ? passing : fresh_arena(), wire::Sender::server);
    if (!packet) {
        if constexpr (P::type == PacketType::puback || P::type == PacketType::pubrec) end_refused(frame);
        return fail(std::move(packet).failure());
    }
    handle(*packet);
}

/// Some brokers refuse a message with a code that is none of PUBACK's or PUBREC's, as mosquitto does with 0x95. That is an
/// error of theirs, and ends the link; but sent again the message would be refused again, for ever.
void Session::end_refused(const wire::Frame& frame) {
    const Bytes body = frame.body;
    if (!wire::carries_properties(config_.version) || body.size() < 3) return;
    const auto code = static_cast<ReasonCode>(body[2]);
    Exchange* const exchange = ids_.find(wire::read_u16(body.data()));
    if (!exchange || !is_about_message(code)) return;
    if (next_action(exchange->step, frame.type(), true) == Action::complete) finish(*exchange, {.reason_code = code});
}

// --- answers to messages of ours

template <class P> [[gnu::always_inline]] inline void Session::handle_reply(const wire::Frame& frame) {
    const PacketId id = wire::plain_reply_id(frame, P::type);
    if (id == 0) return decode_and_handle<P>(frame);
    if constexpr (P::type == PacketType::pubrel) {
        handle_released(id);
    } else {
        handle_replied(P::type, id, ReasonCode::success, {});
    }
}

/// What an exchange waits for that gets this answer.
template <PacketType Reply>
constexpr Step waiting_for = Reply == PacketType::puback   ? Step::awaiting_puback
                             : Reply == PacketType::pubrec ? Step::awaiting_pubrec
                                                           : Step::awaiting_pubcomp;

/// The short way of `handle_replied`: what the exchange waits for has come.
template <PacketType Reply> [[gnu::always_inline]] inline bool Session::handle_success(PacketId id) {
    Exchange* const exchange = ids_.find(id);
    if (!exchange || exchange->step != waiting_for<Reply>) return false;
    if constexpr (Reply == PacketType::pubrec) {
        release(*exchange);
    } else {
        count_latency(exchange->qos, exchange->sent_at, 1);
        finish(*exchange, {});
    }
    return true;
}

/// Mostly many acknowledgements come at once, for messages that were sent at once.
[[gnu::always_inline]] inline void Session::count_latency(QoS qos, TimePoint sent_at, std::uint64_t number) {
    if (sent_at != latency_of_ || last_received_ != latency_until_) {
        if (sent_at == TimePoint{}) return; // sent on an earlier link
        if (!counters_.acknowledged) counters_.acknowledged = std::make_unique<std::array<LatencyHistogram, 2>>();
        latency_of_ = sent_at;
        latency_until_ = last_received_;
        latency_bucket_ = Counters::bucket_of(last_received_ - sent_at);
    }
    counters_.answered(qos, latency_bucket_, number);
}

/// The end of a message that somebody has claimed.
void Session::settle_claim(Exchange& exchange, Outcome&& outcome) {
    if (!outcome.failure) return make_ready(exchange.answer_claim(outcome.reason_code));
    make_ready(exchange.fail_claim(std::move(outcome.failure)));
    exchange.dispose();
}

void Session::make_ready(Claimed* node) {
    if (!node) return;
    IntrusiveList<ReadyNode> ready;
    ready.push_back(*node);
    ready_sink_->on_ready(ready);
}

/// A broker answers in the order in which it was asked [MQTT-4.6.0-2]. As far as the answers are for the oldest messages, which
/// were sent together, and somebody waits for each, they are settled together. Gives where that ends.
template <PacketType Reply>
const std::byte* Session::settle_claims(const std::byte* const begin, const std::byte* end) {
    ExchangeList& list = Reply == PacketType::puback ? sent_ : releases_;
    if (list.empty()) return begin;
    const TimePoint sent_at = list.front().sent_at;
    if (sent_at == TimePoint{}) return begin; // on an earlier link
    std::size_t bytes = 0;
    const std::byte* at = begin;
    auto next = list.begin();
    for (const std::byte* const last = end - wire::success_size; at <= last; at += wire::success_size) {
        if (next == list.end() || !wire::begins_success(at, Reply)) break;
        const PacketId id = wire::read_u16(at + 2);
        if (next->id != id || next->step != waiting_for<Reply> || next->sent_at != sent_at) break;
        if (!next->waiting) break;
        ids_.vacate(id);
        bytes += sizeof(Exchange) + next->packet().size(); // the footprint: a claimed payload never stands apart
        next->mark_answered();
        ++next;
    }
    const std::size_t count = static_cast<std::size_t>(at - begin) / wire::success_size;
    if (count == 0) return at;
    ids_.vacated(count);
    quota_ = static_cast<std::uint16_t>(quota_ + count);
    outstanding_ -= count;
    outstanding_bytes_ -= bytes;
    count_latency(Reply == PacketType::puback ? QoS::at_least_once : QoS::exactly_once, sent_at, count);
    IntrusiveList<ReadyNode> ready;
    list.move_before(next, ready);
    ready_sink_->on_ready(ready);
    return at;
}

/// As many replies as come one behind the other, are four bytes long and are waited for.
template <PacketType Reply> void Session::handle_successes() {
    const Bytes bytes = framer_.short_bytes();
    const std::byte* at = bytes.data();
    const std::byte* const end = at + bytes.size();
    while (end - at >= 4 && wire::begins_success(at, Reply)) {
        if constexpr (Reply != PacketType::pubrec) {
            const std::byte* const settled = settle_claims<Reply>(at, end);
            if (settled != at) {
                at = settled;
                continue;
            }
        }
        if (!handle_success<Reply>(wire::read_u16(at + 2))) break;
        at += wire::success_size;
        if (Reply == PacketType::pubrec && state_ != State::connected) [[unlikely]]
            break; // our PUBREL was one answer too many
    }
    const auto size = static_cast<std::size_t>(at - bytes.data());
    if (size == 0) return;
    framer_.skip_to(at);
    counters_.received_run(Reply, size / wire::success_size, size);
}
template void Session::handle_successes<PacketType::puback>();
template void Session::handle_successes<PacketType::pubrec>();
template void Session::handle_successes<PacketType::pubcomp>();

template <PacketType Type> void Session::handle(const PublishReply<Type>& packet) {
    if (!check_explained(packet.properties)) return;
    if constexpr (Type == PacketType::pubrel) {
        handle_released(packet.packet_id);
        if (config_.report_packets && state_ == State::connected)
            explain(events_.back(), packet.reason_code, {}, packet.properties);
        return;
    }
    const bool words_are_lost = !config_.report_packets && packet.properties.reason_string;
    if (words_are_lost && failed(packet.reason_code) && logs(LogLevel::warning)) {
        log(LogLevel::warning, "the broker refuses the message with packet identifier {}: {} (0x{:02X}): {}",
            packet.packet_id, to_string(packet.reason_code), static_cast<unsigned>(packet.reason_code),
            quoted(*packet.properties.reason_string));
    }
    handle_replied(Type, packet.packet_id, packet.reason_code, packet.properties);
}

void Session::handle_replied(PacketType type, PacketId id, ReasonCode code, const AckProperties& properties) {
    if (Exchange* exchange = ids_.find(id)) {
        switch (next_action(exchange->step, type, failed(code))) {
        case Action::complete:
            count_latency(exchange->qos, exchange->sent_at, 1);
            finish(*exchange, {.reason_code = code, .properties = &properties});
            break;
        case Action::release:
            release(*exchange);
            break;
        case Action::release_again:
            answer({id, PacketType::pubrel});
            break;
        case Action::violation:
            return fail(unasked(type, id));
        }
    } else if (type == PacketType::pubrec) {
        // We have forgotten it, or never knew it. Other answers to nothing need none themselves.
        answer({id, PacketType::pubrel, ReasonCode::packet_identifier_not_found});
    }
    if (config_.report_packets) report(type, id, code, {}, properties);
}

/// Where we asked for no problem information, only PUBLISH, CONNACK and DISCONNECT may carry some [MQTT-3.1.2-29].
bool Session::check_explained(const AckProperties& properties) {
    if (problem_information_ || (!properties.reason_string && properties.user_properties.empty())) return true;
    fail(violation("a reason string or user properties, although we asked for no problem information"));
    return false;
}

void Session::report(PacketType type, PacketId id, ReasonCode code, std::span<const ReasonCode> codes,
                     const AckProperties& properties) {
    if (!config_.report_packets || state_ == State::failed) return;
    Event event{.type = type, .id = id, .tells_reason = wire::carries_properties(config_.version)};
    explain(event, code, codes, properties);
    events_.push_back(std::move(event));
}

void Session::explain(Event& event, ReasonCode code, std::span<const ReasonCode> codes,
                      const AckProperties& properties) {
    event.reason_code = code;
    if (codes.empty() && !properties.reason_string && properties.user_properties.empty()) return;
    event.details = std::make_unique<AckDetails>();
    event.details->reason_codes.assign(codes.begin(), codes.end());
    event.details->reason_string = properties.reason_string.value_or("");
    for (const UserProperty& user : properties.user_properties)
        event.details->user_properties.emplace_back(user.name, user.value);
}

} // namespace culex::session
