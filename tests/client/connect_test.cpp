// Connecting: what it takes, what can go wrong, and that a client that failed can be asked again.
#include "client/client_test.hpp"

namespace culex {
namespace {

using ::testing::HasSubstr;

class Connecting : public ClientTest {};
CULEX_FOR_BOTH_VERSIONS(Connecting);

Task<ConnectResult> connect(AsyncClient& client, std::string url) { co_return co_await client.connect(url); }

Task<> connect_with_retry(AsyncClient& client) { co_await client.connect("mqtt://broker", {.retry = true}); }

TEST_P(Connecting, is_done_with_connack) {
    AsyncClient client(runtime, options());
    EXPECT_EQ(client.state(), ConnectionState::idle);
    const ConnectResult result = run(connect(client, "mqtt://broker"));
    EXPECT_FALSE(result.session_present);
    EXPECT_EQ(client.state(), ConnectionState::connected);
    EXPECT_EQ(broker.connections().size(), 1u);
}

Task<Failure> failure_of(AsyncClient& client, std::string url, ConnectOptions options = {}) {
    Failure failure;
    try {
        co_await client.connect(url, options);
    } catch (const Error& error) {
        failure = error.failure();
    }
    co_return failure;
}

TEST_P(Connecting, names_a_host_that_does_not_resolve_and_can_try_again) {
    runtime.set_unresolvable("nowhere");
    AsyncClient client(runtime, options());
    const Failure failure = run(failure_of(client, "mqtt://nowhere"));
    EXPECT_TRUE(failure == Errc::host_not_found) << failure.message();
    EXPECT_EQ(failure.phase(), Phase::resolve);
    EXPECT_THAT(failure.message(), HasSubstr("nowhere"));
    EXPECT_EQ(client.state(), ConnectionState::idle);
    run(connect(client, "mqtt://broker"));
}

TEST_P(Connecting, names_a_port_that_refuses_and_can_try_again) {
    AsyncClient client(runtime, options());
    const Failure failure = run(failure_of(client, "mqtt://broker:9"));
    EXPECT_TRUE(failure == std::errc::connection_refused) << failure.message();
    EXPECT_EQ(failure.phase(), Phase::connect);
    EXPECT_THAT(failure.address(), HasSubstr("broker:9"));
    run(connect(client, "mqtt://broker"));
}

TEST_P(Connecting, gives_up_on_a_host_that_never_answers) {
    runtime.set_black_hole("hole");
    ClientOptions patient = options();
    patient.connect_timeout = 5s;
    AsyncClient client(runtime, patient);
    const TimePoint start = runtime.now();
    const Failure failure = run(failure_of(client, "mqtt://hole"));
    EXPECT_TRUE(failure == Errc::timed_out) << failure.message();
    EXPECT_EQ(failure.phase(), Phase::connect);
    EXPECT_EQ(runtime.now() - start, 5s);
    run(connect(client, "mqtt://broker"));
}

/// Accepts, and then does with the connection what the test wants.
class Peer final : public AcceptHandler, public StreamHandler {
public:
    Peer(Runtime& runtime, std::string answer, bool closes) : answer_(std::move(answer)), closes_(closes) {
        listener_ = runtime.listen(Endpoint(Transport::tcp, "peer", 1883), *this).value();
    }
    void on_accept(std::unique_ptr<Stream> stream) override {
        stream_ = std::move(stream);
        stream_->start(*this);
    }
    void on_read(Bytes) override {
        Buffer bytes;
        bytes.append(as_bytes(answer_));
        stream_->write(bytes);
        if (closes_) stream_->shutdown();
    }
    void on_end(Failure) override {}
    void on_drained() override {}

private:
    std::string answer_;
    bool closes_;
    std::unique_ptr<Listener> listener_;
    std::unique_ptr<Stream> stream_;
};

TEST_P(Connecting, gives_up_on_a_broker_that_never_answers) {
    Peer peer(runtime, "", false);
    ClientOptions patient = options();
    patient.connect_timeout = 5s;
    AsyncClient client(runtime, patient);
    const Failure failure = run(failure_of(client, "mqtt://peer"));
    EXPECT_TRUE(failure == Errc::timed_out) << failure.message();
    EXPECT_EQ(failure.phase(), Phase::mqtt);
    EXPECT_THAT(failure.message(), HasSubstr("CONNACK"));
    run(connect(client, "mqtt://broker"));
}

TEST_P(Connecting, names_garbage_instead_of_connack) {
    Peer peer(runtime, "HTTP/1.1 400 Bad Request\r\n\r\n", false);
    AsyncClient client(runtime, options());
    const Failure failure = run(failure_of(client, "mqtt://peer"));
    EXPECT_TRUE(failure == Errc::malformed_packet || failure == Errc::protocol_error) << failure.message();
    EXPECT_EQ(failure.phase(), Phase::mqtt);
    run(connect(client, "mqtt://broker"));
}

TEST_P(Connecting, names_a_connack_that_was_cut) {
    Peer peer(runtime, std::string("\x20\x03\x00", 3), true);
    AsyncClient client(runtime, options());
    const Failure failure = run(failure_of(client, "mqtt://peer"));
    EXPECT_TRUE(failure == Errc::end_of_stream) << failure.message();
    EXPECT_EQ(failure.phase(), Phase::mqtt);
    run(connect(client, "mqtt://broker"));
}

TEST_P(Connecting, names_every_refusal) { // [MQTT-3.2.2-5] [MQTT-3.2.2-7]
    constexpr ReasonCode codes[] = {ReasonCode::unsupported_protocol_version, ReasonCode::client_identifier_not_valid,
                                    ReasonCode::server_unavailable, ReasonCode::bad_user_name_or_password,
                                    ReasonCode::not_authorized};
    AsyncClient client(runtime, options());
    for (const ReasonCode code : codes) {
        broker.options().refuse_connect = code;
        const Failure failure = run(failure_of(client, "mqtt://broker"));
        EXPECT_TRUE(failure == Errc::connection_refused) << failure.message();
        EXPECT_EQ(failure.reason_code(), code);
        EXPECT_THAT(failure.message(), HasSubstr(std::string(to_string(code))));
    }
    broker.options().refuse_connect.reset();
    run(connect(client, "mqtt://broker"));
}

TEST_P(Connecting, fails_over_to_the_next_endpoint) {
    AsyncClient client(runtime, options());
    const auto connect_to_any = [](AsyncClient& c) -> Task<> {
        const std::vector<Endpoint> endpoints{Endpoint(Transport::tcp, "broker", 9),
                                              Endpoint(Transport::tcp, "broker", 1883)};
        co_await c.connect(endpoints);
    };
    run(connect_to_any(client));
    EXPECT_EQ(client.state(), ConnectionState::connected);
}

TEST_P(Connecting, keeps_trying_where_asked_to) {
    broker.stop_listening();
    AsyncClient client(runtime, options());
    TaskRoot<> connecting(connect_with_retry(client));
    connecting.start_on(runtime);
    runtime.advance(60s);
    EXPECT_FALSE(connecting.done());
    broker.listen();
    runtime.advance(60s);
    EXPECT_TRUE(connecting.done());
    EXPECT_EQ(client.state(), ConnectionState::connected);
}

TEST_P(Connecting, timeout_of_the_operation_calls_the_attempt_off) {
    runtime.set_black_hole("hole");
    AsyncClient client(runtime, options());
    const Failure failure = run(failure_of(client, "mqtt://hole", {.timeout = 1s}));
    EXPECT_TRUE(failure == Errc::timed_out) << failure.message();
    EXPECT_EQ(client.state(), ConnectionState::idle);
    run(connect(client, "mqtt://broker"));
}

TEST_P(Connecting, dropping_the_operation_calls_the_attempt_off) {
    runtime.set_black_hole("hole");
    AsyncClient client(runtime, options());
    const auto give_up = [](AsyncClient& c) -> Task<> {
        EXPECT_ERROR(co_await with_timeout(connect(c, "mqtt://hole"), 1s), Errc::timed_out);
    };
    run(give_up(client));
    EXPECT_EQ(client.state(), ConnectionState::idle);
    run(connect(client, "mqtt://broker"));
}

TEST_P(Connecting, twice_is_refused_and_changes_nothing) { // [MQTT-3.1.0-2]
    AsyncClient client(runtime, options());
    run(connect(client, "mqtt://broker"));
    const Failure failure = run(failure_of(client, "mqtt://broker"));
    EXPECT_TRUE(failure == Errc::already_connected) << failure.message();
    EXPECT_EQ(broker.count(culex::testing::Direction::received, PacketType::connect), 1u);
}

TEST_P(Connecting, refuses_options_that_break_a_rule_and_names_them) {
    ClientOptions bad = options();
    bad.keep_alive = 65'536s;
    AsyncClient client(runtime, bad);
    const Failure failure = run(failure_of(client, "mqtt://broker"));
    EXPECT_TRUE(failure == Errc::invalid_argument);
    EXPECT_THAT(failure.message(), HasSubstr("keep_alive"));
    EXPECT_EQ(broker.accepted(), 0u);
}

TEST_P(Connecting, refuses_soft_bounds_above_the_hard_ones) {
    for (const bool bytes : {true, false}) {
        ClientOptions bad = options();
        if (bytes) {
            bad.inbound.soft_bytes = bad.inbound.hard_bytes + 1;
        } else {
            bad.inbound.soft_messages = bad.inbound.hard_messages + 1;
        }
        AsyncClient client(runtime, bad);
        const Failure failure = run(failure_of(client, "mqtt://broker"));
        EXPECT_TRUE(failure == Errc::invalid_argument);
        EXPECT_THAT(failure.message(), HasSubstr(bytes ? "soft_bytes" : "soft_messages"));
    }
    EXPECT_EQ(broker.accepted(), 0u);
}

TEST_P(Connecting, refuses_a_url_that_is_none) {
    AsyncClient client(runtime, options());
    const Failure failure = run(failure_of(client, "gopher://broker"));
    EXPECT_TRUE(failure == Errc::invalid_argument) << failure.message();
    EXPECT_THAT(failure.message(), HasSubstr("gopher"));
}

/// A client may go at any moment: what waits ends with an error, and nothing runs afterwards.
TEST_P(Connecting, client_destroyed_at_any_stage_ends_the_operation_with_closed) {
    runtime.set_latency(10ms);
    runtime.set_black_hole("hole");
    Peer silent(runtime, "", false);
    for (const char* url : {"mqtt://hole", "mqtt://peer", "mqtt://broker:9", "mqtt://broker"}) {
        for (int wait = 0; wait <= 50; wait += 5) {
            auto client = std::make_unique<AsyncClient>(runtime, options());
            TaskRoot<Failure> root(failure_of(*client, url, {.retry = true}));
            root.start_on(runtime);
            runtime.advance(std::chrono::milliseconds(wait));
            const bool was_done = root.done();
            client.reset();
            runtime.advance(100ms);
            ASSERT_TRUE(root.done());
            if (was_done) continue;
            EXPECT_TRUE(root.result() == Errc::closed);
        }
    }
}

} // namespace
} // namespace culex
