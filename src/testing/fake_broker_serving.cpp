// What a connection does with each packet: the broker's side of chapter 3 and section 4.3 of the standards.

#include <algorithm>

#include <fmt/format.h>

#include <culex/topic.hpp>

#include "testing/fake_broker_connection.hpp"
#include "testing/fake_broker_core.hpp"
#include "wire/return_code.hpp"

namespace culex::testing {
namespace {

ReasonCode sayable(ReasonCode code, PacketType packet) {
    return allowed_in(code, packet, Version::v5) ? code : ReasonCode::unspecified_error;
}

} // namespace

void BrokerConnection::serve(const wire::Frame& frame) {
    arena_.reset();
    if (!session_) return authenticating_ ? continue_connecting(frame) : handle_connect(frame);
    const Result<Packet> packet = wire::decode(frame, version_, arena_, wire::Sender::client);
    if (!packet) return refuse(packet.failure());
    std::visit([this](const auto& any) { handle(any); }, *packet);
}

// --- CONNECT

void BrokerConnection::handle_connect(const wire::Frame& frame) {
    if (frame.type() != PacketType::connect) {
        complain(fmt::format("{} before CONNECT", to_string(frame.type()))); // [MQTT-3.1.0-1]
        return drop();
    }
    const Result<Version> version = wire::connect_version(frame);
    if (!version) {
        complain(version.failure().message());
        const bool answer = version.failure().reason_code() == ReasonCode::unsupported_protocol_version;
        return answer ? refuse_connect(ReasonCode::unsupported_protocol_version) : drop(); // [MQTT-3.1.2-2]
    }
    const Result<Connect> connect = wire::decode<Connect>(frame, version_, arena_, wire::Sender::client);
    if (!connect) {
        const ReasonCode code = connect.failure().reason_code();
        complain(connect.failure().message());
        const bool nameless = code == ReasonCode::client_identifier_not_valid;      // to keep a session needs a name
        return nameless || version_ == Version::v5 ? refuse_connect(code) : drop(); // [MQTT-3.1.3-8], [MQTT-3.1.4-1]
    }
    client_id_ = connect->client_id;
    const ReasonCode verdict = admit(*connect);
    if (state_ != State::serving) return; // `authenticate` has ended it
    if (failed(verdict)) return refuse_connect(verdict);
    return connect->properties.authentication_method ? begin_authentication(*connect, frame) : welcome(*connect);
}

ReasonCode BrokerConnection::admit(const Connect& connect) {
    const ReasonCode verdict = core_.admit(connect);
    if (failed(verdict) || state_ != State::serving || !connect.will) return verdict;
    return check_granted(*connect.will); // [MQTT-3.2.2-12], [MQTT-3.2.2-13]
}

void BrokerConnection::refuse_connect(ReasonCode code) {
    // A failure for which 3.1.1 has no number must still be one.
    const bool sayable = version_ == Version::v5 || wire::to_return_code(code);
    const ConnackProperties& told = core_.options().connack;
    Connack connack{.reason_code = sayable ? code : ReasonCode::server_unavailable};
    if (version_ == Version::v5) {
        connack.properties = {.reason_string = told.reason_string, .user_properties = told.user_properties};
        const bool elsewhere = code == ReasonCode::use_another_server || code == ReasonCode::server_moved;
        if (elsewhere) connack.properties.server_reference = told.server_reference;
    }
    send(connack);
    close(false);
}

void BrokerConnection::welcome(const Connect& connect) {
    const bool assign = connect.client_id.empty();
    const bool v5 = version_ == Version::v5;
    const ConnackProperties granted = connack_for(connect);
    if (assign)
        client_id_ =
            v5 && granted.assigned_client_identifier ? *granted.assigned_client_identifier : core_.make_client_id();
    const auto [session, present] = core_.join(connect, client_id_);
    clean_start_ = connect.clean_start;
    keep_alive_ = v5 ? granted.server_keep_alive.value_or(connect.keep_alive) : connect.keep_alive;
    keep_to(connect, granted);
    const auto asked_expiry = connect.properties.session_expiry_interval.value_or(0);
    may_keep_session_ = asked_expiry != 0;
    session->expiry_interval = v5                    ? granted.session_expiry_interval.value_or(asked_expiry)
                               : connect.clean_start ? 0
                                                     : never_expires;
    if (connect.will) {
        will_ = make_message(*connect.will, client_id_);
        will_delay_ = connect.will->properties.will_delay_interval.value_or(0);
    }
    Connack connack{.session_present = present, .properties = granted};
    if (assign) connack.properties.assigned_client_identifier = client_id_;
    if (!method_.empty()) connack.properties.authentication_method = method_; // [MQTT-4.12.0-5]
    if (!last_word_.empty()) connack.properties.authentication_data = as_bytes(last_word_);
    if (!connack_sent_) send(connack);
    session_ = session;
    watch_keep_alive();
    const std::uint16_t window = connect.properties.receive_maximum.value_or(65'535);
    session->attach(*this, std::min(window, core_.options().max_in_flight));
}

// --- PUBLISH and its answers

Result<void> BrokerConnection::resolve_alias(Publish& packet) {
    if (!packet.properties.topic_alias) return {};
    const std::size_t alias = *packet.properties.topic_alias;
    if (alias > aliases_.size()) {
        return Failure(Errc::protocol_error, "PUBLISH: topic alias was not granted", ReasonCode::topic_alias_invalid);
    }
    std::string& topic = aliases_[alias - 1];
    if (!packet.topic.empty()) {
        topic = packet.topic;
    } else if (topic.empty()) {
        return Failure(Errc::protocol_error, "PUBLISH: topic alias has no topic yet", ReasonCode::protocol_error);
    } else {
        packet.topic = topic;
    }
    return {};
}

void BrokerConnection::handle(const Publish& packet) {
    Publish publish = packet;
    if (const Result<void> resolved = resolve_alias(publish); !resolved) return refuse(resolved.failure());
    if (const Result<void> legal = check_topic_name(publish.topic); !legal) return refuse(legal.failure());
    if (const Result<void> granted = check_granted(publish); !granted) return refuse(granted.failure());
    if (publish.qos == QoS::at_most_once) {
        static_cast<void>(take(publish));
    } else if (publish.qos == QoS::at_least_once) {
        receiving_.insert(publish.packet_id);
        acknowledge({PacketType::puback, publish.packet_id, take(publish)});
    } else {
        // Handed on with its PUBLISH; the identifier is remembered until PUBREL (section 4.3.3, method B).
        receiving_.insert(publish.packet_id);
        const bool is_new = session_->remember(publish.packet_id);
        const ReasonCode code = is_new ? take(publish) : ReasonCode::success;
        if (failed(code) && session_) static_cast<void>(session_->release(publish.packet_id));
        acknowledge({PacketType::pubrec, publish.packet_id, code});
    }
}

void BrokerConnection::acknowledge(const Acknowledgement& one) {
    held_.push_back(one);
    if (!core_.options().hold_acknowledgements) release_acknowledgements(SIZE_MAX);
}

void BrokerConnection::send_acknowledgement(const Acknowledgement& one) {
    if (one.type == PacketType::puback) {
        send(Puback{.packet_id = one.id, .reason_code = one.code});
    } else {
        send(Pubrec{.packet_id = one.id, .reason_code = one.code});
    }
    if (one.type == PacketType::puback || failed(one.code)) receiving_.erase(one.id);
}

ReasonCode BrokerConnection::take(const Publish& packet) {
    if (const auto refused = core_.options().refuse_publish) return sayable(*refused, PacketType::puback);
    if (auto& authorize = core_.options().authorize_publish) {
        const ReasonCode verdict = authorize(client_id_, packet);
        if (failed(verdict) || state_ != State::serving) return verdict;
    }
    const std::size_t receivers = core_.publish(make_message(packet, client_id_));
    return receivers == 0 ? ReasonCode::no_matching_subscribers : ReasonCode::success;
}

void BrokerConnection::handle(const Pubrel& packet) {
    const bool known = session_->release(packet.packet_id);
    receiving_.erase(packet.packet_id);
    send(Pubcomp{.packet_id = packet.packet_id,
                 .reason_code = known ? ReasonCode::success : ReasonCode::packet_identifier_not_found});
}

namespace {

Failure wrong_answer(PacketType type, PacketId id) {
    return Failure(Errc::protocol_error,
                   fmt::format("{} id={} does not fit the step of that message", to_string(type), id),
                   ReasonCode::protocol_error);
}

} // namespace

void BrokerConnection::handle(const Puback& packet) {
    if (!session_->handle_puback(packet.packet_id)) refuse(wrong_answer(PacketType::puback, packet.packet_id));
}

void BrokerConnection::handle(const Pubrec& packet) {
    if (!session_->handle_pubrec(packet.packet_id, packet.reason_code)) {
        refuse(wrong_answer(PacketType::pubrec, packet.packet_id));
    }
}

void BrokerConnection::handle(const Pubcomp& packet) {
    if (!session_->handle_pubcomp(packet.packet_id)) refuse(wrong_answer(PacketType::pubcomp, packet.packet_id));
}

// --- SUBSCRIBE and UNSUBSCRIBE

ReasonCode BrokerConnection::grant(const TopicSubscription& asked, bool has_identifier) {
    FakeBrokerOptions& options = core_.options();
    if (const Result<void> legal = check_topic_filter(asked.filter); !legal) {
        complain(legal.failure().message());
        return ReasonCode::topic_filter_invalid;
    }
    if (const ReasonCode granted = check_granted(asked, has_identifier); failed(granted)) return granted;
    if (options.refuse_subscribe) return sayable(*options.refuse_subscribe, PacketType::suback);
    if (std::ranges::find(options.refused_filters, asked.filter) != options.refused_filters.end()) {
        return ReasonCode::not_authorized;
    }
    const auto takes = static_cast<QoS>(granted_.maximum_qos.value_or(2));
    const auto most = static_cast<ReasonCode>(std::min({asked.qos, options.maximum_qos, takes}));
    if (!options.authorize_subscribe) return most;
    const ReasonCode verdict = options.authorize_subscribe(client_id_, asked);
    return failed(verdict) ? verdict : std::min(verdict, most);
}

void BrokerConnection::handle(const Subscribe& packet) {
    std::vector<ReasonCode> codes;
    std::vector<const TopicSubscription*> with_retained;
    for (const TopicSubscription& asked : packet.subscriptions) {
        codes.push_back(grant(asked, packet.properties.subscription_identifier.has_value()));
        if (!session_) return; // `authorize_subscribe` has ended it
        if (failed(codes.back())) continue;
        const bool fresh =
            core_.router().subscribe(*session_, asked,
                                     {.qos = static_cast<QoS>(codes.back()),
                                      .identifier = packet.properties.subscription_identifier.value_or(0)});
        const bool wanted = asked.retain_handling == RetainHandling::send ||
                            (asked.retain_handling == RetainHandling::send_if_new && fresh);
        if (wanted) with_retained.push_back(&asked);
    }
    send(Suback{.packet_id = packet.packet_id, .reason_codes = codes}); // [MQTT-3.8.4-1]
    for (const TopicSubscription* asked : with_retained) {
        core_.router().deliver_retained(session_->subscriptions.find(asked->filter)->second, core_.now());
    }
}

void BrokerConnection::handle(const Unsubscribe& packet) {
    std::vector<ReasonCode> codes;
    const auto refused = core_.options().refuse_unsubscribe;
    for (const std::string_view filter : packet.filters) {
        if (refused && version_ == Version::v5) {
            codes.push_back(sayable(*refused, PacketType::unsuback));
            continue;
        }
        const bool had = core_.router().unsubscribe(*session_, filter);
        codes.push_back(had ? ReasonCode::success : ReasonCode::no_subscription_existed);
    }
    if (version_ == Version::v3_1_1) codes.clear(); // it has no place for them
    send(Unsuback{.packet_id = packet.packet_id, .reason_codes = codes});
}

// --- the rest

void BrokerConnection::handle(const Pingreq&) { send(Pingresp{}); }

void BrokerConnection::handle(const Disconnect& packet) {
    if (const auto expiry = packet.properties.session_expiry_interval) {
        if (*expiry != 0 && !may_keep_session_) {
            return refuse(Failure(Errc::protocol_error,
                                  "DISCONNECT: a session that ends with its connection cannot be kept",
                                  ReasonCode::protocol_error)); // section 3.14.2.2.2
        }
        session_->expiry_interval = *expiry;
    }
    close(packet.reason_code == ReasonCode::disconnect_with_will); // [MQTT-3.14.4-3]
}

template <class P> void BrokerConnection::handle(const P&) {
    refuse(Failure(Errc::protocol_error, fmt::format("{} where it may not be", to_string(P::type)),
                   ReasonCode::protocol_error));
}

void BrokerConnection::refuse(const Failure& why) {
    complain(why.message());
    if (!session_) return drop();
    say_goodbye(why.reason_code(), true);
}

} // namespace culex::testing
