#pragma once
/// \file world.hpp
/// Runs a program on the real session, and holds it to MQTT's promises.
///
/// Theory of operation. Around the session stand a transport of two byte queues, which may end at any byte, the model's
/// broker, and an application. Everything that the session writes is read once more when it leaves, and everything that it
/// gets is read before it gets it, by a model that knows each message by its number: so it knows what must follow, and
/// compares. That is not one answer of many: which messages are handed on, in which order, and how operations end follows from the
/// bytes that came. In the other direction it is a set of rules, since when to send is the session's choice.
///
/// What is checked:
///   - an operation ends exactly once, with what the broker's answer says, or with a failure for which there was a cause:
///     the bounds were reached, the policy chose it, it expired, or the link takes no packet so large;
///   - QoS 0 is sent at most once; QoS 2 arrives exactly once, in both directions, while the broker keeps the session; of
///     QoS 1 nothing is lost. What the application was told to have failed may be missing, nothing else;
///   - DUP is set exactly where the message was tried before; nothing is sent twice on one link; after PUBREC only PUBREL is
///     [MQTT-4.3.3-6]; PUBRELs go in the order of the PUBRECs [MQTT-4.6.0-4]; messages go in the order of the calls, and a
///     later one never passes an earlier one at QoS 0;
///   - no identifier names two things; no more is in flight than was granted; no packet is larger than was granted;
///   - messages are acknowledged in the order of arrival [MQTT-4.6.0-2], and never before their consumer is done;
///   - the bounds hold, and what counts as outstanding is what has not ended;
///   - when the link has healed nothing is left, and the broker has exactly the subscriptions that were asked for last.

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "model/broker.hpp"
#include "model/ledger.hpp"
#include "model/program.hpp"
#include "session/session.hpp"

namespace culex::model {

class World final : private Ends, private session::MessageSink {
public:
    explicit World(const Setting& setting);
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    /// What was broken; empty where everything held.
    std::string run(const std::vector<Step>& steps);

private:
    struct Owed { // an answer that the client owes the broker on this link
        PacketType type = PacketType::puback;
        PacketId id = 0;
        std::size_t number = 0;
        bool done = false;
        ReasonCode code{};
    };
    struct Held { // by the application
        session::Delivery delivery{};
        std::size_t number = 0;
        unsigned link = 0;
    };
    struct Wanted { // what the application asked for last
        std::optional<QoS> qos{};
        bool certain = true;
    };

    template <class... Args> void broken(fmt::format_string<const Args&...> format, const Args&... args) {
        verdict_.broken(fmt::format(format, args...));
    }

    // world.cpp: what happens
    std::string run_all(const std::vector<Step>& steps);
    void step(const Step& step);
    void skip(std::uint32_t ids);
    void open(const Broker::Grant& grant);
    void cut(bool arrives);
    void flush(std::size_t most);
    void up(std::size_t most);
    void down(std::size_t most);
    void turn();
    void pass(Duration duration);
    void look_at_session();

    // world_calls.cpp: what the application does, and how that ends
    Call& new_call(PacketType kind);
    void publish(const Step& step, bool lent);
    void accepted(Call& call, PacketId id);
    void not_accepted(Call& call, const Failure& why);
    void subscribe(std::uint32_t topic, QoS qos);
    void unsubscribe(std::uint32_t topic);
    void acknowledge(std::size_t at, ReasonCode code);
    void ended(std::size_t operation, const session::Outcome& outcome) override;
    void check_cause(const Call& call, const Failure& why);
    void check_victim(const Call& call);
    void check_bounds();
    [[nodiscard]] bool bounded() const noexcept;

