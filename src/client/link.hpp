#pragma once
/// \file link.hpp
/// One connection: a stream, the session, and the timers between them.

#include <memory>

#include <culex/runtime.hpp>

#include "session/session.hpp"

namespace culex::client {

/// What a link tells its owner. The owner destroys the link later, not in the call.
class LinkOwner {
public:
    /// The session has taken input: there may be events.
    virtual void on_progress() = 0;
    /// Output has left: there may be room.
    virtual void on_flushed() = 0;
    /// The link is over: the transport ended, or the session wants it closed. Called once; the session is not touched after
    /// it.
    virtual void on_link_end(Failure why) = 0;

protected:
    ~LinkOwner() = default;
};

/// Drives the session with a stream for as long as that lives. Output is gathered while a turn of the loop lasts, and
/// flushed at its end; before that when there is much of it. While the stream has a backlog the output stays with the
/// session, which bounds it.
class Link final : private StreamHandler {
public:
    Link(Runtime& runtime, session::Session& session, std::unique_ptr<Stream> stream, LinkOwner& owner);

    /// There may be something in the output: sees to it that it leaves.
    void output_arrived() {
        const std::size_t size = session_.output_size();
        if (size >= flush_at_ || (size != 0 && !flush_.linked())) [[unlikely]]
            schedule_flush();
    }
    /// The same for who knows that there is, and that it is not much (`Session::set_direct_below`).
    /// True: a tail of its caller's.
    bool output_grew() { return flush_.linked() || schedule_flush(); }
    /// Without memory for the transport the program ends: nobody could be told.
    void flush() noexcept;
    void set_reading(bool on);
    /// As it was last set.
    [[nodiscard]] bool reading() const noexcept { return reading_; }
    /// Nothing is read, whatever `set_reading` says: the session has not accepted the broker yet.
    void hold_reading(bool on);
    /// The owner has changed the session itself, and there may be events.
    void session_changed() {
        owner_.on_progress();
        look_at_session();
    }
    /// The session is about to be another link's: what still comes here is thrown away, and the owner hears no more.
    void retire();
    [[nodiscard]] std::string peer() const { return stream_->peer(); }
    /// Nothing is waited for any more, but that the last word leaves, and not for long.
    void end_soon();

private:
    static constexpr std::size_t early_flush = std::size_t{64} << 10;
    static constexpr std::size_t when_drained = SIZE_MAX;
    static constexpr auto linger = std::chrono::seconds{2};

    struct FlushNode : ReadyNode {
        explicit FlushNode(Link& link_) noexcept
            : ReadyNode([](ReadyNode& node) { static_cast<FlushNode&>(node).link.flush(); }), link(link_) {}
        Link& link;
    };
    struct Deadline : Timer {
        explicit Deadline(Link& link_) noexcept
            : Timer([](Timer& timer) { static_cast<Deadline&>(timer).link.time_passed(); }), link(link_) {}
        Link& link;
    };

    [[gnu::noinline]] bool schedule_flush();
    void flush_at(std::size_t bytes) noexcept;
    void on_read(Bytes bytes) override;
    void on_end(Failure why) override;
    void on_drained() override;
    void time_passed();
    /// The session has said its last word: no more input, the writing side is closed behind the output. The link ends when
    /// the peer has closed as well, or after a moment.
    void close_gracefully();
    void note_progress();
    /// After anything that may have changed the session.
    void look_at_session();
    void end(Failure why);

    Runtime& runtime_;
    session::Session& session_;
    LinkOwner& owner_;
    FlushNode flush_{*this};
    Deadline deadline_{*this};
    std::size_t flush_at_ = early_flush; // of output
    // Ten thousand idle clients have one of these each: hence the bits, and the units, which may wrap.
    std::uint32_t taken_ = 0;  // by the peer, when it was last looked at
    bool waited_ : 1 = false;  // then not all was taken
    bool closing_ : 1 = false; // input is read and thrown away, so that closing does not reset the connection
    bool ends_soon_ : 1 = false;
    bool held_ : 1 = false;
    bool ended_ = false;
    bool unanswered_ = false; // something was read in this turn, and nothing written since
    bool reading_ = true;
    std::unique_ptr<Stream> stream_;
};

} // namespace culex::client
