#pragma once
/// \file session.hpp
/// MQTT's rules as a state machine: no I/O, no clock, no threads, no coroutines.
///
/// Theory of operation. Three families of methods, and nothing else changes a session:
///   handle_*  the world did something: the transport opened, bytes came, time passed, the transport ended;
///   verbs     the application wants something: publish, subscribe, unsubscribe, acknowledge, disconnect;
///   poll_*    what the session wants of its owner: bytes to send, the next deadline, the next event.
/// After any call of the first two, the owner looks at the third: it drains `poll_event`, hands `output` to the transport,
/// arms a timer for `poll_deadline`, and closes the transport when `failure` is set or `finished` is true.
///
/// State is split by lifetime. What MQTT calls the session survives a link: exchanges that are not acknowledged, QoS 2
/// identifiers, granted subscriptions, the queue. What belongs to the link ends with it: the framer, the granted limits, the
/// send quota, the order of answers, topic aliases, the keep-alive.
///
/// MQTT 3.1.1 is MQTT 5 with empty properties and the default limits. The session asks what was granted (`Limits`), not
/// which version it is.
///
/// The life of an outgoing packet:
///
///     publish ──► sent_ ─────────────► done          straight into the output, while there is quota and room
///        │         │ ▲ PUBREC
///        │         │ └──► releases_ ──► done         QoS 2 after PUBREL
///        │         │ the link ends
///        │         └──► resend_ ──► sent_            first of all on the next link, with DUP, in the first order
///        └► queue_ ──► sent_                         offline, congested, or the receive maximum is lacking
///
/// The receive maximum delays nothing but QoS 1 and 2: QoS 0 messages pass those that wait for it [MQTT-3.3.4-8].
///
/// A large payload is not copied into the output. It goes before it (`take_ahead`), with what was in the output until then.
///
/// Who waits for an exchange has attached an `Operation`, which is called with the outcome; or a `Claim`, for which the exchange
/// itself moves on to what is ready to run, many at once where a run of answers is for the oldest messages (`settle_claims`).
///
/// What is queued, sent and not acknowledged, or asked for is bounded. Beyond the bounds the policy (`WhenFull`) decides; it
/// drops from queue_ alone, never what was sent once (session_bounds.cpp).

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <culex/buffer.hpp>
#include <culex/packet.hpp>
#include <culex/result.hpp>

#include "base/rare.hpp"
#include "base/ring.hpp"
#include "session/config.hpp"
#include "session/counters.hpp"
#include "session/event.hpp"
#include "session/exchange.hpp"
#include "session/explanation.hpp"
#include "session/id_table.hpp"
#include "session/inbound.hpp"
#include "session/lent_ids.hpp"
#include "session/limits.hpp"
#include "session/packet_tap.hpp"
#include "session/publish_queue.hpp"
#include "session/subscriptions.hpp"
#include "session/topic_aliases.hpp"
#include "wire/codec.hpp"
#include "wire/plain_reply.hpp"

namespace culex::session {

/// How far `publish` got at once.
struct Published {
    PacketId id = 0;   ///< 0 at QoS 0
    bool done = false; ///< a QoS 0 message is in the output: the operation was not attached and hears nothing
};

/// What DISCONNECT says.
struct Farewell {
    ReasonCode reason_code = ReasonCode::success;
    std::optional<std::uint32_t> session_expiry_interval{}; ///< seconds
    Explanation words{};
};

/// What waits to be sent or acknowledged.
struct Unfinished {
    std::array<std::size_t, 3> messages{}; ///< by QoS
    std::size_t requests = 0;              ///< SUBSCRIBE and UNSUBSCRIBE
};

class Session {
public:
    explicit Session(const Config& config);
    /// Every operation still attached ends with `Errc::closed`.
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // --- the world did something

