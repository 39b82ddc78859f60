#pragma once
/// \file io_thread.hpp
/// The thread on which the I/O of all documented clients happens.

#include <memory>

#include <culex/loop.hpp>

#include "facade/worker.hpp"

namespace culex::facade {

/// Made by the first client that connects, joined with the last one that goes.
class IoThread {
public:
    /// The one that there is, or a new one. Throws `Error` where the system has no thread or no descriptors left.
    [[nodiscard]] static std::shared_ptr<IoThread> shared();
    /// Whether the caller is on it, as a log hook may be: then nothing may wait for it.
    [[nodiscard]] static bool is_current() noexcept;

    IoThread();
    IoThread(const IoThread&) = delete;
    IoThread& operator=(const IoThread&) = delete;
    /// Nothing may be open on the loop any more.
    ~IoThread();

    /// For the thread itself.
    [[nodiscard]] Loop& loop() noexcept { return home_->loop; }
    void post(Function<void()> function) { home_->loop.post(std::move(function)); }

private:
    struct Home {
        Loop loop;
        Loop::Hold hold{loop};
    };

    Home* home_; // owned by the thread
    Worker worker_;
};

} // namespace culex::facade
