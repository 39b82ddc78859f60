// The steps of a program.
#include "model/world.hpp"

#include <algorithm>
#include <exception>

namespace culex::model {
namespace {

session::Config config_of(const Setting& setting, Version version) {
    session::Config config{.version = version};
    config.receive_maximum = static_cast<std::uint16_t>(std::clamp(setting.receive_maximum, 1U, 65'535U));
    if (version == Version::v5) config.topic_alias_maximum = static_cast<std::uint16_t>(setting.aliases);
    config.outbound_messages = setting.messages;
    config.outbound_bytes = setting.bytes;
    config.when_full = static_cast<WhenFull>(setting.when_full % when_full_count);
    config.output_high_water = setting.high_water;
    config.deliver_on_pubrel = setting.on_pubrel != 0;
    return config;
}

} // namespace

World::World(const Setting& setting)
    : setting_(setting), version_(setting.version == 5 ? Version::v5 : Version::v3_1_1),
      broker_(setting_, verdict_, calls_, downs_), session_(config_of(setting_, version_)) {
    if (setting_.sink != 0) session_.set_message_sink(this);
}

World::~World() {
    for (Call& call : calls_) call.detach();
}

std::string World::run(const std::vector<Step>& steps) {
    try {
        return run_all(steps);
    } catch (const std::exception& thrown) { // the session promises none here
        broken("{} was thrown", thrown.what());
        return verdict_.what();
    }
}

std::string World::run_all(const std::vector<Step>& steps) {
    for (const Step& next : steps) {
        step(next);
        look_at_session();
        check_bounds();
        if (verdict_.failed()) return verdict_.what();
    }
    drain();
    return verdict_.what();
}

void World::step(const Step& step) {
    const auto& n = step.n;
    switch (step.op) {
    case Op::publish:
        return publish(step, false);
    case Op::lent:
        return publish(step, true);
    case Op::subscribe:
        return subscribe(n[0], static_cast<QoS>(n[1] % 3));
    case Op::unsubscribe:
        return unsubscribe(n[0]);
    case Op::inject:
        return broker_.inject(static_cast<QoS>(n[0] % 3), n[1], n[2]);
    case Op::ack:
        return acknowledge(n[0], ReasonCode::success);
    case Op::refuse:
        return acknowledge(n[0], ReasonCode::implementation_specific_error);
    case Op::flush:
        return flush(n[0] == 0 ? SIZE_MAX : n[0]);
    case Op::up:
        return up(n[0]);
    case Op::down:
        return down(n[0]);
    case Op::turn:
        for (std::uint32_t i = 0; i < n[0]; ++i) turn();
        return;
    case Op::time:
        return pass(std::chrono::milliseconds(n[0]));
    case Op::reading:
        reading_ = n[0] != 0 || !link_up_;
        if (link_up_) session_.handle_reading(reading_, now_);
        return;
    case Op::cut:
        return cut(n[0] != 0);
    case Op::cut_up:
        if (link_up_) up_left_ = n[0];
        return;
    case Op::cut_down:
        if (link_up_) down_left_ = n[0];
        return;
    case Op::open:
        return open({.receive_maximum = static_cast<std::uint16_t>(n[0]),
                     .aliases = static_cast<std::uint16_t>(n[1]),
                     .packet_size = n[2],
                     .refuse = n[3] != 0});
    case Op::lose:
        return broker_.lose_session();
    case Op::deny:
        return broker_.deny(n[0]);
    case Op::expire:
        return session_.drop_expired(now_);
    case Op::skip:
        return skip(n[0]);
    default: // of the other world
        return;
    }
}

/// They come in several loans: no more than three quarters are lent at a time, and none behind one that is in use.
void World::skip(std::uint32_t ids) {
    while (ids > 0) {
        const session::LentIds lent = session_.lend_ids(ids);
        if (lent.size() == 0) return;
        session_.forgo_id(static_cast<PacketId>(lent.end - 1));
        ids -= std::min(ids, lent.size());
    }
}

// --- the transport

void World::open(const Broker::Grant& grant) {
    if (link_up_) return;
    link_up_ = reading_ = true;
    ++link_;
    grant_ = grant;
    if (version_ != Version::v5) grant_.receive_maximum = 0, grant_.packet_size = 0;
    broker_.open(grant_);
    to_broker_.clear();
    watched_ = 0;
    up_left_ = down_left_ = SIZE_MAX;
    sent_framer_ = wire::Framer();
    received_framer_ = wire::Framer();
    accepted_ = last_word_ = false;
    in_flight_ = 0;
    last_qos0_ = last_tracked_ = last_request_ = std::nullopt;
    last_release_ = 0;
    owed_.clear();
    released_.clear();
    Connect connect{.client_id = "c1", .clean_start = false};
    connect.keep_alive = static_cast<std::uint16_t>(setting_.keep_alive);
    if (version_ == Version::v5) {
        connect.properties.session_expiry_interval = 3600;
        if (setting_.receive_maximum != 65'535)
            connect.properties.receive_maximum = static_cast<std::uint16_t>(setting_.receive_maximum);
        if (setting_.aliases != 0)
            connect.properties.topic_alias_maximum = static_cast<std::uint16_t>(setting_.aliases);
    }
    if (auto opened = session_.handle_open(connect, now_); !opened) broken("open: {}", opened.failure().message());
    last_flush_ = now_;
}

void World::cut(bool arrives) {
    if (!link_up_) return;
    link_up_ = false;
    if (arrives && up_left_ == SIZE_MAX) broker_.input(to_broker_.bytes());
    to_broker_.clear();
    watch_sent(); // tried, and lost
    session_.handle_end();
    watched_ = 0;
    owed_.clear();
    broker_.end();
    reading_ = true;
}

void World::flush(std::size_t most) {
    if (!link_up_) return;
    watch_sent();
    Buffer& output = session_.output();
    const std::size_t size = std::min(most, output.size());
    if (size == 0) return;
    if (size == output.size()) session_.before_flush();
    const Bytes chunk = output.bytes().first(size);
    to_broker_.append(chunk);
    output.consume(size);
    watched_ -= size;
    if (!output.empty()) return;
    last_flush_ = now_;
    session_.handle_flushed(now_);
    watch_sent();
}

void World::up(std::size_t most) {
    if (!link_up_) return;
    const std::size_t size = std::min({most, to_broker_.size(), up_left_});
    broker_.input(to_broker_.bytes().first(size));
    to_broker_.consume(size);
    if (up_left_ != SIZE_MAX) up_left_ -= size;
    if (up_left_ == 0) cut(false);
}

void World::down(std::size_t most) {
    if (!link_up_ || !reading_ || session_.failure()) return;
    Buffer& from = broker_.output();
    const std::size_t size = std::min({most, from.size(), down_left_});
    if (size > 0) {
        // Of its own, so that a sanitizer sees it when a view outlives the call.
        const std::vector<std::byte> chunk(from.bytes().begin(),
                                           from.bytes().begin() + static_cast<std::ptrdiff_t>(size));
        from.consume(size);
        if (down_left_ != SIZE_MAX) down_left_ -= size;
        watch_received(chunk);
        session_.handle_input(chunk, now_);
        look_at_session();
    }
    if (down_left_ == 0) cut(false);
}

void World::turn() {
    flush(SIZE_MAX);
    up(SIZE_MAX);
    down(SIZE_MAX);
}

/// The owner's timer: it wakes the session whenever that asks for it, and the transport takes what it says.
void World::pass(Duration duration) {
    const TimePoint end = now_ + duration;
    int wakes = 0;
    while (link_up_ && !session_.failure() && session_.poll_deadline() <= end) {
        if (++wakes > 1000) return broken("the session asks to be woken again and again");
        now_ = std::max(now_, session_.poll_deadline());
        session_.handle_time(now_);
        flush(SIZE_MAX);
    }
    now_ = end;
    const auto keep_alive = std::chrono::seconds(setting_.keep_alive);
    if (link_up_ && accepted_ && !session_.failure() && setting_.keep_alive != 0 && now_ - last_flush_ > keep_alive)
        broken("nothing was sent for longer than the keep-alive"); // [MQTT-3.1.2-20]
}

/// Its events, and whether it has given up: for which it needs a cause.
void World::look_at_session() {
    while (auto event = session_.poll_event()) {
        if (event->message) on_message(std::move(event->message), event->delivery);
    }
    while (!due_.empty() && !due_.front().second) due_.pop_front();
    if (!due_.empty()) broken("message {} was not handed on", due_.front().first);
    due_.clear();
    for (const std::size_t number : answered_)
        if (calls_[number].live) broken("operation {} was answered, and has not ended", number);
    answered_.clear();
    watch_sent();
    const Failure& why = session_.failure();
    if (!link_up_ || !why) return;
    const bool refused = grant_.refuse && why == Errc::connection_refused;
    const bool silent = setting_.keep_alive != 0 && why == Errc::no_response;
    if (!refused && !silent) return broken("the session has failed: {}", why.message());
    flush(SIZE_MAX);
    cut(false);
}

} // namespace culex::model
