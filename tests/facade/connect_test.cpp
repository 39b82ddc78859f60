// Rule 1: connecting, and what may become of it.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <atomic>

#include "facade/facade_test.hpp"
#include "facade/profile.hpp"

namespace culex::facade {
namespace {

class Connecting : public FacadeTest {
protected:
    Client client{"c", true, settings()};

    /// Of the client's sockets: a former one may linger.
    std::vector<int> socket_options(int level, int name) {
        std::vector<int> found;
        const auto of_peer = [&](int fd) {
            sockaddr_in peer{};
            socklen_t size = sizeof peer;
            if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return;
            if (peer.sin_family != AF_INET || ntohs(peer.sin_port) != broker.port()) return;
            socklen_t length = sizeof(int);
            EXPECT_EQ(0, ::getsockopt(fd, level, name, &found.emplace_back(), &length));
        };
        for (int fd = 0; fd < 1024; ++fd) of_peer(fd);
        return found;
    }

    /// Fails to connect, and succeeds with the next try.
    Failure failure_and_success() {
        const Failure failure = failure_of([&] { connect(client); });
        EXPECT_TRUE(failure);
        EXPECT_EQ("", fault_of([&] { connect(client); }));
        return failure;
    }
};
CULEX_BOTH_VERSIONS(Connecting);

TEST_P(Connecting, rule_01_connect_blocks_until_connack) {
    std::atomic<bool> returned = false;
    script(Script{}
               .expect(PacketType::connect)
               .after(20ms)
               .run([&] { EXPECT_FALSE(returned); })
               .acknowledge()
               .pass_to_broker());
    connect(client);
    returned = true;
    EXPECT_EQ("", fault_of([&] { client.publish("a"); }));
}

TEST_P(Connecting, rule_01_a_name_that_does_not_resolve_is_named) {
    const Failure failure = failure_of([&] { client.connect("does-not-exist.invalid", 60, broker.port()); });
    EXPECT_TRUE(failure == Errc::host_not_found) << failure.message();
    EXPECT_EQ(Phase::resolve, failure.phase());
    EXPECT_THAT(failure.message(), HasSubstr("does-not-exist.invalid"));
    connect(client);
}

TEST_P(Connecting, rule_01_a_port_that_refuses_is_named) {
    const int port = BrokerThread().port(); // nobody is there any more
    const Failure failure = failure_of([&] { client.connect("127.0.0.1", 60, port); });
    EXPECT_TRUE(failure == std::errc::connection_refused) << failure.message();
    EXPECT_EQ(Phase::connect, failure.phase());
    EXPECT_THAT(failure.message(), HasSubstr(std::to_string(port)));
    connect(client);
}

TEST_P(Connecting, rule_01_an_ipv6_address_may_be_written_bare_or_in_brackets) {
    const int port = BrokerThread().port();
    for (const char* host : {"::1", "[::1]"}) {
        const Failure failure = failure_of([&] { client.connect(host, 60, port); });
        EXPECT_TRUE(failure);
        EXPECT_FALSE(failure == Errc::host_not_found) << failure.message();
        EXPECT_THAT(failure.address(), HasSubstr("[::1]"));
    }
}

TEST_P(Connecting, rule_01_a_broker_that_never_answers_is_not_waited_for_too_long) {
    ClientSettings hasty = settings();
    hasty.connect_timeout = 50ms;
    Client impatient{"c", true, hasty};
    script(Script{"says nothing"}.expect(PacketType::connect).stall());
    const Failure failure = failure_of([&] { connect(impatient); });
    EXPECT_TRUE(failure == Errc::timed_out) << failure.message();
    EXPECT_EQ(Phase::mqtt, failure.phase());
    EXPECT_THAT(failure.message(), HasSubstr("CONNACK"));
}

TEST_P(Connecting, rule_01_each_connack_code_is_named) {
    const std::vector<ReasonCode> codes{ReasonCode::unsupported_protocol_version,
                                        ReasonCode::client_identifier_not_valid, ReasonCode::server_unavailable,
                                        ReasonCode::bad_user_name_or_password, ReasonCode::not_authorized};
    for (const ReasonCode code : codes) {
        script(Script{}.expect(PacketType::connect).reply(Connack{.reason_code = code}).drop());
        const Failure failure = failure_of([&] { connect(client); });
        EXPECT_TRUE(failure == Errc::connection_refused) << failure.message();
        EXPECT_EQ(code, failure.reason_code());
        EXPECT_THAT(failure.message(), HasSubstr(std::string(to_string(code))));
    }
    connect(client);
}

TEST_P(Connecting, rule_01_a_broker_that_closes_before_connack_is_told_of) {
    script(Script{}.expect(PacketType::connect).drop());
    const Failure failure = failure_and_success();
    EXPECT_TRUE(failure == Errc::end_of_stream || failure == std::errc::connection_reset) << failure.message();
}

TEST_P(Connecting, rule_01_garbage_in_place_of_connack_is_told_of) {
    script(Script{}.expect(PacketType::connect).reply_bytes("48 54 54 50 2F 31 2E 31 20 34 30 30").drop());
    const Failure failure = failure_and_success();
    EXPECT_TRUE(failure == Errc::malformed_packet || failure == Errc::protocol_error) << failure.message();
}

TEST_P(Connecting, rule_01_a_truncated_connack_is_told_of) {
    script(Script{}.expect(PacketType::connect).reply_bytes("20 02 00").drop());
    const Failure failure = failure_and_success();
    EXPECT_TRUE(failure == Errc::end_of_stream || failure == std::errc::connection_reset) << failure.message();
}

TEST_P(Connecting, rule_01_the_manuals_loop_of_ten_tries_runs) {
    const Connack busy{.reason_code = ReasonCode::server_unavailable};
    for (int i = 0; i < 3; ++i) script(Script{}.expect(PacketType::connect).reply(busy).drop());
    int tries = 0;
    for (int retry = 0; retry < 10; ++retry) {
        ++tries;
        try {
            connect(client);
            break;
        } catch (const std::exception&) {
        }
    }
    EXPECT_EQ(4, tries);
    client.publish("a", "b", 1);
    EXPECT_EQ("b", published.take().payload);
}

TEST_P(Connecting, a_client_that_is_connected_refuses_to_connect_and_stays_connected) {
    connect(client);
    EXPECT_TRUE(failure_of([&] { connect(client); }) == Errc::already_connected);
    client.publish("a", "still here", 1);
    EXPECT_EQ("still here", published.take().payload);
    EXPECT_EQ(1u, received(PacketType::connect));
}

TEST_P(Connecting, two_threads_that_connect_at_once_make_one_connection) {
    std::atomic<int> succeeded = 0;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&] {
                const Failure failure = failure_of([&] { connect(client); });
                if (!failure) ++succeeded;
                EXPECT_TRUE(!failure || failure == Errc::already_connected) << failure.message();
            });
        }
    }
    EXPECT_EQ(1, succeeded);
    EXPECT_EQ(1u, received(PacketType::connect));
}

