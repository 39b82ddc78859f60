#include <culex/loop.hpp>
#include <culex/uv.hpp>

#include "io/connector.hpp"
#include "io/loop_core.hpp"
#include "io/socket_listener.hpp"

namespace culex {

/// What the functions of uv.hpp may do.
struct UvAccess {
    static std::unique_ptr<Loop> adopt(uv_loop_t* loop) {
        assert(loop);
        return std::unique_ptr<Loop>(new Loop(std::make_unique<io::LoopCore>(loop)));
    }
    static uv_loop_t* native(const Loop& loop) noexcept { return loop.core_->uv(); }
};

Loop::Loop() : Loop(std::make_unique<io::LoopCore>(nullptr)) {}

Loop::Loop(std::unique_ptr<io::LoopCore> core) noexcept : core_(std::move(core)) { core_->attach(*this); }

// Explicitly, while all of the loop is still there: destructors of what was posted may use it.
Loop::~Loop() { core_->close(); }

void Loop::run() { core_->run(); }

void Loop::stop() noexcept { core_->stop(); }

void Loop::post(Function<void()> function) { core_->mailbox()->post(std::move(function)); }

Loop::Poster Loop::poster() const { return Poster(core_->mailbox()); }

bool Loop::Poster::post(Function<void()> function) const { return mailbox_->post(std::move(function)); }

Loop::Hold::Hold(Loop& loop) noexcept : loop_(loop) { loop_.core_->hold(); }

Loop::Hold::~Hold() { loop_.core_->release(); }

TimePoint Loop::now() const noexcept { return core_->now(); }

std::unique_ptr<Opening> Loop::open(const Endpoint& endpoint, const StreamOptions& options, OpenHandler& handler) {
    core_->check_thread();
    return io::open_stream(*core_, endpoint, options, handler);
}

Result<std::unique_ptr<Listener>> Loop::listen(const Endpoint& endpoint, AcceptHandler& handler) {
    core_->check_thread();
    return io::listen_on(*core_, endpoint, handler);
}

void Loop::work_arrived() noexcept { core_->work_arrived(); }
void Loop::next_timer_changed() noexcept { core_->next_timer_changed(); }

std::unique_ptr<Loop> adopt(uv_loop_t* loop) { return UvAccess::adopt(loop); }
uv_loop_t* native(Loop& loop) noexcept { return UvAccess::native(loop); }

} // namespace culex