    /// The transport is open: CONNECT goes into the output. Fails where `connect` breaks a rule, and stays offline.
    Result<void> handle_open(const Connect& connect, TimePoint now);
    void handle_input(Bytes bytes, TimePoint now);
    void handle_time(TimePoint now);
    /// What time it is, before a verb for which it matters: one with a message that has a Message Expiry Interval.
    void note_time(TimePoint now) noexcept { noted_ = now; }
    /// The owner has handed all of `output` to the transport.
    void handle_flushed(TimePoint now);
    /// Whether the owner reads from the transport. While it does not, PINGRESP cannot arrive, and is not missed.
    void handle_reading(bool on, TimePoint now);
    /// The transport has taken some of what it had not taken before.
    void handle_taken(TimePoint now) noexcept {
        if (ping_sent_) ping_sent_ = now;
        if (ping_timed_) ping_timed_ = now;
    }
    /// The transport has ended. What survives waits for the next `handle_open`.
    void handle_end();

    // --- the application wants something

    /// Sends, or queues until there is a link, quota and room. Copies what `message` views. `message.packet_id` is assigned,
    /// and what only a broker or this session may put into a PUBLISH is taken out (DUP, topic alias, subscription identifiers).
    /// An operation is told of the end: the QoS 0 message is in the output, PUBACK, PUBCOMP, or a failure; never before the
    /// verb has returned.
    Result<Published> publish(Publish& message, Operation* operation = nullptr);
    /// The short ways of the same, for messages without properties, to be inlined (session_direct.hpp). False, or 0 instead
    /// of a packet identifier, says that nothing was done, and `publish` is to be called. So it is with `direct_below` bytes
    /// of output and more: the owner who has to act then need not look each time; 0 turns the short ways off.
    template <bool Short> [[nodiscard]] bool send_plain_once(std::string_view topic, Bytes payload, bool retain);
    template <bool Short>
    [[nodiscard]] PacketId send_plain_tracked(std::string_view topic, Bytes payload, QoS qos, bool retain,
                                              Operation* operation);
    template <bool Short>
    [[nodiscard]] bool send_plain_tracked(std::string_view topic, Bytes payload, QoS qos, bool retain, Claim& claim,
                                          ReadyNode::Run run);
    /// And of `submit`, for a message at QoS 0 that was prepared.
    [[nodiscard]] bool send_prepared_once(const Exchange& message);
    /// The same in two steps, for a caller that waits for room: `prepare` checks and copies, and holds none of the session's
    /// bounds; `submit` takes the message, or fails with `Errc::queue_full` or `Errc::no_packet_id` and leaves it (with
    /// `Errc::dropped` as well, where the policy is to drop).
    /// `payload`, where it is given, is the message's, and not copied if it is large.
    Result<Exchange::Owner> prepare(Publish& message, const Payload* payload = nullptr);
    Result<Published> submit(Exchange::Owner& prepared, Operation* operation);
    /// Makes the lent identifiers `most` where that many are free behind the last one; a quarter of all is never lent. A message
    /// whose `id` is one of them is submitted under it.
    const LentIds& lend_ids(std::uint32_t most) noexcept;
    /// No message will come under it.
    void forgo_id(PacketId id) noexcept { lent_.pass(id); }
    Result<PacketId> subscribe(std::span<const TopicSubscription> subscriptions, const SubscribeProperties& properties,
                               Operation* operation = nullptr);
    Result<PacketId> unsubscribe(std::span<const std::string_view> filters, const UnsubscribeProperties& properties,
                                 Operation* operation = nullptr);
    /// The consumer of a delivered message is done with it; see inbound.hpp. `why` goes with a code that refuses it, as far as
    /// the broker takes it.
    void acknowledge(const Delivery& delivery, ReasonCode code = ReasonCode::success,
                     const AckProperties* why = nullptr);
    /// It never had one: see `Inbound::give_back`.
    void give_back(const Delivery& delivery) noexcept { inbound_.give_back(delivery); }
    /// The short way for the oldest message at QoS 1; false where it is not that, and nothing is done.
    [[nodiscard]] bool acknowledge_oldest(const Delivery& delivery);

