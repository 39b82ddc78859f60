#pragma once
/// \file io_side.hpp
/// What a documented client is on the I/O thread: the owner of the core, and its observer.

#include <vector>

#include "facade/engine.hpp"

namespace culex::facade {

/// Every method is for the I/O thread, and called from the bottom of its stack. What comes by reference is a caller's, who
/// waits for the answer.
class IoSide final : private client::Observer {
public:
    IoSide(Engine& engine, Loop& loop) noexcept : engine_(engine), loop_(loop) {}
    IoSide(const IoSide&) = delete;
    IoSide& operator=(const IoSide&) = delete;
    /// Whoever waits is told that the client was closed.
    ~IoSide();

    void connect(ConnectRequest& request, Answer& answer);
    void reconnect(Answer& answer);
    /// Once all that was asked before is done, or at the deadline. What the first one of several says, is said.
    void disconnect(const DisconnectOptions& options, TimePoint deadline, Answer& answer);
    /// The profile has changed.
    void configure();
    /// `before_reconnect` has run.
    void proceed(std::uint64_t attempt);
    /// The attempt that waits for it waits no longer.
    void open_gate();
    /// There are requests.
    void serve();
    /// The dispatch thread has made progress.
    void collect();
    /// A callback does not take a message.
    void refuse(const session::Delivery& delivery, const Refusal& refusal);
    void statistics(Statistics& to, Answer& answer);

private:
    struct Deadline : Timer {
        explicit Deadline(IoSide& side_) noexcept
            : Timer([](Timer& timer) { static_cast<Deadline&>(timer).side.deadline_passed(); }), side(side_) {}
        IoSide& side;
    };
    struct Later : ReadyNode {
        Later(IoSide& side_, void (IoSide::*call_)()) noexcept
            : ReadyNode([](ReadyNode& node) { static_cast<Later&>(node).run(); }), side(side_), call(call_) {}
        void run() { (side.*call)(); }
        IoSide& side;
        void (IoSide::*call)();
    };

    void on_event(session::Event&& event) override;
    void on_connected(bool session_present) override;
    void on_lost(const Failure& why) override;
    void on_before_attempt() override;
    void on_attempt_failed(const Failure& why) override;
    void on_stopped(const Failure& why) override;
    void on_room() override;

    [[nodiscard]] bool idle() const noexcept { return !core_ || core_->state() == ConnectionState::idle; }
    [[nodiscard]] Failure refuse_connect() const;
    void answer_all(std::vector<Answer*>& answers, const Failure& failure);
    void tell_lost();
    void tell_failed() { answer_all(failed_, attempt_failure_); }
    void work();
    [[nodiscard]] bool perform(Request& request);
    void forgo_id(const Request& request) noexcept;
    void fail_pending(const Failure& why, bool keep_promised = false);
    [[nodiscard]] Loan loan();
    void drain();
    void deadline_passed();
    void hand_over();
    void look_at_held();

    Engine& engine_;
    Loop& loop_;
    std::shared_ptr<Authenticator> authenticator_; // outlives the core
    std::unique_ptr<client::Core> core_;           // from the first `connect` on

    bool ever_connected_ = false;
    bool connected_ = false;
    bool replacing_ = false;        // the connection gives way to the one that `connect` asks for
    Failure lost_;                  // why the connection was lost, which is still to be told
    bool keep_messages_ = true;     // the last connection was not ended by `disconnect`
    std::vector<Answer*> attempts_; // wait for the outcome of an attempt to connect
    std::vector<Answer*> failed_;   // those whose attempt has failed, with this:
    Failure attempt_failure_;

    std::uint64_t attempt_ = 0;   // numbers the attempts that ask for `before_reconnect`
    bool gate_is_closed_ = false; // the last of them waits

    Ring<Request> pending_;
    bool lends_ = false; // the session lends identifiers to callers
    std::vector<Engine::Served> served_;

    bool closing_ = false;  // `disconnect` was called
    bool draining_ = false; // ... and nothing is before it any more
    TimePoint deadline_ = TimePoint::max();
    session::Farewell farewell_;
    std::size_t unserved_ = 0; // messages that never reached the core
    std::vector<Answer*> disconnects_;

    EventQueue::Events events_; // not handed over yet
    Held held_;                 // all that is not dispatched
    bool above_soft_ = false;
    bool above_hard_ = false;
    std::vector<session::Delivery> done_;

    Later tell_lost_{*this, &IoSide::tell_lost};
    Later tell_failed_{*this, &IoSide::tell_failed};
    Later work_{*this, &IoSide::work};
    Later hand_over_{*this, &IoSide::hand_over};
    Deadline alarm_{*this};
};

} // namespace culex::facade
