#pragma once
/// \file session_model.hpp
/// What a broker and an application may expect of a session, checked on every packet that it sends. The model reads the same
/// bytes as the session, with a framer of its own; what it does not understand, it does not expect anything of.

#include <charconv>
#include <deque>
#include <map>
#include <set>
#include <string>

#include "fuzz/fuzz.hpp"
#include "session/session.hpp"
#include "wire/codec.hpp"

namespace culex::fuzz {

/// A message of the application. Its payload begins with its number and a colon.
struct Told {
    std::string topic;
    QoS qos = QoS::at_most_once;
    bool retain = false;
    unsigned seen_on = 0; ///< the last link that it was sent on; 0 = none
    bool flushed = false; ///< it was handed to the transport
};

/// A message of the broker that the application was given at QoS 1 or 2.
struct Given {
    session::Delivery delivery;
    bool done = false; ///< the application said so
    ReasonCode code = ReasonCode::success;
};

class SessionModel {
public:
    explicit SessionModel(const session::Config& config) : config_(config) {}

    // --- the link

    void begin_link(const Connect& connect, Version version) {
        ++link_;
        version_ = version;
        names_method_ = connect.properties.authentication_method.has_value();
        said_connect_ = connack_came_ = said_disconnect_ = broken_ = false;
        from_broker_ = wire::Framer(config_.maximum_packet_size);
        from_session_ = wire::Framer();
        granted_ = session::Limits{};
        session_present_ = false;
        in_flight_.clear();
        requests_.clear();
        aliases_.clear();
        owed_pubacks_.clear();
        received_.clear();
        released_.clear();
        completed_.clear();
        was_read();
    }
    /// What came behind a CONNACK that has to be verified the session reads when it has gone on sending, and then takes an answer
    /// for that of what it has sent since. Such a broker answers what it has not got; we have to know what is in flight.
    void was_read() {
        keeps_ = false;
        answered_before_.clear();
    }
    [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_.size(); }
    [[nodiscard]] std::uint16_t last_request() const noexcept { return last_request_; }
    [[nodiscard]] PacketId last_publish() const noexcept { return last_publish_; }

    /// Before the session reads it. `acked(id)` is called for each answer that ends something of ours.
    template <class F> void received(Bytes bytes, F acked) {
        if (broken_) return;
        const std::vector<std::byte> copy(bytes.begin(), bytes.end());
        from_broker_.feed(copy);
        for (;;) {
            const Result<std::optional<wire::Frame>> frame = from_broker_.next();
            if (frame && !*frame) return;
            wire::Arena arena;
            const Result<Packet> packet =
                frame ? wire::decode(**frame, version_, arena, wire::Sender::server) : Result<Packet>(frame.failure());
            if (!packet) {
                broken_ = true; // and so the session reads nothing more on this link
                return;
            }
            std::visit([&](const auto& one) { heard(one, acked); }, *packet);
        }
    }
    void given(const session::Delivery& delivery) {
        if (delivery.sequence == 0) return;
        const auto [place, fresh] = given_.insert({delivery.sequence, Given{delivery}});
        FUZZ_CHECK(fresh, "delivery {} comes twice", delivery.sequence);
        if (delivery.qos == QoS::at_least_once) {
            owed_pubacks_.push_back(delivery.sequence);
        } else {
            last_given_[delivery.id] = delivery.sequence;
        }
    }
    void done(const session::Delivery& delivery, ReasonCode code) {
        Given& given = given_.at(delivery.sequence);
        given.done = true;
        given.code = code;
    }

    // --- what the session sends

    std::vector<Told> told;

    void sent(Bytes bytes) {
        const std::vector<std::byte> copy(bytes.begin(), bytes.end());
        from_session_.feed(copy);
        for (;;) {
            const Result<std::optional<wire::Frame>> frame = from_session_.next();
            FUZZ_CHECK(frame, "{}", frame.failure().message());
            if (!*frame) break;
            wire::Arena arena;
            const Result<Packet> packet = wire::decode(**frame, version_, arena, wire::Sender::client);
            FUZZ_CHECK(packet, "{}", packet.failure().message());
            check_place(*packet, (*frame)->size());
            std::visit([&](const auto& one) { said(one); }, *packet);
        }
        FUZZ_CHECK(!from_session_.mid_packet(), "the output ends inside a packet");
    }
    void flushed() {
        for (Told& message : told) {
            if (message.seen_on == link_) message.flushed = true;
        }
    }

private:
    // --- the broker's packets

