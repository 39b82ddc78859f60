#include <gtest/gtest.h>

#include <array>
#include <cstdint>

#include <culex/properties.hpp>

#include "wire/arena.hpp"

namespace culex::wire {
namespace {

bool is_aligned(const void* pointer, std::size_t alignment) {
    return reinterpret_cast<std::uintptr_t>(pointer) % alignment == 0;
}

TEST(Arena, gives_aligned_empty_elements_that_do_not_overlap) {
    Arena arena;
    const std::span<char> first = arena.array<char>(3);
    const std::span<std::uint32_t> second = arena.array<std::uint32_t>(5);
    const std::span<UserProperty> third = arena.array<UserProperty>(2);
    EXPECT_TRUE(is_aligned(second.data(), alignof(std::uint32_t)));
    EXPECT_TRUE(is_aligned(third.data(), alignof(UserProperty)));
    for (const std::uint32_t value : second) EXPECT_EQ(value, 0U);
    EXPECT_EQ(third[1], UserProperty{});
    for (std::uint32_t& value : second) value = 0xFFFF'FFFF;
    EXPECT_EQ(first[2], 0);
    EXPECT_EQ(third[0], UserProperty{});
    const std::size_t padded = 4 + 5 * sizeof(std::uint32_t);
    EXPECT_EQ(arena.used(), padded + padded % alignof(UserProperty) + 2 * sizeof(UserProperty));
}

TEST(Arena, gives_nothing_for_nothing) {
    Arena arena;
    EXPECT_TRUE(arena.array<UserProperty>(0).empty());
    EXPECT_EQ(arena.used(), 0U);
}

TEST(Arena, begins_in_the_callers_block_whatever_its_alignment) {
    alignas(UserProperty) std::array<std::byte, 256> block{};
    for (std::size_t offset = 0; offset < alignof(UserProperty); ++offset) {
        // Just enough for two elements and the padding before them.
        const std::span<std::byte> part{block.data() + offset, 2 * sizeof(UserProperty) + alignof(UserProperty) - 1};
        Arena arena(part);
        const std::span<UserProperty> elements = arena.array<UserProperty>(2);
        EXPECT_TRUE(is_aligned(elements.data(), alignof(UserProperty)));
        const auto* bytes = reinterpret_cast<const std::byte*>(elements.data());
        EXPECT_GE(bytes, part.data());
        EXPECT_LE(bytes + elements.size_bytes(), part.data() + part.size());
    }
}

TEST(Arena, goes_on_behind_the_callers_block) {
    std::array<std::byte, 16> block{};
    Arena arena(block);
    const std::span<std::uint32_t> elements = arena.array<std::uint32_t>(1000);
    elements[999] = 7;
    EXPECT_EQ(elements[999], 7U);
}

TEST(Arena, keeps_earlier_arrays_when_it_grows) {
    Arena arena;
    const std::span<std::uint32_t> first = arena.array<std::uint32_t>(10);
    first[9] = 42;
    for (std::size_t size = 10; size < 10'000; size *= 2) EXPECT_EQ(arena.array<std::uint32_t>(size).size(), size);
    EXPECT_EQ(first[9], 42U);
}

TEST(Arena, uses_its_memory_again_after_a_reset) {
    Arena arena;
    const void* first = arena.array<std::uint32_t>(16).data();
    arena.reset();
    EXPECT_EQ(arena.used(), 0U);
    EXPECT_EQ(arena.array<std::uint32_t>(16).data(), first);
}

TEST(Arena, returns_to_the_callers_block_after_a_large_packet) {
    alignas(std::uint32_t) std::array<std::byte, 64> block{};
    Arena arena(block);
    (void)arena.array<std::uint32_t>(100'000);
    arena.reset();
    EXPECT_EQ(static_cast<const void*>(arena.array<std::uint32_t>(4).data()), block.data());
}

} // namespace
} // namespace culex::wire
