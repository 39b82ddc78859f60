#pragma once
// Each operation against each way in which it can end early: what its caller hears, and what becomes of what it asked for.
// The table stands at `ClientOperation` (client_operations.hpp).

#include <optional>

#include "client/client_test.hpp"

namespace culex {

using culex::testing::Direction;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

inline constexpr QoS q1 = QoS::at_least_once;

/// An operation under way, and how it has ended.
class Running {
public:
    Running(Runtime& runtime, Task<> task) : root_(std::in_place, note(std::move(task), failure_)) {
        root_->start_on(runtime);
    }
    [[nodiscard]] bool done() const { return root_->done(); }
    [[nodiscard]] bool succeeded() const { return done() && !failure_; }
    [[nodiscard]] bool failed(Errc code) const { return done() && failure_ == code; }
    [[nodiscard]] const Failure& failure() const { return failure_; }
    void drop() { root_.reset(); }

private:
    static Task<> note(Task<> task, Failure& failure) {
        try {
            co_await std::move(task);
        } catch (const Error& error) {
            failure = error.failure();
        }
    }
    Failure failure_;
    std::optional<TaskRoot<>> root_;
};

inline Task<> connect(AsyncClient& client, ConnectOptions options = {}) {
    co_await client.connect("mqtt://broker", options);
}
inline Task<> publish(AsyncClient& client, std::string text, PublishOptions options) {
    co_await client.publish("a", text, options);
}
inline Task<> subscribe(AsyncClient& client, std::optional<Subscription>& stream, SubscribeOptions options = {}) {
    stream = co_await client.subscribe("a", QoS::exactly_once, options);
}
inline Task<> unsubscribe(AsyncClient& client, UnsubscribeOptions options = {}, std::string filter = "a") {
    co_await client.unsubscribe(filter, options);
}
inline Task<> disconnect(AsyncClient& client, DisconnectResult& result, DisconnectOptions options = {}) {
    result = co_await client.disconnect(options);
}
inline Task<> next(Subscription& stream, std::string& got) {
    const auto message = co_await stream.next();
    got += message ? message->text() : "end";
}
inline Task<> next_within(Subscription& stream, std::string& got, std::chrono::milliseconds timeout) {
    const auto message = co_await stream.next(timeout);
    got += message ? message->text() : "end";
}

class OperationsTest : public ClientTest {
protected:
    Running start(Task<> task) { return {runtime, std::move(task)}; }
    [[nodiscard]] std::vector<std::string> published() const {
        std::vector<std::string> payloads;
        for (const auto& message : broker.messages()) payloads.push_back(message.payload);
        return payloads;
    }
    [[nodiscard]] std::uint64_t received(PacketType type) const { return broker.count(Direction::received, type); }
    void lose_connection() {
        broker.stop_listening();
        broker.drop_all_connections();
        runtime.run_until_idle();
    }
    void find_broker_again() {
        broker.listen();
        runtime.advance(2min);
    }
    void refuse_for_good() {
        broker.options().refuse_connect = ReasonCode::bad_user_name_or_password;
        broker.drop_all_connections();
        runtime.advance(2min);
    }
    /// Options whose session outlives its connections.
    [[nodiscard]] ClientOptions persistent() const {
        ClientOptions all = options();
        all.clean_start = false;
        all.properties.session_expiry_interval = 3600;
        return all;
    }
};

} // namespace culex
