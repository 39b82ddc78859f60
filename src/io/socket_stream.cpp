#include "io/socket_stream.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace culex::io {
namespace {

[[nodiscard]] bool would_block(int error) noexcept { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

} // namespace

SocketStream::SocketStream(LoopCore& core, FileDescriptor socket, Handle<uv_poll_t> poll, std::string peer,
                           bool quick_ack)
    : user_(core), socket_(std::move(socket)), poll_(std::move(poll)), peer_(std::move(peer)), quick_ack_(quick_ack) {
    poll_.set_owner(this);
}

void SocketStream::start(StreamHandler& handler) {
    user_.core().check_thread();
    assert(!handler_ && "culex::Stream started twice");
    handler_ = &handler;
    watch();
    if (write_failure_ || drained_) user_.core().loop().post(notice_);
}

void SocketStream::write(Buffer& bytes) {
    user_.core().check_thread();
    if (writing_ != Writing::open || bytes.empty()) {
        bytes.clear();
    } else if (backlog() > 0) {
        keep(bytes);
    } else if (send_some(bytes) && !bytes.empty()) {
        backlog_.swap(bytes);
        user_.core().take_spare(bytes); // who writes so much will go on
        watch();
    }
}

void SocketStream::write_with(Buffer& bytes, Payload payload) {
    user_.core().check_thread();
    if (writing_ != Writing::open) {
        bytes.clear();
    } else if (backlog() > 0) {
        keep(bytes);
        backlog_.append(payload.bytes());
    } else if (send_some(bytes, payload) && !(bytes.empty() && payload.empty())) {
        backlog_.swap(bytes);
        payload_ = std::move(payload);
        watch();
    }
}

/// Behind the backlog. Who respects it does not come here.
void SocketStream::keep(Buffer& bytes) {
    backlog_.append(std::exchange(payload_, {}).bytes());
    backlog_.append(bytes.bytes());
    bytes.clear();
}

/// Sends what the socket takes and consumes that from `bytes`. False where the socket has failed; `bytes` are gone then.
bool SocketStream::send_some(Buffer& bytes) {
    Payload none;
    return sent(::send(socket_.number(), bytes.bytes().data(), bytes.size(), MSG_NOSIGNAL), bytes, none);
}

bool SocketStream::send_some(Buffer& bytes, Payload& payload) {
    if (payload.empty()) return send_some(bytes);
    // The socket only reads; the interface is older than const.
    const auto part = [](Bytes from) { return iovec{const_cast<std::byte*>(from.data()), from.size()}; };
    std::array parts{part(bytes.bytes()), part(payload.bytes())};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    return sent(::sendmsg(socket_.number(), &message, MSG_NOSIGNAL), bytes, payload);
}

bool SocketStream::sent(ssize_t count, Buffer& bytes, Payload& payload) {
    if (count >= 0) {
        const std::size_t first = std::min(static_cast<std::size_t>(count), bytes.size());
        bytes.consume(first);
        payload.remove_prefix(static_cast<std::size_t>(count) - first);
        if (payload.empty()) payload = {};
        return true;
    }
    if (would_block(errno)) return true;
    const int error = errno;
    bytes.clear();
    payload = {};
    fail_write(error);
    return false;
}

void SocketStream::flush_backlog() {
    if (!send_some(backlog_, payload_) || backlog() > 0) return;
    user_.core().keep_spare(backlog_); // one for all: ten thousand connections may each have had a backlog once
    if (writing_ == Writing::ending) end_writing();
    drained_ = true;
    watch();
    if (handler_) user_.core().loop().post(notice_);
}

std::size_t SocketStream::unsent() const noexcept {
    int in_socket = 0;
    if (ioctl(socket_.number(), SIOCOUTQ, &in_socket) != 0) in_socket = 0;
    return backlog() + static_cast<std::size_t>(in_socket);
}

void SocketStream::set_reading(bool on) {
    user_.core().check_thread();
    reading_ = on;
    watch();
}

void SocketStream::shutdown() {
    user_.core().check_thread();
    if (writing_ != Writing::open) return;
    writing_ = Writing::ending;
    if (backlog() == 0) end_writing();
}

void SocketStream::end_writing() noexcept {
    writing_ = Writing::ended;
    ::shutdown(socket_.number(), SHUT_WR); // fails where the peer has gone, which reading tells
}

void SocketStream::acknowledge_soon() noexcept {
    if (quick_ack_) set_quick_ack(socket_.number());
}

/// Nothing more can be sent. That is told from the ready queue, since `write` is where we learn it.
void SocketStream::fail_write(int error) {
    writing_ = Writing::failed;
    drop_backlog();
    write_failure_ = system_failure(error);
    watch();
    if (handler_) user_.core().loop().post(notice_);
}

/// Watches for what there is to wait for. libuv turns each change into two system calls: nothing changes in the steady state.
void SocketStream::watch() {
    int wanted = 0;
    if (handler_ && reading_) wanted |= UV_READABLE;
    if (backlog() > 0) wanted |= UV_WRITABLE;
    if (ended_ || write_failure_) wanted = 0;
    if (wanted == watched_) return;
    watched_ = wanted;
    if (wanted == 0) {
        uv_poll_stop(poll_.get());
    } else {
        uv_poll_start(poll_.get(), wanted, &SocketStream::on_poll);
    }
}

void SocketStream::on_poll(uv_poll_t* poll, int status, int events) noexcept {
    auto& self = *static_cast<SocketStream*>(poll->data);
    const Turn turn(self.user_.core());
    if (status < 0) {
        // The socket has met an error, and libuv has ceased to watch. What was received before it can still be read, and
        // the error itself comes out of the socket when we read or write: watch and act as if all were ready.
        events = std::exchange(self.watched_, 0);
        self.watch();
    }
    if ((events & UV_WRITABLE) && self.backlog() > 0) self.flush_backlog();
    if ((events & UV_READABLE) && self.reading_ && !self.write_failure_) self.read_once();
}

/// One read for each time that the socket is ready: others get their turn, and after the handler there is nothing left to do.
void SocketStream::read_once() {
    const std::span<std::byte> buffer = user_.core().read_buffer();
    const ssize_t count = ::recv(socket_.number(), buffer.data(), buffer.size(), 0);
    if (count > 0) {
        handler_->on_read(buffer.first(static_cast<std::size_t>(count)));
    } else if (count == 0) {
        end(Failure(Errc::end_of_stream));
    } else if (!would_block(errno)) {
        end(system_failure(errno));
    }
}

void SocketStream::on_ready(ReadyNode& node) noexcept {
    SocketStream& self = static_cast<Notice&>(node).stream;
    if (self.write_failure_) {
        self.read_last_words();
    } else if (std::exchange(self.drained_, false) && self.backlog() == 0) {
        self.handler_->on_drained();
    }
}

/// Writing has failed. Reads what the peer has left behind, one piece for each notice, and then tells the failure. While
/// reading is paused it is told at once: nobody knows when it would go on.
void SocketStream::read_last_words() {
    ssize_t count = -1;
    const std::span<std::byte> buffer = user_.core().read_buffer();
    if (reading_) count = ::recv(socket_.number(), buffer.data(), buffer.size(), 0);
    if (count > 0) {
        user_.core().loop().post(notice_);
        handler_->on_read(buffer.first(static_cast<std::size_t>(count)));
    } else if (count == 0 && write_failure_ == std::errc::broken_pipe) {
        end(Failure(Errc::end_of_stream)); // it had closed, in order, before we wrote
    } else if (count < 0 && reading_ && !would_block(errno)) {
        end(system_failure(errno)); // "connection reset" where writing only said "broken pipe"
    } else {
        end(std::move(write_failure_));
    }
}

void SocketStream::end(Failure why) {
    ended_ = true;
    writing_ = Writing::failed;
    drop_backlog();
    notice_.unlink();
    watch();
    handler_->on_end(std::move(why));
}

Result<std::unique_ptr<Stream>> make_stream(LoopCore& core, FileDescriptor socket, std::string peer, bool quick_ack) {
    Handle<uv_poll_t> poll;
    const int error =
        poll.open(nullptr, [&](uv_poll_t* handle) { return uv_poll_init(core.uv(), handle, socket.number()); });
    if (error) return uv_failure(error, std::move(peer));
    return std::unique_ptr<Stream>(
        std::make_unique<SocketStream>(core, std::move(socket), std::move(poll), std::move(peer), quick_ack));
}

} // namespace culex::io
