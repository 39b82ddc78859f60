// The documented client itself: its arguments made into the engine's.
#include <culex/client.hpp>

#include <fmt/format.h>

#include "facade/engine.hpp"

namespace culex {
namespace {

[[noreturn]] void refuse(std::string detail) { throw Error(Failure(Errc::invalid_argument, std::move(detail))); }

QoS checked(QosLevel qos) {
    if (qos.value() < 0 || qos.value() > 2) refuse(fmt::format("qos: {} is none of 0, 1 and 2", qos.value()));
    return static_cast<QoS>(qos.value());
}

Transport transport(const ConnectSettings& settings) noexcept {
    if (settings.websocket_path) return settings.tls ? Transport::wss : Transport::ws;
    return settings.tls ? Transport::tls : Transport::tcp;
}

Endpoint endpoint(const ConnectSettings& settings, std::string_view host, int port) {
    if (port < 1 || port > 65'535) refuse(fmt::format("port: {} is not within 1 to 65,535", port));
    const bool bare_ipv6 = host.find(':') != host.npos && !host.starts_with('[');
    const std::string name = bare_ipv6 ? fmt::format("[{}]", host) : std::string(host);
    auto parsed = Endpoint::parse(fmt::format("mqtt://{}:{}", name, port));
    if (!parsed) refuse(fmt::format("host: {}", parsed.failure().detail()));
    return Endpoint(transport(settings), parsed->host(), parsed->port(),
                    settings.websocket_path.value_or(std::string()));
}

std::optional<std::string> owned(std::optional<std::string_view> text) {
    return text ? std::optional<std::string>(*text) : std::nullopt;
}

Publish packet(std::string_view topic, Bytes payload, QosLevel qos, bool retain, const PublishProperties& properties) {
    Publish message{
        .topic = topic, .payload = payload, .qos = checked(qos), .retain = retain, .properties = properties};
    message.properties.topic_alias.reset();
    message.properties.subscription_identifiers = {};
    return message;
}

std::vector<ReasonVerdict> owned(std::span<const ReasonVerdict> verdicts) { return {verdicts.begin(), verdicts.end()}; }

} // namespace

Client::Client(std::string_view client_id, bool clean_session, const ClientSettings& settings)
    : engine_(std::make_shared<facade::Engine>(
          *this, facade::Profile{.client_id = std::string(client_id),
                                 .clean_session = clean_session,
                                 .settings = settings,
                                 .verdicts = owned(settings.reconnect.verdicts),
                                 .properties = facade::Kept<ConnectProperties>::make(settings.properties)})) {}

Client::~Client() { engine_->close(); }

void Client::on(Command command, Callback callback, Condition condition, int priority) {
    engine_->on(command, std::move(callback), std::move(condition), priority);
}

void Client::set_will(std::string_view topic, std::string_view payload, QosLevel qos, bool retain) {
    set_will(topic, payload, qos, retain, {});
}

void Client::set_will(std::string_view topic, std::string_view payload, QosLevel qos, bool retain,
                      const WillProperties& properties) {
    facade::Profile::WillMessage will{std::string(topic), std::string(payload), checked(qos), retain,
                                      facade::Kept<WillProperties>::make(properties)};
    engine_->change_profile([&](facade::Profile& profile) { profile.will = std::move(will); });
}

void Client::set_username_pw(std::optional<std::string_view> username, std::optional<std::string_view> password) {
    engine_->change_profile([&](facade::Profile& profile) {
        profile.user_name = owned(username);
        profile.password = owned(password);
    });
}

// A call may outlive the client, which another thread or a callback destroys: hence the copies.

void Client::connect(std::string_view host, int keepalive, int port, ConnectSettings settings) {
    const Endpoint broker = endpoint(settings, host, port);
    const auto engine = engine_;
    engine->connect(broker, std::chrono::seconds(keepalive), std::move(settings));
}

void Client::reconnect() {
    const auto engine = engine_;
    engine->reconnect();
}

std::size_t Client::disconnect() {
    const auto engine = engine_;
    return engine->disconnect();
}

std::size_t Client::disconnect(const DisconnectOptions& options) {
    const auto engine = engine_;
    return engine->disconnect(options);
}

PacketId Client::subscribe(std::span<const TopicQos> topics) { return subscribe(topics, {}); }

PacketId Client::subscribe(std::span<const TopicQos> topics, const SubscribeProperties& properties) {
    std::vector<TopicSubscription> subscriptions;
    for (const TopicQos& topic : topics) {
        subscriptions.push_back({.filter = topic.filter,
                                 .qos = checked(topic.qos),
                                 .no_local = topic.no_local,
                                 .retain_as_published = topic.retain_as_published,
                                 .retain_handling = topic.retain_handling});
    }
    const auto engine = engine_;
    return engine->subscribe(subscriptions, properties);
}

PacketId Client::unsubscribe(std::span<const std::string_view> topics) { return unsubscribe(topics, {}); }

PacketId Client::unsubscribe(std::span<const std::string_view> topics, const UnsubscribeProperties& properties) {
    const auto engine = engine_;
    return engine->unsubscribe(topics, properties);
}

PacketId Client::publish(std::string_view topic, std::string_view payload, QosLevel qos, bool retain) {
    return publish(topic, payload, qos, retain, {});
}

PacketId Client::publish(std::string_view topic, std::string_view payload, QosLevel qos, bool retain,
                         const PublishProperties& properties) {
    Publish message = packet(topic, as_bytes(payload), qos, retain, properties);
    const auto engine = engine_;
    return engine->publish(message);
}

PacketId Client::publish(std::string_view topic, const Payload& payload, QosLevel qos, bool retain,
                         const PublishProperties& properties) {
    Publish message = packet(topic, payload.bytes(), qos, retain, properties);
    const auto engine = engine_;
    return engine->publish(message, &payload);
}

void Client::loop() { engine_->loop(); }

void Client::loop(Callback on_message) {
    if (on_message) engine_->on_message(std::move(on_message));
    engine_->loop();
}

Statistics Client::statistics() const {
    const auto engine = engine_;
    return engine->statistics();
}

bool Client::connected() const noexcept { return engine_->is_connected(); }

Failure Client::last_failure() const { return engine_->last_failure(); }

std::uint64_t Client::dropped() const noexcept { return engine_->dropped(); }

} // namespace culex
