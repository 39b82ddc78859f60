// References that find nothing once their owner has gone.
#include "base/revocable.hpp"

#include <optional>

#include <gtest/gtest.h>

namespace culex {
namespace {

TEST(Revocable, reference_finds_its_owner) {
    int owner = 0;
    Revocable<int> revocable(owner);
    const auto reference = revocable.reference();
    EXPECT_EQ(reference.get(), &owner);
    EXPECT_EQ(revocable.reference().get(), &owner);
    EXPECT_EQ(Revocable<int>::Reference{}.get(), nullptr);
}

TEST(Revocable, reference_finds_nothing_once_its_owner_has_gone) {
    int owner = 0;
    std::optional<Revocable<int>> revocable(owner);
    const auto reference = revocable->reference();
    revocable.reset();
    EXPECT_EQ(reference.get(), nullptr);
}

TEST(Revocable, reference_never_finds_the_next_owner_of_its_place) {
    int first = 0;
    int second = 0;
    std::optional<Revocable<int>> revocable(first);
    const auto stale = revocable->reference();
    revocable.reset();
    revocable.emplace(second);
    const auto fresh = revocable->reference();
    EXPECT_EQ(fresh.place, stale.place); // which is the case that matters
    EXPECT_EQ(fresh.get(), &second);
    EXPECT_EQ(stale.get(), nullptr);
}

} // namespace
} // namespace culex
