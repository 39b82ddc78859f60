#pragma once
/// \file random_packets.hpp
/// Legal packets without end, the same for the same seed.

#include <deque>
#include <random>
#include <string>
#include <vector>

#include <culex/packet.hpp>

namespace culex::testing {

/// Owns what its packets view.
class RandomPackets {
public:
    RandomPackets(unsigned seed, Version version) : random_(seed), version_(version) {}

    [[nodiscard]] unsigned below(unsigned bound) { return static_cast<unsigned>(random_()) % bound; }

    [[nodiscard]] Packet packet() {
        switch (1 + below(15)) {
        case 1:
            return connect();
        case 2:
            return connack();
        case 4:
            return reply<Puback>(
                {ReasonCode::success, ReasonCode::no_matching_subscribers, ReasonCode::quota_exceeded});
        case 5:
            return reply<Pubrec>({ReasonCode::success, ReasonCode::unspecified_error});
        case 6:
            return reply<Pubrel>({ReasonCode::success, ReasonCode::packet_identifier_not_found});
        case 7:
            return reply<Pubcomp>({ReasonCode::success, ReasonCode::packet_identifier_not_found});
        case 8:
            return subscribe();
        case 9:
            return suback();
        case 10:
            return unsubscribe();
        case 11:
            return unsuback();
        case 12:
            return Pingreq{};
        case 13:
            return Pingresp{};
        case 14:
            return disconnect();
        case 15:
            return v5() ? Packet{auth()} : Packet{publish()};
        default:
            return publish();
        }
    }

