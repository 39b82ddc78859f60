#include <culex/payload.hpp>

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace culex {
namespace {

TEST(Payload, takes_over_a_container_and_copies_none_of_it) {
    std::string text(1000, 'x');
    const void* const place = text.data();
    const Payload payload(std::move(text));
    EXPECT_EQ(place, payload.bytes().data());
    EXPECT_EQ(1000u, payload.size());
    std::vector<std::byte> bytes(10, std::byte{7});
    const void* const other = bytes.data();
    EXPECT_EQ(other, Payload(std::move(bytes)).bytes().data());
}

TEST(Payload, is_shared_by_its_copies_and_outlives_the_first) {
    Payload first(std::string(100, 'a'));
    Payload second = first;
    EXPECT_EQ(first.bytes().data(), second.bytes().data());
    first = Payload();
    EXPECT_TRUE(first.empty());
    EXPECT_EQ(std::string(100, 'a'), as_text(second.bytes()));
    second.remove_prefix(99);
    EXPECT_EQ("a", as_text(second.bytes()));
}

TEST(Payload, copies_what_it_is_told_to_copy) {
    std::string text = "text";
    const Payload payload = Payload::copy(as_bytes(text));
    text = "changed";
    EXPECT_EQ("text", as_text(payload.bytes()));
    EXPECT_TRUE(Payload::copy({}).empty());
}

TEST(Payload, is_made_of_owners_that_are_moved_in_alone) {
    static_assert(std::is_constructible_v<Payload, std::string>);
    static_assert(!std::is_constructible_v<Payload, std::string&>);
    static_assert(!std::is_constructible_v<Payload, const std::string>);
    static_assert(!std::is_constructible_v<Payload, std::string_view>);
    static_assert(!std::is_constructible_v<Payload, Bytes>);
    static_assert(!std::is_convertible_v<std::string, Payload>);
}

} // namespace
} // namespace culex
