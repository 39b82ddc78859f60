// Rule 10: bad arguments throw before anything is sent, and are named.
#include <cstdlib>
#include <memory>

#include "facade/facade_test.hpp"

namespace culex::facade {
namespace {

class Arguments : public FacadeTest {
protected:
    Client client{"c", true, settings()};

    /// Before and after the client is connected; then nothing may have been sent.
    template <class F> void expect_refused(std::string_view name, F call, Errc code = Errc::invalid_argument) {
        const Failure early = failure_of(call);
        EXPECT_TRUE(early == code) << early.message();
        EXPECT_THAT(early.detail(), HasSubstr(std::string(name)));
        connect(client);
        const Failure late = failure_of(call);
        EXPECT_TRUE(late == code) << late.message();
        EXPECT_THAT(late.detail(), HasSubstr(std::string(name)));
        client.disconnect();
        EXPECT_EQ(2u, broker.call([](FakeBroker& b) { return b.log().size(); }) - broker.call([](FakeBroker& b) {
            return b.sent(PacketType::connack).size();
        })) << transcript(); // CONNECT and DISCONNECT
    }
};
CULEX_BOTH_VERSIONS(Arguments);

const std::string long_text(65'536, 'x');
const std::string not_utf8 = "a\xFF";
const std::string with_null("a\0b", 3);

TEST_P(Arguments, rule_10_publish_refuses_a_qos_of_3) {
    expect_refused("qos", [&] { client.publish("a", "b", 3); });
}
TEST_P(Arguments, rule_10_publish_refuses_a_negative_qos) {
    expect_refused("qos", [&] { client.publish("a", "b", -1); });
}
TEST_P(Arguments, rule_10_publish_refuses_an_empty_topic) {
    expect_refused("topic", [&] { client.publish("", "b"); });
}
TEST_P(Arguments, rule_10_publish_refuses_a_wildcard) {
    expect_refused("topic", [&] { client.publish("a/#", "b"); });
}
TEST_P(Arguments, rule_10_publish_refuses_another_wildcard) {
    expect_refused("topic", [&] { client.publish("a/+/b", "b", 1); });
}
TEST_P(Arguments, rule_10_publish_refuses_a_topic_that_is_not_utf8) {
    expect_refused("topic", [&] { client.publish(not_utf8, "b"); });
}
TEST_P(Arguments, rule_10_publish_refuses_a_topic_with_a_null_character) {
    expect_refused("topic", [&] { client.publish(with_null, "b"); });
}
TEST_P(Arguments, rule_10_publish_refuses_a_topic_of_more_than_65535_bytes) {
    expect_refused("topic", [&] { client.publish(long_text, "b"); });
}
TEST_P(Arguments, rule_10_publish_refuses_a_packet_over_the_limit) {
    const std::size_t size = 268'435'456; // never touched, so never really there
    const std::unique_ptr<char, decltype(&std::free)> pages(static_cast<char*>(std::calloc(size, 1)), &std::free);
    ASSERT_TRUE(pages);
    expect_refused(
        "PUBLISH", [&] { client.publish("a", std::string_view(pages.get(), size), 1); }, Errc::packet_too_large);
}
TEST_P(Arguments, rule_10_subscribe_refuses_a_qos_of_3) {
    expect_refused("qos", [&] { client.subscribe({{"a", 0}, {"b", 3}}); });
}
TEST_P(Arguments, rule_10_subscribe_refuses_a_malformed_filter) {
    expect_refused("a#", [&] { client.subscribe({{"a#", 0}}); });
}
TEST_P(Arguments, rule_10_subscribe_refuses_a_plus_that_is_no_level) {
    expect_refused("a+", [&] { client.subscribe({{"b", 0}, {"a+/b", 0}}); });
}
TEST_P(Arguments, rule_10_subscribe_refuses_an_empty_filter) {
    expect_refused("topic filter", [&] { client.subscribe({{"", 0}}); });
}
TEST_P(Arguments, rule_10_subscribe_refuses_a_filter_that_is_not_utf8) {
    expect_refused("topic filter", [&] { client.subscribe({{not_utf8, 0}}); });
}
TEST_P(Arguments, rule_10_subscribe_refuses_a_filter_with_a_null_character) {
    expect_refused("topic filter", [&] { client.subscribe({{with_null, 0}}); });
}
TEST_P(Arguments, rule_10_subscribe_refuses_a_filter_of_more_than_65535_bytes) {
    expect_refused("topic filter", [&] { client.subscribe({{long_text, 0}}); });
}
TEST_P(Arguments, rule_10_subscribe_refuses_no_topics_at_all) {
    expect_refused("SUBSCRIBE", [&] { client.subscribe(std::span<const TopicQos>()); });
}
TEST_P(Arguments, rule_10_unsubscribe_refuses_a_malformed_filter) {
    expect_refused("a#", [&] { client.unsubscribe({"a#"}); });
}
TEST_P(Arguments, rule_10_unsubscribe_refuses_no_topics_at_all) {
    expect_refused("UNSUBSCRIBE", [&] { client.unsubscribe(std::span<const std::string_view>()); });
}
TEST_P(Arguments, rule_10_set_will_refuses_a_qos_of_3) {
    expect_refused("qos", [&] { client.set_will("a", "b", 3); });
}
TEST_P(Arguments, rule_10_set_will_refuses_a_wildcard) {
    expect_refused("will", [&] { client.set_will("a/#", "b"); });
}
TEST_P(Arguments, rule_10_set_will_refuses_a_payload_of_more_than_65535_bytes) {
    expect_refused("will", [&] { client.set_will("a", long_text); });
}
TEST_P(Arguments, rule_10_set_username_pw_refuses_text_that_is_not_utf8) {
    expect_refused("user", [&] { client.set_username_pw(not_utf8); });
}
TEST_P(Arguments, rule_10_connect_refuses_a_keepalive_out_of_range) {
    for (const int keepalive : {-1, 65'536}) {
        const Failure failure = failure_of([&] { client.connect("127.0.0.1", keepalive, broker.port()); });
        EXPECT_TRUE(failure == Errc::invalid_argument);
        EXPECT_THAT(failure.detail(), HasSubstr("keep_alive"));
    }
    EXPECT_EQ(0u, broker.call([](FakeBroker& b) { return b.accepted(); }));
    connect(client);
}
TEST_P(Arguments, rule_10_connect_refuses_a_port_out_of_range) {
    for (const int port : {-1, 0, 65'536, 67'419}) { // the last is 1883 in 16 bits
        const Failure failure = failure_of([&] { client.connect("127.0.0.1", 60, port); });
        EXPECT_TRUE(failure == Errc::invalid_argument);
        EXPECT_THAT(failure.detail(), HasSubstr("port"));
    }
    connect(client);
}
TEST_P(Arguments, rule_10_connect_refuses_a_host_that_is_none) {
    for (const char* host : {"", "a b", "mqtt://localhost", "me@localhost", "localhost:1883", "1:2:3"}) {
        const Failure failure = failure_of([&] { client.connect(host, 60, broker.port()); });
        EXPECT_TRUE(failure == Errc::invalid_argument) << host;
        EXPECT_THAT(failure.detail(), HasSubstr("host"));
    }
    connect(client);
}
TEST_P(Arguments, rule_10_constructor_refuses_a_client_id_that_is_not_utf8) {
    const Failure failure = failure_of([&] { Client(not_utf8, true, settings()); });
    EXPECT_TRUE(failure == Errc::invalid_argument);
    EXPECT_THAT(failure.detail(), HasSubstr("client"));
}

TEST_P(Arguments, constructor_refuses_timeouts_with_which_no_connection_could_be) {
    for (const bool connect : {true, false}) {
        ClientSettings hasty = settings();
        (connect ? hasty.connect_timeout : hasty.ping_timeout) = 0ms;
        const Failure failure = failure_of([&] { Client("c", true, hasty); });
        EXPECT_TRUE(failure == Errc::invalid_argument);
        EXPECT_EQ(failure.detail(),
                  connect ? "connect_timeout is 0 ms: at least 1" : "ping_timeout is 0 ms: at least 1");
    }
}

TEST(ArgumentsOf311, an_empty_client_id_needs_a_clean_session) { // [MQTT-3.1.3-8]
    const Failure failure = failure_of([&] { Client("", false); });
    EXPECT_TRUE(failure == Errc::invalid_argument);
    EXPECT_THAT(failure.detail(), HasSubstr("client_id"));
    Client clean("", true);
}

TEST(ArgumentsOf311, a_password_needs_a_user_name) { // [MQTT-3.1.2-22]
    Client client("c");
    const Failure failure = failure_of([&] { client.set_username_pw(std::nullopt, "secret"); });
    EXPECT_TRUE(failure == Errc::invalid_argument);
    EXPECT_THAT(failure.detail(), HasSubstr("password"));
    client.set_username_pw("user");
    client.set_username_pw(std::nullopt);
}

TEST(ArgumentsOf5, an_empty_client_id_and_a_password_alone_are_legal) {
    Client client("", false, {.version = Version::v5});
    client.set_username_pw(std::nullopt, "secret");
}

} // namespace
} // namespace culex::facade
