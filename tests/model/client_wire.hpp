#pragma once
/// \file client_wire.hpp
/// Shows the model what clients read and write, at the moment when they do. A tap would show it too, but a session with a
/// tap does not take the short ways of its input, which are to be checked as well.

#include <memory>

#include <culex/runtime.hpp>
#include <culex/stream.hpp>
#include <culex/testing/virtual_runtime.hpp>

namespace culex::model {

/// Hears of the connections of all clients. A connection counts until its client has read its end or shut it down: what
/// comes then is read by nobody.
class WireWatcher {
public:
    virtual void link_began(std::size_t client) = 0;
    virtual void link_ended(std::size_t client) = 0;
    /// Before the client gets the bytes, and after it has.
    virtual void before_input(std::size_t client, Bytes bytes) = 0;
    virtual void after_input(std::size_t client) = 0;
    /// It does not read from now on.
    virtual void reading_stopped(std::size_t client) = 0;
    /// Before the transport gets them.
    virtual void before_output(std::size_t client, Bytes bytes) = 0;

protected:
    ~WireWatcher() = default;
};

/// For `VirtualRuntime::set_tls`, which takes openings through a function: where a client connects to `mqtts://N`, it
/// reaches `mqtt://broker`, and `watcher` sees what goes over it as client N's. One watcher at a time.
[[nodiscard]] std::unique_ptr<Opening> open_watched(Runtime& runtime, const Endpoint& endpoint,
                                                    const StreamOptions& options, OpenHandler& handler);
void set_watcher(WireWatcher* watcher) noexcept;

} // namespace culex::model
