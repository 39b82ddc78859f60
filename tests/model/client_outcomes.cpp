// How operations end: dropped, or with a result or a failure.
#include <algorithm>

#include "model/client_world.hpp"

namespace culex::model {

void ClientWorld::drop_call(std::uint32_t at) {
    std::vector<ClientCall*> live;
    for (ClientCall& call : calls_)
        if (call.live) live.push_back(&call);
    if (!live.empty()) drop(*live[at % live.size()]);
}

/// A message that waits for room goes with its operation, and no other does.
void ClientWorld::drop(ClientCall& call) {
    AsyncClient* const client = clients_[call.client].client.get();
    const std::size_t before = client ? client->statistics().outbound.waiting_for_room : 0;
    const std::size_t outstanding = client ? client->outstanding() : 0;
    const bool called = call.order != 0;
    call.waiter.reset();
    const bool done = call.publish && call.publish->await_ready();
    call.publish.reset();
    call.subscribe.reset();
    call.unsubscribe.reset();
    call.connect.reset();
    call.disconnect.reset();
    call.live = false;
    call.dropped = true;
    if (call.kind == Kind::subscribe && call.stream != SIZE_MAX && !streams_[call.stream].held)
        gone(streams_[call.stream]);
    if (!client || call.kind != Kind::publish) return;
    const std::size_t after = client->statistics().outbound.waiting_for_room;
    if (after > before || before - after > 1) return broken("dropping operation {} has changed others", call.number);
    if (client->outstanding() != outstanding) return broken("dropping operation {} has taken its message", call.number);
    const bool not_taken = !called || after != before;
    notice(clients_[call.client]);
    const bool stopped = clients_[call.client].stops > call.stops; // it may have ended, and not been told yet
    if (!done && !stopped) call.fate = not_taken ? ClientCall::Fate::not_taken : ClientCall::Fate::taken;
}

// --- ends

void ClientWorld::ended(ClientCall& call, const Failure& failure) {
    ModelClient& client = clients_[call.client];
    notice(client);
    if (!call.live) return broken("operation {} has ended twice", call.number);
    call.live = false;
    call.failure = failure;
    if (!failure) return;
    check_cause(call, failure);
    if (call.kind == Kind::publish) {
        const bool no_room = failure == Errc::timed_out && failure.detail().find("not taken") != std::string_view::npos;
        const bool refused = failure == Errc::queue_full || failure == Errc::dropped || failure == Errc::not_connected;
        if (no_room || refused) call.fate = ClientCall::Fate::not_taken;
        const bool late = failure == Errc::timed_out && client.gave_up == call.gave_up;
        if (late && !no_room) call.fate = ClientCall::Fate::taken;
        return;
    }
    if (call.kind == Kind::subscribe && call.stream != SIZE_MAX) gone(streams_[call.stream]);
}

/// A failure without a cause is a lie.
void ClientWorld::check_cause(const ClientCall& call, const Failure& failure) {
    const ModelClient& client = clients_[call.client];
    const bool stopped = client.stops > call.stops;
    const bool gave_up = client.gave_up > call.gave_up;
    const bool drops = setting_.when_full % when_full_count >= static_cast<std::uint32_t>(WhenFull::drop_oldest);
    const bool message = call.kind == Kind::publish;
    bool good = false;
    if (failure == Errc::timed_out) {
        good = gave_up || (call.timeout.count() > 0 && runtime_.now() >= call.called_at + call.timeout);
    } else if (failure == Errc::not_connected) {
        good = !call.open;
    } else if (failure == Errc::already_connected) {
        good = call.kind == Kind::connect && !call.idle;
    } else if (failure == Errc::closed) {
        good = stopped;
    } else if (failure == Errc::queue_full) {
        good = bounded() && call.kind != Kind::connect && call.kind != Kind::disconnect;
    } else if (failure == Errc::dropped) {
        good = bounded() && drops && message;
    } else if (failure == Errc::packet_too_large) {
        good = small_packets_;
    } else {
        good = gave_up; // with what the last attempt has failed with
    }
    if (!good) broken("operation {} has failed without a cause: {}", call.number, failure.message());
}

void ClientWorld::check_end(const ClientCall& call) {
    if (call.live) return broken("operation {} has not ended", call.number);
    if (call.kind != Kind::publish) return;
    const Sent& sent = messages_[call.message];
    if (call.fate == ClientCall::Fate::not_taken && call.arrivals > 0)
        return broken("message {} arrived, and was not taken", call.message);
    const bool success = !call.failure && !call.dropped && !failed(call.code);
    const bool drops = bounded() && setting_.when_full % when_full_count > 1;
    const bool taken = call.fate == ClientCall::Fate::taken && lives(call) && !call.denied && !drops && !small_packets_;
    if (sent.qos == QoS::at_most_once || call.arrivals > 0) return;
    if (success) return broken("message {} did not arrive, and was reported to have", call.message);
    if (taken) broken("message {} was taken, and did not arrive", call.message);
}

} // namespace culex::model
