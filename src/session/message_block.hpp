#pragma once
/// \file message_block.hpp
/// The memory behind `Message`: one pooled block for everything that a received PUBLISH carries.

#include <atomic>

#include <culex/message.hpp>
#include <culex/packet.hpp>

#include "base/pool_cache.hpp"
#include "session/ack_handler.hpp"
#include "wire/plain_publish.hpp"

namespace culex::session {

class MessageBlock {
public:
    /// Copies what `publish` views: topic, payload and properties, in one allocation. The topic alias is not kept: it means
    /// nothing outside of its connection.
    [[nodiscard]] static Message make(const Publish& publish);
    /// The same for a message without properties, as most are.
    [[nodiscard, gnu::always_inline]] static Message make(const wire::PublishParts& plain) {
        MessageBlock* const block = allocate(plain, plain.topic.size() + plain.payload.size());
        auto* const text = reinterpret_cast<std::byte*>(block + 1);
        block->text_ = text;
        wire::put_bytes(wire::put_bytes(text, plain.topic.data(), plain.topic.size()), plain.payload.data(),
                        plain.payload.size());
        return Message{block};
    }

    /// What a message costs while it waits, made or not.
    [[nodiscard]] static std::size_t footprint(const wire::PublishParts& plain) noexcept {
        return sizeof(MessageBlock) + plain.topic.size() + plain.payload.size();
    }
    [[nodiscard]] static std::size_t footprint(const Message& message) noexcept { return message.block_->size_; }

    /// What is to be acknowledged when its consumer is done; nothing unless `owe` was called.
    [[nodiscard]] static const Delivery& delivery(const Message& message) noexcept { return message.block_->delivery_; }
    static void owe(const Message& message, const Delivery& delivery) noexcept {
        message.block_->delivery_.sequence = delivery.sequence;
    }

    /// From now on `Message::ack` tells the handler of what is owed. A message that has copies gets a block of its own before:
    /// theirs say nothing.
    static void enable_ack(Message& message, const AckHandler::Reference& handler);
    /// What `ack` would acknowledge, which it no longer does; empty where it does nothing.
    static Delivery disable_ack(const Message& message) noexcept;

private:
    friend class culex::Message;
    void ack(ReasonCode code, const AckProperties* why = nullptr);
    template <class Source>
    MessageBlock(const Source& publish, std::size_t size) noexcept
        : size_(static_cast<std::uint32_t>(size)), topic_size_(static_cast<std::uint32_t>(publish.topic.size())),
          payload_size_(static_cast<std::uint32_t>(publish.payload.size())),
          delivery_{0, publish.packet_id, publish.qos}, retain_(publish.retain), dup_(publish.dup) {}
    template <class Source>
    [[gnu::always_inline]] static MessageBlock* allocate(const Source& publish, std::size_t content) {
        const std::size_t size = sizeof(MessageBlock) + content;
        return new (pool::allocate(size)) MessageBlock(publish, size);
    }

    // A plain load tells a sole owner that it is one, so that a message that is not shared costs no atomic
    // read-modify-write.
    std::atomic<std::uint32_t> references_{1};
    std::uint32_t size_;
    std::uint32_t topic_size_;
    std::uint32_t payload_size_;
    const std::byte* text_ = nullptr; // the topic, then the payload
    const PublishProperties* properties_ = nullptr;
    RevocablePlace* ack_place_ = nullptr; // null: `ack` does nothing, and what stands next is not set
    std::uint64_t ack_number_;
    // The packet's identifier and QoS are there in any case; what stands next fills up its last word.
    [[no_unique_address]] Delivery delivery_;
    bool retain_;
    bool dup_;
};
static_assert(sizeof(MessageBlock) == 64);

} // namespace culex::session