    // world_sent.cpp: what the session writes
    void watch_sent();
    void saw(const Publish& packet);
    void saw(const Puback& packet) { saw_answer(PacketType::puback, packet.packet_id, packet.reason_code); }
    void saw(const Pubrec& packet) { saw_answer(PacketType::pubrec, packet.packet_id, packet.reason_code); }
    void saw(const Pubcomp& packet);
    void saw(const Pubrel& packet);
    void saw(const Subscribe& packet);
    void saw(const Unsubscribe& packet) { saw_request(packet.packet_id, PacketType::unsubscribe); }
    void saw(const Pingreq&) {}
    void saw(const Connect&) {}
    void saw(const Disconnect&) { last_word_ = true; }
    template <class P> void saw(const P&) { broken("the client sent {}", to_string(P::type)); }
    void saw_once(Call& call);
    void saw_tracked(Call& call, const Publish& packet);
    void saw_first(Call& call, const Publish& packet);
    [[nodiscard]] std::size_t granted() const noexcept {
        return grant_.receive_maximum == 0 ? 65'535 : grant_.receive_maximum;
    }
    void saw_answer(PacketType type, PacketId id, ReasonCode code);
    void saw_request(PacketId id, PacketType kind);

    // world_received.cpp: what the session gets
    void watch_received(Bytes bytes);
    void came(const Connack& packet);
    void came(const Publish& packet);
    void came(const Pubrel& packet);
    template <PacketType Type> void came(const PublishReply<Type>& packet) {
        answered(Type, packet.packet_id, packet.reason_code);
    }
    void came(const Suback& packet) { answered(PacketType::suback, packet.packet_id, ReasonCode::success); }
    void came(const Unsuback& packet) { answered(PacketType::unsuback, packet.packet_id, ReasonCode::success); }
    template <class P> void came(const P&) {}
    void came_exactly_once(std::size_t number, const Publish& packet);
    void answered(PacketType type, PacketId id, ReasonCode code);
    void on_message(Message&& message, const session::Delivery& delivery) override;

    // world_end.cpp: the link heals, and everything is over
    void drain();
    bool drain_once();
    void check_end();
    void check_end(const Call& call);
    void check_subscriptions();
    void say_goodbye();

    const Setting setting_;
    const Version version_;
    Verdict verdict_;
    TimePoint now_{std::chrono::hours(1)};
    std::deque<Call> calls_; // destroyed after the session
    std::deque<Down> downs_;
    Broker broker_;
    session::Session session_;

    // The transport.
    bool link_up_ = false;
    unsigned link_ = 0; // its number
    Broker::Grant grant_;
    bool reading_ = true;
    Buffer to_broker_;
    std::size_t up_left_ = SIZE_MAX; // bytes until it ends
    std::size_t down_left_ = SIZE_MAX;

    // What left, and what came.
    wire::Framer sent_framer_;
    std::size_t watched_ = 0; // bytes of the output that were looked at
    wire::Framer received_framer_;
    bool accepted_ = false;                // CONNACK has come
    bool last_word_ = false;               // DISCONNECT has gone
    std::vector<std::size_t> answered_;    // operations that must have ended now
    unsigned known_session_ = 0;           // the broker's, of which the client knows
    std::map<PacketId, std::size_t> ids_;  // of ours, in use
    std::map<PacketId, bool> restoring_;   // SUBSCRIBEs of the session's own
    std::size_t in_flight_ = 0;            // PUBLISHes of this link that are not acknowledged
    std::optional<std::size_t> last_qos0_; // number of the last on this link
    std::optional<std::size_t> last_tracked_;
    std::optional<std::size_t> last_request_;
    std::uint64_t releases_ = 0;
    std::uint64_t last_release_ = 0;
    std::deque<Owed> owed_;
    std::map<PacketId, int> released_;             // PUBRELs of this link that PUBCOMP has not answered
    std::map<PacketId, std::size_t> down_ids_;     // QoS 2 of the broker
    std::deque<std::pair<std::size_t, bool>> due_; // to be handed on now: the message, and whether it must be
    std::map<std::uint32_t, std::size_t>
        first_; // the last message that was handed on for the first time, by topic and QoS

    // The application.
    std::vector<Held> held_;
    std::map<std::string, Wanted> wanted_;
    std::size_t live_ = 0;
    std::map<std::size_t, bool> waiting_; // messages that were never sent: numbers, and whether at QoS 0
    TimePoint last_flush_{};
};

} // namespace culex::model
