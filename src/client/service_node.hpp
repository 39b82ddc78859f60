#pragma once
/// \file service_node.hpp
/// How a client knows the services that run on it (`AsyncClient::serve`).

#include <culex/event.hpp>
#include <culex/intrusive_list.hpp>
#include <culex/subscription.hpp>

namespace culex::client {

/// Stands in the frame of the service's task.
struct ServiceNode : ListNode {
    Subscription requests{};
    Signal changed{};     ///< a handler has ended, or the service has to
    bool is_over = false; ///< the broker speaks a version without response topics
};

} // namespace culex::client
