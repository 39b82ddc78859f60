#include <array>
#include <atomic>
#include <optional>
#include <thread>

#include "io/loop_fixture.hpp"

namespace culex::testing {
namespace {

class PostTest : public IoTest {};

TEST_F(PostTest, a_posted_function_may_be_one_that_can_only_be_moved) {
    Loop loop;
    auto value = std::make_unique<int>(3);
    int seen = 0;
    loop.post([&seen, value = std::move(value)] { seen = *value; });
    loop.run();
    EXPECT_EQ(seen, 3);
}

TEST_F(PostTest, many_posts_wake_the_loop_once) {
    Loop loop;
    TurnCounter counter(loop);
    int ran = 0;
    std::thread poster([&] {
        for (int i = 0; i < 1000; ++i) loop.post([&] { ++ran; });
    });
    poster.join();
    const Loop::Hold hold(loop);
    uv_run(native(loop), UV_RUN_ONCE);
    EXPECT_EQ(ran, 1000);
    EXPECT_EQ(counter.turns, 1);
}

TEST_F(PostTest, posts_of_several_threads_arrive_in_each_threads_order) {
    constexpr int threads = 4;
    constexpr int posts = 5000;
    Loop loop;
    std::array<int, threads> next{};
    int arrived = 0;
    bool in_order = true;
    std::vector<std::thread> posters;
    for (std::size_t thread = 0; thread < threads; ++thread) {
        posters.emplace_back([&, thread] {
            for (int i = 0; i < posts; ++i) {
                loop.post([&, thread, i] {
                    in_order = in_order && next[thread]++ == i;
                    if (++arrived == threads * posts) loop.stop();
                });
            }
        });
    }
    {
        const Loop::Hold hold(loop);
        loop.run();
    }
    for (std::thread& poster : posters) poster.join();
    EXPECT_EQ(arrived, threads * posts);
    EXPECT_TRUE(in_order);
}

TEST_F(PostTest, run_runs_what_was_posted_before_it_and_by_that) {
    Loop loop;
    int ran = 0;
    loop.post([&] {
        ++ran;
        loop.post([&] { ++ran; });
    });
    loop.run();
    EXPECT_EQ(ran, 2);
}

TEST_F(PostTest, a_hold_keeps_run_waiting_for_posts) {
    Loop loop;
    std::optional<Loop::Hold> hold(std::in_place, loop);
    bool ran = false;
    std::thread poster([&] {
        loop.post([&] {
            ran = true;
            hold.reset();
        });
    });
    loop.run();
    poster.join();
    EXPECT_TRUE(ran);
}

TEST_F(PostTest, posts_to_a_loop_that_is_gone_are_refused_and_their_functions_end) {
    std::optional<Loop> loop(std::in_place);
    const Loop::Poster poster = loop->poster();
    auto never_run = std::make_shared<int>(1);
    EXPECT_TRUE(poster.post([never_run] { FAIL(); }));
    EXPECT_EQ(never_run.use_count(), 2);
    loop.reset();
    EXPECT_EQ(never_run.use_count(), 1);
    EXPECT_FALSE(poster.post([never_run] { FAIL(); }));
    EXPECT_EQ(never_run.use_count(), 1);
}

TEST_F(PostTest, threads_may_post_while_the_loop_is_being_destroyed) {
    for (int round = 0; round < 20; ++round) {
        auto loop = std::make_unique<Loop>();
        std::atomic<int> begun = 0;
        std::vector<std::thread> posters;
        for (int i = 0; i < 4; ++i) {
            posters.emplace_back([&begun, poster = loop->poster()] {
                ++begun;
                while (poster.post([held = std::make_unique<int>(1)] { ++*held; })) {
                }
            });
        }
        while (begun < 4) uv_run(native(*loop), UV_RUN_NOWAIT);
        loop.reset();
        for (std::thread& poster : posters) poster.join();
    }
}

TEST_F(PostTest, what_was_posted_may_post_while_the_loop_destroys_it) {
    std::optional<Loop> loop(std::in_place);
    struct PostsAtEnd {
        explicit PostsAtEnd(Loop::Poster to) : poster(std::move(to)) {}
        ~PostsAtEnd() {
            EXPECT_FALSE(poster.post([] {}));
        }
        Loop::Poster poster;
    };
    loop->post([held = std::make_unique<PostsAtEnd>(loop->poster())] {});
    loop.reset();
}

} // namespace
} // namespace culex::testing
