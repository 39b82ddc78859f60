#include "facade/io_thread.hpp"

#include <mutex>

namespace culex::facade {
namespace {

constinit thread_local bool is_io_thread = false;

} // namespace

std::shared_ptr<IoThread> IoThread::shared() {
    // Never destroyed: clients may be static, and outlive whatever is.
    static auto& mutex = *new std::mutex;
    static auto& last = *new std::weak_ptr<IoThread>;
    const std::scoped_lock lock(mutex);
    auto thread = last.lock();
    if (!thread) last = thread = std::make_shared<IoThread>();
    return thread;
}

bool IoThread::is_current() noexcept { return is_io_thread; }

IoThread::IoThread() {
    auto home = std::make_unique<Home>();
    home_ = home.get();
    worker_ = Worker([home = std::move(home)]() mutable {
        is_io_thread = true;
        home->loop.run();
        home.reset();
    });
}

IoThread::~IoThread() {
    post([home = home_] { home->loop.stop(); });
    if (!is_io_thread) worker_.join_until(TimePoint::max());
}

} // namespace culex::facade