    /// Takes no more verbs, and sends DISCONNECT when everything before it is sent and acknowledged, and the session `owes`
    /// nothing. A code that DISCONNECT
    /// cannot carry (`disconnect_with_will` under 3.1.1) ends the link without it, which makes the broker publish the will.
    void disconnect(Farewell farewell);
    void disconnect(ReasonCode code = ReasonCode::success) { disconnect(Farewell{.reason_code = code}); }
    /// The same now; what is not acknowledged stays as it is.
    void disconnect_now(Farewell farewell);
    void disconnect_now(ReasonCode code = ReasonCode::success) { disconnect_now(Farewell{.reason_code = code}); }
    /// Tells every operation that waits that it ended with `why`, and keeps what MQTT keeps of a session that is not connected:
    /// QoS 1 and 2 messages, for a later `handle_open`. Returns how many exchanges were not finished.
    std::size_t suspend(const Failure& why);
    /// Ends every exchange with `why` and forgets the session: the next link is a first one.
    void abandon(const Failure& why);
    /// The next link speaks this version, and what is kept will be sent in it. Between links alone. A message or request that
    /// the other version cannot express ends with `Errc::not_supported`; a property that it does not have is left out.
    /// What it adds (version 5 a byte to each message) may exceed the bounds: nothing that was let in is dropped for it.
    void use_version(Version version);
    [[nodiscard]] Version version() const noexcept { return config_.version; }
    /// Ends what has expired in the queue without being sent. Otherwise that is seen when its turn to be sent comes.
    void drop_expired(TimePoint now);
    /// Takes verbs again after `disconnect`.
    void accept_verbs() noexcept { disconnecting_ = false; }

    // Enhanced authentication (MQTT 5, section 4.12; session_auth.cpp). The broker's words come as events of AUTH: 0x18 asks
    // for `authenticate`; 0x00 says that the broker is satisfied, and has its last data. With CONNACK that event stands in for
    // the one of CONNACK, and all that follows waits for `accept`.

    /// Answers the broker's last AUTH. Fails with `Errc::packet_too_large`, or where there is none to answer.
    Result<void> authenticate(Bytes data);
    /// The broker has proved itself: the link begins.
    void accept(TimePoint now);
    /// Authenticates again on a link that is up, with the method of its CONNECT. `Errc::not_connected`; and
    /// `Errc::not_supported` where CONNECT named no method [MQTT-4.12.0-7], or an exchange is under way.
    Result<void> reauthenticate(Bytes data);
    /// We are not satisfied, or cannot go on: DISCONNECT, and the link ends with `why` [MQTT-4.12.1-2].
    void reject_authentication(Failure why) { fail_saying(ReasonCode::unspecified_error, std::move(why)); }
    /// CONNACK has come, and `accept` has not.
    [[nodiscard]] bool verifying() const noexcept { return state_ == State::verifying; }

    // --- what the session wants of its owner

    void set_direct_below(std::size_t bytes) noexcept {
        owner_direct_below_ = bytes;
        review_direct();
    }
    [[nodiscard]] bool direct() const noexcept { return direct_below_ != 0; }
    /// Whether the owner has nothing of its own to look at first.
    void allow_direct(bool on) noexcept {
        direct_allowed_ = on;
        review_direct();
    }
    [[nodiscard]] std::optional<Event> poll_event();
    /// From now on messages are no events but go there at once; null ends that.
    void set_message_sink(MessageSink* sink) noexcept { sink_ = sink; }
    /// Where what waits for claimed exchanges is made ready; nobody may claim one before.
    void set_ready_sink(ReadySink& sink) noexcept { ready_sink_ = &sink; }
    [[nodiscard]] Buffer& output() {
        if (ahead_) [[unlikely]]
            merge_ahead();
        return output_;
    }
    /// What an owner takes who can write a payload that stands apart: first this, as long as it is there, and then `output`.
    struct Ahead {
        Buffer before;
        Payload payload;
    };
    [[nodiscard]] std::optional<Ahead> take_ahead() noexcept {
        if (!ahead_) return std::nullopt;
        std::optional<Ahead> taken(std::move(*ahead_));
        ahead_.reset();
        return taken;
    }
    /// Whether `output` alone has bytes.
    [[nodiscard]] bool has_output() const noexcept { return !output_.empty(); }
    /// Bytes of both.
    [[nodiscard]] std::size_t output_size() const noexcept {
        const std::size_t ahead = ahead_ ? ahead_->before.size() + ahead_->payload.size() : 0;
        return ahead + output_.size();
    }
    /// So far, on all links, those included that are in the output.
    [[nodiscard]] std::uint64_t bytes_sent() const noexcept { return counters_.bytes_sent(); }
    /// When `handle_time` wants to be called; `TimePoint::max()` for never.
    [[nodiscard]] TimePoint poll_deadline() const noexcept;
    /// Set where the link must be closed, after the output was flushed.
    [[nodiscard]] const Failure& failure() const noexcept { return failure_; }
    /// The last word is in the output: close behind it.
    [[nodiscard]] bool finished() const noexcept { return state_ == State::finished; }

