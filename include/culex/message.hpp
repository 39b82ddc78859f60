#pragma once
/// \file message.hpp
/// An application message as it was received.

#include <string_view>

#include <culex/properties.hpp>
#include <culex/reason_code.hpp>
#include <culex/types.hpp>

namespace culex {

namespace session {
class MessageBlock;
}

/// A received message (PUBLISH, section 3.3). Copies share one block of memory that holds topic, payload and properties;
/// the views it returns are valid as long as some copy lives. A message may be kept, and moved to another thread; but `ack`
/// belongs to the thread of the client that has received it.
class Message {
public:
    Message() noexcept = default; ///< no message: only assignment, destruction and `operator bool` are allowed
    Message(const Message& other) noexcept;
    Message(Message&& other) noexcept : block_(other.block_) { other.block_ = nullptr; }
    Message& operator=(Message other) noexcept {
        session::MessageBlock* taken = other.block_;
        other.block_ = block_;
        block_ = taken;
        return *this;
    }
    ~Message() {
        if (block_) release();
    }

    /// Whether there is a message.
    explicit operator bool() const noexcept { return block_ != nullptr; }

    /// The topic it was published under (section 3.3.2.1); an alias has been resolved.
    [[nodiscard]] std::string_view topic() const noexcept;
    /// Its bytes (section 3.3.3); may be none.
    [[nodiscard]] Bytes payload() const noexcept;
    /// The payload's bytes seen as text; whether they are UTF-8 is for the application to know.
    [[nodiscard]] std::string_view text() const noexcept { return as_text(payload()); }
    /// The QoS with which the broker delivered it: the lesser of the publisher's and the subscription's.
    [[nodiscard]] QoS qos() const noexcept;
    /// True for a retained message that answers a new subscription (section 3.3.1.3).
    [[nodiscard]] bool retain() const noexcept;
    /// True where the broker says that it sent this packet before. It says nothing about the application's having seen it.
    [[nodiscard]] bool dup() const noexcept;
    /// The packet identifier; 0 at QoS 0.
    [[nodiscard]] PacketId mid() const noexcept;
    /// MQTT 5's properties; empty under 3.1.1.
    [[nodiscard]] const PublishProperties& properties() const noexcept;

    /// For streams with `Acknowledge::manual`: the message was processed, and is acknowledged to the broker when those that
    /// came before it on the connection are as well [MQTT-4.6.0-2]. A copy does it for all.
    ///
    /// It does nothing the second time, at QoS 0, for messages of other streams, and once the client is gone. Of an earlier
    /// connection, a QoS 1 message cannot be acknowledged any more: the broker sends it again, and that one can be. A QoS 2
    /// message is sent again too, but not given to the stream again: this `ack` is for both.
    void ack() const;

    /// The same for a message that its consumer does not take: the broker hears `reason_code`, in PUBACK or PUBREC (MQTT 5,
    /// sections 3.4.2.1 and 3.5.2.1), and does not send the message again [MQTT-4.4.0-2]. The codes are 0x80, 0x83, 0x87, 0x90,
    /// 0x91, 0x97 and 0x99; for any other it is 0x80, `unspecified_error`. Under 3.1.1, which knows no refusal, it is `ack`.
    ///
    /// `properties` tell people more, a reason string say (sections 3.4.2.2 and 3.5.2.2). They are copied; and left out, the user
    /// properties first, where the answer would be too large for the broker. Throws `Errc::invalid_argument` where they break a
    /// rule: texts are UTF-8, of at most 65,535 bytes. Then the message is still to be acknowledged. Where several streams have
    /// the message and all refuse it, the last one's words count.
    void reject(ReasonCode reason_code, const AckProperties& properties = {}) const;

private:
    friend class session::MessageBlock;
    explicit Message(session::MessageBlock* block) noexcept : block_(block) {}
    void release() noexcept;

    session::MessageBlock* block_ = nullptr;
};

} // namespace culex
