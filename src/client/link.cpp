#include "client/link.hpp"

#include <utility>

namespace culex::client {

Link::Link(Runtime& runtime, session::Session& session, std::unique_ptr<Stream> stream, LinkOwner& owner)
    : runtime_(runtime), session_(session), owner_(owner), stream_(std::move(stream)) {
    flush_at(early_flush);
    stream_->start(*this);
}

void Link::flush_at(std::size_t bytes) noexcept {
    flush_at_ = bytes;
    session_.set_direct_below(bytes);
}

bool Link::schedule_flush() {
    if (ended_) return true;
    if (session_.output_size() >= flush_at_) {
        flush();
    } else {
        runtime_.post_at_turn_end(flush_);
    }
    return true;
}

void Link::flush() noexcept {
    if (ended_) return;
    // More than once where the session had held output back for want of room.
    while (session_.output_size() > 0 && stream_->backlog() == 0) {
        session_.before_flush();
        if (auto ahead = session_.take_ahead()) [[unlikely]] {
            stream_->write_with(ahead->before, std::move(ahead->payload));
            // Written over a backlog, what is behind would make the stream copy the payload after all.
            if (stream_->backlog() > 0 && session_.output_size() > 0) break;
        }
        stream_->write(session_.output());
        session_.handle_flushed(runtime_.now());
        unanswered_ = false; // what leaves carries the transport's acknowledgement
    }
    flush_at(stream_->backlog() == 0 ? early_flush : when_drained);
    if (std::exchange(unanswered_, false) && stream_->backlog() == 0) stream_->acknowledge_soon();
    owner_.on_flushed();
    if (!closing_ && session_.finished() && session_.output_size() == 0) close_gracefully();
}

void Link::on_drained() {
    if (ended_) return;
    session_.handle_taken(runtime_.now());
    flush_at(early_flush);
    flush();
}

void Link::set_reading(bool on) {
    if (on == reading_ || closing_ || ended_) return;
    reading_ = on;
    if (held_) return;
    stream_->set_reading(on);
    session_.handle_reading(on, runtime_.now());
    look_at_session();
}

void Link::hold_reading(bool on) {
    if (on == held_ || closing_ || ended_) return;
    held_ = on;
    stream_->set_reading(reading_ && !on);
    session_.handle_reading(reading_ && !on, runtime_.now());
}

void Link::close_gracefully() {
    closing_ = true;
    if (!std::exchange(reading_, true)) stream_->set_reading(true); // to see the peer close
    stream_->shutdown();
    runtime_.arm_after(deadline_, linger);
}

void Link::end_soon() {
    if (closing_ || ended_ || ends_soon_) return;
    ends_soon_ = true;
    runtime_.arm_after(deadline_, linger);
}

/// PINGREQ waits behind what the peer has not taken yet. As long as it takes of that, it lives.
void Link::note_progress() {
    constexpr int bytes_of_unit = 8; // 256: a link that takes less from one look to the next is not worth waiting for
    const std::size_t waiting = stream_->unsent() + session_.output_size();
    const auto taken = static_cast<std::uint32_t>((session_.bytes_sent() - waiting) >> bytes_of_unit);
    const bool more = static_cast<std::int32_t>(taken - taken_) > 0;
    if (more && waited_) session_.handle_taken(runtime_.now());
    taken_ = taken;
    waited_ = waiting > 0;
}

void Link::on_read(Bytes bytes) {
    if (closing_ || ended_) return;
    // A broker that has Nagle's algorithm on, as mosquitto has, holds its next small packet back until the one before it is
    // acknowledged. Nothing of ours may be about to leave and do that: then TCP's delayed acknowledgement costs 40 ms.
    unanswered_ = true;
    runtime_.post_at_turn_end(flush_);
    session_.handle_input(bytes, runtime_.now());
    owner_.on_progress();
    look_at_session();
}

void Link::on_end(Failure why) { end(std::move(why)); }

void Link::time_passed() {
    if (ends_soon_ && !closing_) return end(Failure(Errc::timed_out, "the broker does not read"));
    if (closing_) {
        // The last word is on its way on a slow link; how long that may take the owner says by `end_soon`.
        if (stream_->backlog() > 0 && !ends_soon_) return runtime_.arm_after(deadline_, linger);
        return end(Failure(Errc::end_of_stream));
    }
    note_progress();
    session_.handle_time(runtime_.now());
    look_at_session();
}

void Link::look_at_session() {
    if (closing_ || ended_) return;
    if (session_.failure()) {
        Failure why = session_.failure();
        flush();
        return end(std::move(why));
    }
    output_arrived();
    // Deadlines mostly move away: an armed timer that is early costs one look, and nothing for each packet.
    const TimePoint due = session_.poll_deadline();
    if (due != TimePoint::max() && (!deadline_.armed() || deadline_.when() > due)) runtime_.arm(deadline_, due);
}

void Link::retire() {
    if (std::exchange(ended_, true)) return;
    deadline_.disarm();
    flush_.unlink();
    if (held_) stream_->set_reading(true); // to see the peer close
    held_ = false;
    if (!closing_) stream_->shutdown();
}

void Link::end(Failure why) {
    if (ended_) return;
    retire();
    owner_.on_link_end(std::move(why));
}

} // namespace culex::client
