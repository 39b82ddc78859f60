#include "session/topic_aliases.hpp"

#include <algorithm>
#include <cstring>

namespace culex::session {
namespace {

template <class Word> std::uint64_t word_at(const char* at) noexcept {
    Word word = 0;
    std::memcpy(&word, at, sizeof word);
    return word;
}

/// Of more than three bytes: eight at a time, or four; the last ones overlap. Never 0, which `seen_` has for an empty place.
std::uint32_t hash_of(std::string_view topic) noexcept {
    constexpr std::uint64_t factor = 0x9E37'79B9'7F4A'7C15;
    const char* at = topic.data();
    const char* const end = at + topic.size();
    std::uint64_t hash = topic.size();
    const auto mix = [&hash](std::uint64_t word) {
        hash = (hash ^ word) * factor;
        hash ^= hash >> 32;
    };
    if (topic.size() < 8) {
        mix(word_at<std::uint32_t>(at) << 32 | word_at<std::uint32_t>(end - 4));
    } else {
        for (; end - at > 8; at += 8) mix(word_at<std::uint64_t>(at));
        mix(word_at<std::uint64_t>(end - 8));
    }
    return static_cast<std::uint32_t>(hash) | 1;
}

} // namespace

void TopicAliases::begin(std::uint16_t maximum) noexcept {
    maximum_ = std::min(maximum, greatest_number);
    entries_.clear();
    buckets_.clear();
    newest_ = oldest_ = none;
    seen_.reset();
}

static_assert(TopicAliases::alias_size >= 3, "hash_of reads four bytes");

std::uint16_t TopicAliases::find_other(std::string_view topic) noexcept {
    if (entries_.empty() || topic.size() <= alias_size) return 0;
    const std::uint32_t hash = hash_of(topic);
    for (Index at = bucket_of(hash); at != none; at = entries_[at].next_in_bucket) {
        if (entries_[at].hash != hash || entries_[at].topic != topic) continue;
        use(at);
        return static_cast<std::uint16_t>(at + 1);
    }
    return 0;
}

std::uint16_t TopicAliases::introduce(std::string_view topic) {
    if (topic.size() <= alias_size || topic.size() > longest_topic) return 0;
    const std::uint32_t hash = hash_of(topic);
    if (entries_.size() == maximum_ && !came_before(hash)) return 0;
    const Index index = take_place_for(topic);
    entries_[index].topic = topic;
    entries_[index].hash = hash;
    into_bucket(index);
    link_newest(index);
    return static_cast<std::uint16_t>(index + 1);
}

bool TopicAliases::came_before(std::uint32_t hash) {
    if (!seen_) seen_ = std::make_unique<Seen>();
    std::uint32_t& seen = (*seen_)[hash >> 16 & (seen_->size() - 1)];
    if (seen == hash) {
        seen = 0;
        return true;
    }
    seen = hash;
    return false;
}

/// A free one, or that of the topic that was not used for the longest time; with memory for the topic. What throws has changed
/// nothing.
TopicAliases::Index TopicAliases::take_place_for(std::string_view topic) {
    if (entries_.size() < maximum_) {
        if (entries_.size() == buckets_.size()) grow_buckets();
        entries_.push_back({.topic = std::string(topic)});
        return static_cast<Index>(entries_.size() - 1);
    }
    const Index index = oldest_;
    entries_[index].topic.reserve(topic.size());
    out_of_bucket(index);
    unlink(index);
    return index;
}

// --- by use

void TopicAliases::use(Index index) noexcept {
    unlink(index);
    link_newest(index);
}

void TopicAliases::unlink(Index index) noexcept {
    const Entry& entry = entries_[index];
    (entry.newer == none ? newest_ : entries_[entry.newer].older) = entry.older;
    (entry.older == none ? oldest_ : entries_[entry.older].newer) = entry.newer;
}

void TopicAliases::link_newest(Index index) noexcept {
    Entry& entry = entries_[index];
    entry.newer = none;
    entry.older = newest_;
    (newest_ == none ? oldest_ : entries_[newest_].newer) = index;
    newest_ = index;
}

// --- by topic

void TopicAliases::into_bucket(Index index) noexcept {
    Index& first = bucket_of(entries_[index].hash);
    entries_[index].next_in_bucket = first;
    first = index;
}

void TopicAliases::out_of_bucket(Index index) noexcept {
    Index* at = &bucket_of(entries_[index].hash);
    while (*at != index) at = &entries_[*at].next_in_bucket;
    *at = entries_[index].next_in_bucket;
}

void TopicAliases::grow_buckets() {
    buckets_.assign(std::max<std::size_t>(8, buckets_.size() * 2), none);
    for (std::size_t index = 0; index < entries_.size(); ++index) into_bucket(static_cast<Index>(index));
}

} // namespace culex::session
