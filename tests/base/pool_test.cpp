#include <culex/pool.hpp>

#include <barrier>
#include <cstring>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/pool_trim.hpp"
#include "support/allocations.hpp"

namespace culex {
namespace {

TEST(PoolAnywhere, hands_a_freed_block_out_again_and_keeps_sizes_apart) {
    for (const std::size_t size :
         {std::size_t{1}, std::size_t{64}, std::size_t{65}, std::size_t{4096}, std::size_t{4097}}) {
        void* block = pool_allocate(size);
        std::memset(block, 0xA5, size);
        pool_free(block, size);
        void* again = pool_allocate(size);
        std::memset(again, 0x5A, size);
        pool_free(again, size);
    }
    pool_free(nullptr, 64);
    void* none = pool_allocate(0);
    EXPECT_NE(none, nullptr);
    pool_free(none, 0);
}

TEST(PoolAnywhere, takes_blocks_of_one_thread_back_on_another_and_after_many_frees) {
    std::vector<void*> blocks;
    for (int i = 0; i < 2000; ++i) blocks.push_back(pool_allocate(200));
    std::thread([&blocks] {
        for (void* block : blocks) pool_free(block, 200);
    }).join();
    for (void*& block : blocks) block = pool_allocate(200);
    for (void* block : blocks) pool_free(block, 200);
}

/// Frees its block when the thread ends; made before the pool knows of the thread, so after the pool has left it.
struct FreedLast {
    FreedLast() = default;
    FreedLast(const FreedLast&) = delete;
    FreedLast& operator=(const FreedLast&) = delete;
    ~FreedLast() {
        pool_free(block, 200);
        void* const another = pool_allocate(200);
        std::memset(another, 0xA5, 200);
        pool_free(another, 200);
    }
    void* block = nullptr;
};

TEST(PoolAnywhere, serves_a_thread_to_its_very_end) {
    const auto run = [] {
        static thread_local FreedLast last;
        last.block = pool_allocate(200);
        pool_free(pool_allocate(64), 64);
    };
    std::thread(run).join();
    const std::size_t before = testing::live_bytes();
    for (int i = 0; i < 100; ++i) std::thread(run).join();
    EXPECT_LE(testing::live_bytes(), before + 1'000) << "what a thread frees when it ends is freed";
}

/// What needs the pool itself, and not the heap in its place.
class Pool : public ::testing::Test {
protected:
    void SetUp() override {
        if (!testing::counts_allocations())
            GTEST_SKIP() << "sanitizers take the place of the allocator and of the pool";
        blocks_.reserve(20'000);
        pool_trim(); // what other tests have left
    }

    void allocate(std::size_t count, std::size_t size) {
        while (count-- > 0) {
            blocks_.push_back(pool_allocate(size));
            std::memset(blocks_.back(), 0xA5, size);
        }
    }
    void free_all(std::size_t size) {
        for (void* const block : blocks_) pool_free(block, size);
        blocks_.clear();
    }
    /// Allocations of the heap that `run` needs.
    template <class F> static std::size_t needs(F run) {
        const std::size_t before = testing::allocations();
        run();
        return testing::allocations() - before;
    }

    std::vector<void*> blocks_;
};

TEST_F(Pool, hands_out_again_what_the_same_thread_has_freed) {
    allocate(100, 200);
    free_all(200);
    EXPECT_EQ(0u, needs([this] { allocate(100, 200); }));
    free_all(200);
}

TEST_F(Pool, keeps_nothing_when_it_was_trimmed) {
    const std::size_t before = testing::live_bytes();
    allocate(20'000, 200); // more than a thread keeps
    free_all(200);
    EXPECT_GT(testing::live_bytes(), before + 4'000'000);
    pool_trim();
    EXPECT_LE(testing::live_bytes(), before);
    EXPECT_EQ(100u, needs([this] { allocate(100, 200); }));
    free_all(200);
    EXPECT_EQ(0u, needs([this] { allocate(100, 200); })) << "and then it keeps again";
    free_all(200);
}

TEST_F(Pool, what_one_thread_frees_another_gets) {
    // Each time as much as a thread never keeps.
    constexpr std::size_t count = 10'000;
    constexpr std::size_t size = 128;
    std::size_t most = 0;
    for (int round = 0; round < 20; ++round) {
        const std::size_t needed = needs([this] { allocate(count, size); });
        if (round >= 10) most = std::max(most, needed);
        std::thread([this] { free_all(size); }).join();
    }
    // The thread that ends keeps nothing, so that what it could have kept comes from the heap.
    EXPECT_LT(most, (std::size_t{1} << 20) / size + 200);
    EXPECT_GT(most, 0u);
}

TEST_F(Pool, threads_that_go_on_need_nothing_from_the_heap) {
    constexpr std::size_t size = 300;
    constexpr int rounds = 40;
    std::size_t needed = 0;
    std::barrier turn(2); // one allocates, the other frees
    std::thread freeing([&] {
        for (int round = 0; round < rounds; ++round) {
            turn.arrive_and_wait();
            free_all(size);
            turn.arrive_and_wait();
        }
    });
    for (int round = 0; round < rounds; ++round) {
        const std::size_t more = needs([this] { allocate(1000, size); });
        if (round >= rounds / 2) needed += more;
        turn.arrive_and_wait();
        turn.arrive_and_wait();
    }
    freeing.join();
    EXPECT_EQ(0u, needed);
}

TEST_F(Pool, what_waits_for_other_threads_in_vain_goes_back_to_the_heap) {
    const std::size_t before = testing::live_bytes();
    allocate(20'000, 128); // 2.5 MB, and these never again
    free_all(128);
    constexpr std::size_t count = 2000;
    constexpr std::size_t size = 1024;
    // All but a batch goes through what waits for other threads: the thread's own share is full.
    for (int round = 0; round < 20; ++round) {
        allocate(count, size);
        free_all(size);
    }
    constexpr std::size_t kept_by_thread = std::size_t{1} << 20;
    EXPECT_LE(testing::live_bytes(), before + count * size + kept_by_thread + 100'000);
    EXPECT_EQ(0u, needs([this] { allocate(count, size); })) << "what is asked for stays";
    free_all(size);
}

TEST_F(Pool, a_thread_that_is_full_of_one_size_still_keeps_another) {
    allocate(5000, 250); // more than it keeps
    free_all(250);
    allocate(50, 1000);
    free_all(1000);
    EXPECT_EQ(0u, needs([this] { allocate(50, 1000); }));
    free_all(1000);
}

TEST_F(Pool, great_blocks_are_the_heaps) {
    EXPECT_EQ(1u, needs([] { pool_free(pool_allocate(pool_largest + 1), pool_largest + 1); }));
    EXPECT_EQ(1u, needs([] { pool_free(pool_allocate(pool_largest + 1), pool_largest + 1); }));
    pool_free(nullptr, 100);
}

} // namespace
} // namespace culex
