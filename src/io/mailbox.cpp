#include "io/mailbox.hpp"

namespace culex::io {

bool Mailbox::post(Function<void()> function) {
    const std::scoped_lock lock(mutex_);
    if (!wake_up_) return false;
    posted_.push_back(std::move(function));
    // Under the lock, since nobody may send to a handle that is being closed. That it fails is not possible while it is open.
    if (posted_.size() == 1) uv_async_send(wake_up_);
    return true;
}

void Mailbox::open(uv_async_t* wake_up) noexcept {
    const std::scoped_lock lock(mutex_);
    wake_up_ = wake_up;
}

void Mailbox::run() noexcept {
    {
        const std::scoped_lock lock(mutex_);
        running_.swap(posted_);
    }
    for (Function<void()>& function : running_) {
        function();
        function = nullptr; // what it captured ends before the next one runs
    }
    running_.clear();
}

bool Mailbox::waiting() {
    const std::scoped_lock lock(mutex_);
    return !posted_.empty();
}

void Mailbox::close() noexcept {
    std::vector<Function<void()>> never_run;
    {
        const std::scoped_lock lock(mutex_);
        wake_up_ = nullptr;
        never_run.swap(posted_);
    }
    // Their destructors run here, outside of the lock: they may post in vain.
}

} // namespace culex::io
