#pragma once
/// \file engine.hpp
/// What stands behind a documented client.
///
/// Theory of operation. Three kinds of threads meet here. Callers, of which there may be any number, ask: what they ask waits
/// in one queue, in the order of the calls, and where they need an answer they wait for it. The I/O thread, one for all
/// clients of the process, serves: it owns the coroutine client's core, through an `IoSide`, and never waits for anybody. The
/// dispatch thread, which `loop` starts, takes packets from another queue and runs callbacks. No protocol rule lives here:
/// arguments are checked by the client's floor, packets are made and understood by the session.
///
/// Publishing does not wait. A caller encodes its message before it takes the lock, and the message's packet identifier comes
/// from a run that the session has lent (`Loan`), together with how much its bounds would let in and what the broker grants.
/// What that does not cover is asked for like everything else. One call wakes the I/O thread for all that it then finds.
///
/// Why no call deadlocks. No user code runs on the I/O thread, nor with a lock held. What a caller waits for comes from the
/// I/O thread, which does not wait for the dispatch thread but in one case: an attempt to reconnect waits for the hook
/// `before_reconnect`. So every call that waits on a dispatch thread runs the hooks that are due, those of another client
/// too: that one's own dispatch thread may wait for ours in the same way. So does one that waits
/// inside `connect` or `reconnect`, or inside a hook, and any other while no dispatch thread is there. A full queue of packets stops the
/// reading only as far as nobody waits for an answer (see client/core.cpp).
///
/// Lifetime. Callers and the dispatch thread share the engine; the I/O thread is given references, and the engine sees to it
/// that its side has ended before the client is gone. So a client may be destroyed by its own callback, which runs on, and
/// finds calls on other objects unharmed.

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>

#include "facade/callback_table.hpp"
#include "facade/event_queue.hpp"
#include "facade/hooks.hpp"
#include "facade/io_thread.hpp"
#include "facade/profile.hpp"
#include "facade/refusal.hpp"
#include "facade/request.hpp"

namespace culex::facade {

class IoSide;

/// What `connect` asks of the I/O thread.
struct ConnectRequest {
    Endpoint endpoint{};
    std::chrono::seconds keep_alive{};
    std::optional<SocketKeepalive> socket_keepalive{};
    std::optional<TlsContext> tls{};
    std::shared_ptr<HookFunctions> hooks{}; ///< when it was accepted, those of the connection before

    void change(Profile& profile) const {
        profile.keep_alive = keep_alive;
        profile.socket_keepalive = socket_keepalive;
        profile.tls = tls;
    }
};

class Engine : public std::enable_shared_from_this<Engine> {
public:
    Engine(Client& client, Profile profile);
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;
    ~Engine();

    // --- callers: see `Client`

