#include "session/message_block.hpp"

#include <cstring>
#include <new>
#include <utility>

#include <culex/error.hpp>

#include "base/pool_cache.hpp"

#include "wire/codec.hpp"

namespace culex::session {
namespace {

/// Runs once to count and once to copy, so that the two cannot disagree: with no memory it only adds up.
class Placer {
public:
    explicit Placer(std::byte* memory) noexcept : memory_(memory) {}

    [[nodiscard]] std::size_t used() const noexcept { return used_; }

    template <class T> T* array(std::span<const T> from) noexcept {
        used_ = (used_ + alignof(T) - 1) / alignof(T) * alignof(T);
        return reinterpret_cast<T*>(raw(std::as_bytes(from)));
    }
    Bytes bytes(Bytes from) noexcept { return {raw(from), from.size()}; }
    std::string_view text(std::string_view from) noexcept { return as_text(bytes(as_bytes(from))); }

private:
    std::byte* raw(Bytes from) noexcept {
        std::byte* place = memory_ ? memory_ + used_ : nullptr;
        if (place && !from.empty()) std::memcpy(place, from.data(), from.size());
        used_ += from.size();
        return place;
    }

    std::byte* memory_;
    std::size_t used_ = 0;
};

const PublishProperties* place_properties(Placer& placer, const PublishProperties& from) noexcept {
    auto* to = placer.array(std::span{&from, 1});
    UserProperty* user = placer.array(from.user_properties);
    const std::uint32_t* identifiers = placer.array(from.subscription_identifiers);
    PublishProperties moved = from;
    moved.topic_alias.reset();
    if (from.response_topic) moved.response_topic = placer.text(*from.response_topic);
    if (from.content_type) moved.content_type = placer.text(*from.content_type);
    if (from.correlation_data) moved.correlation_data = placer.bytes(*from.correlation_data);
    for (std::size_t i = 0; i < from.user_properties.size(); ++i) {
        const UserProperty property{placer.text(from.user_properties[i].name),
                                    placer.text(from.user_properties[i].value)};
        if (user) user[i] = property;
    }
    if (!to) return nullptr;
    moved.user_properties = {user, from.user_properties.size()};
    moved.subscription_identifiers = {identifiers, from.subscription_identifiers.size()};
    *to = moved;
    return to;
}

struct Placed {
    const PublishProperties* properties = nullptr;
    const std::byte* text = nullptr;
};

Placed place(Placer& placer, const Publish& publish) noexcept {
    Placed placed;
    if (wire::has_properties(publish)) placed.properties = place_properties(placer, publish.properties);
    placed.text = placer.bytes(as_bytes(publish.topic)).data();
    placer.bytes(publish.payload);
    return placed;
}

} // namespace

Message MessageBlock::make(const Publish& publish) {
    static_assert(sizeof(MessageBlock) % alignof(PublishProperties) == 0);
    Placer count{nullptr};
    place(count, publish);
    MessageBlock* block = allocate(publish, count.used());
    Placer copy{reinterpret_cast<std::byte*>(block + 1)};
    const Placed placed = place(copy, publish);
    block->properties_ = placed.properties;
    block->text_ = placed.text;
    return Message{block};
}

void MessageBlock::enable_ack(Message& message, const AckHandler::Reference& handler) {
    if (message.block_->references_.load(std::memory_order_acquire) != 1) {
        const Delivery owed = delivery(message);
        message = make(Publish{.topic = message.topic(),
                               .payload = message.payload(),
                               .qos = message.qos(),
                               .retain = message.retain(),
                               .dup = message.dup(),
                               .packet_id = message.mid(),
                               .properties = message.properties()});
        owe(message, owed);
    }
    MessageBlock& block = *message.block_;
    block.ack_place_ = handler.place;
    block.ack_number_ = handler.number;
}

Delivery MessageBlock::disable_ack(const Message& message) noexcept {
    MessageBlock& block = *message.block_;
    if (!std::exchange(block.ack_place_, nullptr)) return {};
    return delivery(message);
}

void MessageBlock::ack(ReasonCode code, const AckProperties* why) {
    const AckHandler::Reference reference{std::exchange(ack_place_, nullptr), ack_number_};
    if (AckHandler* handler = reference.get()) handler->on_ack(delivery_, code, why);
}

} // namespace culex::session

namespace culex {

Message::Message(const Message& other) noexcept : block_(other.block_) {
    if (block_) block_->references_.fetch_add(1, std::memory_order_relaxed);
}

void Message::release() noexcept {
    session::MessageBlock* const block = block_;
    // One reference means that nobody else can make or drop another at the same time.
    if (block->references_.load(std::memory_order_acquire) != 1 &&
        block->references_.fetch_sub(1, std::memory_order_acq_rel) != 1) {
        return;
    }
    const std::size_t size = block->size_;
    block->~MessageBlock();
    pool::free(block, size);
}

void Message::ack() const {
    if (block_ && block_->ack_place_) block_->ack(ReasonCode::success);
}

void Message::reject(ReasonCode reason_code, const AckProperties& properties) const {
    const Puback sample{.packet_id = 1, .properties = properties};
    if (auto size = wire::encoded_size(sample, Version::v5); !size) throw Error(std::move(size).failure());
    if (!block_ || !block_->ack_place_) return;
    // The session knows which codes can be sent; that this is a refusal is known here alone.
    block_->ack(failed(reason_code) ? reason_code : ReasonCode::unspecified_error, &properties);
}

std::string_view Message::topic() const noexcept { return as_text({block_->text_, block_->topic_size_}); }
Bytes Message::payload() const noexcept { return {block_->text_ + block_->topic_size_, block_->payload_size_}; }
QoS Message::qos() const noexcept { return block_->delivery_.qos; }
bool Message::retain() const noexcept { return block_->retain_; }
bool Message::dup() const noexcept { return block_->dup_; }
PacketId Message::mid() const noexcept { return block_->delivery_.id; }

const PublishProperties& Message::properties() const noexcept {
    static constexpr PublishProperties none{};
    return block_->properties_ ? *block_->properties_ : none;
}

} // namespace culex
