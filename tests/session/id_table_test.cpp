#include "session/id_table.hpp"

#include <map>
#include <random>
#include <stdexcept>

#include <gtest/gtest.h>

namespace culex::session {
namespace {

struct Element {
    PacketId id;
};

TEST(IdTable, finds_what_was_inserted_and_nothing_else) {
    IdTable<Element> table;
    EXPECT_EQ(table.find(1), nullptr);
    Element one{1}, seventeen{17}, last{65'535};
    for (Element* element : {&one, &seventeen, &last}) table.insert(*element);
    EXPECT_EQ(table.find(1), &one);
    EXPECT_EQ(table.find(17), &seventeen);
    EXPECT_EQ(table.find(65'535), &last);
    EXPECT_EQ(table.find(33), nullptr); // the same place in a small table
    EXPECT_EQ(table.find(0), nullptr);
    EXPECT_EQ(table.size(), 3u);
    table.erase(17);
    EXPECT_EQ(table.find(17), nullptr);
    EXPECT_EQ(table.find(1), &one);
}

TEST(IdTable, forgets_many_in_two_steps) {
    IdTable<Element> table;
    Element one{1}, two{2}, three{3};
    for (Element* element : {&one, &two, &three}) table.insert(*element);
    table.vacate(1);
    table.vacate(3);
    table.vacated(2);
    EXPECT_EQ(table.find(1), nullptr);
    EXPECT_EQ(table.find(2), &two);
    EXPECT_EQ(table.find(3), nullptr);
    EXPECT_EQ(table.size(), 1u);
}

TEST(IdTable, refuses_an_identifier_twice) {
    IdTable<Element> table;
    Element one{7}, other{7};
    table.insert(one);
    EXPECT_THROW(table.insert(other), std::logic_error);
    EXPECT_EQ(table.find(7), &one);
    EXPECT_EQ(table.size(), 1u);
}

TEST(IdTable, holds_all_65535) {
    std::vector<Element> elements;
    for (unsigned id = 1; id <= 65'535; ++id) elements.push_back({static_cast<PacketId>(id)});
    IdTable<Element> table;
    for (Element& element : elements) table.insert(element);
    for (Element& element : elements) ASSERT_EQ(table.find(element.id), &element);
    EXPECT_EQ(table.size(), 65'535u);
    std::size_t disposed = 0;
    table.clear([&](Element&) { ++disposed; });
    EXPECT_EQ(disposed, 65'535u);
    EXPECT_EQ(table.size(), 0u);
    EXPECT_EQ(table.find(1), nullptr);
    table.insert(elements[0]);
    EXPECT_EQ(table.find(1), &elements[0]);
}

TEST(IdTable, behaves_like_a_map) {
    std::mt19937 random(20'261'123);
    std::vector<Element> elements(65'536);
    for (unsigned id = 0; id < 65'536; ++id) elements[id].id = static_cast<PacketId>(id);
    IdTable<Element> table;
    std::map<PacketId, Element*> model;
    for (int step = 0; step < 100'000; ++step) {
        const auto id = static_cast<PacketId>(1 + random() % (step / 20'000 % 2 ? 65'535 : 40));
        const auto found = model.find(id);
        ASSERT_EQ(table.find(id), found == model.end() ? nullptr : found->second);
        if (found == model.end()) {
            table.insert(elements[id]);
            model.emplace(id, &elements[id]);
        } else {
            table.erase(id);
            model.erase(found);
        }
        ASSERT_EQ(table.size(), model.size());
    }
}

} // namespace
} // namespace culex::session
