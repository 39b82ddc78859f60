#include "io/ws_stream.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "io/scratch.hpp"
#include "io/tls_digest.hpp"
#include "io/ws_handshake.hpp"

namespace culex::io {
namespace {

thread_local Buffer plain_memory;
thread_local Buffer frame_memory;

/// Masks must not be foreseen (section 5.3): who chooses a payload could otherwise choose the bytes on the wire, and have a
/// proxy on the way take them for a request of HTTP. So they are the generator's own output, and not what a faster one makes of
/// a seed; drawn for many frames at once, it costs a frame about as much as copying a kilobyte.
class Masks {
public:
    [[nodiscard]] WsMask next() {
        if (at_ == keys_.size()) {
            fill_random(std::as_writable_bytes(std::span(keys_)));
            at_ = 0;
        }
        return keys_[at_++];
    }

private:
    std::array<WsMask, 256> keys_{};
    std::size_t at_ = keys_.size();
};

thread_local Masks masks;

} // namespace

WsStream::WsStream(Scheduler& scheduler, std::unique_ptr<Stream> inner, std::unique_ptr<WsHandshake> handshake,
                   const WsStyle& style)
    : scheduler_(scheduler), style_(style), handshake_(std::move(handshake)), inner_(std::move(inner)),
      reader_(style.server) {}

void WsStream::shake_hands(WsWaiting& waiting) {
    waiting_ = &waiting;
    begin();
}

void WsStream::start(StreamHandler& handler) {
    assert(!handler_ && "culex::Stream started twice");
    handler_ = &handler;
    if (!begun_) return begin();
    if (!inner_ended_) inner_->set_reading(reading_);
    if (!pending_.empty() || end_) scheduler_.post(notice_);
}

void WsStream::begin() {
    begun_ = true;
    inner_->start(*this);
    send_text(handshake_->begin());
}

// --- input

void WsStream::on_read(Bytes bytes) {
    if (end_ || told_) return; // behind the end
    if (handshake_) {
        bytes = continue_handshake(bytes);
        if (handshake_ && !end_) return;
    }
    Scratch plain(plain_memory);
    const Bytes payload = end_ ? Bytes{} : read_frames(bytes, plain.buffer);
    answer_ping();
    deliver(payload);
}

/// Gives what stands behind the handshake.
Bytes WsStream::continue_handshake(Bytes bytes) {
    const std::size_t before = head_.size();
    head_.append(bytes.first(std::min(bytes.size(), HttpHead::most - before)));
    const auto size = HttpHead::size_in(as_text(head_.bytes()));
    if (!size && head_.size() < HttpHead::most) return {};
    std::string reply;
    end_ = size ? handshake_->handle(as_text(head_.bytes().first(*size)), reply)
                : Failure(Errc::websocket_failed, "what should be the head of an HTTP message is too long");
    head_.release();
    send_text(reply);
    if (end_) {
        close_sent_ = true; // there are no frames yet to close with
        if (!inner_ended_) inner_->shutdown();
        return {};
    }
    handshake_.reset();
    established();
    return bytes.subspan(*size - before);
}

void WsStream::established() {
    if (!early_.empty()) {
        send(early_.bytes());
        early_.release();
        drained_ = inner_->backlog() == 0;
        if (drained_) scheduler_.post(notice_);
    }
    if (closing_) close(close_payload(WsClose::normal));
    // Where nobody listens yet, TCP shall hold the peer.
    if ((!handler_ || !reading_) && !inner_ended_) inner_->set_reading(false);
}

/// The payload of all frames, which is a part of the input where that has it in one piece.
Bytes WsStream::read_frames(Bytes input, Buffer& plain) {
    Bytes payload;
    while (const auto piece = reader_.next(input)) {
        switch (piece->opcode) {
        case WsOpcode::ping: // only the last one needs an answer (section 5.5.3): a flood of them costs us no more
            ping_.assign(as_text(piece->bytes));
            owes_pong_ = true;
            break;
        case WsOpcode::pong: // of a ping that we have not sent, which is legal
            break;
        case WsOpcode::close:
            peer_closed(piece->bytes);
            return payload;
        default:
            if (payload.empty() && !style_.server) {
                payload = piece->bytes;
                break;
            }
            if (plain.empty()) plain.append(payload);
            copy_masked(plain.reserve(piece->bytes.size()), piece->bytes, piece->mask);
            plain.commit(piece->bytes.size());
            payload = plain.bytes();
        }
    }
    if (!reader_.fault().empty()) break_off(reader_.close_code(), reader_.fault());
    return payload;
}

void WsStream::peer_closed(Bytes payload) {
    const auto reason = read_close(payload);
    if (!reason) return break_off(WsClose::protocol_error, "a close frame that breaks the rules");
    std::string detail;
    if (reason->code > static_cast<unsigned>(WsClose::normal)) {
        detail = fmt::format("WebSocket close {}{}{}", reason->code, reason->text.empty() ? "" : ": ", reason->text);
    }
    end_ = Failure(Errc::end_of_stream, std::move(detail));
    close(payload.first(std::min<std::size_t>(payload.size(), 2))); // the same code back (section 5.5.1)
    if (!inner_ended_) inner_->shutdown();
}

/// Fails the connection (section 7.1.7).
void WsStream::break_off(WsClose code, const std::string& what) {
    end_ = Failure(Errc::websocket_failed, fmt::format("{}: closed with {}", what, static_cast<unsigned>(code)));
    close(close_payload(code));
    if (!inner_ended_) inner_->shutdown();
}

/// Behind a backlog it waits, so that a peer who does not read makes it no longer.
void WsStream::answer_ping() {
    if (!owes_pong_ || close_sent_ || inner_ended_ || inner_->backlog() > 0) return;
    owes_pong_ = false;
    send_control(WsOpcode::pong, as_bytes(ping_));
}

void WsStream::deliver(Bytes plain) {
    if (waiting_) {
        pending_.append(plain);
        if (handshake_ && !end_) return;
        const bool failed = handshake_ != nullptr;
        WsWaiting* const waiting = std::exchange(waiting_, nullptr);
        if (failed) told_ = true;
        return waiting->on_upgrade(failed ? std::move(end_) : Failure());
    }
    if (!handler_ || !reading_ || !pending_.empty()) {
        pending_.append(plain);
        if (handler_ && reading_) scheduler_.post(notice_);
        return;
    }
    if (plain.empty()) {
        if (end_) tell_end();
        return;
    }
    if (end_) scheduler_.post(notice_);
    handler_->on_read(plain);
}

void WsStream::on_ready(ReadyNode& node) noexcept {
    WsStream& self = static_cast<Notice&>(node).stream;
    if (self.told_) return;
    if (std::exchange(self.drained_, false) && self.handler_ && self.backlog() == 0) {
        if (!self.pending_.empty() || self.end_) self.scheduler_.post(self.notice_);
        return self.handler_->on_drained();
    }
    Buffer plain;
    if (self.reading_) plain.swap(self.pending_);
    if (self.waiting_ || !plain.empty()) return self.deliver(plain.bytes());
    // While reading is off an end waits, as with any stream, unless the inner stream tells it all the same.
    if (self.end_ && self.handler_ && (self.reading_ || self.inner_ended_ || self.end_ != Errc::end_of_stream))
        self.tell_end();
}

void WsStream::tell_end() {
    told_ = true;
    notice_.unlink();
    pending_.release();
    early_.release();
    handler_->on_end(end_);
}

void WsStream::on_end(Failure why) {
    inner_ended_ = true;
    if (told_) return;
    if (!end_) {
        if (why == Errc::end_of_stream) {
            why = handshake_ ? Failure(Errc::websocket_failed, "closed by the peer in the middle of the handshake")
                             : Failure(Errc::end_of_stream, "without a WebSocket close frame");
        }
        end_ = std::move(why);
    }
    if (!waiting_ && !handler_) return;
    if (!pending_.empty() && reading_) return scheduler_.post(notice_);
    if (waiting_) return deliver({});
    tell_end();
}

void WsStream::on_drained() {
    answer_ping();
    if (handler_ && !told_ && !handshake_ && backlog() == 0) handler_->on_drained();
}

void WsStream::set_reading(bool on) {
    reading_ = on;
    if (!handler_ || told_ || handshake_) return; // the handshake needs to read
    if (!inner_ended_) inner_->set_reading(on);
    if (on && (!pending_.empty() || end_)) scheduler_.post(notice_);
}

// --- output

void WsStream::write(Buffer& bytes) {
    if (closing_ || close_sent_ || inner_ended_ || end_ || told_) return bytes.clear();
    if (handshake_) {
        early_.append(bytes.bytes());
    } else {
        send(bytes.bytes());
    }
    bytes.clear();
}

void WsStream::send(Bytes bytes) {
    if (bytes.empty()) return;
    Scratch frames(frame_memory);
    WsOpcode opcode = style_.text ? WsOpcode::text : WsOpcode::binary;
    while (!bytes.empty()) {
        const Bytes payload = bytes.first(std::min(bytes.size(), style_.frame_size));
        bytes = bytes.subspan(payload.size());
        if (!add_frame(frames.buffer, opcode, !style_.fragments || bytes.empty(), payload)) return;
        if (style_.fragments) opcode = WsOpcode::continuation;
        if (style_.pings && !add_frame(frames.buffer, WsOpcode::ping, true, as_bytes("between"))) return;
    }
    inner_->write(frames.buffer);
}

void WsStream::send_control(WsOpcode opcode, Bytes payload) {
    Scratch frames(frame_memory);
    if (add_frame(frames.buffer, opcode, true, payload)) inner_->write(frames.buffer);
}

/// False where there is no randomness for a mask, which ends the stream.
bool WsStream::add_frame(Buffer& to, WsOpcode opcode, bool final, Bytes payload) {
    WsFrame frame{.opcode = opcode, .final = final};
    try {
        if (style_.masks) frame.mask = masks.next();
    } catch (const Error& error) {
        fail(error.failure());
        return false;
    }
    append_frame(to, frame, payload);
    return true;
}

void WsStream::send_text(const std::string& text) {
    if (text.empty()) return;
    Buffer bytes;
    bytes.append(as_bytes(text));
    inner_->write(bytes);
}

void WsStream::shutdown() {
    if (std::exchange(closing_, true)) return;
    if (!handshake_) close(close_payload(WsClose::normal));
}

void WsStream::close(Bytes payload) {
    if (std::exchange(close_sent_, true) || inner_ended_) return;
    send_control(WsOpcode::close, payload);
}

/// Never told from inside a call of the owner's.
void WsStream::fail(Failure why) {
    if (end_) return;
    end_ = std::move(why);
    scheduler_.post(notice_);
}

} // namespace culex::io
