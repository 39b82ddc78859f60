// The steps of a program, and what is looked at after each.
#include "model/client_world.hpp"

#include <algorithm>

namespace culex::model {

using namespace std::chrono_literals;

namespace {

testing::PipeOptions pipes(const Setting& setting) {
    testing::PipeOptions options;
    options.chunk_size = std::max(setting.chunk, 1U);
    options.latency = std::chrono::milliseconds(setting.latency);
    return options;
}

/// A client of 3.1.1 may in the end not read any more, also for who waits for an answer, where its window is full as well
/// (`InboundLimits::hard_bytes`): what hangs then does so for a reason.
std::size_t hard_limit(const Setting& setting) {
    const Setting usual;
    if (setting.version != 5 && setting.receive_maximum != usual.receive_maximum) return usual.hard;
    return std::max(setting.hard, setting.soft);
}

ClientOptions client_options(const Setting& setting, Version version, std::string_view name) {
    ClientOptions options{.client_id = name, .version = version, .clean_start = false};
    options.keep_alive = std::chrono::seconds(std::min(setting.keep_alive, 65'535U));
    if (version == Version::v5) options.properties.session_expiry_interval = 0xFFFF'FFFF;
    if (setting.receive_maximum != 65'535)
        options.properties.receive_maximum =
            static_cast<std::uint16_t>(std::clamp(setting.receive_maximum, 1U, 65'535U));
    options.reconnect.first_delay = 20ms;
    options.reconnect.max_delay = 200ms;
    options.reconnect.attempts = setting.attempts;
    options.outbound = {.messages = setting.messages,
                        .bytes = setting.bytes,
                        .when_full = static_cast<WhenFull>(setting.when_full % when_full_count)};
    options.inbound.soft_messages = setting.soft;
    options.inbound.hard_messages = hard_limit(setting);
    return options;
}

} // namespace

ClientWorld::ClientWorld(const Setting& setting)
    : setting_(setting), hard_(hard_limit(setting)), version_(setting.version == 5 ? Version::v5 : Version::v3_1_1),
      runtime_(pipes(setting)), broker_(std::in_place, runtime_) {
    set_watcher(this);
    runtime_.set_tls(&open_watched);
    testing::FakeBrokerOptions& options = broker_->options();
    options.log_bytes = 0;
    options.kept_messages = 0;
    options.max_queued = 1'000'000;
    options.authorize_publish = [this](std::string_view, const Publish& packet) { return authorize(packet); };
    broker_->listen("mqtt://broker");
    broker_->subscribe("#", [this](const testing::PublishedMessage& message) { arrived(message); });
    for (std::size_t place = 0; place < std::clamp(setting.clients, 1U, 4U); ++place) {
        places_.push_back(0);
        new_client(place);
    }
}

ClientWorld::~ClientWorld() {
    for (ClientCall& call : calls_) call.waiter.reset();
    for (ModelStream& stream : streams_) stream.consumer.reset();
    clients_.clear();
    set_watcher(nullptr);
}

std::string ClientWorld::run(const std::vector<Step>& steps) {
    try {
        for (const Step& next : steps) {
            step(next);
            watch();
            if (verdict_.failed()) return verdict_.what();
        }
        drain();
    } catch (const std::exception& error) {
        broken("an exception: {}", error.what());
    }
    return verdict_.what();
}

void ClientWorld::step(const Step& step) {
    const auto& n = step.n;
    if (broker_step(step)) return;
    switch (step.op) {
    case Op::connect:
        return connect(step);
    case Op::disconnect:
        return disconnect(step);
    case Op::reconnect:
        return clients_[client_at(n[0])].client->reconnect();
    case Op::destroy:
        return destroy(n[0] % places_.size());
    case Op::call_publish:
        return publish(step);
    case Op::call_subscribe:
        return subscribe(step);
    case Op::call_unsubscribe:
        return unsubscribe(step);
    case Op::drop_call:
        return drop_call(n[0]);
    case Op::listen:
        return listen(step);
    case Op::catch_all:
        return catch_all(step);
    case Op::ack:
        return done(n[0], ReasonCode::success);
    case Op::refuse:
        return done(n[0], ReasonCode::quota_exceeded);
    default:
        break;
    }
    ModelStream* const stream = stream_at(n[0]);
    if (!stream) return;
    if (step.op == Op::take) take(*stream, n[1]);
    if (step.op == Op::wait_next) wait_next(*stream, n[1], std::chrono::milliseconds(n[2]));
    if (step.op == Op::put_back) put_back(*stream);
    if (step.op == Op::drop_stream) drop_stream(*stream);
}

/// Whether it was one of the broker's, the network's, or time's.
bool ClientWorld::broker_step(const Step& step) {
    const auto& n = step.n;
    testing::FakeBrokerOptions& options = broker_->options();
    switch (step.op) {
    case Op::inject:
        inject(static_cast<QoS>(n[0] % 3), n[1], n[2] % topic_count);
        return true;
    case Op::turn:
        turn(n[0]);
        return true;
    case Op::time:
        pass(std::chrono::milliseconds(n[0]));
        return true;
    case Op::lose:
        lose_sessions();
        return true;
    case Op::deny:
        if (version_ == Version::v5) deny_ = n[0]; // 3.1.1 has no words for it
        return true;
    case Op::cut_client:
        (void)broker_->drop_connection(clients_[client_at(n[0])].name);
        return true;
    case Op::fault:
        inject_fault(step);
        return true;
    case Op::grant:
        options.connack.receive_maximum.reset();
        if (n[0] != 0) options.connack.receive_maximum = static_cast<std::uint16_t>(n[0]);
        options.connack.maximum_packet_size.reset();
        if (n[1] != 0) options.connack.maximum_packet_size = std::max(n[1], 40U); // so that acknowledgements fit
        small_packets_ = small_packets_ || n[1] != 0;
        return true;
    case Op::refuse_connect:
        options.refuse_connect.reset();
        if (n[0] != 0) options.refuse_connect = n[0] == 1 ? ReasonCode::server_unavailable : ReasonCode::not_authorized;
        return true;
    case Op::away:
        away(n[0] != 0);
        return true;
    case Op::hold:
        options.hold_acknowledgements = n[0] != 0;
        if (n[0] == 0) broker_->release_acknowledgements();
        return true;
    default:
        return false;
    }
}

// --- clients

void ClientWorld::new_client(std::size_t place) {
    places_[place] = clients_.size();
    ModelClient& client = clients_.emplace_back();
    client.number = places_[place];
    client.name = "c" + std::to_string(client.number);
    client.client = std::make_unique<AsyncClient>(runtime_, client_options(setting_, version_, client.name));
    client.events = client.client->connection_events(100'000);
}

/// Under another name: a client without a session is none that a broker with one would know.
void ClientWorld::destroy(std::size_t place) {
    const std::size_t at = places_[place];
    ModelClient& client = clients_[at];
    notice(client);
    client.client.reset();
    ++client.stops;
    for (ModelStream& stream : streams_) {
        if (stream.client == at) stream.ended = stream.orphan = true;
    }
    new_client(place);
}

/// Whether it has gone idle, which ends its streams.
void ClientWorld::notice(ModelClient& client) {
    while (auto event = client.events.try_next()) {
        using Event = ConnectionEvent::Kind;
        if (event->kind == Event::connected) client.ever_connected = true;
        if (event->kind != Event::stopped) continue;
        ++client.stops;
        if (event->cause) ++client.gave_up;
        // Streams that were opened before a first connection outlive attempts that fail.
        if (client.ever_connected || !event->cause) end_streams(client.number);
    }
}

void ClientWorld::end_streams(std::size_t client) {
    clients_[client].catch_all = SIZE_MAX;
    for (ModelStream& stream : streams_) {
        if (stream.client != client) continue;
        stream.ended = true;
        stream.filters.clear();
    }
}

// --- the network and the broker

void ClientWorld::pass(Duration duration) {
    runtime_.advance(duration);
    for (const std::size_t at : places_) {
        check_room(clients_[at]);
        check_answers(clients_[at]);
    }
}

void ClientWorld::turn(std::uint32_t count) {
    for (; count > 0 && !verdict_.failed(); --count) {
        if (!runtime_.step()) return;
        watch();
    }
}

void ClientWorld::inject(QoS qos, std::uint32_t size, std::uint32_t topic) {
    broker_->publish(topics[topic], payload_of(messages_.size(), size), qos);
    messages_.push_back({.qos = qos, .size = size, .topic = topic});
}

void ClientWorld::inject_fault(const Step& step) {
    testing::Faults faults;
    if (step.n[0] != 0) faults.received.cut_after = step.n[0];
    if (step.n[1] != 0) faults.sent.cut_after = step.n[1];
    faults.sent.chunk_size = step.n[2];
    faults.sent.delay = faults.received.delay = std::chrono::milliseconds(step.n[3]);
    broker_->inject(faults);
}

void ClientWorld::lose_sessions() {
    broker_->drop_all_connections();
    broker_->forget_sessions();
    ++sessions_lost_;
}

void ClientWorld::away(bool away) {
    if (away == away_) return;
    away_ = away;
    if (away) {
        broker_->stop_listening();
        broker_->drop_all_connections();
    } else {
        broker_->listen();
    }
}

ReasonCode ClientWorld::authorize(const Publish& packet) {
    if (deny_ == 0) return ReasonCode::success;
    --deny_;
    const std::size_t number = number_of(as_text(packet.payload));
    if (number < messages_.size() && messages_[number].call < calls_.size())
        calls_[messages_[number].call].denied = true;
    return ReasonCode::quota_exceeded;
}

/// A message has come to the broker.
void ClientWorld::arrived(const testing::PublishedMessage& message) {
    if (message.client_id.empty()) return; // its own
    const std::size_t number = number_of(message.payload);
    if (number >= messages_.size() || messages_[number].call >= calls_.size())
        return broken("a message arrived that nobody has published");
    const Sent& sent = messages_[number];
    ClientCall& call = calls_[sent.call];
    if (message.topic != topics[sent.topic] || message.payload != payload_of(number, sent.size) ||
        message.qos != sent.qos || message.client_id != clients_[call.client].name) {
        return broken("message {} arrived otherwise than it was published", number);
    }
    const unsigned lost = sessions_lost_ - call.sessions_lost;
    ++call.arrivals;
    if (sent.qos == QoS::at_most_once && call.arrivals > 1) return broken("message {} arrived twice at QoS 0", number);
    if (sent.qos == QoS::exactly_once && call.arrivals > 1 + static_cast<int>(lost))
        return broken("message {} arrived {} times at QoS 2, and {} sessions were lost", number, call.arrivals, lost);
    if (call.arrivals > 1 || call.denied) return; // one that was refused comes again where the refusal was lost
    std::uint64_t& last = first_[{call.client, sent.topic, sent.qos}];
    if (last > call.order) return broken("message {} arrived behind one that was published later", number);
    last = call.order;
}

} // namespace culex::model
