// The verdict by reason code.
#include <set>

#include <gtest/gtest.h>

#include "client/verdicts.hpp"

namespace culex::client {
namespace {

Failure refused(ReasonCode code) { return Failure(Errc::connection_refused, "", code); }
Failure sent_away(ReasonCode code) { return Failure(Errc::disconnected, "", code); }

TEST(Verdicts, default_table_names_each_code_once_and_follows_no_reference) {
    std::set<ReasonCode> codes;
    for (const ReasonVerdict& row : default_verdicts()) {
        EXPECT_TRUE(codes.insert(row.reason_code).second) << to_string(row.reason_code);
        EXPECT_TRUE(failed(row.reason_code));
        EXPECT_NE(row.verdict, Verdict::follow_server_reference) << to_string(row.reason_code);
    }
}

TEST(Verdicts, default_table_holds_for_connack_and_disconnect) {
    const Verdicts verdicts({});
    for (const ReasonVerdict& row : default_verdicts()) {
        EXPECT_EQ(verdicts.of(refused(row.reason_code), Verdict::try_again), row.verdict);
        EXPECT_EQ(verdicts.of(sent_away(row.reason_code), Verdict::try_again), row.verdict);
    }
}

TEST(Verdicts, bad_credentials_and_their_kin_are_given_up) {
    using enum ReasonCode;
    const Verdicts verdicts({});
    for (const ReasonCode code : {bad_user_name_or_password, not_authorized, banned, bad_authentication_method,
                                  client_identifier_not_valid, unsupported_protocol_version, session_taken_over}) {
        EXPECT_EQ(verdicts.of(refused(code), Verdict::try_again), Verdict::give_up) << to_string(code);
    }
}

TEST(Verdicts, codes_in_no_table_and_failures_without_code_are_for_the_caller_to_judge) {
    const Verdicts verdicts({});
    for (const Verdict otherwise : {Verdict::try_again, Verdict::next_endpoint}) {
        EXPECT_EQ(verdicts.of(sent_away(ReasonCode::administrative_action), otherwise), otherwise);
        EXPECT_EQ(verdicts.of(Failure(Errc::timed_out), otherwise), otherwise);
        EXPECT_EQ(verdicts.of(Failure(std::make_error_code(std::errc::connection_refused)), otherwise), otherwise);
        // The code that we told the broker, which is no word of the broker's.
        EXPECT_EQ(verdicts.of(Failure(Errc::malformed_packet, "", ReasonCode::packet_too_large), otherwise), otherwise);
    }
}

TEST(Verdicts, the_policys_table_goes_first_and_is_copied) {
    std::vector<ReasonVerdict> table{{ReasonCode::not_authorized, Verdict::try_again},
                                     {ReasonCode::administrative_action, Verdict::give_up},
                                     {ReasonCode::not_authorized, Verdict::give_up}};
    const Verdicts verdicts(table);
    table.assign(table.size(), {ReasonCode::not_authorized, Verdict::follow_server_reference});
    EXPECT_EQ(verdicts.of(refused(ReasonCode::not_authorized), Verdict::next_endpoint), Verdict::try_again);
    EXPECT_EQ(verdicts.of(sent_away(ReasonCode::administrative_action), Verdict::try_again), Verdict::give_up);
    EXPECT_EQ(verdicts.of(refused(ReasonCode::banned), Verdict::try_again), Verdict::give_up); // not named: the default
}

} // namespace
} // namespace culex::client
