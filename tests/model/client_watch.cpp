// What is looked at after each step.
#include <algorithm>

#include "model/client_world.hpp"

namespace culex::model {

/// Nothing is ready now: then nobody waits for room where there is some. The last that were called are those who wait.
void ClientWorld::check_room(const ModelClient& client) {
    const Statistics::Outbound now = client.client->statistics().outbound;
    if (client.client->state() == ConnectionState::disconnecting) return; // perhaps it is too late for them
    if (now.waiting_for_room == 0 || now.messages + 1 > setting_.messages) return;
    std::vector<const ClientCall*> pending;
    for (const ClientCall& call : calls_) {
        const bool ready = call.publish && call.publish->await_ready();
        if (call.client == client.number && call.live && call.order != 0 && !ready) pending.push_back(&call);
    }
    if (pending.size() < now.waiting_for_room)
        return broken("{} wait for room, where {} operations are there", now.waiting_for_room, pending.size());
    std::ranges::sort(pending, {}, &ClientCall::order);
    const ClientCall& first = **(pending.end() - static_cast<std::ptrdiff_t>(now.waiting_for_room));
    constexpr std::size_t keeping = 250; // what it takes to keep a message, at most
    const std::size_t size = messages_[first.message].size + keeping;
    if (now.messages == 0 || now.bytes + size <= setting_.bytes)
        broken("operation {} waits for room, and there is room", first.number);
}

/// ... and what its consumers are done with is acknowledged, as far as nothing before it is waited for.
void ClientWorld::check_answers(const ModelClient& client) {
    if (client.client->state() != ConnectionState::connected || client.owed.empty()) return;
    const Arrival& next = arrivals_[client.owed.front().arrival];
    if (next.done() && !next.uncertain) broken("message {} is not acknowledged, though it could be", next.number);
}

bool ClientWorld::bounded() const noexcept {
    const Setting usual;
    return setting_.messages != usual.messages || setting_.bytes != usual.bytes;
}

void ClientWorld::watch() {
    for (const std::size_t at : places_) {
        notice(clients_[at]);
        watch(clients_[at]);
    }
}

void ClientWorld::watch(ModelClient& client) {
    const Statistics now = client.client->statistics();
    if (now.outbound.messages > setting_.messages)
        return broken("{} messages are outstanding, where {} may be", now.outbound.messages, setting_.messages);
    if (now.outbound.bytes > setting_.bytes && now.outbound.messages > 1)
        return broken("{} bytes are outstanding, where {} may be", now.outbound.bytes, setting_.bytes);
    if (version_ == Version::v5 && now.inbound.unacknowledged > setting_.receive_maximum)
        return broken("{} messages are unacknowledged, where {} may be", now.inbound.unacknowledged,
                      setting_.receive_maximum);
    if (!client.exact) return;
    const std::size_t there = waiting(client.number);
    if (now.inbound.messages != there)
        return broken("{} messages wait for their consumers, and the statistics say {}", there, now.inbound.messages);
    if (now.unclaimed != client.unclaimed)
        return broken("{} messages were unclaimed, and the statistics say {}", client.unclaimed, now.unclaimed);
    if (now.inbound_dropped != client.dropped)
        broken("{} messages were dropped, and the statistics say {}", client.dropped, now.inbound_dropped);
}

} // namespace culex::model