    template <class P, class F> void heard(const P&, F&) {}
    template <class F> void heard(const Connack& packet, F&) {
        if (connack_came_ || failed(packet.reason_code)) return;
        connack_came_ = true;
        session_present_ = packet.session_present;
        granted_ = session::Limits::granted(packet.properties, std::chrono::seconds{0}, 0);
        keeps_ = packet.properties.authentication_method.has_value();
    }
    template <class F> void heard(const Publish& packet, F&) {
        if (packet.qos != QoS::exactly_once) return;
        if (completed_.erase(packet.packet_id) != 0) {
            received_.erase(packet.packet_id);
            released_.erase(packet.packet_id);
        }
        ++received_[packet.packet_id];
    }
    template <class F> void heard(const Pubrel& packet, F&) {
        completed_.erase(packet.packet_id);
        ++released_[packet.packet_id];
    }
    template <class F> void heard(const Puback& packet, F& acked) {
        acked(packet.packet_id);
        ends(packet.packet_id);
    }
    template <class F> void heard(const Pubrec& packet, F& acked) {
        acked(packet.packet_id);
        pubrecs_.insert(packet.packet_id);
        if (failed(packet.reason_code)) ends(packet.packet_id);
    }
    template <class F> void heard(const Pubcomp& packet, F& acked) {
        acked(packet.packet_id);
        ends(packet.packet_id);
    }
    template <class F> void heard(const Suback& packet, F& acked) {
        acked(packet.packet_id);
        requests_.erase(packet.packet_id);
    }
    template <class F> void heard(const Unsuback& packet, F& acked) {
        acked(packet.packet_id);
        requests_.erase(packet.packet_id);
    }

    void ends(PacketId id) {
        if (in_flight_.erase(id) == 0 && keeps_) answered_before_.insert(id);
    }

    // --- the session's

    void check_place(const Packet& packet, std::size_t size) {
        const PacketType type = type_of(packet);
        const std::string what = wire::describe(packet);
        FUZZ_CHECK(said_connect_ != (type == PacketType::connect), "CONNECT is the first packet, once: {}", what);
        FUZZ_CHECK(!said_disconnect_, "behind DISCONNECT: {}", what); // [MQTT-3.14.4-1]
        const bool early = type == PacketType::connect || type == PacketType::auth || type == PacketType::disconnect;
        FUZZ_CHECK(connack_came_ || early, "before CONNACK: {}", what);
        if (connack_came_) FUZZ_CHECK(size <= granted_.maximum_packet_size, "{} bytes: {}", size, what);
        said_connect_ = true;
        said_disconnect_ = type == PacketType::disconnect;
    }
    template <class P> void said(const P&) {}
    void said(const Auth&) { FUZZ_CHECK(names_method_, "AUTH without a method [MQTT-4.12.0-6]"); }

