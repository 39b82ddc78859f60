#pragma once
/// \file layout.hpp
/// What each packet looks like on the wire, said once. `run(io, packet)` is played by a Reader (reader.hpp), which fills the
/// packet in, by a Measurer (measurer.hpp), which checks and counts, and by a Writer (writer.hpp), which finds everything
/// checked. Their common vocabulary:
///
///   literal, version        fixed content of CONNECT
///   bits                    one byte of flags; bits that are not named are reserved and 0
///   number, packet_id       big-endian integers; a packet identifier is not 0 [MQTT-2.2.1-3]
///   text, topic, binary     two bytes of length, then the content; UTF-8; no wildcards
///   reason                  a reason code out of the packet's own list
///   list                    elements up to the packet's end, at least one
///   properties, tail        MQTT 5's properties, and its short forms at a packet's end; nothing in 3.1.1
///   rest                    everything that is left
///   require                 a rule between fields

#include <culex/packet.hpp>

namespace culex::wire {

/// Which short forms the end of a packet has: reason code and properties may go if they say nothing.
enum class Tail : std::uint8_t {
    each_optional,  ///< a reason code may stand without properties (sections 3.4.2.2.1, 3.14.2.2.1)
    all_or_nothing, ///< AUTH: both or neither (section 3.15.2.1)
};

template <class P> struct Layout;

/// Data means nothing without the method (section 4.12).
void authentication(auto& io, auto& properties) {
    io.require(!io.v5() || properties.authentication_method || !properties.authentication_data, "authentication_data",
               "comes without authentication_method", ReasonCode::protocol_error);
}

template <> struct Layout<Connect> {
    static constexpr std::uint8_t flags = 0;
    static void run(auto& io, auto& p) {
        io.literal("protocol name", "MQTT"); // [MQTT-3.1.2-1]
        io.version();
        io.bits("connect flags", [&](auto& bits) {
            bits.flag(1, p.clean_start);
            bits.presence(2, p.will);
            if (p.will) { // otherwise these bits are 0 [MQTT-3.1.2-11], [MQTT-3.1.2-13]
                bits.number(3, 2, p.will->qos, QoS::exactly_once);
                bits.flag(5, p.will->retain);
            }
            bits.presence(6, p.password);
            bits.presence(7, p.user_name);
        });
        io.number("keep alive", p.keep_alive);
        io.properties(p.properties);
        authentication(io, p.properties);
        io.text("client id", p.client_id);
        if (p.will) will(io, *p.will);
        if (p.user_name) io.text("user name", *p.user_name);
        if (p.password) io.binary("password", *p.password);
        if (io.v5()) return;
        // The server answers this one with return code 2 [MQTT-3.1.3-8], so it is told apart.
        io.require(!p.client_id.empty() || p.clean_start, "client id", "is empty without a clean session",
                   ReasonCode::client_identifier_not_valid); // [MQTT-3.1.3-7]
        io.require(p.user_name || !p.password, "password", "comes without a user name",
                   ReasonCode::malformed_packet); // [MQTT-3.1.2-22]
    }

private:
    static void will(auto& io, auto& w) {
        io.properties(w.properties);
        io.topic("will topic", w.topic);
        io.require(!w.topic.empty(), "will topic", "is empty", ReasonCode::protocol_error); // [MQTT-4.7.3-1]
        io.binary("will payload", w.payload);
    }
};

template <> struct Layout<Connack> {
    static constexpr std::uint8_t flags = 0;
    static void run(auto& io, auto& p) {
        io.bits("acknowledge flags", [&](auto& bits) { bits.flag(0, p.session_present); });
        io.reason(p.reason_code);
        io.properties(p.properties);
        authentication(io, p.properties);
    }
};

template <> struct Layout<Publish> {
    /// The first byte's flags, which other packets fix.
    static void first_byte(auto& bits, auto& p) {
        bits.flag(0, p.retain);
        bits.number(1, 2, p.qos, QoS::exactly_once); // [MQTT-3.3.1-4]
        bits.flag(3, p.dup);
    }
    static void run(auto& io, auto& p) {
        const bool has_id = p.qos != QoS::at_most_once;
        io.require(has_id || !p.dup, "dup", "is set at QoS 0", ReasonCode::malformed_packet); // [MQTT-3.3.1-2]
        io.topic("topic", p.topic);
        if (has_id) io.packet_id(p.packet_id);
        io.require(has_id || p.packet_id == 0, "packet id", "is given at QoS 0", ReasonCode::malformed_packet);
        io.properties(p.properties);
        io.require(!p.topic.empty() || (io.v5() && p.properties.topic_alias), "topic",
                   "is empty, and there is no alias", ReasonCode::protocol_error);
        io.rest(p.payload);
    }
};

template <PacketType Type> struct Layout<PublishReply<Type>> {
    static constexpr std::uint8_t flags = Type == PacketType::pubrel ? 2 : 0; // [MQTT-3.6.1-1]
    static void run(auto& io, auto& p) {
        io.packet_id(p.packet_id);
        io.tail(p.reason_code, p.properties, Tail::each_optional);
    }
};

template <> struct Layout<Subscribe> {
    static constexpr std::uint8_t flags = 2; // [MQTT-3.8.1-1]
    static void run(auto& io, auto& p) {
        io.packet_id(p.packet_id);
        io.properties(p.properties);
        io.list("topic filters", p.subscriptions, [&](auto& s) { // [MQTT-3.8.3-2]
            io.text("topic filter", s.filter);
            io.require(!s.filter.empty(), "topic filter", "is empty", ReasonCode::protocol_error); // [MQTT-4.7.3-1]
            io.bits("subscription options", [&](auto& bits) {                                      // [MQTT-3.8.3-5]
                bits.number(0, 2, s.qos, QoS::exactly_once);
                if (!io.v5()) return;
                bits.flag(2, s.no_local);
                bits.flag(3, s.retain_as_published);
                bits.number(4, 2, s.retain_handling, RetainHandling::do_not_send);
            });
            io.require(!io.v5() || !s.no_local || !s.filter.starts_with("$share/"), "no_local",
                       "is set on a shared subscription", ReasonCode::protocol_error); // [MQTT-3.8.3-4]
        });
    }
};

template <> struct Layout<Suback> {
    static constexpr std::uint8_t flags = 0;
    static void run(auto& io, auto& p) {
        io.packet_id(p.packet_id);
        io.properties(p.properties);
        io.list("reason codes", p.reason_codes, [&](auto& code) { io.reason(code); });
    }
};

template <> struct Layout<Unsubscribe> {
    static constexpr std::uint8_t flags = 2; // [MQTT-3.10.1-1]
    static void run(auto& io, auto& p) {
        io.packet_id(p.packet_id);
        io.properties(p.properties);
        io.list("topic filters", p.filters, [&](auto& filter) { // [MQTT-3.10.3-2]
            io.text("topic filter", filter);
            io.require(!filter.empty(), "topic filter", "is empty", ReasonCode::protocol_error);
        });
    }
};

template <> struct Layout<Unsuback> {
    static constexpr std::uint8_t flags = 0;
    static void run(auto& io, auto& p) {
        io.packet_id(p.packet_id);
        io.properties(p.properties);
        if (io.v5()) io.list("reason codes", p.reason_codes, [&](auto& code) { io.reason(code); });
    }
};

template <> struct Layout<Pingreq> {
    static constexpr std::uint8_t flags = 0;
    static void run(auto&, auto&) {}
};

template <> struct Layout<Pingresp> {
    static constexpr std::uint8_t flags = 0;
    static void run(auto&, auto&) {}
};

template <> struct Layout<Disconnect> {
    static constexpr std::uint8_t flags = 0; // [MQTT-3.14.1-1]
    static void run(auto& io, auto& p) { io.tail(p.reason_code, p.properties, Tail::each_optional); }
};

template <> struct Layout<Auth> {
    static constexpr std::uint8_t flags = 0; // [MQTT-3.15.1-1]
    static void run(auto& io, auto& p) {
        io.tail(p.reason_code, p.properties, Tail::all_or_nothing);
        authentication(io, p.properties);
    }
};

} // namespace culex::wire
