#pragma once
/// \file stream.hpp
/// An ordered stream of bytes to a peer. TCP, Unix socket and in-memory pipe are streams of their own; TLS and WebSocket are
/// streams around a stream.

#include <string>

#include <culex/buffer.hpp>
#include <culex/error.hpp>
#include <culex/payload.hpp>
#include <culex/types.hpp>

namespace culex {

/// What a stream tells its owner. Always called from the loop, never from inside a call to the stream.
class StreamHandler {
public:
    /// Bytes came; they are valid during the call.
    virtual void on_read(Bytes bytes) = 0;
    /// Nothing more will come or go: the peer closed (`Errc::end_of_stream`), or an error. Nothing is called after it.
    virtual void on_end(Failure why) = 0;
    /// The backlog that `write` had left is gone.
    virtual void on_drained() = 0;

protected:
    ~StreamHandler() = default;
};

/// See the file's comment. Belongs to its loop's thread, and must end before the loop.
class Stream {
public:
    Stream() = default;
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    /// Closes at once; what was not sent is lost, and the handler hears no more. Legal inside a handler's own call.
    virtual ~Stream() = default;

    /// Begins to read into `handler`, which must outlive the stream. To be called once.
    virtual void start(StreamHandler& handler) = 0;
    /// Takes all of `bytes` and leaves it empty (perhaps with other memory). What the socket does not take at once waits
    /// as backlog; who respects `backlog()` bounds it.
    virtual void write(Buffer& bytes) = 0;
    /// The same with `payload` behind them, which need not be copied. Here it is: what hands bytes on as they are can do better.
    // NOLINTNEXTLINE(performance-unnecessary-value-param): those who keep it move it on
    virtual void write_with(Buffer& bytes, Payload payload) {
        bytes.append(payload.bytes());
        write(bytes);
    }
    /// Bytes that were written and that the socket has not taken yet.
    [[nodiscard]] virtual std::size_t backlog() const noexcept = 0;
    /// The same, and bytes that the socket has and the peer's system has not confirmed, as far as the stream can tell. It may ask
    /// the system: not for each message.
    [[nodiscard]] virtual std::size_t unsent() const noexcept { return backlog(); }
    /// Stops and resumes reading, so that TCP holds the peer back.
    virtual void set_reading(bool on) = 0;
    /// Ends the writing direction behind the backlog; reading goes on until the peer closes too.
    virtual void shutdown() = 0;
    /// A hint: the peer waits for our transport's acknowledgement and nothing is about to be written.
    virtual void acknowledge_soon() noexcept {}
    /// A stream of TLS whose handshake went on with the session of an earlier connection.
    [[nodiscard]] virtual bool resumed_tls_session() const noexcept { return false; }
    /// The peer's address for a person, `"127.0.0.1:1883"`.
    [[nodiscard]] virtual std::string peer() const = 0;
};

} // namespace culex
