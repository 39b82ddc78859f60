#pragma once
/// \file socket_stream.hpp
/// A connected socket as a stream.

#include "io/loop_core.hpp"
#include "io/socket.hpp"

namespace culex::io {

/// How it ends. Reading meets the peer's end or an error, and that is told at once. Where writing fails, what the peer has
/// said before may still wait to be read (an MQTT 5 broker says why it closes): that is read first, and then the failure
/// is told.
class SocketStream final : public Stream {
public:
    /// `poll` watches `socket` and is not active.
    SocketStream(LoopCore& core, FileDescriptor socket, Handle<uv_poll_t> poll, std::string peer, bool quick_ack);

    void start(StreamHandler& handler) override;
    void write(Buffer& bytes) override;
    void write_with(Buffer& bytes, Payload payload) override;
    [[nodiscard]] std::size_t backlog() const noexcept override { return backlog_.size() + payload_.size(); }
    [[nodiscard]] std::size_t unsent() const noexcept override;
    void set_reading(bool on) override;
    void shutdown() override;
    void acknowledge_soon() noexcept override;
    [[nodiscard]] std::string peer() const override { return peer_; }

    [[nodiscard]] int socket() const noexcept { return socket_.number(); }

private:
    enum class Writing : std::uint8_t { open, ending, ended, failed };

    static void on_poll(uv_poll_t* poll, int status, int events) noexcept;
    static void on_ready(ReadyNode& node) noexcept;
    void read_once();
    void read_last_words();
    void flush_backlog();
    [[nodiscard]] bool send_some(Buffer& bytes);
    [[nodiscard]] bool send_some(Buffer& bytes, Payload& payload);
    [[nodiscard]] bool sent(ssize_t count, Buffer& bytes, Payload& payload);
    void keep(Buffer& bytes);
    void drop_backlog() noexcept {
        backlog_.release();
        payload_ = {};
    }
    void end_writing() noexcept;
    void fail_write(int error);
    void end(Failure why);
    void watch();

    /// Posted where the handler is to be told something that did not come from a read.
    struct Notice : ReadyNode {
        explicit Notice(SocketStream& of) noexcept : ReadyNode(&SocketStream::on_ready), stream(of) {}
        SocketStream& stream;
    };

    LoopUser user_;
    FileDescriptor socket_; // outlives `poll_`: libuv wants to be told before a descriptor is closed
    Handle<uv_poll_t> poll_;
    StreamHandler* handler_ = nullptr;
    Notice notice_{*this};
    Buffer backlog_;
    Payload payload_;       // the rest of the backlog
    Failure write_failure_; // to be told
    std::string peer_;
    int watched_ = 0; // the events that libuv watches for
    Writing writing_ = Writing::open;
    bool reading_ = true;
    bool drained_ = false; // to be told
    bool ended_ = false;   // has been told
    bool quick_ack_;
};

/// The stream of a socket that has just connected or been accepted. The failure is libuv's, which cannot watch it.
[[nodiscard]] Result<std::unique_ptr<Stream>> make_stream(LoopCore& core, FileDescriptor socket, std::string peer,
                                                          bool quick_ack);

} // namespace culex::io
