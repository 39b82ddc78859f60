#pragma once
/// \file open_fixture.hpp
/// A loop that opens streams, with a resolver that says what a test wants.

#include "io/connector.hpp"
#include "io/fake_resolver.hpp"
#include "io/io_test.hpp"

namespace culex::testing {

class OpenTest : public IoTest {
protected:
    void open(const Endpoint& endpoint, StreamOptions options = {}) {
        opened_.stream.reset();
        opened_.failure = Failure();
        opened_.calls = 0;
        opening_ = loop_.open(endpoint, options, opened_);
        EXPECT_EQ(opened_.calls, 0); // never from inside the call
        run_until(loop_, [&] { return opened_.done(); });
        EXPECT_EQ(opened_.calls, 1);
        opening_.reset();
    }
    [[nodiscard]] Endpoint listen(const std::string& host) {
        auto listener = loop_.listen(tcp(host, 0), accepted_);
        EXPECT_TRUE(listener) << listener.failure().message();
        listeners_.push_back(*std::move(listener));
        return listeners_.back()->endpoint();
    }

    FakeResolver resolver_;
    Loop loop_;
    Accepted accepted_;
    std::vector<std::unique_ptr<Listener>> listeners_;
    Opened opened_;
    std::unique_ptr<Opening> opening_;
};

} // namespace culex::testing
