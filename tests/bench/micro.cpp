// The parts of the hot paths, each alone, with Google Benchmark: encoding, decoding, matching of topic filters, dispatch, and the
// steps of a session. For finding out what a change did; the promises are held by the gate, in instructions.
//
//     culex_bench_micro [--benchmark_filter=match]
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "base/topic_tree.hpp"
#include "client/router.hpp"
#include "session/session.hpp"
#include "wire/codec.hpp"

namespace {

using namespace culex;

constexpr std::string_view topic = "bench/messages";
const std::string payload(16, 'x');

void require(bool holds) {
    if (!holds) std::abort();
}

Publish message(QoS qos, PacketId id = 1) {
    return {.topic = topic,
            .payload = as_bytes(payload),
            .qos = qos,
            .packet_id = qos == QoS::at_most_once ? PacketId{0} : id};
}

Version version_of(const benchmark::State& state) { return state.range(0) == 5 ? Version::v5 : Version::v3_1_1; }

// --- wire

void encode_publish(benchmark::State& state) {
    Buffer out;
    const Publish packet = message(QoS::at_least_once);
    for (auto _ : state) {
        require(bool(wire::encode(out, packet, version_of(state))));
        benchmark::DoNotOptimize(out.bytes().data());
        out.clear();
    }
}
BENCHMARK(encode_publish)->ArgName("version")->Arg(3)->Arg(5);

void encode_connect(benchmark::State& state) {
    Buffer out;
    const Connect packet{.client_id = "greenhouse-1", .user_name = "lamp", .password = as_bytes("secret")};
    for (auto _ : state) {
        require(bool(wire::encode(out, packet, version_of(state))));
        out.clear();
    }
}
BENCHMARK(encode_connect)->ArgName("version")->Arg(3)->Arg(5);

/// A read of 64 KiB, full of messages.
Buffer many_messages(QoS qos, Version version, std::size_t& count) {
    Buffer bytes;
    for (count = 0; bytes.size() < 65'000; ++count)
        require(bool(wire::encode(bytes, message(qos, static_cast<PacketId>(count + 1)), version)));
    return bytes;
}

void decode_publishes(benchmark::State& state) {
    std::size_t count = 0;
    const Buffer bytes = many_messages(QoS::at_most_once, version_of(state), count);
    wire::Framer framer;
    for (auto _ : state) {
        framer.feed(bytes.bytes());
        for (auto frame = framer.next(); frame && *frame; frame = framer.next()) {
            const auto parts = wire::decode_publish(**frame, version_of(state));
            require(bool(parts));
            benchmark::DoNotOptimize(parts->payload.data());
        }
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(count));
}
BENCHMARK(decode_publishes)->ArgName("version")->Arg(3)->Arg(5);

// --- topics

/// `site/<n/100>/device/<n>/temperature`, every tenth with a wildcard.
std::string filter_of(std::size_t number) {
    const std::string site = "site/" + std::to_string(number / 100);
    const std::string device = number % 10 == 0 ? std::string("+") : std::to_string(number);
    return site + "/device/" + device + "/temperature";
}

void match_topic(benchmark::State& state) {
    TopicTree<std::size_t> tree;
    const auto filters = static_cast<std::size_t>(state.range(0));
    for (std::size_t number = 0; number < filters; ++number) tree.insert(filter_of(number), number);
    std::vector<std::string> topics;
    for (std::size_t number = 1; number <= 1000; ++number) {
        const std::size_t device = number * 7919 % filters;
        topics.push_back("site/" + std::to_string(device / 100) + "/device/" + std::to_string(device) + "/temperature");
    }
    std::size_t at = 0;
    std::size_t found = 0;
    for (auto _ : state) {
        tree.match(topics[at], [&](std::size_t) { ++found; });
        at = at + 1 == topics.size() ? 0 : at + 1;
    }
    require(found >= static_cast<std::size_t>(state.iterations()));
}
BENCHMARK(match_topic)->ArgName("filters")->Arg(1)->Arg(1000)->Arg(100'000);

// --- session

/// A session whose broker has accepted it.
class Peer {
public:
    explicit Peer(Version version) : session_({.version = version}), version_(version) {
        require(bool(session_.handle_open({.client_id = "bench"}, now)));
        flush();
        receive(Connack{});
        while (session_.poll_event()) {
        }
    }
    template <class P> void receive(const P& packet) {
        in_.clear();
        require(bool(wire::encode(in_, packet, version_)));
        session_.handle_input(in_.bytes(), now);
    }
    void flush() {
        session_.output().clear();
        session_.handle_flushed(now);
    }
    session::Session& session() noexcept { return session_; }

    const TimePoint now{std::chrono::hours(1)};

private:
    session::Session session_;
    Version version_;
    Buffer in_;
};

void session_publish_qos0(benchmark::State& state) {
    Peer peer(version_of(state));
    for (auto _ : state) {
        Publish packet = message(QoS::at_most_once);
        require(bool(peer.session().publish(packet)));
        if (peer.session().output().size() > 60'000) peer.flush();
    }
}
BENCHMARK(session_publish_qos0)->ArgName("version")->Arg(3)->Arg(5);

/// From the verb to the acknowledgement, with so many others in flight.
void session_publish_qos1(benchmark::State& state) {
    Peer peer(Version::v3_1_1);
    std::vector<PacketId> under_way;
    const auto publish = [&] {
        Publish packet = message(QoS::at_least_once);
        const auto published = peer.session().publish(packet);
        require(bool(published));
        peer.flush();
        return published->id;
    };
    for (std::int64_t i = 1; i < state.range(0); ++i) under_way.push_back(publish());
    for (auto _ : state) peer.receive(Puback{.packet_id = publish()});
    require(peer.session().outstanding() == under_way.size());
}
BENCHMARK(session_publish_qos1)->ArgName("in_flight")->Arg(1)->Arg(1000)->Arg(65'000);

void session_receive(benchmark::State& state) {
    const QoS qos = static_cast<QoS>(state.range(0));
    Peer peer(Version::v3_1_1);
    std::size_t count = 0;
    const Buffer bytes = many_messages(qos, Version::v3_1_1, count);
    for (auto _ : state) {
        peer.session().handle_input(bytes.bytes(), peer.now);
        while (auto event = peer.session().poll_event()) peer.session().acknowledge(event->delivery);
        peer.flush();
    }
    require(peer.session().unacknowledged() == 0 && peer.session().connected());
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(count));
}
BENCHMARK(session_receive)->ArgName("qos")->Arg(0)->Arg(1);

// --- dispatch: from the event to the consumer's hand, among so many streams

class Turned final : public Scheduler {
public:
    TimePoint now() const noexcept override { return TimePoint{std::chrono::hours(1)}; }

private:
    void work_arrived() noexcept override {}
    void next_timer_changed() noexcept override {}
};
struct Owner final : client::RouterOwner {
    void on_consumed() override {}
};

void dispatch(benchmark::State& state) {
    Peer peer(Version::v3_1_1);
    Turned scheduler;
    Owner owner;
    client::Router router(scheduler, peer.session(), {}, owner);
    std::vector<std::unique_ptr<client::Inbox>> others;
    for (std::size_t number = 1; number < static_cast<std::size_t>(state.range(0)); ++number) {
        const std::string filter = filter_of(number);
        const std::string_view filters[] = {filter};
        others.push_back(router.open(filters, Acknowledge::automatic));
    }
    const std::string_view filters[] = {topic};
    const auto inbox = router.open(filters, Acknowledge::automatic);

    peer.receive(message(QoS::at_most_once));
    const auto event = peer.session().poll_event();
    require(event && event->message);
    for (auto _ : state) {
        router.on_message(Message(event->message), event->delivery);
        inbox->done_with_hand();
        benchmark::DoNotOptimize(inbox->take());
    }
    require(router.messages() == 0 && router.unclaimed_count() == 0);
}
BENCHMARK(dispatch)->ArgName("streams")->Arg(1)->Arg(1000)->Arg(100'000);

} // namespace

BENCHMARK_MAIN();
