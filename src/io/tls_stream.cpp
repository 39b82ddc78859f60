#include "io/tls_stream.hpp"

#include <utility>

#include "io/scratch.hpp"

namespace culex::io {
namespace {

thread_local Buffer plain_memory;
thread_local Buffer output_memory;

} // namespace

TlsStream::TlsStream(Scheduler& scheduler, std::unique_ptr<Stream> inner, std::unique_ptr<TlsEngine> engine)
    : scheduler_(scheduler), engine_(std::move(engine)), inner_(std::move(inner)) {}

void TlsStream::shake_hands(TlsHandshake& waiting) {
    waiting_ = &waiting;
    begin();
}

void TlsStream::start(StreamHandler& handler) {
    assert(!handler_ && "culex::Stream started twice");
    handler_ = &handler;
    if (!begun_) return begin();
    if (!inner_ended_) inner_->set_reading(reading_);
    if (!pending_.empty() || end_) scheduler_.post(notice_);
}

void TlsStream::begin() {
    begun_ = true;
    inner_->start(*this);
    Failure why = engine_->begin();
    send_output();
    if (why) fail(std::move(why));
}

void TlsStream::on_read(Bytes bytes) {
    if (end_ || told_) return; // behind the end
    const bool was_established = engine_->established();
    Scratch plain(plain_memory);
    Failure why = engine_->handle_input(bytes, plain.buffer);
    if (engine_->peer_closed()) end_ = Failure(Errc::end_of_stream);
    if (why) end_ = std::move(why);
    send_output();
    if (engine_->established() && !was_established) established();
    deliver(plain.buffer);
}

void TlsStream::established() {
    if (!early_.empty()) {
        encrypt(early_);
        early_.release();
        drained_ = inner_->backlog() == 0;
        if (drained_) scheduler_.post(notice_);
    }
    if (closing_) close();
    engine_->output().release();
    // Where nobody listens yet, TCP shall hold the peer.
    if ((!handler_ || !reading_) && !inner_ended_) inner_->set_reading(false);
}

void TlsStream::deliver(Buffer& plain) {
    if (waiting_) {
        pending_.append(plain.bytes());
        if (!engine_->established() && !end_) return;
        const bool failed = !engine_->established();
        TlsHandshake* const waiting = std::exchange(waiting_, nullptr);
        if (failed) told_ = true;
        return waiting->on_handshake(failed ? std::move(end_) : Failure());
    }
    if (!handler_ || !reading_ || !pending_.empty()) {
        pending_.append(plain.bytes());
        if (handler_ && reading_) scheduler_.post(notice_);
        return;
    }
    if (plain.empty()) {
        if (end_) tell_end();
        return;
    }
    if (end_) scheduler_.post(notice_);
    handler_->on_read(plain.bytes());
}

void TlsStream::on_ready(ReadyNode& node) noexcept {
    TlsStream& self = static_cast<Notice&>(node).stream;
    if (self.told_) return;
    if (std::exchange(self.drained_, false) && self.backlog() == 0) {
        if (!self.pending_.empty() || self.end_) self.scheduler_.post(self.notice_);
        return self.handler_->on_drained();
    }
    Buffer plain;
    if (self.reading_) plain.swap(self.pending_);
    if (self.waiting_ || !plain.empty()) return self.deliver(plain);
    // While reading is off an end waits, as with any stream, unless the inner stream tells it all the same.
    if (self.end_ && self.handler_ && (self.reading_ || self.inner_ended_ || self.end_ != Errc::end_of_stream))
        self.tell_end();
}

void TlsStream::tell_end() {
    told_ = true;
    notice_.unlink();
    pending_.release();
    early_.release();
    handler_->on_end(end_);
}

void TlsStream::on_end(Failure why) {
    inner_ended_ = true;
    if (told_) return;
    if (!end_) {
        if (!engine_->established()) {
            why = engine_->cut_off(std::move(why));
        } else if (why == Errc::end_of_stream) {
            why = Failure(Errc::end_of_stream, "without TLS close_notify");
        }
        end_ = std::move(why);
    }
    if (!waiting_ && !handler_) return;
    if (!pending_.empty() && reading_) return scheduler_.post(notice_);
    Buffer nothing;
    if (waiting_) return deliver(nothing);
    tell_end();
}

void TlsStream::on_drained() {
    if (handler_ && !told_ && engine_->established()) handler_->on_drained();
}

void TlsStream::write(Buffer& bytes) {
    if (closing_ || end_ || told_) return bytes.clear();
    if (engine_->established()) return encrypt(bytes);
    early_.append(bytes.bytes());
    bytes.clear();
}

void TlsStream::encrypt(Buffer& bytes) {
    Scratch output(output_memory);
    engine_->output().swap(output.buffer);
    Failure why = engine_->write(bytes.bytes());
    bytes.clear();
    send_output();
    engine_->output().swap(output.buffer);
    if (why) fail(std::move(why));
}

/// Behind our own end there is no place for it: not for an alert about what the peer still says, nor for an answer to it.
void TlsStream::send_output() {
    if (shut_down_) return engine_->output().clear();
    if (!engine_->output().empty()) inner_->write(engine_->output());
}

void TlsStream::set_reading(bool on) {
    reading_ = on;
    if (!handler_ || told_ || !engine_->established()) return; // the handshake needs to read
    if (!inner_ended_) inner_->set_reading(on);
    if (on && (!pending_.empty() || end_)) scheduler_.post(notice_);
}

void TlsStream::shutdown() {
    if (std::exchange(closing_, true)) return;
    if (engine_->established()) close();
}

void TlsStream::close() {
    if (inner_ended_) return;
    engine_->close();
    send_output();
    shut_down_ = true;
    inner_->shutdown();
}

/// Never told from inside a call of the owner's.
void TlsStream::fail(Failure why) {
    if (end_) return;
    end_ = std::move(why);
    scheduler_.post(notice_);
}

} // namespace culex::io
