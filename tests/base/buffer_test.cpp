#include <culex/buffer.hpp>

#include <cstdint>
#include <limits>
#include <new>
#include <random>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace culex {
namespace {

TEST(Buffer, begins_empty_and_without_memory) {
    const Buffer buffer;
    EXPECT_TRUE(buffer.empty());
    EXPECT_EQ(buffer.size(), 0u);
    EXPECT_EQ(buffer.capacity(), 0u);
    EXPECT_TRUE(buffer.bytes().empty());
}

TEST(Buffer, gives_back_in_order_what_was_appended) {
    Buffer buffer;
    buffer.append({});
    EXPECT_EQ(buffer.capacity(), 0u);
    buffer.append(as_bytes("hello "));
    buffer.append(as_bytes("world"));
    EXPECT_EQ(as_text(buffer.bytes()), "hello world");
    buffer.consume(6);
    EXPECT_EQ(as_text(buffer.bytes()), "world");
    buffer.consume(5);
    EXPECT_TRUE(buffer.empty());
}

TEST(Buffer, takes_only_what_is_committed) {
    Buffer buffer;
    std::byte* room = buffer.reserve(100);
    ASSERT_NE(room, nullptr);
    room[0] = std::byte{'x'};
    EXPECT_TRUE(buffer.empty());
    buffer.commit(1);
    EXPECT_EQ(as_text(buffer.bytes()), "x");
}

TEST(Buffer, doubles_from_64_bytes_and_jumps_to_what_is_needed) {
    Buffer buffer;
    buffer.append(as_bytes("x"));
    EXPECT_EQ(buffer.capacity(), 64u);
    buffer.append(as_bytes(std::string(64, 'y')));
    EXPECT_EQ(buffer.capacity(), 128u);
    buffer.append(as_bytes(std::string(100'000, 'z')));
    EXPECT_EQ(buffer.capacity(), 131'072u);
    EXPECT_EQ(as_text(buffer.bytes()), "x" + std::string(64, 'y') + std::string(100'000, 'z'));
}

TEST(Buffer, reuses_the_consumed_part_before_it_grows) {
    Buffer buffer;
    buffer.append(as_bytes(std::string(256, 'a')));
    buffer.append(as_bytes(std::string(256, 'b')));
    buffer.consume(256);
    buffer.append(as_bytes(std::string(256, 'c')));
    EXPECT_EQ(buffer.capacity(), 512u);
    EXPECT_EQ(as_text(buffer.bytes()), std::string(256, 'b') + std::string(256, 'c'));
}

TEST(Buffer, stays_small_in_a_long_run_of_writing_and_consuming) {
    Buffer buffer;
    buffer.append(as_bytes(std::string(400, 'x')));
    for (int round = 0; round < 10'000; ++round) {
        buffer.append(as_bytes("0123456789"));
        buffer.consume(10);
    }
    EXPECT_LE(buffer.capacity(), 4u * 410);
    EXPECT_EQ(buffer.size(), 400u);
}

// A full buffer whose reader takes one byte at a time would otherwise be moved whole for each byte.
TEST(Buffer, moves_each_byte_a_bounded_number_of_times) {
    Buffer buffer;
    buffer.append(as_bytes(std::string(65'536, 'x')));
    const std::byte* front = buffer.bytes().data();
    int moves = 0;
    for (int round = 0; round < 65'536; ++round) {
        buffer.consume(1);
        ++front;
        buffer.append(as_bytes("y"));
        if (buffer.bytes().data() != front) ++moves;
        front = buffer.bytes().data();
    }
    EXPECT_LE(moves, 2);
}

TEST(Buffer, behaves_like_a_queue_of_bytes) {
    std::mt19937 random(20'261'123);
    Buffer buffer;
    std::string model;
    for (int step = 0; step < 20'000; ++step) {
        if (random() % 2 == 0) {
            const std::string piece(random() % 700, static_cast<char>('a' + random() % 26));
            buffer.append(as_bytes(piece));
            model += piece;
        } else {
            const std::size_t count = random() % (std::min<std::size_t>(model.size(), 900) + 1);
            buffer.consume(count);
            model.erase(0, count);
        }
        ASSERT_EQ(as_text(buffer.bytes()), model);
    }
}

TEST(Buffer, keeps_its_content_where_memory_is_refused) {
    Buffer buffer;
    buffer.append(as_bytes("content"));
    buffer.consume(3);
    EXPECT_THROW(static_cast<void>(buffer.reserve(std::numeric_limits<std::size_t>::max() - 2)), std::bad_alloc);
    EXPECT_THROW(static_cast<void>(buffer.reserve(std::numeric_limits<std::size_t>::max() / 3)), std::bad_alloc);
    EXPECT_EQ(as_text(buffer.bytes()), "tent");
    buffer.append(as_bytes("!"));
    EXPECT_EQ(as_text(buffer.bytes()), "tent!");
}

TEST(Buffer, forgets_with_clear_and_gives_memory_back_with_release) {
    Buffer buffer;
    buffer.append(as_bytes("content"));
    buffer.clear();
    EXPECT_TRUE(buffer.empty());
    EXPECT_EQ(buffer.capacity(), 64u);
    buffer.release();
    EXPECT_EQ(buffer.capacity(), 0u);
    buffer.release();
    buffer.append(as_bytes("again"));
    EXPECT_EQ(as_text(buffer.bytes()), "again");
}

TEST(Buffer, is_moved_and_swapped_with_its_memory) {
    Buffer first;
    first.append(as_bytes("first"));
    Buffer second{std::move(first)};
    EXPECT_EQ(as_text(second.bytes()), "first");
    EXPECT_EQ(first.capacity(), 0u); // NOLINT(bugprone-use-after-move): a moved-from buffer is an empty one
    first.append(as_bytes("other"));
    first.swap(second);
    EXPECT_EQ(as_text(first.bytes()), "first");
    EXPECT_EQ(as_text(second.bytes()), "other");
    first = std::move(second);
    EXPECT_EQ(as_text(first.bytes()), "other");
    EXPECT_TRUE(second.empty()); // NOLINT(bugprone-use-after-move)
}

} // namespace
} // namespace culex
