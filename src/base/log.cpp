#include "base/log.hpp"

#include <condition_variable>
#include <iterator>
#include <memory>
#include <mutex>
#include <utility>

#include <fmt/format.h>

namespace culex {

constinit std::atomic<LogLevel> log_threshold{LogLevel::off};

namespace {

/// A hook as it was set, and how many calls of it are under way.
struct Listener {
    LogHook hook;
    void* context;
    LogLevel least;
    int calls = 0;
};

struct Registry {
    std::mutex mutex;
    std::condition_variable stale_calls_ended;
    std::shared_ptr<Listener> listener;
    int stale_calls = 0; ///< under way in hooks that have been replaced
};

/// Never destroyed: other statics may log while they are.
Registry& registry() {
    static Registry& one = *new Registry;
    return one;
}

constinit thread_local bool in_hook = false;

/// A call of the hook, counted from before it begins until after it ended.
class Call {
public:
    explicit Call(LogLevel level) {
        const std::lock_guard lock(registry().mutex);
        const std::shared_ptr<Listener>& current = registry().listener;
        if (!current || level < current->least) return;
        listener_ = current;
        ++listener_->calls;
        in_hook = true;
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call() {
        if (!listener_) return;
        in_hook = false;
        const std::lock_guard lock(registry().mutex);
        --listener_->calls;
        if (listener_ == registry().listener) return;
        if (--registry().stale_calls == 0) registry().stale_calls_ended.notify_all();
    }
    void operator()(LogLevel level, std::string_view message) {
        if (listener_) listener_->hook(listener_->context, level, message);
    }

private:
    std::shared_ptr<Listener> listener_;
};

} // namespace

std::string_view to_string(LogLevel level) noexcept {
    switch (level) {
    case LogLevel::trace:
        return "trace";
    case LogLevel::debug:
        return "debug";
    case LogLevel::info:
        return "info";
    case LogLevel::warning:
        return "warning";
    case LogLevel::error:
        return "error";
    case LogLevel::off:
        return "off";
    }
    return "?";
}

void set_log_hook(LogHook hook, void* context, LogLevel least) {
    const bool listens = hook && least < LogLevel::off;
    auto fresh = listens ? std::make_shared<Listener>(Listener{hook, context, least}) : nullptr;
    Registry& all = registry();
    std::unique_lock lock(all.mutex);
    const std::shared_ptr<Listener> old = std::exchange(all.listener, std::move(fresh));
    log_threshold.store(listens ? least : LogLevel::off, std::memory_order_relaxed);
    if (old) all.stale_calls += old->calls;
    // Two hooks that each wait for the other to end would wait forever; and one must not wait for itself.
    if (!in_hook) all.stale_calls_ended.wait(lock, [&all] { return all.stale_calls == 0; });
}

void log_formatted(LogLevel level, fmt::string_view format, fmt::format_args arguments) noexcept {
    if (in_hook) return;
    try {
        fmt::memory_buffer text;
        fmt::vformat_to(std::back_inserter(text), format, arguments);
        Call call(level);
        call(level, {text.data(), text.size()});
    } catch (...) { // NOLINT(bugprone-empty-catch): no memory, or the hook threw; whoever logs must not suffer for it
    }
}

} // namespace culex
