#include "testing/fake_broker_core.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <culex/topic.hpp>

#include "wire/codec.hpp"

namespace culex::testing {
namespace {

constexpr std::size_t most_complaints = 1000;

PublishedMessage as_published(const BrokerMessage& message) {
    return {.topic = message.topic,
            .payload = message.payload,
            .qos = message.qos,
            .retain = message.retain,
            .client_id = message.client_id,
            .will = message.will};
}

bool over_tls(const Endpoint& endpoint) noexcept {
    return endpoint.transport() == Transport::tls || endpoint.transport() == Transport::wss;
}
bool over_websocket(const Endpoint& endpoint) noexcept {
    return endpoint.transport() == Transport::ws || endpoint.transport() == Transport::wss;
}

/// On a port that the system chooses.
Endpoint default_endpoint(const FakeBrokerOptions& options) {
    static constexpr const char* host = "127.0.0.1";
    if (options.websocket) return Endpoint(options.tls ? Transport::wss : Transport::ws, host, 0, "/mqtt");
    return Endpoint(options.tls ? Transport::tls : Transport::tcp, host, 0);
}

} // namespace

BrokerCore::BrokerCore(Runtime& runtime, FakeBrokerOptions options)
    : runtime_(runtime), options_(std::move(options)), start_(runtime.now()) {}

BrokerCore::~BrokerCore() = default;

void BrokerCore::end() {
    ended_ = true;
    listener_.reset();
    local_deliveries_.clear();
    for (auto& [number, connection] : connections_) connection->abandon();
    for (auto& [client_id, session] : sessions_) {
        session->expiry_timer.disarm();
        session->will_timer.disarm();
    }
    bury_dead_.unlink();
    deliver_locally_.unlink();
}

void BrokerCore::listen(std::string_view url) {
    if (!url.empty()) {
        endpoint_ = Endpoint::parse(url).value();
    } else if (endpoint_.host().empty()) {
        endpoint_ = default_endpoint(options_);
    }
    if (over_tls(endpoint_) && !options_.tls)
        throw Error(Failure(Errc::invalid_argument, "FakeBrokerOptions::tls is not set"));
    if (over_websocket(endpoint_) && !options_.websocket)
        throw Error(Failure(Errc::invalid_argument, "FakeBrokerOptions::websocket is not set"));
    listener_.reset(); // it may be the same address
    const bool plain = !over_tls(endpoint_) && !over_websocket(endpoint_);
    listener_ = runtime_.listen(plain ? endpoint_ : Endpoint(Transport::tcp, endpoint_.host(), endpoint_.port()), *this)
                    .value();
    const Endpoint& bound = listener_->endpoint();
    endpoint_ =
        plain ? bound : Endpoint(endpoint_.transport(), endpoint_.host(), bound.port(), std::string(endpoint_.path()));
}

void BrokerCore::on_accept(std::unique_ptr<Stream> stream) {
    if (over_tls(endpoint_)) stream = options_.tls(runtime_, std::move(stream));
    if (over_websocket(endpoint_)) stream = options_.websocket(runtime_, std::move(stream));
    serve(std::move(stream));
}

void BrokerCore::serve(std::unique_ptr<Stream> stream) {
    const std::size_t number = ++accepted_;
    Faults faults = options_.faults;
    if (!faults_.empty()) {
        faults = std::move(faults_.front());
        faults_.pop_front();
    }
    auto& connection = connections_[number];
    connection = std::make_unique<BrokerConnection>(*this, std::move(stream), number, faults);
    connection->start();
    if (scripts_.empty()) return;
    connection->play(std::move(scripts_.front()), ++scripts_begun_);
    scripts_.pop_front();
}

void BrokerCore::release_stalls() {
    for (auto& [number, connection] : connections_) connection->release_stalls();
}

void BrokerCore::drop_all_connections() {
    for (auto& [number, connection] : connections_) connection->drop();
}

bool BrokerCore::drop_connection(std::string_view client_id) {
    BrokerSession* const session = find(client_id);
    if (!session || !session->connection()) return false;
    session->connection()->drop();
    return true;
}

bool BrokerCore::disconnect(std::string_view client_id, const Disconnect& packet) {
    Buffer checked;
    wire::encode(checked, packet, Version::v5).value();
    if (packet.reason_code == ReasonCode::disconnect_with_will || packet.properties.session_expiry_interval) {
        throw Error(Failure(Errc::invalid_argument, "only a client may say so in DISCONNECT"));
    }
    BrokerSession* const session = find(client_id);
    if (!session || !session->connection()) return false;
    session->connection()->say_goodbye(packet, true);
    return true;
}

void BrokerCore::release_acknowledgements(std::size_t count) {
    for (auto& [number, connection] : connections_) connection->release_acknowledgements(count);
}

void BrokerCore::shut_down() {
    stop_listening();
    for (auto& [number, connection] : connections_) connection->say_goodbye(ReasonCode::server_shutting_down);
}

void BrokerCore::bury(BrokerConnection& connection) {
    if (ended_) return;
    dead_.push_back(connection.number());
    runtime_.post(bury_dead_);
}

void BrokerCore::bury_dead() {
    for (const std::size_t number : dead_) connections_.erase(number);
    dead_.clear();
}

void BrokerCore::complain(std::string what) {
    if (complaints_.size() < most_complaints) complaints_.push_back(std::move(what));
}

std::vector<std::string> BrokerCore::verify() const {
    std::vector<std::string> all = complaints_;
    for (const auto& [number, connection] : connections_) {
        const ScriptPlayer* const player = connection->player();
        std::string missing = player ? player->unfinished() : std::string{};
        if (!missing.empty()) all.push_back(std::move(missing));
    }
    if (!scripts_.empty()) {
        all.push_back(fmt::format("{} scripts have not begun: no connections have come for them", scripts_.size()));
    }
    return all;
}

std::vector<ConnectionInfo> BrokerCore::connections() const {
    std::vector<ConnectionInfo> infos;
    for (const auto& [number, connection] : connections_) {
        if (connection->serving()) infos.push_back(connection->info());
    }
    return infos;
}

std::vector<SessionInfo> BrokerCore::sessions() const {
    std::vector<SessionInfo> infos;
    infos.reserve(sessions_.size());
    for (const auto& [client_id, session] : sessions_) infos.push_back(session->info());
    return infos;
}

std::optional<SessionInfo> BrokerCore::session_info(std::string_view client_id) const {
    if (const BrokerSession* const session = find(client_id)) return session->info();
    return std::nullopt;
}

// --- sessions

BrokerSession* BrokerCore::find(std::string_view client_id) const {
    const auto found = sessions_.find(client_id);
    return found == sessions_.end() ? nullptr : found->second.get();
}

ReasonCode BrokerCore::admit(const Connect& connect) {
    if (options_.refuse_connect) return *options_.refuse_connect;
    const bool known = std::ranges::any_of(options_.users, [&](const FakeBrokerUser& user) {
        return connect.user_name == user.name && connect.password && as_text(*connect.password) == user.password;
    });
    if (!options_.users.empty() && !known) return ReasonCode::bad_user_name_or_password;
    return options_.authenticate ? options_.authenticate(connect) : ReasonCode::success;
}

std::string BrokerCore::make_client_id() {
    std::string id;
    do {
        id = fmt::format("auto-{}", ++made_client_ids_);
    } while (sessions_.contains(id));
    return id;
}

BrokerCore::Joined BrokerCore::join(const Connect& connect, const std::string& client_id) {
    BrokerSession* session = find(client_id);
    if (session && session->connection()) {
        session->connection()->say_goodbye(ReasonCode::session_taken_over, true); // [MQTT-3.1.4-2]
        session = find(client_id);
    }
    if (session && connect.clean_start) {
        forget(*session);
        session = nullptr;
    }
    if (session) {
        session->expiry_timer.disarm();
        session->will_timer.disarm();
        session->delayed_will.reset(); // [MQTT-3.1.3-9]
        return {session, true};
    }
    auto made = std::make_unique<BrokerSession>(*this, client_id);
    session = made.get();
    sessions_.emplace(client_id, std::move(made));
    return {session, false};
}

void BrokerCore::leave(BrokerSession& session, std::shared_ptr<BrokerMessage> will, std::uint32_t will_delay) {
    session.detach();
    const std::uint32_t delay = std::min(will_delay, session.expiry_interval); // the session's end is the latest
    if (will && delay == 0) {
        publish(will);
    } else if (will) {
        session.delayed_will = std::move(will);
        runtime_.arm_after(session.will_timer, std::chrono::seconds{delay});
    }
    if (session.expiry_interval == 0) {
        forget(session);
    } else if (session.expiry_interval != never_expires) {
        runtime_.arm_after(session.expiry_timer, std::chrono::seconds{session.expiry_interval});
    }
}

void BrokerCore::will_due(BrokerSession& session) {
    if (auto will = std::exchange(session.delayed_will, {})) publish(will);
}

void BrokerCore::session_expired(BrokerSession& session) {
    will_due(session);
    forget(session);
}

void BrokerCore::forget(BrokerSession& session) {
    router_.unsubscribe_all(session);
    sessions_.erase(std::string(session.client_id()));
}

void BrokerCore::forget_sessions() {
    for (auto at = sessions_.begin(); at != sessions_.end();) {
        BrokerSession& session = *(at++)->second;
        if (!session.connection()) forget(session);
    }
}

// --- messages

std::size_t BrokerCore::publish(const std::shared_ptr<BrokerMessage>& message) {
    if (message->expiry_interval) message->expires = now() + std::chrono::seconds{*message->expiry_interval};
    if (message->retain) router_.retain(message);
    record(*message);
    return router_.route(message, options_.copy_for_each_subscription);
}

std::vector<PublishedMessage> BrokerCore::retained_messages() const {
    std::vector<PublishedMessage> all;
    for (const auto& [topic, message] : router_.retained()) all.push_back(as_published(*message));
    return all;
}

void BrokerCore::record(const BrokerMessage& message) {
    PublishedMessage published = as_published(message);
    std::shared_ptr<const PublishedMessage> shared;
    for (LocalSubscriber& subscriber : local_subscribers_) {
        if (!matches(subscriber.filter, published.topic)) continue;
        if (!shared) shared = std::make_shared<const PublishedMessage>(published);
        local_deliveries_.push_back({&subscriber, shared});
        runtime_.post(deliver_locally_);
    }
    keep(std::move(published));
}

void BrokerCore::keep(PublishedMessage message) {
    const auto size = [](const PublishedMessage& one) { return one.topic.size() + one.payload.size(); };
    message_bytes_ += size(message);
    messages_.push_back(std::move(message));
    while (!messages_.empty() &&
           (messages_.size() > options_.kept_messages || message_bytes_ > options_.kept_message_bytes)) {
        message_bytes_ -= size(messages_.front());
        messages_.pop_front();
    }
}

void BrokerCore::publish_from_test(const Publish& message) {
    Publish checked = message;
    checked.packet_id = message.qos == QoS::at_most_once ? 0 : 1;
    checked.dup = false;
    wire::encoded_size(checked, Version::v5).value();
    check_topic_name(checked.topic).value();
    publish(make_message(checked, {}));
}

void BrokerCore::subscribe(std::string_view filter, Function<void(const PublishedMessage&)> receive) {
    check_topic_filter(filter).value();
    local_subscribers_.push_back({std::string(filter), std::move(receive)});
}

void BrokerCore::deliver_locally() {
    const auto here = hold();
    // Not those that this makes: a function that publishes what it receives must not keep the loop from turning.
    for (std::size_t count = local_deliveries_.size(); count > 0 && !local_deliveries_.empty(); --count) {
        const LocalDelivery delivery = std::move(local_deliveries_.front());
        local_deliveries_.pop_front();
        delivery.to->receive(*delivery.message);
    }
    if (!local_deliveries_.empty()) runtime_.post(deliver_locally_);
}

} // namespace culex::testing
