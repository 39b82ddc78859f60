#pragma once
/// \file brief.hpp
/// Packets in a few characters, for tests that are about their order: `PUBLISH#7 q1 dup a/b:hello`, `PUBREL#7 0x92`.

#include <string>

#include <fmt/format.h>

#include <culex/packet.hpp>

namespace culex::testing {

[[nodiscard]] inline std::string brief(ReasonCode code) { return fmt::format("0x{:02X}", static_cast<unsigned>(code)); }

/// A long payload by its size.
[[nodiscard]] inline std::string brief(Bytes payload) {
    return payload.size() > 40 ? fmt::format("({} bytes)", payload.size()) : std::string(as_text(payload));
}

[[nodiscard]] inline std::string brief(const Publish& p) {
    std::string text = "PUBLISH";
    if (p.packet_id != 0) text += fmt::format("#{}", p.packet_id);
    text += fmt::format(" q{}{}{}", static_cast<int>(p.qos), p.dup ? " dup" : "", p.retain ? " retain" : "");
    if (p.properties.topic_alias) text += fmt::format(" alias={}", *p.properties.topic_alias);
    return text + fmt::format(" {}:{}", p.topic, brief(p.payload));
}

template <PacketType Type> [[nodiscard]] std::string brief(const PublishReply<Type>& p) {
    const bool success = p.reason_code == ReasonCode::success;
    return fmt::format("{}#{}{}", to_string(Type), p.packet_id, success ? "" : " " + brief(p.reason_code));
}

[[nodiscard]] inline std::string brief(const Subscribe& p) {
    std::string text = fmt::format("SUBSCRIBE#{}", p.packet_id);
    if (p.properties.subscription_identifier) text += fmt::format(" si={}", *p.properties.subscription_identifier);
    for (const TopicSubscription& s : p.subscriptions)
        text += fmt::format(" {}:q{}", s.filter, static_cast<int>(s.qos));
    return text;
}

[[nodiscard]] inline std::string brief(const Unsubscribe& p) {
    std::string text = fmt::format("UNSUBSCRIBE#{}", p.packet_id);
    for (const std::string_view filter : p.filters) text += fmt::format(" {}", filter);
    return text;
}

[[nodiscard]] inline std::string brief(const Disconnect& p) {
    return p.reason_code == ReasonCode::success ? "DISCONNECT" : "DISCONNECT " + brief(p.reason_code);
}

template <class P> [[nodiscard]] std::string brief(const P&) { return std::string(to_string(P::type)); }

[[nodiscard]] inline std::string brief(const Packet& packet) {
    return std::visit([](const auto& one) { return brief(one); }, packet);
}

} // namespace culex::testing
