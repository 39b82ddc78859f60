#include <culex/testing/virtual_runtime.hpp>

#include <algorithm>
#include <cassert>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include <fmt/format.h>

namespace culex::testing {

namespace {

std::string name_of(const Endpoint& endpoint) {
    if (endpoint.transport() == Transport::unix_socket) return endpoint.path();
    if (endpoint.host().find(':') != std::string::npos) return fmt::format("[{}]:{}", endpoint.host(), endpoint.port());
    return fmt::format("{}:{}", endpoint.host(), endpoint.port());
}

std::optional<Failure> unsupported(const Endpoint& endpoint) {
    if (endpoint.transport() == Transport::tcp || endpoint.transport() == Transport::unix_socket) return std::nullopt;
    return Failure(Errc::not_supported, "the virtual runtime has TCP and Unix sockets only")
        .during(Phase::connect)
        .at(name_of(endpoint));
}

Failure stuck(std::string detail) {
    return Failure(std::make_error_code(std::errc::resource_deadlock_would_occur), std::move(detail));
}

} // namespace

struct VirtualRuntime::Network {
    std::map<std::string, PipeListener*> listeners; // by `name_of`
    std::set<std::string> unresolvable;
    std::set<std::string> black_holes;
    std::set<PipeOpening*> swallowed; // openings that a black hole has
    std::uint16_t next_port = 49152;  // of listeners that let the system choose
    unsigned connections = 0;

    /// Instead of `name`.
    [[nodiscard]] std::string who_listens(const std::string& name) const {
        std::string names;
        for (const auto& [other, listener] : listeners) names += (names.empty() ? "" : ", ") + other;
        return fmt::format("nobody listens at {}; there is {}", name, names.empty() ? "nobody else" : names);
    }
};

class VirtualRuntime::PipeListener final : public Listener {
public:
    PipeListener(VirtualRuntime& runtime, Endpoint endpoint, AcceptHandler& handler)
        : runtime_(runtime), endpoint_(std::move(endpoint)), handler_(handler) {
        runtime_.network_->listeners.emplace(name_of(endpoint_), this);
    }
    ~PipeListener() override { runtime_.network_->listeners.erase(name_of(endpoint_)); }

    const Endpoint& endpoint() const noexcept override { return endpoint_; }
    void accept(std::unique_ptr<Stream> stream) { handler_.on_accept(std::move(stream)); }

private:
    VirtualRuntime& runtime_;
    Endpoint endpoint_;
    AcceptHandler& handler_;
};

/// Ends in two steps, since either handler may destroy anything: the listener hears first, the opener on the next turn.
class VirtualRuntime::PipeOpening final : public Opening, private Timer, private ReadyNode {
public:
    PipeOpening(VirtualRuntime& runtime, Endpoint endpoint, OpenHandler& handler)
        : Timer([](Timer& self) { static_cast<PipeOpening&>(self).arrive(); }),
          ReadyNode([](ReadyNode& self) { static_cast<PipeOpening&>(self).tell(); }), runtime_(runtime),
          endpoint_(std::move(endpoint)), handler_(handler) {
        runtime_.arm_after(*this, runtime_.options_->latency);
    }
    ~PipeOpening() override { runtime_.network_->swallowed.erase(this); }

private:
    void arrive();
    void tell() {
        auto outcome = *std::move(outcome_);
        handler_.on_open(std::move(outcome));
    }
    void end(Result<std::unique_ptr<Stream>> outcome) {
        outcome_.emplace(std::move(outcome));
        runtime_.post(*this);
    }

