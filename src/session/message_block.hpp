#pragma once
/// \file message_block.hpp
/// The memory behind `Message`: one pooled block for everything that a received PUBLISH carries.

#include <atomic>

#include <culex/message.hpp>
#include <culex/packet.hpp>

#include "wire/plain_publish.hpp"

namespace culex::session {

class MessageBlock {
public:
    /// Copies what `publish` views: topic, payload and properties, in one allocation. The topic alias is not kept: it means
    /// nothing outside of its connection.
    [[nodiscard]] static Message make(const Publish& publish);
    /// The same for a message without properties, as most are.
    [[nodiscard]] static Message make(const wire::PublishParts& plain);

    /// What a message costs while it waits.
    [[nodiscard]] static std::size_t footprint(const Message& message) noexcept { return message.block_->size_; }

private:
    friend class culex::Message;
    template <class Source> MessageBlock(const Source& publish, std::size_t size) noexcept;
    template <class Source> static MessageBlock* allocate(const Source& publish, std::size_t content);

    // A plain load tells a sole owner that it is one, so that a message that is not shared costs no atomic
    // read-modify-write.
    std::atomic<std::uint32_t> references_{1};
    std::uint32_t size_;
    std::uint32_t topic_size_;
    std::uint32_t payload_size_;
    const std::byte* text_ = nullptr; // the topic, then the payload
    const PublishProperties* properties_ = nullptr;
    PacketId id_;
    QoS qos_;
    bool retain_;
    bool dup_;
};

} // namespace culex::session
