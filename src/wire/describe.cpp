#include <iterator>

#include <fmt/format.h>

#include "base/text.hpp"
#include "wire/codec.hpp"
#include "wire/property_rows.hpp"

namespace culex::wire {
namespace {

/// Collects ` name=value` pairs. What could be a secret, or long, is told by its size.
class Line {
public:
    explicit Line(PacketType type) : text_(to_string(type)) {}

    void field(std::string_view name, std::string_view value) { raw(name, quoted(value)); }
    void field(std::string_view name, std::uint32_t value) { raw(name, fmt::to_string(value)); }
    void field(std::string_view name, Bytes value) { raw(name, fmt::format("({} bytes)", value.size())); }
    void field(std::string_view name, QoS value) { field(name, static_cast<std::uint32_t>(value)); }
    void field(std::string_view name, ReasonCode value) {
        raw(name, fmt::format("0x{:02X} ({})", static_cast<unsigned>(value), to_string(value)));
    }
    void field(std::string_view name, const UserProperty& value) {
        raw(name, fmt::format("{}:{}", quoted(value.name), quoted(value.value)));
    }
    void flag(std::string_view name, bool set) {
        if (set) word(name);
    }
    void word(std::string_view word) { fmt::format_to(std::back_inserter(text_), " {}", word); }
    void payload(Bytes payload) { fmt::format_to(std::back_inserter(text_), " {} bytes", payload.size()); }

    template <class P> void properties(const P& p) {
        for_each_property(p, [&](const auto& row, const auto& member) {
            if constexpr (requires { member.has_value(); }) {
                if (member) field(row.name, *member);
            } else {
                for (const auto& element : member) field(row.name, element);
            }
            return true;
        });
    }
    [[nodiscard]] std::string take() && { return std::move(text_); }

private:
    void raw(std::string_view name, std::string_view value) {
        fmt::format_to(std::back_inserter(text_), " {}={}", name, value);
    }

    std::string text_;
};

void fields(Line& line, const Connect& p) {
    line.field("client_id", p.client_id);
    line.flag("clean_start", p.clean_start);
    line.field("keep_alive", p.keep_alive);
    if (p.user_name) line.field("user_name", *p.user_name);
    line.flag("password=(hidden)", p.password.has_value());
    line.properties(p.properties);
    if (!p.will) return;
    line.word("will:");
    line.field("qos", p.will->qos);
    line.flag("retain", p.will->retain);
    line.field("topic", p.will->topic);
    line.payload(p.will->payload);
    line.properties(p.will->properties);
}

void fields(Line& line, const Connack& p) {
    line.field("reason", p.reason_code);
    line.flag("session_present", p.session_present);
    line.properties(p.properties);
}

void fields(Line& line, const Publish& p) {
    if (p.packet_id != 0) line.field("id", p.packet_id);
    line.field("qos", p.qos);
    line.flag("dup", p.dup);
    line.flag("retain", p.retain);
    line.field("topic", p.topic);
    line.payload(p.payload);
    line.properties(p.properties);
}

template <PacketType Type> void fields(Line& line, const PublishReply<Type>& p) {
    line.field("id", p.packet_id);
    if (p.reason_code != ReasonCode::success) line.field("reason", p.reason_code);
    line.properties(p.properties);
}

void fields(Line& line, const Subscribe& p) {
    line.field("id", p.packet_id);
    for (const TopicSubscription& subscription : p.subscriptions) {
        line.field("filter", subscription.filter);
        line.field("qos", subscription.qos);
        line.flag("no_local", subscription.no_local);
        line.flag("retain_as_published", subscription.retain_as_published);
        if (subscription.retain_handling == RetainHandling::send) continue;
        line.field("retain_handling", static_cast<std::uint32_t>(subscription.retain_handling));
    }
    line.properties(p.properties);
}

/// SUBACK and UNSUBACK.
void acknowledgement(Line& line, const auto& p) {
    line.field("id", p.packet_id);
    for (const ReasonCode code : p.reason_codes) line.field("reason", code);
    line.properties(p.properties);
}
void fields(Line& line, const Suback& p) { acknowledgement(line, p); }
void fields(Line& line, const Unsuback& p) { acknowledgement(line, p); }

void fields(Line& line, const Unsubscribe& p) {
    line.field("id", p.packet_id);
    for (const std::string_view filter : p.filters) line.field("filter", filter);
    line.properties(p.properties);
}

void fields(Line&, const Pingreq&) {}
void fields(Line&, const Pingresp&) {}

void fields(Line& line, const Disconnect& p) {
    line.field("reason", p.reason_code);
    line.properties(p.properties);
}

void fields(Line& line, const Auth& p) {
    line.field("reason", p.reason_code);
    line.properties(p.properties);
}

} // namespace

std::string describe(const Packet& packet) {
    Line line(type_of(packet));
    std::visit([&](const auto& one) { fields(line, one); }, packet);
    return std::move(line).take();
}

} // namespace culex::wire