    [[nodiscard]] bool connected() const noexcept { return state_ == State::connected; }
    /// Whether the link has begun, or had before it ended: the broker's CONNACK was accepted.
    [[nodiscard]] bool begun() const noexcept { return begun_; }
    /// True once `disconnect` was asked for.
    [[nodiscard]] bool disconnecting() const noexcept { return disconnecting_; }
    [[nodiscard]] const Limits& limits() const noexcept { return limits_; }
    /// Empty where the broker has assigned none (MQTT 5, section 3.2.2.3.7).
    [[nodiscard]] const std::string& assigned_client_id() const noexcept { return assigned_client_id_.look(); }
    /// Where the broker would have us go, in the words of the CONNACK or DISCONNECT that ended the last link (MQTT 5, section
    /// 4.11); empty where it has named nobody.
    [[nodiscard]] const std::string& server_reference() const noexcept { return server_reference_.look(); }
    /// What the last CONNACK gave to make response topics of (MQTT 5, section 3.2.2.3.15); empty where that was nothing.
    [[nodiscard]] const std::string& response_information() const noexcept { return response_information_.look(); }
    /// Messages and requests that wait to be sent or answered.
    [[nodiscard]] std::size_t outstanding() const noexcept { return outstanding_; }
    /// The same by kinds; counted out, so not for every message.
    [[nodiscard]] Unfinished unfinished() noexcept;
    [[nodiscard]] std::size_t outstanding_bytes() const noexcept { return outstanding_bytes_; }
    /// How much more the bounds let in.
    [[nodiscard]] PublishQueue::Depth room() const noexcept {
        return {config_.outbound_messages - std::min(outstanding_, config_.outbound_messages),
                config_.outbound_bytes - std::min(outstanding_bytes_, config_.outbound_bytes)};
    }
    /// How much they hold of what they let in, in words.
    [[nodiscard, gnu::cold]] std::string fullness() const;
    /// Fills in what the session knows of them.
    void count_into(Statistics& to);
    /// Null for none.
    void set_tap(PacketTap* tap) noexcept { tap_ = tap; }
    /// The owner is about to hand all of `output` to the transport.
    void before_flush() {
        if (tap_) [[unlikely]]
            show_output();
    }
    /// Received messages of this link that are not acknowledged.
    [[nodiscard]] std::size_t unacknowledged() const noexcept { return inbound_.unacknowledged(); }
    /// Those to which nothing was answered yet, PUBREC neither.
    [[nodiscard]] std::size_t unanswered() const noexcept { return inbound_.unanswered(); }
    /// See `Inbound::owes`. While that is so, `disconnect` says nothing: the broker is to send those messages again, and
    /// learn that they were processed.
    [[nodiscard]] bool owes() const noexcept { return inbound_.owes(); }
    [[nodiscard]] bool awaits(const Delivery& delivery) const noexcept { return inbound_.awaits(delivery); }
    /// Whether one of them is still with its consumer. If not, only the broker can make them fewer: with PUBREL.
    [[nodiscard]] bool waits_for_consumer() const noexcept { return inbound_.waits_for_consumer(); }

private:
    enum class State : std::uint8_t { offline, opening, verifying, connected, finished, failed };
    /// Who has to say something in an exchange of AUTHs.
    enum class AuthTurn : std::uint8_t { nobody, broker, ours };