    void on(Command command, Callback callback, Condition condition, int priority);
    void on_message(Callback callback);
    /// Changes the profile, unless that breaks a rule.
    void change_profile(Function<void(Profile&)> change);
    void connect(const Endpoint& endpoint, std::chrono::seconds keep_alive, ConnectSettings settings);
    void reconnect();
    std::size_t disconnect();
    std::size_t disconnect(const DisconnectOptions& options);
    PacketId subscribe(std::span<const TopicSubscription> topics, const SubscribeProperties& properties);
    PacketId unsubscribe(std::span<const std::string_view> topics, const UnsubscribeProperties& properties);
    PacketId publish(Publish& message, const Payload* payload = nullptr);
    void loop();
    /// The client is being destroyed.
    void close();
    [[nodiscard]] Statistics statistics();
    [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool is_connected() const noexcept { return connected_.load(std::memory_order_acquire); }
    [[nodiscard]] Failure last_failure();

    // --- the I/O thread: see `IoSide`; engine_io.cpp

    [[nodiscard]] EventQueue& events() noexcept { return events_; }
    [[nodiscard]] bool looping() const noexcept { return looping_.load(std::memory_order_relaxed); }
    [[nodiscard]] Held soft_limit() const noexcept {
        return {settings_.inbound.soft_messages, settings_.inbound.soft_bytes};
    }
    [[nodiscard]] Held hard_limit() const noexcept {
        return {settings_.inbound.hard_messages, settings_.inbound.hard_bytes};
    }
    [[nodiscard]] bool refuses_when_full() const noexcept { return settings_.outbound.when_full == WhenFull::refuse; }
    void count_dropped() noexcept { dropped_.fetch_add(1, std::memory_order_relaxed); }
    void count_refused() noexcept { refused_.fetch_add(1, std::memory_order_relaxed); }
    /// Adds what callers have asked to `pending`.
    void take_requests(Ring<Request>& pending);
    struct Served {
        Answer* answer = nullptr;
        Result<PacketId> result;
    };
    /// So many requests and bytes are served, and some callers have their answer. `blocked`: the next has to wait.
    void served(std::vector<Served>& answers, std::size_t count, std::size_t bytes, bool blocked, const Loan& loan);
    void answer(Answer& answer, const Failure& failure, std::size_t undelivered = 0);
    /// `connect` was accepted: until then it has changed nothing.
    void begin(ConnectRequest& request);
    /// As it is now.
    [[nodiscard]] Profile profile();
    /// CONNACK has come: callers may publish, `answers` are answered, and `after_connect` is due.
    void connected(std::vector<Answer*>& answers);
    /// There is no connection any more, or an attempt has failed.
    void note_failure(const Failure& why);
    void not_connected() noexcept { connected_.store(false, std::memory_order_release); }
    /// `on_disconnected` is due: the connection was lost, and the client goes on.
    void lost(const Failure& why);
    /// Callers may not publish any more, and why; empty where `disconnect` was called. `gives_up`: `on_disconnected` is due.
    void stopped(const Failure& why, bool gives_up);
    /// Makes `before_reconnect` due for an attempt; false where there is none.
    bool ask_before_attempt(std::uint64_t attempt);
    [[nodiscard]] bool runs_before_reconnect();

private:
    using Lock = std::unique_lock<std::mutex>;
    enum class Mode : std::uint8_t {
        run,
        finish, ///< end when the queue is empty
        end,    ///< end when the callback returns
    };

    // engine.cpp
    /// Calls `call(IoSide&)` on the I/O thread. The mutex is held.
    template <class Call> void call_io(Call call) {
        if (!io_side_) return;
        io_thread_->post([side = io_side_.get(), call = std::move(call)]() mutable { call(*side); });
    }
    void wait_for_room(Lock& lock);
    void push(Request&& request);
    PacketId ask(Lock& lock, Request&& request, Answer& answer);
    PacketId ask(Answer::Verb verb);
    template <class Done> void wait(Lock& lock, Done done);
    void wait_connecting(Lock& lock, Answer& answer);
    std::size_t stop_client(Lock& lock, const DisconnectOptions& options);
    void close_io_side(Lock& lock);
    void close_io_side_later();
    void make_due(HookQueue::Due hook);

    // dispatch.cpp
    [[nodiscard]] bool on_dispatch_thread() const noexcept;
    [[nodiscard]] static bool on_a_dispatch_thread() noexcept;
    void dispatch_all();
    [[nodiscard]] bool look_around();
    [[nodiscard]] bool dispatch(const session::Event& event);
    void done_with(std::size_t bytes, const session::Delivery& delivery);
    void learn_callbacks();
    bool run_hook(Lock& lock);
    void end_loop(Lock& lock);
    void join_loop(Lock& lock, TimePoint deadline);

    Client& client_; // until gone_
    const ClientSettings settings_;
    std::atomic<bool> gone_ = false; // the client is destroyed, or being so
    std::atomic<bool> looping_ = false;
    std::atomic<bool> connected_ = false;
    std::atomic<std::uint64_t> dropped_ = 0;
    std::atomic<std::uint64_t> refused_ = 0; // publishes, for want of room

    std::mutex mutex_;
    std::condition_variable changed_; // an answer, room, a hook, the end of the dispatch thread
    // All that follows is guarded by the mutex, up to the next remark.
    Profile profile_;
    std::shared_ptr<IoThread> io_thread_;
    std::unique_ptr<IoSide> io_side_; // touched on the I/O thread only
    bool open_ = false;               // callers may publish
    Failure why_not_;                 // or why not
    Failure last_failure_;
    RequestQueue requests_;
    HookQueue hooks_;
    int connecting_ = 0;    // callers that wait inside connect or reconnect, and will run the hooks
    int disconnecting_ = 0; // callers inside disconnect
    Mode mode_ = Mode::run;
    bool dispatching_ = false; // there is a dispatch thread
    Worker dispatcher_;

    EventQueue events_;
    struct Registration {
        Command command = Command::publish;
        Callback callback{};
        Condition condition{};
        int priority = 0;
        bool for_messages = false;
    };
    std::mutex registering_;
    std::vector<Registration> registered_; // guarded by the mutex before it
    std::atomic<bool> any_registered_ = false;

    // Of whichever thread dispatches.
    CallbackTable callbacks_;
    EventQueue::Events arrived_;
    Held unreported_; // packets that are done with
    Refusal refusal_; // of the message that is being dispatched
};

} // namespace culex::facade
