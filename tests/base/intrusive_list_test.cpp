#include <culex/intrusive_list.hpp>

#include <string>
#include <type_traits>

#include <gtest/gtest.h>

namespace culex {
namespace {

struct Item : ListNode {
    explicit Item(char letter) : name(letter) {}
    char name;
};

/// The names in order.
std::string names(IntrusiveList<Item>& list) {
    std::string out;
    list.for_each([&out](Item& item) { out += item.name; });
    return out;
}

TEST(IntrusiveList, keeps_the_order_of_pushing) {
    IntrusiveList<Item> list;
    EXPECT_TRUE(list.empty());
    EXPECT_EQ(list.pop_front(), nullptr);
    Item a{'a'}, b{'b'}, c{'c'};
    list.push_back(b);
    list.push_back(c);
    list.push_front(a);
    EXPECT_EQ(names(list), "abc");
    EXPECT_EQ(&list.front(), &a);
    EXPECT_EQ(list.pop_front(), &a);
    EXPECT_FALSE(a.linked());
    EXPECT_EQ(names(list), "bc");
    list.push_back(a);
    EXPECT_EQ(names(list), "bca");
}

TEST(IntrusiveList, lets_an_element_leave_from_anywhere_and_twice) {
    IntrusiveList<Item> list;
    Item a{'a'}, b{'b'}, c{'c'};
    for (Item* item : {&a, &b, &c}) list.push_back(*item);
    b.unlink();
    b.unlink();
    EXPECT_EQ(names(list), "ac");
    c.unlink();
    EXPECT_EQ(names(list), "a");
    a.unlink();
    EXPECT_TRUE(list.empty());
}

TEST(IntrusiveList, loses_an_element_that_is_destroyed) {
    IntrusiveList<Item> list;
    Item a{'a'};
    list.push_back(a);
    {
        Item b{'b'};
        list.push_back(b);
        EXPECT_EQ(names(list), "ab");
    }
    EXPECT_EQ(names(list), "a");
}

TEST(IntrusiveList, unlinks_what_it_holds_when_it_ends) {
    Item a{'a'}, b{'b'};
    {
        IntrusiveList<Item> list;
        list.push_back(a);
        list.push_back(b);
    }
    EXPECT_FALSE(a.linked());
    EXPECT_FALSE(b.linked());
}

TEST(IntrusiveList, appends_another_list_whole) {
    Item a{'a'}, b{'b'}, c{'c'}, d{'d'};
    IntrusiveList<Item> first, second;
    first.splice_back(second);
    EXPECT_TRUE(first.empty());
    second.push_back(a);
    first.splice_back(second);
    EXPECT_EQ(names(first), "a");
    for (Item* item : {&b, &c, &d}) second.push_back(*item);
    first.splice_back(second);
    EXPECT_EQ(names(first), "abcd");
    EXPECT_TRUE(second.empty());
    c.unlink();
    EXPECT_EQ(names(first), "abd");
    second.push_back(c);
    EXPECT_EQ(names(second), "c");
}

TEST(IntrusiveList, moves_no_element) {
    EXPECT_FALSE(std::is_copy_constructible_v<Item>);
    EXPECT_FALSE(std::is_move_constructible_v<Item>);
    EXPECT_FALSE(std::is_move_constructible_v<IntrusiveList<Item>>);
}

TEST(IntrusiveList, gives_away_what_is_in_front_of_a_place) {
    for (int kept = 0; kept <= 3; ++kept) {
        IntrusiveList<Item> from, to;
        Item z{'z'}, a{'a'}, b{'b'}, c{'c'};
        to.push_back(z);
        for (Item* item : {&a, &b, &c}) from.push_back(*item);
        auto end = from.begin();
        std::string given;
        for (int i = 3; i > kept; --i, ++end) given += end->name;
        to.splice_back(from, end);
        EXPECT_EQ(names(to), "z" + given);
        EXPECT_EQ(names(from), std::string("abc").substr(given.size()));
        z.unlink();
        from.push_back(z); // both lists still work at their ends
        EXPECT_EQ(names(from), std::string("abc").substr(given.size()) + "z");
        EXPECT_EQ(names(to), given);
    }
}

} // namespace
} // namespace culex
