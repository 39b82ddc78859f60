#pragma once
/// \file ack_handler.hpp
/// Who acknowledges a message that says itself when it is done.

#include "base/revocable.hpp"
#include "session/inbound.hpp"

namespace culex::session {

class AckHandler {
public:
    /// `Message::ack` or `reject` was called for the first time; `why` goes with a refusal, and may be null.
    virtual void on_ack(const Delivery& delivery, ReasonCode code, const AckProperties* why) = 0;

    using Reference = Revocable<AckHandler>::Reference;

protected:
    ~AckHandler() = default;
};

} // namespace culex::session