    // session.cpp
    template <class P> void write(const P& packet);
    void answered(PacketType type, std::size_t bytes) {
        Counters::count(counters_.sent, type, bytes);
        unflushed_answers_ += bytes;
        if (unflushed_answers_ > config_.answer_limit) [[unlikely]]
            fail_unread();
    }
    [[gnu::cold]] void fail_unread();
    void fail(Failure why);
    void disconnect_when_drained();
    void write_disconnect(const Disconnect& packet);
    [[nodiscard]] Duration ping_interval() const noexcept;
    [[nodiscard]] TimePoint ping_due() const noexcept;
    [[nodiscard]] TimePoint answer_due() const noexcept;

    // session_rest.cpp
    void rest() noexcept;
    void give_back_memory() noexcept;

    // session_input.cpp: packets from the broker, but for the next three groups. What may not be ends in `fail`, which
    // `handle_input` sees by the state: a return value for each packet would cost more than most packets.
    void handle_frames();
    void handle_packet(const wire::Frame& frame);
    void handle_rare_packet(const wire::Frame& frame);
    template <class P> void decode_and_handle(const wire::Frame& frame);
    [[gnu::cold]] void end_refused(const wire::Frame& frame);
    template <class P> void handle_reply(const wire::Frame& frame);
    template <PacketType Reply> [[nodiscard]] bool handle_success(PacketId id);
    void handle_runs();
    template <PacketType Reply> void handle_successes();
    template <PacketType Reply>
    [[nodiscard]] const std::byte* settle_claims(const std::byte* begin, const std::byte* end);
    void count_latency(QoS qos, TimePoint sent_at, std::uint64_t number);
    void handle_replied(PacketType type, PacketId id, ReasonCode code, const AckProperties& properties);
    template <PacketType Type> void handle(const PublishReply<Type>& packet);
    [[nodiscard]] bool check_explained(const AckProperties& properties);
    void report(PacketType type, PacketId id, ReasonCode code = ReasonCode::success,
                std::span<const ReasonCode> codes = {}, const AckProperties& properties = {});
    static void explain(Event& event, ReasonCode code, std::span<const ReasonCode> codes,
                        const AckProperties& properties);
    [[nodiscard]] wire::Arena& fresh_arena() {
        wire::Arena& arena = arena_.use();
        if (arena.used() > 0) arena.reset();
        return arena;
    }

    // session_connection.cpp: the connection's own packets, and what comes before CONNACK
    [[gnu::cold]] void handle_early_input(Bytes bytes, TimePoint now);
    void handle_first_packet(const wire::Frame& frame);
    void handle(const Connack& packet);
    void begin(bool session_present);
    void handle(const Pingreq& packet);
    void handle(const Pingresp& packet);
    void handle(const Disconnect& packet);

    // session_auth.cpp
    void handle(const Auth& packet);
    [[nodiscard]] Failure misplaced(const Auth& packet) const;
    [[nodiscard]] bool check_method(const ConnackProperties& properties);
    void await_verdict(const Connack& packet);
    void report_auth(ReasonCode code, std::optional<Bytes> data, std::optional<std::string_view> reason_string);
    Result<void> send_auth(ReasonCode code, Bytes data);
    [[gnu::cold]] void park(Bytes bytes);
    [[gnu::cold]] void fail_saying(ReasonCode code, Failure why);

    // session_receive.cpp: its messages, and the answers to them
    void handle_publish(const wire::Frame& frame);
    void take_run(QoS qos);
    void handle_other_publish(const wire::Frame& frame);
    void handle_released(PacketId id);
    [[nodiscard]] bool resolve_alias(Publish& packet);
    template <class Source> void take(const Source& publish);
    void hand_on(PacketType type, PacketId id, Inbound::Received&& received);
    void send_answers();
    void answer(Answer answer) {
        const bool plain = answer.reason_code == ReasonCode::success;
        if (plain && wire::append_success(output_, answer.type, answer.id, limits_.maximum_packet_size)) [[likely]]
            return answered(answer.type, 4);
        answer_at_length(answer);
    }
    void answer_at_length(Answer answer);
    template <class P> [[gnu::cold]] void refuse(Answer answer);

