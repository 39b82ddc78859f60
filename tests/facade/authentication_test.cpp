// The documented client with an authentication method (MQTT 5, section 4.12).
#include <atomic>

#include "facade/facade_test.hpp"

namespace culex::facade {
namespace {

using culex::testing::AuthReply;
using culex::testing::AuthWord;

/// Answers what it is asked with the password.
class Password final : public Authenticator {
public:
    explicit Password(std::string password) : password_(std::move(password)) {}
    std::string_view method() const override { return "password"; }
    Task<std::string> begin() override { co_return "hello"; }
    Task<std::string> challenge(Bytes) override { co_return password_; }
    Task<> success(Bytes) override {
        ++successes;
        co_return;
    }
    std::atomic<int> successes = 0;

private:
    const std::string password_;
};

class FacadeAuthentication : public FacadeTest {
protected:
    FacadeAuthentication() {
        broker.call([](FakeBroker& b) {
            b.options().authentication = [](const AuthWord& word) -> AuthReply {
                if (word.step == 0) return {ReasonCode::continue_authentication, "password?"};
                return {as_text(word.data) == "secret" ? ReasonCode::success : ReasonCode::not_authorized, {}};
            };
        });
    }
    static ClientSettings with(std::shared_ptr<Authenticator> authenticator) {
        ClientSettings made = settings();
        made.authenticator = std::move(authenticator);
        return made;
    }
};
INSTANTIATE_TEST_SUITE_P(V5, FacadeAuthentication, ::testing::Values(Version::v5), version_name);

TEST_P(FacadeAuthentication, connects_with_it_and_again_after_a_lost_connection) {
    const auto password = std::make_shared<Password>("secret");
    Client client{"c", true, with(password)};
    connect(client);
    client.publish("a", "1", 1);
    EXPECT_EQ("1", published.take().payload);
    drop_connections();
    client.publish("a", "2", 1);
    EXPECT_EQ("2", published.take().payload);
    EXPECT_EQ(2, password->successes);
    EXPECT_EQ(2u, received(PacketType::auth));
}

TEST_P(FacadeAuthentication, a_refusal_is_thrown_with_its_reason) {
    Client client{"c", true, with(std::make_shared<Password>("guess"))};
    const Failure failure = failure_of([&] { connect(client); });
    EXPECT_TRUE(failure == Errc::connection_refused) << failure.message();
    EXPECT_EQ(ReasonCode::not_authorized, failure.reason_code());
}

TEST_P(FacadeAuthentication, under_3_1_1_it_is_refused_when_the_client_is_made) {
    ClientSettings old = with(std::make_shared<Password>("secret"));
    old.version = Version::v3_1_1;
    const Failure failure = failure_of([&] { const Client client("c", true, old); });
    EXPECT_TRUE(failure == Errc::invalid_argument) << failure.message();
    EXPECT_THAT(failure.detail(), HasSubstr("authenticator"));
}

} // namespace
} // namespace culex::facade
