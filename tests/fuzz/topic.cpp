// Topic names and filters. The input is lines: a topic, and up to 24 filters.
//
// Invariant: the checks of names and filters agree with a plain reading of the standard, `matches` with a comparison level by
// level that takes its time, and the topic tree with `matches`: with all filters, after half of them went, and after one was
// asked for by name. A shared subscription falls apart into what it was put together from.

#include <memory>
#include <string>
#include <vector>

#include <culex/topic.hpp>

#include "base/topic_tree.hpp"
#include "fuzz/fuzz.hpp"

namespace culex::fuzz {
namespace {

using Levels = std::vector<std::string_view>;

Levels split(std::string_view text, char at) {
    Levels levels;
    for (;;) {
        const std::size_t end = text.find(at);
        levels.push_back(text.substr(0, end));
        if (end == text.npos) return levels;
        text.remove_prefix(end + 1);
    }
}

// --- the reference: slow and plain

/// The code point at the front, which is taken off; -1 where there is none of well-formed UTF-8 (RFC 3629).
long take_code_point(std::string_view& text) {
    const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    const unsigned first = at(0);
    const std::size_t size = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
    if (size == 0 || size > text.size()) return -1;
    long value = size == 1 ? first : static_cast<long>(first & (0x7FU >> size));
    for (std::size_t i = 1; i < size; ++i) {
        if (at(i) >> 6 != 2) return -1;
        value = value << 6 | static_cast<long>(at(i) & 0x3FU);
    }
    constexpr long least[] = {0, 0, 0x80, 0x800, 0x1'0000};
    if (value < least[size] || value > 0x10'FFFF || (value >= 0xD800 && value <= 0xDFFF)) return -1;
    text.remove_prefix(size);
    return value;
}

bool is_text(std::string_view text) {
    if (text.empty() || text.size() > 65'535) return false;
    while (!text.empty()) {
        if (take_code_point(text) <= 0) return false;
    }
    return true;
}

bool has_wildcard(std::string_view text) { return text.find_first_of("+#") != text.npos; }

bool is_name(std::string_view text) { return is_text(text) && !has_wildcard(text); }

bool has_legal_levels(std::string_view filter) {
    const Levels levels = split(filter, '/');
    for (std::size_t i = 0; i < levels.size(); ++i) {
        if (!has_wildcard(levels[i]) || levels[i] == "+") continue;
        if (levels[i] != "#" || i + 1 != levels.size()) return false;
    }
    return true;
}

bool is_filter(std::string_view text) {
    if (!is_text(text)) return false;
    const Levels levels = split(text, '/');
    if (levels[0] != "$share" || levels.size() == 1) return has_legal_levels(text);
    if (levels.size() == 2 || levels[1].empty() || has_wildcard(levels[1])) return false;
    const std::string_view inner = text.substr(levels[0].size() + levels[1].size() + 2);
    return !inner.empty() && has_legal_levels(inner);
}

bool reference_matches(std::string_view filter, std::string_view topic) {
    const Levels wanted = split(filter, '/');
    const Levels levels = split(topic, '/');
    if (topic[0] == '$' && (wanted[0] == "+" || wanted[0] == "#")) return false;
    for (std::size_t i = 0;; ++i) {
        if (i == wanted.size()) return i == levels.size();
        if (wanted[i] == "#") return true; // the level above has matched, and is meant as well
        if (i == levels.size() || (wanted[i] != "+" && wanted[i] != levels[i])) return false;
    }
}

// --- the comparisons

/// What the tree holds: they are compared by their numbers, and a filter may come twice.
struct Entry {
    std::string_view filter;
    bool there = false;
};

void check_tree(const TopicTree<std::size_t>& tree, const std::vector<Entry>& entries, std::string_view topic) {
    std::vector<int> found(entries.size());
    tree.match(topic, [&](std::size_t number) { ++found[number]; });
    for (std::size_t number = 0; number < entries.size(); ++number) {
        const bool expected = entries[number].there && matches(entries[number].filter, topic);
        FUZZ_CHECK(found[number] == int{expected}, "\"{}\" was found {} times for \"{}\"", entries[number].filter,
                   found[number], topic);
    }
}

void check_trees(std::vector<Entry>& entries, const Levels& topics) {
    TopicTree<std::size_t> tree;
    const auto check_all = [&] {
        for (const std::string_view topic : topics) check_tree(tree, entries, topic);
    };
    for (std::size_t number = 0; number < entries.size(); ++number) {
        tree.insert(entries[number].filter, number);
        entries[number].there = true;
    }
    FUZZ_CHECK(tree.size() == entries.size(), "{} of {}", tree.size(), entries.size());
    check_all();
    for (std::size_t number = 0; number < entries.size(); number += 2) {
        const std::size_t* const value = tree.find(entries[number].filter, number);
        FUZZ_CHECK(value && *value == number, "\"{}\" is lost", entries[number].filter);
        FUZZ_CHECK(tree.erase(entries[number].filter, number) == 1, "\"{}\" stays", entries[number].filter);
        FUZZ_CHECK(tree.erase(entries[number].filter, number) == 0, "\"{}\" goes twice", entries[number].filter);
        entries[number].there = false;
    }
    check_all();
    for (std::size_t number = 1; number < entries.size(); number += 2) tree.erase(entries[number].filter, number);
    FUZZ_CHECK(tree.empty(), "{} are left", tree.size());
}

void check_line(std::string_view line) {
    const Result<void> name = check_topic_name(line);
    FUZZ_CHECK(bool(name) == is_name(line), "topic name \"{}\"", line);
    if (!name) FUZZ_CHECK(name.failure().reason_code() == ReasonCode::topic_name_invalid, "\"{}\"", line);
    const Result<void> filter = check_topic_filter(line);
    FUZZ_CHECK(bool(filter) == is_filter(line), "topic filter \"{}\"", line);
    if (!filter) FUZZ_CHECK(filter.failure().reason_code() == ReasonCode::topic_filter_invalid, "\"{}\"", line);
    const std::optional<SharedFilter> shared = parse_shared(line);
    if (shared) {
        FUZZ_CHECK(fmt::format("$share/{}/{}", shared->group, shared->filter) == line, "\"{}\"", line);
    }
    if (filter) FUZZ_CHECK(bool(shared) == line.starts_with("$share/"), "\"{}\"", line);
}

void run(std::string_view text) {
    constexpr std::size_t most = 25;
    Levels lines = split(text, '\n');
    if (lines.size() > most) lines.resize(most);
    std::vector<Entry> entries;
    Levels topics;
    for (const std::string_view line : lines) {
        check_line(line);
        if (is_name(line)) topics.push_back(line);
        if (!is_filter(line)) continue;
        const std::optional<SharedFilter> shared = parse_shared(line);
        entries.push_back({shared ? shared->filter : line});
    }
    for (const Entry& entry : entries) {
        for (const std::string_view topic : topics) {
            FUZZ_CHECK(matches(entry.filter, topic) == reference_matches(entry.filter, topic), "\"{}\" and \"{}\"",
                       entry.filter, topic);
        }
    }
    check_trees(entries, topics);
}

} // namespace
} // namespace culex::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    culex::fuzz::run({reinterpret_cast<const char*>(data), size});
    return 0;
}
