#pragma once
/// \file fake_broker_connection.hpp
/// One client's connection: bytes to packets, packets to answers, and the ways in which a connection ends.

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <culex/runtime.hpp>
#include <culex/testing/fake_broker_records.hpp>
#include <culex/testing/faulty_stream.hpp>

#include "testing/callbacks.hpp"
#include "testing/fake_broker_message.hpp"
#include "testing/fake_broker_player.hpp"
#include "wire/codec.hpp"

namespace culex::testing {

class BrokerCore;
class BrokerSession;

/// The whole of a frame that came from a framer: its fixed header stands before its body, in the shortest form.
[[nodiscard]] Bytes whole_of(const wire::Frame& frame) noexcept;
/// And back.
[[nodiscard]] wire::Frame frame_of(Bytes packet) noexcept;

class BrokerConnection final : private StreamHandler {
public:
    BrokerConnection(BrokerCore& core, std::unique_ptr<Stream> stream, std::size_t number, const Faults& faults);
    BrokerConnection(const BrokerConnection&) = delete;
    BrokerConnection& operator=(const BrokerConnection&) = delete;

    void start() { stream_->start(*this); }
    /// Before anything has come.
    void play(Script script, std::size_t script_number);
    [[nodiscard]] std::size_t number() const noexcept { return number_; }
    [[nodiscard]] ConnectionInfo info() const;
    /// Neither ended nor ending.
    [[nodiscard]] bool serving() const noexcept { return state_ == State::serving; }
    [[nodiscard]] const ScriptPlayer* player() const noexcept { return player_ ? &*player_ : nullptr; }

    void release_stalls();
    void release_acknowledgements(std::size_t count);

    // --- for scripts

    [[nodiscard]] Version version() const noexcept { return version_; }
    [[nodiscard]] bool has_session() const noexcept { return session_ != nullptr; }
    /// Does with a packet what the broker does.
    void serve(const wire::Frame& frame);
    void set_reading(bool on);

    // --- output: gathered, and flushed at the end of the turn. Nothing happens once the connection is ending.

    template <class P> void send(const P& packet);
    void send_raw(Bytes bytes);
    /// False where it is larger than what the client takes.
    bool send_publish(const wire::PublishParts& parts);
    /// Whether the client keeps up.
    [[nodiscard]] bool has_room() const noexcept;

    // --- ends; the connection object itself goes on a later turn

    /// At once and without a word; the will is published.
    void drop();
    /// Behind what was sent.
    void close(bool publish_will);
    /// DISCONNECT where the client knows it, then `close`. For the broker's own reasons.
    void say_goodbye(ReasonCode why, bool publish_will = false) { say_goodbye({.reason_code = why}, publish_will); }
    void say_goodbye(Disconnect packet, bool publish_will);
    /// At once, and nothing comes of it: the broker is being destroyed.
    void abandon() noexcept;

private:
    enum class State : std::uint8_t { serving, closing, dead };

    void on_read(Bytes bytes) override;
    void on_end(Failure why) override;
    void on_drained() override;

    void handle(const wire::Frame& frame);
    void note(Direction direction, Bytes packet);
    [[nodiscard]] bool send_plainly(const wire::PublishParts& parts);
    void written(std::size_t before);
    void flush();
    void alarm();
    void watch_keep_alive();
    void end(State state, std::string_view why);
    void leave(bool publish_will);
    void complain(std::string_view what) const;

    // fake_broker_serving.cpp: what each packet does
    void handle_connect(const wire::Frame& frame);
    void welcome(const Connect& connect);
    [[nodiscard]] ReasonCode admit(const Connect& connect);
    void refuse_connect(ReasonCode code);
    void refuse(const Failure& why);
    void handle(const Publish& packet);
    void handle(const Puback& packet);
    void handle(const Pubrec& packet);
    void handle(const Pubrel& packet);
    void handle(const Pubcomp& packet);
    void handle(const Subscribe& packet);
    void handle(const Unsubscribe& packet);
    void handle(const Pingreq& packet);
    // fake_broker_auth.cpp
    void begin_authentication(const Connect& connect, const wire::Frame& frame);
    void continue_connecting(const wire::Frame& frame);
    void handle(const Auth& packet);
    void step_authentication(Bytes data);
    void accepted();
    void refuse_authentication(ReasonCode code);
    void handle(const Disconnect& packet);
    template <class P> void handle(const P& packet);
    [[nodiscard]] Result<void> resolve_alias(Publish& packet);
    struct Acknowledgement {
        PacketType type; ///< PUBACK or PUBREC
        PacketId id;
        ReasonCode code;
    };
    void acknowledge(const Acknowledgement& one);
    void send_acknowledgement(const Acknowledgement& one);
    [[nodiscard]] ReasonCode take(const Publish& packet);
    [[nodiscard]] ReasonCode grant(const TopicSubscription& asked, bool has_identifier);
    void deliver_retained(const TopicSubscription& asked, bool fresh);

    // fake_broker_granted.cpp: what the client was told in CONNACK
    [[nodiscard]] ConnackProperties connack_for(const Connect& connect) const;
    void keep_to(const Connect& connect, const ConnackProperties& granted);
    [[nodiscard]] ReasonCode check_granted(const Will& will) const;
    [[nodiscard]] Result<void> check_granted(const Publish& packet) const;
    [[nodiscard]] ReasonCode check_granted(const TopicSubscription& asked, bool has_identifier) const;
    [[nodiscard]] bool send_with_alias(const wire::PublishParts& parts);

    BrokerCore& core_;
    std::unique_ptr<Stream> stream_; // null when dead
    FaultyStream* faulty_ = nullptr; // the same where it has faults
    const std::size_t number_;
    const std::string peer_;
    State state_ = State::serving;
    std::optional<ScriptPlayer> player_;

    Version version_ = Version::v3_1_1;
    BrokerSession* session_ = nullptr; // from CONNECT until the end begins
    std::string client_id_;
    bool connack_sent_ = false; ///< perhaps by a script
    bool clean_start_ = false;
    std::uint16_t keep_alive_ = 0;
    std::uint32_t maximum_packet_size_ = wire::no_limit; // of the client
    bool may_keep_session_ = false;
    std::shared_ptr<BrokerMessage> will_;
    std::uint32_t will_delay_ = 0;
    std::vector<std::string> aliases_;                                 // alias - 1 -> topic
    ConnackProperties granted_;                                        // the numbers of what CONNACK said; no views
    bool explains_ = false;                                            // the client has not forbidden it
    std::map<std::string, std::uint16_t, std::less<>> client_aliases_; // topic -> alias, to the client
    std::uint16_t client_alias_maximum_ = 0;
    std::deque<Acknowledgement> held_;
    std::set<PacketId> receiving_; // of PUBLISHes of this connection that hold a place of our Receive Maximum

    std::string method_;        // of the authentication that CONNECT has asked for
    std::size_t auth_step_ = 0; // in the exchange under way ...
    bool authenticating_ = false;
    Buffer held_connect_;   // ... for this CONNECT, or empty: it is a connection's that is up
    std::string last_word_; // for CONNACK

    wire::Framer framer_;
    wire::Arena arena_;
    Buffer output_;
    TimePoint last_received_{};
    OwnedNode<BrokerConnection> flush_{*this, &BrokerConnection::flush};
    OwnedTimer<BrokerConnection> alarm_{*this, &BrokerConnection::alarm};
};

} // namespace culex::testing
