#pragma once
// What the tests of enhanced authentication share: a toy method, and a broker that speaks it.
#include <culex/authenticator.hpp>

#include "client/connections.hpp"

namespace culex {

using culex::testing::AuthReply;
using culex::testing::AuthWord;

/// Says its name, doubles what it is asked, and expects the broker to say "thanks".
class Toy final : public Authenticator {
public:
    std::string_view method() const override { return "toy"; }
    Task<std::string> begin() override {
        const Running now(*this);
        log.push_back("begin");
        if (fails_to_begin) throw std::runtime_error("no token");
        if (begins_after.count() > 0) co_await sleep_for(begins_after);
        co_return "i am " + name;
    }
    Task<std::string> challenge(Bytes data) override {
        const Running now(*this);
        log.push_back("challenge " + std::string(as_text(data)));
        if (answers_after.count() > 0) co_await sleep_for(answers_after);
        co_return answer.empty() ? std::string(as_text(data)) + std::string(as_text(data)) : answer;
    }
    Task<> success(Bytes data) override {
        const Running now(*this);
        log.push_back("success " + std::string(as_text(data)));
        if (verifies_after.count() > 0) co_await sleep_for(verifies_after);
        if (as_text(data) != "thanks") throw Error(Failure(Errc::authentication_failed, "the broker's proof is wrong"));
    }

    std::string name = "toy";
    std::string answer;
    bool fails_to_begin = false;
    Duration begins_after{}, answers_after{}, verifies_after{};
    Lines log;
    int running = 0;

private:
    struct Running {
        explicit Running(Toy& toy_) noexcept : toy(toy_) { ++toy.running; }
        Running(const Running&) = delete;
        Running& operator=(const Running&) = delete;
        ~Running() { --toy.running; }
        Toy& toy;
    };
};

class Authenticating : public ConnectionTest {
protected:
    Authenticating() { serve(a); }

    /// The broker's side: asks for "ab", takes "abab", says thanks.
    void serve(culex::testing::FakeBroker& broker_) {
        broker_.options().authentication = [this](const AuthWord& word) -> AuthReply {
            const std::string data(as_text(word.data));
            words.push_back((word.connected ? "again " : "") + std::string(word.method) + " " + data);
            if (word.step == 0) {
                const bool known = data == "i am toy";
                return known ? AuthReply{ReasonCode::continue_authentication, "ab"}
                             : AuthReply{ReasonCode::not_authorized, {}};
            }
            if (data != "abab") return {ReasonCode::not_authorized, {}};
            return {ReasonCode::success, thanks};
        };
    }
    [[nodiscard]] ClientOptions with_toy() {
        ClientOptions options = quick();
        options.authenticator = &toy;
        return options;
    }
    void start_connected() {
        start(with_toy());
        ASSERT_EQ(connect({at("a")}), "ok");
        words.clear();
        toy.log.clear();
        happened();
    }
    static Task<> again(AsyncClient& client, ReauthenticateOptions options = {}) {
        co_await client.reauthenticate(options);
    }
    std::string reauthenticate(ReauthenticateOptions options = {}) {
        TaskRoot<> root(again(*client, options));
        root.start_on(runtime);
        runtime.run_until([&] { return root.done(); }, 1h);
        return outcome(root);
    }

    Toy toy;
    Lines words;
    std::string thanks = "thanks";
};

} // namespace culex
