// Under which cause a failed attempt or a lost connection is counted.
#include <system_error>

#include <gtest/gtest.h>

#include "client/reconnect_counts.hpp"

namespace culex::client {
namespace {

TEST(EndCauses, of_our_own_errors) {
    const auto of = [](Errc code, Phase phase = Phase::session) { return end_cause(Failure(code).during(phase)); };
    EXPECT_EQ(of(Errc::host_not_found), EndCause::resolve);
    EXPECT_EQ(of(Errc::connection_lost), EndCause::network); // it asks for answers and does not read them, say
    EXPECT_EQ(of(Errc::tls_failed), EndCause::tls);
    EXPECT_EQ(of(Errc::websocket_failed, Phase::websocket), EndCause::refused);
    EXPECT_EQ(of(Errc::websocket_failed), EndCause::protocol);
    EXPECT_EQ(of(Errc::timed_out, Phase::connect), EndCause::timed_out);
    EXPECT_EQ(of(Errc::end_of_stream), EndCause::end_of_stream);
    EXPECT_EQ(of(Errc::no_response), EndCause::no_response);
    EXPECT_EQ(of(Errc::malformed_packet), EndCause::protocol);
    EXPECT_EQ(of(Errc::protocol_error), EndCause::protocol);
    EXPECT_EQ(of(Errc::connection_refused, Phase::mqtt), EndCause::refused);
    EXPECT_EQ(of(Errc::disconnected), EndCause::disconnected);
    EXPECT_EQ(of(Errc::closed), EndCause::other);
}

TEST(EndCauses, of_the_systems_errors_are_told_by_the_phase) {
    const std::error_code reset = std::make_error_code(std::errc::connection_reset);
    const auto in = [&](Phase phase) { return end_cause(Failure(reset, "").during(phase)); };
    EXPECT_EQ(in(Phase::resolve), EndCause::resolve);
    EXPECT_EQ(in(Phase::tls), EndCause::tls);
    EXPECT_EQ(in(Phase::connect), EndCause::network);
    EXPECT_EQ(in(Phase::websocket), EndCause::network);
    EXPECT_EQ(in(Phase::mqtt), EndCause::network);
    EXPECT_EQ(in(Phase::session), EndCause::network);
    EXPECT_EQ(in(Phase::none), EndCause::other); // thrown by the user's own function, say
}

} // namespace
} // namespace culex::client
