// Two clients and a broker whose links end at any byte: nothing is lost at QoS 1 and 2, nothing comes twice at QoS 2, and
// the order is kept.
#include <random>

#include "session/model_broker.hpp"
#include "support/session_peer.hpp"

namespace culex::session {
namespace {

using namespace culex::testing;

struct Setting {
    Version version;
    bool deliver_on_pubrel;
    bool sessions_are_lost;
};

class World {
public:
    World(const Setting& setting, unsigned seed) : setting_(setting), random_(seed), broker_(setting.version, 2) {
        for (std::size_t at = 0; at < 2; ++at) actors_.emplace_back(setting, at);
    }

    void run(int cycles) {
        for (Actor& actor : actors_) subscribe(actor, other_topic(actor));
        drain();
        for (Actor& actor : actors_) cut(actor);
        for (int cycle = 0; cycle < cycles && !::testing::Test::HasFatalFailure(); ++cycle) {
            for (Actor& actor : actors_) open(actor, below(1'500));
            for (int step = 0; step < 60; ++step) act(actors_[below(2)]);
        }
        drain();
        for (Actor& actor : actors_) check(actor);
    }

private:
    struct Actor {
        Actor(const Setting& setting, std::size_t index_)
            : index(index_), session({.version = setting.version,
                                      .receive_maximum = 8,
                                      .output_high_water = 200,
                                      .deliver_on_pubrel = setting.deliver_on_pubrel}) {}
        std::size_t index;
        Session session;
        bool up = false;
        std::size_t budget = 0; // bytes that this link will still carry
        unsigned published = 0;
        std::vector<std::pair<QoS, std::string>> sent; // all that was published, in order
        std::vector<std::string> received;
        std::vector<Delivery> unacknowledged;
        std::set<std::string> filters; // what it is subscribed to when all is answered
        std::deque<NotedOperation> operations;
    };

    std::size_t below(std::size_t bound) { return random_() % bound; }
    static std::string topic(const Actor& actor) { return "t" + std::to_string(actor.index); }
    static std::string other_topic(const Actor& actor) { return "t" + std::to_string(1 - actor.index); }

    // --- links

    void open(Actor& actor, std::size_t budget) {
        if (actor.up) return;
        if (setting_.sessions_are_lost && below(5) == 0) broker_.lose_session(actor.index);
        broker_.receive_maximum = static_cast<std::uint16_t>(1 + below(12));
        broker_.open(actor.index);
        actor.budget = budget;
        actor.up = true;
        ASSERT_TRUE(actor.session.handle_open({.client_id = topic(actor), .clean_start = false}, now_));
    }
    void cut(Actor& actor) {
        actor.up = false;
        actor.session.handle_end();
        broker_.end(actor.index);
    }
    /// Carries some of what waits, and never more than the budget: the cut may be inside a packet.
    template <class Deliver> void carry(Actor& actor, Buffer& from, Deliver deliver) {
        const std::size_t size = std::min({from.size(), 1 + below(400), actor.budget});
        const std::vector<std::byte> chunk(from.bytes().begin(),
                                           from.bytes().begin() + static_cast<std::ptrdiff_t>(size));
        from.consume(size);
        actor.budget -= size;
        deliver(Bytes(chunk));
        if (actor.budget == 0) cut(actor);
    }
    void carry_up(Actor& actor) {
        carry(actor, actor.session.output(), [&](Bytes chunk) { broker_.input(actor.index, chunk); });
        if (actor.up && actor.session.output().empty()) actor.session.handle_flushed(now_);
    }
    void carry_down(Actor& actor) {
        carry(actor, broker_[actor.index].output, [&](Bytes chunk) { actor.session.handle_input(chunk, now_); });
        ASSERT_FALSE(actor.session.failure()) << actor.session.failure().message();
        while (auto event = actor.session.poll_event()) {
            if (!event->message) continue;
            actor.received.emplace_back(event->message.text());
            if (event->delivery.sequence != 0) actor.unacknowledged.push_back(event->delivery);
        }
    }

    // --- what happens

    void act(Actor& actor) {
        now_ += std::chrono::milliseconds(below(2'000));
        switch (below(10)) {
        case 0:
        case 1:
            return publish(actor);
        case 2:
            return below(10) == 0 ? change_subscription(actor) : publish(actor);
        case 3:
        case 4:
            return acknowledge(actor);
        case 5:
            actor.session.handle_time(now_);
            return;
        default:
            break;
        }
        if (!actor.up) return;
        carry_up(actor);
        if (actor.up) carry_down(actor);
    }
    void publish(Actor& actor) {
        const auto qos = static_cast<QoS>(below(3));
        const std::string payload = fmt::format("{}:{}", static_cast<int>(qos), actor.published++);
        const std::string name = topic(actor);
        Publish message{.topic = name, .payload = as_bytes(payload), .qos = qos};
        NotedOperation& operation = actor.operations.emplace_back();
        const auto published = actor.session.publish(message, &operation);
        ASSERT_TRUE(published) << published.failure().message();
        if (published->done) operation.outcome = "ok";
        if (below(8) == 0) operation.detach();
        actor.sent.emplace_back(qos, payload);
    }
    void acknowledge(Actor& actor) {
        if (actor.unacknowledged.empty()) return;
        const std::size_t at = below(actor.unacknowledged.size()); // whoever is done first
        actor.session.acknowledge(actor.unacknowledged[at]);
        actor.unacknowledged.erase(actor.unacknowledged.begin() + static_cast<std::ptrdiff_t>(at));
    }
    void subscribe(Actor& actor, const std::string& filter) {
        const TopicSubscription subscription{.filter = filter, .qos = QoS::exactly_once};
        ASSERT_TRUE(actor.session.subscribe({&subscription, 1}, {}, &actor.operations.emplace_back()));
        actor.filters.insert(filter);
    }
    void change_subscription(Actor& actor) {
        const std::string filter = "extra" + std::to_string(below(6));
        if (below(2) == 0) return subscribe(actor, filter);
        const std::string_view view = filter;
        ASSERT_TRUE(actor.session.unsubscribe({&view, 1}, {}, &actor.operations.emplace_back()));
        actor.filters.erase(filter);
    }
    /// Links that hold until nothing is left to do.
    void drain() {
        for (Actor& actor : actors_) {
            if (actor.up) cut(actor);
            open(actor, std::size_t{1} << 40);
        }
        for (int quiet = 0; quiet < 10 && !::testing::Test::HasFatalFailure(); ++quiet) {
            for (Actor& actor : actors_) {
                if (!actor.session.output().empty() || !broker_[actor.index].output.empty() ||
                    !actor.unacknowledged.empty()) {
                    quiet = 0;
                }
                carry_up(actor);
                carry_down(actor);
                while (!actor.unacknowledged.empty()) acknowledge(actor);
            }
        }
    }

    // --- what must hold

    void check(Actor& actor) {
        EXPECT_EQ(actor.session.outstanding(), 0u);
        EXPECT_EQ(actor.session.outstanding_bytes(), 0u);
        for (const NotedOperation& operation : actor.operations) {
            EXPECT_FALSE(operation.attached());
            EXPECT_LE(operation.completions, 1);
        }
        std::set<std::string> filters;
        for (const auto& [filter, qos] : broker_[actor.index].subscriptions) filters.insert(filter);
        EXPECT_EQ(filters, actor.filters);
        check_sequence(actor, broker_[actor.index].arrived, "the broker", "12");
        if (setting_.sessions_are_lost) return;
        const std::vector<std::string>& received = actors_[1 - actor.index].received;
        if (setting_.deliver_on_pubrel) { // a later QoS 1 message passes one that waits for its PUBREL
            check_sequence(actor, received, "the other client", "1");
            check_sequence(actor, received, "the other client", "2");
        } else {
            check_sequence(actor, received, "the other client", "12");
        }
    }
    /// Whether messages of these QoS arrived, and in the order in which they were published.
    void check_sequence(const Actor& actor, const std::vector<std::string>& arrived, const char* where,
                        std::string_view kept) {
        const bool once = !setting_.sessions_are_lost; // a broker without memory cannot know a message again
        std::map<std::string, int> counts;
        std::vector<std::string> first;
        for (const std::string& payload : arrived) {
            if (++counts[payload] == 1 && kept.find(payload[0]) != kept.npos) first.push_back(payload);
        }
        std::vector<std::string> expected;
        for (const auto& [qos, payload] : actor.sent) {
            if (kept.find(payload[0]) != kept.npos) expected.push_back(payload);
            const bool twice = counts[payload] > 1 && (qos == QoS::at_most_once || (qos == QoS::exactly_once && once));
            EXPECT_FALSE(twice) << payload << " came twice to " << where;
        }
        EXPECT_EQ(first, expected) << "lost, or out of order, at " << where;
    }

    Setting setting_;
    std::mt19937 random_;
    TimePoint now_{std::chrono::hours(1)};
    ModelBroker broker_;
    std::deque<Actor> actors_;
};

class RandomTest : public ::testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Settings, RandomTest,
                         ::testing::Values(Setting{Version::v3_1_1, false, false},
                                           Setting{Version::v3_1_1, true, false}, Setting{Version::v5, false, false},
                                           Setting{Version::v5, true, false}, Setting{Version::v3_1_1, false, true},
                                           Setting{Version::v5, true, true}),
                         [](const auto& row) {
                             return std::string(row.param.version == Version::v5 ? "v5" : "v3_1_1") +
                                    (row.param.deliver_on_pubrel ? "_on_pubrel" : "_on_publish") +
                                    (row.param.sessions_are_lost ? "_sessions_lost" : "");
                         });

TEST_P(RandomTest, loses_nothing_repeats_nothing_and_keeps_order_over_1000_cut_links) {
    for (unsigned seed = 1; seed <= 25 && !HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        World(GetParam(), seed).run(50);
    }
}

} // namespace
} // namespace culex::session