    // session_publish.cpp: messages, from the verb to the acknowledgement
    [[nodiscard]] bool pumpable() const noexcept {
        return state_ == State::connected && output_.size() < config_.output_high_water && !ahead_;
    }
    /// Whether a message has to let others pass [MQTT-4.9.0-2], or may not pass others.
    [[nodiscard]] bool must_wait(QoS qos) const noexcept {
        return qos != QoS::at_most_once && (quota_ == 0 || !resend_.empty());
    }
    [[nodiscard]] bool may_send_directly(QoS qos) const noexcept {
        return pumpable() && (queue_.empty() ? !must_wait(qos) : may_pass_queue(qos));
    }
    /// Where all that is queued lacks quota, and the message needs none. Resends may wait for room in the output alone.
    [[nodiscard]] bool may_pass_queue(QoS qos) const noexcept {
        return qos == QoS::at_most_once && queue_.depth_of_qos0().messages == 0 && quota_ == 0;
    }
    [[nodiscard]] PacketId next_id() noexcept;
    /// As long as the last identifier is below `direct_ids_below_`, the next one is none of the lent ones: these are mostly
    /// behind it.
    void review_ids() noexcept {
        const bool lent_is_ahead = lent_.size() != 0 && lent_.first > last_id_;
        direct_ids_below_ = lent_is_ahead ? static_cast<PacketId>(lent_.first - 1) : max_packet_id;
    }
    [[nodiscard]] bool grants(QoS qos, bool retain) const noexcept {
        return qos <= limits_.maximum_qos && (!retain || limits_.retain_available);
    }
    [[nodiscard, gnu::cold]] Failure refuse_verb() const;
    Result<void> check_granted(QoS qos, bool retain, std::size_t packet_size) const;
    Result<void> append(Publish& message);
    std::size_t append_packet(const Exchange& exchange);
    [[gnu::cold]] void merge_ahead();
    /// What `can_send_plain` relies on, but for the size of the output. Where it ends, `direct_below_` must become 0 with it;
    /// where it begins, `review_direct` may be late.
    [[nodiscard]] bool may_be_direct() const noexcept {
        return direct_allowed_ && state_ == State::connected && !disconnecting_ && queue_.empty() && resend_.empty() &&
               !topic_aliases_.in_use() && limits_.maximum_packet_size >= wire::short_size;
    }
    /// Who holds quota is outstanding: where fewer are than the receive maximum, there is quota.
    void review_direct() noexcept {
        direct_below_ = may_be_direct() ? std::min(owner_direct_below_, config_.output_high_water) : 0;
        direct_messages_ = std::min<std::size_t>(config_.outbound_messages, limits_.receive_maximum);
    }
    template <bool Short> [[nodiscard]] bool can_send_plain(const wire::PublishParts& message) const noexcept;
    template <bool Short, class Attach>
    [[nodiscard]] bool send_plain_for(std::string_view topic, Bytes payload, QoS qos, bool retain,
                                      const Attach& attach);
    template <bool Short>
    std::size_t append_plain(const wire::PublishParts& message, Version version, std::size_t remaining);
    Result<Published> send_once(Publish& message);
    Result<Published> send_tracked(Publish& message, Operation* operation);
    Result<Published> submit_directly(Exchange::Owner& prepared, Operation* operation);
    [[gnu::noinline]] Result<Published> enqueue(Publish& message, Operation* operation);
    void count_in(const Exchange& exchange) noexcept { count_in(exchange.footprint()); }
    void count_in(std::size_t footprint) noexcept {
        ++outstanding_;
        outstanding_bytes_ += footprint;
    }
    template <class List> Exchange& track(Exchange::Owner&& exchange, List& list, Operation* operation);
    /// Of one that is in a list, or of none any more.
    void finish(Exchange& exchange, Outcome&& outcome);
    void settle_claim(Exchange& exchange, Outcome&& outcome);
    void tell(Exchange& exchange, const Failure& why);
    void make_ready(Claimed* node);
    void sent(Exchange& exchange) noexcept;
    void send(Exchange::Owner exchange);
    void release(Exchange& exchange);
    void resume(bool session_present);
    void pump();

