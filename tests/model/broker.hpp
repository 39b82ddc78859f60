#pragma once
/// \file broker.hpp
/// The model's broker: one client's session, the application behind it, and the sharp eye of a conformance test. It does what
/// the standard says and nothing more; what a broker may do otherwise (refuse, forget) it does when it is told.

#include <deque>
#include <map>
#include <string>
#include <vector>

#include <culex/buffer.hpp>
#include <culex/packet.hpp>

#include "model/ledger.hpp"
#include "model/program.hpp"
#include "wire/codec.hpp"

namespace culex::model {

class Broker {
public:
    Broker(const Setting& setting, Verdict& verdict, std::deque<Call>& calls, std::deque<Down>& downs)
        : setting_(setting), version_(setting.version == 5 ? Version::v5 : Version::v3_1_1), verdict_(verdict),
          calls_(calls), downs_(downs) {}

    /// What the next link grants; 0: nothing is said.
    struct Grant {
        std::uint16_t receive_maximum = 0;
        std::uint16_t aliases = 0;
        std::uint32_t packet_size = 0;
        bool refuse = false;
    };
    void open(const Grant& grant);
    void end() noexcept { connected_ = false; }
    void input(Bytes bytes);
    void lose_session() noexcept { lost_ = true; }
    void deny(unsigned messages) noexcept { deny_ = messages; }
    /// A message for the client, where it has subscribed.
    void inject(QoS qos, std::uint32_t size, std::uint32_t topic);

    [[nodiscard]] Buffer& output() noexcept { return output_; }
    [[nodiscard]] const std::map<std::string, QoS>& subscriptions() const noexcept { return subscriptions_; }
    /// How many sessions there have been.
    [[nodiscard]] unsigned session() const noexcept { return session_; }
    [[nodiscard]] bool idle() const noexcept { return queue_.empty() && in_flight_.empty(); }

private:
    struct Outgoing {
        std::size_t number = 0; // in `downs_`
        QoS qos = QoS::at_most_once;
        PacketId id = 0;
        bool released = false; // PUBREC has come
    };

    template <class P> void write(const P& packet);
    void handle(const Connect& packet);
    void handle(const Publish& packet);
    void handle(const Pubrel& packet);
    void handle(const Puback& packet);
    void handle(const Pubrec& packet);
    void handle(const Pubcomp& packet);
    void handle(const Subscribe& packet);
    void handle(const Unsubscribe& packet);
    void handle(const Pingreq&) { write(Pingresp{}); }
    void handle(const Disconnect&) { connected_ = false; }
    template <class P> void handle(const P&) { verdict_.broken(std::string(to_string(P::type)) + " from a client"); }
    void take(Call& call);
    void forget();
    void pump();
    void send(const Outgoing& message, bool dup);
    void done(std::deque<Outgoing>::iterator at);
    [[nodiscard]] std::deque<Outgoing>::iterator find(PacketId id);
    [[nodiscard]] bool expect(std::deque<Outgoing>::iterator at, QoS qos, bool released, const char* packet);

    const Setting& setting_;
    const Version version_;
    Verdict& verdict_;
    std::deque<Call>& calls_;
    std::deque<Down>& downs_;

    // The session.
    bool has_session_ = false;
    bool lost_ = false;
    unsigned session_ = 0;
    std::map<PacketId, std::size_t> received_; // QoS 2, between PUBLISH and PUBREL
    std::deque<Outgoing> queue_;
    std::deque<Outgoing> in_flight_; // in the order in which they were first sent
    std::map<std::string, QoS> subscriptions_;
    PacketId last_id_ = 0;
    unsigned deny_ = 0;

    // The link.
    bool connected_ = false;
    Grant grant_;
    wire::Framer framer_;
    Buffer output_;
    std::vector<bool> alias_known_; // to the client
    std::vector<std::string> aliases_;
};

} // namespace culex::model
