#pragma once
/// \file event.hpp
/// What a session tells its owner, in the order in which the packets came.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <culex/message.hpp>
#include <culex/ready_node.hpp>

#include "session/inbound.hpp"

namespace culex::session {

/// What some packets carry besides, copied.
struct AckDetails {
    std::vector<ReasonCode> reason_codes; ///< SUBACK and UNSUBACK: one for each filter
    std::string reason_string;
    std::vector<std::pair<std::string, std::string>> user_properties;
    std::string authentication_data; ///< AUTH
};

class PlainRun;

/// One packet from the broker. CONNACK, AUTH, and packets that carry a message to hand on, are always reported; the others when
/// `Config::report_packets` asks for them.
struct Event {
    PacketType type = PacketType::connack;
    PacketId id = 0;
    ReasonCode reason_code = ReasonCode::success;
    bool session_present = false; ///< of CONNACK
    Message message{};            ///< of PUBLISH, or of PUBREL; may be empty
    Delivery delivery{};          ///< to be given to `Session::acknowledge` when the message's consumer is done
    std::unique_ptr<AckDetails> details{};
    bool tells_reason = false; ///< `reason_code` is the broker's word: 3.1.1 has no place for one in its answers
};

/// Takes messages as they come, instead of events that are polled. It is called from inside the session's `handle_input` and
/// `accept`, and calls the session only afterwards.
class MessageSink {
public:
    virtual void on_message(Message&& message, const Delivery& delivery) = 0;
    /// Many at once: takes as many as it likes. Without its own it gets each by `on_message`.
    virtual void on_run(PlainRun& run);
    /// Nothing has passed for a while: memory that only work needs may go.
    virtual void on_rest() noexcept {}

protected:
    ~MessageSink() = default;
};

/// Takes what is ready to run: a scheduler's queue, mostly. It is called from inside the session's methods, and calls it only
/// afterwards.
class ReadySink {
public:
    /// Leaves `nodes` empty.
    virtual void on_ready(IntrusiveList<ReadyNode>& nodes) = 0;

protected:
    ~ReadySink() = default;
};

} // namespace culex::session
