#include <culex/types.hpp>

#include <array>

namespace culex {

std::string_view to_string(PacketType type) noexcept {
    constexpr std::array<std::string_view, 16> names{
        "?",         "CONNECT", "CONNACK",     "PUBLISH",  "PUBACK",  "PUBREC",   "PUBREL",     "PUBCOMP",
        "SUBSCRIBE", "SUBACK",  "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH"};
    const auto number = static_cast<std::size_t>(type);
    return number < names.size() ? names[number] : names[0];
}

std::string_view to_string(QoS qos) noexcept {
    switch (qos) {
    case QoS::at_most_once:
        return "QoS 0";
    case QoS::at_least_once:
        return "QoS 1";
    case QoS::exactly_once:
        return "QoS 2";
    }
    return "?";
}

std::string_view to_string(Version version) noexcept {
    switch (version) {
    case Version::v3_1_1:
        return "MQTT 3.1.1";
    case Version::v5:
        return "MQTT 5";
    }
    return "?";
}

} // namespace culex
