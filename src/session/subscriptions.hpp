#pragma once
/// \file subscriptions.hpp
/// What the broker has granted, so that it can be asked for again when the broker has lost the session.

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <culex/packet.hpp>

#include "base/rare.hpp"

namespace culex::session {

class Subscriptions {
public:
    void granted(const TopicSubscription& subscription, std::optional<std::uint32_t> identifier);
    void removed(std::string_view filter) noexcept;
    void clear() noexcept { granted_.reset(); }

    [[nodiscard]] bool empty() const noexcept { return size() == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return granted_ ? granted_->size() : 0; }

    /// Calls `subscribe(const Subscribe&)`, without packet identifier, until everything is asked for once: packets of at
    /// most `filters_per_packet` filters and, but for a single filter that is longer, `bytes_per_packet` bytes, each with
    /// one subscription identifier. `if_new`: retained messages are for those that the broker does not have.
    template <class F> void restore(std::size_t bytes_per_packet, bool if_new, F subscribe) const;

private:
    static constexpr std::size_t filters_per_packet = 512;
    // First byte, Remaining Length, packet identifier, the length of the properties, a subscription identifier.
    static constexpr std::size_t head_size = 1 + 4 + 2 + 1 + 5;

    struct Granted {
        TopicSubscription options; // its filter views the key
        std::optional<std::uint32_t> identifier;
    };
    Rare<std::map<std::string, Granted, std::less<>>> granted_;
};

template <class F> void Subscriptions::restore(std::size_t bytes_per_packet, bool if_new, F subscribe) const {
    if (!granted_) return;
    std::vector<TopicSubscription> batch;
    for (auto next = granted_->begin(); next != granted_->end();) {
        batch.clear();
        std::size_t bytes = head_size;
        const std::optional<std::uint32_t> identifier = next->second.identifier;
        do {
            batch.push_back(next->second.options);
            if (if_new && batch.back().retain_handling == RetainHandling::send)
                batch.back().retain_handling = RetainHandling::send_if_new;
            bytes += next->first.size() + 3;
            ++next;
        } while (next != granted_->end() && next->second.identifier == identifier &&
                 batch.size() < filters_per_packet && bytes + next->first.size() + 3 <= bytes_per_packet);
        subscribe(Subscribe{.subscriptions = batch, .properties = {.subscription_identifier = identifier}});
    }
}

} // namespace culex::session
