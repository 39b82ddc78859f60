#include "io/tls_sessions.hpp"

#include <utility>

namespace culex::io {

void TlsSessions::keep(const std::string& endpoint, std::string session) {
    const std::lock_guard lock(mutex_);
    if (const auto found = places_.find(endpoint); found != places_.end()) {
        found->second->session = std::move(session);
        entries_.splice(entries_.begin(), entries_, found->second);
        return;
    }
    if (entries_.size() == most_endpoints) {
        places_.erase(entries_.back().endpoint);
        entries_.pop_back();
    }
    entries_.push_front({endpoint, std::move(session)});
    places_.emplace(entries_.front().endpoint, entries_.begin());
}

std::optional<std::string> TlsSessions::find(const std::string& endpoint) {
    const std::lock_guard lock(mutex_);
    const auto found = places_.find(endpoint);
    if (found == places_.end()) return std::nullopt;
    entries_.splice(entries_.begin(), entries_, found->second);
    return found->second->session;
}

void TlsSessions::forget(const std::string& endpoint) {
    const std::lock_guard lock(mutex_);
    const auto found = places_.find(endpoint);
    if (found == places_.end()) return;
    const auto entry = found->second;
    places_.erase(found); // before what its key views
    entries_.erase(entry);
}

void TlsSessions::clear() {
    const std::lock_guard lock(mutex_);
    places_.clear();
    entries_.clear();
}

} // namespace culex::io
