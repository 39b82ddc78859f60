#pragma once
/// \file core.hpp
/// What stands behind an `AsyncClient`.
///
/// Theory of operation. A core joins the session (MQTT's rules), the router (streams of messages) and, while there is one,
/// a link (a connection). A coroutine, the supervisor, decides when there is one: it opens the transport, waits for CONNACK,
/// waits for the end, backs off, and begins again, until it gives up or was told to stop. Everything else that happens
/// notes what it has to say and notifies the supervisor; so there is one place that knows the order of things.
///
/// No user code runs inside the core's own calls: operations and streams are woken through the scheduler's ready queue.
/// Therefore a client may be destroyed wherever user code runs.

#include <array>
#include <cassert>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <culex/async_client.hpp>
#include <culex/event.hpp>
#include <culex/task.hpp>

#include "base/rare.hpp"
#include "base/revocable.hpp"
#include "client/authentication.hpp"
#include "client/backoff.hpp"
#include "client/event_stream.hpp"
#include "client/link.hpp"
#include "client/reconnect_counts.hpp"
#include "client/requests.hpp"
#include "client/route.hpp"
#include "client/router.hpp"
#include "client/service_node.hpp"
#include "client/settings.hpp"
#include "client/tap.hpp"
#include "client/verdicts.hpp"
#include "session/session.hpp"

namespace culex::client {

/// Sees every event of the session instead of the streams, and acknowledges messages itself: how the documented client
/// adapts the core.
class Observer {
public:
    virtual void on_event(session::Event&& event) = 0;
    /// CONNACK was accepted.
    virtual void on_connected(bool session_present) = 0;
    /// The connection has ended; what follows is another attempt, or `on_stopped`.
    virtual void on_lost(const Failure& why) = 0;
    /// The client is about to try again; nothing happens before `Core::proceed`.
    virtual void on_before_attempt() = 0;
    virtual void on_attempt_failed(const Failure& why) = 0;
    /// It is idle again: disconnected, or given up for the reason.
    virtual void on_stopped(const Failure& why) = 0;
    /// There may be room for what `Core::submit` has refused.
    virtual void on_room() = 0;

protected:
    ~Observer() = default;
};

class Core final : private OpenHandler, private LinkOwner, private RouterOwner, private session::ReadySink {
public:
    Core(Runtime& runtime, const ClientOptions& options, Observer* observer = nullptr);
    ~Core();
    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;

    // Operations call these from their constructors.
    void publish(Publish& message, ClientOperation& operation, const Payload* payload = nullptr);
    /// The short ways of the same (publish.cpp): true where the message is on its way, and claimed.
    template <bool Short>
    [[nodiscard]] bool publish_once(std::string_view topic, Bytes payload, const PublishOptions& options);
    template <bool Short>
    [[nodiscard]] bool publish_tracked(std::string_view topic, Bytes payload, const PublishOptions& options,
                                       session::Claim& claim, ReadyNode::Run run);
    void request(Publish& message, RequestOperation& operation);
    Result<PacketId> try_publish(Publish& message);
    void subscribe(std::span<const TopicSubscription> subscriptions, const SubscribeOptions& options,
                   SubscribeOperation& operation);
    /// SUBACK has come for the subscription's filters, in their order.
    void granted(Subscription& subscription, std::span<const ReasonCode> codes);
    void unsubscribe(std::span<const std::string_view> filters, const UnsubscribeOptions& options,
                     UnsubscribeOperation& operation);
    void connect(Result<std::vector<Endpoint>> endpoints, const ConnectOptions& options, ConnectOperation& operation);
    void disconnect(const DisconnectOptions& options, DisconnectOperation& operation);
    /// Nobody waits for the first connection any more: it is called off.
    void call_off(const Failure& why);
    // What a deadline ends with; where there is no connection, it says why.
    [[nodiscard, gnu::cold]] Failure late(std::string_view what) const;
    [[nodiscard, gnu::cold]] Failure late_for_room() const;
    [[nodiscard, gnu::cold]] Failure late_to_connect() const;
    /// Who waited for room does not any more: what it kept from the next may do for that one, or for `disconnect`.
    void waiter_left();
    /// A service, for as long as it has subscribed: it is told where the broker speaks a version that has none.
    void enlist(ServiceNode& service) { services_.push_back(service); }

    void wait_connected(WaitConnectedOperation& operation);
    void reauthenticate(ReauthenticateOperation& operation);

    void reconnect();
    void before_attempt(AttemptHook hook);
    [[nodiscard]] ConnectionEvents connection_events(std::size_t capacity);
    [[nodiscard]] Subscription listen(std::string_view filter, Acknowledge acknowledge);
    [[nodiscard]] Subscription messages(Acknowledge acknowledge);

    // For the documented client, which waits in its own way and hears of every outcome as an observer. It calls none of
    // this from inside an observer's function, but `proceed` and `set_held`.

