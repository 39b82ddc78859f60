#pragma once
/// \file model_broker.hpp
/// The least broker that keeps MQTT's promises: sessions, QoS 0 to 2 both ways, filters without wildcards. It notes what
/// arrived. Bytes go in and out; whoever carries them may lose them.

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "wire/codec.hpp"

namespace culex::session {

class ModelBroker {
public:
    struct Outgoing {
        std::string topic, payload;
        QoS qos;
        PacketId id = 0;
        bool released = false; ///< PUBREC has come
    };
    struct Client {
        // The session.
        bool has_session = false;
        std::set<PacketId> received; ///< QoS 2 messages between PUBLISH and PUBREL
        std::deque<Outgoing> queue;
        std::deque<Outgoing> in_flight; ///< in the order in which they were first sent
        std::map<std::string, QoS> subscriptions;
        PacketId last_id = 0;
        // The link.
        bool connected = false;
        wire::Framer framer;
        Buffer output;
        // For the test.
        std::vector<std::string> arrived; ///< payloads, each time that they were taken
    };

    ModelBroker(Version version, std::size_t clients) : version_(version), clients_(clients) {}

    Client& operator[](std::size_t at) { return clients_[at]; }
    /// What CONNACK grants; 3.1.1 cannot say it.
    std::uint16_t receive_maximum = 65'535;
    /// How many messages it has under way to each client.
    std::size_t window = 8;

    void open(std::size_t at) {
        clients_[at].framer = wire::Framer();
        clients_[at].output.clear();
    }
    void end(std::size_t at) { clients_[at].connected = false; }
    void lose_session(std::size_t at) {
        std::vector<std::string> arrived = std::move(clients_[at].arrived);
        clients_[at] = Client{};
        clients_[at].arrived = std::move(arrived);
    }
    void input(std::size_t at, Bytes bytes) {
        Client& client = clients_[at];
        client.framer.feed(bytes);
        for (;;) {
            auto frame = client.framer.next();
            ASSERT_TRUE(frame) << frame.failure().message();
            if (!*frame) return;
            wire::Arena arena;
            const auto packet = wire::decode(**frame, version_, arena, wire::Sender::client);
            ASSERT_TRUE(packet) << packet.failure().message();
            std::visit([&](const auto& one) { handle(client, one); }, *packet);
            pump(client);
        }
    }

private:
    template <class P> void write(Client& client, const P& packet) {
        const auto written = wire::encode(client.output, packet, version_);
        ASSERT_TRUE(written) << written.failure().message();
    }
    void handle(Client& client, const Connect& packet) {
        if (packet.clean_start) client.has_session = false;
        if (!client.has_session) {
            client.received.clear();
            client.queue.clear();
            client.in_flight.clear();
            client.subscriptions.clear();
        }
        write(client,
              Connack{.session_present = client.has_session, .properties = {.receive_maximum = receive_maximum}});
        client.has_session = client.connected = true;
        for (const Outgoing& message : client.in_flight) {
            if (message.released) {
                write(client, Pubrel{.packet_id = message.id});
            } else {
                send(client, message, true);
            }
        }
    }
    void handle(Client& client, const Publish& packet) {
        if (packet.qos == QoS::exactly_once) {
            write(client, Pubrec{.packet_id = packet.packet_id});
            if (!client.received.insert(packet.packet_id).second) return;
        } else if (packet.qos == QoS::at_least_once) {
            write(client, Puback{.packet_id = packet.packet_id});
        }
        const std::string payload(as_text(packet.payload));
        client.arrived.push_back(payload);
        for (Client& other : clients_) {
            const auto found = other.subscriptions.find(std::string(packet.topic));
            if (found == other.subscriptions.end()) continue;
            const QoS qos = std::min(packet.qos, found->second);
            if (qos == QoS::at_most_once && !other.connected) continue;
            other.queue.push_back({std::string(packet.topic), payload, qos});
            pump(other);
        }
    }
    void handle(Client& client, const Pubrel& packet) {
        client.received.erase(packet.packet_id);
        write(client, Pubcomp{.packet_id = packet.packet_id});
    }
    void handle(Client& client, const Puback& packet) { done(client, packet.packet_id, QoS::at_least_once); }
    void handle(Client& client, const Pubcomp& packet) { done(client, packet.packet_id, QoS::exactly_once); }
    void handle(Client& client, const Pubrec& packet) {
        const auto found = find(client, packet.packet_id);
        ASSERT_NE(found, client.in_flight.end()) << "PUBREC for a message that is not under way";
        found->released = true;
        write(client, Pubrel{.packet_id = packet.packet_id});
    }
    void handle(Client& client, const Subscribe& packet) {
        std::vector<ReasonCode> codes;
        for (const TopicSubscription& subscription : packet.subscriptions) {
            client.subscriptions[std::string(subscription.filter)] = subscription.qos;
            codes.push_back(static_cast<ReasonCode>(subscription.qos));
        }
        write(client, Suback{.packet_id = packet.packet_id, .reason_codes = codes});
    }
    void handle(Client& client, const Unsubscribe& packet) {
        std::vector<ReasonCode> codes;
        for (const std::string_view filter : packet.filters) {
            client.subscriptions.erase(std::string(filter));
            if (version_ == Version::v5) codes.push_back(ReasonCode::success);
        }
        write(client, Unsuback{.packet_id = packet.packet_id, .reason_codes = codes});
    }
    void handle(Client& client, const Pingreq&) { write(client, Pingresp{}); }
    void handle(Client&, const Disconnect&) {}
    template <class P> void handle(Client&, const P&) { FAIL() << to_string(P::type) << " from a client"; }

    std::deque<Outgoing>::iterator find(Client& client, PacketId id) {
        return std::find_if(client.in_flight.begin(), client.in_flight.end(),
                            [id](const Outgoing& message) { return message.id == id; });
    }
    void done(Client& client, PacketId id, QoS qos) {
        const auto found = find(client, id);
        ASSERT_NE(found, client.in_flight.end()) << "an answer to a message that is not under way";
        ASSERT_EQ(found->qos, qos);
        client.in_flight.erase(found);
    }
    void send(Client& client, const Outgoing& message, bool dup) {
        write(client, Publish{.topic = message.topic,
                              .payload = as_bytes(message.payload),
                              .qos = message.qos,
                              .dup = dup,
                              .packet_id = message.id});
    }
    void pump(Client& client) {
        while (client.connected && !client.queue.empty()) {
            Outgoing next = client.queue.front();
            if (next.qos != QoS::at_most_once) {
                if (client.in_flight.size() >= window) return;
                do {
                    client.last_id =
                        static_cast<PacketId>(client.last_id % 20 + 1); // few, so that they are used again soon
                } while (find(client, client.last_id) != client.in_flight.end());
                next.id = client.last_id;
                client.in_flight.push_back(next);
            }
            send(client, next, false);
            client.queue.pop_front();
        }
    }

    Version version_;
    std::vector<Client> clients_;
};

} // namespace culex::session
