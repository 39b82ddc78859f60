#include <culex/error.hpp>

#include <set>
#include <string>
#include <type_traits>
#include <utility>

#include <gtest/gtest.h>

namespace culex {
namespace {

constexpr int first_code = static_cast<int>(Errc::invalid_argument);
constexpr int last_code = static_cast<int>(Errc::authentication_failed);

TEST(Error, gives_every_condition_a_text_of_its_own) {
    std::set<std::string> texts;
    for (int code = first_code; code <= last_code; ++code) {
        const std::string text = make_error_code(static_cast<Errc>(code)).message();
        EXPECT_NE(text, "unknown error") << code;
        EXPECT_TRUE(texts.insert(text).second) << text;
    }
    EXPECT_EQ(culex_category().message(0), "unknown error");
    EXPECT_EQ(culex_category().message(last_code + 1), "unknown error");
    EXPECT_STREQ(culex_category().name(), "culex");
}

TEST(Error, is_compared_with_conditions_of_culex_and_of_the_system) {
    const Failure ours{Errc::timed_out};
    EXPECT_TRUE(ours == Errc::timed_out);
    EXPECT_FALSE(ours == Errc::cancelled);
    EXPECT_FALSE(ours == std::errc::timed_out);
    const Failure systems{std::make_error_code(std::errc::connection_refused)};
    EXPECT_TRUE(systems == std::errc::connection_refused);
    EXPECT_FALSE(systems == Errc::connection_refused);
    const Failure kernels{std::error_code{ECONNREFUSED, std::system_category()}};
    EXPECT_TRUE(kernels == std::errc::connection_refused);
    const std::error_code code = Errc::closed;
    EXPECT_EQ(code, make_error_code(Errc::closed));
}

TEST(Failure, is_one_pointer_and_costs_nothing_where_nothing_failed) {
    EXPECT_EQ(sizeof(Failure), sizeof(void*));
    EXPECT_TRUE(std::is_nothrow_move_constructible_v<Failure>);
    const Failure none;
    EXPECT_FALSE(none);
    EXPECT_FALSE(none.code());
    EXPECT_EQ(none.phase(), Phase::none);
    EXPECT_EQ(none.reason_code(), ReasonCode::success);
    EXPECT_EQ(none.address(), "");
    EXPECT_EQ(none.detail(), "");
    EXPECT_EQ(none.message(), "no error");
    EXPECT_FALSE(Failure{}.during(Phase::tls).at("x"));
}

TEST(Failure, keeps_the_first_phase_and_the_first_address) {
    const Failure failure = Failure{Errc::timed_out}.at("127.0.0.1:1883").during(Phase::connect);
    EXPECT_EQ(failure.phase(), Phase::connect);
    EXPECT_EQ(failure.address(), "127.0.0.1:1883");
    const Failure outer = Failure{failure}.at("mqtt://localhost:1883").during(Phase::mqtt);
    EXPECT_EQ(outer.phase(), Phase::connect);
    EXPECT_EQ(outer.address(), "127.0.0.1:1883");
}

TEST(Failure, is_copied_deeply) {
    const Failure original{Errc::rejected, "no such topic", ReasonCode::topic_name_invalid};
    Failure copy = Failure{original}.at("here");
    EXPECT_EQ(original.address(), "");
    copy = original;
    EXPECT_EQ(copy.address(), "");
    EXPECT_EQ(copy.detail(), "no such topic");
    EXPECT_EQ(copy.reason_code(), ReasonCode::topic_name_invalid);
    const Failure& same = copy;
    copy = same;
    EXPECT_EQ(copy.detail(), "no such topic");
    copy = Failure{};
    EXPECT_FALSE(copy);
    const Failure of_nothing = copy;
    EXPECT_FALSE(of_nothing);
}

TEST(Failure, prints_what_was_tried_where_and_why_in_one_line) {
    const std::string errno_text = " (errno " + std::to_string(ECONNREFUSED) + ")";
    EXPECT_EQ(Failure{std::make_error_code(std::errc::connection_refused)}
                  .during(Phase::connect)
                  .at("mqtt://localhost:1883")
                  .message(),
              "connecting to mqtt://localhost:1883: connection refused" + errno_text);
    EXPECT_EQ((Failure{Errc::connection_refused, "ask the admin", ReasonCode::not_authorized}
                   .during(Phase::mqtt)
                   .at("mqtt://h:1883")
                   .message()),
              "MQTT handshake with mqtt://h:1883: refused by the broker: Not authorized (0x87): ask the admin");
    EXPECT_EQ((Failure{Errc::host_not_found, "name does not resolve"}.during(Phase::resolve).at("nowhere").message()),
              "resolving nowhere: host not found: name does not resolve");
    EXPECT_EQ((Failure{Errc::tls_failed, "certificate expired"}.during(Phase::tls).at("mqtts://h:8883").message()),
              "TLS handshake with mqtts://h:8883: TLS failed: certificate expired");
    EXPECT_EQ((Failure{Errc::disconnected, {}, ReasonCode::session_taken_over}
                   .during(Phase::session)
                   .at("mqtt://h:1883")
                   .message()),
              "the connection to mqtt://h:1883: disconnected by the broker: Session taken over (0x8E)");
    EXPECT_EQ(Failure{Errc::end_of_stream}.during(Phase::session).message(), "the connection: closed by the peer");
}

TEST(Failure, says_nothing_twice) {
    EXPECT_EQ((Failure{Errc::protocol_error, "a second CONNACK", ReasonCode::protocol_error}.message()),
              "protocol error by the peer (0x82): a second CONNACK");
    EXPECT_EQ((Failure{Errc::malformed_packet, {}, ReasonCode::malformed_packet}.message()),
              "malformed packet from the peer (0x81)");
    EXPECT_EQ((Failure{Errc::packet_too_large, "PUBLISH", ReasonCode::packet_too_large}.message()),
              "packet too large (0x95): PUBLISH");
    EXPECT_EQ((Failure{Errc::protocol_error, {}, ReasonCode::topic_alias_invalid}.message()),
              "protocol error by the peer: Topic Alias invalid (0x94)");
}

TEST(Failure, prints_a_line_without_the_parts_that_are_missing) {
    EXPECT_EQ(Failure{Errc::cancelled}.message(), "cancelled");
    EXPECT_EQ((Failure{Errc::invalid_argument, "keep_alive"}.message()), "invalid argument: keep_alive");
    EXPECT_EQ(Failure{Errc::timed_out}.during(Phase::tls).message(), "TLS handshake: timed out");
    EXPECT_EQ(Failure{Errc::timed_out}.at("mqtt://h:1883").message(), "mqtt://h:1883: timed out");
    EXPECT_EQ((Failure{Errc::disconnected, {}, static_cast<ReasonCode>(0xEE)}.message()),
              "disconnected by the broker: unknown reason code (0xEE)");
}

TEST(Failure, stays_one_short_line_whatever_the_peer_wrote) {
    const Failure hostile{Errc::disconnected, "bye\n\x1B[2J" + std::string(65'000, 'x'), ReasonCode::banned};
    const std::string message = hostile.message();
    EXPECT_NE(message.find(R"(bye\n\x1b[2J)"), std::string::npos);
    EXPECT_LT(message.size(), 700u);
    EXPECT_EQ(hostile.detail().size(), 65'008u); // nothing is lost for who wants it all
}

class OtherCategory final : public std::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "uv"; }
    [[nodiscard]] std::string message(int) const override { return "EOF reached"; }
};

TEST(Failure, names_the_origin_of_a_foreign_code) {
    const OtherCategory category;
    EXPECT_EQ((Failure{std::error_code{-4095, category}}.message()), "EOF reached (uv -4095)");
}

TEST(Phase, has_a_name) {
    std::set<std::string_view> names;
    for (const Phase phase :
         {Phase::none, Phase::resolve, Phase::connect, Phase::tls, Phase::websocket, Phase::mqtt, Phase::session}) {
        EXPECT_TRUE(names.insert(to_string(phase)).second);
    }
    EXPECT_EQ(to_string(Phase::mqtt), "mqtt");
    EXPECT_EQ(to_string(static_cast<Phase>(99)), "?");
}

TEST(Errc, has_a_name_and_a_text_for_each) {
    EXPECT_EQ(to_string(Errc::timed_out), "timed_out");
    EXPECT_EQ(to_string(static_cast<Errc>(0)), "?");
    int named = 0;
    for (int i = 1; to_string(static_cast<Errc>(i)) != "?"; ++i) {
        EXPECT_NE(make_error_code(static_cast<Errc>(i)).message(), "unknown error") << i;
        named = i;
    }
    EXPECT_EQ(static_cast<Errc>(named), Errc::authentication_failed);
}

TEST(Error, carries_the_failure_as_an_exception) {
    const Failure failure =
        Failure{Errc::rejected, "denied", ReasonCode::not_authorized}.during(Phase::session).at("mqtt://h:1883");
    try {
        throw Error(failure);
    } catch (const std::system_error& error) {
        EXPECT_EQ(error.code(), Errc::rejected);
        EXPECT_EQ(error.what(), failure.message());
    }
    const Error error{failure};
    const Error copy = error; // NOLINT(performance-unnecessary-copy-initialization): the copy is the test
    EXPECT_EQ(copy.phase(), Phase::session);
    EXPECT_EQ(copy.reason_code(), ReasonCode::not_authorized);
    EXPECT_EQ(copy.address(), "mqtt://h:1883");
    EXPECT_EQ(copy.detail(), "denied");
    EXPECT_STREQ(copy.what(), error.what());
    Error assigned{Failure{Errc::closed}};
    assigned = error;
    EXPECT_STREQ(assigned.what(), error.what());
    EXPECT_EQ(assigned.code(), error.code());
}

} // namespace
} // namespace culex
