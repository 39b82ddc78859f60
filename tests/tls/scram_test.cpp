// SCRAM-SHA-256: the vectors of its RFCs, what a broker may do wrong, and whole exchanges with a client.
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <culex/async_client.hpp>
#include <culex/scram.hpp>
#include <culex/testing/fake_broker.hpp>
#include <culex/testing/virtual_runtime.hpp>

#include "io/tls_scram.hpp"

namespace culex::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// --- RFC 7677, section 3

constexpr std::string_view client_nonce = "rOprNGfwEbeRWgbNEkqO";
constexpr std::string_view server_first =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
constexpr std::string_view server_final = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

/// The vector's exchange up to the client's proof.
class Rfc7677 : public ::testing::Test {
protected:
    std::string prove(std::string_view password = "pencil") {
        exchange.read_first(server_first, {}).value();
        io::KeyDerivation derivation(password, exchange.salt(), exchange.iterations());
        while (!derivation.advance(1000)) {
        }
        return exchange.final(derivation.key());
    }
    io::ScramExchange exchange{"user", client_nonce};
};

TEST_F(Rfc7677, the_vector_comes_out) {
    EXPECT_EQ(exchange.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    EXPECT_EQ(prove(), "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                       "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    EXPECT_TRUE(exchange.verify(server_final));
    EXPECT_EQ(exchange.stage(), io::ScramExchange::Stage::verified);
}

TEST_F(Rfc7677, a_servers_signature_that_differs_in_one_bit_is_refused) {
    prove();
    const auto bytes = io::from_base64(server_final.substr(2)).value();
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        std::string wrong = bytes;
        wrong[bit / 8] = static_cast<char>(wrong[bit / 8] ^ (1 << (bit % 8)));
        EXPECT_EQ(exchange.verify("v=" + io::to_base64(as_bytes(wrong))).failure(), Errc::authentication_failed);
    }
    EXPECT_TRUE(exchange.verify(server_final));
}

TEST_F(Rfc7677, a_server_that_knows_another_password_is_refused) {
    prove("pen");
    const Failure failure = exchange.verify(server_final).failure();
    EXPECT_EQ(failure, Errc::authentication_failed);
    EXPECT_THAT(failure.detail(), HasSubstr("proof is wrong"));
}

TEST_F(Rfc7677, final_messages_that_are_none_are_refused) {
    prove();
    for (const std::string_view message : {"", "v=", "v=AAAA", "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4", "x=1",
                                           "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="}) {
        EXPECT_EQ(exchange.verify(message).failure(), Errc::authentication_failed) << message;
    }
    EXPECT_THAT(exchange.verify("e=invalid-proof").failure().detail(), HasSubstr("invalid-proof"));
}

TEST_F(Rfc7677, the_proof_of_the_server_comes_after_ours) {
    EXPECT_EQ(exchange.verify(server_final).failure(), Errc::authentication_failed);
    exchange.read_first(server_first, {}).value();
    EXPECT_EQ(exchange.verify(server_final).failure(), Errc::authentication_failed);
    EXPECT_EQ(exchange.read_first(server_first, {}).failure(), Errc::authentication_failed);
}

struct BadFirst {
    const char* message;
    const char* detail;
};

TEST(ScramExchange, first_messages_that_are_none_are_refused) {
    const BadFirst rows[] = {
        {"", "first message is none"},
        {"r=nonce1", "first message is none"},
        {"s=W22Z,r=nonce1,i=4096", "first message is none"},
        {"r=nonce1,s=W22Z", "first message is none"},
        {"m=x,r=nonce1,s=W22Z,i=4096", "extension"},
        {"r=nonce,s=W22Z,i=4096", "nonce"}, // nothing of the server's own
        {"r=other1,s=W22Z,i=4096", "nonce"},
        {"r=nonc,s=W22Z,i=4096", "nonce"},
        {"r=nonce1,s=,i=4096", "salt"},
        {"r=nonce1,s=W2,i=4096", "salt"},
        {"r=nonce1,s=W2\n=,i=4096", "salt"},
        {"r=nonce1,s=W22Z,i=", "number of iterations is none"},
        {"r=nonce1,s=W22Z,i=04096", "number of iterations is none"},
        {"r=nonce1,s=W22Z,i=-4096", "number of iterations is none"},
        {"r=nonce1,s=W22Z,i=4096x", "number of iterations is none"},
        {"r=nonce1,s=W22Z,i=4294971392", "number of iterations is none"},
        {"r=nonce1,s=W22Z,i=4095", "between 4096 and 10000"},
        {"r=nonce1,s=W22Z,i=10001", "between 4096 and 10000"},
    };
    for (const BadFirst& row : rows) {
        io::ScramExchange exchange("user", "nonce");
        const Failure failure = exchange.read_first(row.message, {4096, 10'000}).failure();
        EXPECT_EQ(failure, Errc::authentication_failed) << row.message;
        EXPECT_THAT(failure.detail(), HasSubstr(row.detail)) << row.message;
    }
    for (const std::string_view good : {"r=nonce1,s=W22Z,i=4096", "r=nonce1,s=W22Z,i=10000,x=later"}) {
        io::ScramExchange exchange("user", "nonce");
        EXPECT_TRUE(exchange.read_first(good, {4096, 10'000})) << good;
    }
}

TEST(ScramExchange, commas_and_equals_signs_in_names_are_escaped) { // RFC 5802, section 5.1
    EXPECT_EQ(io::ScramExchange("a,b=c", "n").first(), "n,,n=a=2Cb=3Dc,r=n");
}

/// PBKDF2-HMAC-SHA-256's own vectors (RFC 7914, section 11), first blocks.
TEST(KeyDerivation, gives_what_the_rfc_says_in_slices_of_any_size) {
    const auto text_of = [](const io::Digest& digest) {
        std::string text;
        for (const unsigned byte : digest) {
            text += "0123456789abcdef"[byte >> 4];
            text += "0123456789abcdef"[byte & 15];
        }
        return text;
    };
    io::KeyDerivation once("passwd", "salt", 1);
    EXPECT_TRUE(once.advance(1));
    EXPECT_EQ(text_of(once.key()), "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
    for (const std::uint32_t slice : {7U, 1'000U, 100'000U}) {
        io::KeyDerivation often("Password", "NaCl", 80'000);
        while (!often.advance(slice)) {
        }
        EXPECT_EQ(text_of(often.key()), "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56");
    }
}

// --- what it is made with

Failure refusal(const ScramOptions& options) {
    try {
        const ScramSha256 scram(options);
    } catch (const Error& error) {
        return error.failure();
    }
    return Failure();
}

TEST(ScramSha256, names_and_passwords_that_need_saslprep_are_refused_in_so_many_words) {
    for (const std::string_view text : {"", "a\nb", "a\x7f", "b\xC3\xA4r"}) {
        EXPECT_EQ(refusal({.user_name = text, .password = "p"}), Errc::invalid_argument) << text;
        EXPECT_EQ(refusal({.user_name = "u", .password = text}), Errc::invalid_argument) << text;
    }
    EXPECT_THAT(refusal({.user_name = "b\xC3\xA4r", .password = "p"}).detail(), HasSubstr("user_name: needs SASLprep"));
    EXPECT_THAT(refusal({.user_name = "u", .password = "\xC3\xA4"}).detail(), HasSubstr("password: needs SASLprep"));
    EXPECT_FALSE(refusal({.user_name = "b\xC3\xA4r", .password = "\xC3\xA4", .prepared = true}));
    EXPECT_EQ(refusal({.user_name = "\xC3", .password = "p", .prepared = true}), Errc::invalid_argument);
    EXPECT_EQ(refusal({.user_name = "a\nb", .password = "p", .prepared = true}), Errc::invalid_argument);
    EXPECT_EQ(refusal({.user_name = "u", .password = "p", .min_iterations = 0}), Errc::invalid_argument);
    EXPECT_EQ(refusal({.user_name = "u", .password = "p", .min_iterations = 10, .max_iterations = 9}),
              Errc::invalid_argument);
    EXPECT_FALSE(refusal({.user_name = "a user, no = less", .password = " ~"}));
}

// --- with a client and a broker

/// A broker's side, of one user, for one connection at a time.
struct ScramBroker {
    AuthReply operator()(const AuthWord& word) {
        const std::string data(as_text(word.data));
        ++words;
        if (word.method != "SCRAM-SHA-256") return {ReasonCode::bad_authentication_method, {}};
        if (word.step == 0) {
            first = data.substr(3); // n,,
            nonce = first.substr(first.find("r=") + 2) + "server";
            nonces.push_back(nonce);
            challenge = "r=" + nonce + ",s=" + io::to_base64(as_bytes(salt)) + ",i=" + std::to_string(iterations);
            return {ReasonCode::continue_authentication, challenge};
        }
        if (word.step == 2) return {ReasonCode::success, {}}; // to the empty AUTH behind an early proof
        const std::size_t at = data.find(",p=");
        const std::string all = first + "," + challenge + "," + data.substr(0, at);
        io::KeyDerivation derivation(password, salt, iterations);
        static_cast<void>(derivation.advance(iterations));
        const auto key = [&](std::string_view name) {
            return io::hmac_sha256(io::bytes_of(derivation.key()), as_bytes(name));
        };
        // The client's key is what its proof hides; it is right where its hash is the stored key.
        const io::Digest stored = io::sha256(io::bytes_of(key("Client Key")));
        const io::Digest signature = io::hmac_sha256(io::bytes_of(stored), as_bytes(all));
        const std::string proof = io::from_base64(data.substr(at + 3)).value();
        io::Digest shown{};
        for (std::size_t i = 0; i < shown.size(); ++i)
            shown[i] = static_cast<std::uint8_t>(static_cast<std::uint8_t>(proof[i]) ^ signature[i]);
        if (!io::equal(io::sha256(io::bytes_of(shown)), stored)) return {ReasonCode::not_authorized, {}};
        io::Digest own = io::hmac_sha256(io::bytes_of(key("Server Key")), as_bytes(all));
        if (lies) own[0] ^= 1;
        const std::string last = "v=" + io::to_base64(io::bytes_of(own));
        return {early ? ReasonCode::continue_authentication : ReasonCode::success, silent ? "" : last};
    }

    std::string password = "pencil";
    std::string salt = "0123456789abcdef";
    std::uint32_t iterations = 4096;
    bool lies = false, silent = false, early = false;
    std::size_t words = 0;
    std::string first, nonce, challenge;
    std::vector<std::string> nonces;
};

class ScramClient : public ::testing::Test {
protected:
    ScramClient() {
        broker.listen("mqtt://broker");
        broker.options().authentication = [this](const AuthWord& word) { return side(word); };
    }
    static Task<> converse(AsyncClient& client, bool again) {
        co_await client.connect("mqtt://broker");
        if (again) co_await client.reauthenticate();
        co_await client.publish("t", "x", {.qos = QoS::at_least_once});
    }
    Failure run(bool again = false, std::string_view password = "pencil") {
        ScramSha256 scram({.user_name = "user", .password = password, .max_iterations = 20'000});
        AsyncClient client(runtime, {.client_id = "c", .version = Version::v5, .authenticator = &scram});
        try {
            runtime.run(converse(client, again));
        } catch (const Error& error) {
            return error.failure();
        }
        return Failure();
    }

    VirtualRuntime runtime;
    FakeBroker broker{runtime};
    ScramBroker side;
};

TEST_F(ScramClient, connects_and_authenticates_again_with_a_new_nonce_each_time) {
    EXPECT_FALSE(run(true));
    EXPECT_EQ(side.words, 4u);
    ASSERT_EQ(side.nonces.size(), 2u);
    EXPECT_NE(side.nonces[0], side.nonces[1]);
    EXPECT_EQ(side.nonces[0].size(), 24u + 6u);
    EXPECT_EQ(broker.messages().size(), 1u);
    EXPECT_THAT(broker.verify(), IsEmpty());
}

TEST_F(ScramClient, one_that_was_moved_authenticates_as_the_one_before) {
    ScramSha256 made({.user_name = "user", .password = "pencil"});
    ScramSha256 moved(std::move(made));
    ScramSha256 other({.user_name = "nobody", .password = "x"});
    other = std::move(moved);
    AsyncClient client(runtime, {.client_id = "c", .version = Version::v5, .authenticator = &other});
    runtime.run(converse(client, true));
    EXPECT_EQ(broker.messages().size(), 1u);
    EXPECT_THAT(broker.verify(), IsEmpty());
}

TEST_F(ScramClient, takes_another_salt_or_number_of_iterations) {
    ScramSha256 scram({.user_name = "user", .password = "pencil"});
    AsyncClient client(runtime, {.client_id = "c", .version = Version::v5, .authenticator = &scram});
    runtime.run(converse(client, true));
    const auto again = [](AsyncClient& from) -> Task<> { co_await from.reauthenticate(); };
    side.salt = "another";
    runtime.run(again(client));
    side.iterations = 5000;
    runtime.run(again(client));
    EXPECT_EQ(side.nonces.size(), 4u);
    EXPECT_EQ(client.state(), ConnectionState::connected);
}

TEST_F(ScramClient, the_brokers_proof_may_come_before_connack) {
    side.early = true;
    EXPECT_FALSE(run(true));
    EXPECT_EQ(side.words, 6u);
}

TEST_F(ScramClient, a_wrong_password_is_refused_by_the_broker) {
    const Failure failure = run(false, "pen");
    EXPECT_EQ(failure, Errc::connection_refused);
    EXPECT_EQ(failure.reason_code(), ReasonCode::not_authorized);
    EXPECT_THAT(broker.messages(), IsEmpty());
}

TEST_F(ScramClient, a_broker_that_does_not_know_the_user_is_refused_before_it_gets_a_message) {
    side.lies = true;
    const Failure failure = run();
    EXPECT_EQ(failure, Errc::authentication_failed);
    EXPECT_THAT(failure.message(), HasSubstr("proof is wrong"));
    side.lies = false;
    side.silent = true;
    EXPECT_THAT(run().message(), HasSubstr("no proof of itself"));
    EXPECT_THAT(broker.messages(), IsEmpty());
}

TEST_F(ScramClient, numbers_of_iterations_out_of_bounds_are_refused) {
    for (const std::uint32_t iterations : {1U, 4095U, 20'001U}) {
        side.iterations = iterations;
        EXPECT_EQ(run(), Errc::authentication_failed) << iterations;
    }
    EXPECT_EQ(side.words, 3u); // and nothing was proved
}

TEST_F(ScramClient, a_method_that_the_broker_does_not_know_is_refused) {
    broker.options().authentication = {};
    EXPECT_EQ(run().reason_code(), ReasonCode::bad_authentication_method);
}

} // namespace
} // namespace culex::testing
