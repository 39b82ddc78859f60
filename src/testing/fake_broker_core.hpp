#pragma once
/// \file fake_broker_core.hpp
/// The inside of a fake broker.
///
/// Theory of operation. Each stream has a `BrokerConnection`, which cuts it into packets and answers them. CONNECT joins it to
/// a `BrokerSession`, by client id; the session holds what must survive the connection. A PUBLISH becomes one `BrokerMessage`,
/// which the `BrokerRouter` hands to the sessions whose subscriptions match. The core owns all of them and keeps the records.
///
/// Functions of the test are called from the depth of all this, and may do anything, destroy the broker included. So the
/// core is shared: `FakeBroker` ends it (`end`), whoever is inside holds it (`hold`) until he is out; nothing is destroyed
/// before, and streams, which are, are looked at again after every such call.

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <culex/runtime.hpp>
#include <culex/testing/fake_broker_options.hpp>
#include <culex/testing/fake_broker_records.hpp>

#include "testing/callbacks.hpp"
#include "testing/fake_broker_connection.hpp"
#include "testing/fake_broker_log.hpp"
#include "testing/fake_broker_router.hpp"
#include "testing/fake_broker_session.hpp"

namespace culex::testing {

class BrokerCore final : public std::enable_shared_from_this<BrokerCore>, private AcceptHandler {
public:
    BrokerCore(Runtime& runtime, FakeBrokerOptions options);
    BrokerCore(const BrokerCore&) = delete;
    BrokerCore& operator=(const BrokerCore&) = delete;
    ~BrokerCore();

    // --- for FakeBroker

    void end();
    [[nodiscard]] FakeBrokerOptions& options() noexcept { return options_; }
    void listen(std::string_view url);
    [[nodiscard]] const Endpoint& endpoint() const noexcept { return endpoint_; }
    void stop_listening() noexcept { listener_.reset(); }
    void serve(std::unique_ptr<Stream> stream);
    void drop_all_connections();
    bool drop_connection(std::string_view client_id);
    bool disconnect(std::string_view client_id, const Disconnect& packet);
    void release_acknowledgements(std::size_t count);
    void shut_down();
    void forget_sessions();
    void script(Script script) { scripts_.push_back(std::move(script)); }
    void inject(Faults faults) { faults_.push_back(std::move(faults)); }
    void release_stalls();
    void publish_from_test(const Publish& message);
    void subscribe(std::string_view filter, Function<void(const PublishedMessage&)> receive);
    [[nodiscard]] const std::deque<PublishedMessage>& messages() const noexcept { return messages_; }
    [[nodiscard]] std::vector<PublishedMessage> retained_messages() const;
    [[nodiscard]] std::vector<ConnectionInfo> connections() const;
    [[nodiscard]] std::vector<SessionInfo> sessions() const;
    [[nodiscard]] std::optional<SessionInfo> session_info(std::string_view client_id) const;
    [[nodiscard]] std::size_t accepted() const noexcept { return accepted_; }
    [[nodiscard]] const std::vector<std::string>& complaints() const noexcept { return complaints_; }
    [[nodiscard]] std::vector<std::string> verify() const;
    [[nodiscard]] std::string transcript() const { return log_.transcript(start_); }

    // --- for connections

    [[nodiscard]] std::shared_ptr<BrokerCore> hold() { return shared_from_this(); }
    [[nodiscard]] Runtime& runtime() noexcept { return runtime_; }
    [[nodiscard]] TimePoint now() const noexcept { return runtime_.now(); }
    [[nodiscard]] PacketLog& log() noexcept { return log_; }
    [[nodiscard]] BrokerRouter& router() noexcept { return router_; }
    void complain(std::string what);
    /// Destroys the connection on a coming turn.
    void bury(BrokerConnection& connection);
    [[nodiscard]] ReasonCode admit(const Connect& connect);
    struct Joined {
        BrokerSession* session = nullptr;
        bool present = false;
    };
    /// Finds or makes the session for `client_id`, and throws out who has it now.
    Joined join(const Connect& connect, const std::string& client_id);
    [[nodiscard]] std::string make_client_id();
    /// The session's connection is ending. A will is published, now or when its delay has passed.
    void leave(BrokerSession& session, std::shared_ptr<BrokerMessage> will, std::uint32_t will_delay);
    /// Retains, records and routes; says how many it was for.
    std::size_t publish(const std::shared_ptr<BrokerMessage>& message);

    // --- for sessions' timers

    void session_expired(BrokerSession& session);
    void will_due(BrokerSession& session);

private:
    struct LocalSubscriber {
        std::string filter;
        Function<void(const PublishedMessage&)> receive;
    };
    struct LocalDelivery {
        LocalSubscriber* to;
        std::shared_ptr<const PublishedMessage> message;
    };

    void on_accept(std::unique_ptr<Stream> stream) override;
    [[nodiscard]] BrokerSession* find(std::string_view client_id) const;
    void forget(BrokerSession& session);
    void record(const BrokerMessage& message);
    void keep(PublishedMessage message);
    void bury_dead();
    void deliver_locally();

    Runtime& runtime_;
    FakeBrokerOptions options_;
    TimePoint start_;
    bool ended_ = false;

    std::unique_ptr<Listener> listener_;
    Endpoint endpoint_;
    std::map<std::size_t, std::unique_ptr<BrokerConnection>> connections_;
    std::vector<std::size_t> dead_;
    std::size_t accepted_ = 0;
    std::size_t made_client_ids_ = 0;
    std::deque<Script> scripts_;
    std::deque<Faults> faults_;
    std::size_t scripts_begun_ = 0;

    // The router points into the sessions, and goes first.
    std::map<std::string, std::unique_ptr<BrokerSession>, std::less<>> sessions_;
    BrokerRouter router_;

    PacketLog log_;
    std::deque<PublishedMessage> messages_;
    std::size_t message_bytes_ = 0;
    std::vector<std::string> complaints_;
    std::deque<LocalSubscriber> local_subscribers_; // a deque: deliveries point at them
    std::deque<LocalDelivery> local_deliveries_;

    OwnedNode<BrokerCore> bury_dead_{*this, &BrokerCore::bury_dead};
    OwnedNode<BrokerCore> deliver_locally_{*this, &BrokerCore::deliver_locally};
};

} // namespace culex::testing
