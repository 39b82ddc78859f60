#pragma once
/// \file route.hpp
/// Which endpoint is next.

#include <string_view>
#include <vector>

#include <culex/endpoint.hpp>

#include "base/rare.hpp"
#include "base/ring.hpp"

namespace culex::client {

/// The endpoints of a `connect` in their order, around and around: each has its turn once in a round. A Server Reference is a
/// detour, which goes before the next turn and takes none.
///
/// After each attempt that failed, and each connection that ended, exactly one of `stay`, `pass` and `redirect` is called.
class Route {
public:
    /// `redirects`: how many detours one round may have.
    explicit Route(unsigned redirects) noexcept : max_redirects_(redirects) {}

    /// Begins with the first of them; there is at least one.
    void start(std::vector<Endpoint> endpoints);
    /// Begins again with the endpoints that there are.
    void start_over() noexcept;

    [[nodiscard]] bool empty() const noexcept { return endpoints_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return endpoints_.size(); }
    [[nodiscard]] const Endpoint& next() const noexcept {
        return detour_.look().empty() ? endpoints_[turn_] : detour_->front();
    }

    /// `next` has connected: a detour is at its end.
    void connected();
    /// The same endpoint once more. What a detour named is tried once.
    void stay() noexcept;
    /// The next one's turn.
    void pass() noexcept;
    /// `at` has named others to go to; it is passed. `moved`: the first of them that connects takes its place in the order.
    /// False, and nothing has changed, where the reference names nobody, or the round has had its detours.
    [[nodiscard]] bool redirect(std::string_view reference, const Endpoint& at, bool moved);

    /// Each endpoint has had its turn since `new_round`.
    [[nodiscard]] bool round_is_over() const noexcept { return detour_.look().empty() && turns_ >= endpoints_.size(); }
    void new_round() noexcept { turns_ = redirects_ = 0; }

private:
    static constexpr std::size_t no_place = static_cast<std::size_t>(-1);

    unsigned max_redirects_;
    std::vector<Endpoint> endpoints_;
    std::size_t turn_ = 0;   // whose turn it is
    unsigned turns_ = 0;     // in this round
    unsigned redirects_ = 0; // in this round
    Rare<Ring<Endpoint>> detour_;
    std::size_t moved_ = no_place; // the place that the detour may take
    bool astray_ = false;          // the connection is at a detour's end, and nobody's turn
};

/// What a Server Reference names (MQTT 5, section 4.11): `host[:port]`, several with blanks between them, or URLs. Without a
/// scheme it is the transport of `from`, whose default port and path hold as well. What cannot be read, names a file, or
/// would leave TLS, is left out: a broker may send its clients elsewhere, not make them talk in the open.
[[nodiscard]] std::vector<Endpoint> parse_reference(std::string_view reference, const Endpoint& from);

} // namespace culex::client
