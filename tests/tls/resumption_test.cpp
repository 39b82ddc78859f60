// Sessions of earlier connections.
#include "tls/tls_test.hpp"

namespace culex::testing {
namespace {

constexpr TlsVersion v1_3 = TlsVersion::v1_3;

class Resumption : public TlsTest, public ::testing::WithParamInterface<TlsVersion> {
protected:
    [[nodiscard]] TlsOptions at_version(TlsOptions options = {}) const {
        options.min_version = options.max_version = GetParam();
        return options;
    }
    /// Connects and reads something; whether an earlier session was resumed.
    static bool resumes(const std::shared_ptr<const io::TlsConfig>& from,
                        const std::shared_ptr<const io::TlsConfig>& to, const std::string& host = "localhost",
                        std::uint16_t port = 8883) {
        Engines both(from, to, host, port);
        both.run();
        EXPECT_TRUE(both.established()) << both.client_failure.message() << " / " << both.server_failure.message();
        EXPECT_FALSE(both.server.write(as_bytes("hello")));
        both.run();
        EXPECT_EQ(both.heard_by_client(), "hello");
        EXPECT_EQ(both.client.resumed(), both.server.resumed());
        return both.client.resumed();
    }
};
INSTANTIATE_TEST_SUITE_P(Versions, Resumption, ::testing::Values(TlsVersion::v1_2, v1_3),
                         [](const auto& of) { return of.param == v1_3 ? "v1_3" : "v1_2"; });

TEST_P(Resumption, the_second_connection_resumes_and_so_do_those_after_it) {
    const auto from = client(at_version());
    const auto to = server();
    EXPECT_FALSE(resumes(from, to));
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(resumes(from, to));
    EXPECT_EQ(client_counters->handshakes, 4u);
    EXPECT_EQ(client_counters->resumed, 3u);
}

TEST_P(Resumption, a_session_is_for_its_endpoint_alone) {
    // In a resumed handshake nothing is verified: under another name it must not be tried.
    const auto from = client(at_version());
    const auto to = server();
    EXPECT_FALSE(resumes(from, to));
    EXPECT_FALSE(resumes(from, to, "a.example.test"));
    EXPECT_FALSE(resumes(from, to, "localhost", 8884));
    Engines wrong_host(from, to, "broker.elsewhere.test");
    wrong_host.run();
    EXPECT_TRUE(wrong_host.client_failure == Errc::tls_failed);
    EXPECT_TRUE(resumes(from, to));
}

TEST_P(Resumption, may_be_turned_off) {
    const auto from = client(at_version({.resume_sessions = false}));
    const auto to = server();
    EXPECT_FALSE(resumes(from, to));
    EXPECT_FALSE(resumes(from, to));
}

TEST_P(Resumption, a_server_without_it_is_served_all_the_same) {
    io::TlsServerSettings without = server_with("server");
    without.resume_sessions = false;
    const auto from = client(at_version());
    const auto to = server(without);
    EXPECT_FALSE(resumes(from, to));
    EXPECT_FALSE(resumes(from, to));
}

TEST_P(Resumption, a_client_with_a_certificate_resumes) {
    io::TlsServerSettings demanding = server_with("server");
    demanding.client_ca = text_of("ca.pem");
    demanding.demand_client_certificate = true;
    const std::string file = certificate("client.pem");
    const std::string key_file = certificate("client.key");
    const auto from = client(at_version({.certificate_file = file, .key_file = key_file}));
    const auto to = server(demanding);
    EXPECT_FALSE(resumes(from, to));
    EXPECT_TRUE(resumes(from, to));
}

TEST_P(Resumption, a_session_of_no_use_is_not_offered_again) {
    const auto from = client(at_version());
    const auto to = server();
    EXPECT_FALSE(resumes(from, to));
    {
        Engines cut(from, to);
        cut.client_failure = cut.client.cut_off(Failure(Errc::end_of_stream));
        EXPECT_TRUE(cut.client.offered_session());
    }
    EXPECT_FALSE(resumes(from, to));
    EXPECT_TRUE(resumes(from, to));
}

TEST_F(TlsTest, a_ticket_of_tls_1_3_that_the_server_does_not_take_costs_a_whole_handshake) {
    const auto from = client({.min_version = v1_3});
    const auto first = server();
    const auto restarted = server();
    for (const auto& to : {first, restarted, restarted, first}) {
        Engines both(from, to);
        both.run();
        ASSERT_TRUE(both.established()) << both.client_failure.message() << " / " << both.server_failure.message();
        EXPECT_FALSE(both.server.write(as_bytes("hello")));
        both.run();
        EXPECT_EQ(both.heard_by_client(), "hello");
    }
    EXPECT_EQ(client_counters->resumed, 1u); // the third
}

TEST_F(TlsTest, a_session_of_tls_1_2_is_resumed_by_its_id_where_there_are_no_tickets) {
    io::TlsServerSettings settings = server_with("server");
    settings.session_ids_alone = true;
    const auto from = client({.max_version = TlsVersion::v1_2});
    const auto to = server(settings);
    for (int i = 0; i < 3; ++i) {
        Engines both(from, to);
        both.run();
        ASSERT_TRUE(both.established()) << both.client_failure.message();
        EXPECT_EQ(both.client.resumed(), i > 0);
    }
}

/// The broker was started again without tickets. wolfSSL 5.5 takes its ServerHello for a resumption, and fails; `TlsOpening`
/// tries once more, without the session.
TEST_F(TlsTest, a_ticket_of_tls_1_2_of_no_use_is_offered_once) {
    io::TlsServerSettings without = server_with("server");
    without.session_ids_alone = true;
    const auto from = client({.max_version = TlsVersion::v1_2});
    const auto first = server();
    const auto restarted = server(without);
    std::vector<bool> offered;
    for (const auto& to : {first, restarted, restarted}) {
        Engines both(from, to);
        offered.push_back(both.client.offered_session());
        both.run();
        EXPECT_TRUE(both.established() || both.client.offered_session()) << both.client_failure.message();
        EXPECT_FALSE(both.client.resumed());
    }
    EXPECT_THAT(offered, ::testing::ElementsAre(false, true, false));
}

TEST(TlsSessions, the_one_that_was_not_used_for_the_longest_time_goes_first) {
    io::TlsSessions sessions;
    const std::size_t most = io::TlsSessions::most_endpoints;
    for (std::size_t i = 0; i < most; ++i) sessions.keep(std::to_string(i), "session " + std::to_string(i));
    EXPECT_EQ(sessions.find("0"), "session 0");
    sessions.keep("one more", "session");
    EXPECT_TRUE(sessions.find("0"));
    EXPECT_FALSE(sessions.find("1"));
    EXPECT_TRUE(sessions.find("2"));
    sessions.keep("2", "a newer one");
    EXPECT_EQ(sessions.find("2"), "a newer one");
    sessions.forget("2");
    sessions.forget("never kept");
    EXPECT_FALSE(sessions.find("2"));
    sessions.clear();
    EXPECT_FALSE(sessions.find("0"));
}

} // namespace
} // namespace culex::testing
