// The fake broker over real sockets: on a thread of its own, and on the test's loop.

#include <culex/testing/broker_thread.hpp>

#include <stdexcept>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/no_descriptors.hpp"
#include "wire/codec.hpp"

namespace culex::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

/// A client on a loop of its own, driven packet by packet.
class TcpClient final : private StreamHandler, private OpenHandler {
public:
    explicit TcpClient(Loop& loop) : loop_(loop) {}

    /// True once there is a connection.
    bool open(const std::string& url) {
        ended = {};
        stream_.reset();
        framer_.reset();
        opening_ = loop_.open(Endpoint::parse(url).value(), {}, *this);
        wait([this] { return stream_ || ended; });
        return stream_ != nullptr;
    }
    template <class P> void send(const P& packet) {
        Buffer bytes;
        wire::encode(bytes, packet, Version::v3_1_1).value();
        stream_->write(bytes);
    }
    void connect(std::string_view client_id) { send(Connect{.client_id = client_id, .keep_alive = 0}); }
    /// Turns the loop until there are so many lines, and takes them.
    std::vector<std::string> take(std::size_t count) {
        wait([&] { return lines_.size() >= count || ended; });
        return std::exchange(lines_, {});
    }
    void wait_for_end() {
        wait([this] { return static_cast<bool>(ended); });
    }
    /// What came and was no whole packet yet.
    [[nodiscard]] bool mid_packet() const { return framer_.mid_packet(); }

    Failure ended;

private:
    /// The handlers stop the loop whenever something has happened.
    template <class Condition> void wait(Condition condition) {
        while (!condition()) loop_.run();
    }
    void on_open(Result<std::unique_ptr<Stream>> stream) override {
        loop_.stop();
        if (stream) {
            stream_ = std::move(*stream);
            stream_->start(*this);
        } else {
            ended = std::move(stream).failure();
        }
    }
    void on_read(Bytes bytes) override {
        loop_.stop();
        framer_.feed(bytes);
        for (;;) {
            const auto frame = framer_.next();
            if (!frame || !*frame) return;
            wire::Arena arena;
            lines_.push_back(wire::describe(*wire::decode(**frame, Version::v3_1_1, arena)));
        }
    }
    void on_end(Failure why) override {
        loop_.stop();
        ended = std::move(why);
    }
    void on_drained() override {}

    Loop& loop_;
    std::unique_ptr<Opening> opening_;
    std::unique_ptr<Stream> stream_;
    wire::Framer framer_;
    std::vector<std::string> lines_;
};

const std::string connack = "CONNACK reason=0x00 (Success)";

TEST(BrokerThread, listens_when_it_is_constructed) {
    BrokerThread broker;
    EXPECT_NE(broker.port(), 0);
    EXPECT_EQ(broker.url(), "mqtt://127.0.0.1:" + std::to_string(broker.port()));
    Loop loop;
    TcpClient client{loop};
    ASSERT_TRUE(client.open(broker.url()));
    client.connect("a");
    client.send(Publish{.topic = "t", .payload = as_bytes("x"), .qos = QoS::at_least_once, .packet_id = 1});
    EXPECT_THAT(client.take(2), ElementsAre(connack, "PUBACK id=1"));
    EXPECT_EQ(broker.call([](FakeBroker& b) { return b.messages().at(0).topic; }), "t");
    EXPECT_THAT(broker.call([](FakeBroker& b) { return b.verify(); }), IsEmpty());
}

TEST(BrokerThread, takes_options) {
    BrokerThread broker{{.users = {{"ann", "secret"}}}};
    Loop loop;
    TcpClient client{loop};
    ASSERT_TRUE(client.open(broker.url()));
    client.connect("a");
    EXPECT_THAT(client.take(1), ElementsAre("CONNACK reason=0x86 (Bad User Name or Password)"));
    client.wait_for_end();
}

/// The thread has ended by then.
TEST(BrokerThread, throws_where_the_broker_cannot_be_made) {
    if (errors_need_descriptors) GTEST_SKIP() << "a sanitizer opens pipes";
    try {
        const NoDescriptors none;
        const BrokerThread broker;
        ADD_FAILURE() << "no error";
    } catch (const Error& error) {
        EXPECT_TRUE(error.failure() == std::errc::too_many_files_open) << error.what();
    }
    EXPECT_NE(BrokerThread().port(), 0);
}

