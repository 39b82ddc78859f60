// Everything heals, and is over.
#include <algorithm>

#include "model/client_world.hpp"

namespace culex::model {

using namespace std::chrono_literals;

void ClientWorld::drain() {
    heal();
    int calm = 0;
    for (int round = 0; calm < 3 && !verdict_.failed(); ++round) {
        if (round > 600) return broken("it comes to no end{}", why_not_quiet());
        calm = drain_once() ? calm + 1 : 0;
    }
    if (verdict_.failed()) return;
    check_end();
    if (!verdict_.failed()) say_goodbye();
    if (!verdict_.failed()) check_nothing_left();
}

void ClientWorld::heal() {
    testing::FakeBrokerOptions& options = broker_->options();
    options.refuse_connect.reset();
    options.connack = {};
    options.hold_acknowledgements = false;
    broker_->release_acknowledgements();
    deny_ = 0;
    away(false);
    broker_->inject({.received = {.chunk_size = 1'000'000}}); // in place of a fault that waits for its connection
    consume_all();
    reconnect_all(); // the rest of what was never acknowledged comes again
    for (ClientCall& call : calls_) await_later(call);
}

/// Whether nothing is left to do.
bool ClientWorld::drain_once() {
    for (std::uint32_t place = 0; place < places_.size(); ++place) {
        notice(clients_[places_[place]]);
        if (clients_[places_[place]].client->state() == ConnectionState::idle) connect({Op::connect, {place, 1}});
    }
    pass(500ms);
    consume_all();
    forget_what_is_stuck();
    watch();
    return why_not_quiet().empty();
}

/// A client that does not read, and has no keep-alive, would not hear from the broker that its connection has ended.
void ClientWorld::reconnect_all() {
    for (const std::size_t at : places_) clients_[at].client->reconnect();
}

/// What a manual stream that went has not seen comes again on another connection.
void ClientWorld::forget_what_is_stuck() {
    const auto stuck = static_cast<std::size_t>(std::ranges::count_if(arrivals_, &Arrival::stuck));
    if (stuck != std::exchange(stuck_, stuck)) reconnect_all();
}

void ClientWorld::consume_all() {
    for (ModelStream& stream : streams_)
        if (stream.held && !stream.gone) take(stream, 1'000'000);
    while (!kept_.empty()) done(0, ReasonCode::success);
}

std::string ClientWorld::why_not_quiet() const {
    for (const ClientCall& call : calls_)
        if (call.live) return fmt::format(": operation {} has not ended", call.number);
    for (const std::size_t at : places_) {
        const ModelClient& client = clients_[at];
        if (client.client->state() != ConnectionState::connected)
            return fmt::format(": client {} is not connected", at);
        if (client.client->outstanding() != 0)
            return fmt::format(": client {} has {} outstanding", at, client.client->outstanding());
        const auto session = broker_->session(client.name);
        if (!session) return fmt::format(": client {} has no session", at);
        if (session->queued != 0 || session->in_flight != 0)
            return fmt::format(": the broker has messages for client {}, {} in flight", at, session->in_flight);
        if (!client.owed.empty())
            return fmt::format(": message {} was not acknowledged", arrivals_[client.owed.front().arrival].number);
    }
    return {};
}

void ClientWorld::check_end() {
    for (const ClientCall& call : calls_) check_end(call);
    for (const std::size_t at : places_) check_end(clients_[at]);
    for (const std::string& complaint : broker_->verify()) {
        const bool cut = complaint.find("ended inside a packet") != std::string::npos;
        if (!cut) broken("the broker complains: {}", complaint);
    }
}

void ClientWorld::check_end(const ModelClient& client) {
    const Statistics now = client.client->statistics();
    const Statistics::Outbound& out = now.outbound;
    if (out.messages + out.bytes + out.queued + out.queued_bytes + out.in_flight + out.waiting_for_room != 0)
        broken("{} messages and {} bytes are left outstanding", out.messages, out.bytes);
    if (now.inbound.messages + now.inbound.bytes + now.inbound.unacknowledged != 0)
        broken("{} messages are left unacknowledged, {} in streams", now.inbound.unacknowledged, now.inbound.messages);
    if (std::ranges::any_of(client.released, [](const auto& one) { return one.second != 0; }))
        broken("a PUBREL was never answered");
    check_subscriptions(client);
}

/// Of a filter whose last request has failed, or has not been sent to its end, both may be.
void ClientWorld::check_subscriptions(const ModelClient& client) {
    const auto session = broker_->session(client.name);
    for (const auto& [filter, wanted] : client.wanted) {
        const ClientCall& call = calls_[wanted.call];
        if (call.failure && call.failure != Errc::timed_out) continue;
        const bool unheard = call.dropped || call.failure;
        if (unheard && client.stops > call.stops) continue; // forgotten, perhaps
        const auto found =
            std::ranges::find(session->subscriptions, filters[filter], &testing::SubscriptionInfo::filter);
        const bool has = found != session->subscriptions.end();
        if (has != wanted.qos.has_value() || (has && found->qos != *wanted.qos))
            return broken("{} is {}subscribed to at the broker", filters[filter], has ? "" : "not ");
    }
}

void ClientWorld::say_goodbye() {
    const std::size_t before = calls_.size();
    for (std::uint32_t place = 0; place < places_.size(); ++place) disconnect({Op::disconnect, {place, 10'000}});
    pass(20s);
    for (std::size_t last = before; last < calls_.size(); ++last) {
        const ClientCall& call = calls_[last];
        if (call.live || call.failure || call.undelivered > 0)
            return broken("operation {}, the last, has not ended well: {}", last, call.failure.message());
    }
    watch();
    for (ModelStream& stream : streams_) {
        if (!stream.held || stream.gone) continue;
        take(stream, 1);
        if (!stream.ended) broken("a stream goes on after its client has disconnected");
    }
}

/// Clients and streams go in either order, and then nothing may happen any more.
void ClientWorld::check_nothing_left() {
    const bool streams_first = messages_.size() % 2 == 0;
    if (streams_first) streams_.clear();
    clients_.clear();
    streams_.clear();
    for (const ClientCall& call : calls_)
        if (call.waiter && !call.waiter->done())
            return broken("operation {} has ended, and is waited for", call.number);
    calls_.clear();
    broker_.reset();
    for (int steps = 0; runtime_.step(); ++steps)
        if (steps > 1000) return broken("something goes on when everything is gone");
}

} // namespace culex::model
