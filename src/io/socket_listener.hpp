#pragma once
/// \file socket_listener.hpp
/// A listening socket.

#include "io/loop_core.hpp"
#include "io/socket.hpp"

namespace culex::io {

class SocketListener final : public Listener {
public:
    SocketListener(LoopCore& core, FileDescriptor socket, Endpoint endpoint, AcceptHandler& handler);
    ~SocketListener() override;

    [[nodiscard]] const Endpoint& endpoint() const noexcept override { return endpoint_; }
    /// 0, or libuv's error.
    [[nodiscard]] int start();

private:
    struct RetryTimer : Timer {
        explicit RetryTimer(SocketListener& of) noexcept : Timer(&SocketListener::on_timer), listener(of) {}
        SocketListener& listener;
    };
    static void on_poll(uv_poll_t* poll, int status, int events) noexcept;
    static void on_timer(Timer& timer);
    void accept_one();
    void pause();
    [[nodiscard]] Result<std::unique_ptr<Stream>> make_peer(FileDescriptor socket) const;

    LoopUser user_;
    FileDescriptor socket_;
    Handle<uv_poll_t> poll_;
    Endpoint endpoint_;
    AcceptHandler& handler_;
    RetryTimer retry_{*this};
};

/// See `Loop::listen`.
[[nodiscard]] Result<std::unique_ptr<Listener>> listen_on(LoopCore& core, const Endpoint& endpoint,
                                                          AcceptHandler& handler);

} // namespace culex::io
