// Many threads at once: what ThreadSanitizer is to see.
#include <atomic>
#include <map>

#include "facade/facade_test.hpp"

namespace culex::facade {
namespace {

class Threads : public FacadeTest {};
CULEX_BOTH_VERSIONS(Threads);

/// Every message at QoS 1 and 2 arrives, those at QoS 2 once, each thread's in order, while the connection is cut again and
/// again and callbacks publish, subscribe and register.
TEST_P(Threads, publish_subscribe_and_register_at_once_while_connections_are_cut) {
    constexpr int threads = 4, messages = 150;
    ClientSettings sturdy = settings();
    sturdy.drain = std::chrono::duration_cast<std::chrono::milliseconds>(patience);
    std::atomic<int> answers = 0;
    Client client{"c", false, sturdy};
    client.loop([](Client& c, const CallbackData& data) {
        if (data.message->topic() == "in") c.publish("echo", data.message->text(), 1);
    });
    for (const Command command : {PUBACK, PUBCOMP, SUBACK, UNSUBACK}) {
        client.on(command, [&](Client& c, const CallbackData& data) {
            ++answers;
            if (data.mid % 16 == 0) c.on(PUBREC, [](Client&, const CallbackData&) {});
        });
    }
    const auto hook = [](Client& c) { c.publish("hook", "x", 1); };
    connect(client, {.before_reconnect = hook, .after_connect = hook});
    subscribe(client, "in", 1);
    client.on(SUBACK, [&](Client&, const CallbackData&) { ++answers; });
    {
        std::vector<std::jthread> workers;
        for (int t = 0; t < threads; ++t) {
            workers.emplace_back([&, t] {
                for (int i = 0; i < messages; ++i) {
                    client.publish("from/" + std::to_string(t), std::to_string(i), 1 + t % 2);
                    if (i % 50 == 0) client.subscribe({{"other/" + std::to_string(t), 1}});
                    if (i % 50 == 25) client.unsubscribe({"other/" + std::to_string(t)});
                    if (i % 40 == 10) publish("in", std::to_string(i), QoS::at_least_once);
                    if (i % 40 == 20) drop_connections();
                    if (t == 0 && i % 60 == 30) failure_of([&] { client.reconnect(); });
                }
            });
        }
    }
    EXPECT_EQ(0u, client.disconnect());
    EXPECT_GE(answers, threads * messages);
    std::map<std::string, std::vector<int>> arrived;
    for (const PublishedMessage& message : broker.call([](FakeBroker& b) { return b.messages(); })) {
        if (message.topic.starts_with("from/")) arrived[message.topic].push_back(std::stoi(message.payload));
    }
    ASSERT_EQ(std::size_t{threads}, arrived.size());
    for (auto& [topic, numbers] : arrived) {
        const bool once = (topic.back() - '0') % 2 == 1;
        if (once) {
            EXPECT_EQ(std::size_t{messages}, numbers.size()) << topic;
        }
        // At QoS 1 some may come again, after a cut and in the same order; the first of each are in order.
        int next = 0;
        for (const int number : numbers) {
            if (number == next) ++next;
            EXPECT_LT(number, next) << topic;
        }
        EXPECT_EQ(messages, next) << topic;
    }
}

/// The I/O thread comes and goes with them.
TEST_P(Threads, clients_are_made_used_and_destroyed_on_several_threads) {
    std::vector<std::jthread> workers;
    for (int t = 0; t < 4; ++t) {
        workers.emplace_back([&, t] {
            for (int i = 0; i < 15; ++i) {
                Gate heard; // outlives the client, whose callback opens it
                Client client{"c" + std::to_string(t), true, settings()};
                client.loop([&](Client&, const CallbackData&) { heard.open(); });
                connect(client);
                const std::string topic = "own/" + std::to_string(t);
                client.subscribe({{topic, 2}});
                client.publish(topic, "x", i % 3);
                if (i % 2 == 0) {
                    EXPECT_TRUE(heard.wait());
                }
            }
        });
    }
}

TEST_P(Threads, disconnect_and_connect_at_once_on_several_threads) {
    ClientSettings hasty = settings();
    hasty.drain = 1s;
    Client client{"c", true, hasty};
    client.loop([](Client& c, const CallbackData&) { failure_of([&] { c.publish("echo", "x", 1); }); });
    std::vector<std::jthread> workers;
    for (int t = 0; t < 4; ++t) {
        workers.emplace_back([&, t] {
            for (int i = 0; i < 20; ++i) {
                failure_of([&] { connect(client); });
                failure_of([&] { client.subscribe({{"echo", 1}}); });
                failure_of([&] { client.publish("echo", "y", (i + t) % 3); });
                if (t == 0) client.loop();
                if (t == 1) failure_of([&] { client.reconnect(); });
                if (t == 2) client.disconnect();
            }
        });
    }
}

TEST_P(Threads, a_client_is_destroyed_by_its_callback_while_other_threads_wait_in_it) {
    for (int round = 0; round < 10; ++round) {
        script(Script{}
                   .expect(PacketType::connect)
                   .acknowledge()
                   .expect(PacketType::publish)
                   .acknowledge()
                   .expect(PacketType::publish) // its answer would make room for the next
                   .expect(PacketType::disconnect)
                   .close());
        ClientSettings narrow = settings();
        narrow.outbound.messages = 1;
        narrow.drain = 20ms;
        Gate destroyed;
        Box<std::string> ended;
        auto owner = std::make_unique<Client>("c", true, narrow);
        Client* const client = owner.get();
        connect(*client);
        client->on(PUBACK, [&](Client& c, const CallbackData&) {
            c.publish("a", "not acknowledged", 1);
            std::vector<std::jthread> threads;
            for (int i = 0; i < 3; ++i) {
                threads.emplace_back([&ended, client] {
                    const Failure failure = failure_of([&] { client->publish("a", "b", 1); });
                    ended.put(failure == Errc::closed ? "closed" : failure.message());
                });
            }
            wait_until_waiting(c, 3);
            owner.reset();
            threads.clear();
            destroyed.open();
        });
        client->publish("a", "b", 1);
        client->loop();
        ASSERT_TRUE(destroyed.wait());
        EXPECT_THAT(ended.take(3), ElementsAre("closed", "closed", "closed"));
    }
}

} // namespace
} // namespace culex::facade