TEST_P(Connecting, the_sockets_keep_alive_may_be_asked_for) {
    connect(client, {.socket_keepalive = {{.count = 3, .idle = 60s, .interval = 10s}}});
    client.publish("a", "b", 1);
    EXPECT_EQ("b", published.take().payload);
}

TEST_P(Connecting, destroyed_by_another_thread_while_connecting) {
    script(Script{}.expect(PacketType::connect).run([this] { connected.put("scripted"); }).expect_close());
    ClientSettings hasty = settings();
    hasty.drain = 10ms;
    auto waiting = std::make_unique<Client>("w", true, hasty);
    std::jthread other([&, raw = waiting.get()] {
        const Failure failure = failure_of([&] { connect(*raw); });
        EXPECT_TRUE(failure) << "it should not have connected";
    });
    EXPECT_EQ("scripted", connected.take());
    waiting.reset();
}

TEST_P(Connecting, disconnect_by_another_thread_ends_connect) {
    script(Script{}.expect(PacketType::connect).run([this] { connected.put("scripted"); }).expect_close());
    ClientSettings hasty = settings();
    hasty.drain = 10ms;
    Client waiting{"w", true, hasty};
    std::jthread other([&] {
        const Failure failure = failure_of([&] { connect(waiting); });
        EXPECT_TRUE(failure == Errc::closed || failure == Errc::not_connected) << failure.message();
    });
    EXPECT_EQ("scripted", connected.take());
    waiting.disconnect();
    other.join();
    connect(waiting);
}

/// It is another connection that they were meant for.
TEST_P(Connecting, a_refused_connect_changes_nothing) {
    connect(client);
    const Failure failure = failure_of(
        [&] { client.connect("127.0.0.1", 5, broker.port(), {.socket_keepalive = SocketKeepalive{.count = 7}}); });
    EXPECT_TRUE(failure == Errc::already_connected) << failure.message();
    client.set_username_pw("user", "secret");
    client.reconnect();
    EXPECT_EQ(60, broker.call([](FakeBroker& b) { return b.connections().back().keep_alive; }));
    EXPECT_THAT(socket_options(SOL_SOCKET, SO_KEEPALIVE), ::testing::Each(0));
}

TEST_P(Connecting, socket_keepalive_is_the_systems) {
    connect(client, {.socket_keepalive = SocketKeepalive{.count = 7, .idle = 61s, .interval = 11s}});
    EXPECT_THAT(socket_options(SOL_SOCKET, SO_KEEPALIVE), ElementsAre(1));
    EXPECT_THAT(socket_options(IPPROTO_TCP, TCP_KEEPCNT), ElementsAre(7));
    EXPECT_THAT(socket_options(IPPROTO_TCP, TCP_KEEPIDLE), ElementsAre(61));
    EXPECT_THAT(socket_options(IPPROTO_TCP, TCP_KEEPINTVL), ElementsAre(11));
    client.set_username_pw("user", "secret");
    client.reconnect();
    EXPECT_THAT(socket_options(IPPROTO_TCP, TCP_KEEPIDLE), ::testing::Each(61));
}

TEST(ProfileTest, options_say_what_the_settings_do) {
    Profile profile;
    profile.settings.connect_timeout = 1234ms;
    profile.settings.ping_timeout = 2345ms;
    profile.settings.outbound_topic_aliases = 12;
    profile.settings.outbound.messages = 34;
    profile.settings.inbound.soft_messages = 56;
    profile.settings.reconnect.first_delay = 78ms;
    profile.keep_alive = 90s;
    const ClientOptions options = profile.options();
    EXPECT_EQ(1234ms, options.connect_timeout);
    EXPECT_EQ(2345ms, options.ping_timeout);
    EXPECT_EQ(12, options.outbound_topic_aliases);
    EXPECT_EQ(34u, options.outbound.messages);
    EXPECT_EQ(56u, options.inbound.soft_messages);
    EXPECT_EQ(78ms, options.reconnect.first_delay);
    EXPECT_EQ(90s, options.keep_alive);
}

} // namespace
} // namespace culex::facade
