#pragma once
// What the tests of the documented client share: a broker on a thread of its own, and ways to wait without sleeping.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <culex/culex.hpp>
#include <culex/testing/broker_thread.hpp>

namespace culex::facade {

using namespace std::chrono_literals;
using culex::testing::BrokerThread;
using culex::testing::Direction;
using culex::testing::FakeBroker;
using culex::testing::PublishedMessage;
using culex::testing::Script;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// How long something may take that is going to happen: it matters where a test fails, and nowhere else.
inline constexpr auto patience = 30s;

/// Opened once, on any thread.
class Gate {
public:
    void open() {
        const std::scoped_lock lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }
    [[nodiscard]] bool is_open() {
        const std::scoped_lock lock(mutex_);
        return open_;
    }
    /// False where patience ran out.
    [[nodiscard]] bool wait() {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, patience, [this] { return open_; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = false;
};

/// What some threads say and others hear, in order.
template <class T> class Box {
public:
    void put(T value) {
        const std::scoped_lock lock(mutex_);
        values_.push_back(std::move(value));
        changed_.notify_all();
    }
    /// The next; a default value, and a failed test, where patience ran out.
    T take() {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, patience, [this] { return !values_.empty(); })) {
            ADD_FAILURE() << "nothing came";
            return T();
        }
        T value = std::move(values_.front());
        values_.pop_front();
        return value;
    }
    std::vector<T> take(std::size_t count) {
        std::vector<T> taken;
        while (taken.size() < count && !::testing::Test::HasFailure()) taken.push_back(take());
        return taken;
    }
    [[nodiscard]] std::size_t size() {
        const std::scoped_lock lock(mutex_);
        return values_.size();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<T> values_;
};

/// What was logged while it lives.
class LogCapture {
public:
    LogCapture() {
        set_log_hook([](void* self, LogLevel,
                        std::string_view line) { static_cast<LogCapture*>(self)->lines.put(std::string(line)); },
                     this, LogLevel::warning);
    }
    LogCapture(const LogCapture&) = delete;
    LogCapture& operator=(const LogCapture&) = delete;
    ~LogCapture() { set_log_hook(nullptr); }

    Box<std::string> lines;
};

/// Keeps the I/O thread busy for as long as it lives, from the next lost connection on.
class BusyIoThread {
public:
    BusyIoThread() {
        set_log_hook([](void* self, LogLevel, std::string_view) { static_cast<BusyIoThread*>(self)->hold(); }, this,
                     LogLevel::info);
    }
    BusyIoThread(const BusyIoThread&) = delete;
    BusyIoThread& operator=(const BusyIoThread&) = delete;
    ~BusyIoThread() {
        release.open();
        set_log_hook(nullptr);
    }

    Gate held;
    Gate release;

private:
    void hold() {
        held.open();
        EXPECT_TRUE(release.wait());
    }
};

/// Opens a gate when the thread ends that has last called it: what it did before, it has done.
inline void open_at_thread_end(Gate& gate) {
    struct OnEnd {
        Gate* gate = nullptr;
        ~OnEnd() {
            if (gate) gate->open();
        }
    };
    static thread_local OnEnd on_end;
    on_end.gate = &gate;
}

/// The failure with which `call` ends; empty where it does not fail.
template <class F> Failure failure_of(F call) {
    try {
        call();
    } catch (const Error& error) {
        return error.failure();
    }
    return Failure();
}

/// The same in words.
template <class F> std::string fault_of(F call) {
    const Failure failure = failure_of(std::move(call));
    return failure ? failure.message() : std::string();
}

/// For both versions, unless a test is about one of them.
class FacadeTest : public ::testing::TestWithParam<Version> {
protected:
    FacadeTest() {
        broker.call([this](FakeBroker& b) {
            b.subscribe("#", [this](const PublishedMessage& message) { published.put(message); });
            b.options().authenticate = [this](const Connect& packet) {
                connected.put(std::string(packet.client_id));
                return ReasonCode::success;
            };
            b.options().authorize_subscribe = [this](std::string_view, const TopicSubscription& subscription) {
                subscribed.put(std::string(subscription.filter));
                return static_cast<ReasonCode>(subscription.qos);
            };
        });
    }
    void TearDown() override {
        EXPECT_THAT(broker.call([](FakeBroker& b) { return b.verify(); }), IsEmpty()) << transcript();
    }

    [[nodiscard]] static ClientSettings settings() {
        return {.version = GetParam(), .reconnect = {.first_delay = 1ms, .max_delay = 10ms}};
    }
    /// For tests of a lost connection that is not to come back by itself.
    [[nodiscard]] static ClientSettings slow_settings() {
        return {.version = GetParam(), .reconnect = {.first_delay = 1h, .max_delay = 1h}};
    }
    void connect(Client& client, ConnectSettings hooks = {}) {
        client.connect("127.0.0.1", 60, broker.port(), std::move(hooks));
    }
    void publish(std::string topic, std::string payload, QoS qos = QoS::at_most_once, bool retain = false) {
        broker.call([&](FakeBroker& b) { b.publish(topic, payload, qos, retain); });
    }
    void script(Script script) {
        broker.call([&](FakeBroker& b) { b.script(std::move(script)); });
    }
    void drop_connections() {
        broker.call([](FakeBroker& b) { b.drop_all_connections(); });
    }
    /// How many packets of this type the broker has got.
    [[nodiscard]] std::uint64_t received(PacketType type) {
        return broker.call([&](FakeBroker& b) { return b.count(Direction::received, type); });
    }
    [[nodiscard]] std::string transcript() {
        return broker.call([](FakeBroker& b) { return b.transcript(); });
    }
    [[nodiscard]] std::vector<std::string> published_payloads(std::size_t count) {
        std::vector<std::string> payloads;
        for (const PublishedMessage& message : published.take(count)) payloads.push_back(message.payload);
        return payloads;
    }
    /// Until so many of the client's messages wait for room.
    static void wait_until_waiting(Client& client, std::size_t count) {
        const TimePoint end = Clock::now() + patience;
        while (client.statistics().outbound.waiting_for_room < count && Clock::now() < end) std::this_thread::yield();
        EXPECT_EQ(count, client.statistics().outbound.waiting_for_room);
    }
    /// Subscribes, and waits for the answer; the loop must run.
    void subscribe(Client& client, std::string_view filter, int qos) {
        Gate granted;
        client.on(SUBACK, [&](Client&, const CallbackData&) { granted.open(); });
        client.subscribe({{filter, qos}});
        EXPECT_TRUE(granted.wait());
        client.on(SUBACK, nullptr);
        subscribed.take();
    }

    // What the broker's own functions say, which outlive a test's body.
    Box<PublishedMessage> published; ///< by clients, and by the test
    Box<std::string> connected;      ///< the client of each CONNECT that no script has taken
    Box<std::string> subscribed;     ///< the filters of each SUBSCRIBE
    BrokerThread broker;
};

inline std::string version_name(const ::testing::TestParamInfo<Version>& info) {
    return info.param == Version::v5 ? "v5" : "v3_1_1";
}

#define CULEX_BOTH_VERSIONS(Suite)                                                                                     \
    INSTANTIATE_TEST_SUITE_P(Versions, Suite, ::testing::Values(Version::v3_1_1, Version::v5), version_name)

} // namespace culex::facade
