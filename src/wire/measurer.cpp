#include "wire/measurer.hpp"

namespace culex::wire {

void Measurer::reason(ReasonCode code) noexcept {
    size_ += 1;
    const auto number = static_cast<std::uint8_t>(code);
    if (packet_ == PacketType::connack && !v5()) {
        if (!to_return_code(code))
            fail({ReasonCode::protocol_error, "reason code", "has no return code in 3.1.1", number});
        return;
    }
    if (!v5()) code = to_suback_3_1_1(code);
    if (!allowed_in(code, packet_, version_)) {
        fail({ReasonCode::protocol_error, "reason code", "is not one of this packet's", number});
    }
}

} // namespace culex::wire
