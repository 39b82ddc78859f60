#pragma once
/// \file topic_aliases.hpp
/// Our topic aliases (MQTT 5, section 3.3.2.3.4): which topics of ours the broker knows by a number, on this link alone
/// [MQTT-3.3.2-7].
///
/// An alias costs three bytes where it is introduced, and saves the topic from then on. So the first topics get one at once,
/// while there are free ones. Afterwards a topic has to come twice before it takes the place of the one that was not used for
/// the longest time: topics that are used once drive none out.

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace culex::session {

class TopicAliases {
public:
    /// So many at most, whatever the broker allows, and for topics of at most so many bytes: it bounds the memory.
    static constexpr std::uint16_t greatest_number = 1024;
    static constexpr std::size_t longest_topic = 1024;
    /// A topic that is no longer than an alias is written as it is.
    static constexpr std::size_t alias_size = 3;

    /// A new link, on which the broker takes aliases up to `maximum` [MQTT-3.2.2-17]; 0: none [MQTT-3.2.2-18].
    void begin(std::uint16_t maximum) noexcept;
    [[nodiscard]] bool in_use() const noexcept { return maximum_ != 0; }

    /// The alias that the broker knows `topic` by, which counts as a use; 0 where it has none.
    [[nodiscard]] std::uint16_t find(std::string_view topic) noexcept {
        if (!entries_.empty() && entries_[newest_].topic == topic) [[likely]]
            return static_cast<std::uint16_t>(newest_ + 1);
        return find_other(topic);
    }
    /// An alias for a topic that has none: from now on the broker knows it, so it has to be sent. 0 where it gets none.
    [[nodiscard]] std::uint16_t introduce(std::string_view topic);

private:
    using Index = std::uint16_t;
    static constexpr Index none = 0xFFFF;

    struct Entry {
        std::string topic;
        std::uint32_t hash = 0;
        Index next_in_bucket = none;
        Index newer = none;
        Index older = none;
    };

    [[nodiscard]] std::uint16_t find_other(std::string_view topic) noexcept;
    [[nodiscard]] bool came_before(std::uint32_t hash);
    [[nodiscard]] Index take_place_for(std::string_view topic);
    void use(Index index) noexcept;
    void unlink(Index index) noexcept;
    void link_newest(Index index) noexcept;
    void into_bucket(Index index) noexcept;
    void out_of_bucket(Index index) noexcept;
    void grow_buckets();
    [[nodiscard]] Index& bucket_of(std::uint32_t hash) noexcept { return buckets_[hash & (buckets_.size() - 1)]; }

    std::uint16_t maximum_ = 0;
    Index newest_ = none;
    Index oldest_ = none;
    std::vector<Entry> entries_; // the alias is the index, plus 1
    std::vector<Index> buckets_; // a power of two
    using Seen = std::array<std::uint32_t, 32>;
    std::unique_ptr<Seen> seen_; // hashes of topics that came once, each in its place; null before the first
};

} // namespace culex::session
