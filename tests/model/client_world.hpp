#pragma once
/// \file client_world.hpp
/// Runs a program on real clients, and holds them to what the library promises its users.
///
/// Theory of operation. Clients and the fake broker live on one virtual runtime, joined by pipes that break where the program
/// says. The model reads what each client reads, before it does, and keeps streams of its own beside the real ones: so it
/// knows which message each stream must give next, and which acknowledgement may go out. Of operations it knows when they
/// were called and what has happened since, and so whether their end has a cause. Of messages it knows which of them have come
/// to the broker. Steps act between turns of the runtime; what waits, waits in coroutines.
///
/// What is checked:
///   - an operation ends, with the broker's answer, or with a failure for which there was a cause;
///   - a message that was reported to have arrived has; one that was reported not to have been taken has not. QoS 2 arrives
///     once while the broker keeps the session, QoS 0 once at most; at QoS 1 and 2 nothing is lost that was taken, also where
///     nobody waits for it any more. First arrivals come in the order of the calls, for each topic and QoS;
///   - each message that a client gets goes to each stream that matches, once, in the order of arrival; else to the
///     catch-all; else it is counted. Of a stream that is dropped it goes the same way;
///   - it is acknowledged in the order of arrival, when all who have it are done with it, and not before; a refusal is told
///     where nobody has wanted it;
///   - the bounds hold, and the statistics say what is there;
///   - when everything has healed nothing waits, the subscriptions at the broker are those that were asked for last, and nothing is
///     left on the runtime.

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <culex/testing/fake_broker.hpp>
#include <culex/testing/virtual_runtime.hpp>

#include "model/client_ledger.hpp"
#include "model/client_wire.hpp"
#include "model/ledger.hpp"

namespace culex::model {

class ClientWorld final : private WireWatcher {
public:
    explicit ClientWorld(const Setting& setting);
    ~ClientWorld();
    ClientWorld(const ClientWorld&) = delete;
    ClientWorld& operator=(const ClientWorld&) = delete;

    /// What was broken; empty where everything held.
    std::string run(const std::vector<Step>& steps);

private:
    using Kind = ClientCall::Kind;

    template <class... Args> void broken(fmt::format_string<const Args&...> format, const Args&... args) {
        verdict_.broken(fmt::format(format, args...));
    }

    // client_world.cpp: what happens
    void step(const Step& step);
    bool broker_step(const Step& step);
    void new_client(std::size_t place);
    void destroy(std::size_t place);
    void pass(Duration duration);
    void turn(std::uint32_t count);
    void inject(QoS qos, std::uint32_t size, std::uint32_t topic);
    void inject_fault(const Step& step);
    void lose_sessions();
    void away(bool away);
    void notice(ModelClient& client);
    void end_streams(std::size_t client);
    [[nodiscard]] ReasonCode authorize(const Publish& packet);
    void arrived(const testing::PublishedMessage& message);
    [[nodiscard]] std::size_t client_at(std::uint32_t place) const { return places_[place % places_.size()]; }

    // client_watch.cpp: what is looked at after each step
    void watch();
    void watch(ModelClient& client);
    void check_room(const ModelClient& client);
    void check_answers(const ModelClient& client);
    [[nodiscard]] bool bounded() const noexcept;

    // client_calls.cpp: operations
    ClientCall& new_call(Kind kind, std::size_t client, std::chrono::milliseconds timeout);
    void connect(const Step& step);
    void disconnect(const Step& step);
    void publish(const Step& step);
    void begin_publish(ClientCall& call);
    void subscribe(const Step& step);
    void unsubscribe(const Step& step);
    void close_filter(std::size_t client, std::size_t filter);
    void await_later(ClientCall& call);
    template <class Op> void spawn(ClientCall& call, Op& operation);
    template <class Op> Task<> wait(ClientCall& call, Op& operation);
    void take_result(ClientCall& call, const PublishResult& result) { call.code = result.reason_code; }
    void take_result(ClientCall& call, ReasonCode result) { call.code = result; }
    void take_result(ClientCall&, const ConnectResult&) {}
    void take_result(ClientCall& call, const DisconnectResult& result);
    void take_result(ClientCall& call, Subscription&& stream);
    Task<> publish_here(ClientCall& call);
    Task<> publish_in_time(ClientCall& call);
    Task<> publish_first(ClientCall& call);

