// Faults: between two ends of a pipe, and in a fake broker.

#include <culex/testing/faulty_stream.hpp>

#include "testing/broker_fixture.hpp"

namespace culex::testing {
namespace {

using namespace std::chrono_literals;

/// Notes what it hears: pieces with the time, `"0:ab 2:c"`, in seconds.
class Ear final : public StreamHandler {
public:
    explicit Ear(VirtualRuntime& runtime) : runtime_(runtime), start_(runtime.now()) {}

    std::string heard;
    std::optional<Failure> end;
    int drained = 0;
    std::unique_ptr<Stream>* destroy = nullptr;

    void on_read(Bytes bytes) override {
        if (!heard.empty()) heard += ' ';
        heard += std::to_string((runtime_.now() - start_) / 1s) + ':' + std::string(as_text(bytes));
        if (destroy) destroy->reset();
    }
    void on_end(Failure why) override {
        end = std::move(why);
        if (destroy) destroy->reset();
    }
    void on_drained() override { ++drained; }

private:
    VirtualRuntime& runtime_;
    TimePoint start_;
};

/// A pipe with a faulty stream around one end, `near`.
class FaultyStreamTest : public ::testing::Test {
protected:
    void join(const Faults& faults, const PipeOptions& options = {}) {
        auto [one, other] = make_pipe(runtime, options);
        auto faulty = std::make_unique<FaultyStream>(runtime, std::move(one), faults);
        control = faulty.get();
        near = std::move(faulty);
        far = std::move(other);
        near->start(near_ear);
        far->start(far_ear);
    }
    void write(const std::unique_ptr<Stream>& stream, std::string_view text) {
        Buffer bytes;
        bytes.append(as_bytes(text));
        stream->write(bytes);
        EXPECT_TRUE(bytes.empty());
    }
    void send(std::string_view text) {
        write(near, text);
        runtime.run_until_idle();
    }
    void receive(std::string_view text) {
        write(far, text);
        runtime.run_until_idle();
    }

