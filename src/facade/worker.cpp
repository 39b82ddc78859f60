#include "facade/worker.hpp"

#include <algorithm>
#include <condition_variable>
#include <iterator>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include <culex/error.hpp>

namespace culex::facade {

class Worker::End {
public:
    void reach() {
        const std::scoped_lock lock(mutex_);
        reached_ = true;
        changed_.notify_all();
    }
    bool wait_until(TimePoint deadline) {
        std::unique_lock lock(mutex_);
        const auto reached = [this] { return reached_; };
        // The greatest time is not one that every implementation can wait for.
        if (deadline != TimePoint::max()) return changed_.wait_until(lock, deadline, reached);
        changed_.wait(lock, reached);
        return true;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool reached_ = false;
};

/// Never destroyed: threads may be left as long as the process lives.
class LeftWorkers {
public:
    static LeftWorkers& instance() {
        static auto& only = *new LeftWorkers;
        return only;
    }

    void add(Worker worker) {
        std::vector<Worker> ended;
        {
            const std::scoped_lock lock(mutex_);
            const auto still_running = [](const Worker& other) { return !other.ended(); };
            const auto first_ended = std::stable_partition(workers_.begin(), workers_.end(), still_running);
            std::move(first_ended, workers_.end(), std::back_inserter(ended));
            workers_.erase(first_ended, workers_.end());
            workers_.push_back(std::move(worker));
        }
        for (Worker& other : ended) other.join_until(TimePoint::max());
    }

    void wait_at_exit() {
        std::vector<Worker> left;
        {
            const std::scoped_lock lock(mutex_);
            left.swap(workers_);
        }
        const TimePoint deadline = Clock::now() + std::chrono::seconds{2};
        for (Worker& worker : left) {
            if (!worker.join_until(deadline)) worker.thread_.detach();
        }
    }

private:
    std::mutex mutex_;
    std::vector<Worker> workers_;
};

void Worker::watch_exit() {
    struct AtExit {
        ~AtExit() { LeftWorkers::instance().wait_at_exit(); }
    };
    static const AtExit at_exit;
}

Worker::Worker() noexcept = default;

Worker::Worker(Function<void()> run) : end_(std::make_shared<End>()) {
    const auto main = [](Function<void()> body, const std::shared_ptr<End>& end) {
        body();
        body = nullptr;
        end->reach();
    };
    try {
        thread_ = std::thread(main, std::move(run), end_);
    } catch (const std::system_error& error) {
        throw Error(Failure(error.code(), "no thread could be started"));
    }
}

Worker::Worker(Worker&&) noexcept = default;

Worker& Worker::operator=(Worker&& other) noexcept {
    Worker before(std::move(*this));
    end_ = std::move(other.end_);
    thread_ = std::move(other.thread_);
    return *this;
}

Worker::~Worker() {
    if (thread_.joinable()) LeftWorkers::instance().add(std::move(*this));
}

bool Worker::ended() const { return end_->wait_until(TimePoint::min()); }

bool Worker::join_until(TimePoint deadline) {
    if (!thread_.joinable()) return true;
    if (!end_->wait_until(deadline)) return false;
    thread_.join();
    return true;
}

} // namespace culex::facade