    // client_outcomes.cpp: how they end
    void drop_call(std::uint32_t at);
    void drop(ClientCall& call);
    void ended(ClientCall& call, const Failure& failure);
    void check_cause(const ClientCall& call, const Failure& failure);
    void check_end(const ClientCall& call);
    [[nodiscard]] bool lives(const ClientCall& call) const { return clients_[call.client].client != nullptr; }

    // client_streams.cpp: consumers
    std::size_t new_stream(std::size_t client, bool manual, std::vector<std::size_t> open);
    void listen(const Step& step);
    void catch_all(const Step& step);
    [[nodiscard]] ModelStream* stream_at(std::uint32_t at);
    void take(ModelStream& stream, std::uint32_t count);
    void wait_next(ModelStream& stream, std::uint32_t count, std::chrono::milliseconds timeout);
    Task<> consume(ModelStream& stream, std::uint32_t count, std::chrono::milliseconds timeout);
    void put_back(ModelStream& stream);
    void drop_stream(ModelStream& stream);
    void gone(ModelStream& stream);
    void leave(ModelStream& stream, const ModelStream::Entry& entry);
    void asks(ModelStream& stream);
    void took(ModelStream& stream, Message&& message);
    void nothing_came(ModelStream& stream, const char* what);
    void done(std::uint32_t at, ReasonCode code);
    void release(std::size_t at, ReasonCode code);

    // client_received.cpp: what clients read and write
    void link_began(std::size_t client) override;
    void link_ended(std::size_t client) override;
    void before_input(std::size_t client, Bytes bytes) override;
    void after_input(std::size_t client) override;
    void reading_stopped(std::size_t client) override;
    void before_output(std::size_t client, Bytes bytes) override;
    void came(std::size_t client, const Packet& packet);
    void came(std::size_t client, const Publish& packet);
    void came_exactly_once(std::size_t client, const Publish& packet, std::size_t number);
    void deliver(std::size_t client, std::size_t arrival, bool must);
    [[nodiscard]] FullSince full(std::size_t client) const;
    void went(ModelClient& client, const Packet& packet);
    void went_answer(ModelClient& client, PacketType type, PacketId id, ReasonCode code);
    void went_pubcomp(ModelClient& client, PacketId id);
    [[nodiscard]] std::size_t waiting(std::size_t client) const;

    // client_end.cpp: everything heals, and is over
    void drain();
    void heal();
    bool drain_once();
    void reconnect_all();
    void forget_what_is_stuck();
    void consume_all();
    [[nodiscard]] std::string why_not_quiet() const;
    void check_end();
    void check_end(const ModelClient& client);
    void check_subscriptions(const ModelClient& client);
    void say_goodbye();
    void check_nothing_left();

    const Setting setting_;
    const std::size_t hard_; // messages, before QoS 0 is dropped
    const Version version_;
    Verdict verdict_;
    testing::VirtualRuntime runtime_;
    std::optional<testing::FakeBroker> broker_;
    std::deque<ModelClient> clients_;
    std::vector<std::size_t> places_; // the client that has each place now
    std::deque<ModelStream> streams_;
    std::vector<Kept> kept_;
    std::deque<ClientCall> calls_;
    std::vector<Sent> messages_;
    std::deque<Arrival> arrivals_;
    std::map<std::tuple<std::size_t, std::uint32_t, QoS>, std::uint64_t>
        first_; // orders of first arrivals at the broker
    std::uint64_t orders_ = 0;
    unsigned sessions_lost_ = 0;
    std::uint32_t deny_ = 0;
    std::size_t stuck_ = 0; // arrivals that nobody can acknowledge on their connection
    bool away_ = false;
    bool small_packets_ = false; // a maximum packet size was granted
};

} // namespace culex::model
