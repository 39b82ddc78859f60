#pragma once
/// \file fake_broker.hpp
/// A small real MQTT broker in the test's own process: routing with wildcards and shared subscriptions, QoS 0 to 2, retained
/// messages, wills, persistent sessions, MQTT 3.1.1 and 5. It lives on any runtime, the virtual one or a loop, and lets the
/// test see all that went through it.
///
///     culex::testing::VirtualRuntime runtime;
///     culex::testing::FakeBroker broker{runtime};
///     broker.listen("mqtt://broker");
///     ... let the code under test connect to broker.url() ...
///     broker.publish("lamp/set", "on", culex::QoS::at_least_once);
///     EXPECT_EQ(broker.messages().back().topic, "lamp/state");
///     EXPECT_THAT(broker.verify(), IsEmpty());
///
/// It can also be told what to do step by step, which no real broker would do (script.hpp).

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <culex/function.hpp>
#include <culex/runtime.hpp>
#include <culex/testing/fake_broker_options.hpp>
#include <culex/testing/fake_broker_records.hpp>
#include <culex/testing/script.hpp>

namespace culex::testing {

class BrokerCore;

/// Belongs to its runtime's thread, and must end before the runtime. It may be destroyed at any time, also in a function
/// that it has called.
class FakeBroker {
public:
    /// `runtime` must outlive it. It listens nowhere yet.
    explicit FakeBroker(Runtime& runtime, FakeBrokerOptions options = {});
    FakeBroker(const FakeBroker&) = delete;
    FakeBroker& operator=(const FakeBroker&) = delete;
    ~FakeBroker();

    /// May be changed at any time.
    [[nodiscard]] FakeBrokerOptions& options() noexcept;

    // --- connections

    /// Listens; without an address where it last did, and first on a port of 127.0.0.1 that the system chooses. Throws
    /// `Error` where the runtime cannot listen there.
    void listen(std::string_view url = {});
    /// Where it listens, or last did, for clients to connect to: `"mqtt://127.0.0.1:43211"`.
    [[nodiscard]] std::string url() const;
    /// The same as `url`, in its parts.
    [[nodiscard]] const Endpoint& endpoint() const noexcept;
    /// Takes no new connections; those that are there go on.
    void stop_listening();
    /// Serves a client at the other end of a stream that was made elsewhere.
    void serve(std::unique_ptr<Stream> stream);

    /// Closes every connection without a word, or that of one client (false where it has none). Wills are published.
    void drop_all_connections();
    /// The connection of one client, and false where it has none.
    bool drop_connection(std::string_view client_id);
    /// Sends DISCONNECT to that client of MQTT 5 and closes, as for an administrator's reasons or with a server reference;
    /// under 3.1.1 it closes. Its will is published. False where the client has no connection. Throws `Error` for what a
    /// broker cannot say.
    bool disconnect(std::string_view client_id, const Disconnect& packet);
    /// Stops as a broker does that is ended in good order: stops listening, tells clients of MQTT 5, closes. No will is
    /// published. Sessions and retained messages stay for the next `listen`, which makes it a restart.
    void shut_down();
    /// Forgets the sessions of clients that are not connected, as a broker without persistence does when it restarts.
    void forget_sessions();
    /// As a broker without persistence does when it restarts.
    void forget_retained_messages();

    /// To be played on the next connection that has no script yet.
    void script(Script script);
    /// For the next connection that has no such faults yet, in place of `FakeBrokerOptions::faults`.
    void inject(Faults faults);
    /// Ends the stalls of all connections.
    void release_stalls();
    /// Sends what `FakeBrokerOptions::hold_acknowledgements` holds back, in order, at most so many on each connection. The
    /// option stays as it is.
    void release_acknowledgements(std::size_t count = SIZE_MAX);

    // --- messages

    /// Publishes as if a client had.
    void publish(std::string_view topic, std::string_view payload, QoS qos = QoS::at_most_once, bool retain = false);
    /// The same with all that PUBLISH can say; `packet_id` and `dup` are ignored.
    void publish(const Publish& message);
    /// Calls `receive` on a coming turn for every message that matches. Throws `Error` for what is no filter.
    void subscribe(std::string_view filter, Function<void(const PublishedMessage&)> receive);
    /// What was published, in order; see `FakeBrokerOptions::kept_messages`.
    [[nodiscard]] std::vector<PublishedMessage> messages() const;
    /// The retained messages, by topic.
    [[nodiscard]] std::vector<PublishedMessage> retained_messages() const;

    // --- what can be seen

    /// Those that are there, in the order in which they came.
    [[nodiscard]] std::vector<ConnectionInfo> connections() const;
    /// All sessions that the broker keeps, of clients that are connected or not.
    [[nodiscard]] std::vector<SessionInfo> sessions() const;
    /// The one of this client, if there is one.
    [[nodiscard]] std::optional<SessionInfo> session(std::string_view client_id) const;
    /// How many connections there have been.
    [[nodiscard]] std::size_t accepted() const noexcept;
    /// Packets in order, of all connections; see `FakeBrokerOptions::log_bytes`.
    [[nodiscard]] std::vector<PacketRecord> log() const;
    [[nodiscard]] std::vector<PacketRecord> received(PacketType type) const; ///< of the log
    /// Of the log, those that the broker has sent.
    [[nodiscard]] std::vector<PacketRecord> sent(PacketType type) const;
    /// The whole log, a line for each packet, for a person who wonders: `"0.250 #1 > PUBACK id=1"`, where `>` is received
    /// and `<` is sent.
    [[nodiscard]] std::string transcript() const;
    /// How often a type went over all connections, whatever the log has kept.
    [[nodiscard]] std::uint64_t count(Direction direction, PacketType type) const noexcept;
    /// What clients did against the protocol, or against their script, in words.
    [[nodiscard]] std::vector<std::string> complaints() const;
    /// For the end of a test: the complaints, and the scripts that were not played to their end. Empty is good.
    [[nodiscard]] std::vector<std::string> verify() const;

private:
    std::shared_ptr<BrokerCore> core_;
};

} // namespace culex::testing
