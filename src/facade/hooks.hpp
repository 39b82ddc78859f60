#pragma once
/// \file hooks.hpp
/// The hooks of a connection, and which of them are due.

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>

#include <culex/error.hpp>
#include <culex/function.hpp>

namespace culex {
class Client;
}

namespace culex::facade {

enum class HookKind : std::uint8_t { on_disconnected, before_reconnect, after_connect };

[[nodiscard]] constexpr std::string_view to_string(HookKind kind) noexcept {
    constexpr std::string_view names[] = {"on_disconnected", "before_reconnect", "after_connect"};
    return names[static_cast<std::size_t>(kind)];
}

/// What `connect` was given. No thread but the one that runs a hook touches it.
struct HookFunctions {
    Function<void(Client&)> before_reconnect{};
    Function<void(Client&)> after_connect{};
    Function<void(Client&, const Failure&, bool)> on_disconnected{};
};

/// Guarded by its engine's mutex.
class HookQueue {
    static constexpr std::size_t index(HookKind kind) noexcept { return static_cast<std::size_t>(kind); }

public:
    struct Due {
        HookKind kind = HookKind::after_connect;
        std::uint64_t attempt = 0; ///< which attempt waits for a `before_reconnect`
        Failure why{};             ///< of `on_disconnected`
        bool gives_up = false;     ///< the same
        std::shared_ptr<HookFunctions> functions{};

        void run(Client& client) const {
            switch (kind) {
            case HookKind::on_disconnected:
                return functions->on_disconnected(client, why, gives_up);
            case HookKind::before_reconnect:
                return functions->before_reconnect(client);
            case HookKind::after_connect:
                return functions->after_connect(client);
            }
        }
    };

    /// Swaps what `connect` was given in, and what the connection before it was given out.
    void swap_functions(std::shared_ptr<HookFunctions>& functions) noexcept { functions_.swap(functions); }
    [[nodiscard]] bool has(HookKind kind) const noexcept {
        if (!functions_) return false;
        if (kind == HookKind::on_disconnected) return bool(functions_->on_disconnected);
        return bool(kind == HookKind::before_reconnect ? functions_->before_reconnect : functions_->after_connect);
    }

    /// Makes the hook due, where there is one, instead of an earlier time: that was of another connection or attempt, and
    /// without a loop there would be ever more.
    void add(Due due) {
        if (!has(due.kind)) return;
        std::erase_if(due_, [&](const Due& other) { return other.kind == due.kind; });
        due.functions = functions_;
        due_.push_back(std::move(due));
    }
    [[nodiscard]] bool empty() const noexcept { return due_.empty(); }
    void clear() noexcept { due_.clear(); }
    [[nodiscard]] bool is_running(HookKind kind) const noexcept { return runs_[index(kind)].depth > 0; }
    [[nodiscard]] bool is_running_here(HookKind kind) const noexcept {
        return is_running(kind) && runs_[index(kind)].thread == std::this_thread::get_id();
    }
    [[nodiscard]] bool any_is_running_here() const noexcept {
        const auto here = std::this_thread::get_id();
        return std::ranges::any_of(runs_, [here](const Run& run) { return run.depth > 0 && run.thread == here; });
    }

    /// Takes the first that the calling thread may run: a hook never runs on two threads at once, and only inside itself
    /// where it waits for a call that needs it. To be given back to `ran`.
    [[nodiscard]] std::optional<Due> take() {
        for (auto due = due_.begin(); due != due_.end(); ++due) {
            Run& run = runs_[index(due->kind)];
            if (run.depth > 0 && run.thread != std::this_thread::get_id()) continue;
            run.thread = std::this_thread::get_id();
            ++run.depth;
            std::optional<Due> taken(std::move(*due));
            due_.erase(due);
            return taken;
        }
        return std::nullopt;
    }
    void ran(const Due& due) noexcept { --runs_[index(due.kind)].depth; }

private:
    struct Run {
        std::thread::id thread{};
        int depth = 0;
    };

    std::shared_ptr<HookFunctions> functions_;
    std::deque<Due> due_;
    std::array<Run, 3> runs_{}; // by kind
};

} // namespace culex::facade