    VirtualRuntime& runtime_;
    Endpoint endpoint_;
    OpenHandler& handler_;
    std::optional<Result<std::unique_ptr<Stream>>> outcome_;
};

void VirtualRuntime::PipeOpening::arrive() {
    Network& network = *runtime_.network_;
    const std::string name = name_of(endpoint_);
    if (auto failure = unsupported(endpoint_)) return end(*std::move(failure));
    if (network.unresolvable.contains(endpoint_.host())) {
        return end(Failure(Errc::host_not_found, "set_unresolvable says so").during(Phase::resolve).at(name));
    }
    if (network.black_holes.contains(endpoint_.host())) {
        network.swallowed.insert(this);
        return;
    }
    const auto listener = network.listeners.find(name);
    if (listener == network.listeners.end()) {
        return end(Failure(std::make_error_code(std::errc::connection_refused), network.who_listens(name))
                       .during(Phase::connect)
                       .at(name));
    }
    const std::string own_name = endpoint_.transport() == Transport::unix_socket
                                     ? "unix"
                                     : fmt::format("127.0.0.1:{}", 32768 + network.connections++ % 16384);
    auto [mine, theirs] = make_pipe(runtime_, runtime_.options_, {name, own_name});
    end(std::move(mine));
    listener->second->accept(std::move(theirs)); // may destroy this
}

VirtualRuntime::VirtualRuntime(const PipeOptions& options)
    : options_(std::make_shared<PipeOptions>(options)), network_(std::make_unique<Network>()) {}

VirtualRuntime::~VirtualRuntime() = default;

std::unique_ptr<Opening> VirtualRuntime::open(const Endpoint& endpoint, const StreamOptions& options,
                                              OpenHandler& handler) {
    if (endpoint.transport() == Transport::tls && open_tls_) return open_tls_(*this, endpoint, options, handler);
    const bool websocket = endpoint.transport() == Transport::ws || endpoint.transport() == Transport::wss;
    if (websocket && open_websocket_) return open_websocket_(*this, endpoint, options, handler);
    return std::make_unique<PipeOpening>(*this, endpoint, handler);
}

Result<std::unique_ptr<Listener>> VirtualRuntime::listen(const Endpoint& endpoint, AcceptHandler& handler) {
    if (auto failure = unsupported(endpoint)) return *std::move(failure);
    const bool choose = endpoint.transport() == Transport::tcp && endpoint.port() == 0;
    Endpoint bound = choose ? Endpoint(endpoint.transport(), endpoint.host(), network_->next_port++) : endpoint;
    if (network_->listeners.contains(name_of(bound))) {
        return Failure(std::make_error_code(std::errc::address_in_use)).during(Phase::connect).at(name_of(bound));
    }
    return std::unique_ptr<Listener>(std::make_unique<PipeListener>(*this, std::move(bound), handler));
}

void VirtualRuntime::set_unresolvable(const std::string& host, bool on) {
    if (on) {
        network_->unresolvable.insert(host);
    } else {
        network_->unresolvable.erase(host);
    }
}

void VirtualRuntime::set_black_hole(const std::string& host, bool on) {
    if (on) {
        network_->black_holes.insert(host);
    } else {
        network_->black_holes.erase(host);
    }
}

void VirtualRuntime::turn() {
    assert(!turning_ && "culex: a virtual runtime was run by something that it runs");
    if (++turns_at_this_instant_ > turn_limit_) {
        throw Error(
            stuck(fmt::format("livelock: {} turns without time passing; something posts itself forever", turn_limit_)));
    }
    turning_ = true;
    run_timers();
    run_ready();
    turning_ = false;
}

bool VirtualRuntime::step() {
    const TimePoint next = next_event();
    if (next == TimePoint::max()) return false;
    if (next > now_) {
        now_ = next;
        turns_at_this_instant_ = 0;
    }
    turn();
    return true;
}

void VirtualRuntime::step_of_run(TimePoint end) {
    const TimePoint next = next_event();
    if (next == TimePoint::max()) {
        std::string detail = "deadlock: the task can never end; nothing is ready and no timer is armed";
        if (const auto count = network_->swallowed.size()) {
            detail += fmt::format(" ({} {} in a black hole)", count, count == 1 ? "opening is" : "openings are");
        }
        throw Error(stuck(std::move(detail)));
    }
    if (next > end) throw Error(Failure(Errc::timed_out, "the task has not ended within run's limit of virtual time"));
    step();
}

void VirtualRuntime::run_until_idle() {
    turns_at_this_instant_ = 0;
    while (next_event() <= now_) turn();
}

void VirtualRuntime::advance(Duration duration) {
    turns_at_this_instant_ = 0;
    const TimePoint end = time_after(duration);
    while (next_event() <= end) step();
    now_ = std::max(now_, end);
}

} // namespace culex::testing
