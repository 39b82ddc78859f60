#include <array>
#include <thread>

#include "io/open_fixture.hpp"

namespace culex::testing {
namespace {

using namespace std::chrono_literals;

class OpenDropTest : public OpenTest {};

TEST_F(OpenDropTest, may_be_dropped_after_any_number_of_turns) {
    const BlackHole hole("127.0.0.2");
    resolver_.set("drop.fake", {"127.0.0.3", "127.0.0.2", "127.0.0.4"});
    const Endpoint listening = listen("127.0.0.1");
    const Endpoint socket(Transport::unix_socket, "", 0, path("socket"));
    listeners_.push_back(*loop_.listen(socket, accepted_));
    const std::array endpoints{
        tcp("drop.fake", hole.port()), tcp("127.0.0.2", hole.port()),           listening, socket,
        tcp("nonexistent.invalid", 1), Endpoint(Transport::tls, "127.0.0.1", 1)};
    for (const Endpoint& endpoint : endpoints) {
        for (int turns = 0; turns < 8; ++turns) {
            Opened opened;
            auto opening = loop_.open(endpoint, {.next_address_after = 1ms}, opened);
            for (int turn = 0; turn < turns && !opened.done(); ++turn) uv_run(native(loop_), UV_RUN_NOWAIT);
            const int calls = opened.calls;
            opening.reset();
            for (int turn = 0; turn < 3; ++turn) uv_run(native(loop_), UV_RUN_NOWAIT);
            EXPECT_EQ(opened.calls, calls);
        }
    }
    listeners_.clear();
    accepted_.streams.clear();
    loop_.run(); // nothing is left that would keep it running
}

TEST_F(OpenDropTest, may_be_dropped_while_the_name_is_being_resolved) {
    resolver_.block();
    opening_ = loop_.open(tcp("blocked.fake", 1883), {}, opened_);
    resolver_.wait_for_lookups(1); // a thread is at it: the lookup can no longer be cancelled
    opening_.reset();
    for (int turn = 0; turn < 3; ++turn) uv_run(native(loop_), UV_RUN_NOWAIT);
    resolver_.release();
    loop_.run();
    EXPECT_EQ(opened_.calls, 0);
}

TEST_F(OpenDropTest, may_be_dropped_while_the_name_waits_for_a_thread) {
    resolver_.block();
    std::vector<std::unique_ptr<Opening>> openings;
    for (int i = 0; i < 50; ++i) openings.push_back(loop_.open(tcp("blocked.fake", 1883), {}, opened_));
    openings.clear();
    resolver_.release();
    loop_.run();
    EXPECT_EQ(opened_.calls, 0);
}

TEST_F(OpenDropTest, may_be_dropped_inside_on_open) {
    struct Drops : Opened {
        void on_open(Result<std::unique_ptr<Stream>> result) override {
            opening.reset();
            Opened::on_open(std::move(result));
        }
        std::unique_ptr<Opening> opening;
    } drops;
    drops.opening = loop_.open(listen("127.0.0.1"), {}, drops);
    run_until(loop_, [&] { return drops.done(); });
    EXPECT_TRUE(drops.stream);
}

TEST_F(OpenDropTest, the_loops_end_does_not_wait_for_the_resolver) {
    const int seen_off = io::loops_seen_off;
    resolver_.block();
    {
        Loop short_lived;
        auto opening = short_lived.open(tcp("blocked.fake", 1883), {}, opened_);
        resolver_.wait_for_lookups(1);
        opening.reset();
    } // would hang here
    resolver_.release();
    while (io::loops_seen_off == seen_off) std::this_thread::yield();
    EXPECT_EQ(opened_.calls, 0);
}

} // namespace
} // namespace culex::testing