    VirtualRuntime runtime;
    std::unique_ptr<Stream> near;
    std::unique_ptr<Stream> far;
    FaultyStream* control = nullptr;
    Ear near_ear{runtime};
    Ear far_ear{runtime};
};

TEST_F(FaultyStreamTest, without_faults_is_the_stream_inside) {
    join({});
    send("abc");
    receive("def");
    EXPECT_EQ(far_ear.heard, "0:abc");
    EXPECT_EQ(near_ear.heard, "0:def");
    EXPECT_EQ(near->peer(), "pipe");
    near->shutdown();
    runtime.run_until_idle();
    far.reset();
    runtime.run_until_idle();
    ASSERT_TRUE(far_ear.end && near_ear.end);
    EXPECT_TRUE(*far_ear.end == Errc::end_of_stream);
    EXPECT_TRUE(*near_ear.end == Errc::end_of_stream);
}

TEST_F(FaultyStreamTest, passes_on_the_hint_to_acknowledge_soon) {
    struct Counting final : Stream {
        explicit Counting(int& asked_) noexcept : asked(asked_) {}
        void start(StreamHandler&) override {}
        void write(Buffer& bytes) override { bytes.clear(); }
        std::size_t backlog() const noexcept override { return 0; }
        void set_reading(bool) override {}
        void shutdown() override {}
        void acknowledge_soon() noexcept override { ++asked; }
        std::string peer() const override { return "nobody"; }
        int& asked;
    };
    int asked = 0;
    FaultyStream stream(runtime, std::make_unique<Counting>(asked), {.sent = {.cut_after = 3}});
    stream.start(near_ear);
    stream.acknowledge_soon();
    EXPECT_EQ(asked, 1);
    Buffer bytes;
    bytes.append(as_bytes("abcd"));
    stream.write(bytes);
    runtime.run_until_idle();
    stream.acknowledge_soon(); // there is nobody any more
    EXPECT_EQ(asked, 1);
}

TEST_F(FaultyStreamTest, cuts_after_so_many_bytes_sent) {
    join({.sent = {.cut_after = 5}});
    send("abc");
    EXPECT_FALSE(far_ear.end);
    send("def");
    EXPECT_EQ(far_ear.heard, "0:abc 0:de");
    EXPECT_TRUE(far_ear.end);
    EXPECT_TRUE(*near_ear.end == std::errc::connection_reset);
    send("more"); // is lost, like everything written to a connection that has ended
    receive("more");
    EXPECT_EQ(near_ear.heard, "");
}

TEST_F(FaultyStreamTest, cuts_after_so_many_bytes_received) {
    join({.received = {.cut_after = 3}});
    near_ear.destroy = nullptr;
    receive("abcdef");
    EXPECT_EQ(near_ear.heard, "0:abc");
    EXPECT_TRUE(*near_ear.end == std::errc::connection_reset);
    EXPECT_TRUE(far_ear.end);
}

TEST_F(FaultyStreamTest, cuts_before_the_first_byte) {
    join({.received = {.cut_after = 0}});
    receive("a");
    EXPECT_EQ(near_ear.heard, "");
    EXPECT_TRUE(near_ear.end);
    join({.sent = {.cut_after = 0}});
    far_ear.heard.clear();
    send("a");
    EXPECT_EQ(far_ear.heard, "");
    EXPECT_TRUE(far_ear.end);
}

TEST_F(FaultyStreamTest, cuts_when_the_bytes_before_have_left) {
    join({.sent = {.cut_after = 8}}, {.capacity = 3});
    far->set_reading(false);
    send("abcdefghij");
    EXPECT_FALSE(near_ear.end); // the peer could not have them otherwise
    far->set_reading(true);
    runtime.run_until_idle();
    EXPECT_EQ(far_ear.heard, "0:abc 0:def 0:gh");
    EXPECT_TRUE(near_ear.end);
}

TEST_F(FaultyStreamTest, splits_into_pieces) {
    join({.received = {.chunk_size = 2}, .sent = {.chunk_size = 3}});
    send("abcdefgh");
    EXPECT_EQ(far_ear.heard, "0:abc 0:def 0:gh");
    receive("abcde");
    EXPECT_EQ(near_ear.heard, "0:ab 0:cd 0:e");
    EXPECT_EQ(near_ear.drained, 1);
}

TEST_F(FaultyStreamTest, trickles) {
    join({.received = {.chunk_size = 1, .interval = 2s}, .sent = {.interval = 1s}});
    receive("abc");
    send("x");
    send("y");
    runtime.advance(10s);
    EXPECT_EQ(near_ear.heard, "0:a 2:b 4:c");
    EXPECT_EQ(far_ear.heard, "0:x 1:y");
}

TEST_F(FaultyStreamTest, delays_each_delivery) {
    join({.received = {.delay = 3s}, .sent = {.delay = 2s}});
    send("a");
    receive("x");
    runtime.advance(1s);
    send("b");
    receive("y");
    EXPECT_EQ(near->backlog(), 2U);
    far.reset();
    runtime.advance(10s);
    EXPECT_EQ(near_ear.heard, "3:x 4:y");
    EXPECT_TRUE(near_ear.end);
    EXPECT_EQ(far_ear.heard, "");
}

TEST_F(FaultyStreamTest, delivers_late_what_was_sent) {
    join({.sent = {.delay = 2s}});
    send("a");
    runtime.advance(1s);
    send("b");
    near->shutdown();
    runtime.advance(10s);
    EXPECT_EQ(far_ear.heard, "2:a 3:b");
    EXPECT_TRUE(far_ear.end);
    EXPECT_EQ(near_ear.drained, 1);
}

TEST_F(FaultyStreamTest, stalls_until_it_is_released) {
    join({.received = {.stall_after = 2}, .sent = {.stall_after = 1}}, {.capacity = 10});
    send("abc");
    receive("defghijklmnopqrstuvwxyz");
    EXPECT_EQ(far_ear.heard, "0:a");
    EXPECT_EQ(near->backlog(), 2U);
    EXPECT_EQ(near_ear.heard, "0:de");
    EXPECT_GT(far->backlog(), 0U); // the peer is held back
    EXPECT_EQ(near_ear.drained, 0);
    control->release();
    runtime.run_until_idle();
    EXPECT_EQ(far_ear.heard, "0:a 0:bc");
    EXPECT_EQ(near_ear.drained, 1);
    EXPECT_EQ(far->backlog(), 0U);
    EXPECT_EQ(near_ear.heard.size(), std::string("0:de 0:fghijklm 0:nopqrstuvw 0:xyz").size());
}

TEST_F(FaultyStreamTest, tells_no_end_while_it_stalls) {
    join({.received = {.stall_after = 2}});
    receive("abc");
    far.reset();
    runtime.run_until_idle();
    EXPECT_FALSE(near_ear.end);
    control->release();
    runtime.run_until_idle();
    EXPECT_EQ(near_ear.heard, "0:ab 0:c");
    EXPECT_TRUE(near_ear.end);
}

TEST_F(FaultyStreamTest, corrupts_single_bytes) {
    join({.received = {.corrupt = {{.at = 1, .mask = 0x20}}},
          .sent = {.corrupt = {{.at = 3, .mask = 0x01}, {.at = 0, .mask = 0x20}}}});
    send("ab");
    send("bbcc");
    receive("abc");
    EXPECT_EQ(far_ear.heard, "0:Ab 0:bccc");
    EXPECT_EQ(near_ear.heard, "0:aBc");
}

TEST_F(FaultyStreamTest, keeps_to_its_owners_pauses) {
    join({.received = {.chunk_size = 1}});
    near->set_reading(false);
    receive("ab");
    EXPECT_EQ(near_ear.heard, "");
    near->set_reading(true);
    runtime.run_until_idle();
    EXPECT_EQ(near_ear.heard, "0:a 0:b");
}

TEST_F(FaultyStreamTest, holds_the_peer_back_rather_than_everything_in_memory) {
    join({.received = {.chunk_size = 1000, .interval = 1s}}, {.capacity = 1000});
    write(far, std::string(1'000'000, 'x'));
    runtime.advance(10s);
    EXPECT_GT(far->backlog(), 700'000U);
    EXPECT_LT(far->backlog(), 750'000U);
}

TEST_F(FaultyStreamTest, may_be_destroyed_by_its_owner_at_any_call) {
    for (const Faults& faults :
         {Faults{}, Faults{.received = {.chunk_size = 1}}, Faults{.received = {.cut_after = 1}}}) {
        join(faults);
        near_ear.destroy = &near;
        receive("abc");
        EXPECT_FALSE(near);
        join(faults);
        far.reset();
        runtime.run_until_idle();
        EXPECT_FALSE(near);
    }
}

// --- packets, and the broker

using BrokerFaults = BrokerFixture;
INSTANTIATE_TEST_SUITE_P(Versions, BrokerFaults, ::testing::Values(Version::v3_1_1, Version::v5), version_name);

TEST_P(BrokerFaults, loses_a_packet_of_a_type) {
    broker.inject({.received = {.packets = {{.type = PacketType::publish, .nth = 2}}},
                   .sent = {.packets = {{.type = PacketType::puback}}}});
    auto a = connected("a");
    for (PacketId id = 1; id <= 3; ++id) a->publish("t", std::to_string(id), QoS::at_least_once, id);
    EXPECT_THAT(a->take(), ElementsAre(StartsWith("PUBACK id=3"))); // the first answer was lost, and the second message
    EXPECT_THAT(broker.messages(), SizeIs(2));
}

TEST_P(BrokerFaults, loses_every_packet_that_meets_a_condition) {
    const auto is_dup = PacketCondition::of<Publish>([](const Publish& publish) { return publish.topic == "lost"; });
    broker.inject({.received = {.packets = {{.condition = is_dup, .nth = 0}}}});
    auto a = connected("a");
    for (const char* topic : {"lost", "kept", "lost"}) a->publish(topic, "x");
    EXPECT_THAT(broker.messages(), SizeIs(1));
}

TEST_P(BrokerFaults, repeats_a_packet) {
    broker.inject({.received = {.packets = {{.kind = PacketFault::Kind::duplicate, .type = PacketType::publish}}},
                   .sent = {.packets = {{.kind = PacketFault::Kind::duplicate, .type = PacketType::connack}}}});
    auto a = opened();
    a->connect("a");
    EXPECT_THAT(a->take(), ElementsAre(connack, connack));
    a->publish("t", "x");
    EXPECT_THAT(broker.messages(), SizeIs(2));
}

TEST_P(BrokerFaults, lets_what_is_no_mqtt_pass) {
    broker.inject({.sent = {.packets = {{.type = PacketType::pingresp}}}});
    broker.script(Script{}.reply_bytes("D0 00 20 FF FF FF FF D0 00").close());
    RawClient a{runtime, broker, GetParam()};
    EXPECT_THAT(a.take(), ElementsAre(StartsWith("garbage")));
    EXPECT_THAT(broker.verify(), IsEmpty());
}

TEST_P(BrokerFaults, hold_for_the_next_connection_or_for_all) {
    broker.inject({.sent = {.cut_after = 1}});
    auto first = opened();
    first->connect("a");
    EXPECT_TRUE(first->ended());
    EXPECT_TRUE(connected("b")->is_open());
    broker.options().faults.sent.cut_after = 1;
    for (int i = 0; i < 2; ++i) {
        auto later = opened();
        later->connect("c");
        EXPECT_TRUE(later->ended());
    }
}

TEST_P(BrokerFaults, cut_a_connection_and_keep_the_session) {
    const std::size_t connect_size = GetParam() == Version::v5 ? 21 : 15; // and two bytes of PUBLISH
    broker.inject({.received = {.cut_after = connect_size + 2}});
    auto a = resumed("a", false);
    a->publish("t", "x", QoS::at_least_once, 1);
    EXPECT_TRUE(a->ended());
    EXPECT_THAT(broker.messages(), IsEmpty());
    EXPECT_THAT(broker.complaints(), ElementsAre(HasSubstr("inside a packet")));
    EXPECT_TRUE(resumed("a", true)->is_open());
}

TEST_P(BrokerFaults, stall_both_ways_until_released) {
    broker.inject({.received = {.stall_after = 0}});
    broker.inject({.sent = {.stall_after = 0}});
    auto a = opened();
    a->connect("a");
    auto b = opened();
    b->connect("b");
    EXPECT_THAT(a->take(), IsEmpty());
    EXPECT_THAT(b->take(), IsEmpty());
    EXPECT_THAT(broker.sessions(), SizeIs(1));
    broker.release_stalls();
    EXPECT_THAT(a->take(), ElementsAre(connack));
    EXPECT_THAT(b->take(), ElementsAre(connack));
}

TEST_P(BrokerFaults, corrupt_what_is_sent) {
    broker.inject({.sent = {.corrupt = {{.at = 0, .mask = 0x01}}}});
    auto a = opened();
    a->connect("a");
    EXPECT_THAT(a->take(), ElementsAre(HasSubstr("malformed")));
}

TEST_P(BrokerFaults, split_and_delay_with_a_script) {
    broker.inject({.received = {.chunk_size = 1}, .sent = {.delay = 1s, .chunk_size = 1}});
    broker.script(Script{}.expect(PacketType::connect).acknowledge().close());
    auto a = opened();
    a->connect("a");
    EXPECT_THAT(a->take(), IsEmpty());
    runtime.advance(1s);
    EXPECT_THAT(a->take(), ElementsAre(connack));
    EXPECT_TRUE(a->ended());
    EXPECT_THAT(broker.verify(), IsEmpty());
}

} // namespace
} // namespace culex::testing