    [[nodiscard]] Publish publish() {
        Publish p{.topic = topic(), .payload = binary(), .qos = qos(), .retain = coin()};
        if (p.qos != QoS::at_most_once) {
            p.packet_id = id();
            p.dup = coin();
        }
        if (!v5() || coin()) return p;
        auto& q = p.properties;
        maybe(q.payload_format_indicator, [&] { return bit(); });
        maybe(q.message_expiry_interval, [&] { return u32(); });
        maybe(q.topic_alias, [&] { return id(); });
        maybe(q.response_topic, [&] { return topic(); });
        maybe(q.correlation_data, [&] { return binary(); });
        maybe(q.content_type, [&] { return text(); });
        std::vector<std::uint32_t>& identifiers = numbers_.emplace_back();
        for (unsigned count = below(4); count > 0; --count) identifiers.push_back(identifier());
        q.subscription_identifiers = identifiers;
        q.user_properties = user();
        if (q.topic_alias && coin()) p.topic = {};
        return p;
    }

private:
    [[nodiscard]] bool v5() const { return version_ == Version::v5; }
    [[nodiscard]] bool coin() { return below(2) == 0; }
    [[nodiscard]] std::uint8_t bit() { return static_cast<std::uint8_t>(below(2)); }
    [[nodiscard]] std::uint16_t u16() { return static_cast<std::uint16_t>(random_()); }
    [[nodiscard]] std::uint32_t u32() { return static_cast<std::uint32_t>(random_()); }
    [[nodiscard]] PacketId id() { return static_cast<PacketId>(1 + below(65'535)); }
    [[nodiscard]] QoS qos() { return static_cast<QoS>(below(3)); }
    /// Of each size that a variable byte integer can have.
    [[nodiscard]] std::uint32_t identifier() { return 1 + below(268'435'455) % (1U << (7 * (1 + below(4)))); }

    /// Texts of one to four bytes a character, short and long.
    [[nodiscard]] std::string_view text() {
        static constexpr std::string_view characters[] = {
            "a", "/", "\x01", "\x7F", "\xC2\xA0", "\xE2\x82\xAC", "\xEF\xBB\xBF", "\xEF\xBF\xBF", "\xF0\x9F\xA6\x9F",
            " ", "$", "Z"};
        std::string& text = texts_.emplace_back();
        for (unsigned count = below(4) == 0 ? below(60) : below(10); count > 0; --count) text += characters[below(12)];
        return text;
    }
    [[nodiscard]] std::string_view topic() {
        const std::string_view found = text();
        return found.empty() ? "t" : found;
    }
    [[nodiscard]] Bytes binary() {
        std::string& bytes = texts_.emplace_back();
        for (unsigned count = below(8) == 0 ? below(400) : below(12); count > 0; --count)
            bytes += static_cast<char>(random_());
        return as_bytes(bytes);
    }
    template <class T, class F> void maybe(std::optional<T>& into, F make) {
        if (coin()) into = make();
    }
    [[nodiscard]] UserProperties user() {
        std::vector<UserProperty>& properties = users_.emplace_back();
        for (unsigned count = below(4); count > 0; --count) properties.push_back({text(), text()});
        return properties;
    }
    [[nodiscard]] AckProperties ack() {
        AckProperties q;
        if (!v5() || coin()) return q;
        maybe(q.reason_string, [&] { return text(); });
        q.user_properties = user();
        return q;
    }
    void authentication(auto& q) {
        maybe(q.authentication_method, [&] { return text(); });
        if (q.authentication_method) maybe(q.authentication_data, [&] { return binary(); });
    }
    [[nodiscard]] ReasonCode one_of(std::initializer_list<ReasonCode> codes) {
        return codes.begin()[below(static_cast<unsigned>(codes.size()))];
    }

    [[nodiscard]] Connect connect();
    [[nodiscard]] Connack connack();
    [[nodiscard]] Subscribe subscribe();
    [[nodiscard]] Suback suback();
    [[nodiscard]] Unsubscribe unsubscribe();
    [[nodiscard]] Unsuback unsuback();
    [[nodiscard]] Disconnect disconnect();
    [[nodiscard]] Auth auth();
    template <class P> [[nodiscard]] P reply(std::initializer_list<ReasonCode> codes) {
        return P{.packet_id = id(), .reason_code = v5() ? one_of(codes) : ReasonCode::success, .properties = ack()};
    }

    std::mt19937 random_;
    Version version_;
    std::deque<std::string> texts_;
    std::deque<std::vector<std::uint32_t>> numbers_;
    std::deque<std::vector<UserProperty>> users_;
    std::deque<std::vector<ReasonCode>> codes_;
    std::deque<std::vector<std::string_view>> filters_;
    std::deque<std::vector<TopicSubscription>> subscriptions_;
};

inline Connect RandomPackets::connect() {
    Connect p{.client_id = topic(), .clean_start = coin(), .keep_alive = u16()};
    maybe(p.user_name, [&] { return text(); });
    if (v5() || p.user_name) maybe(p.password, [&] { return binary(); });
    maybe(p.will, [&] { return Will{.topic = topic(), .payload = binary(), .qos = qos(), .retain = coin()}; });
    if (!v5() || coin()) return p;
    auto& q = p.properties;
    maybe(q.session_expiry_interval, [&] { return u32(); });
    maybe(q.receive_maximum, [&] { return id(); });
    maybe(q.maximum_packet_size, [&] { return u32() | 1U; });
    maybe(q.topic_alias_maximum, [&] { return u16(); });
    maybe(q.request_response_information, [&] { return bit(); });
    maybe(q.request_problem_information, [&] { return bit(); });
    authentication(q);
    q.user_properties = user();
    if (!p.will) return p;
    auto& w = p.will->properties;
    maybe(w.will_delay_interval, [&] { return u32(); });
    maybe(w.payload_format_indicator, [&] { return bit(); });
    maybe(w.message_expiry_interval, [&] { return u32(); });
    maybe(w.content_type, [&] { return text(); });
    maybe(w.response_topic, [&] { return topic(); });
    maybe(w.correlation_data, [&] { return binary(); });
    w.user_properties = user();
    return p;
}

inline Connack RandomPackets::connack() {
    Connack p{.session_present = coin(),
              .reason_code = one_of({ReasonCode::success, ReasonCode::not_authorized, ReasonCode::server_unavailable})};
    if (!v5() || coin()) return p;
    auto& q = p.properties;
    maybe(q.session_expiry_interval, [&] { return u32(); });
    maybe(q.receive_maximum, [&] { return id(); });
    maybe(q.maximum_qos, [&] { return bit(); });
    maybe(q.retain_available, [&] { return bit(); });
    maybe(q.maximum_packet_size, [&] { return u32() | 1U; });
    maybe(q.assigned_client_identifier, [&] { return text(); });
    maybe(q.topic_alias_maximum, [&] { return u16(); });
    maybe(q.reason_string, [&] { return text(); });
    maybe(q.wildcard_subscription_available, [&] { return bit(); });
    maybe(q.subscription_identifier_available, [&] { return bit(); });
    maybe(q.shared_subscription_available, [&] { return bit(); });
    maybe(q.server_keep_alive, [&] { return u16(); });
    maybe(q.response_information, [&] { return text(); });
    maybe(q.server_reference, [&] { return text(); });
    authentication(q);
    q.user_properties = user();
    return p;
}

inline Subscribe RandomPackets::subscribe() {
    std::vector<TopicSubscription>& list = subscriptions_.emplace_back();
    for (unsigned count = 1 + below(4); count > 0; --count) {
        TopicSubscription& one = list.emplace_back(TopicSubscription{.filter = topic(), .qos = qos()});
        if (v5()) {
            one.no_local = coin();
            one.retain_as_published = coin();
            one.retain_handling = static_cast<RetainHandling>(below(3));
        }
    }
    Subscribe p{.packet_id = id(), .subscriptions = list};
    if (!v5() || coin()) return p;
    maybe(p.properties.subscription_identifier, [&] { return identifier(); });
    p.properties.user_properties = user();
    return p;
}

inline Suback RandomPackets::suback() {
    std::vector<ReasonCode>& list = codes_.emplace_back();
    for (unsigned count = 1 + below(6); count > 0; --count) {
        list.push_back(one_of({ReasonCode::granted_qos_0, ReasonCode::granted_qos_1, ReasonCode::granted_qos_2,
                               ReasonCode::unspecified_error}));
    }
    return {.packet_id = id(), .reason_codes = list, .properties = ack()};
}

inline Unsubscribe RandomPackets::unsubscribe() {
    std::vector<std::string_view>& list = filters_.emplace_back();
    for (unsigned count = 1 + below(4); count > 0; --count) list.push_back(topic());
    return {.packet_id = id(), .filters = list, .properties = {.user_properties = v5() ? user() : UserProperties{}}};
}

inline Unsuback RandomPackets::unsuback() {
    std::vector<ReasonCode>& list = codes_.emplace_back();
    for (unsigned count = v5() ? 1 + below(6) : 0; count > 0; --count) {
        list.push_back(one_of({ReasonCode::success, ReasonCode::no_subscription_existed, ReasonCode::not_authorized}));
    }
    return {.packet_id = id(), .reason_codes = list, .properties = ack()};
}

inline Disconnect RandomPackets::disconnect() {
    Disconnect p;
    if (!v5()) return p;
    p.reason_code = one_of({ReasonCode::success, ReasonCode::disconnect_with_will, ReasonCode::server_moved});
    if (coin()) return p;
    maybe(p.properties.session_expiry_interval, [&] { return u32(); });
    maybe(p.properties.reason_string, [&] { return text(); });
    maybe(p.properties.server_reference, [&] { return text(); });
    p.properties.user_properties = user();
    return p;
}

inline Auth RandomPackets::auth() {
    Auth p{.reason_code =
               one_of({ReasonCode::success, ReasonCode::continue_authentication, ReasonCode::reauthenticate})};
    authentication(p.properties);
    maybe(p.properties.reason_string, [&] { return text(); });
    p.properties.user_properties = user();
    return p;
}

} // namespace culex::testing
