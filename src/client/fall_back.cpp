// Version 5, and 3.1.1 where the broker refuses it.
#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "client/core.hpp"
#include "wire/roles.hpp"

namespace culex::client {
namespace {

/// In words: CONNACK 0x84, or 3.1.1's return code 1.
bool refuses_version(const Failure& why) noexcept {
    return why == Errc::connection_refused && why.reason_code() == ReasonCode::unsupported_protocol_version;
}

/// Hooks and server references can name ever new endpoints; one that is forgotten costs one more refusal.
constexpr std::size_t greatest_memory = 64;

} // namespace

/// RabbitMQ before 3.13 and some others close without a word; so does a broker that is ill, which the second CONNECT shows.
bool Core::may_fall_back(const Failure& why) const noexcept {
    const bool silent = link_ && (why == Errc::end_of_stream || why == std::errc::connection_reset);
    // 3.1.1 has no AUTH: to go on without the proof that was asked for is no choice of ours.
    return settings_.plain().fall_back_to_3_1_1 && !settings_.plain().authenticator &&
           session_.version() == Version::v5 && !told_to_stop() && (refuses_version(why) || silent);
}

/// Once more within the same attempt, so at most two connections for each. What it has found out about the endpoint is kept
/// where the broker has said so, or has accepted the other version: a broker that was only about to stop is asked for 5 again.
Task<Failure> Core::fall_back(Failure why) {
    log(LogLevel::info, "{}: {} does not take MQTT 5, now for 3.1.1", client_id(), endpoint_.to_string());
    const std::string name = endpoint_.to_string();
    const bool said_so = refuses_version(why);
    drop_link();
    runtime_.arm(alarm_, attempt_until_); // the same attempt still
    std::vector<std::string>& refused = endpoints_of_3_1_1_.use();
    if (refused.size() == greatest_memory) refused.erase(refused.begin());
    refused.push_back(name);
    Failure again = co_await greet();
    if (again && !said_so) {
        std::erase(endpoints_of_3_1_1_.use(), name);
        co_return why; // the first words tell more
    }
    co_return again;
}

Version Core::version_for(const Endpoint& endpoint) const {
    if (!endpoints_of_3_1_1_) return settings_.plain().version;
    return std::ranges::count(*endpoints_of_3_1_1_, endpoint.to_string()) > 0 ? Version::v3_1_1
                                                                              : settings_.plain().version;
}

/// Between connections.
void Core::speak(Version version) {
    if (version == session_.version()) return;
    session_.use_version(version);
    if (tap_) tap_->speak(version);
    broker_keeps_to_maximum_ = wire::receive_maximum_binds(version);
}

/// Requests that say where their replies go come under version 5 alone. What is subscribed to stays so, as it does where a
/// service is dropped.
void Core::end_services() {
    if (wire::carries_properties(version())) return;
    while (ServiceNode* const service = services_.pop_front()) {
        service->is_over = true;
        service->changed.notify();
        Inbox& inbox = *service->requests.inbox_;
        if (!inbox.filters.empty()) router_.close(inbox, std::string(inbox.filters.front()));
    }
}

} // namespace culex::client
