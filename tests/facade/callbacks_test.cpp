// Rule 6: on which thread callbacks run, and what they may do there.
#include <algorithm>
#include <atomic>

#include "facade/facade_test.hpp"

namespace culex::facade {
namespace {

class Callbacks : public FacadeTest {
protected:
    /// A client whose loop runs, subscribed to "a" at QoS 1, where `callback` gets the messages.
    std::unique_ptr<Client> listening(Callback callback, const ClientSettings& settings, ConnectSettings hooks = {}) {
        auto client = std::make_unique<Client>("c", true, settings);
        connect(*client, std::move(hooks));
        connected.take();
        client->loop(std::move(callback));
        subscribe(*client, "a", 1);
        return client;
    }
    void publish_to_it(std::string payload) {
        publish("a", payload, QoS::at_least_once);
        published.take();
    }

    const std::thread::id main_thread = std::this_thread::get_id();
};
CULEX_BOTH_VERSIONS(Callbacks);

TEST_P(Callbacks, rule_06_run_on_the_thread_of_loop_one_at_a_time_in_order) {
    Box<std::thread::id> threads;
    std::atomic<int> inside = 0;
    std::atomic<int> next = 0;
    const auto client = listening(
        [&](Client&, const CallbackData& data) {
            EXPECT_EQ(0, inside++);
            EXPECT_EQ(std::to_string(next++), data.message->text());
            --inside;
            threads.put(std::this_thread::get_id());
        },
        settings());
    for (int i = 0; i < 100; ++i) publish("a", std::to_string(i), QoS::at_least_once);
    const auto ids = threads.take(100);
    EXPECT_THAT(ids, ::testing::Each(ids[0]));
    EXPECT_NE(std::this_thread::get_id(), ids[0]);
}

TEST_P(Callbacks, rule_06_loop_called_twice_starts_one_thread) {
    Box<std::thread::id> threads;
    const auto client =
        listening([&](Client&, const CallbackData&) { threads.put(std::this_thread::get_id()); }, settings());
    client->loop();
    client->loop();
    for (int i = 0; i < 20; ++i) publish_to_it("x");
    const auto ids = threads.take(20);
    EXPECT_THAT(ids, ::testing::Each(ids[0]));
}

TEST_P(Callbacks, rule_06_a_callback_that_takes_its_time_holds_up_no_ack_of_others) {
    Gate entered, leave;
    ClientSettings narrow = settings();
    narrow.outbound.messages = 1; // so that each publish needs the ack of the one before
    const auto client = listening(
        [&](Client&, const CallbackData&) {
            entered.open();
            EXPECT_TRUE(leave.wait());
        },
        narrow);
    publish_to_it("x");
    EXPECT_TRUE(entered.wait());
    for (int i = 0; i < 5; ++i) client->publish("b", std::to_string(i), 1 + i % 2);
    EXPECT_THAT(published_payloads(5), ElementsAre("0", "1", "2", "3", "4"));
    leave.open();
}

TEST_P(Callbacks, rule_06_a_message_is_acknowledged_when_its_callback_has_returned) {
    Gate entered, leave, acknowledged;
    script(Script{}
               .expect(PacketType::connect)
               .acknowledge()
               .reply(Publish{.topic = "a", .payload = as_bytes("x"), .qos = QoS::at_least_once, .packet_id = 7})
               .expect(PacketType::publish) // and nothing before it
               .acknowledge()
               .run([&] { leave.open(); })
               .expect<Puback>([](const Puback& packet) { return packet.packet_id == 7; })
               .run([&] { acknowledged.open(); })
               .pass_to_broker());
    Client client{"c", true, settings()};
    client.loop([&](Client&, const CallbackData&) {
        entered.open();
        EXPECT_TRUE(leave.wait());
    });
    connect(client);
    EXPECT_TRUE(entered.wait());
    client.publish("b", "y", 1);
    EXPECT_TRUE(acknowledged.wait()); // before DISCONNECT, which does not wait for callbacks
    client.disconnect();
}

TEST_P(Callbacks, rule_06_a_callback_that_takes_its_time_holds_up_no_keep_alive) {
    Gate entered, leave, pinged_twice;
    script(Script{}
               .expect(PacketType::connect)
               .acknowledge()
               .reply(Publish{.topic = "a", .payload = as_bytes("x")})
               .expect(PacketType::pingreq)
               .acknowledge()
               .expect(PacketType::pingreq)
               .run([&] { pinged_twice.open(); })
               .acknowledge()
               .pass_to_broker());
    Client client{"c", true, settings()};
    client.loop([&](Client&, const CallbackData&) {
        entered.open();
        EXPECT_TRUE(leave.wait());
    });
    client.connect("127.0.0.1", 1, broker.port());
    EXPECT_TRUE(entered.wait());
    EXPECT_TRUE(pinged_twice.wait());
    leave.open();
}

TEST_P(Callbacks, rule_06_a_callback_that_takes_its_time_holds_up_no_reconnection) {
    Gate entered, leave;
    const auto client = listening(
        [&](Client&, const CallbackData&) {
            entered.open();
            EXPECT_TRUE(leave.wait());
        },
        settings());
    publish_to_it("x");
    EXPECT_TRUE(entered.wait());
    drop_connections();
    EXPECT_EQ("c", connected.take());
    leave.open();
}

TEST_P(Callbacks, rule_06_every_method_is_legal_in_a_callback) {
    Box<std::string> said;
    const auto client = listening(
        [&](Client& c, const CallbackData& data) {
            if (data.message->text() != "go") return;
            const std::string fault = fault_of([&] {
                c.publish("b", "0");
                EXPECT_NE(0, c.publish("b", "1", 1));
                EXPECT_NE(0, c.publish("b", "2", 2));
                EXPECT_NE(0, c.subscribe({{"x", 1}}));
                EXPECT_NE(0, c.unsubscribe({"x"}));
                c.on(PUBACK, [](Client&, const CallbackData&) {});
                c.set_username_pw("user", "secret");
                c.loop();
                c.reconnect();
                EXPECT_EQ(0u, c.disconnect());
                connect(c);
                c.reconnect();
                c.publish("b", "3", 2);
                c.set_will("b", "gone");
                c.loop(); // disconnect has ended it
            });
            said.put(fault);
        },
        settings());
    publish_to_it("go");
    EXPECT_EQ("", said.take());
    std::vector<std::string> payloads; // without what the reconnections have made to be sent again
    do {
        const std::string payload = published.take().payload;
        if (std::ranges::count(payloads, payload) == 0) payloads.push_back(payload);
    } while (payloads.back() != "3" && !HasFailure());
    EXPECT_THAT(payloads, ElementsAre("0", "1", "2", "3"));
    subscribed.take();
    subscribe(*client, "a", 1); // the loop goes on
}

TEST_P(Callbacks, rule_06_a_publish_in_a_callback_may_wait_for_room) {
    ClientSettings narrow = settings();
    narrow.outbound.messages = 1;
    const auto client = listening(
        [&](Client& c, const CallbackData&) {
            for (int i = 0; i < 10; ++i) c.publish("b", std::to_string(i), 1 + i % 2);
        },
        narrow);
    publish_to_it("x");
    EXPECT_EQ(10u, published_payloads(10).size());
}

/// The worst of all: the callback waits for room, that for a connection, and that for a hook on the callback's own thread.
TEST_P(Callbacks, rule_06_a_publish_that_waits_for_a_reconnection_lets_its_hooks_run) {
    ClientSettings narrow = settings();
    narrow.outbound.messages = 1;
    std::atomic<int> before = 0;
    Gate finished;
    const auto client = listening(
        [&](Client& c, const CallbackData&) {
            drop_connections();
            for (int i = 0; i < 10; ++i) c.publish("b", std::to_string(i), 1);
            finished.open();
        },
        narrow, {.before_reconnect = [&](Client&) { ++before; }});
    publish_to_it("x");
    EXPECT_TRUE(finished.wait());
    EXPECT_GE(before, 1);
}

TEST_P(Callbacks, rule_06_where_no_loop_runs_hooks_run_on_a_thread_that_waits) {
    ClientSettings narrow = settings();
    narrow.outbound.messages = 1;
    std::atomic<int> before = 0;
    Client client{"c", true, narrow};
    connect(client, {.before_reconnect = [&](Client&) {
                EXPECT_EQ(std::this_thread::get_id(), main_thread);
                ++before;
            }});
    drop_connections();
    for (int i = 0; i < 10; ++i) client.publish("b", std::to_string(i), 1);
    EXPECT_GE(before, 1);
}

TEST_P(Callbacks, rule_06_hooks_run_on_the_thread_of_loop_or_on_that_which_waits_in_connect) {
    Box<std::pair<std::string, std::thread::id>> ran;
    Box<std::thread::id> loop_thread;
    Client client{"c", true, settings()};
    client.loop([&](Client&, const CallbackData&) { loop_thread.put(std::this_thread::get_id()); });
    const auto hook = [&](const char* name) {
        return [&ran, name](Client&) { ran.put({name, std::this_thread::get_id()}); };
    };
    const auto here = std::this_thread::get_id();
    connect(client, {.before_reconnect = hook("before"), .after_connect = hook("after")});
    EXPECT_EQ(std::pair(std::string("after"), here), ran.take());
    client.reconnect();
    EXPECT_EQ(std::pair(std::string("before"), here), ran.take());
    EXPECT_EQ(std::pair(std::string("after"), here), ran.take());
    subscribe(client, "a", 1);
    publish("a", "x");
    const auto loop = loop_thread.take();
    drop_connections();
    EXPECT_EQ(std::pair(std::string("before"), loop), ran.take());
    EXPECT_EQ(std::pair(std::string("after"), loop), ran.take());
}

TEST_P(Callbacks, rule_06_every_method_is_legal_in_hooks) {
    Box<std::string> said;
    std::atomic<int> rounds = 0;
    Client client{"c", true, settings()};
    client.loop();
    const auto after = [&](Client& c) {
        const int round = rounds++;
        said.put("after " + std::to_string(round) + fault_of([&] {
                     c.publish("b", "from after_connect", 2);
                     c.subscribe({{"x", 1}});
                     if (round == 0) c.reconnect();
                 }));
    };
    const auto before = [&](Client& c) {
        said.put("before" + fault_of([&] {
                     c.publish("b", "from before_reconnect");
                     c.set_username_pw("another", "secret");
                 }));
    };
    connect(client, {.before_reconnect = before, .after_connect = after});
    EXPECT_THAT(said.take(3), ElementsAre("before", "after 1", "after 0"));
}

TEST_P(Callbacks, rule_06_reconnect_is_legal_in_before_reconnect) {
    Box<std::string> said;
    Client client{"c", true, slow_settings()};
    client.loop();
    connect(client, {.before_reconnect = [&](Client& c) { said.put("reconnect: " + fault_of([&] { c.reconnect(); })); },
                     .after_connect = [&](Client&) { said.put("connected"); }});
    EXPECT_EQ("connected", said.take());
    client.reconnect();
    EXPECT_THAT(said.take(2), ::testing::UnorderedElementsAre("connected", "reconnect: "));
}

TEST_P(Callbacks, rule_06_a_publish_in_before_reconnect_may_wait_for_room) {
    ClientSettings narrow = settings();
    narrow.outbound.messages = 1;
    Box<std::string> said;
    Client client{"c", true, narrow};
    client.loop();
    connect(client, {.before_reconnect = [&](Client& c) {
                said.put("published: " + fault_of([&] {
                             for (int i = 0; i < 10; ++i) c.publish("b", "x", i % 3);
                         }));
            }});
    drop_connections();
    EXPECT_EQ("published: ", said.take());
}

TEST_P(Callbacks, rule_06_after_connect_may_wait_for_a_callback_while_the_connection_is_lost) {
    Gate granted;
    std::atomic<bool> first = true;
    std::atomic<int> before = 0;
    Client client{"c", true, settings()};
    client.on(SUBACK, [&](Client&, const CallbackData&) { granted.open(); });
    client.loop();
    script(Script{}.expect(PacketType::connect).acknowledge().expect(PacketType::subscribe).drop());
    connect(client, {.before_reconnect = [&](Client&) { ++before; },
                     .after_connect =
                         [&](Client& c) {
                             if (!first.exchange(false)) return;
                             c.subscribe({{"a", 1}});
                             EXPECT_TRUE(granted.wait());
                         }});
    EXPECT_EQ(1, before);
}

TEST_P(Callbacks, rule_06_connect_and_disconnect_are_legal_in_before_reconnect) {
    Box<std::string> said;
    Client client{"c", true, settings()};
    client.loop();
    connect(client, {.before_reconnect = [&](Client& c) {
                said.put("connect: " + fault_of([&] {
                             connect(c);
                             c.disconnect();
                             connect(c);
                         }));
            }});
    drop_connections();
    EXPECT_EQ("connect: ", said.take());
}

TEST_P(Callbacks, rule_06_a_callback_that_throws_is_logged_and_the_loop_goes_on) {
    LogCapture log;
    Box<std::string> said;
    const auto client = listening(
        [&](Client&, const CallbackData& data) {
            said.put(std::string(data.message->text()));
            if (data.message->text() == "number") throw 42;
            throw std::runtime_error("what went wrong");
        },
        settings());
    publish_to_it("error");
    publish_to_it("number");
    publish_to_it("next");
    EXPECT_THAT(said.take(3), ElementsAre("error", "number", "next"));
    EXPECT_THAT(log.lines.take(), ::testing::AllOf(HasSubstr("PUBLISH"), HasSubstr("what went wrong")));
    EXPECT_THAT(log.lines.take(), HasSubstr("PUBLISH"));
}

TEST_P(Callbacks, rule_06_a_hook_that_throws_is_logged_and_the_client_goes_on) {
    LogCapture log;
    Client client{"c", true, settings()};
    connect(client, {.after_connect = [&](Client&) { throw std::runtime_error("oh"); }});
    EXPECT_THAT(log.lines.take(), ::testing::AllOf(HasSubstr("after_connect"), HasSubstr("oh")));
    client.publish("b", "goes on", 1);
    EXPECT_EQ("goes on", published.take().payload);
}

TEST_P(Callbacks, rule_06_on_is_legal_in_a_callback_and_counts_from_the_next_packet_on) {
    Box<std::string> said;
    const auto client = listening(
        [&](Client& c, const CallbackData&) {
            said.put("first");
            c.on(
                PUBLISH, [&](Client&, const CallbackData&) { said.put("second"); },
                [](const CallbackData&) { return true; });
        },
        settings());
    publish_to_it("x");
    publish_to_it("x");
    EXPECT_THAT(said.take(2), ElementsAre("first", "second"));
}

TEST_P(Callbacks, rule_06_a_callback_may_ask_for_the_answer_to_what_it_has_just_sent) {
    Gate acknowledged;
    const auto client = listening(
        [&](Client& c, const CallbackData&) {
            const PacketId mid = c.publish("b", "x", 1);
            EXPECT_EQ("x", published.take().payload); // the broker has it, and has answered
            c.on(
                PUBACK, [&](Client&, const CallbackData&) { acknowledged.open(); },
                [mid](const CallbackData& data) { return data.mid == mid; });
        },
        settings());
    publish_to_it("x");
    EXPECT_TRUE(acknowledged.wait());
}

TEST_P(Callbacks, rule_06_a_client_destroyed_in_its_own_callback_ends_cleanly) {
    Gate destroyed;
    std::atomic<int> called = 0;
    std::unique_ptr<Client> client;
    const auto token = std::make_shared<Gate>();
    struct OnEnd { // of the callback itself, which goes when it has returned
        std::shared_ptr<Gate> gate;
        explicit OnEnd(std::shared_ptr<Gate> g) : gate(std::move(g)) {}
        OnEnd(OnEnd&&) noexcept = default;
        ~OnEnd() {
            if (gate) gate->open();
        }
    };
    client = listening(
        [&, on_end = OnEnd(token)](Client& c, const CallbackData&) {
            ++called;
            c.publish("b", "the last word", 1);
            client.reset();
            destroyed.open();
        },
        settings());
    for (int i = 0; i < 3; ++i) publish("a", "x", QoS::at_least_once);
    EXPECT_TRUE(destroyed.wait());
    EXPECT_TRUE(token->wait());
    EXPECT_EQ(1, called);
    EXPECT_EQ(1u, received(PacketType::disconnect));
    EXPECT_THAT(published_payloads(4), ::testing::Contains("the last word"));
}

TEST_P(Callbacks, rule_06_a_client_destroyed_in_a_condition_or_a_hook_ends_cleanly) {
    Gate destroyed;
    std::unique_ptr<Client> client = listening([](Client&, const CallbackData&) {}, settings());
    client->on(
        PUBLISH, [&](Client&, const CallbackData&) { ADD_FAILURE() << "called"; },
        [&](const CallbackData&) {
            client.reset();
            destroyed.open();
            return true;
        });
    publish_to_it("x");
    EXPECT_TRUE(destroyed.wait());

    client = std::make_unique<Client>("d", true, settings());
    connect(*client, {.after_connect = [&](Client&) { client.reset(); }});
    EXPECT_FALSE(client);
    EXPECT_EQ(2u, received(PacketType::disconnect));
}

TEST_P(Callbacks, rule_06_callbacks_of_one_client_may_use_and_destroy_another) {
    auto other = std::make_unique<Client>("other", true, settings());
    connect(*other);
    connected.take();
    Gate destroyed;
    const auto client = listening(
        [&](Client&, const CallbackData&) {
            other->publish("b", "from the other", 2);
            other.reset();
            destroyed.open();
        },
        settings());
    publish_to_it("x");
    EXPECT_TRUE(destroyed.wait());
    EXPECT_EQ("from the other", published.take().payload);
}

/// A log hook is the only code of the user's that may find itself on the I/O thread.
TEST_P(Callbacks, rule_06_in_a_log_hook_calls_that_would_wait_for_their_own_thread_throw) {
    static Client* logged_client;
    static Box<std::string>* logged;
    Box<std::string> said;
    Client client{"c", true, settings()};
    connect(client);
    logged_client = &client;
    logged = &said;
    set_log_hook(
        [](void*, LogLevel, std::string_view) {
            logged->put(fault_of([] { logged_client->publish("b", "0"); }));
            const Failure failure = failure_of([] { logged_client->reconnect(); });
            logged->put(failure == Errc::not_supported ? "refused" : failure.message());
        },
        nullptr, LogLevel::info);
    drop_connections();
    EXPECT_THAT(said.take(2), ElementsAre("", "refused"));
    set_log_hook(nullptr);
}

} // namespace
} // namespace culex::facade
