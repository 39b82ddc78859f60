#include <culex/topic.hpp>

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace culex {
namespace {

using namespace std::string_literals;

struct Refused {
    std::string text;
    std::string rule; ///< stands in the detail
};

TEST(TopicName, is_accepted_where_the_standard_allows_it) {
    const std::vector<std::string> table{"a",
                                         "/",
                                         "//",
                                         "a/b",
                                         "/a",
                                         "a/",
                                         "a//b",
                                         " ",
                                         "Accounts payable",
                                         "$SYS/x",
                                         "$share/g/t",
                                         "$",
                                         "\xEF\xBB\xBF"
                                         "a",
                                         "gr\xC3\xBC\xC3\x9F",
                                         std::string(65'535, 'x'),
                                         std::string(65'535, '/')};
    for (const std::string& name : table) EXPECT_TRUE(check_topic_name(name)) << name.substr(0, 80);
}

TEST(TopicName, is_refused_with_the_rule_that_it_breaks) {
    const std::vector<Refused> table{
        {"", "MQTT-4.7.3-1"},
        {"#", "MQTT-4.7.0-1"},
        {"a/#", "MQTT-4.7.0-1"},
        {"+", "MQTT-4.7.0-1"},
        {"a/b+c/d", "MQTT-4.7.0-1"},
        {"a\0b"s, "MQTT-4.7.3-2"},
        {"a/\xFF", "MQTT-1.5.4-1"},
        {"\xED\xA0\x80", "MQTT-1.5.4-1"},
        {std::string(65'536, 'x'), "MQTT-4.7.3-3"},
    };
    for (const Refused& row : table) {
        const Result<void> result = check_topic_name(row.text);
        ASSERT_FALSE(result) << row.text.substr(0, 80);
        EXPECT_TRUE(result.failure() == Errc::invalid_argument);
        EXPECT_EQ(result.failure().reason_code(), ReasonCode::topic_name_invalid);
        EXPECT_NE(result.failure().detail().find(row.rule), std::string::npos) << result.failure().detail();
    }
    EXPECT_EQ(check_topic_name("a/#").failure().detail(), R"(topic name "a/#" contains a wildcard [MQTT-4.7.0-1])");
}

TEST(TopicFilter, is_accepted_where_the_standard_allows_it) {
    const std::vector<std::string> table{"#",
                                         "+",
                                         "/",
                                         "a",
                                         "a/#",
                                         "+/#",
                                         "+/+",
                                         "/+",
                                         "+/",
                                         "+/tennis/#",
                                         "sport/+/player1",
                                         "/#",
                                         "$SYS/#",
                                         "a//#",
                                         "$share/g/t",
                                         "$share/g/#",
                                         "$share/g/+/x",
                                         "$share/g//",
                                         "$share/g/$SYS/#",
                                         "$share/g/$share/h/t",
                                         "$share",
                                         "$sharex/#",
                                         "$share/" + std::string(65'526, 'g') + "/t",
                                         std::string(65'535, '/')};
    for (const std::string& filter : table) EXPECT_TRUE(check_topic_filter(filter)) << filter.substr(0, 80);
}

TEST(TopicFilter, is_refused_with_the_rule_that_it_breaks) {
    const std::vector<Refused> table{
        {"", "MQTT-4.7.3-1"},
        {std::string(65'536, '/'), "MQTT-4.7.3-3"},
        {"a\0"s, "MQTT-4.7.3-2"},
        {"a/\x80/#", "MQTT-1.5.4-1"},
        {"a#", "MQTT-4.7.1-1"},
        {"sport/tennis#", "MQTT-4.7.1-1"},
        {"a/#/b", "MQTT-4.7.1-1"},
        {"#/", "MQTT-4.7.1-1"},
        {"##", "MQTT-4.7.1-1"},
        {"#a", "MQTT-4.7.1-1"},
        {"+#", "MQTT-4.7.1-2"},
        {"a+", "MQTT-4.7.1-2"},
        {"+a", "MQTT-4.7.1-2"},
        {"a/+b", "MQTT-4.7.1-2"},
        {"a/b+/c", "MQTT-4.7.1-2"},
        {"++", "MQTT-4.7.1-2"},
        {"+/a/++", "MQTT-4.7.1-2"},
        {"$share/", "MQTT-4.8.2-1"},
        {"$share//t", "MQTT-4.8.2-1"},
        {"$share/g", "MQTT-4.8.2-2"},
        {"$share/a+b/t", "MQTT-4.8.2-2"},
        {"$share/+/t", "MQTT-4.8.2-2"},
        {"$share/#/t", "MQTT-4.8.2-2"},
        {"$share/#", "MQTT-4.8.2-2"},
        {"$share/g/", "MQTT-4.7.3-1"},
        {"$share/g/a#", "MQTT-4.7.1-1"},
        {"$share/g/+a", "MQTT-4.7.1-2"},
    };
    for (const Refused& row : table) {
        const Result<void> result = check_topic_filter(row.text);
        ASSERT_FALSE(result) << row.text.substr(0, 80);
        EXPECT_TRUE(result.failure() == Errc::invalid_argument);
        EXPECT_EQ(result.failure().reason_code(), ReasonCode::topic_filter_invalid);
        EXPECT_NE(result.failure().detail().find(row.rule), std::string::npos) << result.failure().detail();
    }
    EXPECT_EQ(check_topic_filter("a/b+").failure().detail(),
              R"(topic filter "a/b+" has '+' beside other characters of a level [MQTT-4.7.1-2])");
}

TEST(Matching, follows_the_examples_of_the_standard) {
    struct Row {
        std::string_view filter, topic;
        bool expected;
    };
    const std::vector<Row> table{
        // 4.7.1.2
        {"sport/tennis/player1/#", "sport/tennis/player1", true},
        {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
        {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
        {"sport/tennis/player1/#", "sport/tennis/player10", false},
        {"sport/tennis/player1/#", "sport/tennis", false},
        {"sport/#", "sport", true},
        {"#", "a", true},
        {"#", "/", true},
        {"#", "a/b/c", true},
        {"/#", "/", true},
        {"/#", "a", false},
        {"/#", "/a", true},
        // 4.7.1.3
        {"sport/tennis/+", "sport/tennis/player1", true},
        {"sport/tennis/+", "sport/tennis/player1/ranking", false},
        {"sport/+", "sport", false},
        {"sport/+", "sport/", true},
        {"+/+", "/finance", true},
        {"/+", "/finance", true},
        {"+", "/finance", false},
        {"+", "", false},
        {"+/tennis/#", "sport/tennis", true},
        {"sport/+/player1", "sport//player1", true},
        {"sport/+/player1", "sport/a/b/player1", false},
        {"+/#", "a", true},
        {"+/+/#", "a/b", true},
        {"+/+/#", "a", false},
        // 4.7.2 [MQTT-4.7.2-1]
        {"#", "$SYS/x", false},
        {"#", "$", false},
        {"+/x", "$SYS/x", false},
        {"+/#", "$SYS/x", false},
        {"$SYS/#", "$SYS/monitor/Clients", true},
        {"$SYS/#", "$SYS", true},
        {"$SYS/monitor/+", "$SYS/monitor/Clients", true},
        {"a/#", "a/$SYS", true},
        {"a/+", "a/$SYS", true},
        // 4.7.3, [MQTT-4.7.3-4]
        {"ACCOUNTS", "Accounts", false},
        {"/finance", "finance", false},
        {"a/", "a", false},
        {"a", "a/", false},
        {"a//b", "a/b", false},
        {"a/b", "a//b", false},
        {"\xC3\xA9", "e\xCC\x81", false}, // é composed and decomposed
        {"\xEF\xBB\xBF"
         "a",
         "a", false}, // [MQTT-1.5.4-3]
        {"a b", "a b", true},
        {"a/bc", "a/b", false},
        {"a/b", "a/bc", false},
    };
    for (const Row& row : table)
        EXPECT_EQ(matches(row.filter, row.topic), row.expected) << row.filter << " " << row.topic;
}

std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> levels;
    for (;;) {
        const std::size_t slash = text.find('/');
        levels.push_back(text.substr(0, slash));
        if (slash == text.npos) return levels;
        text.remove_prefix(slash + 1);
    }
}

/// Section 4.7 level by level, as one would write it without a thought of speed.
bool matches_by_levels(std::string_view filter, std::string_view topic) {
    const auto filters = split(filter);
    const auto topics = split(topic);
    if (topic.starts_with('$') && (filters[0] == "+" || filters[0] == "#")) return false;
    for (std::size_t level = 0; level < filters.size(); ++level) {
        if (filters[level] == "#") return topics.size() >= level;
        if (level == topics.size()) return false;
        if (filters[level] != "+" && filters[level] != topics[level]) return false;
    }
    return filters.size() == topics.size();
}

std::string join(std::mt19937& random, const std::vector<std::string>& levels) {
    std::string out = levels[random() % levels.size()];
    for (std::size_t more = random() % 4; more > 0; --more) out += "/" + levels[random() % levels.size()];
    return out;
}

TEST(Matching, agrees_with_a_comparison_level_by_level) {
    std::mt19937 random(20'261'123);
    int hits = 0;
    for (int round = 0; round < 200'000; ++round) {
        std::string filter = join(random, {"a", "ab", "", "+", "$x"});
        if (random() % 4 == 0) filter = random() % 8 == 0 ? "#" : filter + "/#";
        const std::string topic = join(random, {"a", "ab", "", "$x"});
        if (filter.empty() || topic.empty()) continue;
        const bool expected = matches_by_levels(filter, topic);
        ASSERT_EQ(matches(filter, topic), expected) << filter << " " << topic;
        hits += expected ? 1 : 0;
    }
    EXPECT_GT(hits, 10'000);
}

TEST(SharedFilter, is_taken_apart) {
    const auto simple = parse_shared("$share/group/a/+/#");
    ASSERT_TRUE(simple);
    EXPECT_EQ(simple->group, "group");
    EXPECT_EQ(simple->filter, "a/+/#");
    const auto slash = parse_shared("$share/g//");
    ASSERT_TRUE(slash);
    EXPECT_EQ(slash->filter, "/");
    for (const std::string_view other : {"", "a/b", "$share", "$share/", "$share/g", "$share/g/", "$share//t",
                                         "$share/+/t", "$share/a#b/t", "$SHARE/g/t", "x$share/g/t"}) {
        EXPECT_FALSE(parse_shared(other)) << other;
    }
}

} // namespace
} // namespace culex