    /// Empty where it has begun. `keep_messages`: what is not acknowledged yet is sent again, with either kind of session.
    [[nodiscard]] Failure connect(Result<std::vector<Endpoint>> endpoints, const ConnectOptions& options,
                                  bool keep_messages);
    /// From idle: as after a lost connection, and without delay. There must have been a `connect`.
    void restart();
    void disconnect(session::Farewell farewell, std::chrono::milliseconds drain);
    /// Idle at once. What MQTT keeps of a session is kept.
    void halt(const Failure& why);
    /// Other options, from the next attempt on. The version, the limits and the policies stay.
    void configure(const ClientOptions& options) { settings_.change(options); }
    /// Takes a message that `prepare` (arguments.hpp) has made. Where there is no room for it (`Errc::queue_full`,
    /// `Errc::no_packet_id`), it stays with the caller, and `on_room` tells when to try again.
    Result<PacketId> submit(session::Exchange::Owner& message);
    Result<PacketId> subscribe(std::span<const TopicSubscription> subscriptions, const SubscribeProperties& properties);
    Result<PacketId> unsubscribe(std::span<const std::string_view> filters, const UnsubscribeProperties& properties);
    void acknowledge(const session::Delivery& delivery, ReasonCode code = ReasonCode::success,
                     const AckProperties* why = nullptr);
    /// An observer holds this much: it counts towards the bounds at which reading stops.
    void set_held(std::size_t messages, std::size_t bytes) noexcept;
    /// After `Observer::on_before_attempt`.
    void proceed();

    [[nodiscard]] Statistics statistics();
    void tap(Tap::See see);

    [[nodiscard]] Runtime& runtime() noexcept { return runtime_; }
    /// What is spoken with the broker.
    [[nodiscard]] Version version() const noexcept { return session_.version(); }
    [[nodiscard]] ConnectionState state() const noexcept { return state_; }
    [[nodiscard]] std::string_view client_id() const noexcept;
    [[nodiscard]] const Failure& last_failure() const noexcept { return last_failure_; }
    [[nodiscard]] const session::Session& session() const noexcept { return session_; }
    /// For `submit`; see `Session::lend_ids`.
    const session::LentIds& lend_ids(std::uint32_t most) noexcept { return session_.lend_ids(most); }
    void forgo_id(PacketId id) noexcept { session_.forgo_id(id); }
    [[nodiscard]] const Router& router() const noexcept { return router_; }
    /// For who may outlive the client.
    [[nodiscard]] Revocable<Core>::Reference reference() { return self_.reference(); }
    /// Of the last `disconnect`.
    [[nodiscard]] std::size_t undelivered() const noexcept { return left_.look().undelivered; }

private:
    friend class Requests;
    Core(Runtime& runtime, const ClientOptions& options, Observer* observer, std::uint64_t seed);
    struct Alarm : Timer {
        explicit Alarm(Core& core_) noexcept
            : Timer([](Timer& timer) { static_cast<Alarm&>(timer).core.changed_.notify(); }), core(core_) {}
        Core& core;
    };
    /// An ended link stays for a moment, reading what still comes, so that our last words are not lost to a reset.
    struct Lingering : Timer {
        explicit Lingering(Core& core_) noexcept
            : Timer([](Timer& timer) { static_cast<Lingering&>(timer).core.lingering_.reset(); }), core(core_) {}
        Core& core;
        std::unique_ptr<Link> link;
    };
    struct RoomNode : ReadyNode {
        explicit RoomNode(Core& core_) noexcept
            : ReadyNode([](ReadyNode& node) { static_cast<RoomNode&>(node).core.make_room(); }), core(core_) {}
        Core& core;
    };
    using Places = IntrusiveList<ClientOperation::Place>;

    void on_open(Result<std::unique_ptr<Stream>> stream) override;
    void on_progress() override;
    void on_flushed() override;
    void on_link_end(Failure why) override;
    void on_consumed() override;
    void on_ready(IntrusiveList<ReadyNode>& nodes) override { runtime_.post_all(nodes); }

    // supervisor.cpp
    Task<> supervise();
    [[nodiscard]] bool connection_ends();
    [[nodiscard]] Failure end_connection(bool& held);
    void note_end(const Failure& why);
    Task<> back_off();
    void start();
    void connected();
    void end_services();
    void lost(Failure why);
    void attempt_failed(Failure why);
    [[nodiscard]] bool find_next(const Failure& why, bool was_connected, bool held);
    [[nodiscard]] Verdict judge(const Failure& why, Verdict otherwise);
    void stop(const Failure& why);
    void drop_link();
    [[nodiscard]] bool told_to_stop() const noexcept;
    [[nodiscard]] ConnectionEvent event(ConnectionEvent::Kind kind) const;
    void tell(const ConnectionEvent& event);
    void take_stock(const Failure& why);