    // session_edit.cpp
    [[nodiscard]] TimePoint latest() const noexcept { return std::max({noted_, last_sent_, last_received_}); }
    [[gnu::noinline]] Result<void> append_by_alias(Publish& message);
    [[gnu::noinline]] void append_with_alias(Bytes packet);
    void begin_expiry(Exchange& message, std::uint32_t interval) noexcept;
    [[gnu::cold]] void begin_expiry(Exchange& message) noexcept;
    [[nodiscard, gnu::noinline]] bool apply_expiry(Exchange& message) noexcept;
    [[nodiscard, gnu::cold]] static Failure expired();

    // session_version.cpp
    [[nodiscard]] Exchange::Owner in_version(const Exchange& exchange, Version from);
    [[nodiscard]] Exchange::Owner translate(Exchange::Owner exchange, Version from);
    [[nodiscard, gnu::cold]] bool bring_up_to_date(Exchange::Owner& prepared);

    // session_statistics.cpp
    [[gnu::cold]] void show_output();
    void forget_output();
    template <class F> bool for_each_in_output(F visit);

    // session_bounds.cpp
    /// Whether so much more fits if `without` goes. A message that is larger than the whole bound may pass alone: to refuse
    /// it would be to refuse it for ever.
    [[nodiscard, gnu::always_inline]] bool fits(std::size_t bytes, const PublishQueue::Depth& without) const noexcept {
        const std::size_t messages = outstanding_ - without.messages;
        const std::size_t all_bytes = outstanding_bytes_ - without.bytes + sizeof(Exchange) + bytes;
        return messages == 0 || (messages < config_.outbound_messages && all_bytes <= config_.outbound_bytes);
    }
    [[nodiscard]] bool has_room_for(std::size_t bytes) const noexcept { return fits(bytes, {}); }
    [[nodiscard]] bool lacks_id(QoS qos) const noexcept { return qos != QoS::at_most_once && !has_free_id(); }
    [[nodiscard]] bool has_free_id() const noexcept { return ids_.size() + lent_.size() < max_packet_id; }
    [[nodiscard, gnu::cold]] bool make_room(QoS qos, std::size_t bytes);
    [[nodiscard]] bool could_make_room(QoS qos, std::size_t bytes) const noexcept;
    [[nodiscard, gnu::cold]] Failure overflow(QoS qos, std::size_t bytes);
    [[nodiscard, gnu::cold]] Failure drop(const char* what);
    [[gnu::cold]] void leave_queue(Exchange& exchange) noexcept;

    // session_requests.cpp: SUBSCRIBE and UNSUBSCRIBE
    template <class P> Result<PacketId> request(P& packet, Operation* operation);
    Result<void> check_granted(const Subscribe& packet) const;
    Result<void> check_granted(const Exchange& request) const;
    void send_request(Exchange::Owner exchange);
    void resend_requests();
    void restore_subscriptions(bool in_doubt);
    void restore(Subscribe& packet);
    [[nodiscard]] Exchange* find_request(PacketId id, PacketType answer);
    [[nodiscard]] bool check_count(Exchange& request, std::size_t codes, std::size_t filters);
    void handle(const Suback& packet);
    void handle(const Unsuback& packet);

    Config config_; // only the version ever changes

    // What survives a link.
    IdTable<Exchange> ids_;
    PacketId last_id_ = 0;
    LentIds lent_;
    PublishQueue queue_;     // PUBLISH not sent
    ExchangeList resend_;    // sent on an earlier link
    ExchangeList sent_;      // PUBLISH sent on this link ...
    ExchangeList fresh_;     // ... and still in the output, perhaps
    ExchangeList releases_;  // PUBREL owed or sent, in the order of the PUBRECs [MQTT-4.6.0-4]
    ExchangeList requests_;  // SUBSCRIBE and UNSUBSCRIBE to send
    ExchangeList requested_; // ... sent on this link
    ExchangeList restoring_; // SUBSCRIBEs that restore what a lost session held
    std::size_t outstanding_ = 0;
    std::size_t outstanding_bytes_ = 0;
    Subscriptions subscriptions_;
    Inbound inbound_;
    Explanations explanations_; // of refusals that are not sent yet
    Rare<std::string> assigned_client_id_;
    bool in_doubt_ = false; // a CONNECT was not answered: it may have made a new session of one that was lost
    bool disconnecting_ = false;
    Rare<Farewell> farewell_;

