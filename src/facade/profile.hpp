#pragma once
/// \file profile.hpp
/// What a documented client tells its broker, kept.

#include <optional>
#include <string>
#include <vector>

#include <culex/client.hpp>
#include <culex/options.hpp>

#include "facade/kept.hpp"

namespace culex::facade {

/// `ClientOptions` that own what they show.
struct Profile {
    struct WillMessage {
        std::string topic{};
        std::string payload{};
        QoS qos = QoS::at_most_once;
        bool retain = false;
        std::shared_ptr<const Kept<WillProperties>> properties{};
    };

    /// Views this profile.
    [[nodiscard]] ClientOptions options() const;
    /// Throws `Error` where the options break a rule.
    void check() const;

    std::string client_id{};
    bool clean_session = true;
    ClientSettings settings{}; ///< its views are of no use here
    std::vector<ReasonVerdict> verdicts{};
    std::shared_ptr<const Kept<ConnectProperties>> properties{};
    std::optional<WillMessage> will{};
    std::optional<std::string> user_name{};
    std::optional<std::string> password{};
    std::chrono::seconds keep_alive{60};
    std::optional<SocketKeepalive> socket_keepalive{};
    std::optional<TlsContext> tls{};
};

} // namespace culex::facade