    // attempt.cpp
    Task<Failure> attempt();
    Task<Failure> ask_hook();
    Task<Failure> greet();
    Task<Failure> open_link();
    Task<Failure> await_connack();
    Task<Failure> fall_back(Failure why);
    void speak(Version version);
    [[nodiscard]] Version version_for(const Endpoint& endpoint) const;
    [[nodiscard]] bool may_fall_back(const Failure& why) const noexcept;
    [[nodiscard]] Failure interrupted(const char* waiting_for, Phase phase) const;

    // authentication.cpp
    Task<Failure> begin_authentication();
    void start_authentication();
    [[gnu::cold]] void hear(const session::Event& event);
    [[nodiscard]] Failure exchange_words();
    [[nodiscard]] Failure reject(Failure why);
    [[nodiscard]] Failure authenticate();
    [[nodiscard]] Failure reauthenticate();
    void begin_again();
    void authenticated(const Failure& why);
    void authentication_lost(const Failure& why);

    void check_caller() const noexcept {
        assert((!tap_ || !tap_->running()) && "culex: a tap may not call the client that it looks at");
    }
    [[nodiscard]] Failure not_open() const;
    [[nodiscard, gnu::cold]] Failure why_not_open() const;
    [[nodiscard, gnu::cold]] std::string last_cause() const;
    [[nodiscard]] bool settle(Result<session::Published>&& published, ClientOperation& operation);
    [[nodiscard]] bool may_be_direct(const PublishOptions& options) const noexcept;
    void verb_done();
    void drain_events();
    void make_room();
    void pass_on_disconnect();
    void update_reading();
    void fail(ClientOperation& operation, Failure why);
    void fail_all(Places& places, const Failure& why);
    [[nodiscard]] Connect connect_packet(wire::Arena& arena) const;

    Runtime& runtime_;
    Observer* observer_;
    Settings settings_;
    std::unique_ptr<Tap> tap_; // null before the first
    session::Session session_;
    Router router_;
    const std::size_t receive_maximum_;
    bool broker_keeps_to_maximum_;
    Backoff backoff_;
    Verdicts verdicts_;
    std::shared_ptr<AttemptHook> hook_; // shared with the call that is under way
    IntrusiveList<EventStream> event_streams_;
    ReconnectCounts counts_;
    std::unique_ptr<Requests> requests_; // null before the first
    IntrusiveList<ServiceNode> services_;
    Revocable<Core> self_{*this};
    std::size_t held_messages_ = 0;
    std::size_t held_bytes_ = 0;

    std::uint64_t refused_ = 0; // publishes, for want of room

    ConnectionState state_ = ConnectionState::idle;
    Failure last_failure_;
    Failure gave_up_; // why it is idle; empty where that was asked for
    bool session_present_ = false;
    Rare<DisconnectResult> left_;
    bool disconnect_waits_ = false; // for what waits for room, which came before it
    Rare<session::Farewell> farewell_;
    Failure drain_failure_; // the drain has run out on a connection
    Places waiting_for_room_;
    Places waiting_to_connect_;
    Places waiting_to_disconnect_;
    Places waiting_until_connected_;
    struct AskedAgain {
        Places waiting;   // the next exchange is for them
        Places under_way; // ... and this one
    };
    Rare<AskedAgain> asked_again_; // to authenticate

    // What the supervisor is told, and works with.
    Signal changed_;
    Route route_;
    Rare<std::vector<std::string>> endpoints_of_3_1_1_; // that have refused version 5
    Endpoint endpoint_;                                 // of the attempt, or of the connection
    TimePoint attempt_until_{};
    unsigned attempt_ = 0;       // since `connect`, or the end of a connection
    std::size_t our_faults_ = 0; // attempts in a row that failed for something on our side
    bool ever_connected_ = false;
    bool retry_first_ = false;
    bool hurry_ = false;    // `reconnect` was called
    bool patient_ = false;  // the next attempt is to wait
    bool hopeless_ = false; // the hook has given up
    bool may_proceed_ = true;
    std::unique_ptr<Authentication> authentication_; // few clients have one
    Rare<std::string> first_word_;                   // of the authentication, for CONNECT
    bool begins_again_ = false;                      // an authentication on a connection has not sent its first word
    std::unique_ptr<Opening> opening_;
    std::optional<Result<std::unique_ptr<Stream>>> opened_;
    std::unique_ptr<Link> link_;
    std::unique_ptr<Lingering> lingering_;
    Failure link_end_;
    std::string peer_;
    TimePoint connected_at_{};
    TimePoint drain_until_ = TimePoint::max();
    Alarm alarm_{*this};
    Alarm drain_alarm_{*this};
    RoomNode room_{*this};
    std::optional<TaskRoot<>> supervisor_;
};

} // namespace culex::client