    // What ends with it.
    State state_ = State::offline;
    Failure failure_;
    Rare<std::string> server_reference_; // until the next link
    Rare<std::string> response_information_;
    Limits limits_;
    bool clean_start_ = true;
    bool asked_to_keep_session_ = false; // a session expiry interval that is not 0
    bool connect_sent_ : 1 = false;
    bool begun_ : 1 = false;          // the broker's CONNACK was accepted
    bool problem_information_ = true; // we did not forbid the broker to explain itself
    std::uint16_t quota_ = 0;
    AuthTurn auth_turn_ = AuthTurn::nobody;
    bool accepted_session_ = false; // what CONNACK says of the session, until `accept`
    Rare<std::string> authentication_method_;
    Rare<Buffer> parked_; // what came between CONNACK and `accept`, but for its first bytes, which the framer keeps
    wire::Framer framer_;
    Rare<std::vector<std::string>> aliases_; // of the broker: alias - 1 -> topic
    TopicAliases topic_aliases_;             // ours
    TimePoint noted_{};                      // the latest of these three is the best that is known
    TimePoint last_sent_{};
    TimePoint last_received_{};
    std::optional<TimePoint> ping_sent_;  // the oldest that is not answered, or when reading went on after it
    std::optional<TimePoint> ping_timed_; // the same, but where reading has stopped since
    bool reading_ = true;
    std::size_t unflushed_answers_ = 0; // bytes

    std::size_t direct_below_ = 0;    // bytes of output with which messages go the short way
    std::size_t direct_messages_ = 0; // outstanding ones, with which those of QoS 1 and 2 do
    PacketId direct_ids_below_ = max_packet_id;
    std::size_t owner_direct_below_ = SIZE_MAX;
    bool direct_allowed_ = true;
    // What `count_latency` has last counted: from when to when, and so in which bucket.
    TimePoint latency_of_ = TimePoint::max();
    TimePoint latency_until_{};
    std::size_t latency_bucket_ = 0;
    Counters counters_;
    std::uint64_t work_at_ping_ = 0; // `Counters::work` at the last PINGREQ
    PacketTap* tap_ = nullptr;
    MessageSink* sink_ = nullptr;
    ReadySink* ready_sink_ = nullptr;
    Ring<Event> events_;
    Buffer output_;
    Buffer scratch_;
    Rare<Ahead> ahead_;       // of the output
    Rare<wire::Arena> arena_; // of packets that are not plain
};

template <class List> inline Exchange& Session::track(Exchange::Owner&& exchange, List& list, Operation* operation) {
    if (exchange->id != 0) ids_.insert(*exchange);
    if (!exchange->restores) count_in(*exchange);
    exchange->attach(operation);
    return list.push_back(std::move(exchange));
}

inline void Session::finish(Exchange& exchange, Outcome&& outcome) {
    if (exchange.step == Step::unsent) [[unlikely]]
        leave_queue(exchange);
    exchange.unlink();
    if (exchange.id != 0) ids_.erase(exchange.id);
    if (exchange.holds_quota) ++quota_;
    if (!exchange.restores) {
        --outstanding_;
        outstanding_bytes_ -= exchange.footprint();
    }
    if (exchange.claim) return settle_claim(exchange, std::move(outcome));
    exchange.complete(std::move(outcome));
    exchange.dispose();
}

/// A PUBLISH of QoS 1 or 2 is in the output.
inline void Session::sent(Exchange& exchange) noexcept {
    if (exchange.step == Step::unsent) exchange.step = first_step(exchange.qos);
    exchange.holds_quota = true;
    --quota_;
}

} // namespace culex::session
