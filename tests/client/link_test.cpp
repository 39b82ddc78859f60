// A link between a stream that notes what is asked of it and a session.
#include "client/link.hpp"

#include <gtest/gtest.h>

#include <culex/testing/virtual_runtime.hpp>

#include "wire/codec.hpp"

namespace culex::client {
namespace {

/// What is asked of a stream.
struct Asked {
    StreamHandler* handler = nullptr;
    int writes = 0;
    int writes_with_payload = 0;
    int quick_acks = 0;
    std::size_t backlog = 0;
    std::size_t backlog_behind_payload = 0;
};

class NotingStream final : public Stream {
public:
    explicit NotingStream(Asked& asked) noexcept : asked_(asked) {}
    void start(StreamHandler& handler) override { asked_.handler = &handler; }
    void write(Buffer& bytes) override {
        ++asked_.writes;
        bytes.clear();
    }
    void write_with(Buffer& bytes, Payload) override {
        ++asked_.writes_with_payload;
        asked_.backlog = asked_.backlog_behind_payload;
        bytes.clear();
    }
    [[nodiscard]] std::size_t backlog() const noexcept override { return asked_.backlog; }
    void set_reading(bool) override {}
    void shutdown() override {}
    void acknowledge_soon() noexcept override { ++asked_.quick_acks; }
    [[nodiscard]] std::string peer() const override { return "peer"; }

private:
    Asked& asked_;
};

class LinkTest : public ::testing::Test, private LinkOwner {
protected:
    LinkTest() {
        EXPECT_TRUE(session.handle_open(Connect{.client_id = "c"}, runtime.now()));
        link.output_arrived();
        runtime.run_until_idle();
        EXPECT_EQ(asked.writes, 1);
        receive(Connack{});
        EXPECT_EQ(asked.quick_acks, 1); // nothing followed CONNACK
    }
    template <class P> void receive(const P& packet) {
        Buffer bytes;
        ASSERT_TRUE(wire::encode(bytes, packet, Version::v3_1_1));
        asked.handler->on_read(bytes.bytes());
        runtime.run_until_idle();
    }
    void submit_large() {
        Publish large{.topic = "a", .qos = QoS::at_least_once};
        const Payload payload(std::string(100'000, 'x'));
        large.payload = payload.bytes();
        auto prepared = session.prepare(large, &payload);
        ASSERT_TRUE(prepared && session.submit(*prepared, nullptr));
    }
    void on_progress() override {
        while (auto event = session.poll_event()) {
            if (acknowledges) session.acknowledge(event->delivery);
        }
    }
    void on_flushed() override {}
    void on_link_end(Failure why) override { FAIL() << why.message(); }

    culex::testing::VirtualRuntime runtime;
    session::Session session{session::Config{}};
    Asked asked;
    bool acknowledges = true;
    Link link{runtime, session, std::make_unique<NotingStream>(asked), static_cast<LinkOwner&>(*this)};
};

const Publish message{.topic = "a", .payload = as_bytes("x"), .qos = QoS::at_least_once, .packet_id = 7};

TEST_F(LinkTest, asks_for_a_quick_ack_where_nothing_is_written_upon_a_read) {
    receive(Publish{.topic = "a", .payload = as_bytes("x")});
    EXPECT_EQ(asked.quick_acks, 2);
    acknowledges = false;
    receive(message);
    EXPECT_EQ(asked.quick_acks, 3);
    EXPECT_EQ(asked.writes, 1);
}

TEST_F(LinkTest, asks_for_none_where_the_answer_carries_it) {
    receive(message); // PUBACK follows in the same turn
    EXPECT_EQ(asked.writes, 2);
    EXPECT_EQ(asked.quick_acks, 1);
}

TEST_F(LinkTest, asks_for_none_where_a_backlog_is_on_its_way) {
    asked.backlog = 1;
    receive(message);
    EXPECT_EQ(asked.writes, 1);
    EXPECT_EQ(asked.quick_acks, 1);
}

TEST_F(LinkTest, writes_nothing_over_the_rest_of_a_large_payload) {
    submit_large();
    receive(message); // PUBACK stands behind it
    EXPECT_EQ(asked.writes_with_payload, 1);
    EXPECT_EQ(asked.writes, 2);
    asked.backlog_behind_payload = 1;
    submit_large();
    receive(Publish{.topic = "a", .payload = as_bytes("x"), .qos = QoS::at_least_once, .packet_id = 8});
    EXPECT_EQ(asked.writes_with_payload, 2);
    EXPECT_EQ(asked.writes, 2);
    EXPECT_GT(session.output_size(), 0u);
    asked.backlog = 0;
    asked.handler->on_drained();
    EXPECT_EQ(asked.writes, 3);
    EXPECT_EQ(session.output_size(), 0u);
}

TEST_F(LinkTest, hands_a_large_payload_to_the_stream_apart) {
    submit_large();
    asked.backlog = 1;
    link.output_arrived();
    runtime.run_until_idle();
    EXPECT_EQ(asked.writes_with_payload, 0); // the session keeps it meanwhile
    asked.backlog = 0;
    asked.handler->on_drained();
    EXPECT_EQ(asked.writes_with_payload, 1);
    EXPECT_EQ(session.output_size(), 0u);
}

} // namespace
} // namespace culex::client