    void said(const Publish& packet) {
        Told& message = message_of(packet);
        FUZZ_CHECK(topic_of(packet) == message.topic, "the topic became {}", topic_of(packet));
        FUZZ_CHECK(packet.qos == message.qos && packet.retain == message.retain, "{}", wire::describe(packet));
        FUZZ_CHECK(packet.qos <= granted_.maximum_qos, "{}", wire::describe(packet));          // [MQTT-3.2.2-11]
        FUZZ_CHECK(!packet.retain || granted_.retain_available, "{}", wire::describe(packet)); // [MQTT-3.2.2-14]
        FUZZ_CHECK(packet.properties.subscription_identifiers.empty(), "[MQTT-3.3.4-6]");
        FUZZ_CHECK(message.seen_on != link_, "twice on one link: {}", wire::describe(packet)); // [MQTT-4.4.0-1]
        const bool again = message.seen_on != 0;
        FUZZ_CHECK(!packet.dup || again, "DUP on what is new: {}", wire::describe(packet)); // [MQTT-3.3.1-2]
        if (packet.qos == QoS::at_most_once) FUZZ_CHECK(!again, "QoS 0 twice: {}", wire::describe(packet));
        if (session_present_ && message.flushed)
            FUZZ_CHECK(packet.dup, "sent again without DUP: {}", wire::describe(packet)); // [MQTT-3.3.1-1]
        message.seen_on = link_;
        if (packet.qos == QoS::at_most_once) return;
        last_publish_ = packet.packet_id;
        check_free(packet.packet_id, packet);
        if (answered_before_.erase(packet.packet_id) == 0) in_flight_.insert(packet.packet_id);
        FUZZ_CHECK(in_flight_.size() <= granted_.receive_maximum, "{} are in flight", in_flight_.size());
    }
    void said(const Subscribe& packet) {
        ask(packet);
        if (packet.properties.subscription_identifier) FUZZ_CHECK(granted_.subscription_identifiers, "not granted");
        for (const TopicSubscription& one : packet.subscriptions) {
            const bool wild = one.filter.find_first_of("+#") != one.filter.npos;
            FUZZ_CHECK(!wild || granted_.wildcard_subscriptions, "not granted: {}", one.filter);
            FUZZ_CHECK(!one.filter.starts_with("$share/") || granted_.shared_subscriptions, "{}", one.filter);
        }
    }
    void said(const Unsubscribe& packet) { ask(packet); }
    template <class P> void ask(const P& packet) {
        check_free(packet.packet_id, packet);
        requests_.insert(packet.packet_id);
        last_request_ = packet.packet_id;
    }
    void said(const Pubrel& packet) {
        FUZZ_CHECK(pubrecs_.contains(packet.packet_id), "PUBREL before PUBREC: {}", packet.packet_id);
    }
    /// In the order of arrival, and never before the application was done [MQTT-4.6.0-2].
    void said(const Puback& packet) {
        FUZZ_CHECK(!owed_pubacks_.empty(), "PUBACK {} answers nothing of this link", packet.packet_id);
        const Given& given = given_.at(owed_pubacks_.front());
        FUZZ_CHECK(given.delivery.id == packet.packet_id, "PUBACK {} before {}", packet.packet_id, given.delivery.id);
        FUZZ_CHECK(given.done, "PUBACK {} before the application was done", packet.packet_id);
        check_code(packet.reason_code, given);
        owed_pubacks_.pop_front();
    }
    /// At QoS 2 there is no answer without a packet that asks for it, and behind PUBCOMP the same identifier is another message:
    /// none of what the former one has asked for answers that [MQTT-4.3.3-12].
    void said(const Pubrec& packet) {
        FUZZ_CHECK(received_[packet.packet_id]-- > 0, "PUBREC {} answers nothing", packet.packet_id);
        if (config_.deliver_on_pubrel) return; // it takes the message, and hands it on later
        check_code(packet.reason_code, finished(packet.packet_id, "PUBREC"));
    }
    void said(const Pubcomp& packet) {
        FUZZ_CHECK(released_[packet.packet_id]-- > 0, "PUBCOMP {} answers nothing", packet.packet_id);
        completed_.insert(packet.packet_id);
        // What we do not know any more is answered, too; MQTT 3.1.1 cannot say so [MQTT-4.3.3-11].
        if (version_ == Version::v5 && !failed(packet.reason_code)) finished(packet.packet_id, "PUBCOMP");
    }
    const Given& finished(PacketId id, const char* answer) {
        const auto place = last_given_.find(id);
        FUZZ_CHECK(place != last_given_.end(), "{} {} for what was never handed on", answer, id);
        const Given& given = given_.at(place->second);
        FUZZ_CHECK(given.done, "{} {} before the application was done", answer, id);
        return given;
    }
    static void check_code(ReasonCode said, const Given& given) {
        if (failed(said)) FUZZ_CHECK(failed(given.code), "a refusal that the application did not ask for");
    }
    template <class P> void check_free(PacketId id, const P& packet) {
        FUZZ_CHECK(!in_flight_.contains(id) && !requests_.contains(id), "in use: {}", wire::describe(packet));
    }

    Told& message_of(const Publish& packet) {
        const std::string_view text = as_text(packet.payload);
        std::size_t number = told.size();
        std::from_chars(text.data(), text.data() + text.size(), number);
        FUZZ_CHECK(number < told.size(), "nobody's message: {}", wire::describe(packet));
        return told[number];
    }
    std::string topic_of(const Publish& packet) {
        const std::uint16_t alias = packet.properties.topic_alias.value_or(0);
        FUZZ_CHECK(alias <= granted_.topic_alias_maximum, "alias {}", alias); // [MQTT-3.3.2-9]
        if (alias == 0) return std::string(packet.topic);
        if (!packet.topic.empty()) aliases_[alias] = packet.topic;
        FUZZ_CHECK(aliases_.contains(alias), "alias {} stands for nothing", alias);
        return aliases_[alias];
    }

    const session::Config& config_;
    Version version_{};
    unsigned link_ = 0;
    bool names_method_ = false;
    bool said_connect_ = false;
    bool connack_came_ = false;
    bool said_disconnect_ = false;
    bool session_present_ = false;
    bool broken_ = false;
    bool keeps_ = false; // the session keeps what comes behind CONNACK until that is verified
    wire::Framer from_broker_;
    wire::Framer from_session_;
    session::Limits granted_;
    std::set<PacketId> in_flight_;       // PUBLISH of this link, not answered for good
    std::set<PacketId> answered_before_; // ... before it was sent
    std::set<PacketId> requests_;
    std::map<std::uint16_t, std::string> aliases_;
    std::deque<std::uint64_t> owed_pubacks_; // sequences of this link
    std::map<std::uint64_t, Given> given_;
    std::map<PacketId, std::uint64_t> last_given_; // at QoS 2
    std::map<PacketId, int> received_;             // PUBLISHes at QoS 2 of this link that PUBREC may still answer
    std::map<PacketId, int> released_;             // PUBRELs that PUBCOMP may
    std::set<PacketId> completed_;                 // PUBCOMP was said, and nothing has come since
    std::set<PacketId> pubrecs_;
    PacketId last_request_ = 0;
    PacketId last_publish_ = 0;
};

} // namespace culex::fuzz
