#pragma once
/// \file explanation.hpp
/// The words that go with a reason code of ours, and those that wait for the answer that carries them.

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <culex/properties.hpp>

#include "base/rare.hpp"
#include "session/inbound.hpp"

namespace culex::session {

/// A reason string and user properties, owned.
struct Explanation {
    Explanation() = default;
    explicit Explanation(const AckProperties& properties) : reason_string(properties.reason_string.value_or("")) {
        for (const UserProperty& each : properties.user_properties) user_properties.emplace_back(each.name, each.value);
    }
    [[nodiscard]] bool empty() const noexcept { return reason_string.empty() && user_properties.empty(); }
    [[nodiscard]] std::vector<UserProperty> views() const {
        std::vector<UserProperty> all;
        all.reserve(user_properties.size());
        for (const auto& [name, value] : user_properties) all.push_back({name, value});
        return all;
    }

    std::string reason_string{}; ///< empty: none
    std::vector<std::pair<std::string, std::string>> user_properties{};
};

/// Refusals are rare, and most come without words: so these do not stand with the answers of inbound.hpp. There are no more
/// than messages that wait for their answers.
class Explanations {
public:
    /// Those of a delivery that is refused now; in place of what an earlier message has left under its identifier.
    void keep(const Delivery& delivery, const AckProperties* properties) {
        if (kept_) kept_->erase(delivery.id);
        if (!properties) return;
        Explanation words(*properties);
        if (!words.empty()) kept_.use().emplace(delivery.id, Kept{delivery.qos, std::move(words)});
    }
    /// Those of the answer that is written now.
    [[nodiscard]] Explanation take(PacketId id, QoS qos) {
        if (!kept_) return {};
        const auto found = kept_->find(id);
        if (found == kept_->end() || found->second.qos != qos) return {};
        return std::move(kept_->extract(found).mapped().words);
    }
    /// The link has ended: at QoS 1 the message comes again as another one, at QoS 2 the answer is still owed.
    void forget_link() {
        if (kept_) std::erase_if(*kept_, [](const auto& each) { return each.second.qos == QoS::at_least_once; });
    }
    void forget_session() noexcept { kept_.reset(); }

private:
    struct Kept {
        QoS qos = QoS::at_least_once;
        Explanation words{};
    };
    Rare<std::unordered_map<PacketId, Kept>> kept_;
};

} // namespace culex::session
