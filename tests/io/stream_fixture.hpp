#pragma once
/// \file stream_fixture.hpp
/// Two connected streams, of each kind of socket.

#include <array>

#include "io/io_test.hpp"
#include "io/socket_stream.hpp"

namespace culex::testing {

enum class Kind { ipv4, ipv6, unix_socket };

/// Two connected streams, one opened and one accepted.
class StreamTest : public IoTest, public ::testing::WithParamInterface<Kind> {
protected:
    void SetUp() override {
        auto listening = loop_.listen(endpoint(), accepted_);
        if (!listening && GetParam() == Kind::ipv6) GTEST_SKIP() << listening.failure().message();
        ASSERT_TRUE(listening) << listening.failure().message();
        Opened opened;
        const auto opening = loop_.open((*listening)->endpoint(), {}, opened);
        run_until(loop_, [&] { return opened.done() && !accepted_.streams.empty(); });
        ASSERT_TRUE(opened.stream) << opened.failure.message();
        near_ = std::move(opened.stream);
        far_ = std::move(accepted_.streams[0]);
    }
    [[nodiscard]] Endpoint endpoint() {
        if (GetParam() == Kind::ipv4) return tcp("127.0.0.1", 0);
        if (GetParam() == Kind::ipv6) return tcp("::1", 0);
        return Endpoint(Transport::unix_socket, "", 0, path("stream"));
    }

    Loop loop_;
    Accepted accepted_;
    std::unique_ptr<Stream> near_;
    std::unique_ptr<Stream> far_;
};

inline std::string kind_name(const ::testing::TestParamInfo<Kind>& info) {
    constexpr std::array names{"ipv4", "ipv6", "unix_socket"};
    return names.at(static_cast<std::size_t>(info.param));
}

} // namespace culex::testing
