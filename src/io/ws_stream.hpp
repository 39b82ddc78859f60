#pragma once
/// \file ws_stream.hpp
/// WebSocket as a stream around any stream.
///
/// What one call of `write` takes leaves as one frame, however many packets it holds, and stands in the inner stream's backlog
/// while the socket does not take it: that is where it is bounded. Masking needs a pass over the bytes anyhow, so it goes to
/// memory that all streams of a thread share, where there is room for the header in front. What one read of the inner stream
/// brings is handed on in one piece: where it is part of a single frame, as of a large payload, without being copied.

#include <cstdint>
#include <memory>
#include <string>

#include <culex/runtime.hpp>

#include "io/ws_frames.hpp"

namespace culex::io {

/// One side of the opening handshake: text in, text out.
class WsHandshake {
public:
    virtual ~WsHandshake() = default;
    /// What is said first; a server says nothing.
    [[nodiscard]] virtual std::string begin() = 0;
    /// Takes the whole head of what the peer has said. `reply` is sent, whether this fails or not.
    [[nodiscard]] virtual Failure handle(std::string_view head, std::string& reply) = 0;
};

/// Hears of a client's handshake, from the loop. The stream may be destroyed in the call.
class WsWaiting {
public:
    /// It is established; or it is not, and the stream is of no more use.
    virtual void on_upgrade(Failure why) = 0;

protected:
    ~WsWaiting() = default;
};

/// How frames are written. All but the first two are for tests' servers that are awkward, or wrong.
struct WsStyle {
    bool server = false; ///< takes masked frames, and no others
    bool masks = true;
    bool text = false;
    std::size_t frame_size = SIZE_MAX; ///< the most in one frame; at least 1
    bool fragments = false;            ///< the frames of one write are one message
    bool pings = false;                ///< a ping behind every frame
};

class WsStream final : public Stream, private StreamHandler {
public:
    WsStream(Scheduler& scheduler, std::unique_ptr<Stream> inner, std::unique_ptr<WsHandshake> handshake,
             const WsStyle& style);

    /// A client's handshake; `start` comes after it. A server's stream is just started, and what is written before the
    /// handshake has ended waits.
    void shake_hands(WsWaiting& waiting);

    void start(StreamHandler& handler) override;
    void write(Buffer& bytes) override;
    [[nodiscard]] std::size_t backlog() const noexcept override { return inner_->backlog() + early_.size(); }
    [[nodiscard]] std::size_t unsent() const noexcept override { return inner_->unsent() + early_.size(); }
    void set_reading(bool on) override;
    /// A close frame behind the backlog. The transport's own end is left to who has heard both close frames (section 7.1.1).
    void shutdown() override;
    void acknowledge_soon() noexcept override { inner_->acknowledge_soon(); }
    [[nodiscard]] bool resumed_tls_session() const noexcept override { return inner_->resumed_tls_session(); }
    [[nodiscard]] std::string peer() const override { return inner_->peer(); }

private:
    struct Notice : ReadyNode {
        explicit Notice(WsStream& of) noexcept : ReadyNode(&WsStream::on_ready), stream(of) {}
        WsStream& stream;
    };

    void on_read(Bytes bytes) override;
    void on_end(Failure why) override;
    void on_drained() override;
    static void on_ready(ReadyNode& node) noexcept;

    void begin();
    [[nodiscard]] Bytes continue_handshake(Bytes bytes);
    void established();
    [[nodiscard]] Bytes read_frames(Bytes input, Buffer& plain);
    void peer_closed(Bytes payload);
    void break_off(WsClose code, const std::string& what);
    void answer_ping();
    /// Calls at most one handler, and that is the last thing done.
    void deliver(Bytes plain);
    void tell_end();
    void send(Bytes bytes);
    void send_control(WsOpcode opcode, Bytes payload);
    void close(Bytes payload);
    void send_text(const std::string& text);
    [[nodiscard]] bool add_frame(Buffer& to, WsOpcode opcode, bool final, Bytes payload);
    void fail(Failure why);

    Scheduler& scheduler_;
    const WsStyle style_;
    std::unique_ptr<WsHandshake> handshake_; // until it has ended
    std::unique_ptr<Stream> inner_;          // goes first: it calls us
    WsWaiting* waiting_ = nullptr;
    StreamHandler* handler_ = nullptr;
    Notice notice_{*this};
    WsReader reader_;
    Buffer head_;      // what the peer has said in the handshake
    Buffer pending_;   // payload that came before `start`, or while reading was off
    Buffer early_;     // written before the handshake has ended
    std::string ping_; // the payload of the last one, while it waits to be answered
    Failure end_;      // to be told
    bool begun_ = false;
    bool reading_ = true;
    bool closing_ = false;    // `shutdown` was called
    bool close_sent_ = false; // a frame behind which nothing is written
    bool drained_ = false;    // to be told
    bool owes_pong_ = false;
    bool inner_ended_ = false;
    bool told_ = false; // the end
};

} // namespace culex::io
