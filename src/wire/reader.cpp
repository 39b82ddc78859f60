#include "wire/reader.hpp"

namespace culex::wire {

std::uint32_t Reader::varint(const char* field) {
    const Varint found = parse_varint(bytes_);
    switch (found.state) {
    case VarintState::complete:
        bytes_ = bytes_.subspan(found.size);
        return found.value;
    case VarintState::cut_short:
        fail({ReasonCode::malformed_packet, field, "is cut short"});
        break;
    case VarintState::too_long:
        fail({ReasonCode::malformed_packet, field, "has more than four bytes"});
        break;
    // [MQTT-1.5.5-1] binds the sender only; two spellings of one number help nobody but those who probe for differences.
    case VarintState::padded:
        fail({ReasonCode::malformed_packet, field, "is not in its shortest form"});
        break;
    }
    return 0;
}

void Reader::reason(ReasonCode& code) {
    const auto byte = integer<std::uint8_t>("reason code");
    if (!ok()) return;
    code = static_cast<ReasonCode>(byte);
    if (packet_ == PacketType::connack && !v5()) {
        const std::optional<ReasonCode> meaning = from_return_code(byte);
        if (!meaning) return fail({ReasonCode::protocol_error, "return code", "is reserved", byte}); // [MQTT-3.2.2-6]
        code = *meaning;
    } else if (!allowed_in(code, packet_, version_)) {
        fail({ReasonCode::protocol_error, "reason code", "is not one of this packet's", byte});
    }
}

void Reader::refuse_property(std::uint32_t id) {
    const char* name = property_name(id);
    if (!name) return fail({ReasonCode::malformed_packet, "property", "is unknown", id});
    fail({ReasonCode::malformed_packet, name, "is no property of this packet", id});
}

} // namespace culex::wire
