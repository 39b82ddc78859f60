// Which handshakes succeed, and in what words the others fail.
#include "tls/tls_test.hpp"

namespace culex::testing {
namespace {

class Handshake : public EachVersion {};
INSTANTIATE_TEST_SUITE_P(Versions, Handshake, both_versions, name_of_version);

TEST_P(Handshake, succeeds_with_a_certificate_of_each_kind) {
    for (const char* name : {"server", "server-rsa", "server-ed25519", "server-chain"}) {
        SCOPED_TRACE(name);
        Engines both(client(at_version()), server(name));
        expect_success(both);
        EXPECT_STREQ(wolfSSL_get_version(both.client.native()), GetParam() == v1_3 ? "TLSv1.3" : "TLSv1.2");
    }
}

TEST_P(Handshake, verifies_names_and_addresses) {
    for (const char* host : {"localhost", "LocalHost", "localhost.", "127.0.0.1", "::1", "a.example.test"}) {
        SCOPED_TRACE(host);
        Engines both(client(at_version()), server(), host);
        expect_success(both);
    }
    for (const char* host : {"127.0.0.2", "::2", "example.test", "a.b.example.test", "localhost.example"}) {
        SCOPED_TRACE(host);
        Engines both(client(at_version()), server(), host);
        EXPECT_THAT(client_says(both), HasSubstr(host));
        EXPECT_FALSE(both.client.established());
    }
}

TEST_P(Handshake, a_directory_and_a_text_of_authorities_are_trusted) {
    const std::string directory = certificate("authorities");
    Engines by_directory(client(at_version({.ca_directory = directory})), server("unknown"));
    expect_success(by_directory);
    const std::string text = text_of("other-ca.pem");
    Engines by_text(client(at_version({.ca = text})), server("unknown"));
    expect_success(by_text);
}

TEST_P(Handshake, without_verifying_the_name_the_chain_is_still_verified) {
    const auto config = client(at_version({.verify = TlsVerify::chain_but_not_host_name}));
    Engines unknown(config, server("unknown"));
    EXPECT_THAT(client_says(unknown), HasSubstr("unknown CA"));
    Engines wrong_host(config, server("wrong-host"));
    expect_success(wrong_host);
}

TEST_P(Handshake, without_verifying_anything_anybody_will_do) {
    for (const char* name : {"unknown", "expired", "wrong-host"}) {
        SCOPED_TRACE(name);
        Engines both(client(at_version({.verify = TlsVerify::nothing_at_all})), server(name));
        expect_success(both);
    }
}

TEST_P(Handshake, another_name_than_the_hosts_may_be_verified) {
    Engines right(client(at_version({.server_name = "broker.elsewhere.test"})), server("wrong-host"), "10.0.0.1");
    expect_success(right);
    Engines wrong(client(at_version({.server_name = "another.test"})), server(), "localhost");
    EXPECT_THAT(client_says(wrong), HasSubstr("not for another.test"));
}

TEST_P(Handshake, the_name_is_asked_for_and_an_address_is_not) {
    Engines name(client(at_version()), server(), "a.example.test");
    expect_success(name);
    void* asked = nullptr;
    ASSERT_GT(wolfSSL_SNI_GetRequest(name.server.native(), WOLFSSL_SNI_HOST_NAME, &asked), 0);
    EXPECT_STREQ(static_cast<const char*>(asked), "a.example.test");
    Engines address(client(at_version()), server(), "127.0.0.1");
    expect_success(address);
    EXPECT_EQ(wolfSSL_SNI_GetRequest(address.server.native(), WOLFSSL_SNI_HOST_NAME, &asked), 0);
}

TEST_P(Handshake, chacha20_is_the_first_choice) {
    Engines both(client(at_version()), server());
    expect_success(both);
    EXPECT_THAT(wolfSSL_get_cipher(both.client.native()), HasSubstr("CHACHA20"));
}

TEST_P(Handshake, a_cipher_list_is_obeyed) {
    const char* const name = GetParam() == v1_3 ? "TLS13-AES256-GCM-SHA384" : "ECDHE-ECDSA-AES256-GCM-SHA384";
    Engines both(client(at_version({.ciphers = name})), server());
    expect_success(both);
    EXPECT_THAT(wolfSSL_get_cipher(both.client.native()), HasSubstr("AES256-GCM"));
}

// --- client certificates

TEST_P(Handshake, a_client_certificate_is_shown_where_it_is_demanded) {
    io::TlsServerSettings demanding = server_with("server");
    demanding.client_ca = text_of("ca.pem");
    demanding.demand_client_certificate = true;
    const std::string file = certificate("client.pem");
    const std::string key_file = certificate("client.key");
    Engines from_files(client(at_version({.certificate_file = file, .key_file = key_file})), server(demanding));
    expect_success(from_files);
    const std::string text = text_of("client.pem");
    const std::string key = text_of("client.key");
    Engines from_memory(client(at_version({.certificate = text, .key = key})), server(demanding));
    expect_success(from_memory);
}

TEST_P(Handshake, a_client_certificate_that_is_missing_is_named) {
    io::TlsServerSettings demanding = server_with("server");
    demanding.client_ca = text_of("ca.pem");
    demanding.demand_client_certificate = true;
    Engines both(client(at_version()), server(demanding));
    EXPECT_THAT(client_says(both), HasSubstr("it demands a client certificate, and none was given"));
    EXPECT_TRUE(both.server_failure == Errc::tls_failed);
}

TEST_P(Handshake, a_client_certificate_of_an_unknown_authority_is_refused) {
    io::TlsServerSettings demanding = server_with("server");
    demanding.client_ca = text_of("ca.pem");
    demanding.demand_client_certificate = true;
    const std::string file = certificate("other-client.pem");
    const std::string key_file = certificate("other-client.key");
    Engines both(client(at_version({.certificate_file = file, .key_file = key_file})), server(demanding));
    EXPECT_THAT(client_says(both), HasSubstr("it does not accept our client certificate"));
    EXPECT_THAT(both.server_failure.detail(), HasSubstr("unknown CA"));
}

// --- ALPN

TEST_P(Handshake, a_protocol_in_common_is_chosen) {
    io::TlsServerSettings settings = server_with("server");
    settings.alpn = {"other", "mqtt"};
    const std::array<std::string_view, 2> offered{"x-amzn-mqtt-ca", "mqtt"};
    Engines both(client(at_version({.alpn = offered})), server(settings));
    expect_success(both);
    char* name = nullptr;
    unsigned short size = 0;
    ASSERT_EQ(wolfSSL_ALPN_GetProtocol(both.client.native(), &name, &size), WOLFSSL_SUCCESS);
    EXPECT_EQ(std::string_view(name, size), "mqtt");
}

TEST_P(Handshake, no_protocol_in_common_is_a_failure) {
    io::TlsServerSettings settings = server_with("server");
    settings.alpn = {"http/1.1"};
    const std::array<std::string_view, 1> offered{"mqtt"};
    Engines both(client(at_version({.alpn = offered})), server(settings));
    EXPECT_THAT(client_says(both), HasSubstr("ALPN"));
}

TEST_P(Handshake, a_server_that_ignores_alpn_is_refused) {
    const std::array<std::string_view, 1> offered{"mqtt"};
    Engines both(client(at_version({.alpn = offered})), server());
    EXPECT_EQ(client_says(both), "the broker has chosen none of the ALPN protocols mqtt");
}

// --- ends

TEST_P(Handshake, may_come_byte_by_byte) {
    Engines both(client(at_version()), server());
    both.run(1);
    ASSERT_TRUE(both.established()) << both.client_failure.message();
    EXPECT_FALSE(both.client.write(as_bytes("slow")));
    both.run(1);
    EXPECT_EQ(both.heard_by_server(), "slow");
}

TEST_P(Handshake, a_peer_that_speaks_no_tls_is_told) {
    for (const std::string_view garbage :
         {std::string_view("HTTP/1.1 400 Bad Request\r\n\r\n"), std::string_view(" \x02\x00\x05", 4)}) {
        io::TlsEngine lonely(client(at_version()), "localhost", 8883);
        ASSERT_FALSE(lonely.begin());
        Buffer plain;
        Failure failure;
        for (int i = 0; i < 3 && !failure; ++i) failure = lonely.handle_input(as_bytes(garbage), plain);
        EXPECT_TRUE(failure == Errc::tls_failed) << failure.message();
        EXPECT_THAT(failure.detail(), HasSubstr("TLS"));
    }
}

/// As a server says them that is not wolfSSL's.
TEST_P(Handshake, an_alert_is_told_with_what_it_means) {
    struct Case {
        char alert;
        std::string says;
    };
    const std::vector<Case> cases{
        {40, "the peer sent the TLS alert handshake_failure: no cipher suite or version in common"},
        {42, "the peer sent the TLS alert bad_certificate: it does not accept our client certificate"},
        {51, "the peer sent the TLS alert decrypt_error"},
        {80, "the peer sent the TLS alert internal_error"},
        {115, "the peer sent the TLS alert unknown_psk_identity: it does not know the key agreed upon before"},
        {116, "the peer sent the TLS alert certificate_required: it demands a client certificate, and none was given"},
        {120, "the peer sent the TLS alert no_application_protocol: it speaks none of the ALPN protocols offered"},
    };
    for (const Case& each : cases) {
        io::TlsEngine lonely(client(at_version()), "localhost", 8883);
        ASSERT_FALSE(lonely.begin());
        const std::string record{'\x15', '\x03', '\x03', '\0', '\x02', '\x02', each.alert};
        Buffer plain;
        const Failure failure = lonely.handle_input(as_bytes(record), plain);
        EXPECT_TRUE(failure == Errc::tls_failed) << failure.message();
        EXPECT_EQ(failure.detail(), each.says);
    }
}

TEST_P(Handshake, no_altered_handshake_succeeds_or_crashes) {
    // The server's first flight, with each of its bytes changed in turn: it must fail, or wait for more.
    const auto client_config = client(at_version({.resume_sessions = false}));
    const auto server_config = server();
    for (std::size_t at = 0; at < 800; at += 7) {
        Engines both(client_config, server_config);
        Buffer plain;
        ASSERT_FALSE(both.server.handle_input(both.client.output().bytes(), plain));
        Buffer& flight = both.server.output();
        std::string changed(as_text(flight.bytes()));
        if (at >= changed.size()) break;
        changed[at] = static_cast<char>(changed[at] ^ 0x55);
        const Failure failure = both.client.handle_input(as_bytes(changed), plain);
        EXPECT_FALSE(both.client.established() && !failure) << at;
    }
}

TEST_P(Handshake, handshakes_are_counted) {
    {
        Engines good(client(at_version()), server());
        expect_success(good);
        Engines bad(client(at_version()), server("expired"));
        client_says(bad);
        Engines abandoned(client(at_version()), server());
    }
    EXPECT_EQ(client_counters->handshakes, 1u);
    EXPECT_EQ(client_counters->resumed, 0u);
    EXPECT_EQ(client_counters->failed, 2u);
}

// --- of one version

TEST_F(TlsTest, versions_that_have_nothing_in_common_are_named) {
    io::TlsServerSettings old = server_with("server");
    old.max_version = v1_2;
    Engines too_old(client({.min_version = v1_3}), server(old));
    too_old.run();
    EXPECT_TRUE(too_old.client_failure == Errc::tls_failed);
    EXPECT_THAT(too_old.client_failure.detail(), HasSubstr("version of TLS"));

    io::TlsServerSettings fresh = server_with("server");
    fresh.min_version = v1_3;
    Engines too_new(client({.max_version = v1_2}), server(fresh));
    too_new.run();
    EXPECT_TRUE(too_new.client_failure == Errc::tls_failed);
    EXPECT_THAT(too_new.client_failure.detail(), HasSubstr("version"));
}

TEST_F(TlsTest, tls_1_3_is_preferred_and_1_2_taken) {
    Engines best(client(), server());
    best.run();
    EXPECT_STREQ(wolfSSL_get_version(best.client.native()), "TLSv1.3");
    io::TlsServerSettings old = server_with("server");
    old.max_version = v1_2;
    Engines second(client(), server(old));
    second.run();
    EXPECT_TRUE(second.established()) << second.client_failure.message();
    EXPECT_STREQ(wolfSSL_get_version(second.client.native()), "TLSv1.2");
}

TEST_F(TlsTest, a_server_may_ask_for_another_key_exchange) {
    const auto config = server();
    std::string group = "P-256";
    ASSERT_EQ(wolfSSL_CTX_set1_groups_list(config->context.get(), group.data()), WOLFSSL_SUCCESS);
    Engines both(client({.min_version = v1_3}), config);
    both.run();
    ASSERT_TRUE(both.established()) << both.client_failure.message() << " / " << both.server_failure.message();
    EXPECT_STREQ(wolfSSL_get_curve_name(both.client.native()), "SECP256R1");
    Engines usual(client({.min_version = v1_3}), server());
    usual.run();
    EXPECT_STREQ(wolfSSL_get_curve_name(usual.client.native()), "X25519");
}

TEST_F(TlsTest, a_key_agreed_upon_before_needs_no_certificate) {
    const std::string key = "\x01\x02\x03\x04 sixteen bytes";
    const io::TlsServerSettings settings{.psk = {"sensor-7", key}};
    const auto with = [&](const std::string& secret, std::string_view identity) {
        return io::TlsConfig::client(io::TlsClientSettings({.psk_identity = identity, .psk_key = as_bytes(secret)}),
                                     client_counters)
            .value();
    };
    Engines good(with(key, "sensor-7"), server(settings));
    good.run();
    ASSERT_TRUE(good.established()) << good.client_failure.message();
    EXPECT_FALSE(good.client.write(as_bytes("secret")));
    good.run();
    EXPECT_EQ(good.heard_by_server(), "secret");

    Engines wrong_key(with("another key", "sensor-7"), server(settings));
    wrong_key.run();
    wrong_key.close();
    EXPECT_TRUE(wrong_key.client_failure == Errc::tls_failed) << wrong_key.client_failure.message();
    EXPECT_TRUE(wrong_key.server_failure == Errc::tls_failed);
    Engines wrong_name(with(key, "sensor-8"), server(settings));
    wrong_name.run();
    wrong_name.close();
    EXPECT_TRUE(wrong_name.client_failure == Errc::tls_failed) << wrong_name.client_failure.message();
    // What a server says who cannot verify our proof of the key.
    io::TlsEngine lonely(with(key, "sensor-7"), "localhost", 8883);
    ASSERT_FALSE(lonely.begin());
    Buffer plain;
    EXPECT_EQ(lonely.handle_input(as_bytes({"\x15\x03\x03\0\x02\x02\x33", 7}), plain).detail(),
              "the peer sent the TLS alert decrypt_error: it does not know the key agreed upon before");
    // A certificate, be it the best, does not take the key's place where no authority is trusted.
    Engines without(with(key, "sensor-7"), server());
    without.run();
    EXPECT_TRUE(without.client_failure == Errc::tls_failed) << without.client_failure.message();
}

} // namespace
} // namespace culex::testing
