#pragma once
/// \file tls_stream.hpp
/// TLS as a stream around any stream.
///
/// What one call of `write` takes leaves as one record for each 16 KiB, and stands in the inner stream's backlog while the
/// socket does not take it: that is where it is bounded. What one read of the inner stream brings is decrypted at once and
/// handed on in one piece, in a buffer that all TLS streams of a thread share.

#include <memory>

#include <culex/runtime.hpp>

#include "io/tls_engine.hpp"

namespace culex::io {

/// Hears of a client's handshake, from the loop. The stream may be destroyed in the call.
class TlsHandshake {
public:
    /// It is established; or it is not, and the stream is of no more use.
    virtual void on_handshake(Failure why) = 0;

protected:
    ~TlsHandshake() = default;
};

class TlsStream final : public Stream, private StreamHandler {
public:
    TlsStream(Scheduler& scheduler, std::unique_ptr<Stream> inner, std::unique_ptr<TlsEngine> engine);

    /// A client's handshake; `start` comes after it. A server's stream is just started, and shakes hands by itself; what is
    /// written before that has ended waits.
    void shake_hands(TlsHandshake& waiting);

    void start(StreamHandler& handler) override;
    void write(Buffer& bytes) override;
    [[nodiscard]] std::size_t backlog() const noexcept override { return inner_->backlog() + early_.size(); }
    [[nodiscard]] std::size_t unsent() const noexcept override { return inner_->unsent() + early_.size(); }
    void set_reading(bool on) override;
    void shutdown() override;
    void acknowledge_soon() noexcept override { inner_->acknowledge_soon(); }
    [[nodiscard]] bool resumed_tls_session() const noexcept override { return engine_->resumed(); }
    [[nodiscard]] std::string peer() const override { return inner_->peer(); }

    [[nodiscard]] const TlsEngine& engine() const noexcept { return *engine_; }

private:
    struct Notice : ReadyNode {
        explicit Notice(TlsStream& of) noexcept : ReadyNode(&TlsStream::on_ready), stream(of) {}
        TlsStream& stream;
    };

    void on_read(Bytes bytes) override;
    void on_end(Failure why) override;
    void on_drained() override;
    static void on_ready(ReadyNode& node) noexcept;

    void begin();
    /// What follows when the engine has had input: each calls at most one handler, and that is the last thing done.
    void established();
    void deliver(Buffer& plain);
    void tell_end();
    void encrypt(Buffer& bytes);
    void send_output();
    void close();
    void fail(Failure why);

    Scheduler& scheduler_;
    std::unique_ptr<TlsEngine> engine_;
    std::unique_ptr<Stream> inner_; // goes first: it calls us
    TlsHandshake* waiting_ = nullptr;
    StreamHandler* handler_ = nullptr;
    Notice notice_{*this};
    Buffer pending_; // plain text that came before `start`, or while reading was off
    Buffer early_;   // written before the handshake has ended
    Failure end_;    // to be told
    bool begun_ = false;
    bool reading_ = true;
    bool closing_ = false;   // `shutdown` was called
    bool shut_down_ = false; // the inner stream, too
    bool drained_ = false;   // to be told
    bool inner_ended_ = false;
    bool told_ = false; // the end
};

} // namespace culex::io
