#pragma once
/// \file random_cuts.hpp
/// The promise of delivery against a network that breaks anywhere, as a scheme. Which clients, consumers and bounds, over
/// which transport and on which runtime, is for the test to say: in virtual time ten thousand cuts take seconds, over
/// sockets some hundred do. The seed is printed on failure, and can be given back in CULEX_SEED.
///
/// A cycle: the next connection of each client gets a fault at a random byte, and the one that is there is ended, by the
/// client or by the broker; messages are published in both directions; and the cycle is over when everything of the
/// clients' is acknowledged. In some cycles the broker also loses its sessions while all that is under way.
///
/// What is checked, for each topic (so each direction, client and QoS has its own numbers):
///   - QoS 1 and 2: nothing is lost. Of a cycle in which the broker has lost its sessions, what it had taken in for a client
///     may be: it has forgotten that, and nobody else has it.
///   - QoS 2: nothing arrives twice. Only a broker that has forgotten the identifiers takes a client's message of that
///     cycle twice; a client takes none twice.
///   - Every QoS: first arrivals come in the order of sending.

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <culex/async_client.hpp>
#include <culex/nursery.hpp>
#include <culex/task.hpp>
#include <culex/testing/fake_broker.hpp>
#include <culex/timeout.hpp>

namespace culex::testing {

/// How consumers are done with messages.
enum class Consumes : std::uint8_t {
    by_asking,  ///< for the next one
    by_ack,     ///< in the order of arrival
    by_workers, ///< several at once, done in any order
};

/// That of CULEX_SEED, or another each time.
inline std::uint64_t cuts_seed() {
    const char* given = std::getenv("CULEX_SEED");
    return given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

struct CutsPlan {
    std::uint64_t seed = cuts_seed(); ///< also for what a test makes at random by itself, so that it comes again
    std::string url = "mqtt://broker";
    Version version = Version::v3_1_1;
    std::size_t cuts = 1000; ///< goes on until so many connections have ended
    std::uint64_t within_bytes =
        1000; ///< ... by a fault somewhere in their first so many bytes, or else with the cycle
    std::size_t clients = 1;
    int topics = 1;    ///< of each client, direction and QoS
    int messages = 20; ///< in a cycle, for each topic
    Consumes consumes = Consumes::by_asking;
    Duration slowest_consumer{};                    ///< a consumer takes up to so long for each message
    int session_lost_one_in = 0;                    ///< so many cycles, at random; 0 = never
    std::chrono::milliseconds reconnect_delay{100}; ///< the greatest
    ClientOptions client{};                  ///< the bounds to try; names, version and persistence are the scheme's
    Duration limit = std::chrono::hours(24); ///< for all of it
};

/// What has arrived under one topic: numbers, which were sent as 0, 1, 2, ...
class Arrivals {
public:
    void add(std::string_view text) {
        const auto number = static_cast<std::size_t>(std::stoul(std::string(text)));
        if (times_.size() <= number) times_.resize(number + 1);
        if (++times_[number] > 1) return;
        if (number < next_) ++overtaken_;
        next_ = number + 1;
    }
    [[nodiscard]] int times(std::size_t number) const noexcept { return number < times_.size() ? times_[number] : 0; }
    /// Messages whose first arrival came after that of a later one.
    [[nodiscard]] int overtaken() const noexcept { return overtaken_; }

private:
    std::vector<int> times_;
    std::size_t next_ = 0;
    int overtaken_ = 0;
};

class RandomCutsScheme {
public:
    /// The broker is this scheme's from now on, and must not run any more once the scheme has ended.
    RandomCutsScheme(Runtime& runtime, FakeBroker& broker, const CutsPlan& plan, std::uint64_t seed)
        : runtime_(runtime), broker_(broker), plan_(plan), random_(seed), accepted_before_(broker.accepted()) {
        broker.options().kept_messages = 0;
        broker.options().log_bytes = 0;
        broker.options().max_queued = 1'000'000;
        broker.subscribe("up/#", [this](const PublishedMessage& message) { up_[message.topic].add(message.payload); });
        for (std::size_t i = 0; i < plan.clients; ++i)
            users_.push_back(std::make_unique<User>(*this, std::to_string(i)));
    }
    RandomCutsScheme(const RandomCutsScheme&) = delete;
    RandomCutsScheme& operator=(const RandomCutsScheme&) = delete;

    /// To be run to its end on the runtime; expects what is promised.
    Task<> play() {
        Nursery consumers;
        for (auto& user : users_) {
            co_await user->client.connect(plan_.url, {.retry = true}); // a fault may meet the first one, too
            const SubscribeOptions options{.acknowledge = plan_.consumes == Consumes::by_asking ? Acknowledge::automatic
                                                                                                : Acknowledge::manual};
            user->stream = co_await user->client.subscribe("down/" + user->name + "/#", QoS::exactly_once, options);
            consumers.spawn(consume(*user));
        }
        while (cuts() < plan_.cuts && !::testing::Test::HasFailure()) co_await cycle();
        co_await quiet();
        for (auto& user : users_) co_await user->client.disconnect();
        co_await consumers.join();
        check(up_, "up", false);
        check(down_, "down", true);
    }

    /// Connections that have ended.
    [[nodiscard]] std::size_t cuts() const noexcept { return broker_.accepted() - accepted_before_ - users_.size(); }
    [[nodiscard]] std::size_t sessions_lost() const noexcept { return sessions_lost_; }

private:
    struct User {
        User(RandomCutsScheme& scheme, std::string name_)
            : name(std::move(name_)), client(scheme.runtime_, scheme.client_options(name)) {}
        std::string name;
        AsyncClient client;
        Subscription stream;
    };
    static constexpr std::array all_qos{QoS::at_most_once, QoS::at_least_once, QoS::exactly_once};

    [[nodiscard]] ClientOptions client_options(std::string_view name) const {
        ClientOptions options = plan_.client;
        options.client_id = name;
        options.version = plan_.version;
        options.clean_start = false;
        options.properties.session_expiry_interval = 3600;
        options.reconnect.first_delay = std::min(std::chrono::milliseconds(10), plan_.reconnect_delay);
        options.reconnect.max_delay = plan_.reconnect_delay;
        return options;
    }
    [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
    [[nodiscard]] std::string topic(const char* direction, const User& user, int number, QoS qos) const {
        return std::string(direction) + "/" + user.name + "/" + std::to_string(number) + "/" +
               std::to_string(static_cast<int>(qos));
    }

    [[nodiscard]] Faults random_faults() {
        Faults faults;
        (below(2) == 0 ? faults.received : faults.sent).cut_after = below(plan_.within_bytes);
        if (below(4) == 0) faults.received.chunk_size = faults.sent.chunk_size = 1 + below(50);
        return faults;
    }

    Task<> cycle() {
        const bool lossy =
            plan_.session_lost_one_in > 0 && below(static_cast<std::uint64_t>(plan_.session_lost_one_in)) == 0;
        // A slow consumer does not fall behind for ever; and nothing of another cycle is to be lost.
        if (lossy || below(16) == 0) co_await quiet();
        lossy_.push_back(lossy);
        for (auto& user : users_) {
            broker_.inject(random_faults());
            if (below(2) == 0 || !broker_.drop_connection(user->name)) user->client.reconnect();
        }
        Nursery publishers;
        publish_down();
        for (auto& user : users_) publish_up(publishers, *user);
        if (lossy) co_await lose_sessions();
        co_await publishers.join();
        if (lossy) co_await quiet(); // what is published from now on is to find the subscriptions restored
        for (auto& user : users_) EXPECT_EQ(user->client.outstanding(), 0u);
    }

    void publish_down() {
        each_message([this](int number, std::size_t text, QoS qos) {
            for (auto& user : users_) broker_.publish(topic("down", *user, number, qos), std::to_string(text), qos);
        });
    }
    void publish_up(Nursery& publishers, User& user) {
        each_message([&](int number, std::size_t text, QoS qos) {
            publishers.spawn(publish(user.client, topic("up", user, number, qos), std::to_string(text), qos));
        });
    }
    /// Of the cycle that is last in `lossy_`.
    template <class F> void each_message(F visit) const {
        const auto messages = static_cast<std::size_t>(plan_.messages);
        for (std::size_t i = 0; i < messages; ++i) {
            for (int number = 0; number < plan_.topics; ++number) {
                for (const QoS qos : all_qos) visit(number, (lossy_.size() - 1) * messages + i, qos);
            }
        }
    }
    static Task<> publish(AsyncClient& client, std::string topic, std::string text, QoS qos) {
        co_await client.publish(topic, text, {.qos = qos});
    }

    /// At a moment when much is under way.
    Task<> lose_sessions() {
        for (std::uint64_t turns = below(20); turns > 0; --turns) co_await yield();
        broker_.drop_all_connections();
        broker_.forget_sessions();
        ++sessions_lost_;
    }

    Task<> consume(User& user) {
        Nursery workers;
        while (auto message = co_await user.stream.next()) {
            down_[std::string(message->topic())].add(message->text());
            if (plan_.consumes == Consumes::by_workers) {
                workers.spawn(work(*std::move(message)));
            } else {
                co_await work(*std::move(message));
            }
        }
        co_await workers.join();
    }
    Task<> work(Message message) {
        const auto slowest = static_cast<std::uint64_t>(plan_.slowest_consumer.count());
        if (slowest > 0) co_await sleep_for(Duration(static_cast<Duration::rep>(below(slowest))));
        message.ack(); // does nothing where the stream does it
    }

    /// Until the broker knows everybody, and has nothing left for anybody.
    Task<> quiet() {
        const auto busy = [this](const std::unique_ptr<User>& user) {
            const auto session = broker_.session(user->name);
            return !session || session->subscriptions.empty() || session->queued > 0 || session->in_flight > 0;
        };
        while (std::ranges::any_of(users_, busy)) co_await sleep_for(std::chrono::milliseconds(5));
    }

    void check(std::map<std::string, Arrivals>& arrivals, const char* direction, bool broker_to_client) {
        for (const auto& user : users_) {
            for (int number = 0; number < plan_.topics; ++number) {
                for (const QoS qos : all_qos) {
                    const std::string name = topic(direction, *user, number, qos);
                    check(arrivals[name], name, qos, broker_to_client);
                }
            }
        }
    }
    void check(const Arrivals& arrivals, const std::string& name, QoS qos, bool broker_to_client) const {
        int lost = 0;
        int repeated = 0;
        for (std::size_t cycle = 0; cycle < lossy_.size(); ++cycle) {
            const auto messages = static_cast<std::size_t>(plan_.messages);
            for (std::size_t i = cycle * messages; i < (cycle + 1) * messages; ++i) {
                const int times = arrivals.times(i);
                if (times == 0 && !(lossy_[cycle] && broker_to_client)) ++lost;
                if (times > 1 && (!lossy_[cycle] || broker_to_client)) ++repeated;
            }
        }
        EXPECT_TRUE(lost == 0 || qos == QoS::at_most_once) << name << ": lost " << lost;
        EXPECT_TRUE(repeated == 0 || qos == QoS::at_least_once) << name << ": repeated " << repeated;
        EXPECT_EQ(arrivals.overtaken(), 0) << name;
    }

    Runtime& runtime_;
    FakeBroker& broker_;
    const CutsPlan& plan_;
    std::mt19937_64 random_;
    std::size_t accepted_before_;
    std::size_t sessions_lost_ = 0;
    std::vector<std::unique_ptr<User>> users_;
    std::vector<bool> lossy_; // the cycles, and whether the broker has lost its sessions in them
    std::map<std::string, Arrivals> up_;
    std::map<std::string, Arrivals> down_;
};

inline Task<> play_within(RandomCutsScheme& scheme, Duration limit) { co_await with_timeout(scheme.play(), limit); }

/// Plays `plan` on `runtime`, a `VirtualRuntime` or a `Loop`, on which `broker` listens at `plan.url`.
template <class R> void cut_at_random(R& runtime, FakeBroker& broker, const CutsPlan& plan) {
    SCOPED_TRACE("CULEX_SEED=" + std::to_string(plan.seed));
    RandomCutsScheme scheme(runtime, broker, plan, plan.seed);
    try {
        runtime.run(play_within(scheme, plan.limit));
    } catch (const std::exception& error) {
        ADD_FAILURE() << error.what() << ", after " << scheme.cuts() << " cuts";
    }
    EXPECT_GE(scheme.cuts(), plan.cuts);
    EXPECT_EQ(scheme.sessions_lost() > 0, plan.session_lost_one_in > 0);
}

} // namespace culex::testing
