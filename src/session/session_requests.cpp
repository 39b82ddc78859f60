// SUBSCRIBE and UNSUBSCRIBE, their answers, and subscriptions that a lost session took with it.
#include <algorithm>

#include <fmt/format.h>

#include <culex/topic.hpp>

#include "base/log.hpp"
#include "base/text.hpp"
#include "session/failures.hpp"
#include "session/session_direct.hpp"

namespace culex::session {
namespace {

constexpr Step first_step(PacketType request) noexcept {
    return request == PacketType::subscribe ? Step::awaiting_suback : Step::awaiting_unsuback;
}

[[gnu::cold]] void log_refusal(const char* what, std::string_view filter, ReasonCode code, const AckProperties& words) {
    if (!logs(LogLevel::warning)) return;
    log(LogLevel::warning, "the broker {} {}: {} (0x{:02X}){}{}", what, quoted(filter), to_string(code),
        static_cast<unsigned>(code), words.reason_string ? ": " : "",
        words.reason_string ? quoted(*words.reason_string) : "");
}

bool has_wildcard(std::string_view filter) noexcept { return filter.find_first_of("+#") != std::string_view::npos; }

/// A request as it was written: what it said is not kept twice.
template <class P> P read_back(const Exchange& request, Version version, wire::Arena& arena) {
    const Bytes packet = request.packet();
    const wire::Frame frame{std::to_integer<std::uint8_t>(packet[0]), packet.subspan(Exchange::body_offset(packet))};
    return *wire::decode<P>(frame, version, arena);
}

} // namespace

// --- verbs

Result<PacketId> Session::subscribe(std::span<const TopicSubscription> subscriptions,
                                    const SubscribeProperties& properties, Operation* operation) {
    for (const TopicSubscription& subscription : subscriptions) {
        if (auto checked = check_topic_filter(subscription.filter); !checked) return std::move(checked).failure();
    }
    Subscribe packet{.subscriptions = subscriptions, .properties = properties};
    if (auto granted = check_granted(packet); !granted) return std::move(granted).failure();
    return request(packet, operation);
}

Result<PacketId> Session::unsubscribe(std::span<const std::string_view> filters,
                                      const UnsubscribeProperties& properties, Operation* operation) {
    for (const std::string_view filter : filters) {
        if (auto checked = check_topic_filter(filter); !checked) return std::move(checked).failure();
    }
    Unsubscribe packet{.filters = filters, .properties = properties};
    auto asked = request(packet, operation);
    if (!asked) return asked;
    for (const std::string_view filter : filters)
        subscriptions_.removed(filter); // it is not wanted back, whatever happens
    return asked;
}

template <class P> Result<PacketId> Session::request(P& packet, Operation* operation) {
    if (disconnecting_) return refuse_verb();
    packet.packet_id = 1; // any, to measure and check
    scratch_.clear();
    if (auto written = wire::encode(scratch_, packet, config_.version, limits_.maximum_packet_size); !written) {
        return std::move(written).failure();
    }
    const std::size_t size = scratch_.size();
    if (!has_room_for(size) && !make_room(QoS::at_least_once, size)) return Failure(Errc::queue_full, fullness());
    if (lacks_id(QoS::at_least_once) && !make_room(QoS::at_least_once, size))
        return Failure(Errc::no_packet_id, fullness());
    packet.packet_id = next_id();
    scratch_.clear();
    wire::encode(scratch_, packet, config_.version, limits_.maximum_packet_size).value();
    (void)output_.reserve(scratch_.size()); // once it is tracked nothing may throw
    Exchange& exchange =
        track(Exchange::make(P::type, QoS::at_most_once, packet.packet_id, scratch_.bytes()), requests_, operation);
    if (state_ == State::connected) send_request(ExchangeList::take(exchange));
    return packet.packet_id;
}
template Result<PacketId> Session::request(Subscribe&, Operation*);
template Result<PacketId> Session::request(Unsubscribe&, Operation*);

// --- what is allowed

Result<void> Session::check_granted(const Subscribe& packet) const {
    if (packet.properties.subscription_identifier && !limits_.subscription_identifiers) {
        return not_granted("the broker takes no subscription identifiers",
                           ReasonCode::subscription_identifiers_not_supported);
    }
    for (const TopicSubscription& subscription : packet.subscriptions) {
        if (!limits_.wildcard_subscriptions && has_wildcard(subscription.filter)) {
            return not_granted("the broker takes no wildcards in topic filters",
                               ReasonCode::wildcard_subscriptions_not_supported);
        }
        if (!limits_.shared_subscriptions && parse_shared(subscription.filter)) {
            return not_granted("the broker has no shared subscriptions",
                               ReasonCode::shared_subscriptions_not_supported);
        }
    }
    return {};
}

/// The same for a request that was made when there was no link, or another one.
Result<void> Session::check_granted(const Exchange& request) const {
    const std::size_t size = request.packet().size();
    if (size > limits_.maximum_packet_size) { // [MQTT-3.2.2-15]
        return Failure(Errc::packet_too_large,
                       fmt::format("{}: {} bytes, where the broker takes {}", to_string(request.kind), size,
                                   limits_.maximum_packet_size),
                       ReasonCode::packet_too_large);
    }
    if (request.kind != PacketType::subscribe) return {};
    wire::Arena arena;
    return check_granted(read_back<Subscribe>(request, config_.version, arena));
}

// --- sending

void Session::send_request(Exchange::Owner exchange) {
    exchange->step = first_step(exchange->kind);
    output_.append(exchange->packet());
    Counters::count(counters_.sent, exchange->kind, exchange->packet().size());
    (exchange->restores ? restoring_ : requested_).push_back(std::move(exchange));
}

/// On a new link. What restores subscriptions goes first: the application may have unsubscribed since.
void Session::resend_requests() {
    ExchangeList unsent;
    unsent.splice_back(restoring_);
    unsent.splice_back(requests_);
    while (!unsent.empty()) {
        Exchange::Owner next = unsent.pop_front();
        if (auto granted = check_granted(*next); granted) {
            send_request(std::move(next));
        } else {
            finish(*next.release(), {.failure = std::move(granted).failure()});
        }
    }
}

/// The broker has lost the session; what an earlier link began to restore, it has lost as well. Or it may have: where a
/// CONNECT was not answered, a lost session is present again, and empty. Then retained messages are not asked for twice,
/// as far as MQTT 5 lets us say so.
void Session::restore_subscriptions(bool in_doubt) {
    while (!restoring_.empty()) finish(restoring_.front(), {});
    subscriptions_.restore(std::min<std::size_t>(limits_.maximum_packet_size, std::size_t{32} << 10), in_doubt,
                           [this](Subscribe packet) { restore(packet); });
}

void Session::restore(Subscribe& packet) {
    packet.packet_id = next_id();
    scratch_.clear();
    auto written = wire::encode(scratch_, packet, config_.version, limits_.maximum_packet_size);
    if (!written) { // one filter that is longer than what this broker takes, or 65,535 packets in flight
        log(LogLevel::warning, "cannot restore the subscription to {}: {}", quoted(packet.subscriptions.front().filter),
            written.failure().message());
        return;
    }
    auto exchange = Exchange::make(PacketType::subscribe, QoS::at_most_once, packet.packet_id, scratch_.bytes());
    exchange->restores = true;
    track(std::move(exchange), restoring_, nullptr); // `resend_requests` follows
}

// --- the answers

/// The request that `answer` answers; null where nothing in flight has the identifier [MQTT-3.8.4-2], and where something
/// else has, which fails the link.
Exchange* Session::find_request(PacketId id, PacketType answer) {
    Exchange* exchange = ids_.find(id);
    if (!exchange || next_action(exchange->step, answer, false) == Action::complete) return exchange;
    fail(unasked(answer, id));
    return nullptr;
}

/// A request that is answered wrongly ends here: sent again it would be answered so again, for ever.
bool Session::check_count(Exchange& request, std::size_t codes, std::size_t filters) {
    if (codes == filters) return true;
    Failure why = violation(fmt::format("{} topic filters are answered with {} reason codes", filters, codes));
    finish(request, {.failure = why});
    fail(std::move(why));
    return false;
}

void Session::handle(const Suback& packet) {
    if (!check_explained(packet.properties)) return;
    if (Exchange* exchange = find_request(packet.packet_id, PacketType::suback)) {
        wire::Arena arena;
        const auto asked = read_back<Subscribe>(*exchange, config_.version, arena);
        if (!check_count(*exchange, packet.reason_codes.size(), asked.subscriptions.size())) return;
        const bool words_are_lost = !config_.report_packets && packet.properties.reason_string;
        for (std::size_t i = 0; i < packet.reason_codes.size(); ++i) {
            if (!failed(packet.reason_codes[i])) {
                subscriptions_.granted(asked.subscriptions[i], asked.properties.subscription_identifier);
            } else if (exchange->restores || words_are_lost) {
                log_refusal(exchange->restores ? "does not restore the subscription to" : "refuses the subscription to",
                            asked.subscriptions[i].filter, packet.reason_codes[i], packet.properties);
            }
        }
        const bool restored = exchange->restores;
        finish(*exchange, {.reason_codes = packet.reason_codes, .properties = &packet.properties});
        if (restored && restoring_.empty()) inbound_.end_doubt();
    }
    report(PacketType::suback, packet.packet_id, ReasonCode::success, packet.reason_codes, packet.properties);
}

void Session::handle(const Unsuback& packet) {
    if (!check_explained(packet.properties)) return;
    if (Exchange* exchange = find_request(packet.packet_id, PacketType::unsuback)) {
        wire::Arena arena;
        const auto asked = read_back<Unsubscribe>(*exchange, config_.version, arena);
        const bool has_codes = !packet.reason_codes.empty(); // 3.1.1's UNSUBACK has none
        if (has_codes && !check_count(*exchange, packet.reason_codes.size(), asked.filters.size())) return;
        // Again, since a SUBSCRIBE that was under way may have been granted meanwhile.
        for (const std::string_view filter : asked.filters) subscriptions_.removed(filter);
        const bool words_are_lost = !config_.report_packets && packet.properties.reason_string;
        for (std::size_t i = 0; words_are_lost && i < packet.reason_codes.size(); ++i) {
            if (!failed(packet.reason_codes[i])) continue;
            log_refusal("refuses to end the subscription to", asked.filters[i], packet.reason_codes[i],
                        packet.properties);
        }
        finish(*exchange, {.reason_codes = packet.reason_codes, .properties = &packet.properties});
    }
    report(PacketType::unsuback, packet.packet_id, ReasonCode::success, packet.reason_codes, packet.properties);
}

} // namespace culex::session
