// What clients read and write, and what has to follow.
#include <algorithm>

#include "model/client_world.hpp"
#include "wire/codec.hpp"

namespace culex::model {

void ClientWorld::link_began(std::size_t at) {
    ModelClient& client = clients_[at];
    ++client.link;
    client.received = wire::Framer();
    client.sent = wire::Framer();
    client.accepted = false;
    client.full = {};
}

void ClientWorld::link_ended(std::size_t at) {
    clients_[at].owed.clear();
    clients_[at].released.clear();
}

void ClientWorld::before_input(std::size_t at, Bytes bytes) {
    if (verdict_.failed()) return;
    if (clients_[at].full.full && full(at) == clients_[at].full)
        return broken("client {} reads on, and its streams or its window are full", at);
    wire::Framer& framer = clients_[at].received;
    framer.feed(bytes);
    while (!verdict_.failed()) {
        const auto frame = framer.next();
        if (!frame) return broken("received: {}", frame.failure().message());
        if (!*frame) return;
        wire::Arena arena;
        const auto packet = wire::decode(**frame, version_, arena, wire::Sender::server);
        if (!packet) return broken("received: {}", packet.failure().message());
        came(at, *packet);
    }
}

/// What was read stands in the streams at once.
void ClientWorld::after_input(std::size_t at) {
    clients_[at].full = full(at);
    if (verdict_.failed() || !clients_[at].exact) return;
    for (const ModelStream& stream : streams_) {
        if (stream.client != at || !stream.held || stream.gone) continue;
        if (stream.stream.size() != stream.queue.size())
            return broken("a stream of client {} has {} messages, and should have {}", at, stream.stream.size(),
                          stream.queue.size());
    }
}

void ClientWorld::reading_stopped(std::size_t at) {
    if (!clients_[at].accepted) broken("client {} does not read on to CONNACK", at);
}

/// Beyond the soft limit, or with a window full of what consumers have, a client reads for those alone who wait for an answer.
FullSince ClientWorld::full(std::size_t at) const {
    const ModelClient& client = clients_[at];
    const bool answers = client.client->outstanding() != 0 || !client.exact || !client.accepted;
    if (answers || client.client->state() != ConnectionState::connected) return {};
    const bool window = client.client->unacknowledged() >= setting_.receive_maximum;
    const bool with_consumer = !client.owed.empty() && !arrivals_[client.owed.front().arrival].done();
    const bool full = waiting(at) > setting_.soft || (window && with_consumer);
    if (!full || client.client->statistics().outbound.waiting_for_room > 0) return {}; // they may be sent meanwhile
    return {true, calls_.size(), orders_};
}

void ClientWorld::came(std::size_t at, const Packet& packet) {
    ModelClient& client = clients_[at];
    if (const auto* connack = std::get_if<Connack>(&packet)) {
        client.accepted = !failed(connack->reason_code);
        if (failed(connack->reason_code) || connack->session_present) return;
        client.known.clear();
        client.known_session = sessions_lost_;
    } else if (const auto* publish = std::get_if<Publish>(&packet)) {
        came(at, *publish);
    } else if (const auto* pubrel = std::get_if<Pubrel>(&packet)) {
        client.known.erase(pubrel->packet_id);
        ++client.released[pubrel->packet_id];
    }
}

void ClientWorld::came(std::size_t at, const Publish& packet) {
    ModelClient& client = clients_[at];
    const std::size_t number = number_of(as_text(packet.payload));
    if (number >= messages_.size()) return broken("the broker has sent a message that is none");
    if (packet.qos == QoS::exactly_once) return came_exactly_once(at, packet, number);
    const bool too_much = packet.qos == QoS::at_most_once && waiting(at) > hard_;
    if (too_much && client.exact) {
        ++client.dropped;
        return;
    }
    const std::size_t arrival = arrivals_.size();
    arrivals_.push_back({.number = number, .qos = packet.qos, .link = client.link});
    if (packet.qos == QoS::at_least_once) client.owed.push_back({PacketType::puback, packet.packet_id, arrival});
    deliver(at, arrival, !too_much);
}

/// Is it handed on? Not where it was; and where the client has not heard that a session was lost, it may take a message of the
/// new one for one of the old one, if it has DUP and the identifier of that.
void ClientWorld::came_exactly_once(std::size_t at, const Publish& packet, std::size_t number) {
    ModelClient& client = clients_[at];
    const auto found = client.known.find(packet.packet_id);
    bool must = true;
    if (found != client.known.end()) {
        const Arrival& former = arrivals_[found->second];
        const bool again = former.given_back && former.link != client.link;
        // A refusal that was to go out when the connection ended may have freed the identifier [MQTT-4.3.3-9].
        const bool refused = version_ == Version::v5 && former.done() && failed(former.answer());
        const bool repeated = former.number == number && packet.dup; // or another copy, in a session that is new
        if (repeated && !again && !refused && !former.uncertain)
            return client.owed.push_back({PacketType::pubrec, packet.packet_id, found->second});
        must = !former.uncertain && (again || !packet.dup);
    }
    const std::size_t arrival = arrivals_.size();
    arrivals_.push_back({.number = number, .qos = packet.qos, .link = client.link});
    client.known[packet.packet_id] = arrival;
    client.owed.push_back({PacketType::pubrec, packet.packet_id, arrival});
    deliver(at, arrival, must);
}

/// What comes after DISCONNECT has been written, and before it has gone, is not for the session any more.
void ClientWorld::deliver(std::size_t at, std::size_t number, bool must) {
    ModelClient& client = clients_[at];
    Arrival& arrival = arrivals_[number];
    must = must && client.client->state() != ConnectionState::disconnecting;
    client.exact = client.exact && must;
    arrival.uncertain = !must;
    const std::uint32_t topic = messages_[arrival.number].topic;
    for (ModelStream& stream : streams_) {
        const auto matches = [&](std::size_t filter) { return matches_topic(filter, topic); };
        if (stream.client != at || stream.ended || std::ranges::none_of(stream.filters, matches)) continue;
        stream.queue.push_back({number, must});
        ++arrival.holders;
    }
    if (arrival.holders == 0 && client.catch_all != SIZE_MAX) {
        streams_[client.catch_all].queue.push_back({number, must});
        ++arrival.holders;
    }
    if (arrival.holders > 0) return;
    ++client.unclaimed;
    arrival.wanted = true; // by nobody, and acknowledged
}

std::size_t ClientWorld::waiting(std::size_t client) const {
    std::size_t sum = 0;
    for (const ModelStream& stream : streams_)
        if (stream.client == client && !stream.gone) sum += stream.queue.size();
    return sum;
}

// --- what clients write

void ClientWorld::before_output(std::size_t at, Bytes bytes) {
    if (verdict_.failed()) return;
    ModelClient& client = clients_[at];
    client.sent.feed(bytes);
    while (!verdict_.failed()) {
        const auto frame = client.sent.next();
        if (!frame) return broken("sent: {}", frame.failure().message());
        if (!*frame) return;
        wire::Arena arena;
        const auto packet = wire::decode(**frame, version_, arena, wire::Sender::client);
        if (!packet) return broken("sent: {}", packet.failure().message());
        went(client, *packet);
    }
}

void ClientWorld::went(ModelClient& client, const Packet& packet) {
    if (const auto* puback = std::get_if<Puback>(&packet))
        return went_answer(client, PacketType::puback, puback->packet_id, puback->reason_code);
    if (const auto* pubrec = std::get_if<Pubrec>(&packet))
        return went_answer(client, PacketType::pubrec, pubrec->packet_id, pubrec->reason_code);
    if (const auto* pubcomp = std::get_if<Pubcomp>(&packet)) went_pubcomp(client, pubcomp->packet_id);
}

void ClientWorld::went_answer(ModelClient& client, PacketType type, PacketId id, ReasonCode code) {
    if (client.owed.empty()) return broken("{} for packet identifier {} that nothing asks for", to_string(type), id);
    const ModelClient::Owed owed = client.owed.front();
    if (owed.type != type || owed.id != id) // [MQTT-4.6.0-2] [MQTT-4.6.0-3]
        return broken("{} for packet identifier {} is not in the order of arrival", to_string(type), id);
    client.owed.pop_front();
    const Arrival& arrival = arrivals_[owed.arrival];
    if (arrival.uncertain) return;
    if (!arrival.done()) return broken("message {} was acknowledged before its consumer was done", arrival.number);
    const ReasonCode answer = version_ == Version::v5 ? arrival.answer() : ReasonCode::success;
    if (code != answer) return broken("message {} was acknowledged with another reason code", arrival.number);
    if (type == PacketType::pubrec && failed(code)) client.known.erase(id); // it is free [MQTT-4.3.3-9]
}

void ClientWorld::went_pubcomp(ModelClient& client, PacketId id) {
    if (--client.released[id] < 0) broken("PUBCOMP for packet identifier {} that nothing asks for", id);
}

} // namespace culex::model
