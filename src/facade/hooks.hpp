#pragma once
/// \file hooks.hpp
/// The hooks of a connection, `before_reconnect` and `after_connect`, and which of them are due.

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <thread>

#include <culex/function.hpp>

namespace culex {
class Client;
}

namespace culex::facade {

enum class HookKind : std::uint8_t { before_reconnect, after_connect };

/// What `connect` was given. No thread but the one that runs a hook touches it.
using HookFunctions = std::array<Function<void(Client&)>, 2>; // by kind

/// Guarded by its engine's mutex.
class HookQueue {
    static constexpr std::size_t index(HookKind kind) noexcept { return static_cast<std::size_t>(kind); }

public:
    struct Due {
        HookKind kind = HookKind::after_connect;
        std::uint64_t attempt = 0; ///< which attempt waits for a `before_reconnect`
        std::shared_ptr<HookFunctions> functions{};

        void run(Client& client) const { (*functions)[index(kind)](client); }
    };

    /// Swaps what `connect` was given in, and what the connection before it was given out.
    void swap_functions(std::shared_ptr<HookFunctions>& functions) noexcept { functions_.swap(functions); }
    [[nodiscard]] bool has(HookKind kind) const noexcept { return functions_ && (*functions_)[index(kind)]; }

    /// Makes the hook due, where there is one, instead of an earlier time: that was of another connection or attempt, and
    /// without a loop there would be ever more.
    void add(HookKind kind, std::uint64_t attempt = 0) {
        if (!has(kind)) return;
        std::erase_if(due_, [kind](const Due& due) { return due.kind == kind; });
        due_.push_back({kind, attempt, functions_});
    }
    [[nodiscard]] bool empty() const noexcept { return due_.empty(); }
    void clear() noexcept { due_.clear(); }
    [[nodiscard]] bool is_running(HookKind kind) const noexcept { return runs_[index(kind)].depth > 0; }
    [[nodiscard]] bool is_running_here(HookKind kind) const noexcept {
        return is_running(kind) && runs_[index(kind)].thread == std::this_thread::get_id();
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
    std::array<Run, 2> runs_{};
};

} // namespace culex::facade
