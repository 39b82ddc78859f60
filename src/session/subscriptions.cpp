#include "session/subscriptions.hpp"

namespace culex::session {

void Subscriptions::granted(const TopicSubscription& subscription, std::optional<std::uint32_t> identifier) {
    const auto place = granted_.use().try_emplace(std::string(subscription.filter)).first;
    place->second = Granted{subscription, identifier};
    place->second.options.filter = place->first;
}

void Subscriptions::removed(std::string_view filter) noexcept {
    if (!granted_) return;
    const auto found = granted_->find(filter);
    if (found != granted_->end()) granted_->erase(found);
}

} // namespace culex::session
