// The other version: what was kept for one of them is written anew for the other.
#include "session/session.hpp"
#include "wire/publish_edit.hpp"

namespace culex::session {
namespace {

template <class P> [[nodiscard]] bool rewrite(Buffer& to, Bytes packet, Version from, Version version) {
    const wire::Frame frame{std::to_integer<std::uint8_t>(packet[0]), packet.subspan(Exchange::body_offset(packet))};
    wire::Arena arena;
    const auto read = wire::decode<P>(frame, from, arena);
    to.clear();
    return read && wire::encode(to, *read, version);
}

[[nodiscard]] bool rewrite(Buffer& to, PacketType kind, Bytes packet, Version from, Version version) {
    if (kind == PacketType::subscribe) return rewrite<Subscribe>(to, packet, from, version);
    if (kind == PacketType::unsubscribe) return rewrite<Unsubscribe>(to, packet, from, version);
    return rewrite<Publish>(to, packet, from, version);
}

} // namespace

/// Empty where it cannot be said in this version.
Exchange::Owner Session::in_version(const Exchange& exchange, Version from) {
    const Payload* const apart = exchange.payload_apart();
    Buffer whole;
    if (apart) {
        whole.append(exchange.packet());
        whole.append(apart->bytes());
    }
    const Bytes packet = apart ? whole.bytes() : exchange.packet();
    if (!rewrite(scratch_, exchange.kind, packet, from, config_.version)) return nullptr;
    const Bytes written = scratch_.bytes().first(scratch_.size() - (apart ? apart->size() : 0));
    Exchange::Owner next = Exchange::make(exchange.kind, exchange.qos, exchange.id, written);
    if (apart) next->set_payload_apart(*apart);
    next->version = config_.version;
    return next;
}

void Session::use_version(Version version) {
    assert(state_ == State::offline);
    if (version == config_.version) return;
    const Version from = std::exchange(config_.version, version);
    for (ExchangeList* list : {&restoring_, &requests_, &releases_, &resend_}) {
        ExchangeList old;
        old.splice_back(*list);
        while (!old.empty()) {
            if (Exchange::Owner next = translate(old.pop_front(), from)) list->push_back(std::move(next));
        }
    }
    ExchangeList queued;
    while (Exchange* oldest = queue_.oldest()) queued.push_back(queue_.take(*oldest));
    while (!queued.empty()) {
        if (Exchange::Owner next = translate(queued.pop_front(), from)) queue_.push_back(std::move(next));
    }
}

/// Of one that is in no list: another exchange with the same life. Empty where its operation was told that it failed.
Exchange::Owner Session::translate(Exchange::Owner exchange, Version from) {
    Exchange::Owner next = in_version(*exchange, from);
    if (!next) {
        finish(*exchange.release(),
               {.failure = Failure(Errc::not_supported, "not in the version that the broker speaks")});
        return nullptr;
    }
    outstanding_bytes_ -= exchange->restores ? 0 : exchange->footprint();
    outstanding_bytes_ += exchange->restores ? 0 : next->footprint();
    if (exchange->id != 0) ids_.erase(exchange->id);
    next->take_over(*exchange);
    if (next->id != 0) ids_.insert(*next);
    return next;
}

/// What was prepared before the version changed.
bool Session::bring_up_to_date(Exchange::Owner& prepared) {
    Exchange::Owner next = in_version(*prepared, prepared->version);
    if (!next) return false;
    next->take_over(*prepared);
    prepared = std::move(next);
    return true;
}

} // namespace culex::session
