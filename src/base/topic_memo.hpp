#pragma once
/// \file topic_memo.hpp
/// What a topic has led to before, for topics that come again and again.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace culex {

/// A few places, each for one topic and a pointer; where a topic stands is computed from a few of its bytes, and who comes
/// later takes the place over. So it costs the same however many filters there are, and nothing but time if it forgets.
/// Topics of less than 8 bytes or more than `longest` are not remembered. It has no memory before it has anything.
template <class T> class TopicMemo {
public:
    static constexpr std::size_t longest = 52;

    /// Where the pointer stands that the topic led to; null for what is not remembered.
    [[nodiscard]] T* const* find(std::string_view topic) const noexcept {
        if (topic.size() - 8 > longest - 8) return nullptr;
        const Place& place = (*places_)[place_of(topic)];
        return place.size == topic.size() && same(place.topic, topic) ? &place.value : nullptr;
    }
    void remember(std::string_view topic, T* value) {
        if (topic.size() - 8 > longest - 8) return;
        if (!memory_) memory_ = std::make_unique<Places>();
        places_ = memory_.get();
        Place& place = (*memory_)[place_of(topic)];
        place.value = value;
        place.size = static_cast<std::uint32_t>(topic.size());
        std::memcpy(place.topic, topic.data(), topic.size());
    }
    /// What was remembered may not hold any more. Gives the memory back.
    void forget() noexcept {
        places_ = &nothing;
        memory_.reset();
    }

private:
    struct Place {
        T* value = nullptr;
        std::uint32_t size = 0; // 0: none
        char topic[longest] = {};
    };
    using Places = std::array<Place, 32>;
    static constexpr Places nothing{}; // so that `find` needs not ask whether there is memory

    [[nodiscard]] static std::uint64_t word(const char* at) noexcept {
        std::uint64_t value = 0;
        std::memcpy(&value, at, sizeof value);
        return value;
    }
    /// Topics differ in their first bytes or in their last.
    [[nodiscard]] static std::size_t place_of(std::string_view topic) noexcept {
        const std::uint64_t ends = word(topic.data()) + std::rotl(word(topic.data() + topic.size() - 8), 29);
        return static_cast<std::size_t>(ends * 0x9E37'79B9'7F4A'7C15U >> 59);
    }
    [[nodiscard]] static bool same(const char* known, std::string_view topic) noexcept {
        const char* const at = topic.data();
        const std::size_t last = topic.size() - 8; // overlaps what is done already
        std::uint64_t difference = (word(known) ^ word(at)) | (word(known + last) ^ word(at + last));
        if (topic.size() <= 16) return difference == 0;
        for (std::size_t done = 8; done < last; done += 8) difference |= word(known + done) ^ word(at + done);
        return difference == 0;
    }

    const Places* places_ = &nothing;
    std::unique_ptr<Places> memory_;
};

} // namespace culex