TEST(BrokerThread, runs_calls_on_its_thread_and_waits_for_them) {
    BrokerThread broker;
    const auto outside = std::this_thread::get_id();
    EXPECT_NE(broker.call([](FakeBroker&) { return std::this_thread::get_id(); }), outside);
    int calls = 0;
    broker.call([&](FakeBroker&) { ++calls; });
    EXPECT_EQ(calls, 1);
    EXPECT_THROW(broker.call([](FakeBroker&) { throw std::runtime_error("out"); }), std::runtime_error);
    EXPECT_THROW(broker.call([](FakeBroker& b) { b.publish("a/#", "x"); }), Error);
    // On its own thread it does not wait for itself.
    EXPECT_EQ(broker.call([&](FakeBroker&) { return broker.call([](FakeBroker& b) { return b.accepted(); }); }), 0U);
}

TEST(BrokerThread, takes_calls_from_many_threads) {
    BrokerThread broker;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int call = 0; call < 100; ++call) {
                broker.call([](FakeBroker& b) { b.publish("t", "x"); });
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(broker.call([](FakeBroker& b) { return b.messages().size(); }), 400U);
}

TEST(BrokerThread, may_stop_listening_and_listen_again_at_its_address) {
    BrokerThread broker;
    Loop loop;
    TcpClient client{loop};
    ASSERT_TRUE(client.open(broker.url()));
    client.connect("a");
    EXPECT_THAT(client.take(1), ElementsAre(connack));
    broker.call([](FakeBroker& b) { b.shut_down(); });
    client.wait_for_end();
    EXPECT_TRUE(client.ended == Errc::end_of_stream);
    EXPECT_FALSE(client.open(broker.url()));
    EXPECT_TRUE(client.ended == std::errc::connection_refused);
    broker.call([](FakeBroker& b) { b.listen(); });
    ASSERT_TRUE(client.open(broker.url()));
    client.connect("a");
    EXPECT_THAT(client.take(1), ElementsAre(connack));
}

TEST(BrokerThread, drops_connections) {
    BrokerThread broker;
    Loop loop;
    TcpClient client{loop};
    ASSERT_TRUE(client.open(broker.url()));
    client.connect("a");
    EXPECT_THAT(client.take(1), ElementsAre(connack));
    broker.call([](FakeBroker& b) { EXPECT_TRUE(b.drop_connection("a")); });
    client.wait_for_end();
}

TEST(BrokerThread, ends_with_connections_open) {
    Loop loop;
    TcpClient client{loop};
    {
        BrokerThread broker;
        ASSERT_TRUE(client.open(broker.url()));
        client.connect("a");
        EXPECT_THAT(client.take(1), ElementsAre(connack));
    }
    client.wait_for_end();
}

TEST(BrokerThread, plays_scripts_and_faults_over_sockets) {
    BrokerThread broker;
    broker.call([](FakeBroker& b) {
        b.script(
            Script{}.expect(PacketType::connect).after(1ms).acknowledge().expect(PacketType::pingreq).acknowledge());
        b.script(Script{}.expect(PacketType::connect).acknowledge().reply(Pingresp{}));
        b.inject({.received = {.chunk_size = 1}, .sent = {.chunk_size = 1, .interval = 1ms}});
        b.inject({.sent = {.cut_after = 5}});
    });
    Loop loop;
    TcpClient slow{loop};
    ASSERT_TRUE(slow.open(broker.url()));
    slow.connect("a");
    slow.send(Pingreq{});
    EXPECT_THAT(slow.take(2), ElementsAre(connack, "PINGRESP"));
    TcpClient cut{loop};
    ASSERT_TRUE(cut.open(broker.url()));
    cut.connect("b");
    EXPECT_THAT(cut.take(2), ElementsAre(connack));
    EXPECT_TRUE(cut.ended);
    EXPECT_TRUE(cut.mid_packet());
    EXPECT_THAT(broker.call([](FakeBroker& b) { return b.verify(); }), IsEmpty());
}

TEST(FakeBrokerOnLoop, lives_on_the_loop_of_the_code_under_test) {
    Loop loop;
    FakeBroker broker{loop};
    broker.listen();
    TcpClient client{loop};
    ASSERT_TRUE(client.open(broker.url()));
    client.connect("a");
    const TopicSubscription all[]{{.filter = "#"}};
    client.send(Subscribe{.packet_id = 1, .subscriptions = all});
    EXPECT_THAT(client.take(2), ElementsAre(connack, StartsWith("SUBACK")));
    broker.publish("t", std::string(1'000'000, 'x'));
    EXPECT_THAT(client.take(1), ElementsAre("PUBLISH qos=0 topic=\"t\" 1000000 bytes"));
    EXPECT_THAT(broker.connections().at(0).peer, StartsWith("127.0.0.1:"));
}

} // namespace
} // namespace culex::testing
