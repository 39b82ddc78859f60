#include "io/open_fixture.hpp"
#include "support/no_descriptors.hpp"

namespace culex::testing {
namespace {

class ListenTest : public OpenTest {};

TEST_F(ListenTest, chooses_a_free_port_and_tells_it) {
    const Endpoint endpoint = listen("127.0.0.1");
    EXPECT_EQ(endpoint.host(), "127.0.0.1");
    EXPECT_NE(endpoint.port(), 0);
    auto taken = loop_.listen(endpoint, accepted_);
    EXPECT_FALSE(taken);
    EXPECT_EQ(taken.failure(), std::errc::address_in_use);
    EXPECT_EQ(taken.failure().address(), endpoint.to_string());
}

TEST_F(ListenTest, listens_on_the_address_of_a_name) {
    const Endpoint endpoint = listen("localhost");
    open(endpoint);
    EXPECT_TRUE(opened_.stream) << opened_.failure.message();
    auto unknown = loop_.listen(tcp("nonexistent.invalid", 0), accepted_);
    EXPECT_FALSE(unknown);
    EXPECT_EQ(unknown.failure(), Errc::host_not_found);
}

TEST_F(ListenTest, refuses_a_path_that_no_unix_socket_can_have) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{200}}) {
        const Endpoint endpoint(Transport::unix_socket, "", 0, std::string(size, 'x'));
        auto refused = loop_.listen(endpoint, accepted_);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.failure(), Errc::invalid_argument);
        EXPECT_EQ(refused.failure().phase(), Phase::connect);
    }
}

TEST_F(ListenTest, may_be_destroyed_inside_on_accept_and_then_refuses) {
    struct Once : Accepted {
        void on_accept(std::unique_ptr<Stream> stream) override {
            Accepted::on_accept(std::move(stream));
            listener.reset();
        }
        std::unique_ptr<Listener> listener;
    } once;
    once.listener = *loop_.listen(tcp("127.0.0.1", 0), once);
    const Endpoint endpoint = once.listener->endpoint();
    open(endpoint);
    run_until(loop_, [&] { return once.streams.size() == 1; });
    EXPECT_TRUE(opened_.stream);
    open(endpoint);
    EXPECT_EQ(opened_.failure, std::errc::connection_refused);
}

TEST_F(ListenTest, waits_and_does_not_spin_while_the_process_has_no_descriptors) {
    const Endpoint endpoint = listen("127.0.0.1");
    PlainSocket peer("127.0.0.1");
    io::SocketAddress address;
    ASSERT_TRUE(address.parse("127.0.0.1", endpoint.port()));
    ASSERT_EQ(::connect(peer.number(), address.get(), address.size()), 0);
    {
        const NoDescriptors none;
        for (int turn = 0; turn < 3; ++turn) uv_run(native(loop_), UV_RUN_NOWAIT);
        EXPECT_TRUE(accepted_.streams.empty());
        EXPECT_GT(uv_backend_timeout(native(loop_)), 0); // sleeps
    }
    run_until(loop_, [&] { return accepted_.streams.size() == 1; });
}

} // namespace
} // namespace culex::testing
