#include "session/exchange.hpp"

#include "wire/codec.hpp"

namespace culex::session {

// Not inline: it is rarely called, and inlined it would keep `Owner` itself from being so.
void Exchange::Free::operator()(Exchange* exchange) const noexcept { exchange->dispose(); }

/// What is plain is written where it stays, so that a large payload is copied once.
Result<Exchange::Owner> Exchange::encode_whole(const Publish& message, Version version, Buffer& scratch) {
    const std::size_t remaining = wire::plain_publish_remaining(message, version);
    const bool plain = wire::says_no_properties(message.properties, version) && wire::is_plain_publish(message);
    Owner made;
    if (plain && remaining <= max_remaining_length) {
        const std::size_t size = 1 + wire::varint_size(remaining) + remaining;
        made = make_blank(PacketType::publish, message.qos, 0, size);
        if (wire::is_short_publish(message.topic, message.payload)) {
            wire::write_plain_publish<true>(made->editable(), message, version, remaining);
        } else {
            wire::write_plain_publish(made->editable(), message, version, remaining);
        }
    } else {
        scratch.clear();
        if (auto encoded = wire::encode(scratch, message, version); !encoded) return std::move(encoded).failure();
        made = make(PacketType::publish, message.qos, 0, scratch.bytes());
    }
    made->version = version;
    return made;
}

/// It is written without its payload, which only the Remaining Length tells of.
Result<Exchange::Owner> Exchange::encode_apart(Publish message, Payload payload, Version version, Buffer& scratch) {
    message.payload = payload.bytes();
    if (auto size = wire::encoded_size(message, version); !size) return std::move(size).failure();
    message.payload = {};
    scratch.clear();
    if (auto encoded = wire::encode(scratch, message, version); !encoded) return std::move(encoded).failure();
    const Bytes body = scratch.bytes().subspan(body_offset(scratch.bytes()));
    const std::size_t remaining = body.size() + payload.size();
    Owner made = make_blank(PacketType::publish, message.qos, 0, 1 + wire::varint_size(remaining) + body.size());
    std::byte* at = made->data();
    *at++ = scratch.bytes()[0];
    at = wire::put_varint(at, static_cast<std::uint32_t>(remaining));
    wire::put_bytes(at, body.data(), body.size());
    made->set_payload_apart(std::move(payload));
    made->version = version;
    return made;
}

void Exchange::let_go() noexcept {
    delete payload_;
    if (operation_) complete({.failure = Failure(Errc::closed)});
}

void Operation::detach() noexcept {
    if (!exchange_) return;
    exchange_->operation_ = nullptr;
    exchange_ = nullptr;
}

// --- claims

Claimed* Exchange::answer_claim(ReasonCode code) noexcept {
    assert(!linked());
    claim->reason_code = code;
    if (waiting) {
        mark_answered();
        return this;
    }
    release_claim().state = Claim::State::answered;
    dispose();
    return nullptr;
}

Claimed* Exchange::fail_claim(Failure why) {
    auto failed = std::make_unique<FailedClaim>(to_run(), std::move(why));
    failed->waiting = std::exchange(waiting, nullptr);
    Claim& by = release_claim();
    failed->claim = &by;
    by.state = Claim::State::failed;
    by.node = failed.release();
    return by.node->waiting ? by.node : nullptr;
}

void Claim::drop() noexcept {
    if (state == State::failed) {
        delete static_cast<FailedClaim*>(node);
        return;
    }
    auto& exchange = static_cast<Exchange&>(*node);
    exchange.claim = nullptr;
    exchange.waiting = nullptr;
    if (exchange.step == Step::answered) exchange.dispose();
}

Failure Claim::take_failure() noexcept { return std::move(static_cast<FailedClaim&>(*node).why); }

std::size_t Exchange::body_offset(Bytes packet) noexcept {
    std::size_t last = 1;
    while ((packet[last] & std::byte{0x80}) != std::byte{}) ++last;
    return last + 1;
}

void Exchange::assign_id(PacketId assigned) noexcept {
    std::byte* topic_size = data() + body_offset(packet());
    std::byte* place = topic_size + 2 + (std::to_integer<std::size_t>(topic_size[0]) << 8) +
                       std::to_integer<std::size_t>(topic_size[1]);
    place[0] = static_cast<std::byte>(assigned >> 8);
    place[1] = static_cast<std::byte>(assigned & 0xFF);
    id = assigned;
}

} // namespace culex::session
